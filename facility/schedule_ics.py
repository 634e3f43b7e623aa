"""The schedule as iCalendar (RFC 5545): one event a block."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from facility.errors import ScheduleError
from facility.ics.events import Event, event_name, read_event
from facility.ics.lines import Component, read_calendars
from facility.ics.rule import Work
from facility.ics.series import Occurrence, Series
from facility.ics.zones import Zones
from facility.interval import Intervals
from facility.schedule import PLANNED_CATEGORIES, Block, Category, ScheduleVersion
from facility.schedule_words import CalendarWords
from facility.sentence import Sentence
from facility.time import format_time

MAX_EVENTS = 20_000
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class CalendarReading:
    """What a calendar holds."""

    version: ScheduleVersion
    warnings: tuple[str, ...] = ()
    """What was read, and may have been meant differently."""


def read_calendar(
    data: bytes,
    name: str,
    zone: tzinfo,
    published_at_ns: int,
    start_ns: int,
    end_ns: int,
    *,
    words: CalendarWords | None = None,
) -> CalendarReading:
    """Read a calendar as one version of the schedule.

    An event's block has the category that `words` or kado's own words give to its ``CATEGORIES`` or ``SUMMARY``;
    further categories are its tags. Its ``SUMMARY`` is its note, ``X-KADO-RUN`` the run it belongs to. Repeating
    events are spelled out. A cancelled event is ``unscheduled``: it withdraws what earlier versions planned there,
    except where another event takes its time. Whole days begin at midnight in `zone`, and so do times without a zone.

    Parameters
    ----------
    data
        The file.
    name
        What to call it in messages, usually the file.
    zone
        The facility's.
    published_at_ns
        When this calendar was published: a calendar file does not say.
    start_ns, end_ns
        Events that touch this time are read; repetition may have no end of its own.
    words
        What the calendar's words mean.

    Raises
    ------
    ScheduleError
        If it is not a calendar, is larger or repeats more than can be read, holds no event in that time, or with
        every event that has no category, or whose time is not clear.
    """
    words = words or CalendarWords()
    work = Work()
    try:
        calendars = read_calendars(data)
        _check_version(calendars)
        components = [c for calendar in calendars for c in calendar.children if c.name == "VEVENT"]
        if len(components) > MAX_EVENTS:
            raise ScheduleError(
                Sentence(
                    "it has {count:,} events, more than the {max_events:,} that are read",
                    count=len(components),
                    max_events=MAX_EVENTS,
                )
            )
        zones = Zones(calendars, work)
    except ScheduleError as error:
        raise ScheduleError(Sentence("{name}: {error}", name=name, error=error)) from error
    series = Series(zone, start_ns, end_ns, work)
    events: list[Event] = []
    for component in components:
        try:
            events.append(read_event(component, zones, str(zone)))
        except ScheduleError as error:
            series.problems.append(Sentence("{event}: {error}", event=event_name(component), error=error))
    occurrences = series.occurrences(events)
    blocks = _blocks(occurrences, words, series.problems, lambda ns: format_time(ns, zone))
    if series.problems:
        raise ScheduleError(_listed(series.problems, name))
    if not blocks:
        raise ScheduleError(
            Sentence(
                "{name}: no event of the operation calendar between {start} and {end}: read another time with "
                "--from, --to",
                name=name,
                start=format_time(start_ns, zone),
                end=format_time(end_ns, zone),
            )
        )
    try:
        version = ScheduleVersion.of(published_at_ns, blocks)
    except ScheduleError as error:
        raise ScheduleError(Sentence("{name}: {error}", name=name, error=error)) from error
    return CalendarReading(version, tuple(f"{name}: {warning}" for warning in series.warnings))


def _check_version(calendars: Sequence[Component]) -> None:
    for calendar in calendars:
        version = calendar.one("VERSION")
        if version is not None and version.value.strip() == "1.0":
            raise ScheduleError(
                Sentence("it is vCalendar 1.0, whose rules are others: export it as iCalendar (VERSION:2.0)")
            )


def _blocks(
    occurrences: Sequence[Occurrence], words: CalendarWords, problems: list[Sentence], written: Callable[[int], str]
) -> list[Block]:
    """Return a block for each occurrence, and ``unscheduled`` ones for what cancelled ones leave free."""
    blocks: list[Block] = []
    cancelled: list[tuple[int, int]] = []
    without: set[str] = set()
    for occurrence in occurrences:
        event = occurrence.event
        found = words.find(event.categories, event.summary)
        if found is None:
            continue
        category, tags = found
        if occurrence.cancelled:
            if category is not None:
                cancelled.append((occurrence.start_ns, occurrence.end_ns))
        elif category is not None:
            block = Block(occurrence.start_ns, occurrence.end_ns, category, tags, event.run, event.summary)
            try:
                block.check_texts()
            except ScheduleError as error:
                problems.append(Sentence("{event}: {error}", event=event.name, error=error))
            blocks.append(block)
        elif event.name not in without:
            without.add(event.name)
            problems.append(
                Sentence(
                    "{event} at {start} has none of kado's categories in CATEGORIES {found}: add one of {categories}, "
                    "or write in kado.toml what its words mean ([schedule] categories, summaries)",
                    event=event.name,
                    start=written(occurrence.start_ns)[:16],
                    found=list(event.categories),
                    categories=", ".join(c.value for c in PLANNED_CATEGORIES),
                )
            )
    free = Intervals.of(cancelled) - Intervals.of((b.start_ns, b.end_ns) for b in blocks)
    return blocks + [Block(start, end, Category.UNSCHEDULED, note="cancelled") for start, end in free]


def _listed(problems: Sequence[Sentence], name: str) -> Sentence:
    each = {str(problem): problem for problem in problems}
    lines = [Sentence("{name}: {problem}", name=name, problem=problem) for problem in each.values()]
    more = len(lines) - _SHOWN_PROBLEMS
    rest = [Sentence("{name}: and {n:,} more", name=name, n=more)] if more > 0 else []
    return Sentence.joined([*lines[:_SHOWN_PROBLEMS], *rest])
