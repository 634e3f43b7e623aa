"""The availability of one period in one call, from samples or evidence: what kado does piece by piece."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.availability import Availability, check_schedule, conclude, counted_part
from analytics.distortions import Series
from analytics.evidence import Evidence
from analytics.findings import examine
from facility.batch import Samples
from facility.corrections import Correction
from facility.definition import Definition
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Plan


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
    witness: Samples | None = None,
    mode: Samples | None = None,
    flags: Mapping[str, Samples] | None = None,
    corrections: Sequence[Correction] = (),
    further: Mapping[str, Series] | None = None,
    link_down: Intervals | None = None,
) -> Availability:
    """Compute the availability of a period.

    Parameters
    ----------
    profile, definition, plan
        Limits, rules, and the calendar as known on some date, resolved with the definition's notice.
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
        Instants at which a hold ends because the source's link was lost; `analytics.links`.
    witness, mode, flags
        What else was recorded in `window`: the delivery signal's witness, the machine's mode, the flags that the
        profile names. What is not given is not used.
    corrections
        Those in force, as known on the same date as `plan`.
    further
        The series behind the profile's distortions, by signal; what is not given is unknown.
    link_down
        Where the link of the delivery signal's source is not known to be up; `analytics.links`.

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
    check_schedule(profile, plan, part)
    start, end = window or (part.start_ns, part.end_ns)
    evidence = Evidence(
        delivery,
        start,
        min(end, now_ns),
        np.empty(0, np.int64) if cuts is None else cuts,
        witness,
        mode,
        flags or {},
        corrections,
        further or {},
        Intervals.empty() if link_down is None else link_down,
    )
    return assess(evidence, profile, definition, plan, period, part, settled=settled)


def assess(
    evidence: Evidence,
    profile: Profile,
    definition: Definition,
    plan: Plan,
    period: Period,
    part: Period,
    *,
    settled: bool = True,
    bounds: bool = True,
) -> Availability:
    """Compute the availability of `part` of `period` from evidence; see `availability`.

    Without `bounds`, in a third of the time, both bounds are the availability itself.
    """
    findings = examine(evidence, profile, definition, plan, part, settled=settled, bounds=bounds)
    return conclude(findings, profile, definition, period)
