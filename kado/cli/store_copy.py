"""``kado store copy``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from facility.errors import ProblemFoundError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import marked, tr
from kado.output import local, print_json, show, table, title
from kado.progress import progress_bar
from kado.rounding import count
from kado.service.copying import CopyResult, copy_document
from kado.service.copying import copy_store as copy


def copy_store(
    to: Annotated[Path | None, typer.Option("--to", help="The kado.toml of the target store.")] = None,
    from_: Annotated[
        Path | None, typer.Option("--from", help="The kado.toml of the source store, instead of --to.")
    ] = None,
    signal: Annotated[
        list[str] | None, typer.Option(help="Only this signal. Repeatable; default: all, including links.")
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Copy samples between stores, embedded or InfluxDB.

    Both must belong to the same facility. The target must not be in use by a running kado. Can be repeated
    safely, and resumes after an interruption: existing samples are found by comparison. At the end both sides
    are counted; ends with 1 if they differ. Calendar, corrections and incidents (journal.db) are not copied.

    \b
    Examples:
      kado store copy --to influxdb/kado.toml
      kado store copy --from old/kado.toml --signal stored_current
    """
    other = to or from_
    if other is None or (to is not None and from_ is not None):
        raise UsageError(Sentence("say with one of --to FILE and --from FILE which other kado.toml the copy is about"))
    # The environment says how this kado is configured, not how the other one is.
    here, there = load_configuration(config), load_configuration(other, environment=False)
    source, target = (here, there) if to is not None else (there, here)
    with progress_bar(tr("copying"), 1) as bar:
        result = copy(
            source,
            target,
            system_clock,
            signals=tuple(signal or ()),
            progress=lambda done, total, name: bar.advance_to(done, f"{name}, {done:,} samples", max(total, 1)),
        )
    if output is Format.JSON:
        print_json(copy_document(source.profile, result))
    else:
        show(*copy_table(source.profile, result))
    if problems := result.problems():
        raise ProblemFoundError(Sentence.joined([Sentence("the counts of both sides do not agree"), *problems]))


def copy_table(profile: Profile, result: CopyResult) -> list[RenderableType]:
    """Return a line for each signal, and what of them was counted on both sides when all was done."""
    lines: list[RenderableType] = [
        title(profile, tr("copied from {source} to {target}", source=result.source, target=result.target))
    ]
    if result.kept_from_ns is not None:
        since = local(result.kept_from_ns, profile.zone, offset=True)
        lines.append(tr("only samples from {time} on: the bucket does not keep older ones", time=since))
    numbers = [
        marked("read"), marked("written"), marked("replaced"),
        marked("unchanged"), marked("in source"), marked("in target"),
    ]  # fmt: skip
    rows = table(["signal"], numbers)
    for s in result.signals:
        rows.add_row(s.signal, *map(count, (s.read, s.written, s.replaced, s.there, s.in_source, s.in_target)))
    lines.append(rows)
    if not result.signals:
        lines.append(tr("nothing to copy"))
    grown = [s for s in result.signals if result.kept_from_ns is None and s.in_source > s.read]
    if grown:
        names = ", ".join(f"{s.signal} {count(s.in_source - s.read)}" for s in grown)
        lines.append(tr("received while copying: {signals}; run the same command again to copy them", signals=names))
    return lines
