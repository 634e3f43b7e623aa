"""Whether an independent signal agrees that the beam was gone."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from analytics.conditions import Stretch
from facility.batch import Float64, Int64
from facility.signals import Signal
from facility.time import NS_PER_S

WITNESS_WINDOW_NS: Final = 5 * NS_PER_S
"""How far from the start of an outage the witness may see it too; a slower witness gets one of its periods."""


class Verdict(Enum):
    """The witness's verdict on an outage."""

    CONFIRMED = "confirmed"
    """The witness saw no beam either."""
    CONTRADICTED = "contradicted"
    """The witness saw beam: a sensor fault, unknown until a person confirms."""
    SILENT = "silent"
    """No sample: the delivery signal alone decides."""


def window_ns(witness: Signal) -> int:
    """Return how far from the start of an outage a witness may see it: at least one of its periods."""
    return max(WITNESS_WINDOW_NS, round(NS_PER_S * (witness.period_s or 0)))


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """An outage and the witness's verdict on it."""

    stretch: Stretch
    verdict: Verdict
    fault_end_ns: int | None = None
    """For a contradiction: where the witness went low as well, or the end of the outage."""


def cross_check(stretch: Stretch, times: Int64, values: Float64, low_below: float, width_ns: int) -> CrossCheck:
    """Compare an outage with the witness.

    Parameters
    ----------
    stretch
        A no-beam by the delivery signal.
    times, values
        The witness's good samples, reaching `width_ns` beyond the outage.
    low_below
        Below this the witness sees no beam.
    width_ns
        Its `window_ns`.

    Notes
    -----
    A low sample anywhere in the window confirms. Only a sample stamped inside the outage can contradict: one before
    it was taken too early, and one after it sees the beam that is back.
    """
    start = stretch.start_ns
    edges = [start - width_ns, start, start + width_ns + 1, stretch.end_ns]
    first, at, last, until = np.searchsorted(times, edges, side="left").tolist()
    # Compared where it matters alone: an accelerator may trip a thousand times a month.
    if (values[first:last] < low_below).any():
        return CrossCheck(stretch, Verdict.CONFIRMED)
    if at >= min(last, until):
        return CrossCheck(stretch, Verdict.SILENT)
    later_low = np.flatnonzero(values[at:until] < low_below)
    end = int(times[at + int(later_low[0])]) if len(later_low) else stretch.end_ns
    return CrossCheck(stretch, Verdict.CONTRADICTED, end)
