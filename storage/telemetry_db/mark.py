"""``telemetry.mark``: how far ``telemetry.db`` was committed, where a broken disk does not lose it too."""

import logging
import os
import sqlite3
import zlib
from pathlib import Path
from typing import Final

from facility.errors import DamagedDataError
from facility.sentence import Sentence
from storage.data_dir import PRIVATE, DataDir, sync, sync_file
from storage.telemetry_db.commits import Mark, newest_commit

_LOG: Final = logging.getLogger(__name__)
_SLOT: Final = 512
_SLOTS: Final = 2


class HighWaterMark:
    """The newest commit that was acknowledged.

    Contract: `advance` comes after the commit of `telemetry.db` and before anything of it is acknowledged. The two
    places of the file are written in turn and each carries a checksum, so a crash in the middle of a write leaves
    the mark before. A database that is ahead of its mark is what a crash leaves; one that is behind has lost its
    tail.
    """

    def __init__(self, data_dir: Path, newest: Mark) -> None:
        """Open the file; it is made if it does not exist; `newest` is the last commit of ``telemetry.db``.

        Raises
        ------
        DamagedDataError
            If a folder is in its place.
        """
        path = DataDir(data_dir).mark
        missing = not path.exists() or not path.stat().st_size
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
        except IsADirectoryError as error:
            raise DamagedDataError(
                Sentence("{path} is a folder, and should be a file: remove it, and start again", path=path)
            ) from error
        sync(data_dir)
        slots = [_parse(os.pread(self._fd, _SLOT, i * _SLOT)) for i in range(_SLOTS)]
        self.mark = max((m for m in slots if m is not None), key=lambda m: m.commit, default=Mark(0, 0))
        self._next = 1 - slots.index(self.mark) if self.mark in slots else 0
        if self.mark not in slots and (newest.commit or not missing):
            what = "is missing" if missing else "is damaged"
            _LOG.error("%s", _CANNOT_COMPARE.format(path=path, what=what))

    def advance(self, mark: Mark) -> None:
        """Put `mark` on the disk."""
        os.pwrite(self._fd, _format(mark), self._next * _SLOT)
        # For every commit: on the descriptor that is open, for the name is durable already.
        os.fsync(self._fd)
        self._next = (self._next + 1) % _SLOTS
        self.mark = mark

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def read_mark(data_dir: Path) -> Mark | str | None:
    """Return the mark of a data directory; None if there is no file, a text if it cannot be read."""
    path = DataDir(data_dir).mark
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if not content:
        return None
    slots = [_parse(content[i * _SLOT : (i + 1) * _SLOT]) for i in range(_SLOTS)]
    found = [m for m in slots if m is not None]
    return max(found, key=lambda m: m.commit) if found else "is damaged"


def write_mark(data_dir: Path, mark: Mark) -> None:
    """Write the file again, durably; for a directory that was restored from a backup."""
    path = DataDir(data_dir).mark
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, PRIVATE)
    try:
        os.pwrite(fd, _format(mark), 0)
    finally:
        os.close(fd)
    sync_file(path)


def describe_lost_tail(connection: sqlite3.Connection, data_dir: Path, mark: Mark | str | None) -> str:
    """Return for people what ``telemetry.db`` lacks according to its mark; nothing if it lacks nothing.

    The mark has to be read before the connection begins to read.
    """
    newest = newest_commit(connection)
    files = DataDir(data_dir)
    if isinstance(mark, Mark):
        if newest.commit >= mark.commit:
            return ""
        lost = max(0, mark.samples - newest.samples)
        return (
            f"{files.telemetry} ends at commit {newest.commit}, but commit {mark.commit} was acknowledged:"
            f" {lost} acknowledged samples are lost. The disk lost them, or an older file was put in its place: put"
            " the newer one back if you have it; the next `kado run` counts them as lost and records the gap"
        )
    # A store that was only ever written by commands has no commits, and no mark.
    if newest.commit == 0:
        return "" if mark is None else _CANNOT_COMPARE.format(path=files.mark, what=mark)
    return _CANNOT_COMPARE.format(path=files.mark, what="is missing" if mark is None else mark)


_CANNOT_COMPARE: Final = (
    "{path} {what}: kado cannot check whether the end of telemetry.db was lost. Check the disk; the next `kado run`"
    " writes the mark again"
)


def _format(mark: Mark) -> bytes:
    text = f"kado commit {mark.commit} samples {mark.samples}"
    return f"{text} crc {zlib.crc32(text.encode())}".encode().ljust(_SLOT - 1) + b"\n"


def _parse(slot: bytes) -> Mark | None:
    try:
        text, _, checksum = slot.decode("ascii").strip().rpartition(" crc ")
        _, _, commit, _, samples = text.split(" ")
        return Mark(int(commit), int(samples)) if int(checksum) == zlib.crc32(text.encode()) else None
    except ValueError:
        return None
