"""A spallation source as a plant: proton power on its target in kW, its delivery signal a minute's mean.

Of the synchrotron's pulses the main ring takes a few at the start of each of its cycles; the target gets the
others. How many of them fall into a second is known exactly, so the dips are exact.
"""

from typing import Final

import numpy as np

from facility.batch import Float64, Int64
from facility.errors import ScenarioError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import NS_PER_S, to_ns
from simulators import monitors
from simulators.calendar import Calendar
from simulators.faults import FaultProcess
from simulators.pulsed import Pulses
from simulators.scenario import Scenario
from simulators.targets import Targets

MEAN_S: Final = 60
"""The delivery signal is the mean over so many seconds before its stamp."""
RAW_SIGNAL: Final = "proton_power"
"""The power of each second by itself."""
NEUTRONS_PER_KW: Final = 0.8
"""What a neutron beam monitor counts, 1000 in a second, for each kW; assumed."""


class SpallationSource:
    """A synchrotron that shoots at a target; power in kW."""

    beamlines: tuple[str, ...] = ()

    def __init__(
        self, profile: Profile, scenario: Scenario, faults: FaultProcess, calendar: Calendar, seed: int
    ) -> None:
        source = scenario.spallation
        self._source = source
        self._seed = seed
        if (profile.delivery.period_s or 0.0) < 1.0:
            raise ScenarioError(
                Sentence(
                    "facility {profile}: {delivery_signal} is a mean over {mean_s} s; give it a period_s "
                    "of 1 or more, not {period_s}",
                    profile=profile.id,
                    delivery_signal=profile.delivery_signal,
                    mean_s=MEAN_S,
                    period_s=profile.delivery.period_s,
                )
            )
        targets = Targets.of_pulses(profile, scenario)
        self._pulses = Pulses(
            targets, faults, calendar, source.ramp_s, source.restart_pct / 100, source.reduced_pct / 100
        )

    def second(self, times: Int64) -> Float64:
        """Return the power in kW over the second that begins at each instant: what pulses give, without those taken."""
        return self._pulses.at(times) * (1 - self._taken(times) / self._source.repetition_hz)

    def delivered(self, day: int, times: Int64) -> Float64:
        """Return the mean power in kW over the minute before each stamp."""
        if not len(times):
            return np.empty(0)
        step = to_ns(1.0)
        first, last = int(times[0]) // step - MEAN_S, int(times[-1]) // step
        total = np.append(0.0, np.cumsum(self.second(np.arange(first, last, dtype=np.int64) * step)))
        end = times // step - first
        return (total[end] - total[end - MEAN_S]) / MEAN_S

    def monitor(self, signal: str, day: int, beam: Float64) -> Float64:
        """Return what the current transformer in front of the target reads."""
        return np.maximum(monitors.noisy(self._seed, signal, day, beam, self._source.noise_pct * 10), 0.0)

    def witness(self, signal: str, day: int, beam: Float64) -> Float64:
        """Return what a neutron beam monitor counts, in 1000/s."""
        return np.maximum(monitors.noisy(self._seed, signal, day, beam * NEUTRONS_PER_KW, 1.0), 0.0)

    def knows(self, signal: str) -> bool:
        """Whether the source has an instrument of that name."""
        return signal == RAW_SIGNAL

    def number(self, signal: str, day: int, times: Int64, beam: Float64) -> monitors.Readings:
        """Return the power of each second by itself, dips and all."""
        if signal != RAW_SIGNAL:
            raise KeyError(signal)
        return monitors.good(times, self.monitor(signal, day, self.second(times - NS_PER_S)))

    def state(self, signal: str, day: int) -> tuple[Int64, list[str]]:
        """Raise: it has no further states."""
        raise KeyError(signal)

    def _taken(self, times: Int64) -> Float64:
        """Return how many pulses the main ring takes in the second from each instant, counted from 1970."""
        every, pulses, rate = self._source.main_ring_every, self._source.main_ring_pulses, self._source.repetition_hz

        def before(number: Int64) -> Int64:
            return number // every * pulses + np.minimum(number % every, pulses)

        first = times // to_ns(1.0) * rate
        return (before(first + rate) - before(first)).astype(np.float64)
