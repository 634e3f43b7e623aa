"""Sealed files come and go: one sequence for sealing, merging, loading and deleting, safe at each of its steps."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

from facility.errors import ArchiveError
from facility.time import Clock, format_time
from storage.embedded.archive import manifest
from storage.embedded.archive.files import describe, read_minutes, read_samples, write_minutes, write_samples
from storage.embedded.archive.layout import FileName, date_of, day_of, day_start, temporary
from storage.embedded.archive.manifest import SealedFile
from storage.embedded.columns import Columns
from storage.minutes import Minutes, minutes_of
from storage.telemetry_db import transaction

MAX_SAMPLES: Final = 10_000_000
"""A file holds no more, unless one day does."""


class Step(StrEnum):
    """What has just been done; tests end the process there."""

    ANNOUNCED = "announced"
    WRITTEN = "written"
    COMPARED = "compared"
    RENAMED = "renamed"
    FOLDER_SYNCED = "folder_synced"
    COMMITTED = "committed"
    REMOVED = "removed"
    FORGOTTEN = "forgotten"
    ROWS_DELETED = "rows_deleted"
    """A piece of them."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a file says about where its samples come from, beside facility, signal and kado's version."""

    simulated: bool | None = None
    """None if that is not known here; then the file says nothing of it."""
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    """The unit of each signal of which it is known."""


class FileSwap:
    """Puts sealed files in the place of others.

    Contract: for the holder of the directory's lock, one at a time; `tidy` first. The steps are: name the files
    in the manifest as left over; write them under hidden names, to the disk; read them back and compare; rename
    them; sync their folders; then, in one transaction, let the new ones count and the old ones not, together with
    whatever the caller does in it; remove the old ones. A crash before that transaction leaves the old state, a
    crash after it the new one, and `tidy` removes what was left over. A file that the manifest never named
    is not touched.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        data_dir: Path,
        facility: str,
        clock: Clock,
        provenance: Provenance,
        at_step: Callable[[Step], None],
    ) -> None:
        self.connection = connection
        self.data_dir = data_dir
        self.facility = facility
        self.at_step = at_step
        self._clock = clock
        self._provenance = provenance
        self._synced: set[Path] = set()

    def tidy(self) -> None:
        """Remove what a crash has left over."""
        paths = manifest.leftovers(self.connection)
        if not paths:
            return
        self._remove(paths)

    def replace(
        self,
        series_id: int,
        signal: str,
        old: Sequence[SealedFile],
        content: Columns,
        in_commit: Callable[[], None] = lambda: None,
    ) -> list[SealedFile]:
        """Seal `content` (in order of time, of one month) in the place of `old`; return the new files.

        Raises
        ------
        ArchiveError
            If the disk does not take the files or gives back something else; then nothing has changed.
        """
        revision = 1 + max((file.name.revision for file in old), default=0)
        pieces = {
            FileName(signal, day_of(int(piece.time_ns[0])), day_of(int(piece.time_ns[-1])), revision): piece
            for piece in _pieces(content)
        }
        new = [SealedFile(0, series_id, name, 0, 0, 0, 0, 0, np.empty(0), 1, 0) for name in pieces]
        named = [path for file in new for path in file.paths]
        if named:
            with transaction(self.connection):
                manifest.leave_over(self.connection, named)
            self.at_step(Step.ANNOUNCED)
        try:
            new = [self._write(series_id, name, piece) for name, piece in pieces.items()]
            self._sync_folders(new)
            with transaction(self.connection):
                for file in old:
                    manifest.remove(self.connection, file)
                # Among them may be minutes that there are none of.
                manifest.keep(self.connection, named)
                for file in new:
                    manifest.add(self.connection, file, self._clock())
                in_commit()
        except BaseException as error:
            with suppress(OSError, sqlite3.Error):
                self.tidy()
            if isinstance(error, OSError | sqlite3.Error):
                raise ArchiveError(
                    f"{self.data_dir / 'archive'} cannot take {signal} of {_days(pieces)} ({error}):"
                    " make space or mend the disk, and seal again; nothing was deleted"
                ) from error
            raise
        self.at_step(Step.COMMITTED)
        if old:
            self._remove([path for file in old for path in file.paths])
        return new

    def _remove(self, paths: Sequence[str]) -> None:
        for path in paths:
            (self.data_dir / path).unlink(missing_ok=True)
            (self.data_dir / temporary(path)).unlink(missing_ok=True)
        self.at_step(Step.REMOVED)
        with transaction(self.connection):
            manifest.keep(self.connection, paths)
        self.at_step(Step.FORGOTTEN)

    def _write(self, series_id: int, name: FileName, columns: Columns) -> SealedFile:
        hidden = {kind: self.data_dir / temporary(name.path(kind)) for kind in ("samples", "minutes")}
        says = self._says(name)
        hidden["samples"].parent.mkdir(parents=True, exist_ok=True)
        # Both spend their time outside of Python.
        with ThreadPoolExecutor(1, "minutes") as beside:
            summed_up = beside.submit(minutes_of, columns.time_ns, columns.value, columns.quality)
            write_samples(hidden["samples"], columns, says)
            minutes = summed_up.result()
        minutes_size = minutes_checksum = 0
        if len(minutes):
            hidden["minutes"].parent.mkdir(parents=True, exist_ok=True)
            minutes_size, minutes_checksum = write_minutes(hidden["minutes"], minutes, says)
        self.at_step(Step.WRITTEN)
        written = describe(hidden["samples"], columns)
        first, last = int(columns.time_ns[0]), int(columns.time_ns[-1])
        file = SealedFile(
            0, series_id, name, len(columns), first, last, written.size, written.tail_checksum, written.groups,
            minutes_size, minutes_checksum,
        )  # fmt: skip
        self._compare(file, columns, minutes)
        self.at_step(Step.COMPARED)
        for kind in ("samples", "minutes") if minutes_size else ("samples",):
            hidden[kind].rename(self.data_dir / name.path(kind))
        self.at_step(Step.RENAMED)
        return file

    def _compare(self, file: SealedFile, columns: Columns, minutes: Minutes) -> None:
        """Read a file back under its hidden names."""
        path = self.data_dir / temporary(file.name.path("samples"))
        if not read_samples(path, file, np.arange(len(file.groups)), arrival=True).same_as(columns):
            raise OSError(f"{path} was read back otherwise than it was written")
        if file.minutes_size:
            path = self.data_dir / temporary(file.name.path("minutes"))
            back = read_minutes(path, file)
            if not all(
                np.array_equal(getattr(back, n), getattr(minutes, n), equal_nan=True) for n in Minutes.__slots__
            ):
                raise OSError(f"{path} was read back otherwise than it was written")

    def _sync_folders(self, files: Sequence[SealedFile]) -> None:
        folders = {(self.data_dir / path).parent for file in files for path in file.paths}
        # The way down to a folder may be new when it is met for the first time.
        new = folders - self._synced
        self._synced |= folders
        folders |= {p for folder in new for p in folder.parents if self.data_dir in (p, *p.parents)}
        for folder in folders:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        if files:
            self.at_step(Step.FOLDER_SYNCED)

    def _says(self, name: FileName) -> dict[str, str]:
        says = {
            "kado_format": str(manifest.FORMAT),
            "kado_version": version("kado"),
            "kado_facility": self.facility,
            "kado_signal": name.signal,
            "kado_revision": str(name.revision),
            "kado_sealed": format_time(self._clock()),
        }
        if self._provenance.simulated is not None:
            says["kado_simulated"] = str(self._provenance.simulated).lower()
        if name.signal in self._provenance.units:
            says["kado_unit"] = self._provenance.units[name.signal]
        return says


def _pieces(content: Columns) -> Iterator[Columns]:
    """Split what is to be sealed where a file would hold too much; a day is never split."""
    start = 0
    while start < len(content):
        end = len(content)
        if end - start > MAX_SAMPLES:
            day = day_of(int(content.time_ns[start + MAX_SAMPLES]))
            if day == day_of(int(content.time_ns[start])):
                day += 1
            end = int(np.searchsorted(content.time_ns, day_start(day)))
        yield content.take(slice(start, end))
        start = end


def _days(names: Iterable[FileName]) -> str:
    days = [day for name in names for day in (name.first_day, name.last_day)]
    return f"{date_of(min(days))} to {date_of(max(days))}" if days else "no day"
