"""Energy that a pulsed source delivered: its beam power over time."""

from typing import Final

import numpy as np

from analytics.conditions import is_good
from analytics.evidence import AppliedEvidence
from facility.interval import Intervals
from facility.time import NS_PER_H

POWER_UNIT: Final = "kW"
"""Facilities whose delivery signal has this unit report energy."""


def delivered_mwh(applied: AppliedEvidence, where: Intervals) -> float:
    """Return the energy delivered in `where`, in MWh.

    Each good sample holds until the next one, at most as long as it is fresh, as everywhere in the accounting; of
    unknown time nothing is added, and below zero counts as zero.

    Parameters
    ----------
    applied
        Samples of a delivery signal in kW, after corrections.
    where
        Such as the known user time of a period.
    """
    good = is_good(applied.samples, applied.rules.physical_max)
    times, values = applied.samples.time_ns[good], np.maximum(applied.samples.value[good], 0.0)
    kw_ns = 0.0
    for start, end in applied.conditions().known & where:
        first = max(int(np.searchsorted(times, start, side="right")) - 1, 0)
        last = int(np.searchsorted(times, end, side="left"))
        edges = np.clip(np.append(times[first:last], end), start, end)
        kw_ns += float(np.dot(values[first:last], np.diff(edges)))
    return kw_ns / NS_PER_H / 1000
