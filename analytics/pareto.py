"""Downtime by system, each nanosecond of it once."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from analytics.events import Event
from facility.incidents import RECOVERY, Incident, Sharing
from facility.interval import Intervals


def attached(event: Event, incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """Return the incidents that overlap an event, in order of start."""
    overlapping = (i for i in incidents if i.start_ns < event.end_ns and event.start_ns < i.end_ns)
    return tuple(sorted(overlapping, key=lambda i: (i.start_ns, i.id)))


def downtime_by_system(
    events: Sequence[Event], incidents: Sequence[Incident], sharing: Sharing, start_ns: int, end_ns: int
) -> dict[str, int]:
    """Share the user time that events cost in ``[start_ns, end_ns)`` among systems, in ns, largest first.

    An event with an incident that is marked as its root cause goes to that one whole, recovery included. Otherwise,
    and with `Sharing.EQUAL` always, each instant goes to the incident that covers it, in equal parts where several
    do, and time that none covers is recovery. The shares of an event add up to what it cost, to the nanosecond: where
    it does not divide, the systems that come first by name bear one more.
    """
    shares: Counter[str] = Counter()
    for event in events:
        behind = attached(event, incidents)
        time = event.user_time.clip(start_ns, end_ns)
        roots = [i for i in behind if i.root_cause]
        if roots and sharing is Sharing.ROOT_CAUSE:
            _share(shares, time.total, roots)
            continue
        for a, b, covering in _pieces(time, behind):
            if covering:
                _share(shares, b - a, covering)
            else:
                shares[RECOVERY] += b - a
    return {system: ns for system, ns in sorted(shares.items(), key=lambda item: (-item[1], item[0])) if ns}


def _share(shares: Counter[str], length_ns: int, incidents: Sequence[Incident]) -> None:
    each, rest = divmod(length_ns, len(incidents))
    for n, system in enumerate(sorted(i.system for i in incidents)):
        shares[system] += each + (n < rest)


def _pieces(time: Intervals, incidents: Sequence[Incident]) -> list[tuple[int, int, list[Incident]]]:
    """Cut time where incidents begin and end."""
    edges = {t for i in incidents for t in (i.start_ns, i.end_ns)}
    pieces: list[tuple[int, int, list[Incident]]] = []
    for start, end in time:
        cuts = sorted({start, end, *(t for t in edges if start < t < end)})
        pieces += [(a, b, [i for i in incidents if i.start_ns <= a and b <= i.end_ns]) for a, b in pairwise(cuts)]
    return pieces
