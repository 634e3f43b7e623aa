"""A month or a fiscal year as days by hours: what was planned, what came of it, and the sums of each day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from analytics.conditions import Kind
from facility.errors import PeriodError
from facility.interval import Intervals
from facility.period import Period, fiscal_year_of, month_of
from facility.profile import Profile
from facility.schedule import PLANNED_CATEGORIES, Plan, resolve
from facility.sentence import Sentence
from facility.time import Clock, format_time, local_midnight, system_clock, to_datetime, to_s
from kado.config import Configuration
from kado.queries.availability import AvailabilityReport
from kado.queries.drawn_kinds import drawn_kinds
from kado.queries.figures_by_day import open_figures
from kado.queries.identity import identity
from kado.queries.record import load_record

OUTCOMES: Final = ("delivered", "low_beam", "no_beam", "unknown", "planned")
"""What came of user time; ``planned`` is not over yet."""


_MOST_A_KIND: Final = 1_000
_SLOTS: Final = 31 * 96
"""Of a month: a quarter of an hour each."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time of one local day with one state."""

    kind: str
    """One of `OUTCOMES`, or a category of the plan."""
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Day:
    """One local day."""

    day: date
    start_ns: int
    end_ns: int
    stretches: tuple[Stretch, ...]
    """Without gap or overlap, in order of time; of very many, in the detail that a picture can show."""
    totals_ns: Mapping[str, int]
    """The time of each kind, exact."""

    def total(self, *kinds: str) -> int:
        """Return the time of some kinds, ns."""
        return sum(ns for kind, ns in self.totals_ns.items() if kind in kinds)

    @property
    def user_ns(self) -> int:
        """User time, past and planned."""
        return self.total(*OUTCOMES)

    @property
    def lost_ns(self) -> int:
        """User time without beam."""
        return self.total("no_beam")

    @property
    def unknown_ns(self) -> int:
        """Unknown user time."""
        return self.total("unknown")


@dataclass(frozen=True, slots=True)
class Month:
    """One month, or what of it lies in a period."""

    period: Period
    report: AvailabilityReport | None
    """None: it has no figure, because nothing is planned or known in it."""
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The months of a period."""

    profile: Profile
    definition: str
    known_on_ns: int
    period: Period
    months: tuple[Month, ...]


def load_calendar(
    configuration: Configuration, period: str, definition: str | None = None, *, clock: Clock = system_clock
) -> Calendar:
    """Return the calendar of a month or a fiscal year.

    Raises
    ------
    PeriodError
        If it is neither.
    DefinitionError
        If there is no such definition.
    """
    profile, now_ns = configuration.profile, clock()
    asked = profile.period(period)
    if not (_is_month(asked, profile) or _is_year(asked, profile)):
        raise PeriodError(
            Sentence("{period!r} is neither a month such as 2026-10 nor a fiscal year such as FY2026", period=period)
        )
    months: list[Month] = []
    plan = resolve(load_record(configuration).versions)
    try:
        with open_figures(configuration, definition, clock=clock) as figures:
            for month in _months_of(asked, profile):
                report = figures.report_or_none(month)
                shown = kinds_of_time(report) if report is not None else _without_figure(figures.plan, month, now_ns)
                months.append(Month(month, report, _days(profile, month, shown)))
            return Calendar(profile, figures.definition.id, figures.known_on_ns, asked, tuple(months))
    except PeriodError:
        # There is no sample at all: the plan is still worth showing.
        months = [
            Month(m, None, _days(profile, m, _without_figure(plan, m, now_ns))) for m in _months_of(asked, profile)
        ]
        return Calendar(profile, definition or profile.definition, now_ns, asked, tuple(months))


def kinds_of_time(loaded: AvailabilityReport) -> dict[str, Intervals]:
    """Return a period by what was planned and what came of user time; without gap or overlap."""
    period, part, plan = loaded.availability.period, loaded.part, loaded.plan
    user = plan.user_time.clip(period.start_ns, period.end_ns)
    over = user.clip(part.start_ns, part.end_ns)
    no_beam = _union(loaded, Kind.NO_BEAM) & over
    unknown = (loaded.availability.unknown & over) - no_beam
    low = (_union(loaded, Kind.LOW_BEAM) & over) - no_beam - unknown
    return {
        "delivered": over - no_beam - unknown - low,
        "low_beam": low,
        "no_beam": no_beam,
        "unknown": unknown,
        "planned": user - over,
        **_not_user(plan, period, user),
    }


def _without_figure(plan: Plan, period: Period, now_ns: int) -> dict[str, Intervals]:
    user = plan.user_time.clip(period.start_ns, period.end_ns)
    over = user.clip(period.start_ns, max(period.start_ns, min(now_ns, period.end_ns)))
    return {"unknown": over, "planned": user - over, **_not_user(plan, period, user)}


def _not_user(plan: Plan, period: Period, user: Intervals) -> dict[str, Intervals]:
    start, end = period.start_ns, period.end_ns
    kinds = {
        category.value: plan.intervals(category).clip(start, end) - user
        for category in PLANNED_CATEGORIES
        if not category.is_user_time
    }
    kinds["unscheduled"] = Intervals.of([(start, end)]) - plan.intervals(*PLANNED_CATEGORIES) - user
    return kinds


def _union(loaded: AvailabilityReport, kind: Kind) -> Intervals:
    counted = [
        r.event.user_time
        for r in loaded.availability.events
        if r.event.kind is kind and (not r.trip or loaded.definition.trips_are_downtime)
    ]
    return Intervals.of(pair for time in counted for pair in time)


def _days(profile: Profile, period: Period, kinds: Mapping[str, Intervals]) -> tuple[Day, ...]:
    zone = profile.zone
    drawn = drawn_kinds(kinds, period.start_ns, period.end_ns, most=_MOST_A_KIND, slots=_SLOTS)
    first, last = to_datetime(period.start_ns, zone).date(), to_datetime(period.end_ns - 1, zone).date()
    found: list[Day] = []
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        start, end = local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
        stretches = [Stretch(kind, a, b) for kind, time in drawn.items() for a, b in time.clip(start, end)]
        totals = {kind: time.clip(start, end).total for kind, time in kinds.items()}
        found.append(Day(day, start, end, tuple(sorted(stretches, key=lambda s: s.start_ns)), totals))
    return tuple(found)


def _months_of(period: Period, profile: Profile) -> list[Period]:
    months = [month_of(period.start_ns, profile.zone)]
    while months[-1].end_ns < period.end_ns:
        months.append(month_of(months[-1].end_ns, profile.zone))
    return months


def _is_month(period: Period, profile: Profile) -> bool:
    month = month_of(period.start_ns, profile.zone)
    return (month.start_ns, month.end_ns) == (period.start_ns, period.end_ns)


def _is_year(period: Period, profile: Profile) -> bool:
    year = fiscal_year_of(period.start_ns, profile.zone, profile.fiscal_year_starts_in)
    return (year.start_ns, year.end_ns) == (period.start_ns, period.end_ns)


def calendar_document(found: Calendar) -> dict[str, Any]:
    """Return the same for programs: sums in seconds, stretches with their ends."""
    zone = found.profile.zone
    return {
        **identity(found.profile, definition=found.definition, period=found.period),
        "as_known_on": format_time(found.known_on_ns, zone),
        "months": [
            {
                "period": m.period.id,
                "availability_pct": None if m.report is None else m.report.availability.figures.availability_pct,
                "failures": None if m.report is None else m.report.availability.counts.failures,
                "days": [
                    {
                        "day": d.day.isoformat(),
                        "user_time_s": to_s(d.user_ns),
                        "no_beam_s": to_s(d.lost_ns),
                        "unknown_s": to_s(d.unknown_ns),
                        "low_beam_s": to_s(d.total("low_beam")),
                        "stretches": [
                            {"kind": s.kind, "start": format_time(s.start_ns, zone), "end": format_time(s.end_ns, zone)}
                            for s in d.stretches
                        ],
                    }
                    for d in m.days
                ],
            }
            for m in found.months
        ],
    }
