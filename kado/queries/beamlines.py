"""Loads the hours of each beamline, beside the machine's availability."""

from dataclasses import asdict, dataclass
from typing import Any

from analytics.beamlines import BeamlineTime, beamline_time
from analytics.links import LinkLoss
from facility.errors import ProfileError
from facility.sentence import Sentence
from facility.time import Clock, system_clock, to_s
from kado.config import Configuration
from kado.queries.availability import AvailabilityReport, load_availability
from kado.queries.evidence import load_link, read_once
from kado.queries.identity import identity
from kado.queries.period_pieces import Progress
from kado.queries.record import AsOf
from kado.stores import open_store
from storage.store import TelemetryStore


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
    as_known_on: str | AsOf | None = None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> BeamlineReport:
    """Compute the hours of each beamline; raises what `load_availability` raises.

    Raises
    ------
    ProfileError
        If the profile lists no beamlines.
    """
    profile = configuration.profile
    if not profile.beamlines:
        raise ProfileError(
            Sentence(
                "facility {facility} lists no beamlines: add [[beamline]] tables to its profile", facility=profile.id
            )
        )
    machine = load_availability(configuration, period, definition, as_known_on, clock=clock, progress=progress)
    with open_store(configuration) as store:
        return beamlines_of(configuration, machine, store)


def beamlines_of(configuration: Configuration, machine: AvailabilityReport, store: TelemetryStore) -> BeamlineReport:
    """Compute the hours of each beamline beside a machine's availability."""
    start, end = machine.part.start_ns, machine.part.end_ns
    found: list[BeamlineTime] = []
    read = read_once(store.read)
    for beamline in machine.profile.beamlines:
        said, link = None, LinkLoss()
        if beamline.shutter is not None:
            link = load_link(configuration, read, start, end, signal=beamline.shutter)
            said = store.read(beamline.shutter, start, end, hold=True)
        found.append(
            beamline_time(beamline, machine.availability, machine.plan, machine.definition, machine.refill, said, link)
        )
    return BeamlineReport(machine, tuple(found))


def beamlines_document(found: BeamlineReport) -> dict[str, Any]:
    """Return the same for programs, in seconds; None where a shutter is not recorded."""
    loaded = found.machine
    accounts = loaded.availability.accounts
    return {
        **identity(loaded.profile, definition=loaded.definition.id, period=loaded.part),
        "machine_s": {name: to_s(getattr(accounts, name)) for name in ("user_time", "delivered", "no_beam", "unknown")},
        "ports": {"operating": loaded.profile.operating_port_count, "total": loaded.profile.port_count},
        "beamlines": [
            {
                "id": b.beamline.id,
                "tag": b.beamline.tag,
                "machine_s": {name: to_s(ns) for name, ns in asdict(b.machine).items()},
                "shutter_s": None if b.shutter is None else {name: to_s(ns) for name, ns in asdict(b.shutter).items()},
            }
            for b in found.beamlines
        ],
    }
