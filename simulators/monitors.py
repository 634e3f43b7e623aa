"""What the instruments of a ring show of its beam: noise, their own faults, their own rhythm."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import Float64, Int64, UInt8
from facility.interval import Intervals
from facility.quality import Quality
from facility.schedule import Block, Category
from facility.time import NS_PER_DAY, NS_PER_S, to_ns
from simulators.faults import Fault
from simulators.ring import Decay
from simulators.scenario import Effect, Ring
from simulators.seeds import stream

WITNESS_NOISE: Final = 5.0
"""The second monitor's noise, in that of the first."""
WITNESS_GAIN: Final = 1.0005
"""The two monitors are calibrated apart."""
LIFETIME_NOISE: Final = 0.01
"""Of the lifetime, relative."""
NO_LIFETIME_BELOW_MA: Final = 1.0
"""Below, a lifetime cannot be derived: it reads 0, marked bad."""
MODE_REPEAT_NS: Final = 60 * NS_PER_S
"""The machine mode is sent on change, and again so often."""
MODE_WORDS: Final = {
    Category.USER: "user",
    Category.RESERVE: "user",
    Category.STUDY: "study",
    Category.COMMISSIONING: "study",
    Category.TUNING: "tuning",
    Category.MAINTENANCE: "maintenance",
    Category.SHUTDOWN: "shutdown",
}
"""What the machine calls a planned mode."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """One signal's samples of one UTC day."""

    time_ns: Int64
    value: Float64
    quality: UInt8


def stamps(day: int, period_s: float) -> Int64:
    """Return the whole multiples of a period that lie in a UTC day, counted from 1970, in ns."""
    period = to_ns(period_s)
    first = -(-day * NS_PER_DAY // period)
    last = -(-(day + 1) * NS_PER_DAY // period)
    return np.arange(first, last, dtype=np.int64) * period


def inside(times: Int64, faults: tuple[Fault, ...], effect: Effect) -> NDArray[np.bool_]:
    """Return which of the stamps fall into faults of an effect."""
    mask = np.zeros(len(times), np.bool_)
    for start, end in Intervals.of((f.start_ns, f.end_ns) for f in faults if f.effect is effect):
        first, last = np.searchsorted(times, [start, end]).tolist()
        mask[first:last] = True
    return mask


def current_monitor(seed: int, signal: str, day: int, times: Int64, beam_ma: Float64, ring: Ring) -> Float64:
    """Return what a monitor that works reads, in mA, to the microampere."""
    noise = stream(seed, f"noise/{signal}", day).standard_normal(len(times))
    noise *= ring.noise_ma
    noise += beam_ma
    return np.round(noise, 3)


def with_faults(
    seed: int, signal: str, day: int, times: Int64, value: Float64, faults: tuple[Fault, ...], ring: Ring
) -> Readings:
    """Return what the delivery signal's monitor shows where it does not work."""
    quality = np.full(len(times), Quality.GOOD, np.uint8)
    glitch = inside(times, faults, Effect.MONITOR_GLITCH)
    dropout = inside(times, faults, Effect.MONITOR_DROPOUT)
    if glitch.any():
        none = np.zeros(len(times))
        value = np.where(glitch, current_monitor(seed, f"{signal}/glitch", day, times, none, ring), value)
    if dropout.any():
        value = np.where(dropout, 0.0, value)
        quality[dropout] = Quality.BAD
    return Readings(times, value, quality)


def second_monitor(seed: int, signal: str, day: int, times: Int64, beam_ma: Float64, ring: Ring) -> Readings:
    """Return what the independent monitor shows."""
    rough = ring.model_copy(update={"noise_ma": WITNESS_NOISE * ring.noise_ma})
    value = current_monitor(seed, signal, day, times, beam_ma * WITNESS_GAIN, rough)
    return Readings(times, value, np.full(len(times), Quality.GOOD, np.uint8))


def lifetime_monitor(seed: int, signal: str, day: int, times: Int64, beam_ma: Float64, decay: Decay) -> Readings:
    """Return the lifetime in hours, bad where there is hardly any beam."""
    noise = stream(seed, f"noise/{signal}", day).standard_normal(len(times))
    none = beam_ma < NO_LIFETIME_BELOW_MA
    value = np.round(decay.lifetime_h(beam_ma) * (1 + LIFETIME_NOISE * noise), 3)
    value[none] = 0.0
    return Readings(times, value, np.where(none, Quality.BAD, Quality.GOOD).astype(np.uint8))


def machine_mode(day: int, blocks: tuple[Block, ...]) -> tuple[Int64, list[str]]:
    """Return when the machine says its mode on a UTC day, and which."""
    start, end = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
    changes = [b.start_ns for b in blocks if start <= b.start_ns < end]
    times = np.union1d(stamps(day, MODE_REPEAT_NS / NS_PER_S), np.array(changes, np.int64))
    starts = np.array([b.start_ns for b in blocks], np.int64)
    which: list[int] = (np.searchsorted(starts, times, side="right") - 1).tolist()
    return times, [MODE_WORDS[blocks[i].category] for i in which]
