"""``kado alarms history``: what alarms did."""

from typing import Annotated

import typer
from rich.text import Text

from facility.alarms import Cause, Transition
from facility.time import parse_time, system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr
from kado.language.alarm_words import alarm_cause, alarm_state, suppressors
from kado.output import local, print_json, show, table, title
from kado.queries.alarms import AlarmHistory, history_document, load_history

FromOption = Annotated[str | None, typer.Option("--from", help="Start of the interval, ISO 8601 with an offset.")]
ToOption = Annotated[str | None, typer.Option("--to", help="End, not included; default: now.")]


def history(
    alarm: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this alarm.")] = None,
    start: FromOption = None,
    end: ToOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List past alarm events from the journal.

    \b
    Examples:
      kado alarms history
      kado alarms history beam_lost --from 2026-10-01T00:00:00+09:00
    """
    configuration = load_configuration(config)
    start_ns = None if start is None else parse_time(start)
    end_ns = system_clock() if end is None else parse_time(end)
    found = load_history(configuration, start_ns, end_ns, alarm)
    if output is Format.JSON:
        print_json(history_document(found))
    else:
        show_history(found)


def show_history(found: AlarmHistory) -> None:
    """Print rows for people."""
    profile = found.configuration.profile
    rows = table([tr("time"), tr("alarm"), tr("state before"), tr("state after"), tr("cause"), tr("by")])
    for row in found.rows:
        rows.add_row(
            local(row.time_ns, profile.zone),
            row.alarm,
            alarm_state(row.from_state),
            alarm_state(row.to_state),
            alarm_cause(row.cause),
            Text(by_text(row)),
        )
    heading = tr("replay of the alarms") if found.replayed else tr("history of the alarms")
    show(title(profile, heading), rows)
    for name in found.unknown:
        show(Text(tr("{series} has no history: unknown in the replay", series=name), style="dim"))
    for a, b in found.holes:
        show(
            Text(tr("not watched from {a} to {b}", a=local(a, profile.zone), b=local(b, profile.zone)), style="yellow")
        )


def by_text(row: Transition) -> str:
    """Return who or what changed an alarm."""
    if row.by is None:
        return ""
    return suppressors(row.by) if row.cause is Cause.SUPPRESSED else row.by
