"""Conditions to events: what counts as one outage, in user time."""

from dataclasses import dataclass
from itertools import pairwise

from analytics.conditions import Conditions, Kind, Stretch
from facility.interval import Intervals
from facility.time import to_datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One no-beam, or one low-beam, that touches user time."""

    kind: Kind
    start_ns: int
    """First low sample of its first part, in or out of user time."""
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
        return f"{facility}-{self.kind.value}-{to_datetime(self.start_ns):%Y%m%dT%H%M%SZ}"


@dataclass(frozen=True, slots=True)
class Events:
    """All events of a window."""

    no_beam: tuple[Event, ...]
    low_beam: tuple[Event, ...]
    """Those that are distortions of their own: not turned into no-beam, not inside a merged event."""
    no_beam_time: Intervals
    """User time without beam, merged."""
    low_beam_time: Intervals
    """User time with low beam; part of what was delivered."""


def find_events(conditions: Conditions, user_time: Intervals, merge_gap_ns: int) -> Events:
    """Clip no-beam to user time, merge what is closer than `merge_gap_ns`, and book low-beam.

    Two no-beams are one event if strictly less than `merge_gap_ns` lies between what is known of them, inside
    one stretch of contiguous user time; all between them is then no-beam, whatever it was. A stretch with
    unknown holes stays one event; a hole as long as the gap or longer stays unknown.
    """
    pieces = _known_pieces(conditions, user_time)
    groups: list[list[_Piece]] = []
    for piece in pieces:
        last = groups[-1][-1] if groups else None
        if last is not None and (last.stretch is piece.stretch or _merges(last, piece, merge_gap_ns)):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    no_beam = tuple(_event(group, merge_gap_ns) for group in groups)
    no_beam_time = Intervals.of(pair for event in no_beam for pair in event.user_time)
    low_beam, low_beam_time = _low_beam(conditions, user_time, no_beam_time)
    return Events(no_beam, low_beam, no_beam_time, low_beam_time)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A known part of a no-beam inside one block of contiguous user time."""

    stretch: Stretch
    block: int
    start_ns: int
    end_ns: int


def _known_pieces(conditions: Conditions, user_time: Intervals) -> list[_Piece]:
    pieces: list[_Piece] = []
    for stretch in conditions.no_beam:
        known = conditions.known.clip(stretch.start_ns, stretch.end_ns)
        for start, end in known & user_time:
            block = int(user_time.start.searchsorted(start, side="right")) - 1
            pieces.append(_Piece(stretch, block, start, end))
    return pieces


def _merges(last: _Piece, piece: _Piece, merge_gap_ns: int) -> bool:
    return last.block == piece.block and piece.start_ns - last.end_ns < merge_gap_ns


def _event(group: list[_Piece], merge_gap_ns: int) -> Event:
    spans = [(piece.start_ns, piece.end_ns) for piece in group]
    for last, piece in pairwise(group):
        if _merges(last, piece, merge_gap_ns):
            spans.append((last.end_ns, piece.start_ns))
    stretches = list(dict.fromkeys(p.stretch for p in group))
    return Event(
        kind=Kind.NO_BEAM,
        start_ns=stretches[0].start_ns,
        end_ns=stretches[-1].end_ns,
        user_time=Intervals.of(spans),
        parts=len(stretches),
        blocks=len({p.block for p in group}),
        open=stretches[-1].open,
    )


def _low_beam(
    conditions: Conditions, user_time: Intervals, no_beam_time: Intervals
) -> tuple[tuple[Event, ...], Intervals]:
    bookable = (conditions.known & user_time) - no_beam_time
    events: list[Event] = []
    booked: list[tuple[int, int]] = []
    for stretch in conditions.low_beam:
        time = bookable.clip(stretch.start_ns, stretch.end_ns)
        booked += list(time)
        if time and not stretch.became_no_beam:
            blocks = len({int(user_time.start.searchsorted(a, side="right")) for a, _ in time})
            events.append(Event(Kind.LOW_BEAM, stretch.start_ns, stretch.end_ns, time, 1, blocks, stretch.open))
    return tuple(events), Intervals.of(booked)
