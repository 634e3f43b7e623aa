"""Why unknown time is unknown, by the instant."""

import numpy as np
from numpy.typing import NDArray

from analytics.conditions import is_good
from analytics.evidence import Evidence
from analytics.rules import Rules
from analytics.segments import Rule
from facility.interval import Intervals
from facility.time import MAX_NS

Int64 = NDArray[np.int64]


def unknown_causes(evidence: Evidence, rules: Rules) -> dict[Rule, Intervals]:
    """Return where each cause would explain that the delivery signal is not known.

    A bad sample explains the time for which a good one in its place would hold, and no more: twenty minutes without
    samples and a bad one at their end are not "only bad samples". A lost link explains the time until it is up
    again, and until the next sample after that where it comes as soon as the signal holds. Before the first sample
    the reason is that there is none yet. What is left is stale: the last good sample is too old.
    """
    samples = evidence.delivery
    times, good = samples.time_ns, is_good(samples, rules.physical_max)
    bad = times[~good]
    return {
        Rule.BAD: Intervals.from_arrays(bad, _until(bad, times, evidence.cuts, rules.stale_after_ns)),
        Rule.LINK: _link(evidence, times[good], rules.stale_after_ns),
        Rule.NO_SAMPLE: Intervals.of([(evidence.start_ns, int(times[0]) if len(times) else evidence.end_ns)]),
    }


def _until(stamps: Int64, times: Int64, cuts: Int64, stale_ns: int | None) -> Int64:
    """Return where samples stamped at `stamps` cease to hold: at the next sample, when stale, or at a cut."""
    end = _following(times, stamps)
    if stale_ns is not None:
        end = np.minimum(end, stamps + stale_ns)
    return np.minimum(end, _following(cuts, stamps))


def _following(times: Int64, stamps: Int64) -> Int64:
    """Return the first of `times` after each stamp; the end of time if there is no later one."""
    return np.append(times, MAX_NS)[np.searchsorted(times, stamps, side="right")]


def _link(evidence: Evidence, good: Int64, stale_ns: int | None) -> Intervals:
    cuts, down = evidence.cuts, evidence.link_down
    last_good = np.searchsorted(good, cuts, side="left") - 1
    held = last_good >= 0
    cut_until = np.full(len(cuts), MAX_NS, np.int64)
    if stale_ns is not None:
        cut_until[held] = good[last_good[held]] + stale_ns
        cut_until[~held] = cuts[~held]
    cut_until = np.minimum(cut_until, _following(good, cuts - 1))
    soon = down.end if stale_ns is None else down.end + stale_ns
    back = _following(good, down.end - 1)
    until = np.where(back <= soon, back, down.end) if stale_ns is not None else back
    return Intervals.from_arrays(cuts, cut_until) | Intervals.from_arrays(down.start, until)
