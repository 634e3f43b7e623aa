"""What a bucket holds already of a batch that is about to be written.

InfluxDB merges two points of the same series and time field by field: a field that only the older one has would
stay. So such older points are found before a write, and cleared.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD, Batch
from facility.schema import FIELD_ARRIVAL, FIELD_QUALITY, FIELD_REASON, FIELD_STATE, FIELD_VALUE, TELEMETRY
from facility.time import NS_PER_DAY
from storage.columns import CLOCK_TOLERANCE_NS
from storage.influxdb.answer import record_batches
from storage.influxdb.client import InfluxClient
from storage.influxdb.reading import condition, literal, to_columns
from storage.merging import conflicts, parts

_FIELDS: Final = (FIELD_VALUE, FIELD_STATE, FIELD_QUALITY, FIELD_REASON, FIELD_ARRIVAL)
_MAX_STRETCHES: Final = 16


@dataclass(frozen=True, slots=True)
class Held:
    """What a bucket holds of one signal of a batch."""

    signal: str
    points: int
    """How many points of the batch, each signal and time counted once, are there already."""
    days: tuple[tuple[int, int], ...]
    """The same by day: days since 1970 (UTC), each with its number of points."""
    conflicts: int
    """How many of them say something different: value, state, quality or reason."""
    stale: tuple[tuple[int, int], ...]
    """Stretches, both ends included, with points that have a field which their successor lacks. All that the
    bucket holds in them is in the batch."""


def signals_between(client: InfluxClient, facility: str, first_ns: int, last_ns: int) -> set[str]:
    """Return the signals that have samples from the one to the other instant: one cheap question.

    Raises
    ------
    UnreachableError
        If the server does not answer, or lacks the bucket.
    AuthorizationError
        If it refuses the token.
    """
    (rows,) = client.query_json(
        f'SELECT count("{FIELD_QUALITY}") FROM "{TELEMETRY}" WHERE facility = {literal(facility)}'
        f" AND time >= {first_ns} AND time <= {last_ns} GROUP BY signal"
    )
    return {row["signal"] for row in rows}


def find_held(client: InfluxClient, batch: Batch, clock_tolerance_ns: int = CLOCK_TOLERANCE_NS) -> list[Held]:
    """Look up which points of a batch a bucket holds already.

    Raises
    ------
    UnreachableError
        If the server does not answer, or lacks the bucket.
    AuthorizationError
        If it refuses the token.
    """
    if not len(batch):
        return []
    near = signals_between(client, batch.facility, int(batch.time_ns.min()), int(batch.time_ns.max()))
    held: list[Held] = []
    for part in parts(batch):
        if part.signal not in near:
            continue
        new = batch.take(part.last)
        found = [
            one
            for first, last in _stretches(new.time_ns)
            for table in record_batches(client, _FIELDS, condition(batch.facility, part.signal, first, last))
            if (one := _compare(part.signal, table, new, clock_tolerance_ns)) is not None
        ]
        if found:
            stale = tuple(stretch for one in found for stretch in one.stale)
            days: Counter[int] = Counter()
            for one in found:
                days.update(dict(one.days))
            conflicting = sum(one.conflicts for one in found)
            held.append(Held(part.signal, days.total(), tuple(days.items()), conflicting, stale))
    return held


def clear_stale(client: InfluxClient, facility: str, held: list[Held]) -> None:
    """Delete points that have fields which the batch does not overwrite; write the batch next."""
    for one in held:
        for first, last in one.stale:
            client.delete({"facility": facility, "signal": one.signal}, first, last)


def _stretches(times: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Cut increasing times at their widest gaps, so that little is read of what lies between them."""
    gaps = np.diff(times)
    wide = np.flatnonzero(gaps > 10 * max(int(np.median(gaps)), 1)) if len(gaps) else gaps
    cuts = np.sort(wide[np.argsort(gaps[wide])][-(_MAX_STRETCHES - 1) :]) + 1
    return [(int(piece[0]), int(piece[-1])) for piece in np.split(times, cuts)]


def _compare(signal: str, table: Any, new: Batch, clock_tolerance_ns: int) -> Held | None:
    """Compare points of the bucket with samples of a batch, both of one signal and in order of time."""
    times: NDArray[np.int64] = table.column("time").to_numpy()
    at = np.minimum(np.searchsorted(new.time_ns, times), len(new) - 1)
    same = new.time_ns[at] == times
    if not bool(same.any()):
        return None
    after = new.take(at[same])
    before = to_columns(signal, table).batch(new.facility, signal).take(same)
    late = np.abs(after.arrival_ns - after.time_ns) > clock_tolerance_ns
    stale = (
        (np.isnan(after.value) & ~np.isnan(before.value))
        | ((after.state == NO_WORD) & (before.state != NO_WORD))
        | ((after.reason == NO_WORD) & (before.reason != NO_WORD))
        | (~late & table.column(FIELD_ARRIVAL).is_valid().to_numpy(zero_copy_only=False)[same])
    )
    both = Batch.concat([before, after])
    differing = sum(int(conflicts(both, pair).sum()) for pair in parts(both))
    # Between two points of the same run the bucket holds only what is written again.
    run = np.cumsum(~same)[same][stale]
    days, points = np.unique(after.time_ns // NS_PER_DAY, return_counts=True)
    by_day = tuple(zip(days.tolist(), points.tolist(), strict=True))
    return Held(signal, len(after), by_day, differing, tuple(_runs(after.time_ns[stale], run)))


def _runs(times: NDArray[np.int64], run: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    for piece in np.split(times, np.flatnonzero(np.diff(run)) + 1):
        if len(piece):
            yield int(piece[0]), int(piece[-1])
