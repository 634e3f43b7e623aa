"""A calendar from a calendar program as the schedule: start and end as the file says them, or refused."""

import time
import tracemalloc
from zoneinfo import ZoneInfo

import pytest

from facility.errors import ScheduleError
from facility.ics.lines import MAX_BYTES
from facility.schedule import Block, Category, ScheduleVersion, resolve
from facility.schedule_ics import CalendarReading, read_calendar
from facility.schedule_words import CalendarWords
from facility.time import NS_PER_DAY, NS_PER_H, parse_time

JST, BERLIN = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
PUBLISHED = parse_time("2026-01-10T00:00:00Z")
APRIL = parse_time("2026-04-01T00:00:00+09:00"), parse_time("2026-05-01T00:00:00+09:00")
YEAR_2026 = parse_time("2026-01-01T00:00:00Z"), parse_time("2027-01-01T00:00:00Z")


def file_of(*parts: str) -> bytes:
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{''.join(parts)}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def events(*bodies: str) -> str:
    return "".join(f"BEGIN:VEVENT\nUID:{i}\n{body}\nEND:VEVENT\n" for i, body in enumerate(bodies))


def reading(*bodies: str, zone: ZoneInfo = JST, span: tuple[int, int] = APRIL, more: str = "") -> CalendarReading:
    return read_calendar(file_of(more, events(*bodies)), "run.ics", zone, PUBLISHED, *span)


def read(*bodies: str) -> ScheduleVersion:
    return reading(*bodies).version


def spans(read: CalendarReading, zone: ZoneInfo = BERLIN) -> list[str]:
    from facility.time import format_time

    return [f"{format_time(b.start_ns, zone)} {format_time(b.end_ns, zone)}" for b in read.version.blocks]


def in_berlin(*bodies: str, more: str = "") -> list[str]:
    return spans(reading(*bodies, zone=BERLIN, span=YEAR_2026, more=more))


def test_an_event_with_characters_that_are_no_text_is_refused_by_name() -> None:
    when = "DTSTART:20260407T000000Z\nDTEND:20260411T000000Z\nCATEGORIES:user\n"
    with pytest.raises(ScheduleError, match=r"the note has a control character, U\+202E, at position 4: remove it"):
        read(f"{when}SUMMARY:Run\u202e2026")


def test_an_event_becomes_a_block_with_its_category_tags_and_note() -> None:
    version = read(
        "DTSTART;TZID=Asia/Tokyo:20260407T100000\nDTEND;TZID=Asia/Tokyo:20260411T100000\n"
        "CATEGORIES:shared,USER\nSUMMARY:Run 2026-1\\, week 1"
    )
    (block,) = version.blocks
    assert version.published_at_ns == PUBLISHED
    assert (block.start_ns, block.end_ns) == (
        parse_time("2026-04-07T10:00:00+09:00"),
        parse_time("2026-04-11T10:00:00+09:00"),
    )
    assert (block.category, block.tags, block.note) == (Category.USER, ("shared",), "Run 2026-1, week 1")


def test_an_event_may_say_which_run_it_belongs_to() -> None:
    when = "DTSTART:20260407T010000Z\nDTEND:20260411T010000Z\nCATEGORIES:user\n"
    named, plain = read(when + "X-KADO-RUN:2026-1"), read(when + "SUMMARY:Run 2026-1")
    assert [block.run for block in named.blocks] == ["2026-1"]
    assert [block.run for block in plain.blocks] == [None]


def test_a_whole_day_begins_at_midnight_in_the_facilitys_zone() -> None:
    (block,) = read("DTSTART;VALUE=DATE:20260406\nDTEND;VALUE=DATE:20260407\nCATEGORIES:maintenance").blocks
    assert block.start_ns == parse_time("2026-04-06T00:00:00+09:00")
    assert block.end_ns == parse_time("2026-04-07T00:00:00+09:00")
    assert read("DTSTART;VALUE=DATE:20260406\nCATEGORIES:maintenance").blocks == (
        Block(block.start_ns, block.end_ns, Category.MAINTENANCE),
    )


def test_a_weekly_event_is_spelled_out() -> None:
    version = read(
        "DTSTART:20260406T000000Z\nDTEND:20260406T080000Z\nRRULE:FREQ=WEEKLY\nCATEGORIES:maintenance\nSUMMARY:Monday"
    )
    assert [b.start_ns for b in version.blocks] == [parse_time(f"2026-04-{d:02}T00:00:00Z") for d in (6, 13, 20, 27)]


# --- Clocks that change.


def test_hours_are_exact_and_days_are_counted_by_the_calendar() -> None:
    night = "DTSTART;TZID=Europe/Berlin:2026{}T220000\nDURATION:{}\nCATEGORIES:user"
    assert in_berlin(night.format("1024", "PT10H"), night.format("0328", "PT10H")) == [
        "2026-03-28T22:00:00+01:00 2026-03-29T09:00:00+02:00",
        "2026-10-24T22:00:00+02:00 2026-10-25T07:00:00+01:00",
    ]
    assert in_berlin(night.format("1024", "P1D"), night.format("0328", "P1DT2H")) == [
        "2026-03-28T22:00:00+01:00 2026-03-30T00:00:00+02:00",
        "2026-10-24T22:00:00+02:00 2026-10-25T22:00:00+01:00",
    ]


def test_both_instants_count_where_the_end_is_in_another_zone() -> None:
    assert in_berlin(
        "DTSTART;TZID=Europe/Berlin:20261024T120000\nDTEND:20261025T110000Z\nCATEGORIES:user",
        "DTSTART;TZID=Europe/Berlin:20260328T120000\nDTEND:20260329T100000Z\nCATEGORIES:user",
        "DTSTART;TZID=Asia/Tokyo:20260601T170000\nDTEND;TZID=Europe/Berlin:20260601T170000\nCATEGORIES:user",
    ) == [
        "2026-03-28T12:00:00+01:00 2026-03-29T12:00:00+02:00",
        "2026-06-01T10:00:00+02:00 2026-06-01T17:00:00+02:00",
        "2026-10-24T12:00:00+02:00 2026-10-25T12:00:00+01:00",
    ]


def test_repeated_with_an_end_each_occurrence_lasts_exactly_as_long_as_the_first_and_this_is_said() -> None:
    found = reading(
        "DTSTART;TZID=Europe/Berlin:20261023T220000\nDTEND;TZID=Europe/Berlin:20261024T080000\n"
        "RRULE:FREQ=DAILY;COUNT=3\nCATEGORIES:user\nSUMMARY:night",
        zone=BERLIN,
        span=YEAR_2026,
    )
    assert spans(found) == [
        "2026-10-23T22:00:00+02:00 2026-10-24T08:00:00+02:00",
        "2026-10-24T22:00:00+02:00 2026-10-25T07:00:00+01:00",
        "2026-10-25T22:00:00+01:00 2026-10-26T08:00:00+01:00",
    ]
    (warning,) = found.warnings
    assert warning.startswith("run.ics: event 'night' (line 4): on 2026-10-24 it ends at 07:00 and not at 08:00")


def test_a_repeated_start_keeps_its_place_on_the_clock() -> None:
    assert in_berlin(
        "DTSTART;TZID=Europe/Berlin:20261024T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2\nCATEGORIES:user"
    ) == [
        "2026-10-24T08:00:00+02:00 2026-10-24T09:00:00+02:00",
        "2026-10-25T08:00:00+01:00 2026-10-25T09:00:00+01:00",
    ]


def test_a_time_that_happens_twice_is_the_first_and_one_that_never_happens_is_counted_on() -> None:
    hour = "DTSTART;TZID=Europe/Berlin:{}\nDURATION:PT1H\nCATEGORIES:user"
    assert in_berlin(hour.format("20261025T023000"), hour.format("20260329T023000")) == [
        "2026-03-29T03:30:00+02:00 2026-03-29T04:30:00+02:00",
        "2026-10-25T02:30:00+02:00 2026-10-25T02:30:00+01:00",
    ]


# --- Zones.

OUTLOOK = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""
RING = '"(UTC+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien"'


@pytest.mark.parametrize(
    "local",
    "0105T120000 0328T235959 0329T015959 0329T023000 0329T030000 0713T080000 1025T015959 1025T023000 1025T030000"
    " 1231T000000".split(),
)
def test_a_zone_that_the_file_defines_gives_the_same_instants_as_the_zone_database(local: str) -> None:
    body = f"DTSTART;TZID={{}}:2026{local}\nDURATION:PT1H\nCATEGORIES:user"
    defined = OUTLOOK.format(name=RING.strip('"'))
    assert in_berlin(body.format(RING), more=defined) == in_berlin(body.format("Europe/Berlin"))


def test_a_zone_that_neither_the_file_nor_the_database_knows_is_refused() -> None:
    times = f"DTSTART;TZID={RING}:20260713T080000\nDTEND;TZID={RING}:20260713T160000\nCATEGORIES:user\nSUMMARY:x"
    with pytest.raises(
        ScheduleError, match=r"run\.ics: event 'x' \(line 4\): its time zone '\(UTC\+01:00\) Amst.*not kn"
    ):
        read(times)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/localtime", "localtime", "posixrules", "x" * 5000, "Europe"]
)
def test_a_zone_whose_name_is_not_one_is_refused(name: str) -> None:
    with pytest.raises(ScheduleError, match=r"its time zone '.*' is not known"):
        read(f"DTSTART;TZID={name}:20260407T080000\nDURATION:PT1H\nCATEGORIES:user")


def test_a_windows_name_is_known_without_a_definition() -> None:
    body = "DTSTART;TZID={}:20260407T080000\nDURATION:PT1H\nCATEGORIES:user"
    assert read(body.format("Tokyo Standard Time")) == read(body.format("Asia/Tokyo"))


def test_a_file_whose_zone_differs_from_the_zone_of_that_name_is_refused() -> None:
    body = "DTSTART;TZID=Asia/Tokyo:20260407T080000\nDURATION:PT1H\nCATEGORIES:user\nSUMMARY:x"
    with pytest.raises(ScheduleError, match=r"event 'x'.*VTIMEZONE 'Asia/Tokyo' of the file differs by 25,200 s"):
        reading(body, more=OUTLOOK.format(name="Asia/Tokyo"))
    same = OUTLOOK.format(name="Europe/Berlin")
    assert reading(body.replace("Asia/Tokyo", "Europe/Berlin"), more=same).version.blocks


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("+0100", "+9900"), "'\\+9900' is not an offset"),
        (("RRULE:FREQ=YEARLY", "RRULE:FREQ=SECONDLY"), "repeats FREQ='SECONDLY'"),
        (("FREQ=YEARLY;INTERVAL=1", "FREQ=YEARLY;INTERVAL=2"), "does not repeat by the year"),
        (("16010101T020000", "20260229T020000"), "'20260229T020000' is not a local time"),
        (("TZOFFSETTO:+0100\n", ""), "TZOFFSETFROM or TZOFFSETTO is missing"),
        (("TZOFFSETTO:+0100\n", "TZOFFSETTO:+0100\nTZOFFSETTO:+0100\n"), "it has TZOFFSETTO twice"),
    ],
)
def test_a_zone_definition_that_has_no_meaning_is_refused_with_zone_and_event(
    wrong: tuple[str, str], message: str
) -> None:
    with pytest.raises(ScheduleError, match=f"event 'x' .*VTIMEZONE 'own'.*{message}"):
        reading(
            "DTSTART;TZID=own:20260407T080000\nDURATION:PT1H\nCATEGORIES:user\nSUMMARY:x",
            more=OUTLOOK.format(name="own").replace(*wrong),
        )


# --- What is not clear is refused, with file and event.

TIMES = "DTSTART:20260407T010000Z\nDTEND:20260407T050000Z\n"
REFUSED = [
    ("DTSTART:20260413T080000Z\nDTEND:20260412T160000Z", "does not end after its start: 2026-04-13T17:00:00\\+09:00"),
    ("DTSTART:20260413T080000Z\nDURATION:PT0S", "its DURATION is 0"),
    ("DTSTART:20260413T080000Z\nDURATION:-PT8H", "is not a length such as PT8H"),
    ("DTSTART:20260413T080000Z\nDURATION:P99999W", "outside the years 1678 to 2261"),
    ("DTSTART;VALUE=DATE:20260413\nDURATION:PT8H", "starts on a date and lasts hours"),
    ("DTSTART:20260413T080000Z", "has no end"),
    ("DTEND:20260413T080000Z", "has no start"),
    (TIMES + "DTEND:20260407T060000Z", "has DTEND twice \\(lines 9 and 10\\)"),
    (TIMES + "DURATION:PT1H", "both DTEND and DURATION"),
    (TIMES + "SUMMARY;LANGUAGE=ja:y", "has SUMMARY twice"),
    (TIMES + "STATUS:CANCELLED\nSTATUS:CANCELLED", "has STATUS twice"),
    (TIMES + "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY", "has RRULE twice"),
    ("DTSTART;VALUE=DATE:20260413\nDTEND:20260413T080000Z", "its start is a date, its end a time in UTC"),
    ("DTSTART:20260413T080000\nDTEND:20260413T100000Z", "start is a time without a zone, its end a time in UTC"),
    ("DTSTART;TZID=Asia/Tokyo:20260413T080000Z\nDURATION:PT1H", "in UTC and in the zone 'Asia/Tokyo' at once"),
    ("DTSTART;TZID=Asia/Tokyo:20260431T080000\nDURATION:PT1H", "'20260431T080000' does not exist"),
    ("DTSTART;TZID=Europe/Berlin;VALUE=DATE:20260413", "a whole day in the zone 'Europe/Berlin'"),
    ("DTSTART;VALUE=DATE:20260413T080000\nDURATION:PT1H", "is not a DATE, as it says"),
    ("DTSTART:2026-04-13 08:00\nDURATION:PT1H", "is not a time such as"),
    ("DTSTART:09990413T080000Z\nDURATION:PT1H", "outside the years"),
    (TIMES + "RRULE:FREQ=DAILY;UNTIL=20260420", "\\(UNTIL\\) at a date, its start is a time in UTC"),
    (
        "DTSTART;TZID=Asia/Tokyo:20260407T080000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260420T080000",
        "UNTIL as a time in UTC",
    ),
    ("DTSTART;VALUE=DATE:20260407\nRRULE:FREQ=DAILY;UNTIL=20260420T000000Z", "UNTIL as a date"),
    (TIMES + "RRULE:FREQ=HOURLY", "repeats FREQ='HOURLY'"),
    (TIMES + "RRULE:FREQ=DAILY;COUNT=3;UNTIL=20260420T000000Z", "both COUNT and UNTIL"),
    (TIMES + "RRULE:FREQ=DAILY;BYWEEKNO=3", "BYWEEKNO, which kado does not read"),
    (TIMES + "RRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
    (TIMES + "RRULE:FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY=32"),
    (TIMES + "RRULE:FREQ=WEEKLY;BYDAY=2MO", "BYDAY=2MO with FREQ=WEEKLY"),
    (TIMES + "RRULE:FREQ=WEEKLY;BYDAY=WE", "its start 2026-04-07 01:00:00 is not one of the times that its rule gives"),
    (TIMES + "RRULE:FREQ", "cannot be read"),
    (TIMES + "EXRULE:FREQ=DAILY", "has an EXRULE"),
    (TIMES + "RDATE;VALUE=DATE:20260409", "its start is a time in UTC, its RDATE or EXDATE a date"),
    (TIMES + "RRULE:FREQ=DAILY\nEXDATE:20260409T010000", "RDATE or EXDATE a time without a zone"),
    (TIMES + "RECURRENCE-ID;RANGE=THISANDFUTURE:20260407T010000Z", "RECURRENCE-ID has a RANGE"),
    (TIMES + "RECURRENCE-ID:20260407T010000Z\nRRULE:FREQ=DAILY", "repeats as well"),
]


@pytest.mark.parametrize(("body", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_an_event_of_which_it_is_not_clear_when_it_is_is_refused_by_name(body: str, message: str) -> None:
    with pytest.raises(ScheduleError, match=rf"^run\.ics: event 'typo' \(line 4\).*{message}"):
        read("SUMMARY:typo\nCATEGORIES:user\n" + body)


def test_every_event_that_is_wrong_is_named_and_a_good_one_is_not() -> None:
    good = "SUMMARY:good\nCATEGORIES:user\n" + TIMES.strip()
    with pytest.raises(ScheduleError) as error:
        read(good, "SUMMARY:a\nCATEGORIES:user", "SUMMARY:b\nCATEGORIES:user\nDTSTART:x")
    assert [line.partition(":")[2][:11] for line in str(error.value).splitlines()] == [" event 'a' ", " event 'b' "]


def test_two_events_with_one_uid_are_refused() -> None:
    body = "BEGIN:VEVENT\nUID:same\nCATEGORIES:user\nSUMMARY:{}\n" + TIMES + "END:VEVENT\n"
    with pytest.raises(ScheduleError, match=r"event 'b' \(line 11\) has the same UID 'same' as event 'a' \(line 4\)"):
        reading(more=body.format("a") + body.format("b"))


def test_every_event_without_a_category_is_named() -> None:
    strange = "DTSTART:20260406T000000Z\nDTEND:20260406T080000Z\nSUMMARY:Lunch\nCATEGORIES:food"
    bare = "DTSTART:20260407T000000Z\nDTEND:20260407T080000Z\nSUMMARY:Tea"
    with pytest.raises(ScheduleError, match=r"event 'Lunch' .* at 2026-04-06T09:00.*\['food'\].*maintenance") as caught:
        read(strange, bare)
    assert "event 'Tea'" in str(caught.value)


def test_overlapping_events_are_both_named() -> None:
    a = "DTSTART:20260406T000000Z\nDTEND:20260406T080000Z\nCATEGORIES:study"
    b = "DTSTART:20260406T070000Z\nDTEND:20260406T090000Z\nCATEGORIES:user"
    with pytest.raises(ScheduleError, match=r"overlap.*study 2026-04-06T00:00:00Z.*user 2026-04-06T07:00:00Z"):
        read(a, b)


# --- Repetition: taken out, added, moved, cancelled.

DAILY = "DTSTART:20260406T000000Z\nDTEND:20260406T080000Z\nCATEGORIES:user\nRRULE:FREQ=DAILY;COUNT=4"


def days_of(found: CalendarReading) -> list[str]:
    return [span[:20] for span in spans(found, ZoneInfo("UTC"))]


def test_days_are_taken_out_and_added() -> None:
    found = reading(
        DAILY + "\nEXDATE;TZID=Asia/Tokyo:20260407T090000,20260408T090000\nRDATE:20260420T000000Z\n"
        "RDATE;VALUE=PERIOD:20260421T000000Z/PT2H,20260422T000000Z/20260422T030000Z"
    )
    assert [(b.start_ns - APRIL[0]) // NS_PER_DAY + 1 for b in found.version.blocks] == [6, 9, 20, 21, 22]
    assert [(b.end_ns - b.start_ns) // NS_PER_H for b in found.version.blocks] == [8, 8, 8, 2, 3]
    assert found.warnings == ()


def test_a_day_taken_out_that_is_not_there_is_said() -> None:
    (warning,) = reading(DAILY + "\nSUMMARY:x\nEXDATE:20260407T010000Z").warnings
    assert warning == (
        "run.ics: event 'x' (line 4): it does not repeat at its EXDATE 2026-04-07 01:00:00, which is ignored"
    )


def test_one_occurrence_is_moved_and_one_cancelled() -> None:
    changes = (
        "BEGIN:VEVENT\nUID:0\nRECURRENCE-ID;TZID=Asia/Tokyo:20260407T090000\nDTSTART:20260410T000000Z\n"
        "DURATION:PT1H\nCATEGORIES:study\nEND:VEVENT\n"
        "BEGIN:VEVENT\nUID:0\nRECURRENCE-ID:20260409T000000Z\nDTSTART:20260409T000000Z\nDURATION:PT8H\n"
        "CATEGORIES:user\nSTATUS:CANCELLED\nEND:VEVENT\n"
    )
    blocks = reading(DAILY, more=changes).version.blocks
    assert [((b.start_ns - APRIL[0]) // NS_PER_DAY + 1, b.category.value) for b in blocks] == [
        (6, "user"),
        (8, "user"),
        (9, "unscheduled"),
        (10, "study"),
    ]


def test_an_occurrence_that_is_replaced_must_be_there_and_only_once() -> None:
    change = (
        "BEGIN:VEVENT\nUID:0\nSUMMARY:y\nRECURRENCE-ID:202604{}T000000Z\n" + TIMES + "CATEGORIES:user\nEND:VEVENT\n"
    )
    with pytest.raises(ScheduleError, match=r"event 'y' .*replaces an occurrence that it does not have"):
        reading(DAILY, more=change.format("20"))
    with pytest.raises(ScheduleError, match=r"event 'y' .*replaces the same occurrence as event 'y'"):
        reading(DAILY, more=change.format("07") * 2)


def test_cancelling_the_last_event_takes_its_time_out_of_the_plan_as_in_the_middle() -> None:
    day = "DTSTART;TZID=Europe/Berlin:202607{0}T080000\nDTEND;TZID=Europe/Berlin:202607{0}T160000\nCATEGORIES:user"
    days = [day.format(d) for d in (13, 14, 15)]
    first = reading(*days, zone=BERLIN, span=YEAR_2026).version
    for i in range(3):
        changed = [d + "\nSTATUS:CANCELLED" if j == i else d for j, d in enumerate(days)]
        second = read_calendar(
            file_of(events(*changed)), "v2.ics", BERLIN, PUBLISHED + 20 * NS_PER_DAY, *YEAR_2026
        ).version
        plan = resolve([first, second], notice_ns=30 * NS_PER_DAY)
        assert [b.start_ns for b in plan.blocks] == [b.start_ns for j, b in enumerate(first.blocks) if j != i]


def test_a_cancelled_event_withdraws_nothing_that_another_event_takes() -> None:
    gone = "DTSTART:20260407T000000Z\nDTEND:20260407T080000Z\nCATEGORIES:user\nSTATUS:CANCELLED"
    new = "DTSTART:20260407T040000Z\nDTEND:20260407T120000Z\nCATEGORIES:study"
    lunch = "DTSTART:20260409T000000Z\nDTEND:20260409T010000Z\nCATEGORIES:food\nSTATUS:CANCELLED"
    first, second = read(gone, new, lunch).blocks
    assert (first.category, first.end_ns) == (Category.UNSCHEDULED, second.start_ns)
    assert second.category is Category.STUDY


# --- Words that are not kado's.


def test_categories_and_summaries_are_mapped_by_configuration() -> None:
    words = CalendarWords(
        categories={"ユーザー運転": "user", "Meeting": "ignore"},
        summaries={"* shutdown": "shutdown", "MD*": "study"},
    )
    when = "DTSTART:202604{0}T000000Z\nDTEND:202604{0}T080000Z\n"
    bodies = [
        when.format("07") + "CATEGORIES:BL02U,ユーザー運転\nSUMMARY:MD after all",
        when.format("08") + "SUMMARY:Summer Shutdown",
        when.format("09") + "SUMMARY:md 3\nCATEGORIES:injector",
        when.format("10") + "CATEGORIES:meeting\nSUMMARY:MD meeting",
        when.format("11") + "CATEGORIES:tuning",
    ]
    version = read_calendar(file_of(events(*bodies)), "x.ics", JST, PUBLISHED, *APRIL, words=words).version
    assert [(b.category.value, b.tags) for b in version.blocks] == [
        ("user", ("BL02U",)),
        ("shutdown", ()),
        ("study", ("injector",)),
        ("tuning", ()),
    ]


# --- Files.


def test_a_mark_at_the_beginning_and_a_fold_inside_a_character_are_read() -> None:
    text = file_of(events(TIMES + "CATEGORIES:user\nSUMMARY:" + "あ" * 30))
    cut = text.index("あ".encode()) + 40
    folded = b"\xef\xbb\xbf" + text[:cut] + b"\r\n " + text[cut:]
    (block,) = read_calendar(folded, "x", JST, PUBLISHED, *APRIL).version.blocks
    assert block.note == "あ" * 30


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x: it is not a calendar"),
        (b"start,end\n", "x: line 1 is not iCalendar"),
        (b"\xff\xfeB\0E\0", "x: it is UTF-16"),
        (b"BEGIN:VEVENT\nEND:VEVENT\n", "x: line 1: it begins with VEVENT"),
        (b"BEGIN:VCALENDAR\n", "x: the VCALENDAR of line 1 has no end: the file is cut off"),
        (b"BEGIN:VCALENDAR\nEND:VEVENT\n", "line 2: END:VEVENT does not close VCALENDAR of line 1"),
        (b"BEGIN:VCALENDAR\n" * 20, "line 9: components lie more than 8 deep"),
        (b"BEGIN:VCALENDAR\nX:\x83\x86\n", "line 2 is not UTF-8 \\(byte 0x83\\)"),
        (b"BEGIN:VCALENDAR\nX:\0\n", "line 2 holds the control character"),
        (b"BEGIN:VCALENDAR\nVERSION:1.0\nEND:VCALENDAR\n", "it is vCalendar 1.0"),
        (b"BEGIN:VCALENDAR\nX;A=1;a=2:\n", "line 2 has the parameter a twice"),
        (file_of(), "x: no event of the operation calendar between 2026-04-01"),
    ],
)
def test_a_file_that_is_not_a_calendar_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ScheduleError, match=message):
        read_calendar(data, "x", JST, PUBLISHED, *APRIL)


# --- Limits on time and memory.


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("FREQ=DAILY", 30),
        ("FREQ=DAILY;COUNT=100000", 30),
        ("FREQ=YEARLY", 1),
        ("FREQ=YEARLY;INTERVAL=125", 1),
        ("FREQ=MONTHLY;BYMONTHDAY=7,-1", 2),
        ("FREQ=DAILY;BYMONTH=4;BYMONTHDAY=7", 1),
        ("FREQ=WEEKLY;BYDAY=SU", 4),
        ("FREQ=YEARLY;INTERVAL=999999", 0),
    ],
)
def test_an_endless_rule_costs_no_more_than_the_span_that_is_asked_for(rule: str, count: int) -> None:
    begun = time.process_time()
    tracemalloc.start()
    try:
        blocks = read(
            f"DTSTART:19010407T010000Z\nDTEND:19010407T020000Z\nCATEGORIES:user\nRRULE:{rule}",
            "DTSTART;VALUE=DATE:20260401\nDURATION:P1D\nCATEGORIES:shutdown\nSTATUS:CANCELLED",
        ).blocks
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len([b for b in blocks if b.category is Category.USER]) == count
    assert time.process_time() - begun < 5
    assert peak < 5_000_000


def test_a_file_that_is_too_large_or_repeats_too_much_is_refused_with_the_limit() -> None:
    with pytest.raises(ScheduleError, match=r"x: it has 8,388,609 bytes, more than the 8,388,608"):
        read_calendar(b" " * (MAX_BYTES + 1), "x", JST, PUBLISHED, *APRIL)
    lines = b"BEGIN:VCALENDAR\nVERSION:2.0\n" + b"A:1\n" * 400_000
    with pytest.raises(ScheduleError, match="x: it has more than the 400,000 lines that are read"):
        read_calendar(lines, "x", JST, PUBLISHED, *APRIL)
    with pytest.raises(ScheduleError, match="longer than 65,536 bytes"):
        read_calendar(b"BEGIN:" + b"a" * 70_000, "x", JST, PUBLISHED, *APRIL)
    dates = "\n".join("RDATE:" + ",".join(["20260407T010000Z"] * 1_001) for _ in range(10))
    with pytest.raises(ScheduleError, match="it has 10,010 times in RDATE, more than the 10,000 that are read"):
        reading(TIMES + "CATEGORIES:user\n" + dates)
    with pytest.raises(ScheduleError, match="occur more than 100,000 times"):
        reading(*[TIMES + "CATEGORIES:user\nRRULE:FREQ=DAILY"] * 300, span=(0, parse_time("2100-01-01T00:00:00Z")))
    rule = "DTSTART:17010407T010000Z\nDTEND:17010407T020000Z\nCATEGORIES:user\nRRULE:FREQ=YEARLY;BYMONTH=4;COUNT=9999"
    with pytest.raises(ScheduleError, match="repeat over more than 1,000,000 days in all"):
        reading(*[rule] * 10)
