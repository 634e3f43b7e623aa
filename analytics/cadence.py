"""Whether a signal's samples come often enough for how long each of them holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.figures import percentage
from facility.batch import Samples
from facility.signals import Signal
from facility.time import NS_PER_S

SAME_CADENCE: Final = 3
"""A pause of more than so many usual spacings is a gap, and no matter of how often samples come."""
WORTH_SAYING_PCT: Final = 0.5
SPACINGS_TO_HOLD: Final = 2.5
"""So many usual spacings a sample should hold, so that one that is late or lost makes no gap."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often samples come, and what of the time is unknown because each holds too short."""

    signal: str
    spacing_ns: int
    """Between two samples, usually (median)."""
    stale_after_ns: int
    covered_ns: int
    """Time between samples that come at about that spacing."""
    unknown_ns: int
    """What of it is unknown, because the hold ends before the next sample comes."""

    @property
    def unknown_pct(self) -> float:
        """Share of the time that is unknown for that reason alone."""
        return percentage(self.unknown_ns, self.covered_ns) or 0.0

    @property
    def would_suit_s(self) -> float:
        """A `stale_after_s` with which it would not be."""
        return float(np.ceil(SPACINGS_TO_HOLD * self.spacing_ns / NS_PER_S))

    @property
    def is_too_slow(self) -> bool:
        """Whether it is worth saying."""
        return self.unknown_pct >= WORTH_SAYING_PCT


def cadence_of(samples: Samples, signal: Signal) -> Cadence | None:
    """Return how often samples come; None for a signal that is sent on change, or too few samples."""
    stale = signal.stale_after_ns
    if stale is None or len(samples) < 3:
        return None
    spacings = np.diff(samples.time_ns)
    usual = int(np.median(spacings))
    regular = spacings[spacings <= SAME_CADENCE * usual]
    return Cadence(signal.id, usual, stale, int(regular.sum()), int(np.maximum(regular - stale, 0).sum()))


def join_cadences(found: Sequence[Cadence | None]) -> Cadence | None:
    """Return the cadence of stretches that follow each other."""
    known = [c for c in found if c is not None]
    if not known:
        return None
    first = known[0]
    return Cadence(
        first.signal,
        int(np.median([c.spacing_ns for c in known])),
        first.stale_after_ns,
        sum(c.covered_ns for c in known),
        sum(c.unknown_ns for c in known),
    )
