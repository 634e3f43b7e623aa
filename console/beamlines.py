"""Loads the hours of each beamline, beside the machine's availability."""

from dataclasses import dataclass

from analytics.beamlines import BeamlineTime, beamline_time
from console.config import Configuration
from console.evidence import load_cuts
from console.figures import AvailabilityReport, load_availability
from console.stores import open_store
from facility.errors import ProfileError
from facility.time import Clock, system_clock


@dataclass(frozen=True, slots=True)
class BeamlineReport:
    """The machine and its beamlines in one period."""

    machine: AvailabilityReport
    beamlines: tuple[BeamlineTime, ...]
    """In the profile's order."""


def load_beamlines(
    configuration: Configuration,
    period: str,
    definition: str | None = None,
    as_known_on: str | None = None,
    *,
    clock: Clock = system_clock,
) -> BeamlineReport:
    """Compute the hours of each beamline; raises what `load_availability` raises.

    Raises
    ------
    ProfileError
        If the profile lists no beamlines.
    """
    profile = configuration.profile
    if not profile.beamlines:
        raise ProfileError(f"facility {profile.id} lists no beamlines: add [[beamline]] tables to its profile")
    machine = load_availability(configuration, period, definition, as_known_on, clock=clock)
    start, end = machine.part.start_ns, machine.part.end_ns
    found: list[BeamlineTime] = []
    with open_store(configuration) as store:
        for beamline in profile.beamlines:
            said, cuts = None, load_cuts(configuration, store.read, start, end, signal=beamline.shutter)
            if beamline.shutter is not None:
                said = store.read(beamline.shutter, start, end, hold=True)
            found.append(
                beamline_time(
                    beamline, machine.availability, machine.plan, machine.definition, machine.refill, said, cuts
                )
            )
    return BeamlineReport(machine, tuple(found))
