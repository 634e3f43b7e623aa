"""What a sealed file says about the origin of its samples, beside facility, signal and kado's version."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from facility.profile import Profile


@dataclass(frozen=True, slots=True)
class Provenance:
    """Origin of the samples of one facility."""

    simulated: bool | None = None
    """None: not known; then the file does not say it."""
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    """The unit of each signal whose unit is known."""


def provenance_of(profile: Profile) -> Provenance:
    """Return the origin that a profile states."""
    units = {signal.id: signal.unit for signal in profile.signals if signal.unit}
    return Provenance(simulated=profile.simulated, units=units)
