"""Who does independent pieces of work: this process, several of them, or a cluster.

All of them are used like `map`. Whichever is used, the answers are the same: a function that goes through here is a
module's own, takes one argument that can be pickled and says everything, and turns its errors into answers.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from facility.errors import MissingExtraError, UnreachableError
from facility.sentence import Sentence

_Work = TypeVar("_Work")


_Answer = TypeVar("_Answer")


CONNECT_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Lost:
    """Stands for an answer that nobody could give, because its worker ended or could not begin."""

    why: str


class Run(Protocol):
    """Has work done, as `map` does."""

    def __call__(self, function: Callable[[_Work], _Answer], work: Iterable[_Work], /) -> Iterable["_Answer | Lost"]:
        """Yield the answer for each piece of work, in the order of the work."""
        ...


@contextmanager
def this_process() -> Generator[Run]:
    """Do one piece after the other, here."""
    yield map


@contextmanager
def processes(workers: int) -> Generator[Run]:
    """Let processes of this machine do it.

    A process that ends before its work is done (killed for lack of memory) costs the piece that it worked on, and
    no other one.
    """
    yield partial(_in_processes, workers)


@contextmanager
def cluster(address: str) -> Generator[Run]:
    """Let the workers of a Dask cluster do it; each needs the same kado and the same files.

    Parameters
    ----------
    address
        Of its scheduler, such as ``tcp://HOST:8786``.

    Raises
    ------
    MissingExtraError
        If Dask distributed is not installed.
    UnreachableError
        If no scheduler answers there, it goes away, or it has no workers.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            Sentence(
                "a cluster needs Dask distributed ({error}): install it with pip install 'kado[cluster]'", error=error
            )
        ) from error
    try:
        client = Client(address, timeout=CONNECT_TIMEOUT_S, set_as_default=False, name="kado")
    except (OSError, ValueError) as error:
        raise UnreachableError(
            Sentence(
                "no Dask scheduler answers at {address} ({error}): start one with 'dask scheduler', "
                "its workers with 'dask worker {address}'",
                address=address,
                error=error,
            )
        ) from error
    with client:
        if not client.scheduler_info()["workers"]:
            raise UnreachableError(
                Sentence(
                    "the Dask scheduler at {address} has no workers: start some with 'dask worker {address}'",
                    address=address,
                )
            )
        yield partial(_on_cluster, client, address)


def _in_processes(
    workers: int, function: Callable[[_Work], _Answer], work: Iterable[_Work]
) -> Iterator["_Answer | Lost"]:
    waiting = deque(work)
    while waiting:
        with _pool(workers) as pool:
            yield from _until_broken(pool, function, waiting)
        if waiting:
            # One of those at work killed its process; the first of them, alone, shows whether it did.
            with _pool(1) as pool:
                alone = deque([waiting.popleft()])
                yield from _until_broken(pool, function, alone)
            if alone:
                yield Lost("its process ended before the work was done, which is what happens for lack of memory")


def _until_broken(
    pool: ProcessPoolExecutor, function: Callable[[_Work], _Answer], waiting: "deque[_Work]"
) -> Iterator[_Answer]:
    """Yield answers and take what is done from `waiting`; end early if a process ended."""
    futures = [pool.submit(function, piece) for piece in waiting]
    for future in futures:
        try:
            answer = future.result()
        except BrokenProcessPool:
            return
        waiting.popleft()
        yield answer


@contextmanager
def _pool(workers: int) -> Generator[ProcessPoolExecutor]:
    # A fork would inherit threads and open databases.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_end_at_interrupt)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _end_at_interrupt() -> None:
    """Let Ctrl-C end a worker at once and without a traceback: the command that started it says enough."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _on_cluster(
    client: Any, address: str, function: Callable[[_Work], _Answer], work: Iterable[_Work]
) -> Iterator["_Answer | Lost"]:
    from distributed import as_completed

    pieces = list(work)
    futures = client.map(function, pieces, pure=False)
    places = {future.key: place for place, future in enumerate(futures)}
    completed: Any = as_completed(futures, loop=client.loop)
    # The scheduler forgets an answer that nobody here holds a future of: then no worker has to keep it.
    del futures
    ready: dict[int, Any] = {}
    at, suspects = 0, list[int]()
    for future in completed:
        place = places[future.key]
        answer = _answer(future, address)
        if answer is _KILLED:
            suspects.append(place)
        else:
            ready[place] = answer
        while at in ready:
            yield ready.pop(at)
            at += 1
    # What only waited on a worker that was killed is under suspicion as well; alone it is seen who did it.
    for place in sorted(suspects):
        ready[place] = _answer(client.submit(function, pieces[place], pure=False), address)
        while at in ready:
            yield ready.pop(at)
            at += 1


_KILLED: Final = Lost(
    "each worker that tried it ended before the work was done, which is what happens for lack of memory"
)


def _answer(future: Any, address: str) -> Any:
    """Wait for a future and return what it gives; `_KILLED` if it is the scheduler's suspect."""
    from distributed import CancelledError, KilledWorker

    try:
        error = future.exception()
        if error is None:
            return future.result()
    except (CancelledError, OSError) as gone:
        raise UnreachableError(
            Sentence("the Dask scheduler at {address} went away before all was done", address=address)
        ) from gone
    if isinstance(error, KilledWorker):
        return _KILLED
    return Lost(f"the worker could not run it ({type(error).__name__}: {error}): install the same kado there")
