"""Machines that store nothing: what they give follows at once from calendar, faults and targets."""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from facility.batch import Float64, Int64
from facility.interval import Intervals
from facility.time import to_ns
from simulators.calendar import Calendar
from simulators.faults import FaultProcess
from simulators.monitors import inside
from simulators.scenario import BEAM_MODES, Effect
from simulators.targets import Targets


@dataclass(frozen=True, slots=True)
class Pulses:
    """The mean of what pulses give, before jitter; after a stop it rises linearly from `restart` to 1."""

    targets: Targets
    faults: FaultProcess
    calendar: Calendar
    ramp_s: float
    restart: float
    """Of the target, at the first pulse after a stop."""
    reduced: float
    """Of the target, while a ``no_injection`` fault lasts."""

    def at(self, times: Int64) -> Float64:
        """Return what pulses give at increasing instants in ns, in the delivery signal's unit.

        After a stop of length T that ended t ago it is ``target * min(1, restart + (1 - restart) t / ramp)``,
        whatever T is.
        """
        if not len(times):
            return np.empty(0)
        start, end = int(times[0]) - to_ns(self.ramp_s) - 1, int(times[-1]) + 1
        faults = self.faults.between(start, end)
        blocks = self.calendar.blocks(start, end)
        stops = [(b.start_ns, b.end_ns) for b in blocks if b.category not in BEAM_MODES]
        off = Intervals.of([*stops, *((f.start_ns, f.end_ns) for f in faults if f.effect is Effect.BEAM_DUMP)])
        value = self._target(times, start, end)
        which = np.searchsorted(off.end, times, side="right") - 1
        after = which >= 0
        if after.any() and self.ramp_s > 0:
            since_s = (times[after] - off.end[which[after]]) / 1e9
            value[after] *= np.minimum(1.0, self.restart + (1 - self.restart) * since_s / self.ramp_s)
        value[inside(times, faults, Effect.NO_INJECTION)] *= self.reduced
        for since, until in off:
            value[slice(*np.searchsorted(times, [since, until]).tolist())] = 0.0
        return value

    def _target(self, times: Int64, start_ns: int, end_ns: int) -> Float64:
        blocks = self.calendar.blocks(start_ns, end_ns)
        starts = [b.start_ns for b in blocks]
        edges = sorted({start_ns, *(s for s in starts if s > start_ns), *self.targets.changes(start_ns, end_ns)})
        levels: list[float] = []
        for edge in edges:
            i = bisect_right(starts, edge) - 1
            target = self.targets.at(blocks[i].category, edge) if i >= 0 else None
            levels.append(0.0 if target is None else target.current_ma)
        which = np.searchsorted(np.array(edges, np.int64), times, side="right") - 1
        return np.array(levels)[which]
