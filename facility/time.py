"""Instants: UTC int64 nanoseconds since 1970, and the only conversions to and from anything else.

A naive time is an error everywhere. Text keeps all nine digits; `datetime` holds microseconds only, so it
is for calendars and display, never on the way of a sample.
"""

import re
import time as _clock
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from facility.errors import TimeError
from facility.sentence import Sentence

NS_PER_S: Final = 1_000_000_000
NS_PER_H: Final = 3600 * NS_PER_S
NS_PER_DAY: Final = 24 * NS_PER_H
MIN_NS: Final = -(2**63) + 1
MAX_NS: Final = 2**63 - 1
"""The range of an int64 (years 1677 to 2262); its very first number stands for "none" in columns."""
EARLIEST_NS: Final = MIN_NS + 1
LATEST_NS: Final = MAX_NS - 1
"""The first and last stamp that kado accepts. Every store can hold these: InfluxDB reserves the outermost values."""

Clock = Callable[[], int]
"""Returns the instant now, in nanoseconds; passed in wherever time matters."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)


def system_clock() -> int:
    """Return the computer's idea of the instant now, in nanoseconds."""
    return _clock.time_ns()


def parse_time(text: str) -> int:
    """Read an ISO 8601 time with an offset or ``Z``.

    Parameters
    ----------
    text
        Such as ``2026-11-23T03:00:00.123456789Z`` or ``2026-11-23 12:00+09:00``; up to nine digits of a second.

    Returns
    -------
    int
        Nanoseconds since 1970, UTC.

    Raises
    ------
    TimeError
        If the text is not such a time, has no offset, or lies outside the years 1678 to 2261.

    Examples
    --------
    >>> parse_time("1970-01-01T09:00:00.000000001+09:00")
    1
    """
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise TimeError(
            Sentence("{text!r} is not an ISO 8601 time: write it like 2026-11-23T03:00:00.5Z or with +09:00", text=text)
        )
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    if offset is None:
        raise TimeError(
            Sentence("{text!r} has no offset from UTC: append 'Z' or an offset such as '+09:00'", text=text)
        )
    try:
        local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0), tzinfo=UTC)
    except ValueError as error:
        raise TimeError(
            Sentence("the time {text!r} does not exist: check its date, hour, minute and second", text=text)
        ) from error
    seconds = (local - _EPOCH) // timedelta(seconds=1) - _offset_s(offset, text)
    ns = seconds * NS_PER_S + int((fraction or "").ljust(9, "0"))
    return check_range(ns, text)


def _offset_s(offset: str, text: str) -> int:
    if offset in "Zz":
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise TimeError(Sentence("{text!r}: the offset {offset} does not exist", text=text, offset=offset))
    return (-1 if offset[0] == "-" else 1) * (hours * 3600 + minutes * 60)


def check_range(ns: int, text: str) -> int:
    """Return `ns` if an int64 can hold it; `text` names it in the error.

    Raises
    ------
    TimeError
        Outside the years 1678 to 2261.
    """
    if not MIN_NS <= ns <= MAX_NS:
        raise TimeError(Sentence("{text!r} lies outside the years 1678 to 2261 that nanoseconds can hold", text=text))
    return ns


def format_time(ns: int, zone: tzinfo | None = None) -> str:
    """Write an instant as RFC 3339, with as many digits of a second as it needs.

    Parameters
    ----------
    ns
        Nanoseconds since 1970, UTC.
    zone
        The zone to write it in, with its offset; UTC with ``Z`` if None.

    Examples
    --------
    >>> format_time(1_500_000_000)
    '1970-01-01T00:00:01.5Z'
    """
    seconds, fraction = divmod(int(ns), NS_PER_S)
    moment = _EPOCH + timedelta(seconds=seconds)
    digits = f".{fraction:09d}".rstrip("0") if fraction else ""
    if zone is None:
        return moment.strftime("%Y-%m-%dT%H:%M:%S") + digits + "Z"
    local = moment.astimezone(zone)
    text = local.isoformat(timespec="seconds")
    return text[:19] + digits + text[19:]


def format_second(ns: int, zone: tzinfo | None = None) -> str:
    """Write an instant as `format_time` does, cut to whole seconds: for messages to people."""
    return format_time(int(ns) // NS_PER_S * NS_PER_S, zone)


def from_datetime(moment: datetime) -> int:
    """Return an aware `datetime` as nanoseconds.

    Raises
    ------
    TimeError
        If it is naive, or outside the years 1678 to 2261.
    """
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise TimeError(
            Sentence("{moment} has no time zone: give it one, for example tzinfo=UTC", moment=moment.isoformat())
        )
    # Not through `astimezone`: that cannot hold the first and last hours of the years that a `datetime` has.
    delta = moment - _EPOCH
    ns = (delta.days * 86_400 + delta.seconds) * NS_PER_S + delta.microseconds * 1000
    return check_range(ns, moment.isoformat())


def to_datetime(ns: int, zone: tzinfo = UTC) -> datetime:
    """Return an instant as an aware `datetime`, cut to microseconds."""
    return (_EPOCH + timedelta(microseconds=int(ns) // 1000)).astimezone(zone)


def local_midnight(day: date, zone: tzinfo) -> int:
    """Return the instant at which `day` begins in `zone`."""
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=zone))


def to_ns(seconds: float) -> int:
    """Return a length in seconds as whole nanoseconds (nearest)."""
    return round(seconds * NS_PER_S)


def to_s(ns: int) -> float:
    """Return a length in nanoseconds as seconds."""
    return ns / NS_PER_S
