"""Stretches of time in which something other than the delivery signal's samples decides.

Corrections, sensor faults and flags of a definition all come down to this: in an interval the beam is
up, down or unknown by statement, or the signal's samples are bad by statement. They are applied to the samples
before conditions are found, so that every rule after them sees one stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from analytics.conditions import Certainty, is_good
from analytics.rules import Rules
from facility.batch import NO_WORD, Samples
from facility.interval import Intervals
from facility.time import MAX_NS

Int64 = NDArray[np.int64]


class Override(Enum):
    """What is stated for an interval."""

    UP = "up"
    """The beam was at nominal."""
    DOWN = "down"
    """There was no beam."""
    UNKNOWN = "unknown"
    """Nothing is known, whatever the samples say."""
    SAMPLES_BAD = "worthless"
    """The samples stamped inside are bad; a good one before them still holds until it is stale."""


@dataclass(frozen=True, slots=True)
class Overridden:
    """An interval and what is stated for it."""

    start_ns: int
    end_ns: int
    what: Override
    by_flag: bool = False
    """Whether a flag of the definition states it, not a person."""


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """The delivery signal with everything applied that decides in its place."""

    samples: Samples
    cuts: Int64
    """(n,) ns, increasing: where a running hold ends."""
    certainty: Certainty
    silent: Intervals
    """Where a sample holds for no time."""


def apply_overrides(
    samples: Samples,
    overrides: Sequence[Overridden],
    rules: Rules,
    cuts: Int64,
    silent: Intervals,
    window: tuple[int, int],
) -> Combined:
    """Apply `overrides` to the samples and cuts.

    Samples inside an override are removed. Up and down get samples of their own, close enough to hold throughout,
    and a cut ends the last of them. At the end of an override other than bad samples, the sample that held there is
    inserted again, and cut where its own hold ends.

    Parameters
    ----------
    samples
        Of the delivery signal.
    overrides
        In any order; up, down and unknown do not overlap each other.
    rules
        How long a sample holds, what is good, what stands for beam.
    cuts
        (n,) int64 ns, increasing: where a running hold ends.
    silent
        Where a sample holds for no time, because the link of a signal that is sent on change is down.
    window
        Start and end of what is looked at, ns: an override may be years longer, and gets no more samples for that.
    """
    if not overrides:
        return Combined(samples, cuts, Certainty(), silent)
    ordered = sorted(overrides, key=lambda o: o.start_ns)
    sound = np.ones(len(samples), dtype=bool)
    keep = is_good(samples, rules.physical_max)
    for o in ordered:
        inside = slice(*np.searchsorted(samples.time_ns, [o.start_ns, o.end_ns], side="left").tolist())
        keep[inside] = False
        if o.what is Override.SAMPLES_BAD:
            sound[inside] = False
    good = sound & is_good(samples, rules.physical_max)
    good &= ~silent.cover(samples.time_ns)
    stamps, standing_values = samples.time_ns[good], samples.value[good]
    starts = {o.start_ns for o in ordered if o.what is not Override.SAMPLES_BAD}
    # Of two sorted runs the stable sort makes one in a single pass.
    next_stamps = np.sort(np.concatenate([samples.time_ns[keep], np.array(sorted(starts), np.int64)]), kind="stable")
    up_value = max(t.low_beam_ends for t in rules.thresholds)
    times, values = [samples.time_ns[keep]], [samples.value[keep]]
    standing, new_cuts = cuts, [np.empty(0, np.int64)]
    for o in ordered:
        if o.what is Override.SAMPLES_BAD:
            continue
        if o.what is not Override.UNKNOWN:
            own = _own_samples(o, rules, window)
            times.append(own)
            values.append(np.full(len(own), up_value if o.what is Override.UP else 0.0))
            # A statement does not end with the link.
            standing = standing[(standing <= o.start_ns) | (standing >= o.end_ns)]
        new_cuts.append(np.array([o.start_ns, o.end_ns], np.int64))
        held = None if o.end_ns in starts else _held_at(stamps, o.end_ns, rules.stale_after_ns, cuts)
        if held is not None:
            last, hold_end = held
            times.append(np.array([o.end_ns], np.int64))
            values.append(standing_values[last : last + 1])
            # Its hold ends where it would have, unless another sample comes before.
            if np.searchsorted(next_stamps, o.end_ns, side="right") == np.searchsorted(
                next_stamps, hold_end, side="right"
            ):
                new_cuts.append(np.array([hold_end], np.int64))
    beam = [o for o in ordered if o.what in (Override.UP, Override.DOWN)]
    return Combined(
        _merge(samples, keep, times, values),
        np.unique(np.concatenate([standing, *new_cuts])),
        Certainty(
            Intervals.of((o.start_ns, o.end_ns) for o in beam if not o.by_flag),
            Intervals.of((o.start_ns, o.end_ns) for o in beam if o.by_flag),
        ),
        silent - Intervals.of((o.start_ns, o.end_ns) for o in beam),
    )


def _own_samples(o: Overridden, rules: Rules, window: tuple[int, int]) -> Int64:
    """Return the first stamp, with which the beam changes, and those that hold throughout the window."""
    step = o.end_ns - o.start_ns if rules.stale_after_ns is None else rules.stale_after_ns
    before = max(0, window[0] - o.start_ns) // step * step
    stamps = np.arange(o.start_ns + before, min(o.end_ns, window[1]), step, dtype=np.int64)
    return np.concatenate([np.array([o.start_ns], np.int64), stamps]) if before else stamps


def _held_at(stamps: Int64, ns: int, stale_after_ns: int | None, cuts: Int64) -> tuple[int, int] | None:
    """Return which good sample holds at an instant with no good one of its own, and where its hold ends."""
    before = int(np.searchsorted(stamps, ns, side="left"))
    if before == 0 or ns in stamps[before : before + 1]:
        return None
    stamp = int(stamps[before - 1])
    ends = [MAX_NS if stale_after_ns is None else stamp + stale_after_ns]
    following = int(np.searchsorted(cuts, stamp, side="right"))
    hold_end = min(ends + cuts[following : following + 1].tolist())
    return (before - 1, hold_end) if hold_end > ns else None


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
