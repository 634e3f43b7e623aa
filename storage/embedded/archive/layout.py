"""Where sealed files lie and what they are called.

::

    samples/signal=stored_current/year=2026/2026-11-01_2026-11-30.r2.parquet    every sample
    minutes/signal=stored_current/year=2026/2026-11-01_2026-11-30.r2.parquet    each minute of the same days

A file holds whole UTC days of one signal within one month, in order of time, from the day in its name to the other.
The folders are partitions as Hive names them: what reads ``samples`` gets the columns `signal` and `year`.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal

from facility.time import NS_PER_DAY
from storage.columns import FIRST_INT64, LAST_INT64

_EPOCH: Final = date(1970, 1, 1).toordinal()

Kind = Literal["samples", "minutes"]


@dataclass(frozen=True, slots=True)
class FileName:
    """One file's place below the root of the archive."""

    signal: str
    first_day: int
    """Days since 1970."""
    last_day: int
    """The last day for which it holds samples."""
    revision: int
    """1, and one more each time any of its days was sealed or merged again."""

    def path(self, kind: Kind) -> str:
        """Return the path below the root of the archive."""
        first, last = date_of(self.first_day), date_of(self.last_day)
        days = f"{first}" if first == last else f"{first}_{last}"
        return f"{kind}/signal={self.signal}/year={first.year:04}/{days}.r{self.revision}.parquet"


_SEALED: Final = re.compile(r"(samples|minutes)/.+\.parquet(\.tmp)?")


def check_sealed_path(path: str) -> str:
    """Return `path` if it is one that kado gives to a sealed file or its draft.

    Raises
    ------
    ValueError
        If it is not: kado does not touch a file of that name.
    """
    if not _SEALED.fullmatch(check_inside(path)):
        raise ValueError(f"{path!r} is not the path of a sealed file")
    return path


def check_inside(path: str) -> str:
    """Return `path` if it stays below the root that it is relative to.

    Raises
    ------
    ValueError
        If it is absolute, or leads out.
    """
    parts = path.split("/")
    if not path or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{path!r} is not a path below the folder")
    return path


def temporary(path: str) -> str:
    """Return the hidden name under which a file is written; nothing takes it for data."""
    name = Path(path)
    return str(name.with_name(f".{name.name}.tmp"))


def day_of(time_ns: int) -> int:
    """Return the UTC day of an instant, in days since 1970."""
    return time_ns // NS_PER_DAY


def day_start(day: int) -> int:
    """Return the instant at which a day begins, or the first one that there is."""
    return min(max(day * NS_PER_DAY, FIRST_INT64), LAST_INT64)


def date_of(day: int) -> date:
    """Return a day as a date."""
    return date.fromordinal(_EPOCH + day)


def month_of(day: int) -> tuple[int, int]:
    """Return a day's year and month."""
    found = date_of(day)
    return found.year, found.month
