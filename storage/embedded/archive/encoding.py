"""Columns of samples as the bytes of a sealed file, which any Parquet reader understands."""

import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD
from facility.time import NS_PER_S
from storage.columns import NO_ARRIVAL, Columns
from storage.embedded.archive.arrow import pa, parquet
from storage.embedded.archive.layout import day_of, day_start
from storage.embedded.archive.manifest import GROUP, Has
from storage.minutes import MinuteAggregates, join_minutes, minutes_of

GROUP_SAMPLES: Final = 131_072
"""A row group is a day; a day of more samples has several."""

_TIME: Final = pa.timestamp("ns", "UTC")
_WORD: Final = pa.dictionary(pa.int32(), pa.string())
# Every file has every column, empty where it says nothing, so that the folder reads as one table.
_SAMPLES: Final = pa.schema(
    [
        pa.field("time", _TIME, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("quality", pa.uint8(), nullable=False),
        pa.field("state", _WORD),
        pa.field("reason", _WORD),
        pa.field("arrival", _TIME),
    ]
)
_MINUTES: Final = pa.schema(
    [
        pa.field("time", _TIME, nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("mean", pa.float64(), nullable=False),
        pa.field("min", pa.float64(), nullable=False),
        pa.field("max", pa.float64(), nullable=False),
        pa.field("last", pa.float64(), nullable=False),
        pa.field("known_s", pa.float64(), nullable=False),
    ]
)
_DELTAS: Final = ("time", "arrival")
# So many samples are looked at to see whether a dictionary pays, and so many of them may differ.
_LOOK_AT: Final = 2_000
_MAY_DIFFER: Final = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The bytes of a file and of that of its minutes, and what the manifest records about them."""

    samples: Any
    """A buffer."""
    tail_checksum: int
    groups: NDArray[Any]
    minutes: MinuteAggregates
    minutes_content: Any
    """A buffer, empty if there are no minutes."""


def encode(columns: Columns, provenance: Mapping[str, str]) -> Encoded:
    """Encode samples in order of time, at least one; may be done in any thread, and takes two."""
    with ThreadPoolExecutor(1, "minutes") as beside:
        # Both go on outside of Python.
        starts = _starts_of_days(columns.time_ns)
        minutes = beside.submit(_minutes, columns, starts, provenance)
        bounds = _bounds(starts, len(columns))
        content, has = _samples(columns, bounds, provenance)
        groups, tail_checksum = _groups(content, columns.time_ns, bounds, has)
        return Encoded(content, tail_checksum, groups, *minutes.result())


def _checksum(columns: Columns) -> int:
    content = zlib.crc32(np.ascontiguousarray(columns.value).data)
    return zlib.crc32(np.ascontiguousarray(columns.time_ns).data, content)


def _minutes(columns: Columns, starts: list[int], provenance: Mapping[str, str]) -> tuple[MinuteAggregates, Any]:
    days = [slice(start, end) for start, end in pairwise([*starts, len(columns)])]
    # Day by day, for what fits into the processor's cache is summed up in half the time.
    minutes = join_minutes(
        [minutes_of(part.time_ns, part.value, part.quality) for part in (columns.take(day) for day in days)]
    )
    if not len(minutes):
        return minutes, pa.py_buffer(b"")
    table = pa.table(
        [
            pa.array(minutes.start_ns).view(_TIME), minutes.count, minutes.mean, minutes.min, minutes.max,
            minutes.last, minutes.known_ns / NS_PER_S,
        ],
        schema=_MINUTES.with_metadata(dict(provenance)),
    )  # fmt: skip
    encodings: dict[str, str] = dict.fromkeys(("mean", "min", "max", "last"), "BYTE_STREAM_SPLIT")
    encodings["time"] = "DELTA_BINARY_PACKED"
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd", use_dictionary=["count", "known_s"], column_encoding=encodings)
    return minutes, sink.getvalue()


def _samples(columns: Columns, bounds: list[int], provenance: Mapping[str, str]) -> tuple[Any, list[int]]:
    """Return a file of samples, and which columns of each row group say something."""
    looked_at = columns.value[:: max(1, len(columns) // _LOOK_AT)]
    few = len(np.unique(looked_at)) <= _MAY_DIFFER * len(looked_at)
    all_good = not columns.quality.any()
    encodings: dict[str, str] = dict.fromkeys(_DELTAS, "DELTA_BINARY_PACKED")
    if not few:
        encodings["value"] = "BYTE_STREAM_SPLIT"
    metadata = {**provenance, "kado_samples": str(len(columns)), "kado_checksum": f"{_checksum(columns):08x}"}
    has: list[int] = []
    sink = pa.BufferOutputStream()
    with parquet.ParquetWriter(
        sink,
        _SAMPLES.with_metadata(metadata),
        compression="zstd",
        # Nothing but zeros is written faster than it is looked up.
        use_dictionary=["state", "reason", *(["value"] if few else []), *([] if all_good else ["quality"])],
        column_encoding=encodings,
        write_statistics=["time", "value"],
    ) as writer:
        for start, end in pairwise(bounds):
            part = columns.take(slice(start, end))
            missing = np.isnan(part.value)
            has.append(_has(part, missing, all_good))
            writer.write_table(_table(part, missing), row_group_size=end - start)
    return sink.getvalue(), has


def _groups(content: Any, time_ns: NDArray[np.int64], bounds: list[int], has: list[int]) -> tuple[NDArray[Any], int]:
    """Return where the row groups lie with their checksums, and the checksum of what follows the last one."""
    metadata = parquet.ParquetFile(pa.BufferReader(content)).metadata
    starts = [0, *(_offset(metadata.row_group(i)) for i in range(1, metadata.num_row_groups))]
    last = metadata.row_group(metadata.num_row_groups - 1)
    starts.append(_offset(last) + sum(last.column(i).total_compressed_size for i in range(last.num_columns)))
    whole = memoryview(content)
    groups = np.zeros(len(bounds) - 1, GROUP)
    for i, (start, end) in enumerate(pairwise(bounds)):
        first_ns, last_ns = int(time_ns[start]), int(time_ns[end - 1])
        checksum = zlib.crc32(whole[starts[i] : starts[i + 1]])
        size = starts[i + 1] - starts[i]
        groups[i] = (day_of(first_ns), end - start, first_ns, last_ns, starts[i], size, checksum, has[i])
    return groups, zlib.crc32(whole[starts[-1] :])


def _starts_of_days(time_ns: NDArray[np.int64]) -> list[int]:
    """Return the place of the first sample of each day that has one."""
    first, last = day_of(int(time_ns[0])), day_of(int(time_ns[-1]))
    days = np.array([day_start(day) for day in range(first + 1, last + 1)], np.int64)
    return np.unique(np.append(0, np.searchsorted(time_ns, days))).tolist()


def _bounds(starts: list[int], n: int) -> list[int]:
    """Return where row groups start, and the end of the last one."""
    groups = [at for start, end in pairwise([*starts, n]) for at in range(start, end, GROUP_SAMPLES)]
    return [*groups, n]


def _has(columns: Columns, missing: NDArray[np.bool_], all_good: bool) -> int:
    has = Has(0)
    if not bool(missing.all()):
        has |= Has.VALUE
    if not all_good and bool(columns.quality.any()):
        has |= Has.QUALITY
    for flag, codes, none in (
        (Has.STATE, columns.state, NO_WORD),
        (Has.REASON, columns.reason, NO_WORD),
        (Has.ARRIVAL, columns.arrival_ns, NO_ARRIVAL),
    ):
        if codes is not None and bool((codes != none).any()):
            has |= flag
    return has


def _table(columns: Columns, missing: NDArray[np.bool_]) -> Any:
    words = pa.array(columns.words, pa.string())

    def strings(codes: NDArray[np.int32] | None) -> Any:
        if codes is None:
            return _nothing(len(columns), _WORD)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes == NO_WORD), words)

    arrival = columns.arrival_ns
    return pa.table(
        [
            pa.array(columns.time_ns).view(_TIME),
            pa.array(columns.value, mask=missing if bool(missing.any()) else None),
            pa.array(columns.quality),
            strings(columns.state),
            strings(columns.reason),
            _nothing(len(columns), _TIME)
            if arrival is None
            else pa.array(arrival, mask=arrival == NO_ARRIVAL).view(_TIME),
        ],
        schema=_SAMPLES,
    )


@lru_cache(8)
def _nothing(n: int, kind: Any) -> Any:
    """Return a column without a value; most have two of them, as long as that of the day before."""
    return pa.nulls(n, kind)


def _offset(row_group: Any) -> int:
    column = row_group.column(0)
    offsets = [column.data_page_offset]
    if column.has_dictionary_page:
        offsets.append(column.dictionary_page_offset)
    return min(offsets)
