"""``kado alarms replay``: rules on the recorded history."""

from pathlib import Path
from typing import Annotated

import typer

from facility.time import parse_time
from kado.cli.alarm_history import by_text, show_history
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr, trn
from kado.language.alarm_words import alarm_cause, alarm_state
from kado.output import local, print_json
from kado.progress import progress_bar
from kado.queries.alarm_replay import compare_with_journal, comparison_document, load_replay
from kado.queries.alarms import history_document


def replay(
    start: Annotated[str, typer.Option("--from", help="Start of the interval, ISO 8601 with an offset.")],
    end: Annotated[str, typer.Option("--to", help="End, not included.")],
    rules: Annotated[Path | None, typer.Option("--rules", help="Rules other than those of kado.toml.")] = None,
    alarm: Annotated[str | None, typer.Option("--alarm", help="Only this alarm.")] = None,
    with_actions: Annotated[
        bool, typer.Option("--with-actions", help="Include operator actions: acknowledged, shelved, out of service.")
    ] = False,
    against_journal: Annotated[
        bool,
        typer.Option("--against-journal", help="List only differences from the journal; ends with 1 if there are any."),
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Compute which alarms the rules would have raised in the past.

    Each sample counts at its own time, as if it had arrived at once. States of kado itself have no history.

    \b
    Examples:
      kado alarms replay --from 2026-10-01T00:00:00+09:00 --to 2026-11-01T00:00:00+09:00
      kado alarms replay --from 2026-10-01T00:00:00+09:00 \
        --to 2026-10-02T00:00:00+09:00 --with-actions --against-journal
    """
    configuration = load_configuration(config)
    with progress_bar(tr("replaying"), 1) as bar:
        found = load_replay(
            configuration,
            parse_time(start),
            parse_time(end),
            rules_file=rules,
            alarm=alarm,
            with_actions=with_actions or against_journal,
            progress=bar.advance_through,
        )
    compared = compare_with_journal(found, alarm) if against_journal else None
    if output is Format.JSON:
        differences = {} if compared is None else {"against_journal": comparison_document(compared)}
        print_json({**history_document(found), **differences})
    elif compared is None:
        show_history(found)
    else:
        zone = configuration.profile.zone
        for where, rows in (
            (tr("only in the replay"), compared.only_in_replay),
            (tr("only in the journal"), compared.only_in_journal),
        ):
            for t in rows:
                states = f"{alarm_state(t.from_state)} → {alarm_state(t.to_state)}"
                line = f"{t.alarm}  {states}  {alarm_cause(t.cause)}" + (f" ({by_text(t)})" if t.by else "")
                print(f"{where}: {local(t.time_ns, zone)} {line}")
        print(trn("{n} row differs", "{n} rows differ", len(compared.only_in_replay) + len(compared.only_in_journal)))
    if compared is not None and (compared.only_in_replay or compared.only_in_journal):
        raise typer.Exit(1)
