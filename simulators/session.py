"""What is kept of a machine that ran live: its answer key, and a scenario that makes the same samples again."""

from dataclasses import dataclass
from pathlib import Path

from facility.definition import Definition
from facility.errors import UsageError
from facility.sentence import Sentence
from facility.time import to_datetime
from simulators.faults import MS
from simulators.machine import Machine
from simulators.scenario import Scenario, Span
from simulators.scenario_file import write_scenario


@dataclass(frozen=True, slots=True)
class SessionFiles:
    """Where the answers of a session are."""

    key: Path
    scenario: Path


def session_scenario(machine: Machine, start_ns: int, end_ns: int) -> Scenario:
    """Return the scenario of what a machine did in ``[start_ns, end_ns)``, all that was injected listed in it."""
    zone = machine.profile.zone
    span = Span.model_validate({"from": to_datetime(start_ns, zone), "to": to_datetime(end_ns, zone)})
    return machine.injection.scenario(machine.scenario).model_copy(update={"period": span})


def write_session(
    machine: Machine, definition: Definition | None, folder: Path, start_ns: int, end_ns: int
) -> SessionFiles:
    """Write the answer key of ``[start_ns, end_ns)`` and beside it the scenario of the session.

    Asked again later in the same session, both are replaced. The answers are made by a machine of its own, which
    follows that scenario, so the running one is not disturbed.

    Parameters
    ----------
    definition
        Whose rules to count by; None: the profile's.
    folder
        Folder for the files; made if it does not exist.
    start_ns, end_ns
        Moved to the next whole ms: no simulated sample comes in between.

    Raises
    ------
    UsageError
        If the folder cannot be written to.
    """
    start_ns, end_ns = (-(-ns // MS) * MS for ns in (start_ns, end_ns))
    scenario = session_scenario(machine, start_ns, end_ns)
    again = Machine(machine.profile, scenario, machine.seed)
    began = to_datetime(start_ns, machine.profile.zone).strftime("%Y%m%dT%H%M%S")
    name = f"{scenario.id}-seed{machine.seed}-{began}"
    files = SessionFiles(folder / f"{name}.json", folder / f"{name}.toml")
    key = again.answer_key(start_ns, end_ns, definition)
    heading = (
        f"A live session of scenario {scenario.id} at {machine.profile.id}; what was injected comes last.\n"
        f"The same samples again: kado simulate --scenario {files.scenario.name} --seed {machine.seed}"
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        key.write(files.key)
        write_scenario(scenario, files.scenario, heading)
    except OSError as error:
        raise UsageError(
            Sentence(
                "the answers of the session cannot be kept in {folder}: {reason}; make room there",
                folder=folder,
                reason=error.strerror or error,
            )
        ) from error
    return files
