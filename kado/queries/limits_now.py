"""Whether the facility's limits still fit the beam that is run now."""

from typing import Final

from analytics.limits_age import AboveNominal, LimitWarning, above_nominal, limit_warnings
from facility.period import Period
from facility.profile import Profile
from facility.time import NS_PER_DAY
from kado.queries.evidence import Read

LOOKED_AT_NS: Final = 4 * NS_PER_DAY
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
        for days in range(LOOKED_AT_NS // NS_PER_DAY, 0, -1):
            day = Period("day", now_ns - days * NS_PER_DAY, now_ns - (days - 1) * NS_PER_DAY)
            above += above_nominal(read(profile.delivery_signal, day.start_ns, day.end_ns), profile, day)
    return limit_warnings(profile, above, now_ns)
