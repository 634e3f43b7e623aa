"""Accounts to figures: ratios and means, each by the formula of its definition."""

from dataclasses import dataclass

import numpy as np

from analytics.accounts import Accounts
from analytics.events import Event
from facility.definition import Mtbf
from facility.interval import Intervals
from facility.time import NS_PER_H


@dataclass(frozen=True, slots=True)
class Figures:
    """What is reported. None: does not exist (no failure, no known time), never zero."""

    availability_pct: float | None
    """delivered / known user time: unknown time never counts as up, nor as down."""
    availability_lower_pct: float | None
    """If all unknown time had been without beam, by the same rules."""
    availability_upper_pct: float | None
    """If all unknown time had been at nominal, by the same rules."""
    availability_without_excluded_pct: float | None
    """The same with excluded time taken out of downtime: the facility's own part."""
    coverage_pct: float | None
    """Known part of user time."""
    availability_compensated_pct: float | None
    """delivered / planned user time; may pass 100 where reserve time was given."""
    mtbf_h: float | None
    """By the definition's formula."""
    mttr_h: float | None
    """no_beam / N, clipped to user time."""
    mttr_unclipped_h: float | None
    """Full lengths of the outages / N."""
    mtbd_h: float | None
    """Known user time / distortions: failures, trips, low-beams and those of further signals."""
    longest_run_h: float | None
    """Longest user time between failures, broken by unknown time."""
    longest_run_max_h: float | None
    """The same with unknown time taken as beam."""


def percentage(part: int, whole: int) -> float | None:
    """Return ``part / whole`` in percent, None if there is no whole.

    This is the one place where a share is made of two lengths of time. Both are whole nanoseconds, and the quotient
    of two whole numbers is rounded once: equal lengths make exactly 100, and a smaller one never makes more.

    Examples
    --------
    >>> percentage(49, 49), percentage(1, 3)
    (100.0, 33.333333333333336)
    """
    return 100 * int(part) / int(whole) if whole else None


def mtbf_h(formula: Mtbf, known_user_ns: int, no_beam_ns: int, failures: int) -> float | None:
    """Return the mean time between failures in hours, by one of the three formulas.

    Parameters
    ----------
    formula
        The definition's.
    known_user_ns
        User time in the period, its unknown part taken off.
    no_beam_ns
        Downtime in user time.
    failures
        N.

    Returns
    -------
    float or None
        None where the formula divides by zero failures: "no failure", not infinity.

    References
    ----------
    A. Lüdeke et al., Phys. Rev. Accel. Beams 19, 082802 (2016).
    """
    if known_user_ns == 0:
        return None
    match formula:
        case Mtbf.USER_TIME_PER_FAILURES_PLUS_ONE:
            return known_user_ns / (failures + 1) / NS_PER_H
        case Mtbf.USER_TIME_PER_FAILURE:
            return known_user_ns / failures / NS_PER_H if failures else None
        case Mtbf.KNOWN_UPTIME_PER_FAILURE:
            return (known_user_ns - no_beam_ns) / failures / NS_PER_H if failures else None


def downtime_budget_h(target_pct: float, planned_user_ns: int, no_beam_ns: int) -> float:
    """Return how many hours may still be lost for a year to reach its target; below 0: it was missed.

    Parameters
    ----------
    target_pct
        The availability that the facility promises for a year.
    planned_user_ns
        User time planned for the whole year.
    no_beam_ns
        Downtime in user time so far.

    Examples
    --------
    >>> round(downtime_budget_h(99.0, 4_000 * NS_PER_H, 25 * NS_PER_H), 9)
    15.0
    """
    return ((1 - target_pct / 100) * planned_user_ns - no_beam_ns) / NS_PER_H


def longest_run_h(user_time: Intervals, breaks: Intervals) -> float | None:
    """Return the longest user time between `breaks`, in hours; blocks without user time do not break a run.

    None without user time.
    """
    if not user_time:
        return None
    runs = user_time - breaks
    if not runs:
        return 0.0
    # A break between two pieces begins a new run; a block without user time between them does not.
    broken = np.searchsorted((breaks & user_time).start, runs.start, side="left")
    first = np.flatnonzero(np.append(True, np.diff(broken) > 0))
    return int(np.add.reduceat(runs.end - runs.start, first).max()) / NS_PER_H


def compute(
    accounts: Accounts,
    failures: list[Event],
    distortions: int,
    formula: Mtbf,
    *,
    lower: Accounts,
    upper: Accounts,
    user_time: Intervals,
    no_beam: Intervals,
    unknown: Intervals,
) -> Figures:
    """Compute all figures of a period.

    Parameters
    ----------
    accounts
        Of the period.
    failures
        The no-beam events that the period counts.
    distortions
        Failures, trips, low-beams and further distortions that the period counts.
    formula
        The definition's MTBF.
    lower, upper
        Accounts of the same period with unknown time filled by samples at zero, and at nominal.
    user_time, no_beam, unknown
        The intervals behind the accounts, clipped to the period.
    """
    a = accounts
    known = a.known
    n = len(failures)
    # The figure itself may lie outside both cases: a hole too short for an outage counts as beam in either.
    answers = [pct for x in (a, lower, upper) if (pct := percentage(x.delivered, x.known)) is not None]
    return Figures(
        availability_pct=percentage(a.delivered, known),
        availability_lower_pct=min(answers, default=None),
        availability_upper_pct=max(answers, default=None),
        availability_without_excluded_pct=percentage(a.delivered, known - a.excluded),
        coverage_pct=percentage(a.user_time - a.unknown, a.user_time),
        availability_compensated_pct=percentage(a.delivered, a.user),
        mtbf_h=mtbf_h(formula, known, a.no_beam, n),
        mttr_h=a.no_beam / n / NS_PER_H if n else None,
        mttr_unclipped_h=sum(e.duration_ns for e in failures) / n / NS_PER_H if n else None,
        mtbd_h=known / distortions / NS_PER_H if distortions else None,
        longest_run_h=longest_run_h(user_time, no_beam | unknown),
        longest_run_max_h=longest_run_h(user_time, no_beam),
    )
