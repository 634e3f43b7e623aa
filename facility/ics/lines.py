"""The content lines of an iCalendar file and the components that they form (RFC 5545, section 3.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from facility.errors import ScheduleError
from facility.sentence import Sentence

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
            raise ScheduleError(
                Sentence(
                    "it has {name} twice (lines {line} and {other_line}): remove one",
                    name=name,
                    line=found[0].line,
                    other_line=found[1].line,
                )
            )
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
            Sentence(
                "it has {count:,} bytes, more than the {max_bytes:,} that are read: export fewer years at a time",
                count=len(data),
                max_bytes=MAX_BYTES,
            )
        )
    calendars: list[Component] = []
    open_: list[Component] = []
    for count, (number, line) in enumerate(_unfolded(data), 1):
        if count > MAX_LINES:
            raise ScheduleError(
                Sentence(
                    "it has more than the {max_lines:,} lines that are read: export fewer years at a time",
                    max_lines=MAX_LINES,
                )
            )
        prop = _property(number, line)
        if prop.name == "BEGIN":
            made = Component(prop.value.strip().upper(), number)
            if len(open_) == _MAX_DEPTH:
                raise ScheduleError(
                    Sentence(
                        "line {number}: components lie more than {max_depth} deep in each other",
                        number=number,
                        max_depth=_MAX_DEPTH,
                    )
                )
            if not open_ and made.name != "VCALENDAR":
                raise ScheduleError(
                    Sentence(
                        "line {number}: it begins with {made}, not with BEGIN:VCALENDAR", number=number, made=made.name
                    )
                )
            (open_[-1].children if open_ else calendars).append(made)
            open_.append(made)
        elif not open_:
            raise ScheduleError(
                Sentence("line {number}: it is not a calendar: BEGIN:VCALENDAR is missing", number=number)
            )
        elif prop.name == "END":
            if prop.value.strip().upper() != open_[-1].name:
                raise ScheduleError(
                    Sentence(
                        "line {number}: END:{prop} does not close {open} of line {line}",
                        number=number,
                        prop=prop.value[:40],
                        open=open_[-1].name,
                        line=open_[-1].line,
                    )
                )
            open_.pop()
        else:
            open_[-1].properties.append(prop)
    if open_:
        raise ScheduleError(
            Sentence(
                "the {open} of line {line} has no end: the file is cut off", open=open_[-1].name, line=open_[-1].line
            )
        )
    if not calendars:
        raise ScheduleError(Sentence("it is not a calendar: BEGIN:VCALENDAR is missing"))
    return calendars


def _unfolded(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield each content line with its number; folded ones are joined as bytes, since a fold may cut a character."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ScheduleError(Sentence("it is UTF-16: iCalendar is UTF-8, so save it as UTF-8"))
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
            raise ScheduleError(
                Sentence(
                    "line {first} is longer than {max_line_bytes:,} bytes", first=first, max_line_bytes=MAX_LINE_BYTES
                )
            )


def _decode(number: int, line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ScheduleError(
            Sentence(
                "line {number} is not UTF-8 (byte {line:#04x}): save it as UTF-8", number=number, line=line[error.start]
            )
        ) from error


def _property(number: int, line: str) -> Property:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ScheduleError(
            Sentence("line {number} is not iCalendar (NAME:VALUE): {line!r}", number=number, line=line[:60])
        )
    if control := _CONTROL.search(line):
        raise ScheduleError(
            Sentence("line {number} holds the control character {control!r}", number=number, control=control[0])
        )
    params: dict[str, str] = {}
    for param in _ONE_PARAM.findall(match[2]):
        name, _, value = param.partition("=")
        if name.upper() in params:
            raise ScheduleError(
                Sentence("line {number} has the parameter {name} twice: remove one", number=number, name=name)
            )
        params[name.upper()] = value[1:-1] if re.fullmatch(r'"[^"]*"', value) else value
    return Property(match[1].upper(), params, match[3], number)


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda m: "\n" if m[1] in "nN" else m[1], text)
