"""Sealed files: columns to Parquet and back, with nothing believed that a checksum does not confirm."""

import os
import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD
from facility.errors import ArchiveError
from facility.time import NS_PER_S
from storage.embedded.archive.arrow import pa, parquet
from storage.embedded.archive.layout import day_of, day_start
from storage.embedded.archive.manifest import GROUP, Has, SealedFile
from storage.embedded.columns import NO_ARRIVAL, Columns, concat
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
_READ_AT_ONCE: Final = 32


class MissingFileError(ArchiveError):
    """A sealed file is not where the manifest says; it may have been replaced meanwhile."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is missing, and kado's manifest counts on it: bring it back from a backup; other days can be read"
        )
        self.path = path


@dataclass(frozen=True, slots=True, eq=False)
class WrittenFile:
    """What the manifest has to know of a file."""

    size: int
    tail_checksum: int
    groups: NDArray[Any]


def write_samples(path: Path, columns: Columns, provenance: Mapping[str, str]) -> None:
    """Write samples in order of time, at least one; durable when this returns."""
    values = columns.value
    looked_at = values[:: max(1, len(values) // _LOOK_AT)]
    few = len(np.unique(looked_at)) <= _MAY_DIFFER * len(looked_at)
    dictionaries = ["quality", "state", "reason", *(["value"] if few else [])]
    encodings: dict[str, str] = dict.fromkeys(_DELTAS, "DELTA_BINARY_PACKED")
    if not few:
        encodings["value"] = "BYTE_STREAM_SPLIT"
    content = zlib.crc32(values.tobytes() if not values.flags.c_contiguous else values.data)
    content = zlib.crc32(np.ascontiguousarray(columns.time_ns).data, content)
    metadata = {**provenance, "kado_samples": str(len(columns)), "kado_checksum": f"{content:08x}"}
    bounds = _bounds(columns.time_ns)
    with (
        _durable(path) as sink,
        parquet.ParquetWriter(
            sink,
            _SAMPLES.with_metadata(metadata),
            compression="zstd",
            use_dictionary=dictionaries,
            column_encoding=encodings,
            write_statistics=["time", "value"],
        ) as writer,
    ):
        for start, end in pairwise(bounds):
            writer.write_table(_table(columns.take(slice(start, end))), row_group_size=end - start)


def describe(path: Path, columns: Columns) -> WrittenFile:
    """Look at a file that was just written from `columns`: where its row groups lie, and their checksums."""
    bounds = _bounds(columns.time_ns)
    with _source(path) as source:
        metadata = parquet.ParquetFile(source).metadata
        starts = [0, *(_offset(metadata.row_group(i)) for i in range(1, metadata.num_row_groups))]
        last = metadata.row_group(metadata.num_row_groups - 1)
        starts.append(_offset(last) + sum(last.column(i).total_compressed_size for i in range(last.num_columns)))
        groups = np.zeros(len(bounds) - 1, GROUP)
        for i, (start, end) in enumerate(pairwise(bounds)):
            part = columns.take(slice(start, end))
            first_ns, last_ns = int(part.time_ns[0]), int(part.time_ns[-1])
            size = starts[i + 1] - starts[i]
            checksum = zlib.crc32(source.read_at(size, starts[i]))
            has = _has(part)
            groups[i] = (day_of(first_ns), end - start, first_ns, last_ns, starts[i], size, checksum, has)
        whole = source.size()
        return WrittenFile(whole, zlib.crc32(source.read_at(whole - starts[-1], starts[-1])), groups)


def read_samples(path: Path, file: SealedFile, which: NDArray[np.int64], *, arrival: bool = False) -> Columns:
    """Read row groups as `read_pieces` does, and join them."""
    return concat(read_pieces(path, file, which, arrival=arrival))


def read_pieces(path: Path, file: SealedFile, which: NDArray[np.int64], *, arrival: bool = False) -> list[Columns]:
    """Read row groups of a file that lies at `path`, after confirming their checksums; pieces follow each other.

    Raises
    ------
    MissingFileError
        If the file is not there.
    ArchiveError
        If it is damaged; names it, the days and the remedy.
    """
    if not len(which):
        return []
    pieces: list[Columns] = []
    with _source(path) as source:
        tail = int(file.groups["offset"][-1] + file.groups["size"][-1])
        if source.size() != file.size:
            raise _damaged(path, f"it has {source.size()} bytes, and was sealed with {file.size}")
        if zlib.crc32(source.read_at(file.size - tail, tail)) != file.tail_checksum:
            raise _damaged(path, "its table of contents is not what was sealed")
        with _translated(path):
            opened = parquet.ParquetFile(source, read_dictionary=["state", "reason"])
        for start in range(0, len(which), _READ_AT_ONCE):
            some = which[start : start + _READ_AT_ONCE]
            for group in file.groups[some]:
                if zlib.crc32(source.read_at(int(group["size"]), int(group["offset"]))) != int(group["checksum"]):
                    day = np.datetime64(int(group["day"]), "D")
                    raise _damaged(path, f"its samples of {day} are not what was sealed")
            has = Has(int(np.bitwise_or.reduce(file.groups["has"][some])))
            if not arrival:
                has &= ~Has.ARRIVAL
            names = ["time", *(str(flag.name).lower() for flag in has)]
            with _translated(path):
                table = opened.read_row_groups(some.tolist(), columns=names)
                pieces += [_columns(batch, names) for batch in table.to_batches()]
    return pieces


def write_minutes(path: Path, minutes: Minutes, provenance: Mapping[str, str]) -> tuple[int, int]:
    """Write the minutes of a file; return size and checksum. Durable when this returns."""
    table = pa.table(
        [
            pa.array(minutes.start_ns).view(_TIME), minutes.count, minutes.mean, minutes.min, minutes.max,
            minutes.last, minutes.known_ns / NS_PER_S,
        ],
        schema=_MINUTES.with_metadata(dict(provenance)),
    )  # fmt: skip
    encodings: dict[str, str] = dict.fromkeys(("mean", "min", "max", "last"), "BYTE_STREAM_SPLIT")
    encodings["time"] = "DELTA_BINARY_PACKED"
    with _durable(path) as sink:
        parquet.write_table(
            table, sink, compression="zstd", use_dictionary=["count", "known_s"], column_encoding=encodings
        )
    content = path.read_bytes()
    return len(content), zlib.crc32(content)


def read_minutes(path: Path, file: SealedFile) -> Minutes:
    """Read the minutes of a file, which lie at `path`.

    Raises
    ------
    MissingFileError, ArchiveError
        As `read_samples`.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingFileError(path) from error
    if len(content) != file.minutes_size or zlib.crc32(content) != file.minutes_checksum:
        raise _damaged(path, "it is not what was sealed")
    with _translated(path):
        table = parquet.ParquetFile(pa.BufferReader(content)).read()
    column: dict[str, NDArray[Any]] = {name: table[name].to_numpy() for name in table.column_names}
    return Minutes(
        column["time"].view(np.int64), column["count"], column["mean"], column["min"], column["max"], column["last"],
        np.rint(column["known_s"] * NS_PER_S).astype(np.int64),
    )  # fmt: skip


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


def _columns(batch: Any, names: list[str]) -> Columns:
    n: int = batch.num_rows
    words: dict[str, int] = {}

    def plain(name: str, none: float) -> NDArray[Any]:
        column = batch[name]
        if pa.types.is_timestamp(column.type):
            column = column.view(pa.int64())
        return (column.fill_null(none) if column.null_count else column).to_numpy(zero_copy_only=False)

    def codes(name: str) -> NDArray[np.int32]:
        column = batch[name]
        known = [words.setdefault(word, len(words)) for word in column.dictionary.to_pylist()]
        indices = column.indices.fill_null(NO_WORD).to_numpy(zero_copy_only=False)
        return np.array([*known, NO_WORD], np.int32)[indices]

    return Columns(
        plain("time", 0),
        plain("value", np.nan) if "value" in names else np.full(n, np.nan),
        plain("quality", 0) if "quality" in names else np.zeros(n, np.uint8),
        codes("state") if "state" in names else None,
        codes("reason") if "reason" in names else None,
        plain("arrival", NO_ARRIVAL) if "arrival" in names else None,
        tuple(words),
    )


def _offset(row_group: Any) -> int:
    column = row_group.column(0)
    offsets = [column.data_page_offset]
    if column.has_dictionary_page:
        offsets.append(column.dictionary_page_offset)
    return min(offsets)


@contextmanager
def _durable(path: Path) -> Generator[Any]:
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _source(path: Path) -> Generator[Any]:
    try:
        source = pa.OSFile(str(path))
    except FileNotFoundError as error:
        raise MissingFileError(path) from error
    except OSError as error:
        raise _damaged(path, str(error)) from error
    with source:
        yield source


@contextmanager
def _translated(path: Path) -> Generator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, what: str) -> ArchiveError:
    return ArchiveError(
        f"{path} is damaged: {what}. Nothing was deleted, and other days can be read;"
        " bring the file back from a backup, and look at the disk"
    )
