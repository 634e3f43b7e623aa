"""Times of many samples at once: integer nanoseconds or ISO 8601 text, strictly."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from collector.causes import Cause
from facility.batch import Float64, Int64
from facility.errors import TimeError
from facility.time import MAX_NS, MIN_NS, NS_PER_S, parse_time

SMALLEST_PLAUSIBLE_NS = 10**17
"""Early 1973. Today's seconds, milliseconds and microseconds all lie below: such an integer is not nanoseconds."""

_WORTH_COLUMNS = 24
"""From so many texts on, columns are faster than one text after the other."""
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_DAYS_BEFORE = np.concatenate([[0], np.cumsum(_MONTH_DAYS)[:-1]])
_EPOCH_DAYS = 719_162
"""Days from 1 January of the year 1 to 1970."""

Bytes2D = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class BadTime:
    """Why a time is rejected."""

    cause: Cause
    detail: str


def to_nanoseconds(times: Sequence[int | str]) -> tuple[Int64, dict[int, BadTime]]:
    """Read times.

    Parameters
    ----------
    times
        Each an integer, nanoseconds since 1970, or ISO 8601 text with an offset or ``Z``.

    Returns
    -------
    times_ns
        (n,) int64, UTC; 0 where the time is bad.
    bad
        What was wrong, by index.
    """
    kinds = set(map(type, times))
    if kinds == {int}:
        try:
            stamps = np.array(times, np.int64)
        except OverflowError:
            return _one_by_one(times)
        if int(stamps.min()) >= SMALLEST_PLAUSIBLE_NS:
            return stamps, {}
    elif kinds == {str} and len(times) >= _WORTH_COLUMNS:
        return _texts([str(t) for t in times])
    return _one_by_one(times)


def _one_by_one(times: Sequence[int | str]) -> tuple[Int64, dict[int, BadTime]]:
    stamps = np.zeros(len(times), np.int64)
    bad: dict[int, BadTime] = {}
    for i, time in enumerate(times):
        parsed = _text(time) if isinstance(time, str) else _integer(time)
        if isinstance(parsed, int):
            stamps[i] = parsed
        else:
            bad[i] = parsed
    return stamps, bad


def _integer(time: int) -> int | BadTime:
    if not MIN_NS <= time <= MAX_NS:
        return BadTime(Cause.TIME_OUT_OF_RANGE, f"time {time} ns lies outside the years 1678 to 2261")
    if time < SMALLEST_PLAUSIBLE_NS:
        return BadTime(
            Cause.BAD_TIME,
            f"time {time} is too small for nanoseconds since 1970: an integer time is in nanoseconds,"
            " not in seconds, milliseconds or microseconds",
        )
    return time


def _text(time: str) -> int | BadTime:
    try:
        time_ns = parse_time(time)
    except TimeError as error:
        return BadTime(_cause(time), str(error))
    if 0 <= time_ns < SMALLEST_PLAUSIBLE_NS:
        return BadTime(Cause.BAD_TIME, f"time {time} lies before 1973, where a clock stands that was never set")
    return time_ns


def _cause(time: str) -> Cause:
    # A time that can be read once it is given what it lacks, lacked just that.
    for cause, completed in ((Cause.NAIVE_TIME, f"{time}Z"), (Cause.TIME_OUT_OF_RANGE, f"2000{time.strip()[4:]}")):
        try:
            parse_time(completed)
        except TimeError:
            continue
        return cause
    return Cause.BAD_TIME


def _texts(times: list[str]) -> tuple[Int64, dict[int, BadTime]]:
    """Read texts in columns of bytes, those of one shape together; what does not fit is read one by one."""
    shapes: defaultdict[tuple[int, bool], list[int]] = defaultdict(list)
    for i, time in enumerate(times):
        shapes[len(time), time.endswith("Z")].append(i)
    stamps = np.zeros(len(times), np.int64)
    fine = np.zeros(len(times), np.bool_)
    for (length, utc), rows in shapes.items():
        text = "".join([times[i] for i in rows] if len(shapes) > 1 else times)
        if text.isascii():
            columns = np.frombuffer(text.encode("ascii"), np.uint8).reshape(len(rows), length)
            stamps[rows], fine[rows] = _columns(columns, utc)
    bad: dict[int, BadTime] = {}
    rest: list[int] = np.flatnonzero(~fine).tolist()
    for i in rest:
        parsed = _text(times[i])
        stamps[i] = parsed if isinstance(parsed, int) else 0
        if not isinstance(parsed, int):
            bad[i] = parsed
    return stamps, bad


@lru_cache(maxsize=64)
def _shape(length: int, utc: bool) -> tuple[Int64, Float64] | None:
    """Return where the digits stand in texts of a shape, and the weights that make numbers of them; None: no shape.

    The numbers are year, month, day, hour, minute, second, nanoseconds, hours and minutes of the offset; all are
    small enough to be exact as float64.
    """
    end = length - (1 if utc else 6)
    if end < 19 or end == 20 or end > 29:
        return None
    fields = [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19), (20, max(end, 20))]
    if not utc:
        fields += [(end + 1, end + 3), (end + 4, end + 6)]
    columns = np.array([c for first, last in fields for c in range(first, last)], np.int64)
    weights = np.zeros((length, 9))
    for field, (first, last) in enumerate(fields):
        weights[first:last, field] = 10.0 ** np.arange(last - first - 1, -1, -1)
    weights[:, 6] *= 10.0 ** (29 - end)
    return columns, weights


def _columns(text: Bytes2D, utc: bool) -> tuple[Int64, NDArray[np.bool_]]:
    """Read ``YYYY-MM-DDTHH:MM:SS[.f]`` and ``Z`` or ``+HH:MM``; say which rows were just that, and in range."""
    rows, length = len(text), len(text[0])
    shape = _shape(length, utc)
    if shape is None:
        return np.zeros(rows, np.int64), np.zeros(rows, np.bool_)
    columns, weights = shape
    # What lies below '0' wraps round to something large.
    digits = text - np.uint8(ord("0"))
    fine = (digits[:, columns] <= 9).all(axis=1)
    fine &= (text[:, [4, 7, 13, 16]] == np.frombuffer(b"--::", np.uint8)).all(axis=1)
    fine &= (text[:, 10] == ord("T")) | (text[:, 10] == ord(" "))
    numbers: list[Int64] = list((digits.astype(np.float64) @ weights).astype(np.int64).T)
    year, month, day, hour, minute, second, fraction_ns, offset_h, offset_min = numbers
    end = length - (1 if utc else 6)
    if end > 20:
        fine &= (text[:, 19] == ord(".")) | (text[:, 19] == ord(","))
    if not utc:
        minus = text[:, end] == ord("-")
        fine &= (minus | (text[:, end] == ord("+"))) & (text[:, end + 3] == ord(":"))
        fine &= (offset_h <= 23) & (offset_min <= 59)
        minute = minute - np.where(minus, -1, 1) * offset_min
        hour = hour - np.where(minus, -1, 1) * offset_h
        fine &= (numbers[3] <= 23) & (numbers[4] <= 59)
    else:
        fine &= (hour <= 23) & (minute <= 59)
    # The years at the edges of int64 are left to the exact reader.
    # ... and so are those in which a clock stands that was never set.
    fine &= (
        (second <= 59)
        & ((year < 1969) | (year > 1973))
        & (year >= 1678)
        & (year <= 2261)
        & (month >= 1)
        & (month <= 12)
    )
    month = np.where(fine, month, 1)
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    fine &= (day >= 1) & (day <= _MONTH_DAYS[month] + (leap & (month == 2)))
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400 + _DAYS_BEFORE[month] + (leap & (month > 2))
    seconds: Int64 = (days + day - 1 - _EPOCH_DAYS) * 86_400 + hour * 3600 + minute * 60 + second
    stamps = seconds * NS_PER_S + fraction_ns
    return stamps, fine
