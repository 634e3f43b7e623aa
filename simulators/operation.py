"""How a ring is operated: its settings from calendar, targets and faults, and how its beam follows.

Time is cut into UTC days. A day follows from the state of the ring at its start, which is found by walking
from the last time the ring was planned to be empty (every Monday), so any day can be made alone and comes
out the same, for every caller and every start.
"""

from bisect import bisect_right
from typing import Final

from facility.batch import Float64, Int64
from facility.errors import ScenarioError
from facility.interval import Intervals
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, NS_PER_S
from simulators.calendar import Calendar
from simulators.faults import FaultProcess
from simulators.ring import EMPTY, SLOT_S, RingState, Setting, Trajectory, Weather, drive
from simulators.scenario import BEAM_MODES, Effect, Ring
from simulators.seeds import stream
from simulators.targets import Targets

MAX_SEARCH_DAYS: Final = 400
"""How far back there must be a time without beam."""


class Operation:
    """The true stored current of a ring, at every instant."""

    def __init__(self, ring: Ring, targets: Targets, faults: FaultProcess, calendar: Calendar, seed: int) -> None:
        self._ring = ring
        self._targets = targets
        self._faults = faults
        self._calendar = calendar
        self._seed = seed
        self._entries: dict[int, RingState] = {}
        self._last: tuple[int, Trajectory] | None = None
        self._follows = faults.interventions

    def current(self, day: int, times: Int64) -> Float64:
        """Return the stored current in mA at increasing stamps of a UTC day, counted from 1970."""
        if self._follows is not self._faults.interventions:
            self._follows = self._faults.interventions
            self._entries.clear()
            self._last = None
        if self._last is None or self._last[0] != day:
            trajectory, self._entries[day + 1] = self._drive(day, self._entry(day))
            self._last = (day, trajectory)
        return self._last[1].at((times - day * NS_PER_DAY) / NS_PER_S)

    def _drive(self, day: int, entry: RingState) -> tuple[Trajectory, RingState]:
        start, end = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
        luck = stream(self._seed, "refills", day).random((round(NS_PER_DAY / NS_PER_S / SLOT_S), 2))
        return drive(self._ring, self._settings(start, end), end, entry, Weather(start, luck))

    def _entry(self, day: int) -> RingState:
        """Return the state of the ring at the start of a day."""
        if day not in self._entries:
            first = self._last_empty(day)
            # Whatever the ring held at the start of the first day is gone before its end.
            state = EMPTY
            for walked in range(first, day):
                _, state = self._drive(walked, self._entries.get(walked, state))
                self._entries[walked + 1] = state
        return self._entries.setdefault(day, EMPTY)

    def _last_empty(self, day: int) -> int:
        """Return the day of the last planned dump before a day's start, or the day itself if it begins empty."""
        start = day * NS_PER_DAY
        blocks = self._calendar.blocks(start - MAX_SEARCH_DAYS * NS_PER_DAY, start)
        empty = [b for b in blocks if b.category not in BEAM_MODES]
        if not empty:
            raise ScenarioError(
                Sentence(
                    "the calendar plans beam for {max_search_days} days without a break: add a break",
                    max_search_days=MAX_SEARCH_DAYS,
                )
            )
        return day if empty[-1].end_ns > start else empty[-1].start_ns // NS_PER_DAY

    def _settings(self, start_ns: int, end_ns: int) -> list[Setting]:
        """Return the settings of the ring in a span of time: a new one at each change."""
        faults = self._faults.between(start_ns, end_ns)
        blocks = self._calendar.blocks(start_ns, end_ns)
        starts = [b.start_ns for b in blocks]
        dumped = Intervals.of((f.start_ns, f.end_ns) for f in faults if f.effect is Effect.BEAM_DUMP)
        no_injection = Intervals.of((f.start_ns, f.end_ns) for f in faults if f.effect is Effect.NO_INJECTION)
        edges = {start_ns, *starts, *self._targets.changes(start_ns, end_ns)}
        edges.update(t for pair in (*dumped, *no_injection) for t in pair)
        settings: list[Setting] = []
        for edge in sorted(e for e in edges if start_ns <= e < end_ns):
            target = self._targets.at(blocks[bisect_right(starts, edge) - 1].category, edge)
            beam = target is not None and not dumped.contains(edge)
            lower, upper = (0.0, 0.0) if target is None else (target.lower_ma, target.current_ma)
            settings.append(Setting(edge, beam, not no_injection.contains(edge), upper, lower))
        return settings
