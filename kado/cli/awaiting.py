"""``kado correct awaiting``: what of a period a person still has to look at."""

from rich.console import RenderableType

from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption, PeriodOption
from kado.config import load_configuration
from kado.language import term, tr
from kado.output import print_json, show, stretch, table, title
from kado.progress import progress_bar
from kado.queries.awaiting_review import AwaitingReview, awaiting_document, load_awaiting_review
from kado.queries.events import review_of
from kado.rounding import duration


def awaiting(
    period: PeriodOption,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List events, unknown time and exclusions of a period that await review.

    Exclusions that nobody confirmed, outages without a recorded cause, unknown user time, and sensor faults.

    \b
    Example:
      kado correct awaiting --period 2026-10
    """
    configuration = load_configuration(config)
    with progress_bar(tr("counting"), 1) as bar:
        found = load_awaiting_review(configuration, period, clock=system_clock, progress=bar.advance_through)
    if output is Format.JSON:
        print_json(awaiting_document(found))
    else:
        show(*awaiting_list(found))


def awaiting_list(found: AwaitingReview) -> list[RenderableType]:
    """Return what awaits review, one line each."""
    profile, zone = found.report.profile, found.report.profile.zone
    heading = title(profile, tr("awaiting review"))
    if not len(found):
        return [heading, tr("nothing awaits review")]
    rows = table(order=["what", "time", "length", "note"], right=["length"])
    for c in (*found.exclusions, *found.exclusions_elsewhere):
        what = tr("exclusion #{number}", number=c.id)
        rows.add_row(what, stretch(c.start_ns, c.end_ns, zone), duration(c.end_ns - c.start_ns), c.author)
    for r in found.outages:
        when = stretch(r.event.start_ns, r.event.end_ns, zone)
        rows.add_row(tr("outage"), when, duration(r.user_time_ns), term(review_of(r) or ""))
    for f in found.sensor_faults:
        start, end = f.stretch.start_ns, f.stretch.end_ns
        rows.add_row(tr("sensor fault"), stretch(start, end, zone), duration(end - start), "")
    for g in found.gaps:
        start, end = g.segment.start_ns, g.segment.end_ns
        rows.add_row(term("unknown"), stretch(start, end, zone), duration(end - start), "")
    left = found.gaps_in_all - len(found.gaps)
    return [heading, rows, *([tr("{n} shorter gaps are not listed", n=left)] if left else [])]
