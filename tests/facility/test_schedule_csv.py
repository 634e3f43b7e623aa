"""The schedule as CSV."""

import itertools
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facility.errors import ScheduleError
from facility.schedule import Block, Category, ScheduleVersion
from facility.schedule_csv import MAX_BYTES, decode_schedule, read_schedule, write_schedule
from facility.time import MAX_NS, MIN_NS, parse_time

HEADER = "start,end,category,published_at,tags,run,note\n"
ROW = "2025-05-12T10:00+09:00,2025-05-17T10:00+09:00,user,2025-03-01T00:00Z"

TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NO_TEXT: tuple[Literal["Cs", "Cc", "Cn", "Zl", "Zp"], ...] = ("Cs", "Cc", "Cn", "Zl", "Zp")
words = st.text(st.characters(exclude_categories=[*NO_TEXT, "Zs"], exclude_characters=TURNING), min_size=1, max_size=6)
lines = st.text(st.characters(exclude_categories=NO_TEXT, exclude_characters=TURNING), max_size=20).map(str.strip)
texts = st.lists(lines, max_size=3).map("\n".join).map(str.strip)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[ScheduleVersion, ...]:
    published = sorted(draw(st.sets(st.integers(MIN_NS, MAX_NS), min_size=1, max_size=3)))
    made: list[ScheduleVersion] = []
    for instant in published:
        cuts = sorted(draw(st.sets(st.integers(MIN_NS, MAX_NS), min_size=2, max_size=5)))
        made.append(
            ScheduleVersion.of(
                instant,
                [
                    Block(
                        start,
                        end,
                        draw(st.sampled_from(Category)),
                        tuple(draw(st.lists(words, max_size=2))),
                        draw(st.one_of(st.none(), lines.filter(bool))),
                        draw(texts),
                    )
                    for start, end in itertools.pairwise(cuts)
                ],
            )
        )
    return tuple(made)


@given(schedules())
def test_what_is_written_is_read_back(versions: tuple[ScheduleVersion, ...]) -> None:
    assert read_schedule(write_schedule(versions), "s.csv") == versions


def test_rows_of_the_same_publication_are_one_version() -> None:
    later = "2025-06-01T00:00Z,2025-06-02T00:00Z,maintenance,2025-05-01T09:00+09:00,,,"
    text = HEADER + later + "\n" + ROW + ",shared  BL02U,2025A,\n" + later.replace("06-0", "07-0") + "\n"
    first, second = read_schedule(text, "s.csv")
    assert first.published_at_ns == parse_time("2025-03-01T00:00Z")
    assert first.blocks == (
        Block(
            parse_time("2025-05-12T01:00Z"),
            parse_time("2025-05-17T01:00Z"),
            Category.USER,
            ("shared", "BL02U"),
            "2025A",
        ),
    )
    assert [b.category for b in second.blocks] == [Category.MAINTENANCE] * 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_spreadsheets_write_is_read(end: str, mark: str) -> None:
    text = mark + end.join(["start, end,category ,published_at", ROW, "", ROW.replace("05-1", "06-1")]) + end
    ((first, second),) = (v.blocks for v in read_schedule(text, "s.csv"))
    assert (first.category, first.tags, first.run, first.note) == (Category.USER, (), None, "")
    assert second.start_ns == parse_time("2025-06-12T01:00Z")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "s.csv: the header '' lacks start, end, category, published_at; it must be start,end,category,published_at"
            " and may have tags,run,note",
        ),
        (
            "start,end,category\n",
            "s.csv: the header 'start,end,category' lacks published_at; it must be start,end,category,published_at and"
            " may have tags,run,note",
        ),
        (
            "start,end,category,published_at,colour\n",
            "s.csv: the header 'start,end,category,published_at,colour' has the unknown column colour; it must be"
            " start,end,category,published_at and may have tags,run,note",
        ),
        (HEADER, "s.csv: no rows below the header"),
        (
            HEADER + "2025-05-12T10:00+09:00,2025-05-17T10:00+09:00,users,2025-03-01T00:00Z",
            "s.csv:2: category 'users' is not one of user, reserve, study, tuning, maintenance, shutdown,"
            " commissioning, unscheduled",
        ),
        (
            HEADER + ROW + ",,,RF trip, klystron 2\n",
            "s.csv:2: more columns than the header has (7): put '\"' around texts with ','",
        ),
        (
            HEADER + ROW + "\n" + ROW.replace("05-17", "05-11"),
            "s.csv:3: block user 2025-05-12T01:00:00Z to 2025-05-11T01:00:00Z does not end after its start",
        ),
        (
            HEADER + ROW + "\n" + ROW.replace("05-17", "05-18"),
            "s.csv: blocks overlap in the version published 2025-03-01T00:00:00Z: user 2025-05-12T01:00:00Z to"
            " 2025-05-17T01:00:00Z and user 2025-05-12T01:00:00Z to 2025-05-18T01:00:00Z; move or cut one of them",
        ),
    ],
)
def test_what_cannot_be_read_says_where_and_why(text: str, message: str) -> None:
    with pytest.raises(ScheduleError) as error:
        read_schedule(text, "s.csv")
    assert str(error.value) == message


def test_all_rows_at_fault_are_named_at_once() -> None:
    rows = [ROW, ROW.replace("+09:00", ""), ROW.replace("2025-03-01T00:00Z", ""), ROW.replace("user", "")]
    with pytest.raises(ScheduleError) as error:
        read_schedule(HEADER + "\n".join(rows), "s.csv")
    assert str(error.value).splitlines() == [
        "s.csv:3: '2025-05-12T10:00' has no offset from UTC: append 'Z' or an offset such as '+09:00'",
        "s.csv:4: '' is not an ISO 8601 time: write it like 2026-11-23T03:00:00.5Z or with +09:00",
        "s.csv:5: category '' is not one of user, reserve, study, tuning, maintenance, shutdown,"
        " commissioning, unscheduled",
    ]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (",,bell \a", "the note has a control character, U+0007, at position 6: remove it"),
        (",,read \u202ebackwards", "the note has a control character, U+202E, at position 6: remove it"),
        ("sha\x1bred,,", "a tag has a control character, U+001B, at position 4: remove it"),
        (",2026\u20282,", "the run's name has a control character, U+2028, at position 5: remove it"),
    ],
)
def test_a_text_with_characters_that_are_no_text_is_refused_with_its_row(written: str, message: str) -> None:
    with pytest.raises(ScheduleError) as error:
        read_schedule(f"{HEADER}{ROW}\n{ROW.replace('05-12', '05-18').replace('05-17', '05-19')},{written}\n", "s.csv")
    assert str(error.value) == f"s.csv:3: {message}"


def test_markup_and_formulas_in_a_note_are_text() -> None:
    (version,) = read_schedule(f"{HEADER}{ROW},,,<b>=1+1</b>\n", "s.csv")
    assert version.blocks[0].note == "<b>=1+1</b>"


def test_a_file_that_is_too_large_or_not_utf_8_is_refused_with_the_limit_or_the_line() -> None:
    with pytest.raises(ScheduleError, match=r"s\.csv has 16,777,217 bytes, more than the 16,777,216 that are read"):
        decode_schedule(b" " * (MAX_BYTES + 1), "s.csv")
    with pytest.raises(ScheduleError, match=r"^s\.csv:2: byte 0x97 is not UTF-8: in Excel save it as 'CSV UTF-8'"):
        decode_schedule((HEADER + ROW).encode() + "利用".encode("cp932"), "s.csv")
