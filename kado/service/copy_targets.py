"""Stores that are copied to: how samples get into each, so that they are counted there and nothing is lost."""

import random
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from typing import Final, Protocol

import numpy as np

from collector.arrival import Arrival
from collector.forwarder import Forwarder
from facility.time import NS_PER_DAY, Clock
from kado.config import Configuration
from kado.writers import make_forwarder, make_landing
from storage.columns import NO_ARRIVAL, Columns
from storage.store import TelemetryStore

COPY_SOURCE: Final = "copy"
"""The source that copied samples are counted for in the ledger of the store that they are copied to."""


_AT_ONCE: Final = 200_000


class Target(Protocol):
    """A store that is copied to, and its data directory, which nobody else may write meanwhile."""

    @property
    def store(self) -> TelemetryStore:
        """What it holds."""
        ...

    @property
    def keeps_from_ns(self) -> int | None:
        """Return the instant before which it keeps nothing, if there is one."""
        ...

    def write(self, signal: str, columns: Columns) -> None:
        """Write samples, arrivals included; when this returns they are in the store and counted in its ledger."""
        ...

    def finish(self) -> None:
        """Tidy up behind the last write."""
        ...


@contextmanager
def open_target(configuration: Configuration, clock: Clock) -> Generator[Target]:
    """Lock a data directory and open its store for copying.

    Raises
    ------
    LockedError
        If another process holds the directory.
    UnreachableError, AuthorizationError
        If its server does not answer, refuses us, or does not take what waits for it.
    """
    with ExitStack() as opened:
        forwarder = make_forwarder(configuration, clock, random.Random())
        if forwarder is None:
            yield _LocalTarget(configuration, clock, opened)
        else:
            yield _ServerTarget(configuration, opened.enter_context(forwarder), clock, opened)


class _LocalTarget:
    """Days that are over go straight into sealed files; samples with an arrival of their own by way of rows."""

    keeps_from_ns = None

    def __init__(self, configuration: Configuration, clock: Clock, opened: ExitStack) -> None:
        self._facility = configuration.profile.id
        self._store = opened.enter_context(closing(configuration.backend.open_local(clock)))
        self._before_ns = clock() // NS_PER_DAY * NS_PER_DAY

    @property
    def store(self) -> TelemetryStore:
        return self._store

    def write(self, signal: str, columns: Columns) -> None:
        late = np.zeros(len(columns), np.bool_)
        if columns.arrival_ns is not None:
            late = columns.arrival_ns != NO_ARRIVAL
        plain = columns.take(~late)
        if len(plain):
            samples = plain.samples(self._facility, signal)
            self._store.load_each([samples], before_ns=self._before_ns, source=COPY_SOURCE)
        for piece in _pieces(columns.take(late)):
            self._store.write(piece.batch(self._facility, signal))

    def finish(self) -> None:
        self._store.seal(self._before_ns)
        self._store.merge_months(self._before_ns)


class _ServerTarget:
    """By way of the outbox, as everything that goes there: nothing is lost or counted twice, whatever happens."""

    def __init__(self, configuration: Configuration, forwarder: Forwarder, clock: Clock, opened: ExitStack) -> None:
        backend = configuration.backend
        self._facility = configuration.profile.id
        self._forwarder = forwarder
        self._landing = opened.enter_context(make_landing(configuration, clock))
        self._store = opened.enter_context(closing(backend.open()))
        self._keeps_from_ns = backend.oldest_kept_ns(clock())
        # What was left over from before belongs to what the store held before.
        self._forwarder.drain()

    @property
    def store(self) -> TelemetryStore:
        return self._store

    @property
    def keeps_from_ns(self) -> int | None:
        return self._keeps_from_ns

    def write(self, signal: str, columns: Columns) -> None:
        for piece in _pieces(columns):
            self._landing.land_now(Arrival(COPY_SOURCE, piece.batch(self._facility, signal)))
            self._forwarder.drain()

    def finish(self) -> None:
        self._forwarder.drain()


def _pieces(columns: Columns) -> Generator[Columns]:
    for first in range(0, len(columns), _AT_ONCE):
        yield columns.take(slice(first, first + _AT_ONCE))
