"""Columns of samples as the bytes of a sealed file, which any Parquet reader understands."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD
from facility.time import NS_PER_S
from storage.embedded.archive.arrow import pa, parquet
from storage.embedded.archive.layout import day_of, day_start
from storage.embedded.archive.manifest import GROUP, Has
from storage.embedded.columns import NO_ARRIVAL, Columns
from storage.minutes import Minutes

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
class EncodedFile:
    """The bytes of a file, and what the manifest has to know of them."""

    content: Any
    """A buffer."""
    tail_checksum: int
    groups: NDArray[Any]

    @property
    def size(self) -> int:
        """Return how many bytes it has."""
        return self.content.size


def encode_samples(columns: Columns, provenance: Mapping[str, str]) -> EncodedFile:
    """Encode samples in order of time, at least one."""
    values = columns.value
    looked_at = values[:: max(1, len(values) // _LOOK_AT)]
    few = len(np.unique(looked_at)) <= _MAY_DIFFER * len(looked_at)
    dictionaries = ["quality", "state", "reason", *(["value"] if few else [])]
    encodings: dict[str, str] = dict.fromkeys(_DELTAS, "DELTA_BINARY_PACKED")
    if not few:
        encodings["value"] = "BYTE_STREAM_SPLIT"
    content = zlib.crc32(np.ascontiguousarray(values).data)
    content = zlib.crc32(np.ascontiguousarray(columns.time_ns).data, content)
    metadata = {**provenance, "kado_samples": str(len(columns)), "kado_checksum": f"{content:08x}"}
    bounds = _bounds(columns.time_ns)
    sink = pa.BufferOutputStream()
    with parquet.ParquetWriter(
        sink,
        _SAMPLES.with_metadata(metadata),
        compression="zstd",
        use_dictionary=dictionaries,
        column_encoding=encodings,
        write_statistics=["time", "value"],
    ) as writer:
        for start, end in pairwise(bounds):
            writer.write_table(_table(columns.take(slice(start, end))), row_group_size=end - start)
    return _described(sink.getvalue(), columns, bounds)


def encode_minutes(minutes: Minutes, provenance: Mapping[str, str]) -> Any:
    """Encode the minutes of a file; return a buffer."""
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
    return sink.getvalue()


def _described(content: Any, columns: Columns, bounds: list[int]) -> EncodedFile:
    """Note where the row groups lie, and their checksums."""
    metadata = parquet.ParquetFile(pa.BufferReader(content)).metadata
    starts = [0, *(_offset(metadata.row_group(i)) for i in range(1, metadata.num_row_groups))]
    last = metadata.row_group(metadata.num_row_groups - 1)
    starts.append(_offset(last) + sum(last.column(i).total_compressed_size for i in range(last.num_columns)))
    whole = memoryview(content)
    groups = np.zeros(len(bounds) - 1, GROUP)
    for i, (start, end) in enumerate(pairwise(bounds)):
        part = columns.take(slice(start, end))
        first_ns, last_ns = int(part.time_ns[0]), int(part.time_ns[-1])
        checksum = zlib.crc32(whole[starts[i] : starts[i + 1]])
        size = starts[i + 1] - starts[i]
        groups[i] = (day_of(first_ns), end - start, first_ns, last_ns, starts[i], size, checksum, _has(part))
    return EncodedFile(content, zlib.crc32(whole[starts[-1] :]), groups)


def _bounds(time_ns: NDArray[np.int64]) -> list[int]:
    """Return where row groups start, and the end of the last one."""
    first, last = day_of(int(time_ns[0])), day_of(int(time_ns[-1]))
    days = np.array([day_start(day) for day in range(first + 1, last + 1)], np.int64)
    starts: list[int] = np.unique(np.append(0, np.searchsorted(time_ns, days))).tolist()
    bounds: list[int] = []
    for start, end in zip(starts, [*starts[1:], len(time_ns)], strict=True):
        bounds += range(start, end, GROUP_SAMPLES)
    return [*bounds, len(time_ns)]


def _has(columns: Columns) -> int:
    has = Has(0)
    if not bool(np.isnan(columns.value).all()):
        has |= Has.VALUE
    if bool(columns.quality.any()):
        has |= Has.QUALITY
    for flag, codes, none in (
        (Has.STATE, columns.state, NO_WORD),
        (Has.REASON, columns.reason, NO_WORD),
        (Has.ARRIVAL, columns.arrival_ns, NO_ARRIVAL),
    ):
        if codes is not None and bool((codes != none).any()):
            has |= flag
    return has


def _table(columns: Columns) -> Any:
    n = len(columns)
    missing = np.isnan(columns.value)
    words = pa.array(columns.words, pa.string())

    def strings(codes: NDArray[np.int32] | None) -> Any:
        if codes is None:
            return pa.nulls(n, _WORD)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes == NO_WORD), words)

    arrival = columns.arrival_ns
    arrivals = pa.nulls(n, pa.int64()) if arrival is None else pa.array(arrival, mask=arrival == NO_ARRIVAL)
    return pa.table(
        [
            pa.array(columns.time_ns).view(_TIME),
            pa.array(columns.value, mask=missing if bool(missing.any()) else None),
            pa.array(columns.quality),
            strings(columns.state),
            strings(columns.reason),
            arrivals.view(_TIME),
        ],
        schema=_SAMPLES,
    )


def _offset(row_group: Any) -> int:
    column = row_group.column(0)
    offsets = [column.data_page_offset]
    if column.has_dictionary_page:
        offsets.append(column.dictionary_page_offset)
    return min(offsets)
