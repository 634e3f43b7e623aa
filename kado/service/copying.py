"""Copies telemetry from one store to another, piece by piece; what is there already is found by comparing."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from facility.errors import UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.text import SIMULATED
from facility.time import MAX_NS, MIN_NS, NS_PER_DAY, Clock, format_time, from_datetime, to_datetime
from kado.config import Configuration
from kado.queries.identity import identity
from kado.service.copy_targets import Target, open_target
from kado.stores import open_store
from storage.columns import Columns, concat
from storage.store import SeriesCount, TelemetryStore

_PIECE: Final = 1_000_000


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

    def problems(self) -> list[Sentence]:
        """Return the name of each signal whose counts differ."""
        return [
            Sentence(
                "{signal}: {target} should hold {expected:,} samples, and holds {found:,}",
                signal=s.signal,
                target=self.target,
                expected=s.expected,
                found=s.in_target,
            )
            for s in self.signals
            if s.in_target != s.expected
        ]


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
        Called after each piece with the samples read, all that there are, and the signal.

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
    with open_store(source) as reader, open_target(target, clock) as writer:
        before = _counts(writer.store)
        there = _counts(reader)
        for signal in signals:
            if signal not in there:
                raise UsageError(
                    Sentence(
                        "{backend} has no signal {signal!r}: it has {there}",
                        backend=source.backend.name,
                        signal=signal,
                        there=", ".join(there) or Sentence("none"),
                    )
                )
        wanted = {name: there[name] for name in signals or there}
        total, done = sum(one.samples for one in wanted.values()), 0
        tallies: dict[str, _Tally] = {}
        for name, one in wanted.items():
            tally = tallies.setdefault(name, _Tally())
            for piece in pieces_to_copy(reader, one, writer.keeps_from_ns):
                _copy_piece(name, piece, writer, tally)
                progress(done + tally.read, total, name)
            done += one.samples
        writer.finish()
        after, now = _counts(writer.store), _counts(reader)
    return CopyResult(
        source=source.backend.name,
        target=target.backend.name,
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


def pieces_to_copy(
    store: TelemetryStore, extent: SeriesCount, keeps_from_ns: int | None = None, at_least: int = _PIECE
) -> Iterator[Columns]:
    """Yield the samples of a signal in pieces that end with the first day (UTC) after `at_least`, or with a month."""
    if extent.first_ns is None or extent.last_ns is None:
        return
    gathered: list[Columns] = []
    n = until = 0
    start_ns = max(extent.first_ns, MIN_NS if keeps_from_ns is None else keeps_from_ns)
    for batch in store.read_batches(extent.signal, start_ns, extent.last_ns + 1):
        left = Columns.of_batch(batch)
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
                yield concat(gathered)
                gathered, n = [], 0
    if gathered:
        yield concat(gathered)


@dataclass(slots=True)
class _Tally:
    read: int = 0
    new: int = 0
    replaced: int = 0
    same: int = 0


def _copy_piece(signal: str, ours: Columns, target: Target, tally: _Tally) -> None:
    first_ns, last_ns = int(ours.time_ns[0]), int(ours.time_ns[-1])
    theirs = Columns.of(target.store.read(signal, first_ns, last_ns + 1))
    known = ours.found_in(theirs.time_ns)
    again = ours.take(known)
    differing = again.differs(theirs.take(np.searchsorted(theirs.time_ns, again.time_ns)))
    wanted = ~known
    wanted[known] = differing
    if bool(wanted.any()):
        target.write(signal, ours.take(wanted))
    tally.read += len(ours)
    tally.new += len(ours) - len(again)
    tally.replaced += int(differing.sum())
    tally.same += len(again) - int(differing.sum())


def _check_sides(source: Configuration, target: Configuration) -> None:
    ours, theirs = source.profile, target.profile
    if ours.simulated != theirs.simulated:
        kind = {True: SIMULATED.en.lower(), False: "real"}
        raise UsageError(
            Sentence(
                "facility {ours!r} in {source} is {kind}, {theirs!r} in {target} is {other_kind}: real "
                "and simulated samples are never mixed",
                ours=ours.id,
                source=source.path,
                kind=kind[ours.simulated],
                theirs=theirs.id,
                target=target.path,
                other_kind=kind[theirs.simulated],
            )
        )
    if ours.id != theirs.id:
        raise UsageError(
            Sentence(
                "{source} is about facility {ours!r}, {target} about {theirs!r}: samples of the one "
                "are not samples of the other; each facility needs a store of its own",
                source=source.path,
                ours=ours.id,
                target=target.path,
                theirs=theirs.id,
            )
        )
    if source.backend.place == target.backend.place:
        raise UsageError(
            Sentence(
                "{source} and {target} name the same store, {backend}: nothing to copy",
                source=source.path,
                target=target.path,
                backend=source.backend.name,
            )
        )


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


def copy_document(profile: Profile, result: CopyResult) -> dict[str, Any]:
    """Return the same for programs."""
    since = result.kept_from_ns
    return {
        **identity(profile),
        "from": result.source,
        "to": result.target,
        "kept_from": None if since is None else format_time(since, profile.zone),
        "signals": [asdict(s) for s in result.signals],
        "problems": result.problems(),
    }
