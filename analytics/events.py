"""Conditions to events: what counts as one outage, in user time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analytics.outage_parts import Pieces, pieces_of
from analytics.stretches import Conditions, Kind, Stretches
from facility.interval import Intervals
from facility.time import to_datetime

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Event:
    """One no-beam, one low-beam, or one further distortion, that touches user time."""

    kind: Kind
    start_ns: int
    """First low, or disturbed, sample of its first part, in or out of user time."""
    end_ns: int
    """Where its last part was over."""
    user_time: Intervals
    """The user time that it cost; for no-beam merged, holes that are surely no-beam included."""
    parts: int
    """How many stretches were merged into it."""
    blocks: int
    """How many stretches of contiguous user time it touches."""
    open: bool
    """Still running where the samples end."""
    distortion: str | None = None
    """For a further distortion: which one of the profile."""

    @property
    def duration_ns(self) -> int:
        """From its start to its end, in and out of user time."""
        return self.end_ns - self.start_ns

    @property
    def first_user_ns(self) -> int:
        """Its first instant inside user time: the period that holds it counts it."""
        return int(self.user_time.start[0])

    def id(self, facility: str) -> str:
        """Return a name for display."""
        what = self.kind.value if self.distortion is None else f"{self.kind.value}-{self.distortion}"
        return f"{facility}-{what}-{to_datetime(self.start_ns):%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, slots=True)
class Grouping:
    """What makes several stretches without beam one event."""

    merge_gap_ns: int = 0
    """Closer than this, and both in one stretch of contiguous user time; 0 is off."""
    trip_below_ns: int = 0
    """Events whose span in user time is shorter than this are trips; 0 is off."""
    trips_are_downtime: bool = True
    """Whether the time of trips counts as no-beam."""
    cancelled: Intervals = field(default_factory=Intervals.empty)
    """User time cancelled too late: without beam, whatever the samples say."""
    one_event: Sequence[tuple[int, int]] = ()
    """Stretches of time; corrections state that the outages which touch one of them are one event."""
    separate: Sequence[tuple[int, int]] = ()
    """Stretches of time inside which corrections state that outages are separate events."""


@dataclass(frozen=True, eq=False)
class Events:
    """All events of a window; time first, the single events where they are asked for."""

    no_beam_time: Intervals
    """User time without beam, merged; with the trips' time if the definition counts it."""
    low_beam_time: Intervals
    """User time with low beam; part of what was delivered."""
    in_events: Intervals
    """User time of all no-beams, trips among them, merged."""
    _conditions: Conditions
    _user_time: Intervals
    _pieces: Pieces
    _trips: Bool
    """For each group of pieces."""

    @cached_property
    def failures(self) -> tuple[Event, ...]:
        """The no-beams, trips left out."""
        return self._no_beams(np.flatnonzero(~self._trips))

    @cached_property
    def trips(self) -> tuple[Event, ...]:
        """The trips."""
        return self._no_beams(np.flatnonzero(self._trips))

    @cached_property
    def low_beam(self) -> tuple[Event, ...]:
        """The low-beams that are distortions of their own.

        Left out are those inside a merged event, and those that are one distortion with a no-beam that counts: the
        ones that it grew from, and the tails of its recovery.
        """
        low = self._conditions.low_beams
        alone = ~_with_counted_no_beam(low, self._conditions.no_beams, self.in_events)
        alone &= self.low_beam_time.touch(low.start_ns, low.end_ns)
        events: list[Event] = []
        for i in np.flatnonzero(alone).tolist():
            start, end = int(low.start_ns[i]), int(low.end_ns[i])
            time = self.low_beam_time.clip(start, end)
            blocks = len(np.unique(self._user_time.start.searchsorted(time.start, side="right")))
            events.append(Event(Kind.LOW_BEAM, start, end, time, 1, blocks, bool(low.open[i])))
        return tuple(events)

    def _no_beams(self, groups: Int64) -> tuple[Event, ...]:
        return tuple(self._no_beam(*self._pieces.range_of(group)) for group in groups.tolist())

    def _no_beam(self, first: int, last: int) -> Event:
        p, part = self._pieces, slice(first, last)
        ends_open = p.open[part][p.stretch_end_ns[part] == p.stretch_end_ns[part].max()]
        return Event(
            kind=Kind.NO_BEAM,
            start_ns=int(p.stretch_start_ns[part].min()),
            end_ns=int(p.stretch_end_ns[part].max()),
            user_time=p.time_of(first, last),
            parts=len(np.unique(p.stretch[part])),
            blocks=len(np.unique(p.block[part])),
            open=bool(p.open[part].any()) or bool(ends_open.any()),
        )


def find_events(conditions: Conditions, user_time: Intervals, grouping: Grouping) -> Events:
    """Clip no-beam to user time, merge what belongs together, separate trips from failures, add low-beam.

    Two no-beams are one event if strictly less than the merge gap lies between what is known of them, inside
    one stretch of contiguous user time; all between them is then no-beam, whatever it was. A stretch with
    unknown holes stays one event; a hole as long as the gap or longer stays unknown.

    A trip is an event whose span in user time, from its first to its last instant known to be without beam, the
    holes between included, is strictly shorter than the limit.
    """
    pieces = pieces_of(
        conditions,
        user_time,
        grouping.cancelled,
        grouping.merge_gap_ns,
        one_event=grouping.one_event,
        separate=grouping.separate,
    )
    first_ns, last_ns = pieces.extent_of_groups()
    trips = user_time.total_until(last_ns) - user_time.total_until(first_ns) < grouping.trip_below_ns
    in_events = pieces.time(np.ones(len(trips), bool))
    no_beam_time = in_events if grouping.trips_are_downtime else pieces.time(~trips)
    bookable = (conditions.known & user_time) - in_events
    low_beam_time = bookable & conditions.low_beams.intervals
    return Events(no_beam_time, low_beam_time, in_events, conditions, user_time, pieces, trips)


def _with_counted_no_beam(low: Stretches, no_beams: Stretches, in_events: Intervals) -> Bool:
    """Return for each low-beam whether it is one distortion with a no-beam beside it that touches user time."""
    if not len(no_beams):
        return np.zeros(len(low), bool)
    counted = in_events.touch(no_beams.start_ns, no_beams.end_ns)
    last = len(no_beams) - 1
    following = np.searchsorted(no_beams.start_ns, low.end_ns, side="left").clip(max=last)
    before = (np.searchsorted(no_beams.start_ns, low.start_ns, side="left") - 1).clip(min=0)
    return (low.became_no_beam & counted[following]) | (low.after_no_beam & counted[before])


def counted_low_beams(conditions: Conditions, events: Events) -> Int64:
    """Return the starts of the low-beams that count, by themselves or with the no-beam that they turned into."""
    low = conditions.low_beams
    tail_alone = Stretches(low.kind, low.start_ns, low.end_ns, low.open, low.became_no_beam, np.zeros(len(low), bool))
    became = _with_counted_no_beam(tail_alone, conditions.no_beams, events.in_events)
    own = np.isin(low.start_ns, np.array([e.start_ns for e in events.low_beam], np.int64))
    return low.start_ns[became | own]
