"""The header that every JSON document begins with: the facility, the definition, the period."""

from datetime import tzinfo
from typing import Any

from facility.period import Period
from facility.profile import Profile
from facility.time import format_time


def identity(profile: Profile, *, definition: str | None = None, period: Period | None = None) -> dict[str, Any]:
    """Return the header: facility, simulated, and where they apply definition and period."""
    header: dict[str, Any] = {"facility": profile.id, "simulated": profile.simulated}
    if definition is not None:
        header["definition"] = definition
    if period is not None:
        header["period"] = period_document(period, profile.zone)
    return header


def period_document(period: Period, zone: tzinfo) -> dict[str, str]:
    """Return a period with its ends in the facility's time."""
    return {"id": period.id, "start": format_time(period.start_ns, zone), "end": format_time(period.end_ns, zone)}
