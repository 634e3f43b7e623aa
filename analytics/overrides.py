"""Stretches of time in which something other than the delivery signal's samples decides.

Corrections, sensor faults and flags of a definition all come down to this: in an interval the beam is said to be
up, down, or unknown, or the signal's samples are said to be worthless. They are laid over the samples before
conditions are found, so that every rule after them sees one stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD, Samples
from facility.quality import Quality
from facility.time import MAX_NS

Int64 = NDArray[np.int64]


class Override(Enum):
    """What is said of an interval."""

    UP = "up"
    """The beam was at nominal."""
    DOWN = "down"
    """There was no beam."""
    UNKNOWN = "unknown"
    """Nothing is known, whatever the samples say."""
    WORTHLESS = "worthless"
    """The samples stamped inside are bad; a good one before them still holds until it is stale."""


@dataclass(frozen=True, slots=True)
class Overridden:
    """An interval and what is said of it."""

    start_ns: int
    end_ns: int
    what: Override


def lay_over(
    samples: Samples, overrides: Sequence[Overridden], stale_after_ns: int | None, cuts: Int64, up_value: float
) -> tuple[Samples, Int64]:
    """Return the samples and cuts with `overrides` laid over them.

    Samples inside an override are gone. One that says up or down gets samples of its own, close enough to hold
    throughout, and a cut ends the last of them. Behind an override that leaves the samples their worth, the one
    that held there is put again at its end, and cut where its own hold ends.

    Parameters
    ----------
    samples
        Of the delivery signal.
    overrides
        Not overlapping, in any order.
    stale_after_ns
        How long a good sample holds; None: until a cut.
    cuts
        (n,) int64 ns, increasing: where a running hold ends.
    up_value
        What stands for beam at nominal.
    """
    if not overrides:
        return samples, cuts
    ordered = sorted(overrides, key=lambda o: o.start_ns)
    worth = np.ones(len(samples), dtype=bool)
    keep = np.ones(len(samples), dtype=bool)
    for o in ordered:
        inside = slice(*np.searchsorted(samples.time_ns, [o.start_ns, o.end_ns], side="left").tolist())
        keep[inside] = False
        if o.what is Override.WORTHLESS:
            worth[inside] = False
    good = worth & (samples.quality != Quality.BAD) & np.isfinite(samples.value)
    starts = {o.start_ns for o in ordered}
    times, values, new_cuts = [samples.time_ns[keep]], [samples.value[keep]], [cuts]
    for o in ordered:
        if o.what is Override.WORTHLESS:
            continue
        if o.what is not Override.UNKNOWN:
            step = o.end_ns - o.start_ns if stale_after_ns is None else stale_after_ns
            own = np.arange(o.start_ns, o.end_ns, step, dtype=np.int64)
            times.append(own)
            values.append(np.full(len(own), up_value if o.what is Override.UP else 0.0))
        new_cuts.append(np.array([o.start_ns, o.end_ns], np.int64))
        held = None if o.end_ns in starts else _held_at(samples, good, o.end_ns, stale_after_ns, cuts)
        if held is not None:
            value, hold_end = held
            times.append(np.array([o.end_ns], np.int64))
            values.append(np.array([value]))
            new_cuts.append(np.array([hold_end], np.int64))
    laid_over = _merge(samples, keep, times, values)
    return laid_over, np.unique(np.concatenate(new_cuts))


def _held_at(
    samples: Samples, good: NDArray[np.bool_], ns: int, stale_after_ns: int | None, cuts: Int64
) -> tuple[float, int] | None:
    """Return the value that holds at an instant with no sample of its own, and where its hold ends."""
    before = int(np.searchsorted(samples.time_ns, ns, side="left"))
    if before < len(samples) and samples.time_ns[before] == ns:
        return None
    good_before = np.flatnonzero(good[:before])
    if not len(good_before):
        return None
    last = int(good_before[-1])
    stamp = int(samples.time_ns[last])
    ends = [MAX_NS if stale_after_ns is None else stamp + stale_after_ns]
    following = int(np.searchsorted(cuts, stamp, side="right"))
    hold_end = min(ends + cuts[following : following + 1].tolist())
    return (float(samples.value[last]), hold_end) if hold_end > ns else None


def _merge(samples: Samples, keep: NDArray[np.bool_], times: list[Int64], values: list[NDArray[np.float64]]) -> Samples:
    added = sum(len(t) for t in times[1:])
    neutral = np.full(added, NO_WORD, np.int32)
    return Samples.sorted(
        samples.facility,
        samples.signal,
        np.concatenate(times),
        np.concatenate(values),
        quality=np.concatenate([samples.quality[keep], np.zeros(added, np.uint8)]),
        reason=None if samples.reason is None else np.concatenate([samples.reason[keep], neutral]),
        words=samples.words,
    )
