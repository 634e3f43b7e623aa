"""What each minute of a signal comes to: small enough to draw years from, exact enough to be no estimate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.quality import Quality
from facility.time import NS_PER_S

MINUTE_NS: Final = 60 * NS_PER_S


@dataclass(frozen=True, slots=True, eq=False)
class MinuteAggregates:
    """Minutes that hold a number of quality good or uncertain, by the rules of `storage.bucketing.bucketise`."""

    start_ns: NDArray[np.int64]
    """(n,) starts of whole minutes, UTC, increasing."""
    count: NDArray[np.int64]
    """(n,) samples stamped inside."""
    mean: NDArray[np.float64]
    """(n,) weighted by time, from the first sample to the end of the minute."""
    min: NDArray[np.float64]
    max: NDArray[np.float64]
    last: NDArray[np.float64]
    known_ns: NDArray[np.int64]
    """(n,) from the first sample to the end of the minute."""

    def __len__(self) -> int:
        return len(self.start_ns)

    def between(self, start_ns: int, end_ns: int) -> "MinuteAggregates":
        """Return the minutes that start in ``[start_ns, end_ns)``."""
        first, last = np.searchsorted(self.start_ns, [start_ns, end_ns]).tolist()
        return self.take(slice(first, last))

    def take(self, part: slice) -> "MinuteAggregates":
        """Return a part of the minutes, as views."""
        return MinuteAggregates(*(getattr(self, name)[part] for name in self.__slots__))

    def same_as(self, other: "MinuteAggregates") -> bool:
        """Return whether both have the same minutes with equal numbers; NaN equals NaN."""
        return all(np.array_equal(getattr(self, n), getattr(other, n), equal_nan=True) for n in self.__slots__)


def minutes_of(time_ns: NDArray[np.int64], value: NDArray[np.float64], quality: NDArray[np.uint8]) -> MinuteAggregates:
    """Aggregate samples in order of time minute by minute, without bad ones and without what is no number.

    Parameters
    ----------
    time_ns
        (n,) strictly increasing, UTC.
    value, quality
        (n,) of the same samples.

    Examples
    --------
    >>> import numpy as np
    >>> from facility.time import NS_PER_S
    >>> found = minutes_of(np.array([30, 45]) * NS_PER_S, np.array([1.0, 3.0]), np.zeros(2, np.uint8))
    >>> found.mean.tolist(), (found.known_ns // NS_PER_S).tolist()
    ([2.0], [30])
    """
    missing = np.isnan(value)
    if bool(missing.any()) or bool((quality > Quality.UNCERTAIN).any()):
        good = ~missing & (quality <= Quality.UNCERTAIN)
        time_ns, value = time_ns[good], value[good]
    if not len(time_ns):
        whole, real = np.empty(0, np.int64), np.empty(0)
        return MinuteAggregates(whole, whole, real, real, real, real, whole)
    first = _first_of_minutes(time_ns)
    last = np.append(first[1:], len(time_ns)) - 1
    start = time_ns[first] // MINUTE_NS * MINUTE_NS
    held = np.empty(len(time_ns))
    np.subtract(time_ns[1:], time_ns[:-1], out=held[:-1], casting="unsafe")
    held[last] = start + MINUTE_NS - time_ns[last]
    known = start + MINUTE_NS - time_ns[first]
    low, high = np.minimum.reduceat(value, first), np.maximum.reduceat(value, first)
    # Infinite values have a mean that is infinite, or none.
    with np.errstate(over="ignore", invalid="ignore"):
        held *= value
        mean = np.clip(np.add.reduceat(held, first) / known, low, high)
    return MinuteAggregates(start, last - first + 1, mean, low, high, value[last], known)


def join_minutes(parts: Sequence[MinuteAggregates]) -> MinuteAggregates:
    """Join minutes that follow each other; at least one part, which may be empty."""
    columns = ([getattr(part, name) for part in parts] for name in MinuteAggregates.__slots__)
    return MinuteAggregates(*map(np.concatenate, columns))


def _first_of_minutes(time_ns: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the place of the first stamp of each minute that has one."""
    first, last = int(time_ns[0]) // MINUTE_NS, int(time_ns[-1]) // MINUTE_NS
    if last - first > len(time_ns):
        minute = time_ns // MINUTE_NS
        return np.flatnonzero(np.append(True, minute[1:] != minute[:-1]))
    # Several samples a minute: looking for the minutes is faster than dividing every stamp.
    places = np.searchsorted(time_ns, np.arange(first + 1, last + 1, dtype=np.int64) * MINUTE_NS)
    places = np.append(0, places)
    return places[np.append(places[1:] != places[:-1], True)]
