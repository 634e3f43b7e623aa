"""Other facilities beside the reported one, in the same period: each by its own delivery rule, never averaged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facility.errors import KadoError
from facility.time import Clock, system_clock
from kado.config import Configuration, load_configuration
from kado.queries.availability import AvailabilityReport, load_availability
from kado.queries.availability_document import availability_document


@dataclass(frozen=True, slots=True)
class FacilityBeside:
    """One facility in the period of a report."""

    path: Path
    """Its kado.toml, as the configuration names it."""
    loaded: AvailabilityReport | None
    """None where it has no figure."""
    error: str = ""
    """Why it has none."""


def load_facilities_beside(
    configuration: Configuration, period: str, as_known_on: str, *, clock: Clock = system_clock
) -> tuple[FacilityBeside, ...]:
    """Compute the availability of each facility that ``[report] beside`` names.

    Each is counted by its own profile and definition, in its own time zone and fiscal year. A facility without a
    figure keeps its line, with the reason.

    Parameters
    ----------
    period
        As people write it; each facility reads it for itself.
    """
    found: list[FacilityBeside] = []
    for path in configuration.settings.report.beside:
        try:
            other = load_configuration(configuration.folder / path)
            loaded = load_availability(other, period, None, as_known_on, clock=clock)
        except KadoError as error:
            found.append(FacilityBeside(path, None, str(error)))
        else:
            found.append(FacilityBeside(path, loaded))
    return tuple(found)


def facility_figure_notes_document(found: FacilityBeside) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "config": str(found.path),
        "availability": None if found.loaded is None else availability_document(found.loaded),
        "error": found.error or None,
    }
