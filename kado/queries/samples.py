"""Samples of signals for drawing: numbers as buckets, states as stretches of time with one word."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from facility.batch import Samples
from facility.errors import PeriodError, ProfileError
from facility.profile import Profile
from facility.quality import Quality
from facility.sentence import Sentence
from facility.signals import Signal
from facility.time import NS_PER_DAY, format_time
from kado.queries.identity import identity
from storage.store import Buckets, TelemetryStore

MOST_BUCKETS: Final = 2000
MOST_STRETCHES: Final = 2000
_NS_PER_MS: Final = 1_000_000
_LONGEST_YEARS: Final = 40


@dataclass(frozen=True, slots=True)
class SignalBuckets:
    """A number signal over a stretch of time."""

    profile: Profile
    signal: Signal
    start_ns: int
    end_ns: int
    buckets: Buckets


@dataclass(frozen=True, slots=True)
class SignalStretches:
    """A state signal over a stretch of time."""

    profile: Profile
    signal: Signal
    start_ns: int
    end_ns: int
    stretches: tuple[tuple[int, int, str], ...]
    """Start, end, word; unknown time is left out."""
    left_out: int
    """Stretches beyond the most that are given; the shortest ones are left out."""


def load_buckets(
    store: TelemetryStore, profile: Profile, signal: str, span: tuple[int, int], count: int
) -> SignalBuckets:
    """Cut a number signal into at most `count` buckets.

    Raises
    ------
    ProfileError
        If the facility has no such number signal.
    PeriodError
        If the span does not end after its start.
    """
    found = profile.signal(signal)
    if found.type != "number":
        raise ProfileError(
            Sentence("signal {signal!r} is a state, which has no mean: ask for its states", signal=signal)
        )
    start_ns, end_ns = _checked(span)
    return SignalBuckets(profile, found, start_ns, end_ns, store.buckets(signal, start_ns, end_ns, count))


def load_stretches(
    store: TelemetryStore, profile: Profile, signal: str, span: tuple[int, int], now_ns: int
) -> SignalStretches:
    """Return when a state signal had which word; raises as `load_buckets`."""
    found = profile.signal(signal)
    if found.type != "state":
        raise ProfileError(Sentence("signal {signal!r} is a number: ask for its buckets", signal=signal))
    start_ns, end_ns = _checked(span)
    samples = store.read(signal, start_ns, end_ns, hold=True)
    stretches = _stretches(samples, found, start_ns, min(end_ns, now_ns))
    kept = sorted(sorted(stretches, key=lambda s: s[0] - s[1])[:MOST_STRETCHES])
    return SignalStretches(profile, found, start_ns, end_ns, tuple(kept), len(stretches) - len(kept))


def buckets_document(found: SignalBuckets) -> dict[str, Any]:
    """Return the same for programs: columns of equal length, times in milliseconds of the epoch."""
    signal, b = found.signal, found.buckets
    stale_ns = signal.stale_after_ns
    return {
        **_head(found.profile, signal, found.start_ns, found.end_ns),
        "width_ms": b.width_ns / _NS_PER_MS,
        "holds_ms": None if stale_ns is None else stale_ns / _NS_PER_MS,
        "start_ms": (b.start_ns // _NS_PER_MS).tolist(),
        "count": b.count.tolist(),
        **{name: _rounded(values) for name, values in (("mean", b.mean), ("min", b.min), ("max", b.max))},
    }


def stretches_document(found: SignalStretches) -> dict[str, Any]:
    """Return the same for programs, times in milliseconds of the epoch."""
    return {
        **_head(found.profile, found.signal, found.start_ns, found.end_ns),
        "words": list(found.signal.words),
        "stretches": [
            {"start_ms": start // _NS_PER_MS, "end_ms": end // _NS_PER_MS, "word": word}
            for start, end, word in found.stretches
        ],
        "stretches_left_out": found.left_out,
    }


def _head(profile: Profile, signal: Signal, start_ns: int, end_ns: int) -> dict[str, Any]:
    label = signal.label
    return {
        **identity(profile),
        "signal": signal.id,
        "label": {"en": signal.id, "ja": signal.id} if label is None else {"en": label.en, "ja": label.ja},
        "unit": signal.unit,
        "start": format_time(start_ns, profile.zone),
        "end": format_time(end_ns, profile.zone),
    }


def _checked(span: tuple[int, int]) -> tuple[int, int]:
    start_ns, end_ns = span
    if end_ns <= start_ns:
        raise PeriodError(Sentence("the end must be after the start"))
    if end_ns - start_ns > _LONGEST_YEARS * 366 * NS_PER_DAY:
        raise PeriodError(Sentence("the span is longer than {n} years: give a shorter one", n=_LONGEST_YEARS))
    return start_ns, end_ns


def _rounded(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    """Return values with seven digits, far more than a chart shows, in a third of the bytes."""
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values.tolist()]


def _stretches(samples: Samples, signal: Signal, start_ns: int, end_ns: int) -> list[tuple[int, int, str]]:
    found = list[tuple[int, int, str]]()
    stale_ns = signal.stale_after_ns
    if samples.state is None:
        return found
    times, states, qualities = samples.time_ns.tolist(), samples.state.tolist(), samples.quality.tolist()
    for i, time_ns in enumerate(times):
        until = times[i + 1] if i + 1 < len(times) else end_ns
        if stale_ns is not None:
            until = min(until, time_ns + stale_ns)
        start, end = max(time_ns, start_ns), min(until, end_ns)
        if end <= start or qualities[i] == Quality.BAD or states[i] < 0:
            continue
        word = samples.words[int(states[i])]
        if found and found[-1][1] == start and found[-1][2] == word:
            found[-1] = (found[-1][0], end, word)
        else:
            found.append((start, end, word))
    return found
