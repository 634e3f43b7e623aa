"""How files write times: ISO 8601, numbers since 1970, Excel's days, or a pattern as strptime has them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise
from typing import Final

from collector.causes import Cause
from facility.errors import TimeError, UsageError
from facility.sentence import Sentence
from facility.time import MAX_NS, MIN_NS, NS_PER_DAY, NS_PER_S, parse_time

NS_OF_UNIT: Final = {"s": NS_PER_S, "ms": 1_000_000, "us": 1000, "ns": 1}
_UNIT_WORDS: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_EXCEL_EPOCH_DAYS: Final = 25_569
"""Of 1970-01-01, counted as Excel does from 1899-12-30."""
_NS_PER_MS: Final = 1_000_000
_NUMBER = re.compile(r"-?(?:[0-9]{1,30}(?:[.][0-9]{0,30})?)(?:[eE][+]?[0-9]{1,2})?")
_DIRECTIVES: Final = {
    "%Y": r"(?P<Y>\d{4})",
    "%y": r"(?P<y>\d\d)",
    "%m": r"(?P<m>\d{1,2})",
    "%d": r"(?P<d>\d{1,2})",
    "%H": r"(?P<H>\d{1,2})",
    "%I": r"(?P<I>\d{1,2})",
    "%M": r"(?P<M>\d{1,2})",
    "%S": r"(?P<S>\d{1,2})(?:[.,](?P<f>\d{1,9}))?",
    "%p": r"(?P<p>[AaPp]\.?[Mm]\.?)",
    "%z": r"(?P<z>Z|[+-]\d\d:?\d\d)",
    "%%": "%",
}
_SECONDS_AT_END = r":(?P<S>\d{1,2})(?:[.,](?P<f>\d{1,9}))?"
_PATTERNS: Final = (
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y年%m月%d日 %H:%M:%S",
)
"""Tried where nothing says what times are; seconds may be missing."""
_EXCEL_FROM, _EXCEL_TO = 20_000, 80_000
"""Days that are taken for Excel's: 1954 to 2119."""
_NAIVE_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d([.,]\d{1,9})?)?)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """One way to write times."""

    kind: str
    """``iso``, ``s``, ``ms``, ``us``, ``ns``, ``excel``, or a pattern with ``%``."""

    @property
    def words(self) -> str:
        """What it is, for people."""
        if self.kind in _UNIT_WORDS:
            return f"{_UNIT_WORDS[self.kind]} since 1970"
        return {"iso": "ISO 8601", "excel": "Excel dates"}.get(self.kind, self.kind)

    @property
    def is_pattern(self) -> bool:
        """Whether it is a pattern as strptime has them."""
        return "%" in self.kind

    @property
    def as_iso(self) -> "IsoPattern | None":
        """How a regular expression makes ISO 8601 of padded times; None where that cannot be."""
        return _as_iso(self.kind) if self.is_pattern else None

    def read(self, text: str) -> "int | Cause | Local":
        """Read one time that is not ISO 8601.

        Returns
        -------
        int or Local or Cause
            The instant in ns; a local time where the text has no offset; or why it cannot be read.
        """
        text = text.strip()
        if not text:
            return Cause.MISSING_TIME
        return self._read_pattern(text) if self.is_pattern else self._read_number(text)

    def _read_number(self, text: str) -> "int | Cause | Local":
        if not _NUMBER.fullmatch(text):
            return Cause.BAD_TIME
        try:
            number = Decimal(text)
            if self.kind == "excel":
                ns = (number - _EXCEL_EPOCH_DAYS) * NS_PER_DAY
                return Local(_checked(round(ns / _NS_PER_MS) * _NS_PER_MS))
            return _checked(int((number * NS_OF_UNIT[self.kind]).to_integral_value()))
        except (InvalidOperation, OverflowError, TimeError):
            return Cause.TIME_OUT_OF_RANGE

    def _read_pattern(self, text: str) -> "int | Cause | Local":
        match = compiled(self.kind).fullmatch(text)
        if match is None:
            return Cause.BAD_TIME
        part = match.groupdict()
        hour = int(part.get("H") or part.get("I") or 0)
        if meridiem := part.get("p"):
            if not 1 <= hour <= 12:
                return Cause.BAD_TIME
            hour = hour % 12 + 12 * (meridiem[0] in "pP")
        year = int(part["Y"]) if part.get("Y") else 2000 + int(part["y"])
        iso = f"{year:04}-{int(part['m']):02}-{int(part['d']):02}T{hour:02}:{int(part.get('M') or 0):02}"
        iso += f":{int(part.get('S') or 0):02}.{part.get('f') or 0}"
        zone = part.get("z")
        try:
            return parse_time(iso + zone) if zone else Local(parse_time(f"{iso}Z"))
        except TimeError:
            return Cause.BAD_TIME if 1678 <= year <= 2261 else Cause.TIME_OUT_OF_RANGE


@dataclass(frozen=True, slots=True)
class IsoPattern:
    """A regular expression of RE2, and what to put in its place."""

    pattern: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Local:
    """A time that does not say its offset from UTC: nanoseconds since 1970 as if it were UTC."""

    ns: int


ISO: Final = TimeFormat("iso")


def _checked(ns: int) -> int:
    if not MIN_NS <= ns <= MAX_NS:
        raise TimeError(Sentence("out of range"))
    return ns


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern as a regular expression; ``:%S`` at its end, or before ``%p``, may be missing in a text."""
    text = ""
    for part in re.split(r"(:%S(?=$| %p$)|%.)", pattern):
        if part == ":%S":
            text += f"(?:{_SECONDS_AT_END})?"
        elif part.startswith("%"):
            if part not in _DIRECTIVES:
                raise UsageError(
                    Sentence(
                        "--time-format {pattern!r} has {part}, which kado does not read; it reads {directives}",
                        pattern=pattern,
                        part=part,
                        directives=" ".join(_DIRECTIVES),
                    )
                )
            text += _DIRECTIVES[part]
        else:
            text += re.escape(part)
    try:
        return re.compile(text, re.ASCII)
    except re.error as error:
        raise UsageError(Sentence("--time-format {pattern!r} has a part twice", pattern=pattern)) from error


@lru_cache(maxsize=64)
def _as_iso(pattern: str) -> IsoPattern | None:
    parts = re.split(r"(%.)", pattern)
    names = [part[1] for part in parts[1::2]]
    if sorted(names) != sorted("YmdHMS") or names[-1] != "S" or parts[-1]:
        return None  # Another order of the seconds, or parts that ISO 8601 does not have.
    text = "".join(
        (r"(\d{4})" if part == "%Y" else r"(\d\d)") if part.startswith("%") else re.escape(part) for part in parts
    )
    place = {name: rf"\{i}" for i, name in enumerate(names, 1)}
    fraction = rf"\{len(names) + 1}"
    replacement = f"{place['Y']}-{place['m']}-{place['d']} {place['H']}:{place['M']}:{place['S']}{fraction}"
    return IsoPattern(rf"^{text}((?:[.]\d{{1,9}})?)$", replacement)


def parse_time_format(text: str) -> TimeFormat:
    """Read ``--time-format``.

    Raises
    ------
    UsageError
        If it is not a format.
    """
    if text in ("iso", "excel", *NS_OF_UNIT):
        return TimeFormat(text)
    if "%" not in text:
        raise UsageError(
            Sentence(
                "--time-format {text!r} is not a time format: write iso, s, ms, us, ns (since 1970), excel, or "
                "a pattern such as '%d.%m.%Y %H:%M:%S'",
                text=text,
            )
        )
    groups = set(compiled(text).groupindex)
    if not {"m", "d"} <= groups or not {"Y", "y"} & groups or not {"H", "I"} & groups:
        raise UsageError(
            Sentence("--time-format {text!r} lacks the year (%Y), month (%m), day (%d) or hour (%H)", text=text)
        )
    return TimeFormat(text)


def recognise_time_format(texts: Sequence[str]) -> TimeFormat:
    """Return how the times of a column are written, from its first ones; ISO where nothing else fits.

    Raises
    ------
    UsageError
        If day and month could be either.
    """
    texts = [text.strip() for text in texts if text.strip()]
    if not texts or sum(_is_iso(text) for text in texts) * 2 > len(texts):
        return ISO
    numbers = [abs(float(text)) for text in texts if _NUMBER.fullmatch(text) and len(text) < 40]
    if len(numbers) * 2 > len(texts):
        return _of_numbers(sorted(numbers)[len(numbers) // 2])
    fitting = [p for p in _PATTERNS if _share(p, texts) * 2 > len(texts)]
    if not fitting:
        return ISO
    best = max(_share(p, texts) for p in fitting)
    fitting = [p for p in fitting if _share(p, texts) == best]
    if len(fitting) > 1:
        ordered = [p for p in fitting if _goes_forward(p, texts)]
        if len(ordered) != 1:
            raise UsageError(
                Sentence(
                    "in times such as {texts!r} day and month could be either: say which with "
                    "--time-format {fitting!r} or {other!r}",
                    texts=texts[0],
                    fitting=fitting[0],
                    other=fitting[1],
                )
            )
        fitting = ordered
    return TimeFormat(fitting[0])


def _of_numbers(median: float) -> TimeFormat:
    if _EXCEL_FROM <= median <= _EXCEL_TO:
        return TimeFormat("excel")
    for kind, limit in (("s", 1e11), ("ms", 1e14), ("us", 1e17)):
        if 1e8 <= median < limit:
            return TimeFormat(kind)
    return ISO  # Whole nanoseconds, which ISO 8601 takes as well; or nothing that is a time.


def _share(pattern: str, texts: Sequence[str]) -> int:
    form = TimeFormat(pattern)
    return sum(not isinstance(form.read(text), Cause) for text in texts)


def _goes_forward(pattern: str, texts: Sequence[str]) -> bool:
    """Whether times follow each other by less than a month, which they do not with day and month exchanged."""
    read = [stamp.ns for text in texts if isinstance(stamp := TimeFormat(pattern).read(text), Local)]
    days = {ns // NS_PER_DAY for ns in read}
    return len(days) > 1 and all(0 <= b - a < 20 * NS_PER_DAY for a, b in pairwise(read))


def _is_iso(text: str) -> bool:
    if _NAIVE_ISO.fullmatch(text):
        return True
    try:
        parse_time(text)
    except TimeError:
        return False
    return True
