"""What the automaton of the beam state finds: stretches without beam or with low beam, and glitches.

An archive whose samples come too seldom has a million gaps a year, and each may be an outage of the lower bound.
So stretches are kept as columns; an object is made only for those that are read one by one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from facility.interval import Intervals

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


class Kind(Enum):
    """What the beam was, when it was not as it should be."""

    NO_BEAM = "no_beam"
    LOW_BEAM = "low_beam"
    DISTORTION = "distortion"
    """There, and disturbed: seen by a further signal, never by the delivery signal."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One no-beam or low-beam, holes of unknown time included."""

    kind: Kind
    start_ns: int
    """Stamp of the first low sample."""
    end_ns: int
    """Where it was over, or its last known instant before a gap in which it ended."""
    open: bool = False
    """Still running at the end of the samples."""
    became_no_beam: bool = False
    """A low-beam that turned into no-beam: one distortion, not two."""
    after_no_beam: bool = False
    """A low-beam that begins where a no-beam ended below tolerance: the tail of its recovery."""


@dataclass(frozen=True, slots=True)
class Glitch:
    """A low run that was too short to be an event."""

    kind: Kind
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretches of one kind as columns, in order of time, not overlapping."""

    kind: Kind
    start_ns: Int64
    end_ns: Int64
    open: Bool
    became_no_beam: Bool
    after_no_beam: Bool

    @classmethod
    def of(cls, kind: Kind, listed: Iterable[Stretch], starts: Int64, ends: Int64) -> "Stretches":
        """Join single stretches with plain ones that are given as columns, and put them in order."""
        found = [s for s in listed if s.kind is kind]
        start = np.concatenate([np.array([s.start_ns for s in found], np.int64), starts])
        end = np.concatenate([np.array([s.end_ns for s in found], np.int64), ends])
        plain = np.zeros(len(starts), bool)

        def flag(values: list[bool]) -> Bool:
            return np.concatenate([np.array(values, bool), plain])

        order = np.argsort(start, kind="stable")
        return cls(
            kind,
            start[order],
            end[order],
            flag([s.open for s in found])[order],
            flag([s.became_no_beam for s in found])[order],
            flag([s.after_no_beam for s in found])[order],
        )

    def __len__(self) -> int:
        return len(self.start_ns)

    @property
    def intervals(self) -> Intervals:
        """Their time."""
        return Intervals.from_arrays(self.start_ns, self.end_ns)

    def listed(self) -> tuple[Stretch, ...]:
        """Return one object each."""
        columns = self.start_ns, self.end_ns, self.open, self.became_no_beam, self.after_no_beam
        return tuple(Stretch(self.kind, *row) for row in zip(*(c.tolist() for c in columns), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Glitches:
    """Glitches as columns: some that were met one by one, and plain ones of no-beam."""

    single: tuple[Glitch, ...]
    start_ns: Int64
    end_ns: Int64

    def __len__(self) -> int:
        return len(self.single) + len(self.start_ns)

    def listed(self) -> tuple[Glitch, ...]:
        """Return one object each, in the order found; the plain ones last."""
        plain = zip(self.start_ns.tolist(), self.end_ns.tolist(), strict=True)
        return (*self.single, *(Glitch(Kind.NO_BEAM, start, end) for start, end in plain))


@dataclass(frozen=True, eq=False)
class Conditions:
    """What the delivery signal says about ``[start_ns, end_ns)``."""

    start_ns: int
    end_ns: int
    known: Intervals
    """Where a good sample holds, within the window."""
    no_beams: Stretches
    """One that began before the window has its own start."""
    low_beams: Stretches
    all_glitches: Glitches

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Conditions):
            return NotImplemented
        mine, theirs = (
            (c.start_ns, c.end_ns, c.no_beam, c.low_beam, sorted(c.glitches, key=lambda g: g.start_ns))
            for c in (self, other)
        )
        return mine == theirs and self.known == other.known

    __hash__ = None  # type: ignore[assignment]  # a class with arrays has no hash

    @cached_property
    def no_beam(self) -> tuple[Stretch, ...]:
        """The stretches without beam, in order of time."""
        return self.no_beams.listed()

    @cached_property
    def low_beam(self) -> tuple[Stretch, ...]:
        """The stretches with low beam, in order of time."""
        return self.low_beams.listed()

    @cached_property
    def glitches(self) -> tuple[Glitch, ...]:
        """The glitches."""
        return self.all_glitches.listed()
