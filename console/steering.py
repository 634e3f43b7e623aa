"""Lets the simulators among the sources be steered while they run, from the data directory."""

from console.config import Configuration
from console.output import note
from facility.definition import load_definition
from facility.source import SourceSpec


def steered_sources(configuration: Configuration) -> tuple[SourceSpec, ...]:
    """Return the configured sources, those that simulate with a way to steer them.

    Raises
    ------
    DefinitionError
        If the facility's own rules, by which the answers of a session count, are not there.
    """
    from simulators.control import ControlDesk
    from simulators.source import SimulatorSource

    if not any(isinstance(source, SimulatorSource) for source in configuration.sources):
        return configuration.sources
    definition = load_definition(configuration.profile.definition, configuration.folder)
    desk = ControlDesk(configuration.data_dir, definition, tell=note)
    return tuple(s.steered_from(desk) if isinstance(s, SimulatorSource) else s for s in configuration.sources)
