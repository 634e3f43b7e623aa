"""Which sealed files count: rows of ``telemetry.db``, in the transactions of what they stand for.

A file that the manifest does not name does not count, in whatever folder it is. ``archive_leftover`` names files
that are to be removed: written and not yet committed, or replaced.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.errors import FormatVersionError
from facility.sentence import Sentence
from facility.slug import check_slug
from storage.embedded.archive.layout import FileName, check_sealed_path
from storage.store import SeriesCount
from storage.telemetry_db.connection import decoding

FORMAT: Final = 1
"""The version of sealed files that is written, and the newest that can be read."""


class Has(IntFlag):
    """Which columns of a row group say something; the others are not read."""

    VALUE = 1
    QUALITY = 2
    STATE = 4
    REASON = 8
    ARRIVAL = 16


GROUP: Final = np.dtype(
    [
        ("day", "<i4"), ("samples", "<i4"), ("first_ns", "<i8"), ("last_ns", "<i8"),
        ("offset", "<i8"), ("size", "<i8"), ("checksum", "<u4"), ("has", "<u4"),
    ]
)  # fmt: skip
"""A row group: at most one day; where its bytes lie in the file, and their CRC-32."""


@dataclass(frozen=True, slots=True, eq=False)
class SealedFile:
    """One file of the manifest."""

    id: int
    series_id: int
    name: FileName
    samples: int
    first_ns: int
    last_ns: int
    size: int
    """In bytes; of what follows the last row group `tail_checksum` is the CRC-32."""
    tail_checksum: int
    groups: NDArray[Any]
    """(n,) of `GROUP`, in order of time."""
    minutes_size: int
    """Size of the file of its minutes; 0 if no sample is a number: then there is no such file."""
    minutes_checksum: int

    @property
    def paths(self) -> list[str]:
        """Return the paths of its files."""
        return list(self.sizes)

    @property
    def sizes(self) -> dict[str, int]:
        """Return the paths of its files with their sizes in bytes."""
        sizes = {self.name.path("samples"): self.size}
        if self.minutes_size:
            sizes[self.name.path("minutes")] = self.minutes_size
        return sizes

    def groups_between(self, start_ns: int, end_ns: int) -> NDArray[np.int64]:
        """Return which row groups may hold samples stamped in ``[start_ns, end_ns)``."""
        return np.flatnonzero((self.groups["last_ns"] >= start_ns) & (self.groups["first_ns"] < end_ns))


_COLUMNS: Final = (
    "archive_file.id, series_id, signal, first_day, last_day, revision, samples, first_ns, last_ns, size,"
    " tail_checksum, row_groups, minutes_size, minutes_checksum, format"
)
# How paths are written in the tables, for every place of the archive.
_BELOW: Final = "archive/"
_FROM: Final = "FROM archive_file JOIN series ON series.id = series_id"


def files_between(
    connection: sqlite3.Connection, series_id: int, start_ns: int, end_ns: int, limit: int = -1
) -> list[SealedFile]:
    """Return the files whose samples reach into ``[start_ns, end_ns)``, in order of time."""
    query = f"SELECT {_COLUMNS} {_FROM} WHERE series_id = ? AND last_ns >= ? AND first_ns < ? ORDER BY last_ns LIMIT ?"
    return _files(connection, query, (series_id, start_ns, end_ns, limit))


def files_of_days(connection: sqlite3.Connection, series_id: int, first_day: int, last_day: int) -> list[SealedFile]:
    """Return the files whose days reach into ``[first_day, last_day]``, in order."""
    query = f"SELECT {_COLUMNS} {_FROM} WHERE series_id = ? AND last_day >= ? AND first_day <= ? ORDER BY last_ns"
    return _files(connection, query, (series_id, first_day, last_day))


def last_file_before(connection: sqlite3.Connection, series_id: int, before_ns: int) -> SealedFile | None:
    """Return the newest file that holds a sample stamped before an instant."""
    query = f"SELECT {_COLUMNS} {_FROM} WHERE series_id = ? AND first_ns < ? ORDER BY last_ns DESC LIMIT 1"
    found = _files(connection, query, (series_id, before_ns))
    return found[0] if found else None


def is_sealed_since(connection: sqlite3.Connection, start_ns: int) -> bool:
    """Return whether any file holds a sample stamped at an instant or later."""
    # The index of times alone is read: no row groups.
    found = connection.execute("SELECT EXISTS(SELECT 1 FROM archive_file WHERE last_ns >= ?)", (start_ns,)).fetchone()
    return bool(found[0])


def all_files(connection: sqlite3.Connection) -> list[SealedFile]:
    """Return every file, signal by signal, in order."""
    query = f"SELECT {_COLUMNS} {_FROM} ORDER BY signal, last_ns"
    return _files(connection, query, ())


def count_samples(connection: sqlite3.Connection) -> list[SeriesCount]:
    """Count what is sealed of each signal; reads no row groups, which are most of the manifest."""
    newer = f"SELECT signal, first_day, last_day, revision, format {_FROM} WHERE format > ? LIMIT 1"
    for signal, first_day, last_day, revision, found in connection.execute(newer, (FORMAT,)):
        _check_format(FileName(signal, first_day, last_day, revision), found)
    query = f"SELECT signal, sum(samples), min(first_ns), max(last_ns) {_FROM} GROUP BY series_id ORDER BY signal"
    return [SeriesCount(*row) for row in connection.execute(query)]


def add(connection: sqlite3.Connection, file: SealedFile, sealed_ns: int) -> None:
    """Let a file count from this transaction on; its `id` is given by the database."""
    name = file.name
    row = (
        file.series_id, name.first_day, name.last_day, name.revision, file.samples, file.first_ns, file.last_ns,
        file.size, file.tail_checksum, file.groups.tobytes(), file.minutes_size, file.minutes_checksum, FORMAT,
        sealed_ns,
    )  # fmt: skip
    connection.execute(
        "INSERT INTO archive_file(series_id, first_day, last_day, revision, samples, first_ns, last_ns, size,"
        " tail_checksum, row_groups, minutes_size, minutes_checksum, format, sealed_ns)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )


def remove(connection: sqlite3.Connection, file: SealedFile) -> None:
    """Let a file no longer count; it is left over."""
    connection.execute("DELETE FROM archive_file WHERE id = ?", (file.id,))
    leave_over(connection, file.paths)


def leave_over(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Name files that are to be removed if nothing else happens."""
    connection.executemany("INSERT OR IGNORE INTO archive_leftover VALUES(?)", [(_BELOW + path,) for path in paths])


def keep(connection: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Take back what `leave_over` said."""
    connection.executemany("DELETE FROM archive_leftover WHERE path = ?", [(_BELOW + path,) for path in paths])


def leftovers(connection: sqlite3.Connection) -> list[str]:
    """Return what is to be removed."""
    with decoding(connection, "archive_leftover"):
        return [
            check_sealed_path(path.removeprefix(_BELOW))
            for (path,) in connection.execute("SELECT path FROM archive_leftover")
        ]


def _files(connection: sqlite3.Connection, query: str, parameters: tuple[int, ...]) -> list[SealedFile]:
    with decoding(connection, "archive_file"):
        return [_file(row) for row in connection.execute(query, parameters)]


def _file(row: tuple[Any, ...]) -> SealedFile:
    (
        file_id, series_id, signal, first_day, last_day, revision, samples, first_ns, last_ns, size,
        tail_checksum, row_groups, minutes_size, minutes_checksum, found,
    ) = row  # fmt: skip
    name = FileName(signal, first_day, last_day, revision)
    _check_format(name, found)
    groups = np.frombuffer(row_groups, GROUP)
    _check_entry(name, groups, size, minutes_size)
    return SealedFile(
        file_id, series_id, name, samples, first_ns, last_ns, size, tail_checksum, groups, minutes_size,
        minutes_checksum,
    )  # fmt: skip


def _check_entry(name: FileName, groups: NDArray[Any], size: int, minutes_size: int) -> None:
    """See that an entry of the manifest can be; what the file itself holds is compared where it is read."""
    check_slug(name.signal, "signal")
    starts, ends = groups["offset"], groups["offset"] + groups["size"]
    wrong = (
        "no row group" if not len(groups)
        else f"days {name.first_day} to {name.last_day}" if not name.first_day <= name.last_day
        else f"revision {name.revision}" if name.revision < 1
        else "row groups that overlap" if bool(np.any(starts[1:] < ends[:-1]))
        else f"{size} bytes" if not 0 <= int(starts[0]) <= int(ends[-1]) <= size
        else f"{minutes_size} bytes of minutes" if minutes_size < 0
        else ""
    )  # fmt: skip
    if wrong:
        raise ValueError(f"{name.path('samples')} with {wrong}")


def _check_format(name: FileName, found: int) -> None:
    if found > FORMAT:
        raise FormatVersionError(
            Sentence(
                "{path} was sealed in format {found}, this kado reads up to {format}: update kado",
                path=name.path("samples"),
                found=found,
                format=FORMAT,
            )
        )
