"""Conditions to events: what counts as one outage, in user time."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analytics.conditions import Conditions, Kind, Stretch
from facility.interval import Intervals
from facility.time import to_datetime


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
    """Events that cost less user time than this are trips; 0 is off."""
    trips_are_downtime: bool = True
    """Whether the time of trips counts as no-beam."""
    cancelled: Intervals = field(default_factory=Intervals.empty)
    """User time cancelled too late: without beam, whatever the samples say."""
    one_event: Sequence[tuple[int, int]] = ()
    """Stretches of time; corrections state that the outages which touch one of them are one event."""
    separate: Sequence[tuple[int, int]] = ()
    """Stretches of time inside which corrections state that outages are separate events."""


@dataclass(frozen=True, slots=True)
class Events:
    """All events of a window."""

    failures: tuple[Event, ...]
    """No-beams, trips left out."""
    trips: tuple[Event, ...]
    low_beam: tuple[Event, ...]
    """Those that are distortions of their own: not turned into no-beam, not inside a merged event."""
    no_beam_time: Intervals
    """User time without beam, merged; with the trips' time if the definition counts it."""
    low_beam_time: Intervals
    """User time with low beam; part of what was delivered."""
    in_events: Intervals
    """User time of all no-beams, trips among them, merged."""


def find_events(conditions: Conditions, user_time: Intervals, grouping: Grouping) -> Events:
    """Clip no-beam to user time, merge what belongs together, tell trips from failures, book low-beam.

    Two no-beams are one event if strictly less than the merge gap lies between what is known of them, inside
    one stretch of contiguous user time; all between them is then no-beam, whatever it was. A stretch with
    unknown holes stays one event; a hole as long as the gap or longer stays unknown.
    """
    no_beam = [_event(group) for group in _groups(_pieces(conditions, user_time, grouping.cancelled), grouping)]
    trips = tuple(e for e in no_beam if e.user_time.total < grouping.trip_below_ns)
    failures = tuple(e for e in no_beam if e.user_time.total >= grouping.trip_below_ns)
    down = no_beam if grouping.trips_are_downtime else failures
    no_beam_time = Intervals.of(pair for event in down for pair in event.user_time)
    in_events = Intervals.of(pair for event in no_beam for pair in event.user_time)
    low_beam, low_beam_time = _low_beam(conditions, user_time, in_events)
    return Events(failures, trips, low_beam, no_beam_time, low_beam_time, in_events)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A known part of a no-beam inside one block of contiguous user time."""

    stretch: Stretch
    block: int
    start_ns: int
    end_ns: int
    cancelled: bool = False


@dataclass(slots=True)
class _Group:
    """The pieces of one event, in order of time, and what is no-beam between them."""

    pieces: list[_Piece] = field(default_factory=list[_Piece])
    bridges: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def _pieces(conditions: Conditions, user_time: Intervals, cancelled: Intervals) -> list[_Piece]:
    def block_of(ns: int) -> int:
        return int(user_time.start.searchsorted(ns, side="right")) - 1

    pieces: list[_Piece] = []
    for stretch in conditions.no_beam:
        known = conditions.known.clip(stretch.start_ns, stretch.end_ns)
        pieces += [_Piece(stretch, block_of(start), start, end) for start, end in known & user_time]
    for start, end in cancelled & user_time:
        pieces.append(_Piece(Stretch(Kind.NO_BEAM, start, end), block_of(start), start, end, cancelled=True))
    return sorted(pieces, key=lambda p: (p.start_ns, p.end_ns))


def _groups(pieces: list[_Piece], grouping: Grouping) -> list[_Group]:
    """Put together what is one event, in order of time."""
    links = list(range(len(pieces)))

    def first_of(i: int) -> int:
        while links[i] != i:
            links[i] = i = links[links[i]]
        return i

    def unite(some: Iterable[int]) -> None:
        firsts = [first_of(i) for i in some]
        for first in firsts:
            links[first] = min(firsts)

    bridges: dict[int, tuple[int, int]] = {}
    of_stretch: dict[int, list[int]] = {}
    furthest = 0
    for i, piece in enumerate(pieces):
        of_stretch.setdefault(id(piece.stretch), []).append(i)
        if i and _merges(pieces[furthest], piece, grouping):
            bridges[i] = (pieces[furthest].end_ns, piece.start_ns)
            unite([furthest, i])
        if piece.end_ns > pieces[furthest].end_ns:
            furthest = i
        if piece.cancelled:
            # What overlaps is one, by the whole length of an outage, unknown holes in it included.
            unite(
                j
                for j, p in enumerate(pieces)
                if p.stretch.start_ns <= piece.end_ns and piece.start_ns <= p.stretch.end_ns
            )
    for same in of_stretch.values():
        unite(same)
    for span in grouping.one_event:
        unite(i for i, piece in enumerate(pieces) if _touches(piece, span))
    groups: dict[int, _Group] = {}
    for i, piece in enumerate(pieces):
        group = groups.setdefault(first_of(i), _Group())
        group.pieces.append(piece)
        group.bridges += [bridges[i]] if i in bridges else []
    return list(groups.values())


def _merges(last: _Piece, piece: _Piece, grouping: Grouping) -> bool:
    close = last.block == piece.block and piece.start_ns - last.end_ns < grouping.merge_gap_ns
    return close and not any(
        start <= last.start_ns and piece.end_ns <= end and last.stretch is not piece.stretch
        for start, end in grouping.separate
    )


def _touches(piece: _Piece, span: tuple[int, int]) -> bool:
    return piece.start_ns < span[1] and span[0] < piece.end_ns


def _event(group: _Group) -> Event:
    spans = [(piece.start_ns, piece.end_ns) for piece in group.pieces]
    stretches = list(dict.fromkeys(p.stretch for p in group.pieces))
    return Event(
        kind=Kind.NO_BEAM,
        start_ns=min(s.start_ns for s in stretches),
        end_ns=max(s.end_ns for s in stretches),
        user_time=Intervals.of(spans + group.bridges),
        parts=len(stretches),
        blocks=len({p.block for p in group.pieces}),
        open=any(s.open for s in stretches),
    )


def _low_beam(
    conditions: Conditions, user_time: Intervals, in_events: Intervals
) -> tuple[tuple[Event, ...], Intervals]:
    bookable = (conditions.known & user_time) - in_events
    events: list[Event] = []
    booked: list[tuple[int, int]] = []
    for stretch in conditions.low_beam:
        time = bookable.clip(stretch.start_ns, stretch.end_ns)
        booked += list(time)
        if time and not (stretch.became_no_beam and became_counted(stretch, conditions, in_events)):
            blocks = len({int(user_time.start.searchsorted(a, side="right")) for a, _ in time})
            events.append(Event(Kind.LOW_BEAM, stretch.start_ns, stretch.end_ns, time, 1, blocks, stretch.open))
    return tuple(events), Intervals.of(booked)


def became_counted(low_beam: Stretch, conditions: Conditions, in_events: Intervals) -> bool:
    """Whether the no-beam that a low-beam turned into counts; where it touches no user time, it does not."""
    following = bisect_left(conditions.no_beam, low_beam.end_ns, key=lambda s: s.start_ns)
    no_beam = conditions.no_beam[following]
    return bool(in_events.clip(no_beam.start_ns, no_beam.end_ns))
