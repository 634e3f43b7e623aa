"""Whether the samples of now come often enough for how long each of them holds."""

from typing import Final

from analytics.cadence import Cadence, cadence_of
from facility.profile import Profile
from facility.time import NS_PER_H
from storage.store import TelemetryStore

LOOKED_AT_NS: Final = 6 * NS_PER_H
"""So much of what was stored last is looked at."""


def cadence_now(profile: Profile, store: TelemetryStore, now_ns: int) -> Cadence | None:
    """Return how often samples of the delivery signal come, by the last hours that the store holds; None: too few."""
    extent = store.extent(profile.delivery_signal)
    if extent is None:
        return None
    end_ns = min(extent[1] + 1, now_ns)
    return cadence_of(store.read(profile.delivery_signal, end_ns - LOOKED_AT_NS, end_ns), profile.delivery)
