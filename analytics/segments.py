"""Intervals of a period, each in one account for one reason, as columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from facility.interval import Intervals
from facility.schedule import Category

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


class Rule(StrEnum):
    """What put an interval into its account."""

    PLAN = "not user time: the schedule says so"
    DELIVERED = "a good sample within tolerance holds"
    LOW_BEAM = "below tolerance, not below minimum: counted as delivered, recorded as low beam"
    GLITCH = "low for too short a time to be an event: delivered"
    TRIP = "an outage short enough to be a trip; this definition does not count its time as downtime"
    STATED_UP = "a person's correction says the beam was up"
    REFILL = "the machine's mode says refill, and this definition excludes refill time"
    BELOW = "below minimum, or not yet back at the limit that ends an outage"
    MERGED = "between two outages closer than the merge gap"
    CANCELLED = "user time cancelled with too little notice"
    FLAGGED = "a flag that this definition uses says no beam"
    STATED_DOWN = "a person's correction says there was no beam"
    STALE = "the last good sample is older than stale_after_s of the signal"
    LINK = "the link to the source was lost, or its heartbeat stopped"
    BAD = "only bad samples arrived"
    SENSOR_FAULT = "the signal says no beam, its witness says beam: a sensor fault until a person confirms"
    STATED_UNKNOWN = "a correction states that the beam is unknown"
    STATED_SENSOR_FAULT = "a correction states that the samples are bad"
    FLAG_UNKNOWN = "a flag that this definition uses is unknown"
    NO_SAMPLE = "no sample yet"


_ACCOUNT_OF: Final = {
    "unknown": (
        Rule.STATED_UNKNOWN,
        Rule.STATED_SENSOR_FAULT,
        Rule.SENSOR_FAULT,
        Rule.FLAG_UNKNOWN,
        Rule.BAD,
        Rule.LINK,
        Rule.NO_SAMPLE,
        Rule.STALE,
    ),
    "no_beam": (Rule.CANCELLED, Rule.STATED_DOWN, Rule.FLAGGED, Rule.BELOW, Rule.MERGED),
    "refill": (Rule.REFILL,),
    "delivered": (Rule.TRIP, Rule.LOW_BEAM, Rule.STATED_UP, Rule.GLITCH, Rule.DELIVERED),
}

Reason = tuple[str, Rule]
"""An account and the rule that puts time into it."""

REASONS: Final[tuple[Reason, ...]] = (
    *((category.value, Rule.PLAN) for category in Category if not category.is_user_time),
    *((account, rule) for account, rules in _ACCOUNT_OF.items() for rule in rules),
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One interval of a period, in one account, for one reason."""

    start_ns: int
    end_ns: int
    account: str
    """A category of the plan, or ``delivered``, ``no_beam``, ``unknown``, ``refill``."""
    rule: Rule


@dataclass(frozen=True, slots=True, eq=False)
class Segments(Sequence[Segment]):
    """Segments in order of time, without overlap: a year of a sparse archive has millions of them."""

    start_ns: Int64
    end_ns: Int64
    reason: NDArray[np.int8]
    """Index into `REASONS`."""

    @classmethod
    def of(cls, found: Sequence[tuple[Reason, Intervals]]) -> "Segments":
        """Put disjoint sets of intervals in order of time."""
        start = np.concatenate([np.empty(0, np.int64), *(time.start for _, time in found)])
        end = np.concatenate([np.empty(0, np.int64), *(time.end for _, time in found)])
        codes = [np.full(len(time), REASONS.index(reason), np.int8) for reason, time in found]
        reason = np.concatenate([np.empty(0, np.int8), *codes])
        order = np.argsort(start, kind="stable")
        return cls(start[order], end[order], reason[order])

    @classmethod
    def joined(cls, pieces: Sequence["Segments"]) -> "Segments":
        """Join segments of stretches that follow each other; one that was cut at a seam is one again."""
        start = np.concatenate([np.empty(0, np.int64), *(p.start_ns for p in pieces)])
        end = np.concatenate([np.empty(0, np.int64), *(p.end_ns for p in pieces)])
        reason = np.concatenate([np.empty(0, np.int8), *(p.reason for p in pieces)])
        if not len(start):
            return cls(start, end, reason)
        goes_on = (start[1:] == end[:-1]) & (reason[1:] == reason[:-1])
        first, last = np.append(True, ~goes_on), np.append(~goes_on, True)
        return cls(start[first], end[last], reason[first])

    def __len__(self) -> int:
        return len(self.start_ns)

    def __iter__(self) -> Iterator[Segment]:
        starts: list[int] = self.start_ns.tolist()
        ends: list[int] = self.end_ns.tolist()
        codes: list[int] = self.reason.tolist()
        return (Segment(s, e, *REASONS[code]) for s, e, code in zip(starts, ends, codes, strict=True))

    @overload
    def __getitem__(self, index: int) -> Segment: ...
    @overload
    def __getitem__(self, index: slice) -> "Segments": ...
    def __getitem__(self, index: int | slice) -> "Segment | Segments":
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return Segment(int(self.start_ns[index]), int(self.end_ns[index]), *REASONS[int(self.reason[index])])

    def take(self, which: Bool | Int64) -> "Segments":
        """Return those that a mask or indices choose."""
        return Segments(self.start_ns[which], self.end_ns[which], self.reason[which])

    @property
    def length_ns(self) -> Int64:
        """The length of each."""
        return self.end_ns - self.start_ns

    def of_account(self, account: str) -> "Segments":
        """Return those in one account."""
        return self.take(np.isin(self.reason, [i for i, (name, _) in enumerate(REASONS) if name == account]))

    def of_rules(self, *rules: Rule) -> Bool:
        """Return for each whether one of `rules` put it there."""
        return np.isin(self.reason, [i for i, (_, rule) in enumerate(REASONS) if rule in rules])

    def longest(self, count: int) -> "Segments":
        """Return the longest, in order of time."""
        if len(self) <= count:
            return self
        return self.take(np.sort(np.argsort(-self.length_ns, kind="stable")[:count]))

    def totals(self) -> dict[Reason, tuple[int, int]]:
        """Return for each reason that occurs the time in all, ns, and the number of segments."""
        found: dict[Reason, tuple[int, int]] = {}
        for code, reason in enumerate(REASONS):
            chosen = self.reason == code
            if count := int(np.count_nonzero(chosen)):
                found[reason] = int(self.length_ns[chosen].sum()), count
        return found

    def at(self, ns: int) -> Segment | None:
        """Return the one that an instant lies in."""
        i = int(np.searchsorted(self.start_ns, ns, side="right")) - 1
        return self[i] if i >= 0 and ns < self.end_ns[i] else None
