"""Intake: everything from outside is validated here, on columns, before it may land.

Strict: nothing is coerced, nothing is thrown away in silence. What is wrong is rejected with its cause and
counted; what is merely doubtful (a stamp in the future) is kept and marked.
"""

import logging
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from collector.arrival import Arrival
from collector.causes import Cause
from facility.batch import NO_WORD, Batch
from facility.errors import DataError
from facility.profile import Profile
from facility.quality import QUALITY_WORDS, REASON_CLOCK, REASON_TOO_EARLY, Quality
from facility.sentence import Sentence
from facility.signals import LINK_WORDS, link_signal
from facility.source import Delivery, LinkReport, Rejection
from facility.time import EARLIEST_NS, LATEST_NS, Clock, format_time, to_ns
from facility.word import word_problem

_LOG: Final = logging.getLogger(__name__)


_KEPT_SAMPLES = 100
"""How many samples of one rejection go into its payload, at most; all are counted."""
_KEPT_BYTES = 64 * 1024
_KEPT_CHARACTERS = 60_000
"""At most so many characters of their words are kept."""
_LONGEST_WORD_SHOWN = 80

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
        Gives the time that stamps are compared with.
    clock_tolerance_s
        How far in the future a stamp may lie before its sample is no more than `uncertain`, seconds.
    """

    def __init__(
        self, profile: Profile, source_ids: Collection[str], clock: Clock, clock_tolerance_s: float = 2.0
    ) -> None:
        self._facility = profile.id
        self._earliest_ns = profile.earliest_ns
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
                Sentence(
                    "source {source_id} delivers samples of facility {facility!r}, and this is "
                    "{ours!r}: run one kado for each facility",
                    source_id=source_id,
                    facility=batch.facility,
                    ours=self._facility,
                )
            )
        accepted, rejected = self._accept(batch)
        return Arrival(source_id, accepted, (*delivery.rejected, *rejected))

    def _accept(self, batch: Batch) -> tuple[Batch | None, tuple[Rejection, ...]]:
        """Split a batch. Where the check itself fails, try each half, until the failing sample is alone."""
        try:
            return self._split(batch)
        except Exception as error:
            if len(batch) == 1:
                return None, (self._failed(batch, error),)
        middle = len(batch) // 2
        rows = np.arange(len(batch))
        first, first_rejected = self._accept(batch.take(rows[:middle]))
        second, second_rejected = self._accept(batch.take(rows[middle:]))
        accepted = [part for part in (first, second) if part is not None]
        return Batch.concat(accepted) if accepted else None, first_rejected + second_rejected

    def _split(self, batch: Batch) -> tuple[Batch | None, tuple[Rejection, ...]]:
        rejected: list[Rejection] = []
        good = np.ones(len(batch), np.bool_)
        for cause, wrong in self._faults(batch):
            wrong &= good
            if wrong.any():
                rejected += self._rejections(batch, wrong, cause)
                good &= ~wrong
        if not good.all():
            if not good.any():
                return None, tuple(rejected)
            batch = _without_unused_words(batch.take(good))
        return self._mark_times(batch), tuple(rejected)

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
        if bool((batch.reason != NO_WORD).any()):
            yield Cause.UNSTORABLE, _unstorable_reasons(batch)

    def _allowed(self, batch: Batch) -> Mask:
        """Whether each sample's state is one of its signal's words; meaningless for numbers."""
        # Only pairs that occur: signals times words may be a thousand times more.
        width = len(batch.words) + 1
        pairs, which = np.unique(batch.signal.astype(np.int64) * width + batch.state + 1, return_inverse=True)
        vocabularies = [self._words.get(signal) or frozenset[str]() for signal in batch.signals]
        found: list[int] = pairs.tolist()
        allowed = [
            word > 0 and batch.words[word - 1] in vocabularies[signal]
            for signal, word in (divmod(pair, width) for pair in found)
        ]
        return np.array(allowed, np.bool_)[which]

    def _mark_times(self, batch: Batch) -> Batch:
        """Make samples `uncertain` at best whose stamp cannot be true: in the future, or before there was a signal."""
        batch = _mark(batch, batch.time_ns > self._clock() + self._tolerance_ns, REASON_CLOCK)
        return _mark(batch, batch.time_ns < self._earliest_ns, REASON_TOO_EARLY)

    def _rejections(self, batch: Batch, wrong: Mask, cause: Cause) -> Iterator[Rejection]:
        """Yield one rejection for each signal; its payload holds the samples as JSON, so that it can be replayed."""
        arrival_ns = self._clock()
        codes: list[int] = np.unique(batch.signal[wrong]).tolist()
        for code in codes:
            rows: list[int] = np.flatnonzero(wrong & (batch.signal == code)).tolist()
            samples = _kept(batch, rows)
            yield Rejection(
                cause=cause,
                address=batch.signals[code],
                payload=msgspec.json.encode(samples)[:_KEPT_BYTES],
                detail=self._detail(batch, rows[0], cause, len(rows)),
                arrival_ns=arrival_ns,
                count=len(rows),
            )

    def _failed(self, batch: Batch, error: Exception) -> Rejection:
        """Return the rejection of a single sample on which the checks themselves fail: a defect in kado."""
        signal = batch.signals[int(batch.signal[0])] if 0 <= int(batch.signal[0]) < len(batch.signals) else "?"
        _LOG.error("a sample of %s is set aside as a dead letter: checking it failed", signal, exc_info=error)
        detail = f"{signal}: checking the sample failed ({type(error).__name__}: {error}): report it"
        return Rejection(Cause.PROCESSING_FAILED, signal, repr(batch).encode()[:1000], detail[:500], self._clock())

    def _detail(self, batch: Batch, row: int, cause: Cause, count: int) -> str:
        signal = batch.signals[int(batch.signal[row])]
        state = int(batch.state[row])
        value = repr(float(batch.value[row])) if state == NO_WORD else repr(_short(batch.words[state]))
        words = self._words.get(signal)
        match cause:
            case Cause.UNKNOWN_SIGNAL:
                text = f"{self._facility} has no signal {signal!r}: correct the mapping, or add it to the profile"
            case Cause.TIME_OUT_OF_RANGE:
                text = f"{signal} is stamped {int(batch.time_ns[row])} ns, outside the years 1678 to 2261"
            case Cause.UNKNOWN_QUALITY:
                text = f"{signal} has quality {int(batch.quality[row])}: use {', '.join(QUALITY_WORDS)}"
            case Cause.WRONG_TYPE:
                wanted = "a number" if words is None else f"one of the states {', '.join(sorted(words))}"
                text = f"{signal} = {value}, and the profile wants {wanted}"
            case Cause.NOT_FINITE:
                text = f"{signal} = {value}: only a sample of quality bad may have no number (NaN), none is infinite"
            case Cause.UNSTORABLE:
                reason = batch.words[int(batch.reason[row])]
                text = f"{signal}: its reason {_short(reason)!r} {word_problem(reason)}: the source must send another"
            case Cause.UNKNOWN_STATE:
                text = f"{signal} = {value} is not one of its states: {', '.join(sorted(words or ()))}"
            case _:
                text = f"{signal}: {cause.words.en}"
        at = "" if cause == Cause.TIME_OUT_OF_RANGE else f" (at {format_time(int(batch.time_ns[row]))})"
        return text + at + (f"; and {count - 1} more" if count > 1 else "")


def _mark(batch: Batch, doubted: Mask, reason: str) -> Batch:
    if not doubted.any():
        return batch
    words = batch.words if reason in batch.words else (*batch.words, reason)
    quality = np.where(doubted, np.maximum(batch.quality, Quality.UNCERTAIN), batch.quality).astype(np.uint8)
    codes = np.where(doubted, words.index(reason), batch.reason).astype(np.int32)
    return replace(batch, words=words, quality=quality, reason=codes)


def _unstorable_reasons(batch: Batch) -> Mask:
    used: list[int] = np.unique(batch.reason[batch.reason != NO_WORD]).tolist()
    wrong = [code for code in used if word_problem(batch.words[code])]
    return np.isin(batch.reason, wrong)


def _without_unused_words(batch: Batch) -> Batch:
    """Drop the words of samples that were rejected: no store has to hold them."""
    used: list[int] = np.union1d(batch.state, batch.reason).tolist()
    used = [code for code in used if code != NO_WORD]
    if len(used) == len(batch.words):
        return batch
    # The extra last entry makes index -1 (none) map to -1.
    new = np.full(len(batch.words) + 1, NO_WORD, np.int32)
    new[used] = np.arange(len(used))
    words = tuple(batch.words[code] for code in used)
    return replace(batch, words=words, state=new[batch.state], reason=new[batch.reason])


def _kept(batch: Batch, rows: list[int]) -> list[dict[str, str | int | float | None]]:
    """Return the first samples of a rejection, as many as a dead letter holds."""
    kept: list[dict[str, str | int | float | None]] = []
    left = _KEPT_CHARACTERS
    for row in rows[:_KEPT_SAMPLES]:
        sample = _sample(batch, row)
        left -= len(sample["value"]) if isinstance(sample["value"], str) else 0
        if kept and left < 0:
            break
        kept.append(sample)
    return kept


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD_SHOWN else word[: _LONGEST_WORD_SHOWN - 3] + "..."


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
