"""``reserve``: space on the disk that kado holds, and gives up when the disk is full, so that it can make space."""

import errno
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from storage.data_dir import PRIVATE, DataDir

_LOG: Final = logging.getLogger(__name__)

RESERVE_BYTES: Final = 32 * 1024**2
"""Twice what the log of ``telemetry.db`` grows to; a quarter of the disk where that is less."""


class Reserve:
    """A file that holds space for what makes space: taking samples out of the outbox, sealing and deleting rows.

    Contract: the landing calls `take` before it writes, so that new samples never use the reserve; who makes space
    calls `give_up` when the disk is full, and goes on. The next `take` that succeeds says that the disk has space.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = DataDir(data_dir).reserve
        self._data_dir = data_dir
        self._taken = False

    @property
    def held(self) -> bool:
        """Whether the space is held, by this process or another one."""
        return self._path.exists()

    def take(self) -> None:
        """Hold the space; cheap while it is held.

        Raises
        ------
        OSError
            If the disk has not so much.
        """
        if self._taken and self._path.exists():
            return
        size = min(RESERVE_BYTES, shutil.disk_usage(self._data_dir).total // 4) // 4096 * 4096
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT, PRIVATE)
        try:
            if os.fstat(fd).st_size < size:
                _allocate(fd, size)
        except OSError:
            # What was allocated of it is space that others need.
            self._path.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)
        self._taken = True

    def give_up(self) -> bool:
        """Let go of the space; return whether there was any to let go."""
        self._taken = False
        held = False
        with suppress(OSError):
            held = self._path.stat().st_size > 0
            self._path.unlink()
        if held:
            _LOG.warning("the disk of %s is full: the reserve is given up to make space", self._data_dir)
        return held


def _allocate(fd: int, size: int) -> None:
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        # Some file systems know no allocation; zeros do the same.
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise
        os.pwrite(fd, b"\0" * size, 0)
