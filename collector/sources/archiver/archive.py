"""The seam between back-filling and an archive: samples of one channel in a range."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from collector.sources.updates import Columns
from facility.batch import Float64, Int64, UInt8
from facility.errors import DataError, KadoError
from facility.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an archive has of one channel, in order of time."""

    time_ns: Int64
    """(n,) UTC ns."""
    number: Float64
    """(n,) NaN for a text."""
    text: list[str | None] | None = None
    quality: UInt8 | None = None
    reason: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.time_ns)

    def columns(self, code: int) -> Columns:
        """Return it as updates of a channel."""
        codes = np.full(len(self), code, np.int32)
        return Columns(codes, self.time_ns, self.number, self.text, self.quality, self.reason)

    @classmethod
    def none(cls) -> "Recorded":
        """Return nothing."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float64))


def read_all(archive: "Archive", channel: str, field: str, start_ns: int, end_ns: int) -> list[Recorded]:
    """Return all that `Archive.read` yields; an answer whose form nobody foresaw is a `DataError`, too."""
    try:
        return list(archive.read(channel, field, start_ns, end_ns))
    except KadoError:
        raise
    except Exception as error:
        raise DataError(
            Sentence(
                "the archive's answer for {channel!r} has a form that cannot be read ({name}: "
                "{error}): see whether url is that of the archive",
                channel=channel,
                name=type(error).__name__,
                error=error,
            )
        ) from error


class Archive(Protocol):
    """An archive; used by one thread, and blocks.

    Every method raises `UnreachableError` when the archive does not answer, and `AuthorizationError` when it refuses
    us.
    """

    def check(self) -> str:
        """Return in a few words what answered."""
        ...

    def read(self, channel: str, field: str, start_ns: int, end_ns: int) -> Iterator[Recorded]:
        """Yield what is recorded in ``[start_ns, end_ns)``; a sample before it may come first, nothing after it.

        Raises
        ------
        DataError
            If the archive has no such channel, or answers in a form that it should not.
        """
        ...

    def close(self) -> None:
        """End the connection; harmless when done twice."""
        ...
