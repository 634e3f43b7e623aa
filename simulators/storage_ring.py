"""A storage ring as a plant: its stored current, and the instruments around it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import Float64, Int64, UInt8
from facility.errors import ScenarioError
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import Category
from facility.sentence import Sentence
from facility.time import NS_PER_DAY
from simulators import monitors, shutters
from simulators.calendar import Calendar
from simulators.faults import FaultProcess, Interventions
from simulators.operation import Operation
from simulators.ring import Decay
from simulators.scenario import Effect, Scenario
from simulators.targets import Targets

WITNESS_NOISE: Final = 5.0
"""The second monitor's noise, in that of the first."""
WITNESS_GAIN: Final = 1.0005
"""The two monitors are calibrated apart."""
ION_CHAMBER_NA_PER_MA: Final = 0.05
"""What an ion chamber at a bending magnet reads, for each mA stored; assumed, as all that follows."""
LIFETIME_NOISE: Final = 0.01
"""Of the lifetime, relative."""
NO_LIFETIME_BELOW_MA: Final = 1.0
"""Below, a lifetime cannot be derived: it reads 0, marked bad."""
BASE_PRESSURE_NPA: Final = 20.0
"""Mean pressure without beam."""
DESORBED_NPA_PER_MA: Final = 0.2
"""What the beam desorbs from the walls."""
LEAK_FACTOR: Final = 30.0
"""How much the pressure rises while a fault of cause ``vacuum`` lasts."""
RF_VOLTAGE_MV: Final = 3.6
ORBIT_UM: Final = 0.3
"""Root mean square of the beam position around its reference, with feedback."""
ORBIT_WANDER: Final = 0.2
"""Of that, relative, from hour to hour."""
ENOUGH: Final = 0.9
"""Of the top-up band's lower edge: with less beam, shutters are closed."""

_NUMBERS: Final = ("beam_lifetime", "ion_chamber", "vacuum_pressure", "rf_voltage", "orbit_x_rms", "orbit_y_rms")


class StorageRing:
    """A ring with top-up; the delivery signal is its stored current in mA."""

    beamlines: tuple[str, ...] = ()

    def __init__(
        self, profile: Profile, scenario: Scenario, faults: FaultProcess, calendar: Calendar, seed: int
    ) -> None:
        self._profile = profile
        self._ring = scenario.ring
        self._faults = faults
        self._calendar = calendar
        self._seed = seed
        self._targets = Targets.of(profile, scenario)
        self._operation = Operation(scenario.ring, self._targets, faults, calendar, seed)
        self._decay = Decay.of(scenario.ring)
        self._beam_for_users: tuple[int, Interventions, NDArray[np.bool_]] | None = None
        for signal in profile.signals:
            if shutters.port_of(signal.id) is not None and not {"open", "closed"} <= set(signal.words):
                raise ScenarioError(
                    Sentence(
                        "facility {profile}: {signal} says 'open' and 'closed', add them to its words",
                        profile=profile.id,
                        signal=signal.id,
                    )
                )

    def delivered(self, day: int, times: Int64) -> Float64:
        """Return the stored current in mA."""
        return self._operation.current(day, times)

    def monitor(self, signal: str, day: int, beam: Float64) -> Float64:
        """Return what the current monitor reads."""
        return monitors.noisy(self._seed, signal, day, beam, self._ring.noise_ma)

    def witness(self, signal: str, day: int, beam: Float64) -> Float64:
        """Return what the second monitor, or the ion chamber, reads."""
        if signal == "ion_chamber":
            return self._ion_chamber(day, beam)
        return monitors.noisy(self._seed, signal, day, beam * WITNESS_GAIN, WITNESS_NOISE * self._ring.noise_ma)

    def knows(self, signal: str) -> bool:
        """Whether the ring has an instrument of that name."""
        return signal in _NUMBERS or shutters.port_of(signal) is not None

    def number(self, signal: str, day: int, times: Int64, beam: Float64) -> monitors.Readings:
        """Return what an instrument beside the current monitors shows."""
        seed = self._seed
        if signal == "ion_chamber":
            return monitors.good(times, self._ion_chamber(day, beam))
        if signal == "vacuum_pressure":
            pressure = BASE_PRESSURE_NPA + DESORBED_NPA_PER_MA * beam
            pressure[self._broken(times, day, "vacuum")] *= LEAK_FACTOR
            return monitors.good(times, monitors.noisy(seed, signal, day, pressure, 0.5))
        if signal == "rf_voltage":
            on = ~self._broken(times, day, "rf") & self._has_rf(times, day)
            return monitors.good(times, monitors.noisy(seed, signal, day, np.where(on, RF_VOLTAGE_MV, 0.0), 0.002))
        relative = monitors.noisy(seed, signal, day, np.ones(len(times)), 1.0) - 1.0
        none = beam < NO_LIFETIME_BELOW_MA
        if signal == "beam_lifetime":
            value = np.round(self._decay.lifetime_h(beam) * (1 + LIFETIME_NOISE * relative), 3)
        elif signal in ("orbit_x_rms", "orbit_y_rms"):
            hours = times / 3.6e12
            wander = ORBIT_WANDER * np.sin(2 * np.pi * hours / (24.0 if signal == "orbit_x_rms" else 12.4))
            value = np.round(ORBIT_UM * (1 + wander + 0.05 * relative), 3)
        else:
            raise KeyError(signal)
        # Derived from a beam: without beam there is no value, and the sample is bad.
        value[none] = 0.0
        quality: UInt8 = np.where(none, Quality.BAD, Quality.GOOD).astype(np.uint8)
        return monitors.Readings(times, value, quality)

    def state(self, signal: str, day: int) -> tuple[Int64, list[str]]:
        """Return what a port's shutter does."""
        port = shutters.port_of(signal)
        if port is None:
            raise KeyError(signal)
        if port > self._profile.operating_port_count:
            return shutters.unused(day)
        interventions, known = self._faults.interventions, self._beam_for_users
        if known is None or known[0] != day or known[1] is not interventions:
            known = (day, interventions, self._users_have_beam(day))
            self._beam_for_users = known
        return shutters.shutter(self._seed, port, day, known[2])

    def _users_have_beam(self, day: int) -> NDArray[np.bool_]:
        """Return whether it is user time, with enough beam, at each step of the shutters."""
        steps = shutters.shutter_steps(day)
        beam = self._operation.current(day, steps)
        enough = np.zeros(len(steps), np.bool_)
        for block in self._calendar.blocks(day * NS_PER_DAY, (day + 1) * NS_PER_DAY):
            if not block.category.is_user_time:
                continue
            for piece in self._targets.pieces(block.start_ns, block.end_ns):
                part = slice(*np.searchsorted(steps, piece).tolist())
                target = self._targets.at(block.category, piece[0])
                enough[part] = beam[part] >= (np.inf if target is None else ENOUGH * target.lower_ma)
        return enough

    def _ion_chamber(self, day: int, beam: Float64) -> Float64:
        return monitors.noisy(self._seed, "ion_chamber", day, beam * ION_CHAMBER_NA_PER_MA, 0.01)

    def _broken(self, times: Int64, day: int, cause: str) -> NDArray[np.bool_]:
        faults = self._faults.between(day * NS_PER_DAY, (day + 1) * NS_PER_DAY, Effect.BEAM_DUMP)
        return monitors.inside(times, tuple(f for f in faults if f.cause == cause), Effect.BEAM_DUMP)

    def _has_rf(self, times: Int64, day: int) -> NDArray[np.bool_]:
        on = np.ones(len(times), np.bool_)
        for block in self._calendar.blocks(day * NS_PER_DAY, (day + 1) * NS_PER_DAY):
            if block.category in (Category.MAINTENANCE, Category.SHUTDOWN):
                on[slice(*np.searchsorted(times, [block.start_ns, block.end_ns]).tolist())] = False
        return on
