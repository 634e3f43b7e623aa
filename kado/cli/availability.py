"""``kado availability``."""

from datetime import tzinfo
from decimal import Decimal
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
    Format,
    FormatOption,
    PeriodOption,
)
from kado.cli.events import event_table
from kado.config import load_configuration
from kado.output import local, print_json, show, table, title
from kado.progress import progress_bar
from kado.queries.availability import report_document, tag_times, with_budget
from kado.queries.definitions import FORMULAS
from kado.queries.figures import AvailabilityReport, load_availability
from kado.rounding import count, duration, hours, percent, split_hours


def availability(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    digits: Annotated[int, typer.Option("--digits", min=0, max=6, help="Decimals of a percentage.")] = 1,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Say how available the beam was in a period, and how surely.

    \b
    Examples:
      kado availability --period 2026-10
      kado availability --period FY2026 --definition sls --format json
    """
    configuration = load_configuration(config)
    when = as_of(as_known_on, as_published_on)
    with progress_bar("counting", 1) as bar:
        loaded = load_availability(configuration, period, definition, when, progress=bar.advance_through)
        loaded = with_budget(configuration, loaded)
    if output is Format.JSON:
        print_json(report_document(loaded))
    else:
        show(*report(loaded, digits))


_CATEGORIES: Final = (*(c.value for c in PLANNED_CATEGORIES), "unscheduled")


_JAPANESE: Final = {
    "user": "利用時間",
    "reserve": "予備時間",
    "study": "スタディ",
    "tuning": "調整運転",
    "maintenance": "保守",
    "shutdown": "停止期間",
    "commissioning": "立上げ調整",
    "unscheduled": "計画外",
    "calendar": "暦時間",
    "operating": "運転時間",
    "user_time": "利用時間計",
    "delivered": "供給",
    "no_beam": "ビーム停止",
    "unknown": "不明",
    "low_beam": "低電流",
    "refill": "再入射",
    "excluded": "除外",
}


_NO_FAILURE: Final = "no failure"


def report(loaded: AvailabilityReport, digits: int = 1) -> list[RenderableType]:
    """Return the report: figures, accounts that add up, events."""
    result, profile = loaded.availability, loaded.profile
    zone = profile.zone
    start, end = result.period.start_ns, result.period.end_ns
    lines: list[RenderableType] = [
        title(profile, f"availability 稼働率{_named(result.period.id)}"),
        f"Period      {local(start, zone, offset=True)} to {local(end, zone, offset=True)}",
        f"Definition  {loaded.definition.id}: {loaded.definition.title.en}",
        f"Known on    {local(loaded.as_known_on_ns, zone, offset=True)}",
        "",
        _figures(loaded, digits),
    ]
    lines += [Text(f"Provisional 暫定: {reason}", style="yellow") for reason in provisional_reasons(result, zone)]
    accounts = _accounts(result.accounts, refill_is_delivered=loaded.definition.refill_is_delivered)
    return [*lines, "", accounts, *_by_tag(loaded), "", *event_table(loaded)]


def _named(period_id: str) -> str:
    """Return a period's name for a title; one that is given by its ends stands below."""
    return "" if "/" in period_id else f" {period_id}"


def provisional_reasons(result: Availability, zone: tzinfo) -> list[str]:
    """Return why a figure may still change, or should not be relied on."""
    if not result.provisional:
        return []
    reasons: list[str] = []
    coverage = result.figures.coverage_pct
    if coverage is None:
        reasons.append("there is no user time")
    elif coverage < PROVISIONAL_BELOW_PCT:
        reasons.append(f"coverage is below {PROVISIONAL_BELOW_PCT:g} %")
    if result.counted_until_ns < result.period.end_ns:
        reasons.append(f"counted until {local(result.counted_until_ns, zone, offset=True)}, the period is not over")
    return reasons or ["what follows the period may still change it"]


def _figures(loaded: AvailabilityReport, digits: int) -> RenderableType:
    result = loaded.availability
    f, counts = result.figures, result.counts
    n = counts.failures
    carried = sum(r.carried_over and r.event.kind.value == "no_beam" for r in result.events)
    failures = f"{carried} more carried over from before" if carried else ""
    mtbf = _NO_FAILURE if n == 0 and f.mtbf_h is None else _with_unit(hours(f.mtbf_h, 1), "h")
    mttr = _NO_FAILURE if n == 0 else _with_unit(hours(f.mttr_h), "h")
    rows = table(order=["", "ja", "value", "meaning"], right=["value"])
    rows.show_header = False
    between = f"between {percent(f.availability_lower_pct, digits)} and {percent(f.availability_upper_pct, digits)} %"
    rows.add_row("Availability", "稼働率", Text(f"{percent(f.availability_pct, digits)} %", style="bold"), between)
    if result.accounts.excluded:
        without = percent(f.availability_without_excluded_pct, digits)
        rows.add_row("Own part", "自責分", f"{without} %", "with the excluded downtime taken out")
    rows.add_row("Coverage", "データ被覆率", f"{percent(f.coverage_pct, digits)} %", "of user time is known")
    rows.add_row("Failures N", "故障", count(n), failures)
    if counts.trips or loaded.definition.trip_below_s:
        below = f"shorter than {duration(loaded.definition.trip_below_ns)}, not among the failures"
        rows.add_row("Trips", "短時間停止", count(counts.trips), below)
    rows.add_row("MTBF", "平均故障間隔", mtbf, FORMULAS[loaded.definition.mtbf])
    rows.add_row("MTTR", "平均復旧時間", mttr, "no beam / N")
    rows.add_row(
        "Longest run", "最長連続運転", _with_unit(hours(f.longest_run_h, 1), "h"), _longest(f.longest_run_max_h)
    )
    if loaded.delivered_mwh is not None:
        rows.add_row("Energy", "供給エネルギー", f"{loaded.delivered_mwh:,.1f} MWh", "delivered in known user time")
    rows.add_row("Low beam", "低電流", count(counts.low_beam), "distortions beside the failures")
    if result.further:
        rows.add_row("Distortions", "その他の擾乱", count(counts.other_distortions), _further(result))
    if result.further or counts.low_beam:
        mtbd = "no distortion" if f.mtbd_h is None else _with_unit(hours(f.mtbd_h, 1), "h")
        rows.add_row("MTBD", "平均擾乱間隔", mtbd, f"user time / all {count(counts.distortions)} distortions")
    rows.add_row("Glitches", "瞬時変動", count(counts.glitches), "too short to be events")
    if counts.sensor_faults:
        rows.add_row("Sensor faults", "センサー故障", count(counts.sensor_faults), "the witness saw beam: unknown time")
    if result.unwitnessed:
        rows.add_row("Unwitnessed", "照合なし", count(result.unwitnessed), "the witness was silent: signal alone")
    if loaded.budget is not None:
        b = loaded.budget
        left = f"left of {b.year} for {b.target_pct:g} %"
        left += f"; {hours(b.unknown_h, 1)} h unknown" if b.unknown_h else ""
        rows.add_row("Budget", "停止許容時間", f"{hours(b.left_h, 1)} h", left)
    if counts.mode_mismatches:
        rows.add_row(
            "Mode mismatch", "モード相違", count(counts.mode_mismatches), "the machine's mode is not the plan's"
        )
    return rows


def _further(result: Availability) -> str:
    """Return how many distortions each further signal shows, and what of the time with beam it does not know."""
    parts: list[str] = []
    for f in result.further:
        told = f"{f.distortion.name.en} {count(f.count)}"
        told += f" (+{count(len(f.excursions))} too short)" if f.excursions else ""
        told += f", known for {percent(f.coverage_pct)} %" if f.unknown_ns else ""
        parts.append(told)
    return "\n".join(parts)


def _with_unit(text: str, unit: str) -> str:
    return f"{text} {unit}" if text[:1].isdigit() else text


def _longest(longest_max_h: float | None) -> str:
    return "" if longest_max_h is None else f"{hours(longest_max_h, 1)} h if unknown time was beam"


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

    def row(name: str, before: str = "") -> tuple[str, str, str]:
        return before + name.replace("_", " "), _JAPANESE[name], f"{rounded[name]:,}"

    beside = [] if refill_is_delivered else ["refill"]
    planned = [row(name) for name in _CATEGORIES if rounded[name]] + [row("calendar", "= ")]
    planned.append(row("operating", "of it: "))
    user = [row(name) for name in ("delivered", *beside, "no_beam", "unknown")] + [row("user_time", "= ")]
    parts = [("low_beam", "delivered"), ("refill", "delivered"), ("excluded", "no beam")]
    user += [row(name, f"of {whole}: ") for name, whole in parts if rounded[name] and name not in beside]
    rows = table(order=["planned", "計画", "h", "user time", "利用時間", "h "], right=["h", "h "])
    none = ("", "", "")
    for left, right in zip_longest(planned, user, fillvalue=none):
        rows.add_row(*left, *right)
    return rows


def _by_tag(loaded: AvailabilityReport) -> list[RenderableType]:
    """Return what each tag of the calendar, such as a beamline, had of user time; beside the machine's figure."""
    times = tag_times(loaded)
    if not times:
        return []
    heads = ["user h", "delivered h", "no beam h", "unknown h"]
    rows = table(order=["tag 区分", *heads, "%"], right=[*heads, "%"])
    for tag, t in times.items():
        total = split_hours({"user_time": t.user_time})["user_time"]
        beside = t.user_time - t.delivered - t.no_beam - t.unknown
        parts = {"delivered": t.delivered, "no_beam": t.no_beam, "unknown": t.unknown, "refill": beside}
        rounded = split_hours(parts, total=total)
        numbers = [f"{x:,}" for x in (total, rounded["delivered"], rounded["no_beam"], rounded["unknown"])]
        rows.add_row(tag, *numbers, percent(percentage(t.delivered, t.user_time - t.unknown)))
    return ["", rows]
