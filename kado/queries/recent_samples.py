"""What the newest samples say about the settings: whether limits still fit the beam, and `stale_after_s` the rate."""

from typing import Final

from analytics.cadence import Cadence, cadence_of
from analytics.limits_age import AboveNominal, LimitWarning, above_nominal, limit_warnings
from facility.period import Period
from facility.profile import Profile
from facility.time import NS_PER_DAY, NS_PER_H
from kado.queries.evidence import Read, credible_extent
from storage.store import TelemetryStore

LIMITS_LOOK_BACK_NS: Final = 4 * NS_PER_DAY
"""Time before now whose samples are looked at: twice as long as a current may be far above its limits."""


def limit_warnings_now(profile: Profile, read: Read | None, now_ns: int) -> tuple[LimitWarning, ...]:
    """Return what speaks against the limits at an instant.

    Parameters
    ----------
    read
        The store's; None: there are no samples, and only the dates of limits and milestones are compared.
    """
    above = AboveNominal()
    if read is not None:
        for days in range(LIMITS_LOOK_BACK_NS // NS_PER_DAY, 0, -1):
            day = Period("day", now_ns - days * NS_PER_DAY, now_ns - (days - 1) * NS_PER_DAY)
            above += above_nominal(read(profile.delivery_signal, day.start_ns, day.end_ns), profile, day)
    return limit_warnings(profile, above, now_ns)


CADENCE_LOOK_BACK_NS: Final = 6 * NS_PER_H
"""So much of what was stored last is looked at."""


def cadence_now(profile: Profile, store: TelemetryStore, now_ns: int) -> Cadence | None:
    """Return how often samples of the delivery signal come, by the last hours that the store holds; None: too few."""
    extent = credible_extent(store, profile, profile.delivery_signal)
    if extent is None:
        return None
    end_ns = min(extent[1] + 1, now_ns)
    return cadence_of(store.read(profile.delivery_signal, end_ns - CADENCE_LOOK_BACK_NS, end_ns), profile.delivery)
