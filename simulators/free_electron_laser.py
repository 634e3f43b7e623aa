"""A free-electron laser as a plant: pulse energy in mJ, a second's mean, at one beamline at a time."""

import math
from typing import Final

import numpy as np

from facility.batch import Float64, Int64
from facility.profile import Profile
from facility.time import NS_PER_DAY, NS_PER_H
from simulators import monitors
from simulators.calendar import Calendar
from simulators.faults import FaultProcess
from simulators.pulsed import Pulses
from simulators.scenario import Scenario
from simulators.seeds import stream
from simulators.targets import Targets

WITNESS_GAIN: Final = 0.98
"""A gas monitor behind the first one."""


class FreeElectronLaser:
    """A linac whose electrons radiate once; the delivery signal is the mean energy of a second's pulses in mJ."""

    beamlines: tuple[str, ...] = ("bl2", "bl3")

    def __init__(
        self, profile: Profile, scenario: Scenario, faults: FaultProcess, calendar: Calendar, seed: int
    ) -> None:
        linac = scenario.linac
        self._linac = linac
        self._seed = seed
        targets = Targets.of_pulses(profile, scenario)
        self._pulses = Pulses(targets, faults, calendar, linac.ramp_s, linac.restart_pct / 100, linac.reduced_pct / 100)

    def delivered(self, day: int, times: Int64) -> Float64:
        """Return the mean pulse energy in mJ, drift included, jitter not."""
        return self._pulses.at(times) * (1 + self._linac.drift_pct / 100 * self._drift(day, times))

    def monitor(self, signal: str, day: int, beam: Float64) -> Float64:
        """Return the mean over a second's pulses, each with its own energy."""
        relative = stream(self._seed, f"noise/{signal}", day).standard_normal(len(beam))
        spread = self._linac.jitter_pct / 100 / math.sqrt(self._linac.repetition_hz)
        return np.round(beam * (1 + spread * relative), 6)

    def witness(self, signal: str, day: int, beam: Float64) -> Float64:
        """Return what a second monitor reads of it."""
        return self.monitor(signal, day, beam * WITNESS_GAIN)

    def knows(self, signal: str) -> bool:
        """Whether the laser has an instrument of that name."""
        return signal == "repetition_rate"

    def number(self, signal: str, day: int, times: Int64, beam: Float64) -> monitors.Readings:
        """Return the repetition rate in Hz: 0 where there are no pulses."""
        if signal != "repetition_rate":
            raise KeyError(signal)
        return monitors.good(times, np.where(beam > 0, self._linac.repetition_hz, 0.0))

    def state(self, signal: str, day: int) -> tuple[Int64, list[str]]:
        """Raise: it has no further states."""
        raise KeyError(signal)

    def _drift(self, day: int, times: Int64) -> Float64:
        """Return the drift at each instant, of unit variance on the hour, straight in between."""
        knots = [stream(self._seed, "drift", d).standard_normal(24) for d in (day, day + 1)]
        hours = np.arange(25, dtype=np.int64) * NS_PER_H + day * NS_PER_DAY
        return np.interp(times, hours, np.append(knots[0], knots[1][0]))
