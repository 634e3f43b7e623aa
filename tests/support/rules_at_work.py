"""Which accounting rules had something to decide in a generated case, judged from its reference."""

from itertools import pairwise

import numpy as np

from analytics.availability import Availability
from facility.corrections import Assertion
from facility.interval import Intervals
from facility.quality import Quality
from facility.time import parse_time
from generated_cases import WORDS, Case
from reference_accounting import TICK, Reference
from reference_events import FullReference
from reference_limits import limits_in_force


def rules_at_work(case: Case, slow: Reference, fast: Availability) -> dict[str, bool]:
    """Return for each rule whether it decided something in user time."""
    return {
        **_of_samples(case),
        **_of_holds(case, slow),
        **_of_states(case, slow, fast),
        **_of_events(case, slow),
        **_of_limits(case, slow),
        **_of_calendar(case, slow, fast),
        **(_of_what_was_said(case, slow, fast) if isinstance(slow, FullReference) else {}),
    }


def _of_samples(case: Case) -> dict[str, bool]:
    samples, highest = case.samples, case.profile.delivery.physical_max
    finite, uncertain = np.isfinite(samples.value), samples.quality == Quality.UNCERTAIN
    reason = np.full(len(samples), -1) if samples.reason is None else samples.reason
    clock = uncertain & (reason == WORDS.index("clock"))
    return {
        "bad quality": bool((samples.quality == Quality.BAD).any()),
        "not a finite number": bool((~finite).any()),
        "above physical_max": highest is not None and bool((samples.value[finite] > highest).any()),
        "uncertain because of a clock is bad": bool(clock.any()),
        "uncertain otherwise is good": bool((uncertain & ~clock).any()),
    }


def _of_holds(case: Case, slow: Reference) -> dict[str, bool]:
    known = _known(slow)
    ends = {k for k in range(1, slow.n) if known[k - 1] and not known[k] and slow.user[k]}
    cuts = {slow.tick(ns) for ns in case.cuts.tolist()} - {slow.n}
    stale = case.profile.delivery.stale_after_ns
    return {
        "a hold goes stale": bool(ends - cuts),
        "a hold of exactly stale_after": stale is not None and bool((np.diff(case.samples.time_ns) == stale).any()),
        "held for as long as the link is alive": stale is None,
        "a lost link cuts the hold": bool(ends & cuts),
        "a sample stamped at the loss of the link": any(slow.stamped[k] for k in cuts),
        "unknown before the first sample": not known[0],
        "bounds apart": slow.bounds[0] != slow.bounds[1],
        "an outage may have begun anew in unknown time": bool(slow.began_anew),
    }


def _of_states(case: Case, slow: Reference, fast: Availability) -> dict[str, bool]:
    states, number, glitches, became = slow.judged
    low = {number[k] for k in range(slow.n) if states[k] == "low" and slow.user[k]}
    rules, value = case.definition, [np.nan if v is None else v for v in slow.value]
    minimum = np.array([limits.minimum for limits in slow.limits])
    down = np.array([s == "down" for s in states]) & slow.user
    short = [g.end_ns - g.start_ns < rules.min_duration_ns for g in fast.glitches]
    return {
        "no-beam": bool(slow.failures),
        "low-beam": bool(slow.low_beams),
        f"no-beam ends at {rules.no_beam_ends_at.value}": bool(slow.failures),
        "a return above minimum continues no-beam": bool((down & (value >= minimum)).any()),
        "glitch by duration": any(short),
        "glitch by number of samples": not all(short),
        "the signal asks for more samples": bool(short) and case.profile.delivery.min_samples > rules.min_samples,
        "glitch in low-beam": any(states[k] == "low" and slow.user[k] for k in glitches),
        "low-beam becomes no-beam": bool(low & became.keys()),
        "low-beam becomes no-beam that does not count": any(e in became for e in slow.low_beams),
        "the tail of a recovery": any(("tail", e) in became for e in low),
    }


def _of_events(case: Case, slow: Reference) -> dict[str, bool]:
    states, number, gap = slow.judged[0], slow.judged[1], case.definition.merge_gap_ns
    merged = {states[k] for k in range(slow.n) if slow.account[k] == "down"}
    inside = [(a, b) for a, b in _gaps(slow) if number[a] == number[b]]
    between = [(a, b) for a, b in _gaps(slow) if number[a] != number[b] and (b - a - 1) * TICK <= gap]
    spoken = [k for k in range(slow.n) if states[k] != "unknown"]
    return {
        "beam in a merged event": "up" in merged,
        "low-beam in a merged event": "low" in merged,
        "unknown in a merged event": "unknown" in merged,
        "exactly merge_gap apart": any((b - a - 1) * TICK == gap and all(slow.user[a:b]) for a, b in between),
        "close, in two stretches of user time": any(not all(slow.user[a:b]) for a, b in between),
        "no-beam lives through a gap": any("unknown" in states[a:b] for a, b in inside),
        "a hole too long to be no-beam": any("unknown" in slow.account[a:b] for a, b in inside),
        "no-beam ends in a gap": any(
            b - a > 1 and slow.user[a] and states[a] == "down" and (states[b] != "down" or number[b] != number[a])
            for a, b in pairwise(spoken)
        ),
        "one failure in two stretches of user time": any(not all(slow.user[a:b]) for a, b in inside),
    }


def _of_limits(case: Case, slow: Reference) -> dict[str, bool]:
    states, number = slow.judged[:2]
    known, limits = _known(slow), slow.limits
    changes = [k for k in range(1, slow.n) if limits[k] is not limits[k - 1] and slow.user[k] and known[k]]
    steps = {parse_time(str(s.since)): s.grace_h for s in case.profile.limit_steps}
    frozen, thawed = (
        limits_in_force(case.profile, rules, case.plan, slow.category, slow.first)
        for rules in (case.definition, case.definition.model_copy(update={"limits_frozen_in_runs": False}))
    )
    fraction = case.definition.no_beam_below_fraction
    spoken = [(k, v) for k, v in enumerate(slow.value) if v is not None and slow.user[k]]
    return {
        "limits frozen in a run": any(frozen[k] != thawed[k] for k, _ in spoken),
        "no-beam below a part of nominal": fraction is not None
        and any((v < frozen[k].minimum) != (v < limits[k].minimum) for k, v in spoken),
        "limits change in no-beam": any(states[k] == "down" and number[k] == number[k - 1] for k in changes),
        "limits change in low-beam": any(states[k] == "low" and number[k] == number[k - 1] for k in changes),
        "a held sample is looked at again": any(
            number[k] != number[k - 1] and not slow.stamped[k] and states[k] != "up" for k in changes
        ),
        "grace": any(grace and slow.user[min(slow.tick(ns), slow.n - 1)] for ns, grace in steps.items()),
        "limits of a mode": len(case.profile.limits.by_mode) > 1 and bool(changes),
    }


def _of_calendar(case: Case, slow: Reference, fast: Availability) -> dict[str, bool]:
    states, number = slow.judged[:2]
    starts = [k for k in range(1, slow.n) if slow.user[k] and not slow.user[k - 1]]
    return {
        "user and reserve": fast.accounts.user > 0 and fast.accounts.reserve > 0,
        "a later version of the calendar": len({p.published_at_ns for p in case.plan.planned}) > 1,
        "no-beam outside user time": any(s == "down" and not u for s, u in zip(states, slow.user, strict=True)),
        "running when user time starts": any(
            states[k - 1] == states[k] == "down" and number[k - 1] == number[k] for k in starts
        ),
        "carried over": any(e.carried_over for e in fast.events),
        "open at the end": any(e.event.open for e in fast.events),
    }


def _of_what_was_said(case: Case, slow: FullReference, fast: Availability) -> dict[str, bool]:
    before = Reference(
        case.profile, case.definition, case.plan, case.samples, case.period, case.window, case.cuts.tolist()
    )
    asked, first, last = set(case.definition.requires + case.definition.fails_on), *slow.period
    user = {k for k in range(slow.n) if slow.user[k]}
    flags = {k for k, w in slow.said_by_flags().items() if w == "down"} & user if asked else set[int]()
    unsure = {k for k, w in slow.said_by_flags().items() if w == "unknown"} & user if asked else set[int]()
    cancelled = Intervals.of((max(a, case.window[0]), b) for a, b in case.plan.cancelled)

    def changed(*said: Assertion) -> bool:
        """Whether such a correction decided on user time."""
        ticks = slow.ticks(*said) & user
        return any(slow.value[k] != before.value[k] or slow.limits[k] != before.limits[k] for k in ticks)

    def spoke(said: Assertion) -> bool:
        """Whether at least two outages touch such a correction."""
        return any(
            len({n for n, s in zip(slow.judged[1][a:b], slow.judged[0][a:b], strict=True) if s == "down"}) > 1
            for a, b in slow.spans(said)
        )

    return {
        "a witness confirms": case.beside.get("witness") is not None and slow.failures != {} and not slow.faults,
        "a sensor fault": fast.counts.sensor_faults > 0,
        "a witness is silent": fast.unwitnessed > 0,
        "a witness in a unit of its own": bool(slow.by_own_unit),
        "a trip": fast.counts.trips > 0,
        "a sample holds for no time": bool(slow.momentary),
        "a trip that is not downtime": fast.counts.trips > 0 and not case.definition.trips_are_downtime,
        "user time cancelled late": bool(cancelled),
        "cancelled while the beam was up": any(before.value[k] and k in user for k in _ticks(slow, cancelled)),
        "said to be up": changed(Assertion.UP),
        "said to be down": changed(Assertion.DOWN),
        "said to be unknown": changed(Assertion.UNKNOWN),
        "said to be a sensor fault": changed(Assertion.SENSOR_FAULT),
        "said to be sound": bool(slow.trusted),
        "excluded": fast.accounts.excluded > 0,
        "reduced": changed(Assertion.REDUCED),
        "one event": spoke(Assertion.ONE_EVENT),
        "separate": case.definition.merge_gap_ns > 0 and spoke(Assertion.SEPARATE),
        "refill": fast.accounts.refill > 0 and case.definition.refill_is_delivered,
        "refill taken out": fast.accounts.refill > 0 and not case.definition.refill_is_delivered,
        "a flag says no beam": any(before.value[k] for k in flags & set(range(first, last))),
        "a flag is not known": bool(unsure),
        "flags that must be set, and flags that must not": bool(case.definition.requires and case.definition.fails_on),
        "a flag that the facility does not have": bool(asked - case.profile.flags.keys()),
        "a flag that was never recorded": bool((asked & case.profile.flags.keys()) - case.beside["flags"].keys()),
    }


def _ticks(slow: Reference, intervals: Intervals) -> set[int]:
    return {k for a, b in intervals for k in range(slow.tick(a), slow.tick(b))}


def _known(slow: Reference) -> list[bool]:
    return [v is not None for v in slow.value]


def _gaps(slow: Reference) -> list[tuple[int, int]]:
    """Return (last tick before, first tick after) of whatever parts no-beam, both in user time."""
    down = [k for k in range(slow.n) if slow.user[k] and slow.judged[0][k] == "down"]
    return [(a, b) for a, b in pairwise(down) if b - a > 1]
