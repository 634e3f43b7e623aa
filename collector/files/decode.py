"""Columns of a file into NumPy: in bulk, and value by value only around those that cannot be read.

A value that cannot be read exactly is never guessed at; its row gets a cause. Text is read as Arrow reads it
(leading and trailing blanks apart), times also as `facility.time.parse_time` does.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.causes import Cause
from collector.files.arrow import ArrowArray, ArrowInvalid, as_text, is_text, pa, pc
from facility.batch import Float64, Int32, Int64, UInt8
from facility.errors import TimeError
from facility.quality import QUALITY_WORDS, Quality
from facility.time import MAX_NS, MIN_NS, NS_PER_S, parse_time

CAUSES = tuple(Cause)
"""What the codes in a column of causes stand for."""
FINE = -1
"""In a column of causes: none."""
CauseCodes = NDArray[np.int8]

EARLIEST_INTEGER_NS = 100_000_000 * NS_PER_S
"""Integers below this (3 March 1973) are seconds, milliseconds, microseconds or dates, not nanoseconds of a
measurement: they are refused, since as nanoseconds nearly all of them would quietly lie in January 1970."""

_INTEGER = re.compile(r"-?[0-9]{1,30}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_YEAR = re.compile(r"[0-9]{4}")
_NAIVE_NS = pa.timestamp("ns")
_UTC_NS = pa.timestamp("ns", "UTC")
_NS_OF_UNIT = {"s": NS_PER_S, "ms": 1_000_000, "us": 1000, "ns": 1}
_PIECE = 1024
"""Rows in which a value that cannot be read is looked for one by one."""
_PROBE = 16
"""Rows that a conversion is tried on first: Arrow does not stop at the first value that it cannot convert."""


def no_causes(length: int) -> CauseCodes:
    """Return a column of causes without any."""
    return np.full(length, FINE, np.int8)


def mark(causes: CauseCodes, where: NDArray[np.bool_], cause: Cause) -> None:
    """Give `cause` to the rows in `where` that have none yet."""
    causes[where & (causes == FINE)] = CAUSES.index(cause)


def nulls(column: ArrowArray) -> NDArray[np.bool_]:
    """Return which values are absent."""
    return column.is_null().to_numpy(zero_copy_only=False)


def decode_times(column: ArrowArray, assume_offset: str | None, causes: CauseCodes) -> Int64:
    """Return the stamps in UTC ns; `causes` gets what is wrong with the others.

    Parameters
    ----------
    column
        Text, integers (nanoseconds), or Arrow timestamps; a timestamp without zone is in `assume_offset`.
    assume_offset
        Offset of the times that state none; None: they are refused.
    causes
        Filled in place.
    """
    mark(causes, nulls(column), Cause.MISSING_TIME)
    if pa.types.is_timestamp(column.type):
        return _timestamps(column, assume_offset, causes)
    if pa.types.is_integer(column.type):
        stamps = _numpy(column.cast(pa.int64()), 0).astype(np.int64, copy=False)
        mark(causes, stamps < EARLIEST_INTEGER_NS, Cause.BAD_TIME)
        return stamps

    def with_zone(part: ArrowArray) -> Int64:
        return _numpy(part.cast(_UTC_NS).cast(pa.int64()), 0)

    def integers(part: ArrowArray) -> Int64:
        stamps: Int64 = _numpy(part.cast(pa.int64()), EARLIEST_INTEGER_NS)
        is_hexadecimal = pc.any(pc.match_substring(part, "x", ignore_case=True)).as_py()
        if is_hexadecimal or bool((stamps < EARLIEST_INTEGER_NS).any()):
            raise ArrowInvalid
        return stamps

    def with_offset(part: ArrowArray) -> Int64:
        return with_zone(pc.binary_join_element_wise(part, assume_offset, ""))

    stamps = np.zeros(len(column), np.int64)
    text = as_text(column)
    ways = [with_zone, integers]
    if assume_offset is not None:
        ways.append(with_offset)
    elif _all_naive(text):  # A whole file of them is common; one by one would take minutes.
        mark(causes, ~nulls(text), Cause.NAIVE_TIME)
        return stamps
    _decode(text, ways, lambda value: read_time(value, assume_offset), stamps, causes)
    return stamps


def decode_arrivals(column: ArrowArray, assume_offset: str | None, stamps: Int64, causes: CauseCodes) -> Int64:
    """Return when samples arrived, in UTC ns; where nothing is said, when they were stamped."""
    own = no_causes(len(column))
    arrivals = decode_times(column, assume_offset, own)
    absent = own == CAUSES.index(Cause.MISSING_TIME)
    mark(causes, (own != FINE) & ~absent, Cause.BAD_TIME)
    return np.where(absent, stamps, arrivals)


def decode_words(column: ArrowArray, words: tuple[str, ...]) -> tuple[Int32, tuple[str, ...]]:
    """Return text as codes of `words` and what it says beyond them, -1 where there is none; and the longer words."""
    encoded = as_text(column).dictionary_encode()
    known = dict(zip(words, range(len(words)), strict=True))
    texts: list[str | None] = encoded.dictionary.to_pylist()
    codes = np.array([*(known.setdefault(text, len(known)) if text else FINE for text in texts), FINE], np.int32)
    return codes[_numpy(encoded.indices.cast(pa.int32()), FINE)], tuple(known)


def read_time(text: str, assume_offset: str | None) -> int | Cause:
    """Read one time that did not go the fast way; return the cause if it cannot be read."""
    text = text.strip()
    if not text:
        return Cause.MISSING_TIME
    if _INTEGER.fullmatch(text):
        if not MIN_NS <= int(text) <= MAX_NS:
            return Cause.TIME_OUT_OF_RANGE
        return int(text) if int(text) >= EARLIEST_INTEGER_NS else Cause.BAD_TIME
    stamp = _read_iso(text)
    if stamp is None and assume_offset is not None:
        stamp = _read_iso(text + assume_offset)
    if stamp is not None:
        return stamp
    if assume_offset is None and (_read_iso(text + "Z") is not None or _all_naive(pa.array([text]))):
        return Cause.NAIVE_TIME
    year = _YEAR.match(text)
    return Cause.TIME_OUT_OF_RANGE if year and not 1678 <= int(year[0]) <= 2261 else Cause.BAD_TIME


def decode_signals(column: ArrowArray, known: Sequence[str], causes: CauseCodes) -> Int32:
    """Return each row's index into `known`, -1 where it is none of them."""
    codes = _codes(column, {name: code for code, name in enumerate(known)})
    mark(causes, codes == FINE, Cause.UNKNOWN_SIGNAL)
    return codes


def decode_quality(column: ArrowArray, causes: CauseCodes) -> UInt8:
    """Return each row's `Quality`; an empty one is good."""
    codes = _codes(column, {word: int(Quality.from_word(word)) for word in QUALITY_WORDS} | {"": int(Quality.GOOD)})
    codes[nulls(column)] = Quality.GOOD
    mark(causes, codes == FINE, Cause.UNKNOWN_QUALITY)
    return codes.clip(min=0).astype(np.uint8)


def decode_numbers(column: ArrowArray, quality: UInt8, causes: CauseCodes) -> Float64:
    """Return numbers as float64, exactly; NaN where a bad sample has none."""
    bad = quality == Quality.BAD
    mark(causes, nulls(column) & ~bad, Cause.MISSING_VALUE)

    def cast(part: ArrowArray) -> Float64:
        return _numpy(part.cast(pa.float64()), np.nan)

    values = np.full(len(column), np.nan)
    _decode(as_text(column) if is_text(column.type) else column, [cast], _read_number, values, causes)
    mark(causes, np.isinf(values) | (np.isnan(values) & ~bad), Cause.NOT_FINITE)
    return values


def decode_states(column: ArrowArray, words: Mapping[str, int], quality: UInt8, causes: CauseCodes) -> Int32:
    """Return states as the codes that `words` gives them; -1 where a bad sample has none."""
    bad = quality == Quality.BAD
    absent = nulls(column)
    mark(causes, absent & ~bad, Cause.MISSING_VALUE)
    if not is_text(column.type):
        mark(causes, ~absent, Cause.WRONG_TYPE)
        return np.full(len(column), FINE, np.int32)
    codes = _codes(column, words)
    mark(causes, (codes == FINE) & ~absent, Cause.UNKNOWN_STATE)
    return codes


def _read_iso(text: str) -> int | None:
    try:
        return parse_time(text)
    except TimeError:
        pass
    try:  # Arrow takes a time without minutes, which is ISO 8601 too; a row must not depend on its neighbours.
        return pa.array([text]).cast(_UTC_NS).cast(pa.int64())[0].as_py()
    except ArrowInvalid:
        return None


def _all_naive(text: ArrowArray) -> bool:
    try:
        text.slice(0, _PROBE).cast(_NAIVE_NS)
        return text.cast(_NAIVE_NS).null_count < len(text)
    except ArrowInvalid:
        return False


def _read_number(value: str | int) -> float | Cause:
    if isinstance(value, str):
        value = value.strip()
        if _DECIMAL.fullmatch(value):
            return float(value)  # As Arrow reads it, in a tenth of the time.
        if "n" not in value.lower():  # Arrow takes NaN and infinity in several spellings.
            return Cause.WRONG_TYPE
    try:
        return pa.array([value]).cast(pa.float64())[0].as_py()
    except ArrowInvalid:
        return Cause.WRONG_TYPE


def _timestamps(column: ArrowArray, assume_offset: str | None, causes: CauseCodes) -> Int64:
    factor = _NS_OF_UNIT[column.type.unit]
    stamps = _numpy(column.cast(pa.int64()), 0)
    shift = parse_time(f"1970-01-01T00:00:00{assume_offset}") if column.type.tz is None else 0
    limit = (MAX_NS - abs(shift)) // factor
    mark(causes, (stamps > limit) | (stamps < -limit), Cause.TIME_OUT_OF_RANGE)
    return stamps.clip(-limit, limit) * factor + shift


def _decode(
    column: ArrowArray,
    ways: Sequence[Callable[[ArrowArray], NDArray[Any]]],
    one: Callable[[Any], float | Cause],
    out: NDArray[Any],
    causes: CauseCodes,
) -> None:
    """Fill `out` by the first of `ways` that can read all of a column, else piece by piece, else by `one`."""
    if _in_bulk(column, ways, out):
        return
    for start in range(0, len(column), _PIECE):
        piece = column.slice(start, _PIECE)
        if _in_bulk(piece, ways, out[start : start + _PIECE]):
            continue
        for row, value in enumerate(piece.to_pylist(), start):
            if value is None:
                continue
            answer = one(value)
            if not isinstance(answer, Cause):
                out[row] = answer
            elif causes[row] == FINE:
                causes[row] = CAUSES.index(answer)


def _in_bulk(column: ArrowArray, ways: Sequence[Callable[[ArrowArray], NDArray[Any]]], out: NDArray[Any]) -> bool:
    for trim in (False, True) if is_text(column.type) else (False,):
        for way in ways:
            try:
                for part in (column.slice(0, _PROBE), column):
                    out[: len(part)] = way(pc.utf8_trim_whitespace(part) if trim else part)
            except ArrowInvalid:
                continue
            return True
    return False


def _codes(column: ArrowArray, table: Mapping[str, int]) -> Int32:
    encoded = column.dictionary_encode()
    names: list[str | None] = encoded.dictionary.to_pylist()
    # The extra last entry makes index -1 (no text) map to -1.
    codes = np.array([*(FINE if name is None else table.get(name.strip(), FINE) for name in names), FINE], np.int32)
    return codes[_numpy(encoded.indices.cast(pa.int32()), FINE)]


def _numpy(column: ArrowArray, absent: float) -> NDArray[Any]:
    return (column.fill_null(absent) if column.null_count else column).to_numpy(zero_copy_only=False)
