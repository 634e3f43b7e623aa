"""The known parts of no-beam inside user time, and which of them are one event.

All of it is done with whole columns: filled with no beam, the gaps of a year may be a million outages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.stretches import Conditions
from facility.interval import Intervals

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Pieces in order of start; the pieces of one event follow each other."""

    start_ns: Int64
    end_ns: Int64
    block: Int64
    """Which stretch of contiguous user time each lies in."""
    stretch: Int64
    """Which no-beam each is a part of; each cancelled part of the calendar has a number of its own."""
    stretch_start_ns: Int64
    stretch_end_ns: Int64
    open: Bool
    group: Int64
    """Which event each belongs to, counted from 0 without a gap."""
    bridge_start_ns: Int64
    """(n,) where the no-beam between this piece and those before it begins; `bridge_end_ns` without one."""
    bridge_end_ns: Int64

    def range_of(self, group: int) -> tuple[int, int]:
        """Return the first piece of an event, and one behind its last."""
        first, last = np.searchsorted(self.group, [group, group + 1], side="left").tolist()
        return first, last

    def time_of(self, first: int, last: int) -> Intervals:
        """Return the no-beam time of some pieces with what is bridged between them."""
        part = slice(first, last)
        return Intervals.from_arrays(
            np.concatenate([self.start_ns[part], self.bridge_start_ns[part]]),
            np.concatenate([self.end_ns[part], self.bridge_end_ns[part]]),
        )

    def time(self, groups: Bool) -> Intervals:
        """Return the no-beam time of the events for which `groups` is true."""
        chosen = groups[self.group]
        return Intervals.from_arrays(
            np.concatenate([self.start_ns[chosen], self.bridge_start_ns[chosen]]),
            np.concatenate([self.end_ns[chosen], self.bridge_end_ns[chosen]]),
        )

    def extent_of_groups(self) -> tuple[Int64, Int64]:
        """Return for each event its first and its last instant known to be without beam."""
        firsts = np.flatnonzero(np.diff(self.group, prepend=-1))
        if not len(firsts):
            return self.start_ns, self.end_ns
        return self.start_ns[firsts], np.maximum.reduceat(self.end_ns, firsts)


def pieces_of(
    conditions: Conditions,
    user_time: Intervals,
    cancelled: Intervals,
    merge_gap_ns: int,
    *,
    one_event: Sequence[tuple[int, int]],
    separate: Sequence[tuple[int, int]],
) -> Pieces:
    """Cut the no-beams to known user time, add what was cancelled, and put together what is one event.

    One event are pieces of one no-beam; pieces closer than the merge gap in one stretch of user time; a cancelled
    part and each no-beam that it touches, by the no-beam's whole length; and pieces that a correction joins.
    """
    no_beams = conditions.no_beams
    known = (conditions.known & user_time) & no_beams.intervals
    # Two no-beams that touch are one interval: cut it where the second begins.
    known = known.cut_at(no_beams.start_ns)
    late = cancelled & user_time
    stretch = np.searchsorted(no_beams.start_ns, known.start, side="right") - 1
    n = len(late)
    start = np.concatenate([known.start, late.start])
    end = np.concatenate([known.end, late.end])
    order = np.lexsort((end, start))
    start, end = start[order], end[order]
    number = np.concatenate([stretch, len(no_beams) + np.arange(n)])[order]
    stretch_start = np.concatenate([no_beams.start_ns[stretch], late.start])[order]
    stretch_end = np.concatenate([no_beams.end_ns[stretch], late.end])[order]
    still_open = np.concatenate([no_beams.open[stretch], np.zeros(n, bool)])[order]
    block = np.searchsorted(user_time.start, start, side="right") - 1
    linked, bridge_start, bridge_end = _merged(start, end, block, number, merge_gap_ns, separate)
    is_late = number >= len(no_beams)
    linked |= _linked_by_stretch(number, ~is_late)
    for at in np.flatnonzero(is_late).tolist():
        touching = ~is_late & (stretch_start <= end[at]) & (start[at] <= stretch_end)
        _link(linked, np.append(np.flatnonzero(touching), at))
    for first, last in one_event:
        _link(linked, np.flatnonzero((start < last) & (first < end)))
    group = np.cumsum(~linked) - 1
    return Pieces(start, end, block, number, stretch_start, stretch_end, still_open, group, bridge_start, bridge_end)


def _merged(
    start: Int64, end: Int64, block: Int64, number: Int64, merge_gap_ns: int, separate: Sequence[tuple[int, int]]
) -> tuple[Bool, Int64, Int64]:
    """Return which pieces merge with those before them, and the no-beam that this puts between them.

    Compared is with the piece before that ends last; whatever lies between the two overlaps that one.
    """
    n = len(start)
    if not n:
        return np.zeros(0, bool), start, end
    latest = np.maximum.accumulate(end)
    furthest = np.maximum.accumulate(np.where(end > np.concatenate([[start.min() - 1], latest[:-1]]), np.arange(n), 0))
    before = np.concatenate([[0], furthest[:-1]])
    linked = (block[before] == block) & (start - end[before] < merge_gap_ns)
    linked[0] = False
    for first, last in separate:
        linked &= ~((first <= start[before]) & (end <= last) & (number[before] != number))
    bridge_start = np.where(linked, end[before], start)
    return linked, bridge_start, start


def _linked_by_stretch(number: Int64, of_signal: Bool) -> Bool:
    """Return which pieces follow another one of the same no-beam, whatever was cancelled between them."""
    linked = np.zeros(len(number), bool)
    places = np.flatnonzero(of_signal)
    same = number[places[1:]] == number[places[:-1]]
    adjacent = same & (np.diff(places) == 1)
    linked[places[1:][adjacent]] = True
    for before, after in zip(
        places[:-1][same & ~adjacent].tolist(), places[1:][same & ~adjacent].tolist(), strict=True
    ):
        linked[before + 1 : after + 1] = True
    return linked


def _link(linked: Bool, places: Int64) -> None:
    """Make one event of the pieces at `places`, and of those between them: they overlap one of these."""
    if len(places):
        linked[places.min() + 1 : places.max() + 1] = True
