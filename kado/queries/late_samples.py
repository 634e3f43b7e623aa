"""Samples that came after the date that a figure is as known on: they count nevertheless, and that is said."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.figures import percentage
from facility.period import Period
from facility.profile import Profile
from facility.time import format_time
from kado.config import Configuration
from kado.queries.record import AsOf
from kado.stores import open_store


@dataclass(frozen=True, slots=True)
class LateSamples:
    """How many samples of the delivery signal in a period arrived after a date."""

    after_ns: int
    late: int
    total: int

    @property
    def share_pct(self) -> float:
        """Share of the samples of the period."""
        return percentage(self.late, self.total) or 0.0


def count_late_samples(configuration: Configuration, as_of: AsOf, part: Period) -> LateSamples | None:
    """Count the samples of a period that arrived after the date asked for; None where nobody asked for one."""
    if as_of.is_now or as_of.published_on_ns is not None:
        return None
    late = total = 0
    signal = configuration.profile.delivery_signal
    with open_store(configuration) as store:
        for batch in store.read_batches(signal, part.start_ns, part.end_ns):
            total += len(batch)
            late += int(np.count_nonzero(batch.arrival_ns > as_of.known_on_ns))
    return LateSamples(as_of.known_on_ns, late, total)


def late_samples_document(found: LateSamples | None, profile: Profile) -> dict[str, Any] | None:
    """Return it for programs."""
    if found is None:
        return None
    return {
        "after": format_time(found.after_ns, profile.zone),
        "samples": found.late,
        "of": found.total,
        "share_pct": found.share_pct,
    }
