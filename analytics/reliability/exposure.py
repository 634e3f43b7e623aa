"""The exposure clock: time in which the machine could fail, laid end to end."""

from collections.abc import Iterable

import numpy as np

from facility.definition import Mtbf
from facility.interval import Intervals
from facility.time import NS_PER_H


def exposure_of(user_time: Intervals, no_beam: Intervals, unknown: Intervals, formula: Mtbf) -> Intervals:
    """Return the time that a definition's MTBF is taken over.

    Known user time; where the formula divides the uptime, without the time without beam.
    """
    known = user_time - unknown
    return known - no_beam if formula is Mtbf.KNOWN_UPTIME_PER_FAILURE else known


def positions_h(exposure: Intervals, instants_ns: Iterable[int]) -> list[float]:
    """Return where instants lie on the exposure clock, hours from its start, in the order given.

    An instant between two stretches lies where the next one begins.

    Examples
    --------
    >>> hour = 3_600_000_000_000
    >>> positions_h(Intervals.of([(0, hour), (5 * hour, 7 * hour)]), [0, 3 * hour, 6 * hour])
    [0.0, 1.0, 2.0]
    """
    lengths = exposure.end - exposure.start
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    found: list[float] = []
    for ns in instants_ns:
        i = int(exposure.start.searchsorted(ns, side="right"))
        inside = 0 if i == 0 else min(ns, int(exposure.end[i - 1])) - int(exposure.start[i - 1])
        found.append((int(before[max(i - 1, 0)]) + inside) / NS_PER_H)
    return found
