"""Sets of half-open intervals ``[start, end)`` of time, in nanoseconds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]

_FIRST: Final = int(np.iinfo(np.int64).min)
_LAST: Final = int(np.iinfo(np.int64).max)
_TIMES_AS_MANY: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Disjoint, sorted, non-empty, non-touching half-open intervals.

    Build one with `of`; the constructor trusts its arrays.
    """

    start: Int64
    """(n,) int64 ns, strictly increasing."""
    end: Int64
    """(n,) int64 ns, ``start[i] < end[i] < start[i + 1]``."""

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> Self:
        """Return the union of `pairs`; empty ones are dropped, touching ones joined.

        Examples
        --------
        >>> list(Intervals.of([(5, 7), (0, 3), (3, 4), (9, 9)]))
        [(0, 4), (5, 7)]
        """
        array = np.array([p for p in pairs if p[1] > p[0]], dtype=np.int64).reshape(-1, 2)
        return cls.from_arrays(array[:, 0], array[:, 1])

    @classmethod
    def from_arrays(cls, start: Int64, end: Int64) -> Self:
        """Return the union of intervals given as two arrays, in any order, overlapping or not."""
        keep = end > start
        start, end = start[keep], end[keep]
        if not len(start):
            return cls(start, end)
        if (start[1:] < start[:-1]).any():
            order = np.argsort(start, kind="stable")
            start, end = start[order], end[order]
        end = np.maximum.accumulate(end)
        first = np.empty(len(start), dtype=bool)
        first[0] = True
        first[1:] = start[1:] > end[:-1]
        last = np.append(first[1:], True)
        return cls(start[first], end[last])

    @classmethod
    def empty(cls) -> Self:
        """Return the empty set."""
        none = np.empty(0, dtype=np.int64)
        return cls(none, none)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.start.tolist(), self.end.tolist(), strict=True)

    def __len__(self) -> int:
        return len(self.start)

    def __bool__(self) -> bool:
        return len(self.start) > 0

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Intervals):
            return NotImplemented
        return np.array_equal(self.start, other.start) and np.array_equal(self.end, other.end)

    __hash__ = None  # type: ignore[assignment]  # a class with arrays has no hash

    def __repr__(self) -> str:
        return f"Intervals.of({list(self)!r})"

    @property
    def total(self) -> int:
        """The summed length, ns."""
        return int((self.end - self.start).sum())

    def contains(self, ns: int) -> bool:
        """Whether the instant lies inside one of the intervals."""
        return bool(_inside(self, np.array([ns], dtype=np.int64))[0])

    def cover(self, instants: Int64) -> NDArray[np.bool_]:
        """Return for each instant, ns, whether it lies inside one of the intervals."""
        return _inside(self, instants)

    def touch(self, start: Int64, end: Int64) -> NDArray[np.bool_]:
        """Return for each stretch ``[start, end)`` whether any part of it lies in one of the intervals."""
        begun = np.searchsorted(self.start, end, side="left")
        return (end > start) & (np.searchsorted(self.end, start, side="right") < begun)

    def total_until(self, instants: Int64) -> Int64:
        """Return for each instant how much of the set lies before it, ns."""
        whole = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.end - self.start)])
        begun = np.searchsorted(self.start, instants, side="right")
        over = np.zeros(len(instants), np.int64)
        inside = begun > 0
        over[inside] = np.maximum(self.end[begun[inside] - 1] - instants[inside], 0)
        return whole[begun] - over

    def cut_at(self, instants: Int64) -> "Intervals":
        """Return the same set with each interval cut at `instants`, ns: the parts touch each other.

        The parts are for looking at one by one; operations on sets join them again.
        """
        inside = np.unique(instants[_inside(self, instants)])
        start = np.union1d(self.start, inside)
        return Intervals(start, np.union1d(self.end, np.setdiff1d(inside, self.start)))

    def clip(self, start: int, end: int) -> "Intervals":
        """Return what lies in ``[start, end)``."""
        first = int(np.searchsorted(self.end, start, side="right"))
        last = int(np.searchsorted(self.start, end, side="left"))
        if last <= first or end <= start:
            return Intervals.empty()
        return Intervals(np.maximum(self.start[first:last], start), np.minimum(self.end[first:last], end))

    def __or__(self, other: "Intervals") -> "Intervals":
        """Return the union."""
        return Intervals.from_arrays(np.concatenate([self.start, other.start]), np.concatenate([self.end, other.end]))

    def __and__(self, other: "Intervals") -> "Intervals":
        """Return the intersection."""
        few, many = (self, other) if len(self) <= len(other) else (other, self)
        if _is_few(few, many):
            return _following([many.clip(start, end) for start, end in few])
        return _combine(self, other, keep_outside_other=False)

    def __sub__(self, other: "Intervals") -> "Intervals":
        """Return what is in this set and not in `other`."""
        if _is_few(other, self):
            starts = [_FIRST, *other.end.tolist()]
            ends = [*other.start.tolist(), _LAST]
            return _following([self.clip(start, end) for start, end in zip(starts, ends, strict=True)])
        if _is_few(self, other):
            return _following([_holes(other.clip(start, end), start, end) for start, end in self])
        return _combine(self, other, keep_outside_other=True)


def _is_few(few: Intervals, many: Intervals) -> bool:
    """Whether one set has so few intervals beside the other that it is quicker to look at them one by one."""
    return _TIMES_AS_MANY * len(few) <= len(many)


def _following(parts: Sequence[Intervals]) -> Intervals:
    """Return the union of sets that lie behind each other."""
    if not parts:
        return Intervals.empty()
    starts, ends = zip(*((part.start, part.end) for part in parts), strict=True)
    return Intervals.from_arrays(np.concatenate(starts), np.concatenate(ends))


def _holes(inside: Intervals, start: int, end: int) -> Intervals:
    """Return what of ``[start, end)`` lies outside of a set that lies in it."""
    starts, ends = np.append(start, inside.end), np.append(inside.start, end)
    some = ends > starts
    return Intervals(starts[some], ends[some])


def _inside(intervals: Intervals, instants: Int64) -> NDArray[np.bool_]:
    started = np.searchsorted(intervals.start, instants, side="right")
    ended = np.searchsorted(intervals.end, instants, side="right")
    return started > ended


def _combine(a: Intervals, b: Intervals, *, keep_outside_other: bool) -> "Intervals":
    # Four sorted runs: the stable sort merges them, and is much faster here than `np.unique`.
    edges = np.sort(np.concatenate([a.start, a.end, b.start, b.end]), kind="stable")
    edges = edges[np.append(edges[1:] != edges[:-1], True)] if len(edges) else edges
    if len(edges) < 2:
        return Intervals.empty()
    left = edges[:-1]
    keep = _inside(a, left) & (_inside(b, left) != keep_outside_other)
    return Intervals.from_arrays(left[keep], edges[1:][keep])
