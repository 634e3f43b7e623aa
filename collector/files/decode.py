"""Columns of a file into NumPy: in bulk, and value by value only around those that cannot be read.

A value that cannot be read exactly is never guessed at; its row gets a cause. Text is read as Arrow reads it
(leading and trailing blanks apart), times also as `facility.time.parse_time` does.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collector.causes import Cause
from collector.files.arrow import ArrowArray, ArrowInvalid, as_text, is_text, pa, pc
from collector.files.time_formats import Local
from facility.batch import Float64, Int32, UInt8
from facility.quality import QUALITY_WORDS, Quality

CAUSES = tuple(Cause)
"""What the codes in a column of causes stand for."""
FINE = -1
"""In a column of causes: none."""
CauseCodes = NDArray[np.int8]

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_PIECE = 1024
"""Rows in which a value that cannot be read is looked for one by one."""
PROBE = 16
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


def decode_words(column: ArrowArray, words: tuple[str, ...]) -> tuple[Int32, tuple[str, ...]]:
    """Return text as codes of `words` and what it says beyond them, -1 for none; and the longer words."""
    encoded = as_text(column).dictionary_encode()
    known = dict(zip(words, range(len(words)), strict=True))
    texts: list[str | None] = encoded.dictionary.to_pylist()
    codes = np.array([*(known.setdefault(text, len(known)) if text else FINE for text in texts), FINE], np.int32)
    return codes[as_numpy(encoded.indices.cast(pa.int32()), FINE)], tuple(known)


def decode_signals(column: ArrowArray, known: Mapping[str, int], causes: CauseCodes) -> Int32:
    """Return what `known` has for each row's name, -1 where it has none."""
    codes = _codes(column, known)
    mark(causes, codes == FINE, Cause.UNKNOWN_SIGNAL)
    return codes


FOREIGN_QUALITY: Mapping[str, Quality] = {
    "no_alarm": Quality.GOOD,
    "none": Quality.GOOD,
    "minor": Quality.UNCERTAIN,
    "major": Quality.UNCERTAIN,
    "undefined": Quality.BAD,
    "valid": Quality.GOOD,
    "changing": Quality.GOOD,
    "warning": Quality.UNCERTAIN,
    "alarm": Quality.UNCERTAIN,
    "invalid": Quality.BAD,
}
"""Severities of EPICS and qualities of Tango (also with ``ATTR_``), in small letters, as kado's sources take them: a
value beyond an alarm limit was measured all the same, an invalid one was not."""


def decode_quality(column: ArrowArray, causes: CauseCodes) -> UInt8:
    """Return each row's `Quality`; an empty one is good."""
    encoded = as_text(column).dictionary_encode()
    words: list[str | None] = encoded.dictionary.to_pylist()
    table = [FINE if word is None else quality_of_word(word) for word in words]
    codes = np.array([*table, FINE], np.int32)[as_numpy(encoded.indices.cast(pa.int32()), FINE)]
    codes[nulls(column)] = Quality.GOOD
    mark(causes, codes == FINE, Cause.UNKNOWN_QUALITY)
    return codes.clip(min=0).astype(np.uint8)


def foreign_words(column: ArrowArray | None, quality: UInt8) -> ArrowArray | None:
    """Return the words of a quality column that are not kado's, as reasons of samples that are not good."""
    if column is None or not bool((quality != Quality.GOOD).any()):
        return None
    text = as_text(column)
    foreign = [w for w in text.unique().to_pylist() if w is not None and w.strip() not in QUALITY_WORDS]
    if not foreign:
        return None
    keep = pc.and_(pc.is_in(text, pa.array(foreign, pa.string())), pa.array(quality != Quality.GOOD))
    return pc.if_else(keep, text, pa.scalar(None, pa.string()))


def quality_of_word(word: str) -> int:
    """Return the `Quality` that a word names; -1 where it names none."""
    word = word.strip()
    if word in QUALITY_WORDS:
        return int(Quality.from_word(word))
    foreign = FOREIGN_QUALITY.get(word.lower().removeprefix("attr_"))
    return int(Quality.GOOD) if not word else FINE if foreign is None else int(foreign)


@dataclass(frozen=True, slots=True)
class NumberRules:
    """How numbers are written."""

    decimal: str = "."
    unit: str | None = None
    """What may stand behind them."""


def decode_numbers(
    column: ArrowArray, quality: UInt8, causes: CauseCodes, rules: NumberRules = NumberRules()
) -> Float64:
    """Return numbers as float64, exactly; NaN where a bad sample has none."""
    bad = quality == Quality.BAD
    mark(causes, nulls(column) & ~bad, Cause.MISSING_VALUE)

    def cast(part: ArrowArray) -> Float64:
        return as_numpy(part.cast(pa.float64()), np.nan)

    def plain(part: ArrowArray) -> ArrowArray:
        if rules.unit is not None:
            part = pc.replace_substring_regex(part, rf"\s*{re.escape(rules.unit)}$", "")
        if rules.decimal == ",":
            if pc.any(pc.match_substring(part, ".")).as_py():
                raise ArrowInvalid  # A thousands separator, or a decimal point: which cannot be known.
            part = pc.replace_substring(part, ",", ".")
        return part

    def cast_plain(part: ArrowArray) -> Float64:
        return cast(plain(part))

    def one(value: str | int) -> float | Cause:
        return _read_number(_plain_number(value, rules) if isinstance(value, str) else value)

    values = np.full(len(column), np.nan)
    ways = [cast] if rules.decimal == "." else []
    if is_text(column.type):
        column = as_text(column)
        ways += [cast_plain] if rules.unit is not None or rules.decimal == "," else []
    decode(column, ways or [cast], one, values, causes)
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


def _plain_number(text: str, rules: NumberRules) -> str:
    text = text.strip()
    if rules.unit is not None and text.endswith(rules.unit):
        text = text.removesuffix(rules.unit).rstrip()
    if rules.decimal == ",":
        return "?" if "." in text else text.replace(",", ".")
    return text


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


def decode(
    column: ArrowArray,
    ways: Sequence[Callable[[ArrowArray], NDArray[Any]]],
    one: Callable[[Any], float | Cause | Local],
    out: NDArray[Any],
    causes: CauseCodes,
    local: NDArray[np.bool_] | None = None,
) -> None:
    """Fill `out` by the first of `ways` that can read all of a column, else piece by piece, else by `one`.

    `local` gets which of them `one` found to be local times.
    """
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
            if isinstance(answer, Local):
                out[row] = answer.ns
                if local is not None:
                    local[row] = True
            elif not isinstance(answer, Cause):
                out[row] = answer
            elif causes[row] == FINE:
                causes[row] = CAUSES.index(answer)


def _in_bulk(column: ArrowArray, ways: Sequence[Callable[[ArrowArray], NDArray[Any]]], out: NDArray[Any]) -> bool:
    for trim in (False, True) if is_text(column.type) else (False,):
        for way in ways:
            try:
                for part in (column.slice(0, PROBE), column):
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
    return codes[as_numpy(encoded.indices.cast(pa.int32()), FINE)]


def as_numpy(column: ArrowArray, absent: float) -> NDArray[Any]:
    """Return a column as NumPy, `absent` where it has no value."""
    """Return a column as NumPy, `absent` where it has no value."""
    return (column.fill_null(absent) if column.null_count else column).to_numpy(zero_copy_only=False)
