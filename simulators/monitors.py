"""What instruments show of a beam: noise, their own faults, their own rhythm."""

from collections.abc import Callable
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
from simulators.scenario import Effect
from simulators.seeds import stream

OFF: Final = 1.1
"""What a witness that is ``off`` reads, in what it should."""
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


def noisy(seed: int, signal: str, day: int, value: Float64, noise: float) -> Float64:
    """Return what a monitor that works reads, to the third decimal; `noise` is a standard deviation."""
    read = stream(seed, f"noise/{signal}", day).standard_normal(len(value))
    read *= noise
    read += value
    return np.round(read, 3)


def good(times: Int64, value: Float64) -> Readings:
    """Return readings that are all good."""
    return Readings(times, value, np.full(len(times), Quality.GOOD, np.uint8))


def delivery_faults(
    readings: Readings,
    zero: Float64,
    stuck: Callable[[int], float],
    physical_max: float | None,
    faults: tuple[Fault, ...],
) -> Readings:
    """Return what the delivery signal's monitor shows where it does not work.

    Parameters
    ----------
    zero
        (n,) what it reads of nothing.
    stuck
        Gives the value that it repeats when it freezes at an instant.
    physical_max
        Above this the signal cannot be true; None: not stated.
    """
    times, value, quality = readings.time_ns, readings.value.copy(), readings.quality.copy()
    for fault in faults:
        part = slice(*np.searchsorted(times, [fault.start_ns, fault.end_ns]).tolist())
        if fault.effect is Effect.MONITOR_GLITCH:
            value[part] = zero[part]
        elif fault.effect is Effect.MONITOR_DROPOUT:
            value[part] = 0.0
            quality[part] = Quality.BAD if fault.reads == "bad" else Quality.GOOD
        elif fault.effect is Effect.MONITOR_FREEZE and part.start < part.stop:
            value[part] = stuck(fault.start_ns)
        elif fault.effect is Effect.MONITOR_SPIKE:
            highest = max(10 * abs(stuck(fault.start_ns)), 10.0) if physical_max is None else physical_max
            value[part] = 1.5 * highest if fault.reads == "impossible" else np.round((value[part] + highest) / 2, 3)
    return Readings(times, value, quality)


def witness_faults(readings: Readings, stuck: Callable[[int], float], faults: tuple[Fault, ...]) -> Readings:
    """Return what a witness shows where it does not work; always marked good."""
    times, value = readings.time_ns, readings.value.copy()
    for fault in faults:
        part = slice(*np.searchsorted(times, [fault.start_ns, fault.end_ns]).tolist())
        if fault.effect is not Effect.WITNESS_FAULT or part.start == part.stop:
            continue
        if fault.reads == "off":
            value[part] = np.round(value[part] * OFF, 3)
        else:
            value[part] = 0.0 if fault.reads == "zero" else stuck(fault.start_ns)
    return Readings(times, value, readings.quality)


def machine_mode(day: int, blocks: tuple[Block, ...], forgotten: list[tuple[int, int, str]]) -> tuple[Int64, list[str]]:
    """Return when the machine says its mode on a UTC day, and which.

    Parameters
    ----------
    forgotten
        (start, end, word): where it says the same, whatever it does.
    """
    start, end = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
    changes = [b.start_ns for b in blocks if start <= b.start_ns < end]
    times = np.union1d(stamps(day, MODE_REPEAT_NS / NS_PER_S), np.array(changes, np.int64))
    starts = np.array([b.start_ns for b in blocks], np.int64)
    which: list[int] = (np.searchsorted(starts, times, side="right") - 1).tolist()
    said = [MODE_WORDS[blocks[i].category] for i in which]
    for since, until, word in forgotten:
        first, last = np.searchsorted(times, [since, until]).tolist()
        said[first:last] = [word] * (last - first)
    return times, said
