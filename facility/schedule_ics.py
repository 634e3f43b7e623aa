"""The schedule as iCalendar (RFC 5545): one event a block, its category in ``CATEGORIES``."""

from datetime import date, datetime, tzinfo
from typing import Any

from facility.errors import ScheduleError
from facility.schedule import PLANNED_CATEGORIES, Block, Category, ScheduleVersion
from facility.time import from_datetime, local_midnight, to_datetime

_WORDS = {c.value for c in PLANNED_CATEGORIES}


def read_calendar(
    text: str, name: str, zone: tzinfo, published_at_ns: int, start_ns: int, end_ns: int
) -> ScheduleVersion:
    """Read a calendar as one version of the schedule.

    An event's block has the first of its ``CATEGORIES`` that is a category of kado's; the others are its tags. Its
    ``SUMMARY`` is its note, ``X-KADO-RUN`` the run it belongs to. Cancelled events are left out, repeating ones
    spelled out. Whole days begin at midnight in `zone`, and so do times without a zone.

    Parameters
    ----------
    text
        The calendar.
    name
        What to call it in messages, usually the file.
    zone
        The facility's.
    published_at_ns
        When this calendar was published: a calendar file does not say.
    start_ns, end_ns
        Events that touch this time are read; repetition may have no end of its own.

    Raises
    ------
    ScheduleError
        If it is no calendar, holds no event in that time, or with every event that has no category or no end.
    """
    # Not needed by those who keep their schedule as CSV.
    import recurring_ical_events  # pyright: ignore[reportMissingTypeStubs]
    from icalendar import Calendar

    try:
        calendar = Calendar.from_ical(text)
        events: list[Any] = recurring_ical_events.of(calendar, skip_bad_series=False).between(
            to_datetime(start_ns, zone), to_datetime(end_ns, zone)
        )
    except (ValueError, IndexError, KeyError) as error:
        raise ScheduleError(f"{name} is not a calendar that can be read: {error}") from error
    blocks: list[Block] = []
    problems: list[str] = []
    for event in events:
        if str(event.get("STATUS", "")).upper() == "CANCELLED":
            continue
        try:
            blocks.append(_block(event, zone))
        except ScheduleError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise ScheduleError("\n".join(problems))
    if not blocks:
        raise ScheduleError(f"{name}: no event between {to_datetime(start_ns, zone)} and {to_datetime(end_ns, zone)}")
    return ScheduleVersion.of(published_at_ns, blocks)


def _block(event: Any, zone: tzinfo) -> Block:
    summary = str(event.get("SUMMARY", "")).strip()
    start, end = _instant(event.get("DTSTART").dt, zone), _instant(event.end, zone)
    what = f"event {summary!r} at {to_datetime(start, zone).isoformat(sep=' ', timespec='minutes')}"
    words = [str(word).strip() for word in event.categories]
    known = [word.lower() for word in words if word.lower() in _WORDS]
    if not known:
        raise ScheduleError(f"{what} has no category of kado's in CATEGORIES {words}: add one of {sorted(_WORDS)}")
    if end <= start:
        raise ScheduleError(f"{what} does not end after its start")
    tags = tuple(word for word in words if word.lower() not in _WORDS)
    run = str(event.get("X-KADO-RUN", "")).strip() or None
    return Block(start, end, Category(known[0]), tags, run, summary)


def _instant(moment: date | datetime, zone: tzinfo) -> int:
    if not isinstance(moment, datetime):
        return local_midnight(moment, zone)
    return from_datetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
