"""Repetition by a rule (``RRULE``, RFC 5545 section 3.3.10), spelled out within a span and a stated amount of work."""

import re
from calendar import isleap, monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Final

from facility.errors import ScheduleError
from facility.sentence import Sentence

MAX_DAYS: Final = 1_000_000
"""Days that rules may look at in one file: a second or two."""

_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,6}", re.ASCII)
_RANGES: Final = {
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYSETPOS": (1, 366, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
}
_DAY_LENGTH = timedelta(days=1)


class Work:
    """How many days the rules of a file have looked at."""

    def __init__(self, limit: int = MAX_DAYS) -> None:
        self._left = limit

    def spend(self, days: int) -> None:
        """Count days.

        Raises
        ------
        ScheduleError
            If they are more than may be looked at.
        """
        self._left -= days
        if self._left < 0:
            raise ScheduleError(
                Sentence(
                    "its events repeat over more than {max_days:,} days in all: start them later, or "
                    "export fewer of them",
                    max_days=MAX_DAYS,
                )
            )


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that repeats by the day or slower; see `parse_rule`."""

    frequency: str
    interval: int
    count: int | None
    until: str | None
    """As written."""
    week_start: int
    """0 is Monday."""
    by_day: tuple[tuple[int, int], ...]
    """The weekday, and which of them in the period (0: each)."""
    by: dict[str, tuple[int, ...]]
    """The other parts, by name."""

    def times(self, start: datetime, first: datetime, last: datetime, work: Work) -> Iterator[datetime]:
        """Yield the local times that the rule gives, in order; ``until`` is left aside.

        Parameters
        ----------
        start
            The event's own start; naive, as are the others.
        first, last
            Only times in this span.
        work
            Counts the days that were looked at.

        Raises
        ------
        ScheduleError
            If `work` is exceeded.
        """
        periods = _Periods(self, start)
        index = periods.before(first) if self.count is None else 0
        counted = 0
        while periods.begins(index) <= last:
            for moment in self._within(periods.days(index), start, work):
                if moment < start:
                    continue
                counted += 1
                if moment > last or (self.count is not None and counted > self.count):
                    return
                if moment >= first:
                    yield moment
            index += 1

    def check_start(self, start: datetime, work: Work) -> None:
        """Refuse an event whose start is not one of the times of its rule, which RFC 5545 leaves undefined.

        Raises
        ------
        ScheduleError
            If it is so.
        """
        if start not in self._within(_Periods(self, start).days(0), start, work):
            raise ScheduleError(
                Sentence(
                    "its start {start} is not one of the times that its rule gives: put one of them right", start=start
                )
            )

    def _within(self, days: tuple[datetime, int], start: datetime, work: Work) -> list[datetime]:
        first, length = days
        work.spend(length)
        hours, minutes = self.by.get("BYHOUR", (start.hour,)), self.by.get("BYMINUTE", (start.minute,))
        clock = [
            timedelta(hours=h, minutes=m, seconds=start.second) for h, m in product(sorted(hours), sorted(minutes))
        ]
        found: list[datetime] = []
        for number in range(length):
            day = first + number * _DAY_LENGTH
            if self._matches(day, start):
                found += [day + time for time in clock]
        if positions := self.by.get("BYSETPOS"):
            wanted = {p - 1 if p > 0 else len(found) + p for p in positions}
            found = [moment for i, moment in enumerate(found) if i in wanted]
        return found

    def _matches(self, day: datetime, start: datetime) -> bool:
        by = self.by
        if not by and not self.by_day and self.frequency == "DAILY":
            return True
        if "BYMONTH" in by and day.month not in by["BYMONTH"]:
            return False
        if "BYMONTHDAY" in by and not {day.day, day.day - _month_length(day) - 1} & set(by["BYMONTHDAY"]):
            return False
        if "BYYEARDAY" in by and not {_year_day(day), _year_day(day) - _year_length(day) - 1} & set(by["BYYEARDAY"]):
            return False
        if self.by_day:
            weekday = day.weekday()
            which = [nth for nth, wanted in self.by_day if wanted == weekday]
            return 0 in which or (bool(which) and any(nth in which for nth in self._places(day)))
        if "BYMONTHDAY" in by or "BYYEARDAY" in by:
            return True
        match self.frequency:
            case "YEARLY":
                return day.day == start.day and (day.month == start.month or "BYMONTH" in by)
            case "MONTHLY":
                return day.day == start.day
            case "WEEKLY":
                return day.weekday() == start.weekday()
            case _:
                return True

    def _places(self, day: datetime) -> tuple[int, int]:
        """Return which one of its weekday a day is in its month or year, from the beginning and from the end."""
        if self.frequency == "MONTHLY" or "BYMONTH" in self.by:
            place, length = day.day, _month_length(day)
        else:
            place, length = _year_day(day), _year_length(day)
        return (place - 1) // 7 + 1, -((length - place) // 7 + 1)


def _month_length(day: datetime) -> int:
    return monthrange(day.year, day.month)[1]


def _year_length(day: datetime) -> int:
    return 366 if isleap(day.year) else 365


def _year_day(day: datetime) -> int:
    return day.timetuple().tm_yday


class _Periods:
    """The days, weeks, months or years that a rule looks at, numbered from that of its start."""

    def __init__(self, rule: Rule, start: datetime) -> None:
        self._frequency = rule.frequency
        self._interval = rule.interval
        midnight = start.replace(hour=0, minute=0, second=0)
        if rule.frequency == "WEEKLY":
            midnight -= (start.weekday() - rule.week_start) % 7 * _DAY_LENGTH
        self._first = midnight

    def begins(self, index: int) -> datetime:
        """Return the first day of a period; the end of time where it lies beyond."""
        try:
            match self._frequency:
                case "DAILY":
                    return self._first + index * self._interval * _DAY_LENGTH
                case "WEEKLY":
                    return self._first + 7 * index * self._interval * _DAY_LENGTH
                case "MONTHLY":
                    month = self._first.year * 12 + self._first.month - 1 + index * self._interval
                    return datetime(month // 12, month % 12 + 1, 1)  # noqa: DTZ001 - local, whatever the zone
                case _:
                    return datetime(self._first.year + index * self._interval, 1, 1)  # noqa: DTZ001 - local, as above
        except (ValueError, OverflowError):
            return datetime.max  # noqa: DTZ901 - local, as the others.

    def days(self, index: int) -> tuple[datetime, int]:
        """Return the first day of a period and how many it has."""
        first = self.begins(index)
        match self._frequency:
            case "DAILY":
                return first, 1
            case "WEEKLY":
                return first, 7
            case "MONTHLY":
                return first, _month_length(first)
            case _:
                return first, _year_length(first)

    def before(self, moment: datetime) -> int:
        """Return the number of a period that begins at or before `moment`, 0 at the least, near it."""
        longest = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}[self._frequency] * self._interval
        return max((moment - self._first).days // longest - 1, 0)


def parse_rule(text: str, *, whole_days: bool) -> Rule:
    """Read a rule; `whole_days` where its event has dates and no times.

    Raises
    ------
    ScheduleError
        If it is not one, or holds what kado does not read: repetition faster than by the day, week numbers.
    """
    parts: dict[str, str] = {}
    for part in text.rstrip(";").split(";"):
        name, equals, value = part.strip().partition("=")
        name = name.upper()
        if not equals or not value or name in parts:
            raise ScheduleError(
                Sentence(
                    "its rule {text!r} cannot be read: {part!r} {what}",
                    text=text,
                    part=part,
                    what=Sentence("occurs twice") if name in parts else Sentence("is not NAME=VALUE"),
                )
            )
        parts[name] = value.upper()
    frequency = parts.pop("FREQ", "")
    if frequency not in _FREQUENCIES:
        raise ScheduleError(
            Sentence(
                "its rule repeats FREQ={frequency!r}: kado reads {frequencies}",
                frequency=frequency,
                frequencies=", ".join(_FREQUENCIES),
            )
        )
    interval = _one("INTERVAL", parts.pop("INTERVAL", "1"))
    count = _one("COUNT", parts.pop("COUNT")) if "COUNT" in parts else None
    until = parts.pop("UNTIL", None)
    if count is not None and until is not None:
        raise ScheduleError(Sentence("its rule has both COUNT and UNTIL: remove one"))
    week_start = parts.pop("WKST", "MO")
    if week_start not in _WEEKDAYS:
        raise ScheduleError(
            Sentence("its rule has WKST={week_start}, which is not a weekday such as MO", week_start=week_start)
        )
    by_day = _weekdays(parts.pop("BYDAY", ""), frequency)
    by = {name: _numbers(name, value) for name, value in parts.items()}
    misplaced = [
        name
        for name, allowed in (
            ("BYMONTHDAY", frequency != "WEEKLY"),
            ("BYYEARDAY", frequency == "YEARLY"),
            ("BYHOUR", not whole_days),
            ("BYMINUTE", not whole_days),
            ("BYSETPOS", bool(by_day) or len(by) > 1),
        )
        if name in by and not allowed
    ]
    if misplaced:
        raise ScheduleError(
            Sentence("its rule has {misplaced}, which has no meaning in {text!r}", misplaced=misplaced[0], text=text)
        )
    return Rule(frequency, interval, count, until, _WEEKDAYS.index(week_start), by_day, by)


def _one(name: str, value: str) -> int:
    if not _NUMBER.fullmatch(value) or int(value) < 1:
        raise ScheduleError(
            Sentence("its rule has {name}={value}, which is not a whole number from 1 on", name=name, value=value[:20])
        )
    return int(value)


def _numbers(name: str, value: str) -> tuple[int, ...]:
    if name not in _RANGES:
        raise ScheduleError(
            Sentence(
                "its rule has {name}, which kado does not read; it reads {ranges}, BYDAY",
                name=name[:20],
                ranges=", ".join(_RANGES),
            )
        )
    low, high, negative = _RANGES[name]
    numbers: list[int] = []
    for word in value.split(","):
        number = int(word) if _NUMBER.fullmatch(word) else high + 1
        if not (low <= number <= high or (negative and low <= -number <= high)):
            raise ScheduleError(
                Sentence(
                    "its rule has {name}={word}, which is not from {low} to {high}",
                    name=name,
                    word=word[:20],
                    low=low,
                    high=high,
                )
            )
        numbers.append(number)
    return tuple(dict.fromkeys(numbers))


def _weekdays(value: str, frequency: str) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for word in value.split(",") if value else []:
        match = _DAY.fullmatch(word)
        nth = int(match[1] or 0) if match else 0
        if match is None or abs(nth) > 53 or (match[1] and not nth):
            raise ScheduleError(
                Sentence("its rule has BYDAY={word}, which is not a weekday such as MO or -1FR", word=word[:20])
            )
        if nth and frequency not in ("MONTHLY", "YEARLY"):
            raise ScheduleError(
                Sentence(
                    "its rule has BYDAY={word} with FREQ={frequency}, which has no meaning",
                    word=word,
                    frequency=frequency,
                )
            )
        found.append((nth, _WEEKDAYS.index(match[2])))
    return tuple(dict.fromkeys(found))
