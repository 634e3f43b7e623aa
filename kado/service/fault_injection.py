"""Prepares the simulators among the sources: they take injected faults while they run, and their calendar is known."""

from facility.definition import load_definition
from facility.schedule import resolve
from facility.source import SourceSpec
from facility.time import Clock, from_datetime
from kado.config import Configuration
from kado.journal import open_journal
from kado.output import note
from kado.service.importing import add_versions
from simulators.control import ControlDesk
from simulators.machine import Machine
from simulators.source import SimulatorSource


def prepared_sources(configuration: Configuration, clock: Clock) -> tuple[SourceSpec, ...]:
    """Return the configured sources that are read live, the simulators ready for injected faults.

    Where nothing is planned for its start or the present, the simulated machine's own calendar goes into the journal.

    Raises
    ------
    ScenarioError
        If a scenario cannot be, or does not fit the facility.
    DefinitionError
        If the facility's own rules, by which the answers of a session count, are not there.
    """
    desk: ControlDesk | None = None
    sources: list[SourceSpec] = []
    for source in [source for source in configuration.sources if source.live]:
        if isinstance(source, SimulatorSource):
            machine = source.machine(configuration.profile)
            if desk is None:
                definition = load_definition(configuration.profile.definition, configuration.folder)
                desk = ControlDesk(configuration.data_dir, definition, tell=note)
                now_ns = clock()
                start_ns = now_ns if source.start is None else min(from_datetime(source.start), now_ns)
                _plan(configuration, machine, start_ns, now_ns)
            source = source.with_injection_by(desk)
        sources.append(source)
    return tuple(sources)


def _plan(configuration: Configuration, machine: Machine, start_ns: int, now_ns: int) -> None:
    with open_journal(configuration) as journal:
        planned = resolve(journal.schedule_versions()).blocks
    if all(any(block.start_ns <= ns < block.end_ns for block in planned) for ns in (start_ns, now_ns)):
        return
    versions = machine.schedule(start_ns, now_ns + 1)
    add_versions(configuration, versions, f"simulator, scenario {machine.scenario.id}")
