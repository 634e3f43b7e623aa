"""Asks a running simulator, from another process, for what `simulators.control` offers."""

import socket
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from facility.errors import KadoError, ScenarioError, UnreachableError, UsageError
from facility.sentence import Sentence
from simulators.control import Reply, Request, address_of, answers_at, sockets_folder

ANSWERED_WITHIN_S: Final = 60.0
"""The answers of a long session take a while."""


def running_simulators(data_dir: Path) -> tuple[str, ...]:
    """Return the names of the simulators that run on a data directory and take injected faults."""
    folder = sockets_folder(data_dir)
    return tuple(place.stem for place in sorted(folder.glob("*.sock")) if answers_at(place))


def chosen_simulator(data_dir: Path, name: str | None) -> str:
    """Return the simulator for injected faults: the one of that name, or the only one.

    Raises
    ------
    UnreachableError
        If there is no simulator.
    UsageError
        If there are several and no name.
    """
    running = running_simulators(data_dir)
    if name in running:
        return name
    if name is not None:
        raise UnreachableError(
            Sentence(
                "no simulator {name!r} runs on {data_dir}; running: {running}",
                name=name,
                data_dir=data_dir,
                running=", ".join(running) or Sentence("none"),
            )
        )
    if len(running) == 1:
        return running[0]
    if not running:
        raise UnreachableError(
            Sentence(
                "no simulator runs on {data_dir}: start 'kado demo', 'kado run' with a source of "
                "kind simulator, or 'kado simulate --live', with the same kado.toml",
                data_dir=data_dir,
            )
        )
    raise UsageError(
        Sentence(
            "{count} simulators run on {data_dir}: name one of {running}",
            count=len(running),
            data_dir=data_dir,
            running=", ".join(running),
        )
    )


def ask(data_dir: Path, name: str, request: Request) -> Reply:
    """Ask a running simulator.

    Raises
    ------
    UnreachableError
        If it ended meanwhile.
    ScenarioError
        If it refuses.
    """
    place = sockets_folder(data_dir) / f"{name}.sock"
    with socket.socket(socket.AF_UNIX) as connection, address_of(place) as address:
        connection.settimeout(ANSWERED_WITHIN_S)
        try:
            connection.connect(address)
            connection.sendall(request.model_dump_json().encode() + b"\n")
            with connection.makefile("rb") as answer:
                line = answer.readline()
            reply = Reply.model_validate_json(line)
        except (OSError, ValidationError) as error:
            raise UnreachableError(
                Sentence(
                    "simulator {name} on {data_dir} gave no answer: {error}",
                    name=name,
                    data_dir=data_dir,
                    error=error or Sentence("it ended"),
                )
            ) from error
    if reply.error is not None:
        raise (ScenarioError if reply.exit_code == ScenarioError.exit_code else KadoError)(reply.error)
    return reply
