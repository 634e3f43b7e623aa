"""Events to accounts: every nanosecond of a period in exactly one place."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from analytics.conditions import Conditions
from analytics.events import Events
from facility.errors import AccountsError
from facility.interval import Intervals
from facility.period import Period
from facility.schedule import OPERATING_CATEGORIES, PLANNED_CATEGORIES, Category, Plan
from facility.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Accounts:
    """Time of a period by category, integer nanoseconds.

    ``calendar`` is the sum of the planned categories and ``unscheduled``; ``user + reserve`` is ``user_time``,
    the sum of ``delivered``, ``no_beam`` and ``unknown``. Both are checked; accounts that do not close are an
    error. ``low_beam`` and ``refill`` are parts of ``delivered``, but where the definition takes refill out it
    stands beside it; ``excluded`` is part of ``no_beam``.
    """

    calendar: int
    user: int
    reserve: int
    study: int
    tuning: int
    maintenance: int
    shutdown: int
    commissioning: int
    unscheduled: int
    user_time: int
    delivered: int
    no_beam: int
    unknown: int
    low_beam: int
    refill: int
    excluded: int

    @classmethod
    def sum_of(cls, accounts: Sequence["Accounts"]) -> "Accounts":
        """Return the accounts of several stretches of time together."""
        return cls(**{f.name: sum(getattr(a, f.name) for a in accounts) for f in fields(cls)})

    @property
    def known(self) -> int:
        """User time whose state is known."""
        return self.user_time - self.unknown

    @property
    def operating(self) -> int:
        """Time in which the machine was to run: for users, reserve, study, tuning and commissioning."""
        return sum(getattr(self, c.value) for c in OPERATING_CATEGORIES)


@dataclass(frozen=True, slots=True)
class Side:
    """Time that the accounts name beside what the beam did."""

    refill: Intervals = field(default_factory=Intervals.empty)
    """The machine's mode said ``refill``."""
    refill_is_delivered: bool = True
    excluded: Intervals = field(default_factory=Intervals.empty)
    """A correction states: down for a reason outside the facility."""


def book(conditions: Conditions, events: Events, plan: Plan, period: Period, side: Side) -> Accounts:
    """Put the time of `period` into accounts.

    Raises
    ------
    AccountsError
        If they do not close.
    """
    start, end = period.start_ns, period.end_ns
    planned = {c: plan.intervals(c).clip(start, end).total for c in PLANNED_CATEGORIES}
    user_time = plan.user_time.clip(start, end)
    no_beam = events.no_beam_time.clip(start, end)
    known = conditions.known & user_time
    up = known - no_beam
    refill = up & side.refill
    delivered = up if side.refill_is_delivered else up - refill
    unknown = (user_time - conditions.known) - no_beam
    accounts = Accounts(
        calendar=period.length_ns,
        **{category.value: time for category, time in planned.items()},
        unscheduled=(Intervals.of([(start, end)]) - plan.intervals(*PLANNED_CATEGORIES)).total,
        user_time=user_time.total,
        delivered=delivered.total,
        no_beam=no_beam.total,
        unknown=unknown.total,
        low_beam=(events.low_beam_time & delivered).total,
        refill=refill.total,
        excluded=(no_beam & side.excluded).total,
    )
    _check(accounts, period, 0 if side.refill_is_delivered else accounts.refill)
    return accounts


def _check(a: Accounts, period: Period, refill_beside: int) -> None:
    by_plan = sum(getattr(a, c.value) for c in Category)
    by_beam = a.delivered + a.no_beam + a.unknown + refill_beside
    if by_plan != a.calendar or a.user + a.reserve != a.user_time or by_beam != a.user_time:
        raise AccountsError(
            Sentence(
                "the accounts of {period} do not close: calendar {calendar} ns against {by_plan} ns "
                "planned and unscheduled, user time {user_time} ns against {by_beam} ns delivered, "
                "without beam and unknown; this is a defect in kado, please report it with the data",
                period=period.id,
                calendar=a.calendar,
                by_plan=by_plan,
                user_time=a.user_time,
                by_beam=by_beam,
            )
        )
    if not (0 <= a.low_beam <= a.delivered and 0 <= a.excluded <= a.no_beam):
        raise AccountsError(
            Sentence(
                "the accounts of {period} do not close: low beam {low_beam} ns exceeds delivered "
                "{delivered} ns, or excluded {excluded} ns exceeds time without beam {no_beam} ns",
                period=period.id,
                low_beam=a.low_beam,
                delivered=a.delivered,
                excluded=a.excluded,
                no_beam=a.no_beam,
            )
        )
