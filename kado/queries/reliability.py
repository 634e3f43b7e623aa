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
from facility.errors import PeriodError, ProfileError
from facility.incidents import Incident
from facility.interval import Intervals
from facility.neighbouring_periods import period_before
from facility.period import Period, fiscal_year_of
from facility.schedule import OPERATING_CATEGORIES
from facility.time import NS_PER_H, Clock, format_time, system_clock, to_datetime
from kado.config import Configuration
from kado.queries.figures import AvailabilityReport, load_availability
from kado.stores import open_store

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
    period: str | Period,
    definition: str | None = None,
    as_known_on: str | None = None,
    *,
    compare_with: str | None = None,
    loaded: AvailabilityReport | None = None,
    with_outlook: bool = True,
    clock: Clock = system_clock,
) -> ReliabilityReport:
    """Compute the statistics of a period; raises what `load_availability` raises.

    Parameters
    ----------
    compare_with
        A period as people write it; None: the one before, of the same kind.
    loaded
        The period's availability, where the caller has it.
    with_outlook
        Whether to forecast the fiscal year.
    """
    if loaded is None:
        loaded = load_availability(configuration, period, definition, as_known_on, clock=clock)
    known_on = format_time(loaded.as_known_on_ns)
    exposure = _exposure(loaded)
    exposure_h = exposure.total / NS_PER_H
    failures = _failures(configuration, loaded)
    other = _to_compare(configuration, loaded, compare_with, known_on, clock)
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
        growth=_growth(configuration, loaded, known_on, clock),
        repair=repair_times(failures),
        groups={name: group_failures(failures, key) for name, key in GROUPS.items()},
        year=_year(configuration, loaded, known_on, clock) if with_outlook else None,
    )


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
    return [
        r for r in loaded.availability.events if r.event.kind is Kind.NO_BEAM and not r.trip and not r.carried_over
    ]


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


def _failures(configuration: Configuration, loaded: AvailabilityReport) -> tuple[Failure, ...]:
    profile, plan = loaded.profile, loaded.plan
    operating = plan.intervals(*OPERATING_CATEGORIES)
    counted = counted_failures(loaded)
    modes: dict[int, str | None] = {}
    if profile.mode_signal is not None and counted:
        with open_store(configuration) as store:
            for r in counted:
                held = store.read(profile.mode_signal, r.event.start_ns, r.event.start_ns, hold=True)
                modes[r.event.start_ns] = held.words[int(held.state[-1])] if held else None
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


def _root_cause(incidents: Sequence[Incident]) -> Incident | None:
    return next((i for i in incidents if i.root_cause), incidents[0] if incidents else None)


def _to_compare(
    configuration: Configuration, loaded: AvailabilityReport, compare_with: str | None, known_on: str, clock: Clock
) -> AvailabilityReport | None:
    """Return the availability of the other period; None where it has none, unless it was asked for by name."""
    profile, period = loaded.profile, loaded.availability.period
    if compare_with is not None:
        return load_availability(configuration, compare_with, loaded.definition.id, known_on, clock=clock)
    before = period_before(period, profile.zone, profile.fiscal_year_starts_in)
    if before is None:
        return None
    try:
        return load_availability(configuration, before, loaded.definition.id, known_on, clock=clock)
    except (PeriodError, ProfileError):
        return None


def _growth(configuration: Configuration, loaded: AvailabilityReport, known_on: str, clock: Clock) -> Growth | None:
    profile, part = loaded.profile, loaded.part
    started = profile.operation_started_ns
    if started is None or part.end_ns - started > _GROWTH_BELOW_YEARS * 366 * 24 * NS_PER_H or started >= part.end_ns:
        return None
    since = Period("since operation started", started, part.end_ns)
    try:
        whole = load_availability(configuration, since, loaded.definition.id, known_on, clock=clock)
    except (PeriodError, ProfileError):
        return None
    exposure = _exposure(whole)
    if not exposure:
        return None
    positions = positions_h(exposure, (r.event.first_user_ns for r in counted_failures(whole)))
    return fit_growth(positions, exposure.total / NS_PER_H)


def _year(configuration: Configuration, loaded: AvailabilityReport, known_on: str, clock: Clock) -> YearOutlook | None:
    profile, plan = loaded.profile, loaded.plan
    end = loaded.part.end_ns
    year = fiscal_year_of(end - 1, profile.zone, profile.fiscal_year_starts_in)
    planned = plan.user_time.clip(end, year.end_ns).total if end < year.end_ns else 0
    if not planned:
        return None
    try:
        to_date = load_availability(
            configuration, Period(year.id, year.start_ns, end), loaded.definition.id, known_on, clock=clock
        )
    except (PeriodError, ProfileError):
        return None
    downtimes = [r.user_time_ns / NS_PER_H for r in counted_failures(to_date)]
    exposure_h = _exposure(to_date).total / NS_PER_H
    borrowed = None
    if len(downtimes) < MIN_FAILURES:
        before = fiscal_year_of(year.start_ns - 1, profile.zone, profile.fiscal_year_starts_in)
        try:
            earlier = load_availability(configuration, before, loaded.definition.id, known_on, clock=clock)
        except (PeriodError, ProfileError):
            earlier = None
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
