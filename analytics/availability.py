"""The whole chain: samples to conditions, events, accounts and figures of one period."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.accounts import Accounts, book
from analytics.conditions import Conditions, Glitch, scan
from analytics.events import Event, Events, find_events
from analytics.figures import Figures, compute
from analytics.rules import Rules
from facility.batch import Samples
from facility.definition import Definition
from facility.errors import PeriodError, ProfileError
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import PLANNED_CATEGORIES, Plan
from facility.time import format_time

PROVISIONAL_BELOW_PCT: Final = 99.0
"""Coverage below which a figure is provisional."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each the period counts."""

    failures: int
    """No-beam events whose first instant in user time lies in the period; of known time."""
    low_beam: int
    """Low-beams likewise, those that turned into no-beam left out."""
    distortions: int
    glitches: int


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """An event as one period sees it."""

    event: Event
    user_time_ns: int
    """User time that it cost inside the period."""
    carried_over: bool
    """Counted as a failure of an earlier period."""


@dataclass(frozen=True, slots=True)
class Availability:
    """The availability of one facility in one period, by one definition."""

    facility: str
    simulated: bool
    definition: str
    period: Period
    """What was asked for."""
    counted_until_ns: int
    """The period's end, or now where the period is not over yet."""
    provisional: bool
    """Coverage is below 99 %, the period is not over, or what follows it may still change it."""
    accounts: Accounts
    """Of the part of the period that is over."""
    figures: Figures
    counts: Counts
    events: tuple[ReportedEvent, ...]
    """No-beams and low-beams in order of time."""
    glitches: tuple[Glitch, ...]
    unknown: Intervals
    """Unknown user time."""


def availability(
    profile: Profile,
    definition: Definition,
    plan: Plan,
    delivery: Samples,
    period: Period,
    *,
    now_ns: int,
    window: tuple[int, int] | None = None,
    settled: bool = True,
    cuts: NDArray[np.int64] | None = None,
) -> Availability:
    """Compute the availability of a period.

    Parameters
    ----------
    profile, definition, plan
        Limits, rules, and the calendar as known on some date.
    delivery
        Samples of the delivery signal in `window`, one held sample before it included.
    period
        What to report; cut at `now_ns` where it is not over.
    now_ns
        Nothing is known of what comes later.
    window
        Time that `delivery` covers: it should reach back and forward until the beam was up for the merge gap
        (`analytics.window`). None: the period alone.
    settled
        Whether `window` reaches far enough forward for the figures to be final.
    cuts
        Instants at which a hold ends because the source's link was lost; `analytics.window.link_cuts`.

    Raises
    ------
    PeriodError
        If the period lies in the future, or nothing is scheduled in it.
    ProfileError
        If there is user time before the profile's first limits.
    AccountsError
        If the accounts do not close.
    """
    part = counted_part(profile, period, now_ns)
    _check_schedule(profile, plan, part)
    start, end = window or (part.start_ns, part.end_ns)
    end = min(end, now_ns)
    rules = Rules.of(profile, definition, plan, start, end)
    conditions = scan(delivery, rules, start, end, cuts=cuts)
    events = find_events(conditions, plan.user_time, definition.merge_gap_ns)
    accounts = book(conditions, events, plan, part)
    lower = upper = accounts
    if conditions.known != Intervals.of([(start, end)]):
        lower = _filled(0.0, delivery, rules, conditions, plan, definition, part, cuts)
        upper = _filled(math.inf, delivery, rules, conditions, plan, definition, part, cuts)
    return _report(profile, definition, plan, period, part, conditions, events, accounts, lower, upper, settled)


def counted_part(profile: Profile, period: Period, now_ns: int) -> Period:
    """Return what is over of a period.

    Raises
    ------
    PeriodError
        If it has not begun.
    """
    if period.start_ns >= now_ns:
        raise PeriodError(
            f"period {period.id} begins at {format_time(period.start_ns, profile.zone)}, in the future: "
            "nothing can be known of it"
        )
    return Period(period.id, period.start_ns, min(period.end_ns, now_ns))


def _check_schedule(profile: Profile, plan: Plan, part: Period) -> None:
    if not plan.intervals(*PLANNED_CATEGORIES).clip(part.start_ns, part.end_ns):
        raise PeriodError(
            f"facility {profile.id} has no schedule for {part.id}, and the schedule alone says what was promised: "
            "import one with 'kado schedule import FILE'"
        )
    for block in plan.blocks:
        start = max(block.start_ns, part.start_ns)
        inside = block.category.is_user_time and start < min(block.end_ns, part.end_ns)
        if inside and profile.limits.at(block.category, start) is None:
            raise ProfileError(
                f"facility {profile.id} has user time from {format_time(start, profile.zone)} and no limits for "
                f"{profile.delivery_signal} yet then: add a [[limits]] table that starts earlier"
            )


def _filled(
    fill: float,
    delivery: Samples,
    rules: Rules,
    conditions: Conditions,
    plan: Plan,
    definition: Definition,
    part: Period,
    cuts: NDArray[np.int64] | None,
) -> Accounts:
    """Run the chain again with unknown time filled by samples at `fill`."""
    filled = scan(delivery, rules, conditions.start_ns, conditions.end_ns, cuts=cuts, fill=fill)
    return book(filled, find_events(filled, plan.user_time, definition.merge_gap_ns), plan, part)


def _report(
    profile: Profile,
    definition: Definition,
    plan: Plan,
    period: Period,
    part: Period,
    conditions: Conditions,
    events: Events,
    accounts: Accounts,
    lower: Accounts,
    upper: Accounts,
    settled: bool,
) -> Availability:
    start, end = part.start_ns, part.end_ns
    user_time = plan.user_time.clip(start, end)
    no_beam = events.no_beam_time.clip(start, end)
    unknown = (user_time - conditions.known) - no_beam
    failures = [e for e in events.no_beam if start <= e.first_user_ns < end]
    low_beams = [e for e in events.low_beam if start <= e.first_user_ns < end]
    glitches = tuple(g for g in conditions.glitches if start <= g.start_ns < end and user_time.contains(g.start_ns))
    distortions = len(failures) + len(low_beams)
    figures = compute(
        accounts,
        failures,
        distortions,
        definition.mtbf,
        lower=lower,
        upper=upper,
        user_time=user_time,
        no_beam=no_beam,
        unknown=unknown,
    )
    coverage = figures.coverage_pct
    reported = [
        ReportedEvent(e, e.user_time.clip(start, end).total, e.first_user_ns < start)
        for e in (*events.no_beam, *events.low_beam)
        if e.user_time.clip(start, end)
    ]
    return Availability(
        facility=profile.id,
        simulated=profile.simulated,
        definition=definition.id,
        period=period,
        counted_until_ns=end,
        provisional=coverage is None or coverage < PROVISIONAL_BELOW_PCT or end < period.end_ns or not settled,
        accounts=accounts,
        figures=figures,
        counts=Counts(len(failures), len(low_beams), distortions, len(glitches)),
        events=tuple(sorted(reported, key=lambda r: (r.event.start_ns, r.event.kind.value))),
        glitches=glitches,
        unknown=unknown,
    )
