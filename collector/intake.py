"""Intake: everything from outside is validated here, on columns, before it may land.

Strict: nothing is coerced, nothing is thrown away in silence. What is wrong is rejected with its cause and
counted; what is merely doubtful (a stamp in the future) is kept and marked.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from collector.arrival import Arrival
from collector.causes import Cause
from facility.batch import NO_WORD, Batch
from facility.errors import DataError
from facility.profile import Profile
from facility.quality import QUALITY_WORDS, REASON_CLOCK, Quality
from facility.signals import LINK_WORDS, link_signal
from facility.source import Delivery, LinkReport, Rejection
from facility.time import MAX_NS, MIN_NS, Clock, format_time, to_ns

# Both stores can hold these: InfluxDB reserves the outermost values of an int64.
EARLIEST_NS = MIN_NS + 1
LATEST_NS = MAX_NS - 1

_KEPT_SAMPLES = 100
"""How many samples of one rejection go into its payload; all are counted."""

Mask = NDArray[np.bool_]


class Intake:
    """Checks what sources deliver against what the facility measures.

    Parameters
    ----------
    profile
        Says which signals there are, which are numbers, and which words a state has.
    source_ids
        The configured sources; each one's link is a state signal, ``<id>_link``.
    clock
        Tells the time that stamps are compared with.
    clock_tolerance_s
        How far in the future a stamp may lie before its sample is no more than `uncertain`, seconds.
    """

    def __init__(
        self, profile: Profile, source_ids: Collection[str], clock: Clock, clock_tolerance_s: float = 2.0
    ) -> None:
        self._facility = profile.id
        self._clock = clock
        self._tolerance_ns = to_ns(clock_tolerance_s)
        # The words of each state signal; None: it is a number.
        self._words: dict[str, frozenset[str] | None] = {
            s.id: frozenset(s.words) if s.type == "state" else None for s in profile.signals
        }
        self._words |= {link_signal(source): frozenset(LINK_WORDS) for source in source_ids}

    def check(self, source_id: str, delivery: Delivery) -> Arrival:
        """Split a delivery into what may be stored and what is rejected, with causes.

        Raises
        ------
        DataError
            If the batch is of another facility: sources of two facilities are never mixed.
        """
        batch = delivery.batch
        if batch is None or not len(batch):
            return Arrival(source_id, None, delivery.rejected)
        if batch.facility != self._facility:
            raise DataError(
                f"source {source_id} delivers samples of facility {batch.facility!r}, and this is"
                f" {self._facility!r}: run one kado for each facility"
            )
        rejected = list(delivery.rejected)
        good = np.ones(len(batch), np.bool_)
        for cause, wrong in self._faults(batch):
            wrong &= good
            if wrong.any():
                rejected += self._rejections(batch, wrong, cause)
                good &= ~wrong
        if not good.all():
            batch = batch.take(good) if good.any() else None
        return Arrival(source_id, None if batch is None else self._mark_future(batch), tuple(rejected))

    def link(self, source_id: str, report: LinkReport) -> Arrival:
        """Return the sample of ``<source>_link`` that a report stands for."""
        words = tuple(dict.fromkeys([report.state, report.reason]))
        batch = Batch.build(
            self._facility,
            [link_signal(source_id)],
            [0],
            [report.time_ns],
            state=[0],
            reason=[words.index(report.reason) if report.reason else NO_WORD],
            words=words if report.reason else words[:1],
        )
        return Arrival(source_id, batch)

    def _faults(self, batch: Batch) -> Iterator[tuple[Cause, Mask]]:
        """Yield each cause with the samples that it applies to; a sample is rejected for its first."""
        known = np.array([s in self._words for s in batch.signals], np.bool_)[batch.signal]
        yield Cause.UNKNOWN_SIGNAL, ~known
        yield Cause.TIME_OUT_OF_RANGE, (batch.time_ns < EARLIEST_NS) | (batch.time_ns > LATEST_NS)
        yield Cause.UNKNOWN_QUALITY, batch.quality > Quality.BAD
        states = np.array([self._words.get(s) is not None for s in batch.signals], np.bool_)[batch.signal]
        worded = batch.state != NO_WORD
        nan = np.isnan(batch.value)
        yield Cause.WRONG_TYPE, np.where(states, ~nan, worded)
        bad = batch.quality == Quality.BAD
        yield Cause.NOT_FINITE, ~states & ~np.isfinite(batch.value) & ~(nan & bad)
        if states.any():
            yield Cause.MISSING_VALUE, states & ~worded & ~bad
            yield Cause.UNKNOWN_STATE, states & worded & ~self._allowed(batch)

    def _allowed(self, batch: Batch) -> Mask:
        """Whether each sample's state is one of its signal's words; meaningless for numbers."""
        table = np.array([[w in (self._words.get(s) or ()) for w in batch.words] for s in batch.signals], np.bool_)
        if not batch.words:
            return np.zeros(len(batch), np.bool_)
        return table[batch.signal, batch.state]

    def _mark_future(self, batch: Batch) -> Batch:
        """Make samples stamped beyond the clock tolerance `uncertain` at best, reason ``clock``."""
        future = batch.time_ns > self._clock() + self._tolerance_ns
        if not future.any():
            return batch
        words = batch.words if REASON_CLOCK in batch.words else (*batch.words, REASON_CLOCK)
        quality = np.where(future, np.maximum(batch.quality, Quality.UNCERTAIN), batch.quality).astype(np.uint8)
        reason = np.where(future, words.index(REASON_CLOCK), batch.reason).astype(np.int32)
        return replace(batch, words=words, quality=quality, reason=reason)

    def _rejections(self, batch: Batch, wrong: Mask, cause: Cause) -> Iterator[Rejection]:
        """Yield one rejection for each signal; its payload holds the samples as JSON, so that it can be replayed."""
        arrival_ns = self._clock()
        codes: list[int] = np.unique(batch.signal[wrong]).tolist()
        for code in codes:
            rows: list[int] = np.flatnonzero(wrong & (batch.signal == code)).tolist()
            samples = [_sample(batch, row) for row in rows[:_KEPT_SAMPLES]]
            yield Rejection(
                cause=cause,
                address=batch.signals[code],
                payload=msgspec.json.encode(samples),
                detail=self._detail(batch, rows[0], cause, len(rows)),
                arrival_ns=arrival_ns,
                count=len(rows),
            )

    def _detail(self, batch: Batch, row: int, cause: Cause, count: int) -> str:
        signal = batch.signals[int(batch.signal[row])]
        state = int(batch.state[row])
        value = repr(float(batch.value[row])) if state == NO_WORD else repr(batch.words[state])
        words = self._words.get(signal)
        match cause:
            case Cause.UNKNOWN_SIGNAL:
                text = f"{self._facility} has no signal {signal!r}: mend the mapping, or add it to the profile"
            case Cause.TIME_OUT_OF_RANGE:
                text = f"{signal} is stamped {int(batch.time_ns[row])} ns, outside the years 1678 to 2261"
            case Cause.UNKNOWN_QUALITY:
                text = f"{signal} has quality {int(batch.quality[row])}: use {', '.join(QUALITY_WORDS)}"
            case Cause.WRONG_TYPE:
                wanted = "a number" if words is None else f"one of the states {', '.join(sorted(words))}"
                text = f"{signal} = {value}, and the profile wants {wanted}"
            case Cause.NOT_FINITE:
                text = f"{signal} = {value}: only a sample of quality bad may have no number (NaN), none is infinite"
            case Cause.UNKNOWN_STATE:
                text = f"{signal} = {value} is not one of its states: {', '.join(sorted(words or ()))}"
            case _:
                text = f"{signal}: {cause.words.en}"
        at = "" if cause == Cause.TIME_OUT_OF_RANGE else f" (at {format_time(int(batch.time_ns[row]))})"
        return text + at + (f"; and {count - 1} more" if count > 1 else "")


def _sample(batch: Batch, row: int) -> dict[str, str | int | float | None]:
    state = int(batch.state[row])
    value = float(batch.value[row])
    quality = int(batch.quality[row])
    return {
        "signal": batch.signals[int(batch.signal[row])],
        "time": int(batch.time_ns[row]),
        # JSON has no NaN and no infinity: they are kept as text.
        "value": batch.words[state] if state != NO_WORD else value if np.isfinite(value) else repr(value),
        "quality": QUALITY_WORDS[quality] if quality < len(QUALITY_WORDS) else quality,
    }
