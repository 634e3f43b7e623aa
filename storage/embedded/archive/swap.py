"""Sealed files come and go: one sequence for sealing, merging, loading and deleting, safe at each of its steps."""

import logging
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

from facility.errors import ArchiveError, DamagedDataError, DiskError
from facility.sentence import Sentence
from facility.time import Clock, format_time
from storage.columns import Columns
from storage.data_dir import DataDir
from storage.embedded.archive import manifest
from storage.embedded.archive.choice import check_mark, place_of
from storage.embedded.archive.encoding import Encoded, encode
from storage.embedded.archive.files import read_minutes, read_pieces
from storage.embedded.archive.layout import FileName, date_of, day_of, day_start
from storage.embedded.archive.manifest import SealedFile
from storage.embedded.archive.provenance import Provenance
from storage.minutes import MinuteAggregates
from storage.telemetry_db import transaction

_LOG: Final = logging.getLogger(__name__)

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


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """What is being encoded, to be sealed in the place of old files."""

    signal: str
    old: tuple[SealedFile, ...]
    files: dict[FileName, tuple[Columns, Future[Encoded]]]


class FileSwap:
    """Puts sealed files in the place of others.

    Contract: for the holder of the directory's lock, one at a time; `tidy` first. The steps are: name the files
    in the manifest as left over; write them as drafts, durably; read them back and compare; give them their names;
    make the names durable; then, in one transaction, let the new ones count and the old ones not, together with
    whatever the caller does in it; remove the old ones. A crash before that transaction leaves the old state, a
    crash after it the new one, and `tidy` removes what was left over. A file that the manifest never named
    is neither touched nor written over.
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
        self.place = place_of(connection, data_dir)
        self._clock = clock
        self._provenance = provenance
        self._is_ours = False

    def tidy(self) -> None:
        """Remove what a crash has left over; what cannot be removed now stays named."""
        if paths := manifest.leftovers(self.connection):
            self._remove(paths)

    def begin(self, signal: str, old: Sequence[SealedFile], content: Columns, pool: Executor) -> "Beginning":
        """Let `pool` encode what is to be sealed in the place of `old`; `replace` goes on with it."""
        pieces = {self._free_name(signal, piece, old): piece for piece in _pieces(content)}
        files = {name: (piece, pool.submit(encode, piece, self._metadata(name))) for name, piece in pieces.items()}
        return Beginning(signal, tuple(old), files)

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
            If the place does not take the files or gives back something else; then nothing has changed.
        """
        self._check_mark()
        with ThreadPoolExecutor(1, "encoding") as pool:
            return self.end(series_id, self.begin(signal, old, content, pool), in_commit)

    def end(self, series_id: int, begun: "Beginning", in_commit: Callable[[], None] = lambda: None) -> list[SealedFile]:
        """Do all that `replace` does, with what is encoded already."""
        self._check_mark()
        old, files = begun.old, begun.files
        named = [name.path(kind) for name in files for kind in ("samples", "minutes")]
        if named:
            with transaction(self.connection):
                manifest.leave_over(self.connection, named)
            self.at_step(Step.ANNOUNCED)
        try:
            new = [self._write(series_id, name, piece, made.result()) for name, (piece, made) in files.items()]
            if new:
                self.place.settle([path for file in new for path in file.paths])
                self.at_step(Step.FOLDER_SYNCED)
            with transaction(self.connection):
                for file in old:
                    manifest.remove(self.connection, file)
                # Among them may be minutes that there are none of.
                manifest.keep(self.connection, named)
                for file in new:
                    manifest.add(self.connection, file, self._clock())
                in_commit()
        except BaseException as error:
            with suppress(DiskError, DamagedDataError):
                self.tidy()
            if isinstance(error, OSError):
                raise self.place.refusal(f"{begun.signal} of {_days(files)}", error) from error
            if isinstance(error, DiskError):
                raise ArchiveError(
                    Sentence(
                        "{telemetry} cannot record sealed {signal} of {files} ({cause}): free space, and "
                        "seal again; nothing was deleted",
                        telemetry=DataDir(self.data_dir).telemetry,
                        signal=begun.signal,
                        files=_days(files),
                        cause=error.__cause__ or error,
                    )
                ) from error
            raise
        self.at_step(Step.COMMITTED)
        if old:
            self._remove([path for file in old for path in file.paths])
        return new

    def _check_mark(self) -> None:
        if not self._is_ours:
            check_mark(self.connection, self.data_dir, self.place)
            self._is_ours = True

    def _free_name(self, signal: str, piece: Columns, old: Sequence[SealedFile]) -> FileName:
        """Return the first revision behind the old ones under which nothing lies, as a restored backup may have it."""
        revision = 1 + max((file.name.revision for file in old), default=0)
        while True:
            name = FileName(signal, day_of(int(piece.time_ns[0])), day_of(int(piece.time_ns[-1])), revision)
            if not any(self.place.holds(name.path(kind)) for kind in ("samples", "minutes")):
                return name
            revision += 1

    def _remove(self, paths: Sequence[str]) -> None:
        try:
            self._check_mark()
            for path in paths:
                self.place.remove(path)
        except (OSError, ArchiveError) as error:
            _LOG.warning("%d files below %s are left over, and removed later: %s", len(paths), self.place.root, error)
            return
        self.at_step(Step.REMOVED)
        with transaction(self.connection):
            manifest.keep(self.connection, paths)
        self.at_step(Step.FORGOTTEN)

    def _write(self, series_id: int, name: FileName, columns: Columns, made: Encoded) -> SealedFile:
        first, last = int(columns.time_ns[0]), int(columns.time_ns[-1])
        file = SealedFile(
            0, series_id, name, len(columns), first, last, made.samples.size, made.tail_checksum, made.groups,
            made.minutes_content.size, zlib.crc32(made.minutes_content) if made.minutes_content.size else 0,
        )  # fmt: skip
        for path, content in zip(file.paths, (made.samples, made.minutes_content), strict=False):
            self.place.put(self.place.draft(path), content)
        self.at_step(Step.WRITTEN)
        self._compare(file, columns, made.minutes)
        self.at_step(Step.COMPARED)
        self.place.publish(file.paths)
        self.at_step(Step.RENAMED)
        return file

    def _compare(self, file: SealedFile, columns: Columns, minutes: MinuteAggregates) -> None:
        """Read a draft back."""
        every = np.arange(len(file.groups))
        pieces = read_pieces(self.place, file, every, arrival=True, draft=True)
        ends = np.cumsum([len(piece) for piece in pieces]).tolist()
        same = ends[-1] == len(columns) and all(
            piece.same_as(columns.take(slice(end - len(piece), end))) for piece, end in zip(pieces, ends, strict=True)
        )
        if same and file.minutes_size:
            same = read_minutes(self.place, file, draft=True).same_as(minutes)
        if not same:
            raise OSError(f"{self.place.full_name(file.name.path('samples'))} was read back otherwise than written")

    def _metadata(self, name: FileName) -> dict[str, str]:
        metadata = {
            "kado_format": str(manifest.FORMAT),
            "kado_version": version("kado"),
            "kado_facility": self.facility,
            "kado_signal": name.signal,
            "kado_revision": str(name.revision),
            "kado_sealed": format_time(self._clock()),
        }
        if self._provenance.simulated is not None:
            metadata["kado_simulated"] = str(self._provenance.simulated).lower()
        if name.signal in self._provenance.units:
            metadata["kado_unit"] = self._provenance.units[name.signal]
        return metadata


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
