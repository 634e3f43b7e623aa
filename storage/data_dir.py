"""The directory in which kado keeps what it has collected: names of its files, and who may write there."""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from facility.errors import ConfigError, LockedError


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
    def journal(self) -> Path:
        """Schedule versions, corrections, incidents."""
        return self.path / "journal.db"

    @property
    def lock(self) -> Path:
        """Locked by the one process that may write telemetry; holds its pid."""
        return self.path / "lock"


class DirectoryLock:
    """The right to write telemetry in a data directory, held until `release`.

    Contract: take it before `telemetry.db` is opened for writing, release it after that is closed. The system
    releases it when the process ends in whatever way, so a file named ``lock`` says nothing by itself.
    """

    def __init__(self, data_dir: Path) -> None:
        """Take the lock, making the directory if there is none.

        Raises
        ------
        LockedError
            If another process, or another part of this one, holds it.
        ConfigError
            If the directory cannot be made or written.
        """
        path = DataDir(data_dir).lock
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ConfigError(
                f"data directory {data_dir} cannot be written: {error.strerror}; choose another data_dir"
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._fd, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise LockedError(
                f"data directory {data_dir} is in use by the process with pid {holder}: stop that one first,"
                " or choose another data_dir"
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

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
