"""Beamline shutters: open while users measure, closed when the beam is lost, in and out of user time."""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import Int64
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S
from simulators.monitors import stamps
from simulators.seeds import stream

STEP_S: Final = 10.0
"""A shutter moves on a whole multiple of this."""
REPEAT_NS: Final = NS_PER_H
"""A shutter is reported on change, and repeated at this interval."""
CLOSINGS_A_DAY: Final = 8.0
"""How often, on average, users close their shutter, to change a sample; assumed."""
CLOSED_S: Final = (120.0, 1800.0)
"""Shortest and longest such time."""

_NAME: Final = re.compile(r"shutter_(\d\d)")


def port_of(signal: str) -> int | None:
    """Return the port, from 1, whose shutter a signal reports; None: it is not a shutter."""
    match = _NAME.fullmatch(signal)
    return int(match[1]) if match else None


def shutter_steps(day: int) -> Int64:
    """Return the instants of a UTC day at which shutters may move."""
    return stamps(day, STEP_S)


def shutter(seed: int, port: int, day: int, beam: NDArray[np.bool_]) -> tuple[Int64, list[str]]:
    """Return when a shutter is reported on a UTC day, and its state: ``open`` or ``closed``.

    Parameters
    ----------
    beam
        (n,) whether users have beam at each of `shutter_steps`.
    """
    steps = shutter_steps(day)
    is_open = beam.copy()
    rng = stream(seed, "shutter", port, day)
    number = int(rng.poisson(CLOSINGS_A_DAY))
    starts = rng.integers(0, NS_PER_DAY, number) + day * NS_PER_DAY
    ends = starts + (rng.uniform(*CLOSED_S, number) * NS_PER_S).astype(np.int64)
    for first, last in zip(np.searchsorted(steps, starts).tolist(), np.searchsorted(steps, ends).tolist(), strict=True):
        is_open[first:last] = False
    reported = steps % REPEAT_NS == 0
    reported[1:] |= is_open[1:] != is_open[:-1]
    return steps[reported], ["open" if o else "closed" for o in is_open[reported].tolist()]


def unused(day: int) -> tuple[Int64, list[str]]:
    """Return the same of a port without a beamline in operation: its shutter is closed for good."""
    times = stamps(day, REPEAT_NS / NS_PER_S)
    return times, ["closed"] * len(times)
