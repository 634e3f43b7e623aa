"""How the service stands."""

from dataclasses import dataclass

from collector.forwarder_status import ForwarderStatus
from collector.landing_status import LandingStatus
from collector.source_status import SourceStatus


@dataclass(frozen=True, slots=True)
class ApplicationStatus:
    """How the service stands; up to a second old."""

    sources: dict[str, SourceStatus]
    landing: LandingStatus
    forwarder: ForwarderStatus | None
    """None with the embedded store."""
