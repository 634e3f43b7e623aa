"""Figures of the running day and month, from a store that grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from analytics.availability import Availability
from analytics.conditions import scan
from analytics.rules import Rules
from console.config import Configuration
from console.figures import compute_availability
from facility.batch import Samples
from facility.corrections import Correction
from facility.definition import Definition
from facility.errors import PeriodError
from facility.period import Period, day_of, month_of
from facility.schedule import Plan
from facility.text import Text
from facility.time import NS_PER_S
from storage.store import TelemetryStore

_REREAD_NS = 60 * NS_PER_S


class BeamState(StrEnum):
    """What the beam is right now."""

    UP = "up"
    LOW = "low"
    NONE = "none"
    UNKNOWN = "unknown"

    @property
    def words(self) -> Text:
        """What it means, for people."""
        return {
            BeamState.UP: Text(en="beam delivered", ja="供給中"),
            BeamState.LOW: Text(en="low beam", ja="低電流"),
            BeamState.NONE: Text(en="no beam", ja="ビーム停止"),
            BeamState.UNKNOWN: Text(en="unknown", ja="不明"),
        }[self]


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """What is known right now of the running day and month."""

    now_ns: int
    state: BeamState
    since_ns: int | None
    """Since when the beam is in this state; None: since before the month, or never seen."""
    day: Availability | None
    """None where nothing is scheduled or known."""
    month: Availability | None


class GrowingSamples:
    """Samples of a store, kept and read on as the store grows.

    The newest minute is read again each time, for samples that came late; what is late by more is found when
    the month turns, or at the next start.
    """

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self._kept: dict[str, tuple[int, int, Samples]] = {}
        self._held: dict[str, tuple[int, Samples]] = {}

    def read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        """Return the samples stamped in ``[start_ns, end_ns)``; with `hold`, also the last one before."""
        first, last, kept = self._kept.get(signal, (start_ns, start_ns, self._store.read(signal, start_ns, start_ns)))
        if start_ns < first:
            kept, first = Samples.joined([self._store.read(signal, start_ns, first), kept]), start_ns
        if end_ns > last:
            # What is newer may have been written since it was read.
            again = max(first, last - _REREAD_NS)
            kept, last = Samples.joined([kept.between(first, again), self._store.read(signal, again, end_ns)]), end_ns
        self._kept[signal] = (first, last, kept)
        part = kept.between(start_ns, end_ns)
        before = kept.between(first, start_ns) if hold else part
        if hold and not before:
            before = self._held_before(signal, first)
        if not hold or not before:
            return part
        return Samples.joined([before.between(int(before.time_ns[-1]), start_ns), part])

    def _held_before(self, signal: str, ns: int) -> Samples:
        """Return the last sample before an instant, looked up once."""
        if self._held.get(signal, (None,))[0] != ns:
            self._held[signal] = (ns, self._store.read(signal, ns, ns, hold=True))
        return self._held[signal][1]


class LiveCalculator:
    """Computes the running day and month again and again; confined to the thread that made its store."""

    def __init__(
        self,
        configuration: Configuration,
        store: TelemetryStore,
        plan: Plan,
        definition: Definition,
        extent: tuple[int, int],
        corrections: Sequence[Correction] = (),
    ) -> None:
        self._configuration = configuration
        self._extent = extent
        self._samples = GrowingSamples(store)
        self._plan = plan
        self._definition = definition
        self._corrections = corrections

    def compute(self, now_ns: int) -> LiveFigures:
        """Compute the figures as they stand at an instant."""
        zone = self._configuration.profile.zone
        month = month_of(now_ns, zone)
        state, since_ns = self._state(month.start_ns, now_ns)
        return LiveFigures(
            now_ns=now_ns,
            state=state,
            since_ns=since_ns,
            day=self._availability(day_of(now_ns, zone), now_ns),
            month=self._availability(month, now_ns),
        )

    def _availability(self, period: Period, now_ns: int) -> Availability | None:
        try:
            return compute_availability(
                self._configuration,
                self._samples.read,
                self._extent,
                self._plan,
                self._definition,
                period,
                now_ns,
                self._corrections,
            )
        except PeriodError:
            return None

    def _state(self, start_ns: int, now_ns: int) -> tuple[BeamState, int | None]:
        profile = self._configuration.profile
        samples = self._samples.read(profile.delivery_signal, start_ns, now_ns)
        conditions = scan(samples, Rules.of(profile, self._definition, self._plan, start_ns, now_ns), start_ns, now_ns)
        if not conditions.known or int(conditions.known.end[-1]) < now_ns:
            known_until = int(conditions.known.end[-1]) if conditions.known else None
            return BeamState.UNKNOWN, known_until
        for state, stretches in ((BeamState.NONE, conditions.no_beam), (BeamState.LOW, conditions.low_beam)):
            if stretches and stretches[-1].open:
                return state, stretches[-1].start_ns
        ends = [s.end_ns for s in (*conditions.no_beam, *conditions.low_beam)]
        return BeamState.UP, max(ends, default=None)
