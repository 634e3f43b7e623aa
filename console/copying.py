"""Copies telemetry from one store to another, piece by piece; what is there already is found by comparing."""

import os
import random
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from collector.arrival import Arrival
from console.config import Configuration, InfluxSettings
from console.stores import make_forwarder, make_landing, make_store, open_store
from facility.batch import Samples
from facility.errors import UsageError
from facility.text import SIMULATED
from facility.time import MAX_NS, MIN_NS, NS_PER_DAY, Clock, from_datetime, to_datetime
from storage.embedded.columns import Columns
from storage.embedded.rows import as_batch
from storage.store import SeriesCount, TelemetryStore

COPY_SOURCE: Final = "copy"
"""The source that copied samples are counted for in the ledger of the store that they are copied to."""

_PIECE: Final = 1_000_000
_LANDED_AT_ONCE: Final = 200_000


@dataclass(frozen=True, slots=True)
class SignalCopy:
    """What became of one signal, in samples."""

    signal: str
    read: int
    written: int
    replaced: int
    """Part of `written`: the other store had the time, and something different there."""
    there: int
    """Found in the other store already, the same."""
    in_source: int
    """Counted in the one store when all was done."""
    in_target: int
    """Counted in the other store when all was done."""
    expected: int
    """What `in_target` has to be: what it was before, and what was new."""


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What became of a copy."""

    source: str
    target: str
    signals: tuple[SignalCopy, ...]
    kept_from_ns: int | None
    """What is older was not copied, since the other store would not keep it; None: all was."""

    def problems(self) -> list[str]:
        """Return each signal of which the counts disagree, named."""
        return [
            f"{s.signal}: {self.target} should hold {s.expected} samples, and holds {s.in_target}"
            for s in self.signals
            if s.in_target != s.expected
        ]


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

    def write(self, samples: Samples) -> None:
        """Write samples; when this returns they are in the store and counted in its ledger."""
        ...

    def finish(self) -> None:
        """Tidy up behind the last write."""
        ...


def copy_store(
    source: Configuration,
    target: Configuration,
    clock: Clock,
    *,
    signals: tuple[str, ...] = (),
    progress: Callable[[int, int, str], None] = lambda done, total, signal: None,
) -> CopyResult:
    """Copy what one store holds into another one of the same facility.

    Signal by signal, in pieces of a few days that end with a day (UTC). A piece is compared with what the other
    store holds of that time; only what is missing there, or different, is written. So a copy that was interrupted
    is simply started again, and one that is repeated writes nothing. Of two that differ the copied one wins.

    Parameters
    ----------
    source, target
        Where from and where to; the first one may be in use, the second one is locked.
    signals
        Which ones; all of them, links included, where none is named.
    progress
        Told after each piece how many samples of how many were read, and of which signal they are.

    Raises
    ------
    UsageError
        If the two are of different facilities, one real and one simulated, or the same store; or a signal is unknown.
    LockedError
        If another process writes to the data directory of `target`.
    UnreachableError, AuthorizationError
        If a server does not answer, or refuses us.
    """
    _check_sides(source, target)
    with open_store(source) as reader, _open_target(target, clock) as writer:
        before = _counts(writer.store)
        there = _counts(reader)
        for signal in signals:
            if signal not in there:
                raise UsageError(f"{name_of(source)} has no signal {signal!r}: it has {', '.join(there) or 'none'}")
        wanted = {name: there[name] for name in signals or there}
        total, done = sum(one.samples for one in wanted.values()), 0
        tallies: dict[str, _Tally] = {}
        for name, one in wanted.items():
            tally = tallies.setdefault(name, _Tally())
            for piece in pieces_to_copy(reader, one, writer.keeps_from_ns):
                _copy_piece(piece, writer, tally)
                progress(done + tally.read, total, name)
            done += one.samples
        writer.finish()
        after, now = _counts(writer.store), _counts(reader)
    return CopyResult(
        source=name_of(source),
        target=name_of(target),
        signals=tuple(
            SignalCopy(
                signal=name,
                read=tally.read,
                written=tally.new + tally.replaced,
                replaced=tally.replaced,
                there=tally.same,
                in_source=_samples(now, name),
                in_target=_samples(after, name),
                expected=_samples(before, name) + tally.new,
            )
            for name, tally in tallies.items()
        ),
        kept_from_ns=writer.keeps_from_ns,
    )


def name_of(configuration: Configuration) -> str:
    """Return what people call the store of a configuration."""
    store = configuration.store
    if isinstance(store, InfluxSettings):
        return f"bucket {store.bucket} at {store.url}"
    return f"the embedded store in {configuration.data_dir.resolve()}"


def pieces_to_copy(
    store: TelemetryStore, extent: SeriesCount, keeps_from_ns: int | None = None, at_least: int = _PIECE
) -> Iterator[Samples]:
    """Yield the samples of a signal in pieces that end with the first day (UTC) after `at_least`, or with a month."""
    if extent.first_ns is None or extent.last_ns is None:
        return
    gathered: list[Samples] = []
    n = until = 0
    start_ns = max(extent.first_ns, MIN_NS if keeps_from_ns is None else keeps_from_ns)
    for chunk in store.read_chunks(extent.signal, start_ns, extent.last_ns + 1):
        left = chunk
        while len(left):
            if not gathered:
                until = _end_of_month(int(left.time_ns[0]))
            # The day in which the piece has become large enough is its last one.
            if n < at_least <= n + len(left):
                until = min(until, _end_of_day(int(left.time_ns[at_least - n - 1])))
            inside, left = left.between(MIN_NS, until), left.between(until, MAX_NS)
            if len(inside):
                gathered.append(inside)
                n += len(inside)
            if len(left):
                yield Samples.joined(gathered)
                gathered, n = [], 0
    if gathered:
        yield Samples.joined(gathered)


@dataclass(slots=True)
class _Tally:
    read: int = 0
    new: int = 0
    replaced: int = 0
    same: int = 0


def _copy_piece(piece: Samples, target: Target, tally: _Tally) -> None:
    ours = Columns.of(piece)
    found = target.store.read(piece.signal, int(piece.time_ns[0]), int(piece.time_ns[-1]) + 1)
    theirs = Columns.of(found)
    known = ours.found_in(theirs.time_ns)
    again = ours.take(known)
    differing = again.differs(theirs.take(np.searchsorted(theirs.time_ns, again.time_ns)))
    wanted = ~known
    wanted[known] = differing
    if bool(wanted.any()):
        target.write(ours.take(wanted).samples(piece.facility, piece.signal))
    tally.read += len(piece)
    tally.new += len(ours) - int(known.sum())
    tally.replaced += int(differing.sum())
    tally.same += len(again) - int(differing.sum())


def _check_sides(source: Configuration, target: Configuration) -> None:
    ours, theirs = source.profile, target.profile
    if ours.simulated != theirs.simulated:
        kind = {True: SIMULATED.en.lower(), False: "real"}
        raise UsageError(
            f"facility {ours.id!r} in {source.path} is {kind[ours.simulated]}, {theirs.id!r} in {target.path} is"
            f" {kind[theirs.simulated]}: real and simulated samples are never mixed"
        )
    if ours.id != theirs.id:
        raise UsageError(
            f"{source.path} is about facility {ours.id!r}, {target.path} about {theirs.id!r}: samples of the one are"
            " not samples of the other; each facility needs a store of its own"
        )
    if _place(source) == _place(target):
        raise UsageError(f"{source.path} and {target.path} name the same store, {name_of(source)}: nothing to copy")


def _place(configuration: Configuration) -> tuple[str, ...]:
    store = configuration.store
    if isinstance(store, InfluxSettings):
        return (store.url.rstrip("/"), store.org, store.bucket)
    return (str(configuration.data_dir.resolve()),)


def _counts(store: TelemetryStore) -> dict[str, SeriesCount]:
    return {one.signal: one for one in store.series() if one.samples}


def _samples(counts: dict[str, SeriesCount], signal: str) -> int:
    return counts[signal].samples if signal in counts else 0


def _end_of_day(ns: int) -> int:
    return (ns // NS_PER_DAY + 1) * NS_PER_DAY


def _end_of_month(ns: int) -> int:
    first = to_datetime(ns).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    year, month = (first.year + 1, 1) if first.month == 12 else (first.year, first.month + 1)
    return from_datetime(first.replace(year=year, month=month))


@contextmanager
def _open_target(configuration: Configuration, clock: Clock) -> Generator[Target]:
    with ExitStack() as opened:
        if isinstance(configuration.store, InfluxSettings):
            target: Target = _InfluxTarget(configuration, configuration.store, clock, opened)
        else:
            target = _EmbeddedTarget(configuration, clock, opened)
        yield target


class _EmbeddedTarget:
    """Days that are over go straight into sealed files."""

    keeps_from_ns = None

    def __init__(self, configuration: Configuration, clock: Clock, opened: ExitStack) -> None:
        from storage.embedded.archive.swap import Provenance
        from storage.embedded.store import EmbeddedStore

        profile = configuration.profile
        self._store = EmbeddedStore(
            configuration.data_dir, profile.id, read_only=False, archive=configuration.archive, clock=clock
        )
        opened.callback(self._store.close)
        units = {signal.id: signal.unit for signal in profile.signals if signal.unit}
        self._provenance = Provenance(simulated=profile.simulated, units=units)
        self._before_ns = clock() // NS_PER_DAY * NS_PER_DAY

    @property
    def store(self) -> TelemetryStore:
        return self._store

    def write(self, samples: Samples) -> None:
        self._store.load(samples, before_ns=self._before_ns, source=COPY_SOURCE, provenance=self._provenance)

    def finish(self) -> None:
        self._store.merge_months(self._before_ns, provenance=self._provenance)


class _InfluxTarget:
    """By way of the outbox, as everything that goes there: nothing is lost or counted twice, whatever happens."""

    def __init__(self, configuration: Configuration, settings: InfluxSettings, clock: Clock, opened: ExitStack) -> None:
        self._landing = opened.enter_context(make_landing(configuration, clock))
        self._forwarder = opened.enter_context(make_forwarder(configuration, settings, clock, random.Random()))
        self._store = make_store(configuration)
        opened.callback(self._store.close)
        self._keeps_from_ns = _keeps_from_ns(configuration, settings, clock)
        # What was left over from before belongs to what the store held before.
        self._forwarder.drain()

    @property
    def store(self) -> TelemetryStore:
        return self._store

    @property
    def keeps_from_ns(self) -> int | None:
        return self._keeps_from_ns

    def write(self, samples: Samples) -> None:
        columns = Columns.of(samples)
        for first in range(0, len(columns), _LANDED_AT_ONCE):
            piece = columns.take(slice(first, first + _LANDED_AT_ONCE))
            self._landing.land_now(Arrival(COPY_SOURCE, as_batch(samples.facility, samples.signal, piece)))
            self._forwarder.drain()

    def finish(self) -> None:
        self._forwarder.drain()


def _keeps_from_ns(configuration: Configuration, settings: InfluxSettings, clock: Clock) -> int | None:
    from storage.influxdb.client import InfluxClient

    token = settings.token(configuration.folder, os.environ)
    client = InfluxClient(settings.url, settings.org, settings.bucket, token, token_source=settings.token_source)
    with closing(client):
        retention_ns = client.bucket_info().retention_ns
    # A day less: what is about to expire would be refused half-way.
    return None if retention_ns is None else _end_of_day(clock() - retention_ns)
