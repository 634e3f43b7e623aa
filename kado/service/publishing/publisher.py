"""Keeps the derived series of a facility what they should be: the running periods often, the past when it changes."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from analytics.availability import Availability
from analytics.figures import downtime_budget_h
from facility.definition import Definition, Mtbf
from facility.errors import PeriodError, ProfileError
from facility.incidents import Incident
from facility.interval import Intervals
from facility.period import Period, day_of, fiscal_year_of, month_of
from facility.profile import Profile
from facility.schema import BEAM_STATE, EVENTS, FIELD_YEAR_BEFORE, FIGURES, PLAN, USE
from facility.time import NS_PER_DAY, NS_PER_H, format_time, local_midnight, to_datetime
from kado.queries.availability import AvailabilityReport, Budget
from kado.queries.findings_by_day import Days
from kado.service.publishing.points import (
    beam_state_points,
    empty_point,
    event_points,
    figure_point,
    months_of,
    plan_points,
    use_points,
)
from storage.derived import DerivedSeries, Point, Scope

if TYPE_CHECKING:
    from analytics.accounts import Accounts
    from facility.schedule import Plan

MEASUREMENTS: Final = (FIGURES, USE, BEAM_STATE, EVENTS, PLAN)
CONFIDENCE: Final = 0.95
_AHEAD_NS: Final = 40 * NS_PER_DAY
"""So far ahead of now the plan is published."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a step of publishing did."""

    points: int
    """Points that were written or deleted."""
    left: int
    """Months that are still to be looked at, over all definitions."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A definition with the days counted by it."""

    definition: Definition
    days: Days


class Publisher:
    """Publishes figures, use, beam state, events and plan of one facility.

    Contract: confined to the thread of the days. `step` may be called again and again, and does little where nothing
    changed: a period that is over is computed again only if one of its days was examined again, or the calendar or an
    incident changed; only points that differ are written. Nothing published is computed with.

    Parameters
    ----------
    since_ns
        Stamp of the first sample: where the first month begins.
    """

    def __init__(self, profile: Profile, counted: Sequence[Counted], bucket: DerivedSeries, since_ns: int) -> None:
        self._profile = profile
        self._counted = counted
        self._bucket = bucket
        self._since_ns = since_ns
        self._incidents: tuple[Incident, ...] = ()
        self._revisions: dict[tuple[str, int], tuple[int, ...]] = {}
        self._written: dict[Scope, tuple[Point, ...]] = {}
        self._learned = 0
        self._examined: set[str] = set()
        """Definitions by which all days of the running years were examined once."""
        self._plan: Plan | None = None

    def learn(self, incidents: tuple[Incident, ...]) -> None:
        """Take the incidents in force, and look at everything again: calendar or record have changed."""
        self._incidents = incidents
        self._learned += 1

    def extend(self, since_ns: int) -> None:
        """Take notice that there are samples from an earlier instant on."""
        self._since_ns = min(self._since_ns, since_ns)

    def clear(self) -> None:
        """Delete everything that was published of the facility."""
        for measurement in MEASUREMENTS:
            self._bucket.clear(measurement, self._profile.id)
        self._revisions.clear()
        self._written.clear()

    def step(self, now_ns: int, patience_s: float) -> Published:
        """Publish the running periods, and of those that are over as many as there is time for, newest first.

        Raises
        ------
        UnreachableError, AuthorizationError
            If InfluxDB does not answer, refuses us, or lacks the bucket.
        """
        points, left = self._publish_plan(now_ns), 0
        for counted in self._counted:
            points += self._publish_running(counted, now_ns)
        # From here on, so that each step gets on however long the running periods took.
        until, got_on = time.monotonic() + patience_s, False
        for counted in self._counted:
            for month in months_of(self._profile, self._since_ns, now_ns)[1:]:
                if self._is_current(counted, month, now_ns):
                    continue
                late = got_on and time.monotonic() > until
                if late or left or not _examined(counted.days, month, now_ns, until):
                    left += 1
                    continue
                got_on = True
                points += self._publish_month(counted, month, now_ns)
                self._note(counted, month, now_ns)
            if not left:
                left += self._examine_years(counted, now_ns, until)
        return Published(points, left)

    def _examine_years(self, counted: Counted, now_ns: int, until: float) -> int:
        """Examine what is left of the running years, for the next step to publish; return how many are not done."""
        profile = self._profile
        year = fiscal_year_of(now_ns - 1, profile.zone, profile.fiscal_year_starts_in)
        years = (year, _last_12_months(day_of(now_ns, profile.zone), profile))
        left = sum(not _examined(counted.days, period, now_ns, until) for period in years)
        if not left:
            self._examined.add(counted.definition.id)
        return left

    def _is_current(self, counted: Counted, month: Period, now_ns: int) -> bool:
        revision = self._revision(counted, month, now_ns)
        return revision is not None and self._revisions.get((counted.definition.id, month.start_ns)) == revision

    def _note(self, counted: Counted, month: Period, now_ns: int) -> None:
        revision = self._revision(counted, month, now_ns)
        if revision is not None:
            self._revisions[counted.definition.id, month.start_ns] = revision

    def _revision(self, counted: Counted, month: Period, now_ns: int) -> tuple[int, ...] | None:
        """Return what the figures of a month depend on: its days, those of the year before it, the calendar."""
        own = counted.days.revision(month, now_ns)
        if own is None:
            return None
        to_date = Period(month.id, self._year(month).start_ns, month.end_ns)
        others = [counted.days.revision(period, now_ns) for period in (to_date, self._year_earlier(month))]
        known = int(counted.definition.id in self._examined)
        return (own, *(-1 if revision is None else revision for revision in others), known, self._learned)

    def _publish_running(self, counted: Counted, now_ns: int) -> int:
        profile = self._profile
        year = fiscal_year_of(now_ns - 1, profile.zone, profile.fiscal_year_starts_in)
        today, month = day_of(now_ns, profile.zone), month_of(now_ns, profile.zone)
        points = self._publish_month(counted, month, now_ns)
        for kind, period in (("day", today), ("week", _week_of(now_ns, profile))):
            points += self._replace(_scope(FIGURES, counted, profile, kind), [self._figure(counted, period, now_ns)])
        # The years are there as soon as the steps have examined all of their days.
        if counted.definition.id in self._examined:
            period = _last_12_months(today, profile)
            scope = _scope(FIGURES, counted, profile, "last_12_months")
            points += self._replace(scope, [self._figure(counted, period, now_ns)])
            points += self._publish_year(counted, year, now_ns)
        return points

    def _publish_year(self, counted: Counted, year: Period, now_ns: int) -> int:
        scope = _scope(FIGURES, counted, self._profile, "fiscal_year", year.start_ns, year.end_ns)
        points = self._replace(scope, [self._figure(counted, year, now_ns)])
        report = self._report(counted, year, now_ns)
        of_use = _scope(USE, counted, self._profile, "fiscal_year", year.start_ns, year.end_ns)
        return points + self._replace(of_use, [] if report is None else use_points(year, report))

    def _publish_month(self, counted: Counted, month: Period, now_ns: int) -> int:
        profile, report = self._profile, self._report(counted, month, now_ns)
        start, end = month.start_ns, month.end_ns
        points = self._replace(
            _scope(FIGURES, counted, profile, "month", start, end), [self._figure(counted, month, now_ns)]
        )
        of_use = _scope(USE, counted, profile, "month", start, end)
        points += self._replace(of_use, [] if report is None else use_points(month, report))
        events = _scope(EVENTS, counted, profile, "", start, end)
        points += self._replace(events, [] if report is None else event_points(report))
        states = _scope(BEAM_STATE, counted, profile, "", start, end)
        with suppress(PeriodError):
            points += self._replace(states, beam_state_points(counted.days.findings(month, now_ns), profile))
        year = self._year(month)
        if year.end_ns <= now_ns and month.end_ns == year.end_ns and not counted.days.missing(year, now_ns):
            points += self._publish_year(counted, year, now_ns)
        return points

    def _publish_plan(self, now_ns: int) -> int:
        points = 0
        plan = self._counted[0].days.plan
        for month in months_of(self._profile, self._since_ns, now_ns + _AHEAD_NS):
            scope = Scope(PLAN, (("facility", self._profile.id),), month.start_ns, month.end_ns)
            if scope not in self._written or plan != self._plan:
                points += self._replace(scope, plan_points(plan, month.start_ns, month.end_ns))
        self._plan = plan
        return points

    def _replace(self, scope: Scope, wanted: list[Point]) -> int:
        points = tuple(wanted)
        if self._written.get(scope) == points:
            return 0
        changed = self._bucket.replace(scope, points)
        self._written[scope] = points
        return changed

    def _figure(self, counted: Counted, period: Period, now_ns: int) -> Point:
        report = self._report(counted, period, now_ns)
        if report is None:
            return empty_point(period, self._profile, now_ns)
        further = _mtbf_limits(report.availability, counted.definition)
        if period == month_of(period.start_ns, self._profile.zone):
            further[FIELD_YEAR_BEFORE] = self._year_before_pct(counted, period, now_ns)
        return figure_point(period, report, further)

    def _year_before_pct(self, counted: Counted, month: Period, now_ns: int) -> float | None:
        earlier = self._year_earlier(month)
        if earlier.end_ns <= self._since_ns or counted.days.missing(earlier, now_ns):
            return None
        found = self._availability(counted, earlier, now_ns)
        return None if found is None else found.figures.availability_pct

    def _report(self, counted: Counted, period: Period, now_ns: int) -> AvailabilityReport | None:
        found = self._availability(counted, period, now_ns)
        if found is None:
            return None
        return AvailabilityReport(
            profile=self._profile,
            definition=counted.definition,
            as_known_on_ns=now_ns,
            availability=found,
            plan=counted.days.plan,
            refill=Intervals.empty(),
            incidents=self._incidents,
            budget=self._budget(counted, found, now_ns),
        )

    def _availability(self, counted: Counted, period: Period, now_ns: int) -> Availability | None:
        try:
            return counted.days.availability(period, now_ns)
        except (PeriodError, ProfileError):
            return None

    def _budget(self, counted: Counted, found: Availability, now_ns: int) -> Budget | None:
        """Return the downtime that the fiscal year may still have at the end of what was counted."""
        target = self._profile.target_availability_pct
        if target is None:
            return None
        year = self._year(Period(found.period.id, found.period.start_ns, found.counted_until_ns))
        accounts: Accounts | None = found.accounts
        if found.period.start_ns != year.start_ns:
            so_far = Period(year.id, year.start_ns, found.counted_until_ns)
            if counted.definition.id not in self._examined and counted.days.missing(so_far, now_ns):
                return None
            to_date = self._availability(counted, so_far, now_ns)
            accounts = None if to_date is None else to_date.accounts
        if accounts is None:
            return None
        planned = counted.days.plan.user_time.clip(year.start_ns, year.end_ns).total
        left_h = downtime_budget_h(target, planned, accounts.no_beam)
        return Budget(year.id, target, left_h, accounts.unknown / NS_PER_H)

    def _year(self, period: Period) -> Period:
        profile = self._profile
        return fiscal_year_of(period.end_ns - 1, profile.zone, profile.fiscal_year_starts_in)

    def _year_earlier(self, month: Period) -> Period:
        first = to_datetime(month.start_ns, self._profile.zone)
        return month_of(
            local_midnight(first.date().replace(year=first.year - 1), self._profile.zone), self._profile.zone
        )


def _scope(
    measurement: str,
    counted: Counted,
    profile: Profile,
    kind: str,
    start_ns: int | None = None,
    end_ns: int | None = None,
) -> Scope:
    tags = {"facility": profile.id, "definition": counted.definition.id, **({"period": kind} if kind else {})}
    ordered = tuple(sorted(tags.items()))
    if start_ns is None or end_ns is None:
        return Scope(measurement, ordered)
    return Scope(measurement, ordered, start_ns, end_ns)


def _examined(days: Days, period: Period, now_ns: int, until: float) -> bool:
    """Examine the days of a period, one at least, and say whether there was time for all."""
    missing = days.missing(period, now_ns)
    for place, day in enumerate(missing):
        if place and time.monotonic() > until:
            return False
        days.examine(day, now_ns)
    return True


def _week_of(now_ns: int, profile: Profile) -> Period:
    today = to_datetime(now_ns, profile.zone).date()
    monday = today - timedelta(days=today.weekday())
    start, end = (local_midnight(d, profile.zone) for d in (monday, monday + timedelta(days=7)))
    return _named(start, end, profile)


def _last_12_months(today: Period, profile: Profile) -> Period:
    end = to_datetime(today.end_ns, profile.zone).date()
    leap = end.month == 2 and end.day == 29
    start = end.replace(year=end.year - 1, day=28 if leap else end.day)
    return _named(local_midnight(start, profile.zone), today.end_ns, profile)


def _named(start_ns: int, end_ns: int, profile: Profile) -> Period:
    zone = profile.zone
    return Period(f"{format_time(start_ns, zone)}/{format_time(end_ns, zone)}", start_ns, end_ns)


def _mtbf_limits(found: Availability, definition: Definition) -> dict[str, float | None]:
    """Return the confidence limits of the MTBF; none without exposure, or where the extra report is not installed."""
    try:
        from analytics.reliability.rate import mtbf_interval
    except ImportError:
        return {}
    accounts = found.accounts
    exposure_ns = accounts.user_time - accounts.unknown
    if definition.mtbf is Mtbf.KNOWN_UPTIME_PER_FAILURE:
        exposure_ns -= accounts.no_beam
    if exposure_ns <= 0:
        return {}
    interval = mtbf_interval(exposure_ns / NS_PER_H, found.counts.failures, CONFIDENCE)
    return {"mtbf_lower_h": interval.lower_h, "mtbf_upper_h": interval.upper_h}
