"""Fills ranges of kado's own history from an archive.

Idempotent: the same signal and time is the same sample. Resumable: with every piece its end is committed, and what was
fetched to its end is not asked for again.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, cast

import numpy as np

from collector.arrival import Arrival, FilePosition
from collector.intake import Intake
from collector.landing import Landing
from collector.sources.archiver.archive import Recorded, read_all
from collector.sources.archiver.spec import ArchiverSource, ChannelMapping
from collector.sources.channels import Channels
from collector.sources.updates import EARLIEST_TRUE_NS, INITIAL, to_samples
from facility.batch import Batch
from facility.errors import DataError
from facility.interval import Intervals
from facility.profile import Profile
from facility.source import Delivery
from facility.time import NS_PER_S, Clock
from storage.telemetry_db import open_reader
from storage.telemetry_db.commits import position_of


class Rate:
    """Spreads samples over time, so that no more than so many come in a second on average.

    Parameters
    ----------
    per_s
        Samples a second.
    """

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._free_at_s = 0.0

    def wait_s(self, samples: int, now_s: float) -> float:
        """Return how long to wait after so many samples have come, before anything is asked again."""
        self._free_at_s = max(self._free_at_s, now_s) + samples / self._per_s
        return self._free_at_s - now_s


_NS_PER_H: Final = 3600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """How far it has come."""

    done: float
    """Of the whole, 0 to 1."""
    signal: str
    samples: int


@dataclass(slots=True)
class SignalFilled:
    """What was fetched of one signal."""

    signal: str
    channel: str
    samples: int = 0
    rejected: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    problem: str = ""
    """Why nothing could be fetched."""
    filled: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Ranges in which there were samples."""
    resumed: bool = False
    """Whether a part had been fetched by an earlier run."""


def backfill(
    source: ArchiverSource,
    profile: Profile,
    ranges: Intervals,
    landing: Landing,
    data_dir: Path,
    clock: Clock,
    *,
    signals: Sequence[str] | None = None,
    again: bool = False,
    progress: Callable[[BackfillProgress], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[SignalFilled, ...]:
    """Fetch what an archive has in `ranges`, and land it; blocks.

    Parameters
    ----------
    landing
        Open, of the same data directory.
    signals
        Only these; None: all that the source maps.
    again
        Fetch also what an earlier run has fetched.

    Raises
    ------
    UnreachableError
        If the archive does not answer; what was fetched until then has landed.
    """
    mappings: tuple[ChannelMapping, ...] = source.channels_mapped
    channels = Channels.of(profile, mappings)
    intake = Intake(profile, [source.id], clock)
    rate = Rate(source.max_samples_per_s)
    chosen = [code for code, m in enumerate(mappings) if signals is None or m.signal in signals]
    whole_ns = max(1, ranges.total * len(chosen))
    done_ns = 0
    results: list[SignalFilled] = []
    with closing(source.open(profile)) as archive, closing(open_reader(data_dir)) as committed:
        archive.check()
        for code in chosen:
            mapping = mappings[code]
            result = SignalFilled(mapping.signal, mapping.address)
            results.append(result)
            key = _key(source, mapping)
            state = position_of(committed, key)
            fetched = Intervals.of([]) if state is None or again else _fetched(state)
            for start_ns, end_ns in ranges:
                for piece in _pieces(start_ns, end_ns, source.chunk_h, fetched):
                    if result.problem:
                        break
                    try:
                        found = _joined(read_all(archive, mapping.channel, mapping.field, *piece))
                    except DataError as error:
                        result.problem = str(error)
                        break
                    fetched = fetched | Intervals.of([piece])
                    arrival = _arrival(source.id, intake, channels, code, found, piece, clock())
                    _count(result, arrival, piece)
                    landing.land_now(replace(arrival, position=FilePosition(key, json.dumps(list(fetched)))))
                    progress(
                        BackfillProgress(
                            min(1.0, (done_ns + piece[1] - start_ns) / whole_ns), mapping.signal, result.samples
                        )
                    )
                    sleep(rate.wait_s(len(found), time.monotonic()))
                done_ns += end_ns - start_ns
                progress(BackfillProgress(done_ns / whole_ns, mapping.signal, result.samples))
    return tuple(results)


def _arrival(
    source_id: str, intake: Intake, channels: Channels, code: int, found: Recorded, piece: tuple[int, int], now: int
) -> Arrival:
    """Return the samples of a piece; of a signal sent on change also what was so at its beginning."""
    start_ns, end_ns = piece
    # A stamp that cannot be true says nothing of when a recorded value was measured.
    inside = (found.time_ns >= max(start_ns, EARLIEST_TRUE_NS)) & (found.time_ns < end_ns)
    columns = found.columns(code).take(np.flatnonzero(inside).tolist())
    before = np.flatnonzero((found.time_ns < start_ns) & (found.time_ns >= EARLIEST_TRUE_NS)).tolist()
    deliveries: list[Delivery] = []
    if before and channels.on_change[code]:
        earlier = found.columns(code).take(before[-1:])
        earlier.time_ns = np.array([start_ns], np.int64)
        earlier.reason = [(earlier.reason or [None])[0] or INITIAL]
        deliveries.append(Delivery(*to_samples(channels, earlier, now)))
    if len(columns.code):
        deliveries.append(Delivery(*to_samples(channels, columns, now)))
    batches = [d.batch for d in deliveries if d.batch is not None]
    rejected = tuple(r for d in deliveries for r in d.rejected)
    if not batches:
        return Arrival(source_id, None, rejected)

    return intake.check(source_id, Delivery(Batch.concat(batches), rejected))


def _count(result: SignalFilled, arrival: Arrival, piece: tuple[int, int]) -> None:
    result.rejected += sum(r.count for r in arrival.rejected)
    if arrival.batch is None:
        return
    first, last = int(arrival.batch.time_ns.min()), int(arrival.batch.time_ns.max())
    result.samples += len(arrival.batch)
    result.first_ns = first if result.first_ns is None else min(first, result.first_ns)
    result.last_ns = last if result.last_ns is None else max(last, result.last_ns)
    result.filled.append(piece)


def _joined(parts: list[Recorded]) -> Recorded:
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Recorded.none()

    def texts(name: str) -> list[str | None] | None:
        columns = [cast("list[str | None] | None", getattr(part, name)) for part in parts]
        if not any(columns):
            return None
        return [t for part, c in zip(parts, columns, strict=True) for t in (c or [None] * len(part))]

    qualities = [np.zeros(len(part), np.uint8) if part.quality is None else part.quality for part in parts]
    return Recorded(
        np.concatenate([part.time_ns for part in parts]),
        np.concatenate([part.number for part in parts]),
        texts("text"),
        np.concatenate(qualities),
        texts("reason"),
    )


def _pieces(start_ns: int, end_ns: int, chunk_h: float, fetched: Intervals) -> list[tuple[int, int]]:
    """Return what is to be asked for, without what was fetched before."""
    chunk_ns = max(NS_PER_S, int(chunk_h * _NS_PER_H))
    left = Intervals.of([(start_ns, end_ns)]) - fetched
    return [(at, min(at + chunk_ns, end)) for start, end in left for at in range(start, end, chunk_ns)]


def _fetched(state: str) -> Intervals:
    pairs = cast("list[list[int]]", json.loads(state))
    return Intervals.of([(start, end) for start, end in pairs])


def _key(source: ArchiverSource, mapping: ChannelMapping) -> str:
    """Identify where a signal is fetched from and how it is read: after a corrected mapping it is fetched again."""
    how = [source.archive, source.url, source.bucket, source.query, mapping.model_dump(mode="json")]
    return "backfill-" + hashlib.sha256(json.dumps(how).encode()).hexdigest()
