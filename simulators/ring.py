"""Physics of a stored beam: it decays with a lifetime that depends on its current, and is refilled.

Loss rate per electron is ``1/tau = 1/tau_base + (1/tau_gas + 1/tau_Touschek) I/I_ref``: scattering off gas
that is always there, off gas that the beam desorbs itself, and off the other electrons of its bunch (A. Wolski,
Beam Dynamics in High Energy Particle Accelerators, ch. 12; the last two rise with the current). So
``dI/dt = -a I - k I**2``, which has a closed form::

    1/I(t) = (1/I0 + k/a) exp(a t) - k/a

Top-up has a hysteresis: injection begins at the lower edge of the band and ends at the target.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.time import NS_PER_S
from simulators.scenario import Ring

Float64 = NDArray[np.float64]

SLOT_S: Final = 10.0
"""How finely `Weather` is resolved."""


@dataclass(frozen=True, slots=True)
class Decay:
    """The loss of a stored current, ``dI/dt = -a I - k I**2``."""

    a_per_s: float
    k_per_ma_s: float

    @classmethod
    def of(cls, ring: Ring) -> "Decay":
        """Add up the parts of a ring's lifetime."""
        rate_h = 1 / ring.touschek_lifetime_h + 1 / ring.beam_gas_lifetime_h
        return cls(1 / (3600 * ring.base_gas_lifetime_h), rate_h / (3600 * ring.reference_ma))

    def current(self, start_ma: float, seconds: float) -> float:
        """Return what is left of `start_ma` after some time."""
        if start_ma <= 0:
            return 0.0
        ratio = self.k_per_ma_s / self.a_per_s
        return 1 / ((1 / start_ma + ratio) * math.exp(self.a_per_s * seconds) - ratio)

    def seconds_to(self, start_ma: float, end_ma: float) -> float:
        """Return how long it takes to decay from `start_ma` to `end_ma`, both above zero."""
        ratio = self.k_per_ma_s / self.a_per_s
        return math.log((1 / end_ma + ratio) / (1 / start_ma + ratio)) / self.a_per_s

    def lifetime_h(self, current_ma: Float64) -> Float64:
        """Return the momentary lifetime ``-I / (dI/dt)`` in hours at each current."""
        return 1 / (3600 * (self.a_per_s + self.k_per_ma_s * current_ma))


@dataclass(frozen=True, slots=True)
class RingState:
    """All that the ring remembers from one moment to the next."""

    current_ma: float = 0.0
    injecting: bool = False
    passed_ma: float = 0.0
    """Highest fill step at which this fill paused."""
    hold_until_ns: int = 0
    """End of the pause."""


EMPTY: Final = RingState()


@dataclass(frozen=True, slots=True)
class Setting:
    """The settings of the ring, from an instant on."""

    start_ns: int
    beam: bool
    """Whether beam may be stored; where not, it is dumped at once."""
    injection: bool
    """Whether the injector works."""
    target_ma: float
    lower_ma: float


@dataclass(frozen=True, slots=True)
class Weather:
    """What differs from one refill to the next: a function of time alone, not of what came before."""

    origin_ns: int
    luck: Float64
    """(n, 2) float64 in [0, 1), a row for each `SLOT_S` from `origin_ns` on: efficiency, overshoot."""

    def at(self, seconds: float) -> tuple[float, float]:
        """Return both numbers at a time after the origin."""
        row = self.luck[min(int(seconds / SLOT_S), len(self.luck) - 1)]
        return float(row[0]), float(row[1])


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """The stored current over a stretch of time, in pieces that have a closed form."""

    decay: Decay
    start_s: Float64
    """(n,) start of each piece, seconds after the origin."""
    start_ma: Float64
    """(n,) current at the start of each piece."""
    rise_ma_per_s: Float64
    """(n,) rate of injection; NaN where the piece decays."""

    def at(self, seconds: Float64) -> Float64:
        """Return the current in mA at times, in seconds after the origin, increasing."""
        counts = np.diff(np.searchsorted(seconds, self.start_s), append=len(seconds))
        piece = np.repeat(np.arange(len(counts)), counts)
        elapsed = seconds - self.start_s[piece]
        ratio = self.decay.k_per_ma_s / self.decay.a_per_s
        with np.errstate(divide="ignore"):
            inverse = 1 / self.start_ma + ratio
        growth = np.exp(self.decay.a_per_s * elapsed)
        growth *= inverse[piece]
        growth -= ratio
        current = np.divide(1.0, growth, out=growth)
        rise = self.rise_ma_per_s[piece]
        rising = np.flatnonzero(rise == rise)
        current[rising] = self.start_ma[piece[rising]] + rise[rising] * elapsed[rising]
        return current


def drive(
    ring: Ring, settings: list[Setting], end_ns: int, state: RingState, weather: Weather
) -> tuple[Trajectory, RingState]:
    """Follow the stored current from the first setting to `end_ns`.

    Parameters
    ----------
    settings
        In order of time, not empty; the first begins at the origin of `weather`.
    state
        What the ring was like just before.

    Returns
    -------
    Trajectory
        Pieces in seconds after the first setting.
    RingState
        What the ring is like at `end_ns`.
    """
    walk = _Walk(ring, Decay.of(ring), weather, state)
    ends = [*(s.start_ns for s in settings[1:]), end_ns]
    for setting, end in zip(settings, ends, strict=True):
        walk.follow(setting, (setting.start_ns - weather.origin_ns) / NS_PER_S, (end - weather.origin_ns) / NS_PER_S)
    return walk.trajectory(), walk.state


class _Walk:
    """Writes down the pieces of a trajectory, one setting after another."""

    def __init__(self, ring: Ring, decay: Decay, weather: Weather, state: RingState) -> None:
        self._ring = ring
        self._decay = decay
        self._weather = weather
        self.state = state
        self._pieces: list[tuple[float, float, float]] = []

    def trajectory(self) -> Trajectory:
        """Return what was written down."""
        table = np.array(self._pieces, np.float64)
        return Trajectory(self._decay, *(np.ascontiguousarray(table[:, column]) for column in range(3)))

    def follow(self, setting: Setting, start: float, end: float) -> None:
        """Follow one setting from `start` to `end`, in seconds after the origin."""
        if not setting.beam:
            self._pieces.append((start, 0.0, math.nan))
            self.state = EMPTY
            return
        if self.state.current_ma > setting.target_ma + self._ring.shot_ma:
            # A new, lower target: the excess is scraped off.
            self.state = replace(self.state, current_ma=setting.target_ma)
        now = start
        while now < end:
            if not setting.injection:
                self.state = replace(self.state, injecting=False)
                now = self._lose(now, end)
            elif (hold_end := (self.state.hold_until_ns - self._weather.origin_ns) / NS_PER_S) > now:
                now = self._lose(now, min(end, hold_end))
            elif self.state.injecting or self.state.current_ma <= setting.lower_ma:
                now = self._inject(setting, now, end)
            else:
                seconds = self._decay.seconds_to(self.state.current_ma, setting.lower_ma)
                reached = now + seconds <= end
                now = self._lose(now, min(end, now + seconds))
                if reached:
                    self._hold(setting.lower_ma)

    def _lose(self, now: float, until: float) -> float:
        current = self.state.current_ma
        self._pieces.append((now, current, math.nan))
        self._hold(self._decay.current(current, until - now))
        return until

    def _hold(self, current_ma: float) -> None:
        # Twice a refill, some hundred times a day: `replace` would take as long as all else that is done there.
        s = self.state
        self.state = RingState(current_ma, s.injecting, s.passed_ma, s.hold_until_ns)

    def _inject(self, setting: Setting, now: float, end: float) -> float:
        ring, current = self._ring, self.state.current_ma
        efficiency, overshoot = self._weather.at(now)
        rate = ring.injection_ma_per_s * (ring.efficiency_min + (1 - ring.efficiency_min) * efficiency)
        above = max(self.state.passed_ma, current)
        step = next((s * setting.target_ma for s in ring.fill_steps if s * setting.target_ma > above), None)
        goal = setting.target_ma + ring.shot_ma * overshoot if step is None else step
        until = now + max(goal - current, 0.0) / rate
        self._pieces.append((now, current, rate))
        if until > end:
            self.state = replace(self.state, current_ma=current + rate * (end - now), injecting=True)
            return end
        hold = self.state.hold_until_ns
        if step is not None:
            hold = self._weather.origin_ns + round((until + ring.fill_hold_s) * NS_PER_S)
        self.state = RingState(max(goal, current), step is not None, max(above, goal), hold)
        return until
