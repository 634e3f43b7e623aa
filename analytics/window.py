"""How far to look beyond a period, so that its figures cannot depend on what was left out."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import Samples
from facility.definition import Definition
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.quality import Quality
from facility.signals import LINK_HOLD_NS
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_H, to_ns

Int64 = NDArray[np.int64]
ReadSamples = Callable[[int, int], Samples]
"""Returns the delivery signal's samples stamped in ``[start_ns, end_ns)``."""
Breaks = Callable[[int, int], Intervals]
"""Returns where in ``[start_ns, end_ns)`` samples at nominal settle nothing: see `analytics.evidence.breaks`."""

_GROWTH: Final = 4

GAPS_FOLLOWED_NS: Final = 12 * NS_PER_H
"""So far around a period, or four merge gaps where that is more, a stretch without a gap is looked for. Further out
one in which no sample is low is enough: unknown time in it can move the bounds, and nothing else."""
OUTAGE_FOLLOWED_NS: Final = 92 * NS_PER_DAY
"""So far around a period an outage is followed, as through a shutdown; the archive is not read any further."""


@dataclass(frozen=True, slots=True)
class Window:
    """The delivery signal around a period."""

    samples: Samples
    """From `start_ns` to `end_ns`."""
    start_ns: int
    end_ns: int
    settled: bool
    """Whether the beam was seen up for the merge gap after the period, so that nothing later changes what is found."""
    cut: bool = False
    """Whether what lies around the period was not followed to its end: unknown time so close that it might all be one
    outage was followed for `GAPS_FOLLOWED_NS`, an outage for `OUTAGE_FOLLOWED_NS`, and there are samples further out.
    Then bounds, and the first event or the last one, are of what was looked at."""


def no_breaks(_start_ns: int, _end_ns: int) -> Intervals:
    """Return nothing: the samples are all that is known."""
    return Intervals.empty()


def load_window(
    read: ReadSamples,
    profile: Profile,
    definition: Definition,
    part: Period,
    *,
    extent: tuple[int, int],
    now_ns: int,
    breaks: Breaks = no_breaks,
) -> Window:
    """Read the samples of a period and as much around it as its figures depend on.

    The window reaches back and forward until the beam was surely up, without a gap or break, for the definition's
    merge gap; back at most to some time before the first sample there is, forward at most to now. Where gaps come
    closer than that, it reaches as far as `GAPS_FOLLOWED_NS` and `OUTAGE_FOLLOWED_NS` say.

    Parameters
    ----------
    read
        The store.
    part
        The period, cut at now.
    extent
        Stamps of the first and the last sample that the store holds: beyond them there is nothing to follow.
    now_ns
        Nothing is known of what comes later.
    breaks
        What else is known: where it may undo what the samples show.
    """
    need, (first_ns, last_ns) = definition.merge_gap_ns, extent
    gaps_followed = max(GAPS_FOLLOWED_NS, 4 * need)
    # What lies around is joined by itself: it is little, and the period is copied once, at the end.
    earlier_pieces, later_pieces = list[Samples](), list[Samples]()
    within = read(part.start_ns, part.end_ns)
    start, reach, cut = part.start_ns, max(need, NS_PER_H), False
    while start > first_ns:
        earlier = max(start - reach, first_ns)
        earlier_pieces.insert(0, read(earlier, start))
        before = _join(earlier_pieces)
        far = part.start_ns - earlier >= gaps_followed
        runs, through_gaps = _settled(before, breaks(earlier, part.start_ns), profile, need, through_gaps=far)
        start, reach = earlier, reach * _GROWTH
        if runs:
            cut |= through_gaps
            start = _last_before(before.time_ns, runs[-1][1] - need)
            break
        if part.start_ns - start >= OUTAGE_FOLLOWED_NS:
            cut = True
            break
    else:
        # Nothing is known about the time before the first sample: the bounds must include that it was without beam.
        # What is stated of it, as by a correction, may be an event that began then, and is counted where it began.
        stated = breaks(start - OUTAGE_FOLLOWED_NS, start)
        start = min(start, *stated.start.tolist()) if stated else start
        start -= max(need, NS_PER_H)
    end, reach, settled = part.end_ns, max(need, to_ns(definition.min_duration_s), NS_PER_H), False
    while end < now_ns and not settled:
        # Before the first sample there is nothing to read.
        later = min(max(end, first_ns) + reach, now_ns)
        later_pieces.append(read(end, later))
        after = _join(later_pieces)
        far = later - part.end_ns >= gaps_followed
        runs, through_gaps = _settled(after, breaks(part.end_ns, later), profile, need, through_gaps=far)
        end, reach, settled = later, reach * _GROWTH, bool(runs)
        if runs:
            cut |= through_gaps
            end = _first_from(after.time_ns, runs[0][0] + need) + 1
        elif end - max(part.end_ns, first_ns) >= OUTAGE_FOLLOWED_NS:
            cut |= end <= last_ns
            break
    whole = Samples.joined([*earlier_pieces, within, *later_pieces])
    return Window(whole.between(start, end), start, end, settled, cut)


def settled_since(window: Window, since_ns: int, profile: Profile, definition: Definition, breaks: Breaks) -> bool:
    """Whether in a window the beam was seen up for the merge gap after an instant, such as the end of user time.

    Then no later sample changes a figure of the time before it: what can still be running began afterwards.
    """
    samples, far = window.samples.between(since_ns, window.end_ns), window.end_ns - since_ns
    gaps_followed = max(GAPS_FOLLOWED_NS, 4 * definition.merge_gap_ns)
    between = breaks(since_ns, window.end_ns)
    runs, _ = _settled(samples, between, profile, definition.merge_gap_ns, through_gaps=far >= gaps_followed)
    return bool(runs)


def _settled(
    samples: Samples, breaks: Intervals, profile: Profile, need_ns: int, *, through_gaps: bool
) -> tuple[list[tuple[int, int]], bool]:
    """Return the runs in which the beam was up for long enough, and whether they are only so with gaps in them."""
    runs = _settled_runs(samples, breaks, profile, need_ns)
    if runs or not through_gaps:
        return runs, False
    # A lost link is a break of no length: it makes time unknown, and nothing else.
    lasting = breaks.end - breaks.start > 1
    stated = Intervals(breaks.start[lasting], breaks.end[lasting])
    return _settled_runs(samples, stated, profile, need_ns, through_gaps=True), True


def _surely_up(profile: Profile, time_ns: Int64) -> NDArray[np.float64]:
    """Return for each instant a value at which no event can be running, whatever limits it opened with."""
    rows = sorted((since, limits.nominal) for steps in profile.limits.by_mode.values() for since, limits in steps)
    since = np.array([since for since, _ in rows], dtype=np.int64)
    highest = np.maximum.accumulate([nominal for _, nominal in rows])
    return highest[np.searchsorted(since, np.maximum(time_ns, since[0]), side="right") - 1]


def _settled_runs(
    samples: Samples, breaks: Intervals, profile: Profile, need_ns: int, *, through_gaps: bool = False
) -> list[tuple[int, int]]:
    """Return the first and last stamp of each run in which the beam was up, without a gap, for `need_ns` or longer.

    With `through_gaps`, no sample in a run is low, and how far apart they are does not matter.
    """
    stale = profile.delivery.stale_after_ns or LINK_HOLD_NS
    credible = sys.float_info.max if profile.delivery.physical_max is None else profile.delivery.physical_max
    up = (samples.value >= _surely_up(profile, samples.time_ns)) & (samples.value <= credible)
    up &= samples.quality == Quality.GOOD
    # How many breaks began by each sample: more than ended by then, and it stands inside one.
    begun = np.searchsorted(breaks.start, samples.time_ns, side="right")
    up &= begun == np.searchsorted(breaks.end, samples.time_ns, side="right")
    if not up.any():
        return []
    connected = np.diff(samples.time_ns, prepend=samples.time_ns[:1]) <= (MAX_NS if through_gaps else stale)
    connected &= np.diff(begun, prepend=begun[:1]) == 0
    starts = np.flatnonzero(up & ~(connected & np.concatenate([[False], up[:-1]])))
    ends = np.flatnonzero(up & ~np.concatenate([(connected & up)[1:], [False]]))
    first, last = samples.time_ns[starts], samples.time_ns[ends]
    long_enough = last - first >= need_ns
    return list(zip(first[long_enough].tolist(), last[long_enough].tolist(), strict=True))


def _last_before(times: Int64, ns: int) -> int:
    """Return the last stamp at or before an instant."""
    return int(times[np.searchsorted(times, ns, side="right") - 1])


def _first_from(times: Int64, ns: int) -> int:
    """Return the first stamp at or after an instant."""
    return int(times[np.searchsorted(times, ns, side="left")])


def _join(pieces: list[Samples]) -> Samples:
    """Join pieces that follow each other in time, in place."""
    pieces[:] = [Samples.joined(pieces)]
    return pieces[0]
