"""An operation calendar as Japanese light sources keep it, for any fiscal year.

Weeks run from Monday to Monday, and each is of one kind. A run is a number of weeks of user operation::

    week of      Mon 09-18     Mon 18 - Tue 10   Tue 10 - Sun 10   Sun 10 - Mon 09
    users        maintenance   tuning            user              study
    last of run  maintenance   tuning            user, from Sat 10 reserve   study
    study        maintenance to Wed 18, tuning to Thu 10, study
    start-up     maintenance to Tue 18, tuning to Fri 10, study
    shutdown     shutdown

Long shutdowns are in August and half of September, over New Year, and at the end of the fiscal year.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from facility.profile import Profile
from facility.schedule import Block, Category, Plan, ScheduleVersion, resolve
from facility.time import NS_PER_DAY, from_datetime, local_midnight, to_datetime

LONG_SHUTDOWNS: Final = (((8, 1), (9, 7)), ((12, 22), (1, 5)), ((3, 15), (3, 31)))
"""(month, day) of the first and the last Monday on which a week of shutdown may begin."""
RUN_WEEKS: Final = 6
"""About how many weeks of user operation make a run; never so few that a year has ten runs, since ``2026-10``
is a month."""
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Week:
    monday: date
    kind: str
    """``users``, ``last`` (of a run), ``study``, ``startup``, ``shutdown``."""
    run: str | None = None


_USER, _RESERVE, _STUDY = Category.USER, Category.RESERVE, Category.STUDY
_TUNING, _MAINTENANCE, _SHUTDOWN = Category.TUNING, Category.MAINTENANCE, Category.SHUTDOWN

# What a week of each kind is made of: (day of the week from Monday, hour, category from there on).
_WEEKS: Final[dict[str, list[tuple[int, int, Category]]]] = {
    "users": [(0, 9, _MAINTENANCE), (0, 18, _TUNING), (1, 10, _USER), (6, 10, _STUDY)],
    "last": [(0, 9, _MAINTENANCE), (0, 18, _TUNING), (1, 10, _USER), (5, 10, _RESERVE), (6, 10, _STUDY)],
    "study": [(0, 9, _MAINTENANCE), (2, 18, _TUNING), (3, 10, _STUDY)],
    "startup": [(0, 9, _MAINTENANCE), (1, 18, _TUNING), (4, 10, _STUDY)],
    "shutdown": [(0, 9, _SHUTDOWN)],
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """The calendar of one facility; always the same."""

    zone: ZoneInfo
    fiscal_year_starts_in: int = 4
    long_shutdowns: bool = True
    shutdowns: tuple[tuple[date, date], ...] = ()
    """Further ones: (first day, day after the last) between which a Monday begins a week of shutdown."""
    beamlines: tuple[str, ...] = ()
    """Where one beamline has the beam at a time: they take turns, a week each."""

    @classmethod
    def of(
        cls,
        profile: Profile,
        *,
        long_shutdowns: bool,
        shutdowns: tuple[tuple[date, date], ...] = (),
        beamlines: tuple[str, ...] = (),
    ) -> "Calendar":
        """Return the calendar of a facility, in its zone and fiscal year."""
        return cls(profile.zone, profile.fiscal_year_starts_in, long_shutdowns, shutdowns, beamlines)

    def version(self, fiscal_year: int) -> ScheduleVersion:
        """Return the calendar of one fiscal year, published 60 days before it begins."""
        return _version(self, fiscal_year)

    def versions(self, start_ns: int, end_ns: int) -> tuple[ScheduleVersion, ...]:
        """Return the calendars of the fiscal years that touch ``[start_ns, end_ns)``."""
        first, last = self._fiscal_year(start_ns), self._fiscal_year(max(start_ns, end_ns - 1))
        return tuple(self.version(year) for year in range(first, last + 1))

    def plan(self, start_ns: int, end_ns: int) -> Plan:
        """Return what is planned in all fiscal years that touch ``[start_ns, end_ns)``."""
        return _plan(self, self._fiscal_year(start_ns), self._fiscal_year(max(start_ns, end_ns - 1)))

    def blocks(self, start_ns: int, end_ns: int) -> tuple[Block, ...]:
        """Return the blocks that touch ``[start_ns, end_ns)``, uncut."""
        blocks = self.plan(start_ns, end_ns).blocks
        first = bisect_right(blocks, start_ns, key=lambda b: b.end_ns)
        return tuple(b for b in blocks[first:] if b.start_ns < end_ns)

    def is_shut(self, monday: date) -> bool:
        """Whether the week from that Monday on is one of shutdown."""
        further = any(first <= monday < following for first, following in self.shutdowns)
        return further or (self.long_shutdowns and _is_shutdown(monday))

    def tags(self, monday: date) -> tuple[str, ...]:
        """Return the tags of user time in the week from that Monday on: the beamline that has the beam."""
        if not self.beamlines:
            return ()
        return (self.beamlines[monday.toordinal() // 7 % len(self.beamlines)],)

    def starts_on(self, fiscal_year: int) -> date:
        """Return the first day of a fiscal year."""
        return date(fiscal_year, self.fiscal_year_starts_in, 1)

    def _fiscal_year(self, ns: int) -> int:
        day = to_datetime(ns, self.zone)
        return day.year if day.month >= self.fiscal_year_starts_in else day.year - 1


@lru_cache(maxsize=64)
def _plan(calendar: Calendar, first: int, last: int) -> Plan:
    return resolve([calendar.version(year) for year in range(first, last + 1)])


@lru_cache(maxsize=256)
def _version(calendar: Calendar, fiscal_year: int) -> ScheduleVersion:
    start = local_midnight(calendar.starts_on(fiscal_year), calendar.zone)
    end = local_midnight(calendar.starts_on(fiscal_year + 1), calendar.zone)
    # The week that the year begins in is planned by the year before.
    weeks = [*_weeks(calendar, fiscal_year - 1), *_weeks(calendar, fiscal_year)]
    points = [
        (from_datetime(datetime.combine(w.monday + timedelta(days=day), time(hour), calendar.zone)), category, w)
        for w in weeks
        for day, hour, category in _WEEKS[w.kind]
    ]
    points.append((max(end, points[-1][0] + 1), _SHUTDOWN, weeks[-1]))
    blocks: list[Block] = []
    for (since, category, week), (until, _, _) in pairwise(points):
        since, until = max(since, start), min(until, end)
        if until <= since:
            continue
        run = week.run if category.is_user_time else None
        tags = calendar.tags(week.monday) if category.is_user_time else ()
        if blocks and (blocks[-1].category, blocks[-1].run, blocks[-1].tags) == (category, run, tags):
            since = blocks.pop().start_ns
        blocks.append(Block(since, until, category, tags, run))
    return ScheduleVersion.of(start - 60 * NS_PER_DAY, blocks)


def _weeks(calendar: Calendar, fiscal_year: int) -> list[_Week]:
    """Return the weeks that begin in a fiscal year."""
    first, following = calendar.starts_on(fiscal_year), calendar.starts_on(fiscal_year + 1)
    monday = first + timedelta(days=-first.weekday() % 7)
    mondays = [monday + i * WEEK for i in range(53) if monday + i * WEEK < following]
    weeks: list[_Week] = []
    season: list[date] = []
    runs = 0
    for monday in [*mondays, None]:
        if monday is not None and not calendar.is_shut(monday):
            season.append(monday)
            continue
        # After a shutdown a machine starts up first; where none is planned it is running already.
        ready = not calendar.long_shutdowns and not (season and calendar.is_shut(season[0] - WEEK))
        planned = _season(season, fiscal_year, runs, ready=ready)
        runs += len({w.run for w in planned if w.run})
        weeks += planned
        season = []
        if monday is not None:
            weeks.append(_Week(monday, "shutdown"))
    return weeks


def _season(mondays: list[date], fiscal_year: int, runs_before: int, *, ready: bool) -> list[_Week]:
    """Plan the weeks between two long shutdowns: a start-up, then runs with a week of study between them."""
    if not mondays:
        return []
    weeks = [] if ready else [_Week(mondays[0], "startup")]
    left = mondays[len(weeks) :]
    runs = max(1, round(len(left) / (RUN_WEEKS + (not ready))))
    gaps = 0 if ready else runs - 1
    users = len(left) - gaps
    for number in range(runs):
        name = f"{fiscal_year}-{runs_before + number + 1}"
        length = users * (number + 1) // runs - users * number // runs
        run, left = left[:length], left[length:]
        weeks += [_Week(m, "last" if m == run[-1] else "users", name) for m in run]
        if gaps and number < runs - 1:
            weeks.append(_Week(left.pop(0), "study"))
    return weeks


def _is_shutdown(monday: date) -> bool:
    day = (monday.month, monday.day)
    return any(first <= day <= last if first <= last else day >= first or day <= last for first, last in LONG_SHUTDOWNS)
