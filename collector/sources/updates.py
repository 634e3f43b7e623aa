"""From what a control system says to samples: conversion, stamps that cannot be true, initial values."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from collector.causes import Cause
from collector.sources.channels import Channels
from collector.sources.initial_values import InitialValues
from facility.batch import NO_WORD, Batch, Float64, Int32, Int64, UInt8
from facility.quality import REASON_CLOCK, Quality
from facility.source import Rejection

Stamp = Literal["source", "arrival"]
"""Whose time stamp a sample gets."""

NO_STAMP: Final = 0
"""In a column of times: the source gives none."""
EARLIEST_TRUE_NS: Final = 946_684_800_000_000_000
"""2000-01-01. A stamp before it is that of a clock that was never set (1970, 1990), not of a measurement."""
INITIAL: Final = "initial"
"""Reason of a value that was delivered on connecting and is stamped with that moment."""
NOT_FINITE: Final = "not_finite"
"""Reason of the bad sample that a source's NaN or infinity becomes."""
DISCONNECTED: Final = "disconnected"
"""Reason of the bad sample that ends what a channel said before it was lost."""


@dataclass(slots=True)
class Columns:
    """Updates of several channels, in order of arrival; all columns of equal length."""

    code: Int32
    """(n,) channel."""
    time_ns: Int64
    """(n,) the source's stamp, UTC ns; `NO_STAMP` for none."""
    number: Float64
    """(n,) NaN for a text, and where there is no number."""
    text: Sequence[str | None] | None = None
    """(n,) what a state says; None where no update is a text."""
    quality: UInt8 | None = None
    """(n,) None: all are good."""
    reason: Sequence[str | None] | None = None
    """(n,) the source's own word for the quality; None where no update has one."""

    def take(self, rows: Sequence[int]) -> "Columns":
        """Return some of the updates."""
        which = np.array(rows, np.int64)
        return Columns(
            self.code[which],
            self.time_ns[which],
            self.number[which],
            None if self.text is None else [self.text[row] for row in rows],
            None if self.quality is None else self.quality[which],
            None if self.reason is None else [self.reason[row] for row in rows],
        )


def to_samples(
    channels: Channels,
    columns: Columns,
    arrival_ns: int,
    *,
    stamp: Stamp = "source",
    initial: InitialValues | None = None,
) -> tuple[Batch | None, tuple[Rejection, ...]]:
    """Return the samples of updates, and what cannot be one.

    Parameters
    ----------
    arrival_ns
        When they came, UTC ns.
    stamp
        ``arrival``: their own stamps are not asked for.
    initial
        Knows which updates were delivered because of the connection, not because of a change.
    """
    n = len(columns.code)
    quality = np.zeros(n, np.uint8) if columns.quality is None else columns.quality
    words = _Words()
    reason = np.full(n, NO_WORD, np.int32) if columns.reason is None else words.codes(columns.reason)
    time_ns = columns.time_ns
    if stamp == "arrival":
        time_ns = np.full(n, arrival_ns, np.int64)
    elif bool((untrue := time_ns < EARLIEST_TRUE_NS).any()):
        # Kept, because it arrived just now; not used in figures, because it is not known when it was measured.
        time_ns = np.where(untrue, arrival_ns, time_ns)
        quality = np.where(untrue, np.maximum(quality, Quality.UNCERTAIN), quality).astype(np.uint8)
        reason = np.where(untrue & (reason == NO_WORD), words.code(REASON_CLOCK), reason).astype(np.int32)
    number = columns.number
    if channels.converts:
        number = number * channels.scale[columns.code] + channels.offset[columns.code]
    state = np.full(n, NO_WORD, np.int32)
    if channels.has_states:
        number, state = _states(channels, columns, number, words)
    fine, rejected = _wrong_types(channels, columns, state, quality, arrival_ns)
    no_number = ~np.isfinite(number) & ~channels.states[columns.code] & fine
    if bool(no_number.any()):
        doubted = no_number & (quality != Quality.BAD)
        quality = np.where(no_number, Quality.BAD, quality).astype(np.uint8)
        reason = np.where(doubted, words.code(NOT_FINITE), reason).astype(np.int32)
        number = np.where(no_number, np.nan, number)
    code = columns.code
    if initial is not None and stamp == "source" and (again := initial.again(code, time_ns, arrival_ns)) is not None:
        rows = np.concatenate([np.arange(n), again[0]])
        code, time_ns, number, state = code[rows], time_ns[rows], number[rows], state[rows]
        quality, reason, fine = quality[rows], reason[rows], fine[rows]
        time_ns[n:] = again[1]
        reason[n:] = np.where(reason[n:] == NO_WORD, words.code(INITIAL), reason[n:])
    batch = Batch(
        facility=channels.facility,
        signals=channels.signals,
        words=words.vocabulary,
        signal=code,
        time_ns=time_ns,
        arrival_ns=np.full(len(code), arrival_ns, np.int64),
        value=number,
        state=state,
        quality=quality,
        reason=reason,
    )
    if fine.all():
        return batch, rejected
    return (batch.take(fine) if fine.any() else None), rejected


class _Words:
    """The words of a batch while it is made."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    @property
    def vocabulary(self) -> tuple[str, ...]:
        return tuple(self._codes)

    def code(self, word: str) -> int:
        return self._codes.setdefault(word, len(self._codes))

    def codes(self, words: Sequence[str | None]) -> Int32:
        return np.array([NO_WORD if word is None else self.code(word) for word in words], np.int32)


def _states(channels: Channels, columns: Columns, number: Float64, words: _Words) -> tuple[Float64, Int32]:
    """Return numbers without those of states, and the code of each state's word."""
    n = len(columns.code)
    state = np.full(n, NO_WORD, np.int32)
    rows: list[int] = np.flatnonzero(channels.states[columns.code]).tolist()
    codes: list[int] = columns.code.tolist()
    number = number.copy()
    for row in rows:
        text = None if columns.text is None else columns.text[row]
        if text is None and not np.isnan(columns.number[row]):
            text = _numeral(float(columns.number[row]))
        if text is not None:
            state[row] = words.code(channels.words[codes[row]].get(text, text))
        number[row] = np.nan
    return number, state


def _numeral(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(number)


def _wrong_types(
    channels: Channels, columns: Columns, state: Int32, quality: UInt8, arrival_ns: int
) -> tuple[NDArray[np.bool_], tuple[Rejection, ...]]:
    """Return which updates can be samples, and the others: a text that a number signal says."""
    fine = np.ones(len(columns.code), np.bool_)
    if columns.text is None:
        return fine, ()
    rejected: list[Rejection] = []
    codes: list[int] = columns.code.tolist()
    for row, (text, code) in enumerate(zip(columns.text, codes, strict=True)):
        if text is not None and not channels.states[code]:
            fine[row] = False
            detail = (
                f"{channels.addresses[code]} says {text!r}, and signal {channels.signals[code]!r} is a number:"
                " map it to a state signal, or name another channel"
            )
            payload = json.dumps({"value": text, "time": int(columns.time_ns[row])}).encode()
            rejected.append(Rejection(Cause.WRONG_TYPE, channels.addresses[code], payload, detail, arrival_ns))
    return fine, tuple(rejected)
