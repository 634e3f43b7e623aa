"""The directory in which kado keeps what it has collected: names of its files, and who may write there."""

import errno
import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from facility.errors import ConfigError, DamagedDataError, DiskError, KadoError, LockedError
from facility.sentence import Sentence

PRIVATE: Final = 0o600
"""Mode of every file that kado makes in a data directory: for its owner alone."""

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class DataDir:
    """Names of the files in one data directory; one facility has one."""

    path: Path

    @property
    def telemetry(self) -> Path:
        """Samples, or what waits to be forwarded; ledger, gaps, dead letters."""
        return self.path / "telemetry.db"

    @property
    def last_backup(self) -> Path:
        """Written when a backup completed; its age is the backup's."""
        return self.path / "last_backup"

    @property
    def archive(self) -> Path:
        """Days of telemetry that were sealed into Parquet files."""
        return self.path / "archive"

    @property
    def mark(self) -> Path:
        """How far `telemetry` has been committed, on a page of the disk of its own."""
        return self.path / "telemetry.mark"

    @property
    def reserve(self) -> Path:
        """Space that is held for what makes space on a full disk."""
        return self.path / "reserve"

    @property
    def journal(self) -> Path:
        """Schedule versions, corrections, incidents."""
        return self.path / "journal.db"

    @property
    def page(self) -> Path:
        """Where the page of the running kado is, or why it is not served."""
        return self.path / "page.json"

    @property
    def backfill(self) -> Path:
        """Requests to the service to fill gaps from an archive, while it works on them."""
        return self.path / "backfill"

    @property
    def lock(self) -> Path:
        """Locked by the one process that may write telemetry; holds its pid."""
        return self.path / "lock"


def make_private(path: Path) -> None:
    """Make an empty file that only its owner may read, if it does not exist.

    One that is there is not opened: it may be a database of SQLite, and closing it here would give back the locks
    that every connection of this process holds on it. Then another process may remove its log while it is in use.

    Raises
    ------
    ConfigError, DiskError
        If it cannot be made.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
    except FileExistsError:
        pass
    except OSError as error:
        raise _cannot_write(path.parent, error) from error


def open_private(path: str, flags: int) -> int:
    """Open a file for `open(..., opener=open_private)`; one that is new is for its owner alone."""
    return os.open(path, flags, PRIVATE)


def sync_file(path: Path) -> None:
    """Wait until the disk has a file that was just made or written, and its name."""
    sync(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until the disk has the content of a file, or the names in a folder."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _cannot_write(data_dir: Path, error: OSError) -> KadoError:
    if error.errno in _FULL:
        return DiskError(
            Sentence(
                "data directory {data_dir} cannot be written, the disk is full ({reason}): free "
                "space, then start again; nothing is lost",
                data_dir=data_dir,
                reason=error.strerror,
            )
        )
    return ConfigError(
        Sentence(
            "data directory {data_dir} cannot be written: {reason}; allow it, or choose another data_dir",
            data_dir=data_dir,
            reason=error.strerror,
        )
    )


class DirectoryLock:
    """The right to write telemetry in a data directory, held until `release`.

    Contract: take it before `telemetry.db` is opened for writing, release it after that is closed. The system
    releases it when the process ends in whatever way, so a file named ``lock`` says nothing by itself.
    """

    def __init__(self, data_dir: Path) -> None:
        """Take the lock; the directory is made if it does not exist.

        Raises
        ------
        LockedError
            If another process, or another part of this one, holds it.
        ConfigError
            If the directory cannot be made or written.
        DiskError
            If the disk is full.
        """
        path = DataDir(data_dir).lock
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
        except IsADirectoryError as error:
            raise DamagedDataError(
                Sentence("{path} is a folder, and should be a file: remove it", path=path)
            ) from error
        except OSError as error:
            raise _cannot_write(data_dir, error) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._fd, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise LockedError(
                Sentence(
                    "data directory {data_dir} is in use by the process with pid {holder}: stop that one "
                    "first, or choose another data_dir",
                    data_dir=data_dir,
                    holder=holder,
                )
            ) from error
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            # The lock is held. On a full disk its file cannot name the pid; kado goes on to free space.
            if error.errno != errno.ENOSPC:
                os.close(self._fd)
                raise _cannot_write(data_dir, error) from error

    def release(self) -> None:
        """Let others write; harmless when done twice."""
        with suppress(OSError):
            os.close(self._fd)
        self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
