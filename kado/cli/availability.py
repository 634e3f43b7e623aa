"""``kado availability``."""

from datetime import tzinfo
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from analytics.accounts import Accounts
from analytics.availability import PROVISIONAL_BELOW_PCT, Availability
from analytics.figures import percentage
from facility.schedule import OPERATING_CATEGORIES, PLANNED_CATEGORIES
from kado.cli.as_of import as_of
from kado.cli.command import (
    AsKnownOnOption,
    AsPublishedOnOption,
    ConfigOption,
    DefinitionOption,
    PeriodOption,
)
from kado.cli.events import alarm_table, event_table
from kado.cli.figure_notes import correction_table, warning_lines
from kado.cli.side_by_side import print_csv, side_by_side
from kado.config import load_configuration
from kado.language import marked, term, tr, trn, words
from kado.output import facts, local, print_json, show, span, table, title
from kado.progress import progress_bar
from kado.queries.availability import AvailabilityReport, load_availability
from kado.queries.availability_document import availability_document, tag_times
from kado.queries.definitions import FORMULAS
from kado.queries.downtime_budget import with_budget
from kado.queries.side_by_side import ALL, Each, documents, load_side_by_side
from kado.rounding import count, duration, hours, percent, split_hours


class FigureFormat(StrEnum):
    """How figures are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def availability(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    digits: Annotated[int, typer.Option("--digits", min=0, max=6, help="Decimals of percentages.")] = 1,
    config: ConfigOption = None,
    each: Annotated[
        Each | None, typer.Option("--each", help="Cut the period into days or months, one line each.")
    ] = None,
    output: Annotated[FigureFormat, typer.Option("--format", help="For people, or for programs.")] = FigureFormat.TABLE,
) -> None:
    r"""Report the availability of a period, with its bounds.

    \b
    Examples:
      kado availability --period 2026-10
      kado availability --period FY2026 --definition sls --format json
      kado availability --period FY2026 --each month --format csv
      kado availability --period 2026-10 --definition all
    """
    configuration = load_configuration(config)
    when = as_of(as_known_on, as_published_on)
    if each is not None or definition == ALL or output is FigureFormat.CSV:
        with progress_bar(tr("counting"), 1) as bar:
            rows = load_side_by_side(configuration, period, definition, when, each=each, progress=bar.advance_through)
        if output is FigureFormat.CSV:
            print_csv(rows, configuration)
        elif output is FigureFormat.JSON:
            print_json(documents(rows, configuration))
        else:
            show(*side_by_side(rows, configuration.profile, digits))
        return
    with progress_bar(tr("counting"), 1) as bar:
        loaded = load_availability(configuration, period, definition, when, progress=bar.advance_through)
        loaded = with_budget(configuration, loaded)
    if output is FigureFormat.JSON:
        print_json(availability_document(loaded))
    else:
        show(*report(loaded, digits))


_CATEGORIES: Final = (*(c.value for c in PLANNED_CATEGORIES), "unscheduled")


_NO_FAILURE: Final = marked("no failure")


def report(loaded: AvailabilityReport, digits: int = 1) -> list[RenderableType]:
    """Return the report: figures, accounts that add up, events."""
    result, profile = loaded.availability, loaded.profile
    zone = profile.zone
    start, end = result.period.start_ns, result.period.end_ns
    lines: list[RenderableType] = [
        title(profile, tr("availability {period}", period=_named(result.period.id)).rstrip()),
        facts(
            [
                ("Period", span(start, end, zone)),
                ("Definition", f"{loaded.definition.id}: {words(loaded.definition.title)}"),
                ("As known on", local(loaded.as_known_on_ns, zone, offset=True)),
            ]
        ),
        "",
        _figures(loaded, digits),
    ]
    for reason in provisional_reasons(result, zone):
        lines.append(Text(tr("Provisional: {reason}", reason=reason), style="yellow"))
    lines += warning_lines(loaded, digits)
    accounts = _accounts(result.accounts, refill_is_delivered=loaded.definition.refill_is_delivered)
    return [
        *lines,
        "",
        accounts,
        *_by_tag(loaded),
        "",
        *event_table(loaded),
        *alarm_table(loaded),
        *correction_table(loaded),
    ]


def _named(period_id: str) -> str:
    """Return a period's name for a title; one that is given by its ends stands below."""
    return "" if "/" in period_id else period_id


def provisional_reasons(result: Availability, zone: tzinfo) -> list[str]:
    """Return why a figure may still change, or should not be relied on."""
    if not result.provisional:
        return []
    reasons: list[str] = []
    coverage = result.figures.coverage_pct
    if coverage is None:
        reasons.append(tr("there is no user time"))
    elif coverage < PROVISIONAL_BELOW_PCT:
        reasons.append(tr("coverage is below {limit:g} %", limit=PROVISIONAL_BELOW_PCT))
    if result.counted_until_ns < result.period.end_ns:
        until = local(result.counted_until_ns, zone, offset=True)
        reasons.append(tr("counted until {time}, the period is not over", time=until))
    return reasons or [tr("samples after the period may still change it")]


def _figures(loaded: AvailabilityReport, digits: int) -> RenderableType:
    result = loaded.availability
    f, counts = result.figures, result.counts
    carried = sum(r.carried_over and r.event.kind.value == "no_beam" for r in result.events)
    failures = (
        trn("{n} more, carried over from before", "{n} more, carried over from before", carried) if carried else ""
    )
    mtbf = tr(_NO_FAILURE) if counts.failures == 0 and f.mtbf_h is None else _with_unit(hours(f.mtbf_h, 1), "h")
    mttr = tr(_NO_FAILURE) if counts.failures == 0 else _with_unit(hours(f.mttr_h), "h")
    rows = table(order=["", "value", "meaning"], right=["value"])
    rows.show_header = False
    lower, upper = percent(f.availability_lower_pct, digits), percent(f.availability_upper_pct, digits)
    between = tr("between {lower} and {upper} %", lower=lower, upper=upper)
    rows.add_row(tr("Availability"), Text(f"{percent(f.availability_pct, digits)} %", style="bold"), between)
    if result.accounts.excluded:
        without = percent(f.availability_without_excluded_pct, digits)
        rows.add_row(tr("Without exclusions"), f"{without} %", tr("excluded downtime not counted"))
    if loaded.awaiting:
        awaiting = len(loaded.awaiting)
        waiting = trn("{n} exclusion awaits confirmation", "{n} exclusions await confirmation", awaiting)
        rows.add_row(tr("Not confirmed"), count(awaiting), waiting)
    coverage = percent(f.coverage_pct, digits, below=PROVISIONAL_BELOW_PCT)
    rows.add_row(tr("Coverage"), f"{coverage} %", tr("of user time is known"))
    rows.add_row(tr("Failures N"), count(counts.failures), failures)
    if counts.trips or loaded.definition.trip_below_s:
        limit = duration(loaded.definition.trip_below_ns)
        below = tr("outages shorter than {limit}, not counted as failures", limit=limit)
        rows.add_row(tr("Trips"), count(counts.trips), below)
    rows.add_row("MTBF", mtbf, tr(FORMULAS[loaded.definition.mtbf]))
    rows.add_row("MTTR", mttr, tr("no-beam time / N"))
    longest = _with_unit(hours(f.longest_run_h, 1), "h")
    rows.add_row(tr("Longest run"), longest, _longest(f.longest_run_max_h))
    if loaded.availability.delivered_mwh is not None:
        rows.add_row(tr("Energy"), f"{loaded.availability.delivered_mwh:,.1f} MWh", tr("delivered in known user time"))
    rows.add_row(tr("Low beam"), count(counts.low_beam), tr("distortions, not failures"))
    if result.further:
        rows.add_row(tr("Further distortions"), count(counts.other_distortions), _further(result))
    if result.further or counts.low_beam:
        mtbd = tr("no distortion") if f.mtbd_h is None else _with_unit(hours(f.mtbd_h, 1), "h")
        formula = trn("user time / {n} distortion", "user time / all {n} distortions", counts.distortions)
        rows.add_row("MTBD", mtbd, formula)
    rows.add_row(tr("Glitches"), count(counts.glitches), tr("too short to be events"))
    if counts.sensor_faults:
        rows.add_row(
            tr("Sensor faults"), count(counts.sensor_faults), tr("the witness showed beam: counted as unknown")
        )
    if result.unwitnessed:
        rows.add_row(tr("Not cross-checked"), count(result.unwitnessed), tr("the witness had no samples"))
    if loaded.budget is not None:
        b = loaded.budget
        left = tr("left in {year} for {target:g} %", year=b.year, target=b.target_pct)
        left += tr("; {unknown} h unknown", unknown=hours(b.unknown_h, 1)) if b.unknown_h else ""
        rows.add_row(tr("Downtime budget"), f"{hours(b.left_h, 1)} h", left)
    if counts.mode_mismatches:
        differs = tr("machine mode and schedule differ")
        rows.add_row(tr("Mode mismatches"), count(counts.mode_mismatches), differs)
    return rows


def _further(result: Availability) -> str:
    """Return how many distortions each further signal shows, and what of the time with beam it does not know."""
    parts: list[str] = []
    for f in result.further:
        text = f"{words(f.distortion.name)} {count(f.count)}"
        text += tr(" (+{n} too short)", n=count(len(f.excursions))) if f.excursions else ""
        text += tr(", known for {share} %", share=percent(f.coverage_pct)) if f.unknown_ns else ""
        parts.append(text)
    return "\n".join(parts)


def _with_unit(text: str, unit: str) -> str:
    return f"{text} {unit}" if text[:1].isdigit() else text


def _longest(longest_max_h: float | None) -> str:
    return "" if longest_max_h is None else tr("{hours} h if unknown time was beam", hours=hours(longest_max_h, 1))


def account_hours(accounts: Accounts, *, refill_is_delivered: bool = True) -> dict[str, Decimal]:
    """Return the accounts in hours with two decimals that add up as printed."""
    a = accounts
    outside = {name: getattr(a, name) for name in _CATEGORIES if name not in ("user", "reserve")}
    rounded = split_hours({"user_time": a.user_time, **outside})
    rounded["calendar"] = sum(rounded.values(), Decimal(0))
    rounded |= split_hours({"user": a.user, "reserve": a.reserve}, total=rounded["user_time"])
    rounded["operating"] = sum((rounded[c.value] for c in OPERATING_CATEGORIES), Decimal(0))
    parts = {"delivered": a.delivered, "no_beam": a.no_beam, "unknown": a.unknown}
    if not refill_is_delivered:
        parts["refill"] = a.refill
    rounded |= split_hours(parts, total=rounded["user_time"])
    for name, whole in (("low_beam", "delivered"), ("refill", "delivered"), ("excluded", "no_beam")):
        if name not in parts:
            rounded[name] = min(split_hours({name: getattr(a, name)})[name], rounded[whole])
    return rounded


def _accounts(accounts: Accounts, *, refill_is_delivered: bool) -> RenderableType:
    rounded = account_hours(accounts, refill_is_delivered=refill_is_delivered)

    def row(name: str, text: str = "{account}") -> tuple[str, str]:
        return tr(text, account=term(name)), f"{rounded[name]:,}"

    beside = [] if refill_is_delivered else ["refill"]
    planned = [row(name) for name in _CATEGORIES if rounded[name]] + [row("calendar", "= {account}")]
    planned.append(row("operating", marked("thereof {account}")))
    user = [row(name) for name in ("delivered", *beside, "no_beam", "unknown")] + [row("user_time", "= {account}")]
    parts = [
        ("low_beam", marked("of delivered: {account}")),
        ("refill", marked("of delivered: {account}")),
        ("excluded", marked("of no beam: {account}")),
    ]
    user += [row(name, text) for name, text in parts if rounded[name] and name not in beside]
    rows = table(order=["planned", "h", "user time", "h "], right=["h", "h "])
    none = ("", "")
    for left, right in zip_longest(planned, user, fillvalue=none):
        rows.add_row(*left, *right)
    return rows


def _by_tag(loaded: AvailabilityReport) -> list[RenderableType]:
    """Return what each tag of the calendar, such as a beamline, had of user time; beside the machine's figure."""
    times = tag_times(loaded)
    if not times:
        return []
    heads = [marked("user h"), marked("delivered h"), marked("no beam h"), marked("unknown h")]
    rows = table(order=["tag", *heads, "%"], right=[*heads, "%"])
    for tag, t in times.items():
        total = split_hours({"user_time": t.user_time})["user_time"]
        beside = t.user_time - t.delivered - t.no_beam - t.unknown
        parts = {"delivered": t.delivered, "no_beam": t.no_beam, "unknown": t.unknown, "refill": beside}
        rounded = split_hours(parts, total=total)
        numbers = [f"{x:,}" for x in (total, rounded["delivered"], rounded["no_beam"], rounded["unknown"])]
        rows.add_row(tag, *numbers, percent(percentage(t.delivered, t.user_time - t.unknown)))
    return ["", rows]
