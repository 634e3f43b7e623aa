"""What a store holds in samples, files and bytes, and how that will grow: the values, whichever store it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HORIZON_YEARS: Final = 100
"""No forecast looks further ahead."""


@dataclass(frozen=True, slots=True)
class SignalCensus:
    """What is held of one signal; a sample that is a row and sealed too counts in both.

    Of a store on a server only `rows` and the stamps are known; the other numbers are 0.
    """

    signal: str
    rows: int
    sealed: int
    """Samples in sealed files."""
    files: int
    """Sealed files of samples."""
    bytes: int
    """Of those files."""
    minute_files: int
    minute_bytes: int
    """Of the files of its minutes."""
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Space:
    """What lies on the disk, in bytes."""

    database: int
    """``telemetry.db`` itself."""
    reusable: int
    """Part of it: pages that are free for the next rows."""
    log: int
    """``telemetry.db-wal``: written, and not yet moved into the file."""
    journal: int
    by_signal: Mapping[str, int]
    """Sealed files of each signal that count, with their minutes."""
    archive_root: str
    """Where they lie: a folder, or a URI."""
    free: int
    """On the disk of the data directory."""
    archive_free: int | None
    """On the disk of the sealed files; None where there are none, or an object store holds them and does not say."""
    leftovers: int
    """Unused files that the next writer removes."""

    @property
    def archive(self) -> int:
        """All sealed files that count, with their minutes."""
        return sum(self.by_signal.values())


@dataclass(frozen=True, slots=True)
class Growth:
    """Samples and bytes that come in, a day, by signal."""

    samples: dict[str, float]
    bytes: dict[str, float]
    """Once they are sealed, minutes included; empty where that is not known yet."""
    days: float
    """Length of the time that was looked at."""

    @property
    def samples_a_day(self) -> float:
        """Sum over all signals."""
        return sum(self.samples.values())

    @property
    def bytes_a_day(self) -> float | None:
        """Sum over all signals; None where it is not known yet."""
        return sum(self.bytes.values()) if self.bytes else None


@dataclass(frozen=True, slots=True)
class Forecast:
    """How the archive will grow."""

    bytes_in_a_year: float
    full_in_days: int | None
    """None: not within `HORIZON_YEARS`."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Bytes now, and how they will grow."""

    space: Space
    growth: Growth | None
    """None: no sample came in lately; always with InfluxDB, which keeps its files itself."""
    forecast: Forecast | None
    """None also before the first sealed day: until then the size of a sealed sample is not known."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """All signals of a store."""

    signals: tuple[SignalCensus, ...]
    """In order of name."""
    keep_days: dict[str, int | None]
    """For how many days each signal is kept; None: without limit."""
    waiting: int
    """Samples that wait to be forwarded to a server."""
