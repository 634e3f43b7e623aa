"""Reliability statistics of a period: how much its count of failures can bear."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from analytics.availability import ReportedEvent
from analytics.conditions import Kind
from analytics.pareto import attached
from analytics.reliability import (
    MIN_FAILURES,
    Failure,
    Group,
    Growth,
    MtbfInterval,
    Outlook,
    RateComparison,
    RepairTimes,
    Trend,
    YearSoFar,
    compare_rates,
    exposure_of,
    fit_growth,
    forecast_year,
    group_failures,
    laplace_test,
    mtbf_interval,
    positions_h,
    repair_times,
)
from facility.batch import Samples
from facility.incidents import Incident
from facility.interval import Intervals
from facility.neighbouring_periods import period_before
from facility.period import Period, day_of, fiscal_year_of
from facility.quality import Quality
from facility.schedule import OPERATING_CATEGORIES
from facility.time import NS_PER_DAY, NS_PER_H, Clock, format_time, local_midnight, system_clock, to_datetime
from kado.config import Configuration
from kado.queries.availability import AvailabilityReport
from kado.queries.figures_by_day import FiguresByDay, open_figures
from kado.queries.identity import identity, period_document
from kado.queries.period_pieces import Progress
from kado.queries.record import AsOf
from storage.store import TelemetryStore

SEED: Final = 1
"""Of the outlook; the same inputs give the same numbers."""
_GROWTH_BELOW_YEARS: Final = 3
"""A machine is taken as being commissioned for so long after its operation started."""


@dataclass(frozen=True, slots=True)
class YearOutlook:
    """What may still happen in the fiscal year of a period."""

    year: str
    so_far: YearSoFar
    failures: int
    borrowed_from: str | None
    """The year before, where its failures were needed too."""
    outlook: Outlook | None
    """None with fewer than ten failures."""


@dataclass(frozen=True, slots=True)
class ReliabilityReport:
    """All statistics of one period, by one definition."""

    loaded: AvailabilityReport
    failures: tuple[Failure, ...]
    """Those that the period counts, in order of time."""
    exposure_h: float
    interval: MtbfInterval | None
    """None where no user time is known; so are the next two."""
    trend: Trend | None
    comparison: RateComparison | None
    """None where there is nothing to compare with."""
    compared_with: Period | None
    growth: Growth | None
    """From the start of operation; None for a machine that is older, or with fewer than three failures."""
    repair: RepairTimes
    groups: dict[str, list[Group]]
    """By system, cause, hour of the day, weekday, hours since the last start-up, mode."""
    year: YearOutlook | None
    """None for a year that is over."""


def load_reliability(
    configuration: Configuration,
    period: str,
    definition: str | None = None,
    as_known_on: str | AsOf | None = None,
    *,
    compare_with: str | None = None,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> ReliabilityReport:
    """Compute the statistics of a period.

    Parameters
    ----------
    compare_with
        A period as people write it; None: the one before, of the same kind.

    Raises
    ------
    PeriodError
        If what was asked for is not a period, lies in the future, or has no figure.
    """
    with open_figures(configuration, definition, as_known_on, clock=clock, progress=progress) as figures:
        other = None if compare_with is None else figures.period(compare_with)
        return reliability_of(figures, figures.period(period), other)


def reliability_of(figures: FiguresByDay, period: Period, compare_with: Period | None = None) -> ReliabilityReport:
    """Compute the statistics of a period from figures that are open."""
    loaded = figures.report(period)
    exposure = _exposure(loaded)
    exposure_h = exposure.total / NS_PER_H
    failures = _failures(figures.store, loaded)
    other = figures.report(compare_with) if compare_with is not None else _before(figures, period)
    comparison = None
    if exposure.total and other is not None and (other_exposure := _exposure(other)):
        comparison = compare_rates(
            loaded.availability.counts.failures,
            exposure_h,
            other.availability.counts.failures,
            other_exposure.total / NS_PER_H,
        )
    positions = positions_h(exposure, (f.start_ns for f in failures))
    return ReliabilityReport(
        loaded=loaded,
        failures=failures,
        exposure_h=exposure_h,
        interval=mtbf_interval(exposure_h, len(failures)) if exposure.total else None,
        trend=laplace_test(positions, exposure_h) if exposure.total else None,
        comparison=comparison,
        compared_with=None if other is None else other.availability.period,
        growth=_growth(figures, loaded),
        repair=repair_times(failures),
        groups={name: group_failures(failures, key) for name, key in GROUPS.items()},
        year=_year(figures, loaded),
    )


def _before(figures: FiguresByDay, period: Period) -> AvailabilityReport | None:
    before = period_before(period, figures.profile.zone, figures.profile.fiscal_year_starts_in)
    return None if before is None else figures.report_or_none(before)


def _since_start(failure: Failure) -> str | None:
    hours = failure.running_h
    if hours is None:
        return None
    limits = ((8, "0-8"), (24, "8-24"), (72, "24-72"), (168, "72-168"))
    return next((name for limit, name in limits if hours < limit), "168-")


GROUPS: Final[dict[str, Callable[[Failure], str | None]]] = {
    "system": lambda f: f.system,
    "cause": lambda f: f.cause,
    "hour": lambda f: f"{f.hour // 4 * 4:02}-{f.hour // 4 * 4 + 4:02}",
    "weekday": lambda f: str(f.weekday),
    "hours_since_start": _since_start,
    "mode": lambda f: f.mode,
}
"""What failures are grouped by: a name, and what it says of a failure."""


def counted_failures(loaded: AvailabilityReport) -> list[ReportedEvent]:
    """Return the failures that a period counts: trips, and those carried over from before, left out."""
    return [r for r in loaded.availability.events if r.event.kind is Kind.NO_BEAM and not r.trip and not r.carried_over]


def _exposure(loaded: AvailabilityReport) -> Intervals:
    part = loaded.part
    user_time = loaded.plan.user_time.clip(part.start_ns, part.end_ns)
    down = [
        r.event.user_time
        for r in loaded.availability.events
        if r.event.kind is Kind.NO_BEAM and (not r.trip or loaded.definition.trips_are_downtime)
    ]
    no_beam = Intervals.of(pair for time in down for pair in time).clip(part.start_ns, part.end_ns)
    return exposure_of(user_time, no_beam, loaded.availability.unknown, loaded.definition.mtbf)


def _failures(store: TelemetryStore, loaded: AvailabilityReport) -> tuple[Failure, ...]:
    profile, plan = loaded.profile, loaded.plan
    operating = plan.intervals(*OPERATING_CATEGORIES)
    counted = counted_failures(loaded)
    modes: dict[int, str | None] = {}
    if profile.mode_signal is not None:
        for r in counted:
            held = store.read(profile.mode_signal, r.event.start_ns, r.event.start_ns, hold=True)
            modes[r.event.start_ns] = _word(held)
    made: list[Failure] = []
    for r in counted:
        cause = _root_cause(attached(r.event, loaded.incidents))
        first = r.event.first_user_ns
        local = to_datetime(first, profile.zone)
        before = int(operating.start.searchsorted(first, side="right")) - 1
        running = before >= 0 and first < int(operating.end[before])
        made.append(
            Failure(
                start_ns=first,
                downtime_h=r.user_time_ns / NS_PER_H,
                repair_h=r.event.duration_ns / NS_PER_H,
                open=r.event.open,
                system=None if cause is None else cause.system,
                cause=None if cause is None else cause.component,
                hour=local.hour,
                weekday=local.weekday(),
                running_h=(first - int(operating.start[before])) / NS_PER_H if running else None,
                mode=modes.get(r.event.start_ns),
            )
        )
    return tuple(made)


def _word(held: Samples) -> str | None:
    """Return the word of the last sample; None where there is none, or where it is not good."""
    if not held or held.state is None or held.quality[-1] > Quality.UNCERTAIN:
        return None
    return held.words[int(held.state[-1])]


def _root_cause(incidents: Sequence[Incident]) -> Incident | None:
    return next((i for i in incidents if i.root_cause), incidents[0] if incidents else None)


def _growth(figures: FiguresByDay, loaded: AvailabilityReport) -> Growth | None:
    """Fit the growth of a machine from the start of its operation; None for one that is long in operation."""
    profile, part = loaded.profile, loaded.part
    if profile.operation_started is None:
        return None
    started = local_midnight(profile.operation_started, profile.zone)
    if part.end_ns - started > _GROWTH_BELOW_YEARS * 366 * NS_PER_DAY or started >= part.end_ns:
        return None
    # Before the first sample nothing is known, and unknown time is no exposure.
    began = max(started, day_of(figures.extent[0], profile.zone).start_ns)
    whole = figures.report_or_none(Period("since operation started", began, part.end_ns))
    exposure = Intervals.empty() if whole is None else _exposure(whole)
    if whole is None or not exposure:
        return None
    positions = positions_h(exposure, (r.event.first_user_ns for r in counted_failures(whole)))
    return fit_growth(positions, exposure.total / NS_PER_H)


def _year(figures: FiguresByDay, loaded: AvailabilityReport) -> YearOutlook | None:
    profile, plan, end = loaded.profile, loaded.plan, loaded.part.end_ns
    year = fiscal_year_of(end - 1, profile.zone, profile.fiscal_year_starts_in)
    planned = plan.user_time.clip(end, year.end_ns).total if end < year.end_ns else 0
    to_date = figures.report_or_none(Period(year.id, year.start_ns, end)) if planned else None
    if to_date is None:
        return None
    downtimes = [r.user_time_ns / NS_PER_H for r in counted_failures(to_date)]
    exposure_h = _exposure(to_date).total / NS_PER_H
    borrowed = None
    if len(downtimes) < MIN_FAILURES:
        before = fiscal_year_of(year.start_ns - 1, profile.zone, profile.fiscal_year_starts_in)
        earlier = figures.report_or_none(before)
        if earlier is not None:
            borrowed = before.id
            downtimes += [r.user_time_ns / NS_PER_H for r in counted_failures(earlier)]
            exposure_h += _exposure(earlier).total / NS_PER_H
    accounts = to_date.availability.accounts
    so_far = YearSoFar(accounts.delivered / NS_PER_H, accounts.no_beam / NS_PER_H, planned / NS_PER_H, exposure_h)
    outlook = None
    if exposure_h > 0.0:
        outlook = forecast_year(so_far, downtimes, target_pct=profile.target_availability_pct, seed=SEED)
    return YearOutlook(year.id, so_far, len(downtimes), borrowed, outlook)


def reliability_document(found: ReliabilityReport) -> dict[str, Any]:
    """Return the same for programs: full precision, None for what does not exist."""
    loaded = found.loaded
    zone, result = loaded.profile.zone, loaded.availability
    return {
        **identity(loaded.profile, definition=loaded.definition.id, period=result.period),
        "as_known_on": format_time(loaded.as_known_on_ns, zone),
        "failures": len(found.failures),
        "exposure_h": found.exposure_h,
        "mtbf": None if found.interval is None else _interval_document(found.interval),
        "trend": None if found.trend is None else asdict(found.trend),
        "comparison": _comparison_document(found),
        "growth": None if found.growth is None else {**asdict(found.growth), "fits": found.growth.fits},
        "repair": asdict(found.repair),
        "groups": {name: [asdict(group) for group in groups] for name, groups in found.groups.items()},
        "outlook": _outlook_document(found.year),
    }


def _interval_document(interval: MtbfInterval) -> dict[str, Any]:
    return {
        "mtbf_h": interval.mtbf_h,
        "lower_h": interval.lower_h,
        "upper_h": interval.upper_h,
        "confidence": interval.confidence,
        "one_sided": interval.upper_h is None,
    }


def _comparison_document(found: ReliabilityReport) -> dict[str, Any] | None:
    if found.comparison is None or found.compared_with is None:
        return None
    return {"period": period_document(found.compared_with, found.loaded.profile.zone), **asdict(found.comparison)}


def _outlook_document(year: YearOutlook | None) -> dict[str, Any] | None:
    if year is None:
        return None
    return {
        "year": year.year,
        "so_far": asdict(year.so_far),
        "failures": year.failures,
        "failures_needed": MIN_FAILURES,
        "borrowed_from": year.borrowed_from,
        "forecast": None if year.outlook is None else asdict(year.outlook),
    }
