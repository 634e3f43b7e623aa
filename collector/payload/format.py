"""What every payload format shares: messages in, columns and rejections out."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec
import numpy as np

from collector.causes import Cause
from collector.payload.timestamps import to_nanoseconds
from facility.batch import NO_WORD, Batch, Float64, Int32
from facility.profile import Profile
from facility.quality import QUALITY_WORDS, Quality
from facility.source import Rejection

KEPT_BYTES = 64 * 1024
"""Of a rejected payload, so much is kept as a dead letter."""
KEPT_OF_ONE_PAYLOAD = 100
"""Rejections of one payload for one cause that are kept apart; the others are counted with the last of them."""
_LONGEST_TEXT = 500
"""Characters of an address or a detail."""
_ARRAY = re.compile(rb"\s*\[")

_QUALITY_CODE = {word: code for code, word in enumerate(QUALITY_WORDS)}


class Message(Protocol):
    """A message as its client made it."""

    @property
    def topic(self) -> str:
        """Where it was published."""
        ...

    @property
    def payload(self) -> bytes:
        """What was published."""
        ...

    @property
    def dup(self) -> bool:
        """Whether the broker delivers it again: it may have waited."""
        ...

    @property
    def retain(self) -> bool:
        """Whether the broker kept it from before we subscribed: it may be of any age."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """The signal that a topic, or a part of its payload, is mapped to."""

    signal: str
    code: int
    """Index into the signals of every batch."""
    is_state: bool


@dataclass(frozen=True, slots=True)
class Targets:
    """All signals of a source, in the order of their codes."""

    facility: str
    signals: tuple[str, ...]
    states: tuple[bool, ...]

    @classmethod
    def of(cls, profile: Profile, signals: Sequence[str]) -> "Targets":
        """Look signals up in the profile.

        Raises
        ------
        ProfileError
            If it lacks one.
        """
        return cls(profile.id, tuple(signals), tuple(profile.signal(s).type == "state" for s in signals))

    def target(self, signal: str) -> Target:
        """Return a signal with its code."""
        code = self.signals.index(signal)
        return Target(signal, code, self.states[code])


class PayloadFormat(Protocol):
    """Reads one format; made once for a connection."""

    def decode(self, messages: Sequence[Message], arrival_ns: int) -> tuple[Batch | None, tuple[Rejection, ...]]:
        """Return the samples of messages, in order, and what had to be rejected."""
        ...


@dataclass(slots=True)
class Rejected:
    """Rejections while messages are decoded."""

    arrival_ns: int
    found: list[Rejection] = field(default_factory=list[Rejection])
    _last_of: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    _apart: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    _more: Counter[int] = field(default_factory=Counter[int])

    def add(
        self, cause: Cause, address: str, payload: bytes, detail: str, count: int = 1, *, within: object = None
    ) -> None:
        """Reject a payload, or a part of one; `within` is the object that all parts of one payload share."""
        if within is not None:
            key = (cause, id(within))
            if self._apart[key] >= KEPT_OF_ONE_PAYLOAD:
                self._more[self._last_of[key]] += count
                return
            self._apart[key] += 1
            self._last_of[key] = len(self.found)
        self.found.append(Rejection(cause, _text(address), payload[:KEPT_BYTES], _text(detail), self.arrival_ns, count))

    def all(self) -> tuple[Rejection, ...]:
        """Return what was rejected, in order."""
        for place, more in self._more.items():
            last = self.found[place]
            self.found[place] = replace(last, count=last.count + more, detail=f"{last.detail}; and {more} more")
        self._more.clear()
        return tuple(self.found)

    def oversized(self, message: Message, limit: int) -> None:
        """Reject a payload without looking into it."""
        self.add(
            Cause.OVERSIZED,
            message.topic,
            message.payload,
            f"{len(message.payload)} bytes, and max_payload_bytes = {limit}: raise that, or send less at once",
        )

    def unknown_topic(self, message: Message) -> None:
        """Reject a message that no signal is mapped to."""
        self.add(
            Cause.UNKNOWN_TOPIC,
            message.topic,
            message.payload,
            f"no signal is mapped to topic {message.topic!r}: add a [[source.signal]] for it, or unsubscribe"
            " the client id from it at the broker",
        )


@dataclass(slots=True)
class Rows:
    """Samples while they are decoded, still as lists; all of equal length."""

    codes: list[int] = field(default_factory=list[int])
    times: list[int | str] = field(default_factory=list[int | str])
    values: list[float | str | None] = field(default_factory=list[float | str | None])
    qualities: list[str] = field(default_factory=list[str])
    origins: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    """(topic, payload) of each, for the case that it is rejected after all."""

    def culprit(self, row: int) -> tuple[str, bytes]:
        """Return topic and payload of one sample, alone where it came in an array."""
        topic, payload = self.origins[row]
        if not _ARRAY.match(payload):
            return topic, payload
        sample = {"time": self.times[row], "value": self.values[row], "quality": self.qualities[row]}
        return topic, msgspec.json.encode(sample)


def to_batch(targets: Targets, rows: Rows, rejected: Rejected) -> Batch | None:
    """Make columns of rows, rejecting those whose time cannot be read or whose value is missing."""
    n = len(rows.codes)
    if not n:
        return None
    codes = np.array(rows.codes, np.int32)
    times_ns, bad_times = to_nanoseconds(rows.times)
    quality = np.zeros(n, np.uint8)
    if rows.qualities.count("good") != n:
        quality = np.array([_QUALITY_CODE[q] for q in rows.qualities], np.uint8)
    value, state, words = _values(targets, codes, rows.values)
    fine = np.ones(n, np.bool_)
    missing: list[int] = np.flatnonzero(np.isnan(value) & (state == NO_WORD) & (quality != Quality.BAD)).tolist()
    for row, bad in bad_times.items():
        rejected.add(bad.cause, *rows.culprit(row), bad.detail, within=rows.origins[row][1])
        fine[row] = False
    for row in missing:
        if fine[row]:
            detail = f"{targets.signals[rows.codes[row]]} has no value: null is for a sample of quality bad only"
            rejected.add(Cause.MISSING_VALUE, *rows.culprit(row), detail, within=rows.origins[row][1])
            fine[row] = False
    batch = Batch(
        facility=targets.facility,
        signals=targets.signals,
        words=words,
        signal=codes,
        time_ns=times_ns,
        arrival_ns=np.full(n, rejected.arrival_ns, np.int64),
        value=value,
        state=state,
        quality=quality,
        reason=np.full(n, NO_WORD, np.int32),
    )
    if fine.all():
        return batch
    return batch.take(fine) if fine.any() else None


def _values(
    targets: Targets, codes: Int32, values: Sequence[float | str | None]
) -> tuple[Float64, Int32, tuple[str, ...]]:
    n = len(values)
    states = np.array(targets.states, np.bool_)[codes]
    no_state = np.full(n, NO_WORD, np.int32)
    if not states.any():
        return np.array(values, np.float64), no_state, ()
    code_of: dict[str, int] = {}
    for word in values:
        if isinstance(word, str):
            code_of.setdefault(word, len(code_of))
    numbers = np.array([np.nan if isinstance(v, str) else v for v in values], np.float64)
    state = np.array([code_of[v] if isinstance(v, str) else NO_WORD for v in values], np.int32)
    return numbers, state, tuple(code_of)


def _text(text: str) -> str:
    """Return a text that can be stored, cut where it is long."""
    cut = text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."
    return cut.encode(errors="backslashreplace").decode()
