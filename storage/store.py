"""The seam behind which telemetry lies: one protocol, one contract suite, two backends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from facility.batch import Batch, Samples


@dataclass(frozen=True, slots=True)
class SeriesCount:
    """What a store holds of one signal."""

    signal: str
    samples: int
    first_ns: int | None
    last_ns: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What a store holds, counted where it lies."""

    series: list[SeriesCount]
    """Signal by signal, in order of name; of files that are missing or damaged nothing is counted."""
    problems: list[str]
    """What is missing, damaged or changed, for people."""
    whole_from_day: int | None = None
    """The first day (since 1970, UTC) for which the store holds everything; its own retention deletes what is older.
    None: it deletes nothing by itself, and `series` counts everything; else only what is stamped from there on."""


@dataclass(frozen=True, slots=True)
class LastValue:
    """The newest sample of one signal."""

    time_ns: int
    value: float
    """NaN for a state, and where a bad sample has no number."""
    state: str | None
    quality: int


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """A signal cut into equal pieces of time, for drawing. Only numbers of quality good or uncertain count."""

    start_ns: NDArray[np.int64]
    """(n,) start of each bucket that holds a sample; empty buckets are left out."""
    width_ns: int
    count: NDArray[np.int64]
    """(n,) samples stamped inside."""
    mean: NDArray[np.float64]
    """(n,) mean weighted by the time that each sample holds inside the bucket: to the next sample or the end."""
    min: NDArray[np.float64]
    max: NDArray[np.float64]
    last: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did; ``stored`` counts every sample that was written, new or not."""

    stored: int
    rewritten: int
    """How many of them replaced a sample of the same signal and time (within the batch or in the store)."""
    conflicts: int
    """How many of the rewritten ones said something different from what was there."""


class TelemetryStore(Protocol):
    """Samples of one facility.

    Synchronous, with timeouts, and confined to the thread that made it: asynchronous code calls it in a thread.
    The same signal and time is the same sample: the last one committed wins, all its fields rewritten.
    Readers may work while another process writes, and see each batch wholly or not at all.

    All methods raise `UnreachableError` (``retryable``) when the store does not answer in time and
    `AuthorizationError` when it refuses us.
    """

    @property
    def kind(self) -> Literal["embedded", "influxdb"]:
        """Which backend it is."""
        ...

    def write(self, batch: Batch) -> Written:
        """Write a batch; when this returns it is durable. Idempotent."""
        ...

    def read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        """Return the samples stamped in ``[start_ns, end_ns)``, in order of time.

        With `hold`, the last sample before `start_ns`, if there is one, comes first: it may hold into the range.
        An unknown signal has no samples; that is not an error.
        """
        ...

    def read_chunks(self, signal: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        """Yield the same samples in pieces that follow each other, with bounded memory."""
        ...

    def read_batches(self, signal: str, start_ns: int, end_ns: int) -> Iterator[Batch]:
        """Yield the same pieces with all that is kept, arrivals included: written elsewhere, they are the same.

        A sample without an arrival of its own arrived when it was stamped.
        """
        ...

    def last(self, signals: Sequence[str]) -> dict[str, LastValue]:
        """Return the newest sample of each signal that has one, of those whose stamp can be true.

        See `facility.quality.TIME_REASONS`. With InfluxDB, where the very newest cannot be true, an uncertain sample
        without a reason is not found either.
        """
        ...

    def buckets(self, signal: str, start_ns: int, end_ns: int, count: int) -> Buckets:
        """Cut ``[start_ns, end_ns)`` into at most `count` equal buckets (at most 2,000); see `bucketise`."""
        ...

    def series(self) -> list[SeriesCount]:
        """Count what the store itself holds, signal by signal, in order of name. Never from counters."""
        ...

    def counted(self) -> Counted:
        """Count what lies on the disk itself, and name what is missing or changed there; takes longer than `series`."""
        ...

    def extent(self, signal: str) -> tuple[int, int] | None:
        """Return the stamps of a signal's first and last sample; None without samples. Cheap: nothing is counted."""
        ...

    def delete(self, signal: str, before_ns: int) -> int:
        """Delete what is stamped before an instant (retention); return how many samples that were."""
        ...

    def close(self) -> None:
        """Release what is held; the store is of no use afterwards."""
        ...
