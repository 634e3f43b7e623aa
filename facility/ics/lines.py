"""The content lines of an iCalendar file and the components that they form (RFC 5545, section 3.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from facility.errors import ScheduleError

MAX_BYTES = 8 << 20
"""Largest file that is read: a year of hourly shifts takes 1 MB."""
MAX_LINES = 400_000
"""Lines after unfolding: with both limits reading takes a few seconds and at most some 200 MB."""
MAX_LINE_BYTES = 64 << 10
"""Longest line after unfolding."""
_MAX_DEPTH = 8
_PARAM = r'[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*'
_LINE = re.compile(rf"([A-Za-z0-9-]+)((?:;{_PARAM})*):(.*)", re.DOTALL)
_ONE_PARAM = re.compile(rf";({_PARAM})")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ITEM = re.compile(r"(?:[^\\,]|\\.)+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Property:
    """One content line."""

    name: str
    """In capitals."""
    params: dict[str, str]
    """By name in capitals; quotes removed."""
    value: str
    """As written, escapes included."""
    line: int

    @property
    def text(self) -> str:
        """The value as one text."""
        return _unescape(self.value)

    @property
    def texts(self) -> list[str]:
        """The value as a list of texts, separated by commas."""
        return [_unescape(part) for part in _ITEM.findall(self.value)]


@dataclass(slots=True)
class Component:
    """What stands between ``BEGIN`` and ``END``."""

    name: str
    line: int
    properties: list[Property] = field(default_factory=list[Property])
    children: list["Component"] = field(default_factory=list["Component"])

    def all(self, name: str) -> list[Property]:
        """Return the properties of that name."""
        return [p for p in self.properties if p.name == name]

    def one(self, name: str) -> Property | None:
        """Return the property of that name; None if the event does not have it.

        Raises
        ------
        ScheduleError
            If there are two: which one holds cannot be known.
        """
        found = self.all(name)
        if len(found) > 1:
            raise ScheduleError(f"it has {name} twice (lines {found[0].line} and {found[1].line}): remove one")
        return found[0] if found else None


def read_calendars(data: bytes) -> list[Component]:
    """Read the calendars of a file.

    Raises
    ------
    ScheduleError
        If it is too large or not iCalendar, with the line.
    """
    if len(data) > MAX_BYTES:
        raise ScheduleError(
            f"it has {len(data):,} bytes, more than the {MAX_BYTES:,} that are read: export fewer years at a time"
        )
    calendars: list[Component] = []
    open_: list[Component] = []
    for count, (number, line) in enumerate(_unfolded(data), 1):
        if count > MAX_LINES:
            raise ScheduleError(f"it has more than the {MAX_LINES:,} lines that are read: export fewer years at a time")
        prop = _property(number, line)
        if prop.name == "BEGIN":
            made = Component(prop.value.strip().upper(), number)
            if len(open_) == _MAX_DEPTH:
                raise ScheduleError(f"line {number}: components lie more than {_MAX_DEPTH} deep in each other")
            if not open_ and made.name != "VCALENDAR":
                raise ScheduleError(f"line {number}: it begins with {made.name}, not with BEGIN:VCALENDAR")
            (open_[-1].children if open_ else calendars).append(made)
            open_.append(made)
        elif not open_:
            raise ScheduleError(f"line {number}: it is not a calendar: BEGIN:VCALENDAR is missing")
        elif prop.name == "END":
            if prop.value.strip().upper() != open_[-1].name:
                raise ScheduleError(
                    f"line {number}: END:{prop.value[:40]} does not close {open_[-1].name} of line {open_[-1].line}"
                )
            open_.pop()
        else:
            open_[-1].properties.append(prop)
    if open_:
        raise ScheduleError(f"the {open_[-1].name} of line {open_[-1].line} has no end: the file is cut off")
    if not calendars:
        raise ScheduleError("it is not a calendar: BEGIN:VCALENDAR is missing")
    return calendars


def _unfolded(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield each content line with its number; folded ones are joined as bytes, since a fold may cut a character."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ScheduleError("it is UTF-16: iCalendar is UTF-8, so save it as UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    first, parts, size = 0, list[bytes](), 0
    for number, piece in enumerate([*data.split(b"\n"), b""], 1):
        if piece[:1] in (b" ", b"\t") and parts:
            piece = piece[1:]
        else:
            if parts:
                yield first, _decode(first, b"".join(parts))
            first, parts, size = number, [], 0
            if not piece.strip():
                continue
        parts.append(piece)
        size += len(piece)
        if size > MAX_LINE_BYTES:
            raise ScheduleError(f"line {first} is longer than {MAX_LINE_BYTES:,} bytes")


def _decode(number: int, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ScheduleError(f"line {number} is not UTF-8 (byte {line[error.start]:#04x}): save it as UTF-8") from error


def _property(number: int, line: str) -> Property:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ScheduleError(f"line {number} is not iCalendar (NAME:VALUE): {line[:60]!r}")
    if control := _CONTROL.search(line):
        raise ScheduleError(f"line {number} holds the control character {control[0]!r}")
    params: dict[str, str] = {}
    for param in _ONE_PARAM.findall(match[2]):
        name, _, value = param.partition("=")
        if name.upper() in params:
            raise ScheduleError(f"line {number} has the parameter {name} twice: remove one")
        params[name.upper()] = value[1:-1] if re.fullmatch(r'"[^"]*"', value) else value
    return Property(match[1].upper(), params, match[3], number)


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda m: "\n" if m[1] in "nN" else m[1], text)
