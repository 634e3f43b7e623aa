"""``kado backfill``."""

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from facility.errors import ProblemFoundError
from facility.profile import Profile
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption, PeriodOption
from kado.config import load_configuration
from kado.language import marked, tr, trn
from kado.output import facts, local, print_json, show, table, title
from kado.rounding import count, duration, percent
from kado.service.backfilling import Backfilled, backfill_period, backfilled_document

SHOWN = 20
"""Ranges and periods of a list."""


def backfill(
    period: PeriodOption,
    source: Annotated[str | None, typer.Option(help="The archive, if several are configured.")] = None,
    signal: Annotated[list[str] | None, typer.Option(help="Only this signal. Repeatable.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="The whole period, not only its gaps.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also what was fetched before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be requested; request nothing.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Fill the gaps of a period from an external archive.

    Requests only the intervals that 'kado gaps' lists. Can be repeated safely, and resumes after an
    interruption. Reports which figures change. Where
    'kado run' runs, the service fetches, and this command waits for it. Ends with 1 if a signal could not be fetched.

    \b
    Examples:
      kado backfill --period 2026-10 --dry-run
      kado backfill --period 2026-10 --signal stored_current
    """
    configuration = load_configuration(config)
    done = backfill_period(
        configuration, period, system_clock, source_id=source, signals=signal or (), whole=whole, again=again,
        dry_run=dry_run,
    )  # fmt: skip
    if output is Format.JSON:
        print_json(backfilled_document(configuration.profile, done))
    else:
        show(*summary(configuration.profile, done))
    if problems := [one for one in done.signals if one.problem]:
        raise ProblemFoundError(
            tr(
                "{count} of {all} signals could not be fetched: {problem}",
                count=len(problems),
                all=len(done.signals),
                problem=problems[0].problem,
            )
        )


def summary(profile: Profile, done: Backfilled) -> list[RenderableType]:
    """Return what was asked for, what came, and what it changes."""
    zone = profile.zone
    about = tr("backfill of {period} from {source}", period=done.period.id, source=done.source)
    lines: list[RenderableType] = [title(profile, about), ""]
    if not done.ranges:
        return [*lines, tr("Nothing to fill: all user time is known.")]
    asked = table(order=["from", "to", "length"], right=["length"])
    for start, end in list(done.ranges)[:SHOWN]:
        asked.add_row(local(start, zone), local(end, zone, offset=True), duration(end - start))
    lines += [asked]
    if (more := len(done.ranges) - SHOWN) > 0:
        lines.append(Text(trn("and {n} more range", "and {n} more ranges", more), style="dim"))
    if not done.signals:
        return [*lines, "", tr("Nothing was requested from {archive}.", archive=done.archive)]
    rows = table(order=["signal", "samples", "rejected", "note"], right=["samples", "rejected"])
    for one in done.signals:
        note = one.problem or (
            tr("last {time}", time=local(one.last_ns, zone, offset=True)) if one.samples else tr("nothing new")
        )
        rows.add_row(one.signal, count(one.samples), count(one.rejected) if one.rejected else "", note)
    lines += ["", rows, ""]
    if done.unknown_after_ns is not None:
        unknown = (duration(done.unknown_before_ns), duration(done.unknown_after_ns))
        available = (_percent(done.availability_before_pct), _percent(done.availability_after_pct))
        changes = [
            (label, tr("{before} before, {after} now", before=before, after=after))
            for label, (before, after) in ((marked("Unknown user time"), unknown), (marked("Availability"), available))
        ]
        lines.append(facts(changes))
    if done.reopened:
        names = ", ".join(done.reopened[:SHOWN])
        lines += ["", tr("Figures that this opens again: {periods}", periods=names)]
        if (more := len(done.reopened) - SHOWN) > 0:
            lines.append(Text(trn("and {n} more period", "and {n} more periods", more), style="dim"))
    return lines


def _percent(value: float | None) -> str:
    return tr("unknown") if value is None else f"{percent(value)} %"
