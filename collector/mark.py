"""``telemetry.mark``: how far ``telemetry.db`` was committed, where a broken disk does not lose it too."""

import logging
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.data_dir import DataDir

_LOG: Final = logging.getLogger(__name__)
_SLOT: Final = 512
_SLOTS: Final = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """One commit, and what had landed with it."""

    commit: int
    """Its number; 0 before the first."""
    samples: int
    """All samples landed up to and with it."""


class HighWaterMark:
    """The newest commit that was acknowledged.

    Contract: `advance` comes after the commit of `telemetry.db` and before anything of it is acknowledged. The two
    places of the file are written in turn and each carries a checksum, so a crash in the middle of a write leaves
    the mark before. A database that is ahead of its mark is what a crash leaves; one that is behind has lost its
    tail.
    """

    def __init__(self, data_dir: Path) -> None:
        """Open the file, making it if there is none."""
        path = DataDir(data_dir).mark
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        _sync_directory(data_dir)
        slots = [_parse(os.pread(self._fd, _SLOT, i * _SLOT)) for i in range(_SLOTS)]
        self.mark = max((m for m in slots if m is not None), key=lambda m: m.commit, default=Mark(0, 0))
        self._next = 1 - slots.index(self.mark) if self.mark in slots else 0
        if self.mark not in slots and os.fstat(self._fd).st_size:
            _LOG.error("%s is damaged: whether telemetry.db has lost its tail cannot be told this time", path)

    def advance(self, mark: Mark) -> None:
        """Put `mark` on the disk."""
        os.pwrite(self._fd, _format(mark), self._next * _SLOT)
        os.fsync(self._fd)
        self._next = (self._next + 1) % _SLOTS
        self.mark = mark

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def _sync_directory(data_dir: Path) -> None:
    fd = os.open(data_dir, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


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
