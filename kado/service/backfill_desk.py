"""Fills gaps from an archive beside a running service: a command hands in a request, the service carries it out.

Only the service may write telemetry. A request is a file in ``backfill/`` of the data directory; while the file is
there, the service works on it and writes beside it how far it is. To take the file away withdraws the request:
what was fetched until then is stored, and the same request goes on there.
"""

import asyncio
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

import facility.errors
from collector.forwarder import Forwarder
from collector.forwarder_status import ForwarderState
from collector.landing import Landing
from collector.sources.archiver.backfill import BackfillProgress, SignalFilled, backfill
from collector.sources.archiver.spec import ArchiverSource
from collector.sources.blocking import in_thread
from facility.errors import ConfigError, KadoError, UnreachableError, UsageError
from facility.interval import Intervals
from facility.sentence import Sentence
from facility.time import Clock
from kado.config import Configuration
from kado.language import tr
from kado.stores import running_pid
from storage.data_dir import DataDir, open_private
from storage.telemetry_db import open_reader
from storage.telemetry_db.outbox import waiting_ids

_LOG: Final = logging.getLogger(__name__)

LOOK_S: Final = 0.5
"""How often the service looks for requests, and a command for what became of its own."""
TAKEN_WITHIN_S: Final = 20.0
"""A service that has not taken a request by then does not know this way."""
_REQUEST, _ANSWER = ".request", ".answer"


class BackfillRequest(BaseModel):
    """What is to be fetched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """Id of the archive."""
    ranges: tuple[tuple[int, int], ...]
    """(start_ns, end_ns) of each."""
    signals: tuple[str, ...] | None = None
    """None: all that the archive's source maps."""
    again: bool = False
    """Also what was fetched before."""


class BackfillAnswer(BaseModel):
    """How far a request is, and at its end what came of it."""

    model_config = ConfigDict(frozen=True)

    done: float = 0.0
    """Of the whole, 0 to 1."""
    signal: str = ""
    samples: int = 0
    """Of that signal."""
    ended: bool = False
    filled: tuple[SignalFilled, ...] = ()
    error: str = ""
    """Why it ended early; empty where it did not."""
    error_kind: str = ""
    """The class of that error."""

    @classmethod
    def of_error(cls, error: KadoError) -> Self:
        """Return that a request ended by an error."""
        return cls(ended=True, error=str(error), error_kind=type(error).__name__)

    def raise_error(self) -> None:
        """Raise the error by which the request ended, if it did."""
        if not self.error:
            return
        kind: object = getattr(facility.errors, self.error_kind, UnreachableError)
        if isinstance(kind, type) and issubclass(kind, KadoError):
            raise kind(self.error)
        raise UnreachableError(self.error)


class BackfillDesk:
    """Carries out the requests of a data directory, one after the other.

    Contract: `run` once, beside the landing, which is closed after it. Blocking work is done in threads that end by
    themselves once `run` is cancelled or the landing is closed.
    """

    def __init__(
        self, configuration: Configuration, landing: Landing, forwarder: Forwarder | None, clock: Clock
    ) -> None:
        self._configuration = configuration
        self._landing = landing
        self._forwarder = forwarder
        self._clock = clock
        self._folder = DataDir(configuration.data_dir).backfill
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Work until cancelled; requests that were there before are of commands that have ended."""
        await asyncio.to_thread(self._clear)
        known: set[str] = set()
        async with asyncio.TaskGroup() as tasks:
            while True:
                names = await asyncio.to_thread(self._requested)
                for name in names - known:
                    await asyncio.to_thread(self._answer, name, BackfillAnswer())
                    tasks.create_task(self._serve(name), name=f"back-fill {name}")
                known = names
                await asyncio.sleep(LOOK_S)

    async def _serve(self, name: str) -> None:
        async with self._one_at_a_time:
            stopping = threading.Event()
            try:
                await in_thread(lambda: self._work(name, stopping), f"back-fill {name}")
            finally:
                stopping.set()

    # Everything below runs in threads.

    def _work(self, name: str, stopping: threading.Event) -> None:
        """Carry out a request, and write how far it is."""
        said_at = 0.0

        def check() -> None:
            if stopping.is_set() or not self._path(name, _REQUEST).exists():
                raise _WithdrawnError(f"back-fill {name} was withdrawn")

        def pause(seconds: float) -> None:
            until = time.monotonic() + seconds
            while True:
                check()
                left = until - time.monotonic()
                if left <= 0 or stopping.wait(min(left, LOOK_S)):
                    return

        def say(progress: BackfillProgress) -> None:
            nonlocal said_at
            check()
            if time.monotonic() >= said_at + LOOK_S / 2:
                said_at = time.monotonic()
                self._answer(name, BackfillAnswer(done=progress.done, signal=progress.signal, samples=progress.samples))

        try:
            request = self._read(name)
            _LOG.info("back-fill from %s begins: %d ranges", request.source, len(request.ranges))
            filled = self._fill(request, say, pause)
            self._wait_until_forwarded(pause)
        except _WithdrawnError:
            _LOG.info("back-fill %s was withdrawn; what was fetched is stored", name)
        except KadoError as error:
            _LOG.warning("back-fill: %s", error)
            self._answer(name, BackfillAnswer.of_error(error))
        else:
            _LOG.info("back-fill from %s has ended: %d samples", request.source, sum(one.samples for one in filled))
            self._answer(name, BackfillAnswer(done=1.0, ended=True, filled=filled))

    def _read(self, name: str) -> BackfillRequest:
        try:
            return BackfillRequest.model_validate_json(self._path(name, _REQUEST).read_bytes())
        except FileNotFoundError as error:
            raise _WithdrawnError(f"back-fill {name} was withdrawn") from error
        except ValidationError as error:
            raise UsageError(
                Sentence(
                    "a request to fill gaps cannot be read: {error}; is it of another version of kado?", error=error
                )
            ) from error

    def _fill(
        self, request: BackfillRequest, say: Callable[[BackfillProgress], None], pause: Callable[[float], None]
    ) -> tuple[SignalFilled, ...]:
        configuration = self._configuration
        for source in configuration.sources:
            if isinstance(source, ArchiverSource) and source.id == request.source:
                break
        else:
            raise UsageError(
                Sentence(
                    "the kado that runs knows no archive {source!r}: its configuration is older; start it again",
                    source=request.source,
                )
            )
        if strange := [name for name in request.signals or () if name not in source.signals]:
            raise UsageError(
                Sentence(
                    "in the kado that runs, source {source} maps no signal {strange!r}: its "
                    "configuration is older; start it again",
                    source=source.id,
                    strange=strange[0],
                )
            )
        return backfill(
            source, configuration.profile, Intervals.of(request.ranges), self._landing, configuration.data_dir,
            self._clock, signals=request.signals, again=request.again, progress=say, sleep=pause,
        )  # fmt: skip

    def _wait_until_forwarded(self, pause: Callable[[float], None]) -> None:
        """With InfluxDB: wait until it has what waits now.

        Raises
        ------
        UnreachableError
            If it does not take it at present.
        """
        if self._forwarder is None:
            return
        with closing(open_reader(self._configuration.data_dir)) as landed:
            before = waiting_ids(landed)
            while before is not None:
                now = waiting_ids(landed)
                if now is None or now[0] > before[1]:
                    return
                status = self._forwarder.status()
                if status.state in (ForwarderState.RETRYING, ForwarderState.HOLDING):
                    raise UnreachableError(
                        Sentence(
                            "what was fetched is stored and waits for InfluxDB: {problem}; it is forwarded by "
                            "itself, and the figures follow then",
                            problem=status.problem,
                        )
                    )
                pause(0.1)

    def _requested(self) -> set[str]:
        return {path.name.removesuffix(_REQUEST) for path in self._folder.glob(f"*{_REQUEST}")}

    def _answer(self, name: str, answer: BackfillAnswer) -> None:
        # A disk that takes nothing is the landing's to report; and nobody waits for what was withdrawn.
        with suppress(OSError):
            if self._path(name, _REQUEST).exists():
                _write(self._path(name, _ANSWER), answer.model_dump_json())

    def _path(self, name: str, kind: str) -> Path:
        return self._folder / f"{name}{kind}"

    def _clear(self) -> None:
        with suppress(OSError):
            for kind in (_REQUEST, _ANSWER):
                for path in self._folder.glob(f"*{kind}"):
                    path.unlink()


def ask_service(
    configuration: Configuration,
    source: ArchiverSource,
    ranges: Intervals,
    signals: Sequence[str] | None,
    *,
    again: bool,
    progress: Callable[[BackfillProgress], None],
) -> tuple[SignalFilled, ...]:
    """Let the service that runs on the data directory fill ranges; return what was fetched.

    Raises
    ------
    UnreachableError
        If the archive does not answer, or the service does not take the request or ends; what was fetched until then
        is stored.
    """
    request = BackfillRequest(
        source=source.id, ranges=tuple(ranges), signals=None if signals is None else tuple(signals), again=again
    )
    with _handed_in(DataDir(configuration.data_dir).backfill, request) as (asked, path):
        until = time.monotonic() + TAKEN_WITHIN_S
        while True:
            pid = running_pid(configuration)
            answer = _read_answer(path)
            if answer is not None and answer.ended:
                answer.raise_error()
                return answer.filled
            if pid is None:
                raise UnreachableError(
                    tr("'kado run' has ended; fetched samples are stored. Run the same command again to continue")
                )
            # A service that has just started removes what was there before it.
            if answer is None and not asked.exists():
                _hand_in(asked, request)
            if answer is None and time.monotonic() > until:
                raise UnreachableError(
                    tr(
                        "process {pid} uses the data directory and did not accept the request within "
                        "{seconds:.0f} s: it is not 'kado run', or an older version of it. Stop it, or "
                        "wait until it ends, then run the same command again",
                        pid=pid,
                        seconds=TAKEN_WITHIN_S,
                    )
                )
            if answer is not None:
                progress(BackfillProgress(answer.done, answer.signal, answer.samples))
            time.sleep(LOOK_S / 2)


@contextmanager
def _handed_in(folder: Path, request: BackfillRequest) -> Generator[tuple[Path, Path]]:
    """Hand a request in, yield where it lies and where its answer comes, and take it back at the end."""
    name = uuid.uuid4().hex
    asked, answer = folder / f"{name}{_REQUEST}", folder / f"{name}{_ANSWER}"
    _hand_in(asked, request)
    try:
        yield asked, answer
    finally:
        for path in (asked, answer):
            path.unlink(missing_ok=True)


def _hand_in(asked: Path, request: BackfillRequest) -> None:
    try:
        asked.parent.mkdir(mode=0o700, exist_ok=True)
        _write(asked, request.model_dump_json())
    except OSError as error:
        raise ConfigError(
            Sentence(
                "{folder} cannot be written: {reason}; give the command as the user that 'kado run' runs as",
                folder=asked.parent,
                reason=error.strerror,
            )
        ) from error


def _write(path: Path, text: str) -> None:
    """Write a file so that a reader finds all of it or nothing."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with open(temporary, "w", encoding="utf-8", opener=open_private) as file:
        file.write(text)
    temporary.replace(path)


def _read_answer(path: Path) -> BackfillAnswer | None:
    try:
        return BackfillAnswer.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


class _WithdrawnError(Exception):
    """The request was taken back, or the service ends."""
