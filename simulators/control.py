"""Injects faults into running simulators from outside: a Unix socket for each, one JSON line each way.

Users who may write the data directory may inject faults; others cannot reach the sockets. A socket that a killed
simulator left behind does not answer, and is replaced.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from facility.definition import Definition
from facility.errors import KadoError, UsageError
from facility.sentence import Sentence
from facility.time import format_time
from facility.written_text import check_line
from simulators.answer_key import KeyFault
from simulators.answers import key_fault
from simulators.machine import Machine
from simulators.scenario import READS, Effect
from simulators.session import write_session

MAX_LINE: Final = 65_536
"""Bytes of a request."""
ASKED_WITHIN_S: Final = 2.0
"""Who connects and says nothing for so long is cut off."""
CLOSED_WITHIN_S: Final = 0.2
"""So long it may take to notice that the simulator ends."""
MAX_PATH: Final = 100
"""Bytes that an address of a Unix socket may surely have."""

log = logging.getLogger(__name__)


class Request(BaseModel):
    """What is asked of a running simulator."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    do: Literal["status", "inject", "repair", "answers"]
    effect: str | None = None
    """Of ``inject`` and ``repair``; a repair without one ends everything."""
    cause: str = "injected"
    length_s: float | None = None
    reads: str | None = None
    shift_s: float | None = None


class EffectStatus(BaseModel):
    """An effect that can be injected."""

    effect: str
    usual_s: float
    reads: tuple[str, ...]


class InterventionStatus(BaseModel):
    """Something that was done."""

    time: str
    what: str
    fault: KeyFault


class Reply(BaseModel):
    """What a running simulator answers: how it stands afterwards, and what came of the request."""

    name: str
    facility: str
    scenario: str
    seed: int
    effects: tuple[EffectStatus, ...] = ()
    broken: tuple[KeyFault, ...] = ()
    done: tuple[InterventionStatus, ...] = ()
    injected: KeyFault | None = None
    repaired: tuple[KeyFault, ...] = ()
    answer_key: str | None = None
    session: str | None = None
    """The scenario that makes the session's samples again."""
    error: str | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ControlDesk:
    """Takes injected faults for the machines of a data directory."""

    data_dir: Path
    definition: Definition | None = None
    """By whose rules answer keys count; None: the profile's."""
    tell: Callable[[str], None] | None = log.info
    """Called at the end with the place of the answers of a session with injected faults; None: kept only on request."""

    @asynccontextmanager
    async def accept_faults(
        self, name: str, machine: Machine, start_ns: int, arrived: Callable[[], int]
    ) -> AsyncGenerator[None]:
        """Take injected faults for a machine under a name; at the end keep the answers, if there were any.

        Parameters
        ----------
        name
            Such as the source's id; with the pid behind it where another simulator has that name.
        start_ns
            Where the session begins.
        arrived
            Returns the instant before which everything has certainly reached the store.
        """
        place, listening = await asyncio.to_thread(_listen, self.data_dir, name)
        room = _Room(self, place.stem, machine, start_ns, arrived)
        serving = Thread(target=room.serve, args=(listening,), name=f"injection {name}", daemon=True)
        serving.start()
        try:
            yield
        finally:
            room.closing.set()
            await asyncio.to_thread(serving.join)
            await asyncio.to_thread(place.unlink, missing_ok=True)
            if machine.injection.log and self.tell is not None:
                try:
                    reply = await asyncio.to_thread(room.answers)
                except KadoError as error:
                    log.warning("simulator %s: its answers were not kept: %s", name, error)
                else:
                    self.tell(f"answer key: {reply.answer_key}, session: {reply.session}")


class _Room:
    """Answers connections, one after the other, in a thread of its own: the machine may be busy."""

    def __init__(
        self, desk: ControlDesk, name: str, machine: Machine, start_ns: int, arrived: Callable[[], int]
    ) -> None:
        self._desk = desk
        self._name = name
        self._machine = machine
        self._start_ns = start_ns
        self._arrived = arrived
        self.closing = Event()

    def serve(self, listening: socket.socket) -> None:
        """Serve until `closing` is set; closes the socket."""
        with listening:
            listening.settimeout(CLOSED_WITHIN_S)
            while not self.closing.is_set():
                # A silent or closed connection: the next one.
                with suppress(OSError), listening.accept()[0] as guest:
                    guest.settimeout(ASKED_WITHIN_S)
                    with guest.makefile("rb") as asked:
                        line = asked.readline(MAX_LINE)
                    if line:
                        guest.sendall(self.answer(line).model_dump_json().encode() + b"\n")

    def answer(self, line: bytes) -> Reply:
        """Do what a line asks."""
        try:
            request = Request.model_validate_json(line)
            injection = self._machine.injection
            match request.do:
                case "inject":
                    check_line("the cause", request.cause)
                    fault = injection.inject(
                        request.effect or "",
                        cause=request.cause,
                        length_s=request.length_s,
                        reads=request.reads,
                        shift_s=request.shift_s,
                    )
                    return self._reply(injected=key_fault(fault))
                case "repair":
                    repaired = injection.clear() if request.effect is None else injection.repair(request.effect)
                    return self._reply(repaired=tuple(map(key_fault, repaired)))
                case "answers":
                    return self.answers()
                case "status":
                    return self._reply()
        except ValidationError as error:
            return self._reply(error=f"the request cannot be read: {error.errors()[0]['msg']}", exit_code=2)
        except KadoError as error:
            return self._reply(error=str(error), exit_code=error.exit_code)
        except Exception as error:
            # The error is sent to the client, and the next one is served.
            log.exception("simulator %s: a defect while faults were injected", self._name)
            return self._reply(error=f"a defect in kado: {type(error).__name__}: {error}", exit_code=1)

    def answers(self) -> Reply:
        """Write the answers up to what has arrived."""
        end_ns = self._arrived()
        if end_ns <= self._start_ns:
            raise UsageError(
                Sentence(
                    "nothing has arrived since the session began at {start_ns}", start_ns=format_time(self._start_ns)
                )
            )
        folder = self._desk.data_dir / "answers"
        files = write_session(self._machine, self._desk.definition, folder, self._start_ns, end_ns)
        return self._reply(answer_key=str(files.key), session=str(files.scenario))

    def _reply(self, **came: object) -> Reply:
        machine, injection = self._machine, self._machine.injection
        head = {"name": self._name, "facility": machine.profile.id, "scenario": machine.scenario.id}
        state: dict[str, object] = {
            "seed": machine.seed,
            "effects": [
                EffectStatus(effect=e, usual_s=injection.usual_s(e), reads=READS.get(Effect(e), ()))
                for e in injection.effects
            ],
            "broken": [key_fault(f) for f in injection.active()],
            "done": [
                InterventionStatus(time=format_time(i.time_ns), what=i.what, fault=key_fault(i.fault))
                for i in injection.log
            ],
        }
        return Reply.model_validate({**head, **state, **came})


def sockets_folder(data_dir: Path) -> Path:
    """Return where the sockets of running simulators are."""
    return data_dir / "simulators"


@contextmanager
def address_of(place: Path) -> Generator[str]:
    """Give the address to bind or connect to, however long the path is."""
    if len(os.fsencode(place)) <= MAX_PATH:
        yield str(place)
        return
    if not Path("/proc/self/fd").is_dir():
        raise UsageError(
            Sentence(
                "{place}: too long for a socket by {count} bytes: move data_dir",
                place=place,
                count=len(os.fsencode(place)) - MAX_PATH,
            )
        )
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{place.name}"
    finally:
        os.close(folder)


def answers_at(place: Path) -> bool:
    """Whether a simulator listens at a place."""
    with socket.socket(socket.AF_UNIX) as probe, address_of(place) as address:
        try:
            probe.connect(address)
        except OSError:
            return False
        return True


def _listen(data_dir: Path, name: str) -> tuple[Path, socket.socket]:
    """Make the socket under a name, or under name and pid where another process has that."""
    folder = sockets_folder(data_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / f"{name}.sock"
    if answers_at(place):
        place = folder / f"{name}_{os.getpid()}.sock"
    place.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        with address_of(place) as address:
            listening.bind(address)
        place.chmod(0o600)
        listening.listen()
    except BaseException:
        listening.close()
        raise
    return place, listening
