"""Sealed files read back and counted; every byte that is used is confirmed by a checksum."""

import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD
from facility.errors import ArchiveAwayError
from facility.sentence import Sentence
from facility.time import NS_PER_S
from storage.columns import NO_ARRIVAL, Columns, concat
from storage.embedded.archive.arrow import numbers, pa, parquet
from storage.embedded.archive.manifest import Has, SealedFile
from storage.embedded.archive.place import DamagedFileError, MissingFileError, Place
from storage.minutes import MinuteAggregates
from storage.store import SeriesCount

_READ_AT_ONCE: Final = 32


def read_samples(
    place: Place, file: SealedFile, which: NDArray[np.int64], *, arrival: bool = False, draft: bool = False
) -> Columns:
    """Read row groups as `read_pieces` does, and join them."""
    return concat(read_pieces(place, file, which, arrival=arrival, draft=draft))


def read_pieces(
    place: Place,
    file: SealedFile,
    which: NDArray[np.int64],
    *,
    arrival: bool = False,
    draft: bool = False,
) -> list[Columns]:
    """Read row groups of a file, or of its draft, after confirming their checksums; pieces follow each other.

    Columns are decoded one after the other: side by side, a whole month is decoded a tenth sooner at best, and the
    few days that figures are read by a fifth later.

    Raises
    ------
    MissingFileError
        If the file is not there.
    DamagedFileError
        If it is damaged; names it, the days and the remedy.
    ArchiveAwayError
        If the place cannot be reached.
    """
    path = file.name.path("samples")
    path = place.draft(path) if draft else path
    pieces: list[Columns] = []
    for start in range(0, len(which), _READ_AT_ONCE):
        some = which[start : start + _READ_AT_ONCE]
        content = _confirmed(place, path, file, file.groups[some])
        has = Has(int(np.bitwise_or.reduce(file.groups["has"][some])))
        if not arrival:
            has &= ~Has.ARRIVAL
        names = ["time", *(str(flag.name).lower() for flag in has)]
        with _translated(place, path):
            opened = parquet.ParquetFile(pa.BufferReader(content), read_dictionary=["state", "reason"])
            table = opened.read_row_groups(some.tolist(), columns=names, use_threads=False)
            pieces += [_columns(batch, names) for batch in table.to_batches()]
    return pieces


def read_minutes(place: Place, file: SealedFile, *, draft: bool = False) -> MinuteAggregates:
    """Read the minutes of a file, or of its draft.

    Raises
    ------
    MissingFileError, DamagedFileError, ArchiveAwayError
        As `read_pieces`.
    """
    path = file.name.path("minutes")
    path = place.draft(path) if draft else path
    (content,) = place.read(path, file.minutes_size, [(0, file.minutes_size)])
    if zlib.crc32(content) != file.minutes_checksum:
        raise DamagedFileError(place.full_name(path), Sentence("it is not what was sealed"))
    with _translated(place, path):
        table = parquet.ParquetFile(pa.BufferReader(content)).read()
    column: dict[str, NDArray[Any]] = {name: numbers(table[name].combine_chunks()) for name in table.column_names}
    return MinuteAggregates(
        column["time"].view(np.int64), column["count"], column["mean"], column["min"], column["max"], column["last"],
        np.rint(column["known_s"] * NS_PER_S).astype(np.int64),
    )  # fmt: skip


def count_rows(place: Place, file: SealedFile) -> int:
    """Return how many samples a file holds, by its table of contents, which is confirmed.

    Raises
    ------
    MissingFileError, DamagedFileError, ArchiveAwayError
        As `read_pieces`.
    """
    path = file.name.path("samples")
    content = _confirmed(place, path, file, file.groups[:0])
    with _translated(place, path):
        return int(parquet.ParquetFile(pa.BufferReader(content)).metadata.num_rows)


def _confirmed(place: Place, path: str, file: SealedFile, groups: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a file in which only these row groups and what follows the last one are filled in."""
    offsets: list[int] = groups["offset"].tolist()
    sizes: list[int] = groups["size"].tolist()
    tail = int(file.groups["offset"][-1] + file.groups["size"][-1])
    *parts, end = place.read(path, file.size, [*zip(offsets, sizes, strict=True), (tail, file.size - tail)])
    if zlib.crc32(end) != file.tail_checksum:
        raise DamagedFileError(place.full_name(path), Sentence("its table of contents is not what was sealed"))
    # What is not filled in takes no memory.
    whole = np.empty(file.size, np.uint8)
    whole[tail:] = np.frombuffer(end, np.uint8)
    for group, offset, size, part in zip(groups, offsets, sizes, parts, strict=True):
        if zlib.crc32(part) != int(group["checksum"]):
            day = np.datetime64(int(group["day"]), "D")
            raise DamagedFileError(
                place.full_name(path), Sentence("its samples of {day} are not what was sealed", day=day)
            )
        whole[offset : offset + size] = np.frombuffer(part, np.uint8)
    return whole


def _columns(batch: Any, names: list[str]) -> Columns:
    n: int = batch.num_rows
    words: dict[str, int] = {}

    def plain(name: str, none: float) -> NDArray[Any]:
        return numbers(batch[name], none)

    def codes(name: str) -> NDArray[np.int32]:
        column = batch[name]
        known = [words.setdefault(word, len(words)) for word in column.dictionary.to_pylist()]
        indices = numbers(column.indices, NO_WORD)
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


@contextmanager
def _translated(place: Place, path: str) -> Generator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(place.full_name(path), error) from error


def count_files(place: Place, files: Sequence[SealedFile]) -> tuple[list[SeriesCount], frozenset[int], list[str]]:
    """Count what the files of the manifest hold.

    The size of each file is compared, and its table of contents by its checksum; the samples themselves are read by
    ``kado store verify``.

    Returns
    -------
    list of SeriesCount
        By signal, of what is there.
    frozenset of int
        The numbers of the files that are missing or damaged.
    list of str
        What is wrong with them.

    Raises
    ------
    ArchiveAwayError
        If the whole place cannot be reached.
    """
    counts: dict[str, list[int]] = {}
    lost: set[int] = set()
    problems: list[str] = []
    for file in files:
        try:
            n = count_rows(place, file)
        except ArchiveAwayError:
            raise
        except (MissingFileError, DamagedFileError) as error:
            lost.add(file.id)
            problems.append(str(error))
            continue
        one = counts.setdefault(file.name.signal, [0, file.first_ns, file.last_ns])
        one[:] = one[0] + n, min(one[1], file.first_ns), max(one[2], file.last_ns)
    series = [SeriesCount(signal, n, first, last) for signal, (n, first, last) in sorted(counts.items())]
    return series, frozenset(lost), problems
