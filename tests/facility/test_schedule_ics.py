"""A calendar from a calendar program as the schedule."""

from zoneinfo import ZoneInfo

import pytest

from facility.errors import ScheduleError
from facility.schedule import Category, ScheduleVersion
from facility.schedule_ics import read_calendar
from facility.time import parse_time

JST = ZoneInfo("Asia/Tokyo")
PUBLISHED = parse_time("2026-01-10T00:00:00Z")


def read(*events: str) -> ScheduleVersion:
    body = "".join(f"BEGIN:VEVENT\nUID:{i}\n{event}\nEND:VEVENT\n" for i, event in enumerate(events))
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{body}END:VCALENDAR\n".replace("\n", "\r\n")
    start, end = parse_time("2026-04-01T00:00:00+09:00"), parse_time("2026-05-01T00:00:00+09:00")
    return read_calendar(text, "run.ics", JST, PUBLISHED, start, end)


def test_an_event_becomes_a_block_with_its_category_tags_and_note() -> None:
    version = read(
        "DTSTART;TZID=Asia/Tokyo:20260407T100000\nDTEND;TZID=Asia/Tokyo:20260411T100000\n"
        "CATEGORIES:shared,USER\nSUMMARY:Run 2026-1"
    )
    (block,) = version.blocks
    assert version.published_at_ns == PUBLISHED
    assert (block.start_ns, block.end_ns) == (
        parse_time("2026-04-07T10:00:00+09:00"),
        parse_time("2026-04-11T10:00:00+09:00"),
    )
    assert (block.category, block.tags, block.note) == (Category.USER, ("shared",), "Run 2026-1")


def test_an_event_may_say_which_run_it_belongs_to() -> None:
    when = "DTSTART:20260407T010000Z\nDTEND:20260411T010000Z\nCATEGORIES:user\n"
    named, plain = read(when + "X-KADO-RUN:2026-1"), read(when + "SUMMARY:Run 2026-1")
    assert [block.run for block in named.blocks] == ["2026-1"]
    assert [block.run for block in plain.blocks] == [None]


def test_a_whole_day_begins_at_midnight_in_the_facilitys_zone() -> None:
    (block,) = read("DTSTART;VALUE=DATE:20260406\nDTEND;VALUE=DATE:20260407\nCATEGORIES:maintenance").blocks
    assert block.start_ns == parse_time("2026-04-06T00:00:00+09:00")
    assert block.end_ns == parse_time("2026-04-07T00:00:00+09:00")


def test_a_weekly_event_is_spelled_out() -> None:
    version = read(
        "DTSTART:20260406T000000Z\nDTEND:20260406T080000Z\nRRULE:FREQ=WEEKLY\nCATEGORIES:maintenance\nSUMMARY:Monday"
    )
    assert [b.start_ns for b in version.blocks] == [parse_time(f"2026-04-{d:02}T00:00:00Z") for d in (6, 13, 20, 27)]


def test_a_cancelled_event_is_left_out() -> None:
    kept = "DTSTART:20260406T000000Z\nDTEND:20260406T080000Z\nCATEGORIES:study"
    gone = "DTSTART:20260407T000000Z\nDTEND:20260407T080000Z\nCATEGORIES:study\nSTATUS:CANCELLED"
    assert len(read(kept, gone).blocks) == 1


def test_every_event_without_a_category_is_named() -> None:
    strange = "DTSTART:20260406T000000Z\nDTEND:20260406T080000Z\nSUMMARY:Lunch\nCATEGORIES:food"
    bare = "DTSTART:20260407T000000Z\nDTEND:20260407T080000Z\nSUMMARY:Tea"
    with pytest.raises(ScheduleError, match=r"event 'Lunch' at 2026-04-06 09:00.*\['food'\].*maintenance") as caught:
        read(strange, bare)
    assert "event 'Tea'" in str(caught.value)


def test_overlapping_events_are_both_named() -> None:
    a = "DTSTART:20260406T000000Z\nDTEND:20260406T080000Z\nCATEGORIES:study"
    b = "DTSTART:20260406T070000Z\nDTEND:20260406T090000Z\nCATEGORIES:user"
    with pytest.raises(ScheduleError, match=r"overlap.*study 2026-04-06T00:00:00Z.*user 2026-04-06T07:00:00Z"):
        read(a, b)


def test_an_empty_calendar_and_no_calendar_are_errors() -> None:
    with pytest.raises(ScheduleError, match=r"run\.ics: no event between 2026-04-01"):
        read()
    with pytest.raises(ScheduleError, match="x is not a calendar"):
        read_calendar("start,end\n", "x", JST, PUBLISHED, 0, 1)
