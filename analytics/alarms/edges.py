"""From a history of samples to the few instants at which a condition can change its mind.

Years of samples pass here: looked at chunk by chunk in NumPy, least and greatest first. What comes out are events
``(time, value)``: from `time` on `value` holds, and None says that nothing is known.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.alarms import SeriesSpec
from facility.batch import NO_WORD, Samples
from facility.quality import REASON_CLOCK, Quality

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
Event = tuple[int, float | str | None]

CHUNK: Final = 1 << 15
FOR_ALL: Final = 1 << 62


def chunks(pieces: Iterable[Samples]) -> Iterator[Samples]:
    """Cut samples into pieces that stay in the processor's cache."""
    for samples in pieces:
        for first in range(0, len(samples), CHUNK):
            part = slice(first, first + CHUNK)
            yield Samples(
                samples.facility,
                samples.signal,
                samples.time_ns[part],
                samples.value[part],
                samples.quality[part],
                None if samples.state is None else samples.state[part],
                None if samples.reason is None else samples.reason[part],
                samples.words,
            )


def good_of(samples: Samples, spec: SeriesSpec) -> Bool | None:
    """Return which samples are good; None: all."""
    doubted = samples.quality == Quality.BAD
    if samples.reason is not None and REASON_CLOCK in samples.words:
        doubted |= (samples.quality == Quality.UNCERTAIN) & (samples.reason == samples.words.index(REASON_CLOCK))
    if spec.kind == "number":
        # Not a number fails the first comparison.
        doubted |= ~(samples.value <= min(spec.physical_max, np.finfo(float).max)) | (samples.value == -np.inf)
    elif samples.state is None:
        doubted[:] = True
    else:
        doubted |= samples.state == NO_WORD
    return ~doubted if doubted.any() else None


@dataclass(slots=True)
class Holds:
    """Turns keys of samples that follow each other into events; a key is equal where nothing can change."""

    hold_ns: int | None
    cuts: Int64
    """Increasing: where holds that began before end."""
    last_ns: int | None = None
    last_key: int | None = None
    """Key of what holds; None: nothing does."""
    starts: list[int] = field(default_factory=list[int])
    indices: list[int] = field(default_factory=list[int])

    def feed(self, times: Int64, keys: Int64) -> list[tuple[int, int | None]]:
        """Return (time, index of the sample, or None for unknown) for each change."""
        if not len(times):
            return []
        found: list[tuple[int, int | None]] = []
        broken = self.breaks(times)
        changed = np.empty(len(keys), bool)
        changed[0] = self.last_key is None or keys[0] != self.last_key
        np.not_equal(keys[1:], keys[:-1], out=changed[1:])
        ends = dict(broken)
        picked = np.flatnonzero(changed).tolist()
        for i in sorted({*picked, *ends}):
            if i in ends and (i > 0 or self.last_ns is not None):
                found.append((ends[i], None))
            found.append((int(times[i]), i))
        self.last_ns, self.last_key = int(times[-1]), int(keys[-1])
        return found

    def end(self, end_ns: int) -> int | None:
        """Return where the last hold ends before `end_ns`; None: it does not."""
        if self.last_ns is None:
            return None
        first = int(np.searchsorted(self.cuts, self.last_ns, side="right"))
        ends: list[int] = self.cuts[first : first + 1].tolist()
        if self.hold_ns is not None:
            ends.append(self.last_ns + self.hold_ns)
        return min((t for t in ends if t < end_ns), default=None)

    def quiet(self, times: Int64, key: int) -> bool:
        """Whether samples that all have one key change nothing."""
        return self.last_key == key and not self.breaks(times)

    def breaks(self, times: Int64) -> list[tuple[int, int]]:
        """Return (index of a sample, where the hold before it had ended) for each gap."""
        before = times[0] if self.last_ns is None else self.last_ns
        found: dict[int, int] = {}
        if self.hold_ns is not None:
            steps = np.diff(times, prepend=before)
            if int(steps.max()) > self.hold_ns:
                for i in np.flatnonzero(steps > self.hold_ns).tolist():
                    found[i] = (int(times[i - 1]) if i else int(before)) + self.hold_ns
        first, last = np.searchsorted(self.cuts, [before, times[-1]], side="right").tolist()
        inside: list[int] = self.cuts[first:last].tolist()
        for cut in inside:
            i = int(np.searchsorted(times, cut, side="left"))
            if i < len(times) and cut < times[i]:
                found[i] = min(cut, found.get(i, cut))
        return sorted(found.items())


def number_events(
    pieces: Iterable[Samples], spec: SeriesSpec, cuts: Int64, thresholds: Float64, end_ns: int, most: int = FOR_ALL
) -> list[Event] | None:
    """Return where a number crosses one of the thresholds, or is not known; None: at more than `most` instants."""
    holds, events = Holds(spec.hold_ns, cuts), list[Event]()
    for samples in chunks(pieces):
        good = good_of(samples, spec)
        times, values = (
            (samples.time_ns, samples.value) if good is None else (samples.time_ns[good], samples.value[good])
        )
        if not len(times):
            continue
        low, high = _keys(thresholds, np.array([values.min(), values.max()])).tolist()
        if low == high and holds.quiet(times, low):
            holds.last_ns = int(times[-1])
            continue
        for time, i in holds.feed(times, _keys(thresholds, values)):
            events.append((time, None if i is None else float(values[i])))
        if len(events) > most:
            return None
    return _ended(holds, events, end_ns)


def word_events(pieces: Iterable[Samples], spec: SeriesSpec, cuts: Int64, end_ns: int) -> list[Event]:
    """Return where a state changes, or is not known; a sample that is not good makes it unknown at once."""
    holds, events = Holds(spec.hold_ns, cuts), list[Event]()
    codes: dict[str, int] = {}
    for samples in chunks(pieces):
        good = good_of(samples, spec)
        keys = np.full(len(samples), -1, np.int64)
        if samples.state is not None:
            table = np.array([codes.setdefault(w, len(codes)) for w in samples.words] + [-1], np.int64)
            keys = table[samples.state]
        if good is not None:
            keys = np.where(good, keys, -1)
        for time, i in holds.feed(samples.time_ns, keys):
            code = -1 if i is None else int(keys[i])
            events.append((time, None if code < 0 else list(codes)[code]))
    return _ended(holds, events, end_ns)


def rate_events(
    pieces: Iterable[Samples],
    spec: SeriesSpec,
    cuts: Int64,
    window_ns: int,
    thresholds: Float64,
    end_ns: int,
    most: int = FOR_ALL,
) -> list[Event] | None:
    """Return where the rate of a number over a window crosses a threshold, or is not known; None as `number_events`."""
    holds, events = Holds(spec.hold_ns, cuts), list[Event]()
    for times, slope, known in rates_of(pieces, spec, window_ns):
        keys = np.where(known, _keys(thresholds, np.nan_to_num(slope)), -1)
        for time, i in holds.feed(times, keys):
            events.append((time, None if i is None or not known[i] else float(slope[i])))
        if len(events) > most:
            return None
    return _ended(holds, events, end_ns)


def rates_of(
    pieces: Iterable[Samples], spec: SeriesSpec, window_ns: int
) -> Iterator[tuple[Int64, Float64, NDArray[np.bool_]]]:
    """Yield stamps of good samples, the rate of change at each, per second, and whether it is known."""
    kept_t, kept_v = np.empty(0, np.int64), np.empty(0, np.float64)
    for samples in chunks(pieces):
        good = good_of(samples, spec)
        times, values = (
            (samples.time_ns, samples.value) if good is None else (samples.time_ns[good], samples.value[good])
        )
        if not len(times):
            continue
        all_t, all_v = np.concatenate([kept_t, times]), np.concatenate([kept_v, values])
        before = np.searchsorted(all_t, times - window_ns, side="right") - 1
        span = times - all_t[before]
        known = (before >= 0) & (span <= 2 * window_ns)
        slope = np.full(len(times), np.nan)
        slope[known] = (values[known] - all_v[before[known]]) / (span[known] / 1e9)
        yield times, slope, known
        keep = all_t >= times[-1] - 2 * window_ns
        kept_t, kept_v = all_t[keep], all_v[keep]


def silence_events(
    pieces: Iterable[Samples], spec: SeriesSpec, after_ns: int, start_ns: int, end_ns: int, *, any_quality: bool
) -> list[Event]:
    """Return where a series falls silent (``stale``) and comes back (``fresh``)."""
    events: list[Event] = []
    last: int | None = None
    stale = True
    for samples in chunks(pieces):
        good = None if any_quality else good_of(samples, spec)
        times = samples.time_ns if good is None else samples.time_ns[good]
        if not len(times):
            continue
        if last is None:
            events += _silent(None, int(times[0]), after_ns, start_ns)
        elif int(times[0]) - last > after_ns:
            events += _silent(last, int(times[0]), after_ns, start_ns)
            stale = True
        if stale:
            events.append((int(times[0]), "fresh"))
            stale = False
        steps = np.diff(times)
        for i in np.flatnonzero(steps > after_ns).tolist() if len(steps) and int(steps.max()) > after_ns else ():
            events += [*_silent(int(times[i]), int(times[i + 1]), after_ns, start_ns), (int(times[i + 1]), "fresh")]
        last = int(times[-1])
    return events + [e for e in _silent(last, end_ns, after_ns, start_ns) if e[0] < end_ns]


def _silent(last: int | None, until: int, after_ns: int, start_ns: int) -> list[Event]:
    """Return the events of silence after a sample (None: there was none) that lasts until an instant."""
    since = start_ns if last is None else last + after_ns
    sure = max(since, start_ns + after_ns)
    events: list[Event] = []
    if last is not None and since < sure and since < until:
        events.append((since, None))
    if sure < until:
        events.append((sure, "stale"))
    return events


def _keys(thresholds: Float64, values: Float64) -> Int64:
    """Return a number for each value: equal where no comparison with a threshold differs."""
    if not len(thresholds):
        return np.zeros(len(values), np.int64)
    left = np.searchsorted(thresholds, values, side="left")
    return (left + np.searchsorted(thresholds, values, side="right")).astype(np.int64)


def _ended(holds: Holds, events: list[Event], end_ns: int) -> list[Event]:
    end = holds.end(end_ns)
    return events if end is None else [*events, (end, None)]
