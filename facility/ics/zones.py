"""Time zones that an iCalendar file names: IANA's, those that it defines itself, and Windows' names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from facility.errors import ScheduleError
from facility.ics.lines import Component
from facility.ics.rule import Rule, Work, parse_rule
from facility.sentence import Sentence
from facility.time import from_datetime

_OFFSET = re.compile(r"([+-])(\d\d)(\d\d)(\d\d)?", re.ASCII)
_LOCAL = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)", re.ASCII)
_NOT_A_PLACE: Final = ("localtime", "posixrules", "Factory")
"""Files beside the zones, which mean something else on each computer."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone that a file names."""

    name: str
    known: tzinfo | None
    """Of the zone database."""
    defined: "DefinedZone | None"
    """By the file itself."""

    def instant(self, local: datetime) -> int:
        """Return a naive local time as an instant, in ns.

        A time that happens twice is the first of the two, and one that does not happen is counted on with the offset
        before it (RFC 5545, section 3.3.5).

        Raises
        ------
        ScheduleError
            If the file and the zone database disagree, or the file's own definition has no meaning.
        """
        by_name = None if self.known is None else from_datetime(local.replace(tzinfo=self.known))
        if self.defined is None:
            assert by_name is not None
            return by_name
        by_file = from_datetime((local - self.defined.offset(local)).replace(tzinfo=UTC))
        if by_name is not None and by_name != by_file:
            raise ScheduleError(
                Sentence(
                    "at {local} the VTIMEZONE {name!r} of the file differs by {seconds:,} s from the "
                    "time zone of that name: write its times in UTC, or remove the VTIMEZONE",
                    local=local,
                    name=self.name,
                    seconds=abs(by_name - by_file) // 10**9,
                )
            )
        return by_file


class Zones:
    """The zones of a file, found by their ``TZID``."""

    def __init__(self, calendars: Sequence[Component], work: Work) -> None:
        self._found: dict[str, Zone | None] = {}
        self._work = work
        self._definitions: dict[str, Component] = {}
        self._twice: set[str] = set()
        for component in (child for calendar in calendars for child in calendar.children):
            if component.name != "VTIMEZONE":
                continue
            name = component.one("TZID")
            if name is None:
                raise ScheduleError(Sentence("the VTIMEZONE of line {line} has no TZID", line=component.line))
            known = self._definitions.setdefault(name.text, component)
            if known is not component and _rules_of(known) != _rules_of(component):
                self._twice.add(name.text)

    def find(self, name: str) -> Zone:
        """Return the zone of a ``TZID``.

        Raises
        ------
        ScheduleError
            If it is not known, or its definition has no meaning.
        """
        if name not in self._found:
            self._found[name] = self._make(name)
        zone = self._found[name]
        if zone is None:
            raise ScheduleError(
                Sentence(
                    "its time zone {name!r} is not known: it is not an IANA zone such as Europe/Berlin, "
                    "and the file has no VTIMEZONE for it",
                    name=name,
                )
            )
        return zone

    def _make(self, name: str) -> Zone | None:
        if name in self._twice:
            raise ScheduleError(
                Sentence("its time zone {name!r} is defined twice in the file, differently: remove one", name=name)
            )
        component = self._definitions.get(name)
        defined = None if component is None else DefinedZone(name, component, self._work)
        known = iana_zone(name)
        if known is None and defined is None and (windows := _windows_zones().get(name)):
            known = iana_zone(windows)
        return None if known is None and defined is None else Zone(name, known, defined)


class DefinedZone:
    """What a ``VTIMEZONE`` says: from when on which offset holds."""

    def __init__(self, name: str, component: Component, work: Work) -> None:
        self._work = work
        self._rules: list[_Observance] = []
        for child in component.children:
            if child.name in ("STANDARD", "DAYLIGHT"):
                try:
                    self._rules.append(_observance(child))
                except ScheduleError as error:
                    raise ScheduleError(
                        Sentence(
                            "the VTIMEZONE {name!r} (line {line}): {error}", name=name, line=child.line, error=error
                        )
                    ) from error
        if not self._rules:
            raise ScheduleError(
                Sentence("the VTIMEZONE {name!r} (line {line}) says no offset", name=name, line=component.line)
            )
        self._earliest = min(self._rules, key=lambda rule: rule.start)
        self._by_year: dict[int, list[tuple[datetime, timedelta]]] = {}

    def offset(self, local: datetime) -> timedelta:
        """Return the offset from UTC that holds at a naive local time."""
        best: tuple[datetime, timedelta] | None = None
        for year in (local.year, local.year - 1):
            before = [onset for onset in self._onsets(year) if onset[0] <= local]
            if before:
                best = max(before)
                break
        if best is None:  # Years ago, or never before: a definition without repetition.
            single = [o for rule in self._rules for o in rule.single() if o[0] <= local]
            last = [o for rule in self._rules for o in rule.last_of(local, self._work)]
            best = max([*single, *last], default=None)
        return self._earliest.before if best is None else best[1]

    def _onsets(self, year: int) -> list[tuple[datetime, timedelta]]:
        if year not in self._by_year:
            self._by_year[year] = sorted(o for rule in self._rules for o in rule.onsets(year, self._work))
        return self._by_year[year]


@dataclass(frozen=True, slots=True)
class _Observance:
    start: datetime
    before: timedelta
    after: timedelta
    rule: Rule | None
    until: datetime | None
    further: tuple[datetime, ...]

    def _from(self, onset: datetime) -> tuple[datetime, timedelta]:
        """Return from which local time on the new offset holds: clocks put forward skip the time in between."""
        return onset + max(self.after - self.before, timedelta(0)), self.after

    def single(self) -> list[tuple[datetime, timedelta]]:
        return [self._from(onset) for onset in (self.start, *self.further)]

    def onsets(self, year: int, work: Work) -> list[tuple[datetime, timedelta]]:
        found = [onset for onset in (self.start, *self.further) if onset.year == year]
        first, last = datetime(year, 1, 1), datetime(year, 12, 31, 23, 59, 59)  # noqa: DTZ001 - local times.
        if self.rule is not None and self.start <= last:
            found += self._limited(first, last, work)
        return [self._from(onset) for onset in found]

    def last_of(self, local: datetime, work: Work) -> list[tuple[datetime, timedelta]]:
        """Return the last onsets of a rule that ended before `local`."""
        if self.rule is None or self.until is None or self.until > local:
            return []
        first = max(self.start, self.until - timedelta(days=800))
        return [self._from(onset) for onset in self._limited(first, self.until, work)]

    def _limited(self, first: datetime, last: datetime, work: Work) -> list[datetime]:
        assert self.rule is not None
        times = self.rule.times(self.start, first, last, work)
        return [onset for onset in times if self.until is None or onset <= self.until]


def iana_zone(name: str) -> tzinfo | None:
    """Return the zone of the zone database of that name; None if it does not have it."""
    if name in _NOT_A_PLACE or name.startswith(("posix/", "right/")):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # A name may be a path, a folder, or too long for one.
        return None


@cache
def _windows_zones() -> dict[str, str]:
    from babel.core import get_global  # Read only where a calendar has such a name.

    return dict(get_global("windows_zone_mapping"))


def _rules_of(component: Component) -> object:
    children = [[(p.name, p.value) for p in child.properties] for child in component.children]
    return [child for child in children if child]


def _observance(component: Component) -> _Observance:
    start, before, after = (component.one(name) for name in ("DTSTART", "TZOFFSETFROM", "TZOFFSETTO"))
    if start is None or before is None or after is None:
        raise ScheduleError(Sentence("DTSTART, TZOFFSETFROM or TZOFFSETTO is missing"))
    offset, rule = _offset(before.value), component.one("RRULE")
    parsed = None if rule is None else parse_rule(rule.value, whole_days=False)
    if parsed is not None and (parsed.frequency, parsed.interval, parsed.count) != ("YEARLY", 1, None):
        raise ScheduleError(
            Sentence("its rule {what!r} does not repeat by the year", what=rule.value[:60] if rule else "")
        )
    until = None
    if parsed is not None and parsed.until is not None:
        until = _local(parsed.until.removesuffix("Z") if "T" in parsed.until else f"{parsed.until}T235959")
        if parsed.until.endswith("Z"):
            until += offset
    dates = [word for p in component.all("RDATE") for word in p.value.split(",")]
    return _Observance(
        _local(start.value), offset, _offset(after.value), parsed, until, tuple(_local(word) for word in dates)
    )


def _offset(text: str) -> timedelta:
    match = _OFFSET.fullmatch(text.strip())
    if match is None or int(match[2]) > 23 or int(match[3]) > 59 or int(match[4] or 0) > 59:
        raise ScheduleError(Sentence("{text!r} is not an offset from UTC such as +0900", text=text[:20]))
    length = timedelta(hours=int(match[2]), minutes=int(match[3]), seconds=int(match[4] or 0))
    return -length if match[1] == "-" else length


def _local(text: str) -> datetime:
    match = _LOCAL.fullmatch(text.strip())
    try:
        if match is not None and int(match[1]) > 1:
            return datetime(*(int(group) for group in match.groups()))  # pyright: ignore[reportArgumentType]  # noqa: DTZ001 - six groups; local time
    except ValueError:
        pass
    raise ScheduleError(Sentence("{text!r} is not a local time such as 20260329T020000", text=text[:30]))
