"""What the alarms of a service have done since it started: counts and times, for its metrics."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from analytics.alarms import Outcome
from facility.alarms import RefusalReason, Transition
from kado.service.notification.flood import FloodWatch

TICK_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class TickTimes:
    """How long the looks of the alarms took."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(TICK_BUCKETS_S) + 1))
    """Number of looks up to each of `TICK_BUCKETS_S` and above the one before; the last: above all of them."""
    sum_s: float = 0.0

    def observe(self, took_s: float) -> None:
        """Count a look."""
        self.buckets[bisect_left(TICK_BUCKETS_S, took_s)] += 1
        self.sum_s += took_s


@dataclass(slots=True)
class AlarmCounts:
    """Counts since the service started; written by the thread of the alarms, read by any."""

    late: int = 0
    ignored: int = 0
    clock_back: int = 0
    ticks: TickTimes = field(default_factory=TickTimes)
    annunciations: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    """By alarm, priority and class."""
    refusals: Counter[RefusalReason] = field(default_factory=Counter[RefusalReason])
    notifications_dropped: int = 0
    """Rows of a full outbox that a later row of the same alarm replaced."""
    _flood: FloodWatch = field(default_factory=FloodWatch)
    flood: bool = False
    """Whether more than ten were annunciated in the ten minutes before the last look."""

    def remember(self, rows: Iterable[Transition]) -> None:
        """Take notice of what was annunciated before the service started; it counts for a flood only."""
        for row in rows:
            if row.annunciated:
                self._flood.note(row.time_ns, row.alarm, row.seq)

    def count(self, outcome: Outcome, position_ns: int) -> None:
        """Count what a look gave; `position_ns` is up to where it decided."""
        self.late += outcome.late
        self.ignored += outcome.ignored
        self.clock_back += outcome.clock_back
        self.refusals.update(r.reason for r in outcome.refusals)
        self.annunciations.update((t.alarm, t.priority.value, t.class_) for t in outcome.transitions if t.annunciated)
        self.remember(outcome.transitions)
        self.flood = self._flood.flood(position_ns)
