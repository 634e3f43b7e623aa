"""Times in bulk are read exactly as one by one."""

import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.causes import Cause
from collector.payload.timestamps import SMALLEST_PLAUSIBLE_NS, to_nanoseconds
from facility.errors import TimeError
from facility.time import parse_time

WRONG = [
    "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:60Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+09:60", "2026-01-01 00:00:00.Z",
    "2026-01-01T00:00:00.1234567890Z", "2026-01-01", "", "Z", "now", "2026/01/01T00:00:00Z", "٢٠٢٦-01-01T00:00:00Z",
    "2026-01-01T00:00:0/Z", "2026-01-01T00:00:0:Z", "+026-01-01T00:00:00Z", "2026-01-01T00:00:00*09:00",
]  # fmt: skip
RIGHT = [
    "2026-11-23T03:00:00Z", "2026-11-23T03:00:00.1Z", "2026-11-23T03:00:00.123456789Z", "2026-11-23 12:00:00+09:00",
    "2026-11-23T03:00:00,5Z", "2026-11-23T12:00:00.5+09:00", "2026-11-23T00:00:00.5-03:30", "2024-02-29T00:00:00Z",
    "2000-02-29T23:59:59.999999999Z", "1999-12-31T23:59:59Z", "1678-01-01T00:00:00Z", "2261-12-31T23:59:59Z",
    "2026-11-23T12:00:00+0900", "2026-11-23T12:00+09:00", "2026-11-23T03:00:00z", "1970-01-01T00:00:00+09:00",
]  # fmt: skip


def expected(text: str) -> int | None:
    try:
        time_ns = parse_time(text)
    except TimeError:
        return None
    return None if 0 <= time_ns < SMALLEST_PLAUSIBLE_NS else time_ns


@pytest.mark.parametrize("copies", [1, 100])
def test_texts_are_read_like_one_by_one_whatever_their_shapes(copies: int) -> None:
    texts = (WRONG + RIGHT) * copies
    random.Random(1).shuffle(texts)
    stamps, bad = to_nanoseconds(texts)
    assert [None if i in bad else s for i, s in enumerate(stamps.tolist())] == [expected(t) for t in texts]


@given(
    moments=st.lists(
        st.tuples(
            st.datetimes(datetime(1678, 1, 1), datetime(2261, 12, 31)),  # noqa: DTZ001  # a zone comes beside it
            st.integers(-23 * 60, 23 * 60),
            st.integers(0, 9),
        ),
        min_size=1,
        max_size=40,
    ),
    separator=st.sampled_from("T "),
)
def test_any_times_are_read_like_one_by_one(moments: list[tuple[datetime, int, int]], separator: str) -> None:
    texts: list[str] = []
    for moment, offset_min, digits in moments:
        zone = timezone(timedelta(minutes=offset_min)) if offset_min else UTC
        text = moment.replace(tzinfo=zone, microsecond=0).isoformat(separator)
        fraction = f".{moment.microsecond:09d}"[: digits + 1] if digits else ""
        texts.append((text[:19] + fraction + text[19:]).replace("+00:00", "Z"))
    texts *= 30
    stamps, bad = to_nanoseconds(texts)
    assert [None if i in bad else s for i, s in enumerate(stamps.tolist())] == [expected(t) for t in texts]


@pytest.mark.parametrize(
    ("time", "cause", "detail"),
    [
        ("2026-11-23T03:00:00", Cause.NAIVE_TIME, "has no offset from UTC: append 'Z' or an offset such as '+09:00'"),
        ("2026-11-23T03:00:00.5", Cause.NAIVE_TIME, "has no offset"),
        ("yesterday", Cause.BAD_TIME, "is not an ISO 8601 time"),
        ("2026-02-30T00:00:00Z", Cause.BAD_TIME, "does not exist: check its date"),
        ("0001-01-01T00:00:00Z", Cause.TIME_OUT_OF_RANGE, "outside the years 1678 to 2261"),
        (2**63, Cause.TIME_OUT_OF_RANGE, "outside the years 1678 to 2261"),
        (-(2**70), Cause.TIME_OUT_OF_RANGE, "outside the years 1678 to 2261"),
        (1_795_431_969, Cause.BAD_TIME, "an integer time is in nanoseconds, not in seconds, milliseconds"),
        (1_795_431_969_000, Cause.BAD_TIME, "too small for nanoseconds"),
        (1_795_431_969_000_000, Cause.BAD_TIME, "too small for nanoseconds"),
        (-5, Cause.BAD_TIME, "too small for nanoseconds"),
        (0, Cause.BAD_TIME, "too small for nanoseconds"),
        ("1970-01-01T00:00:00Z", Cause.BAD_TIME, "where a clock stands that was never set"),
        ("1970-01-01T00:00:05.5Z", Cause.BAD_TIME, "lies before 1973"),
    ],
)
@pytest.mark.parametrize("others", [0, 100])
def test_a_bad_time_is_named_and_does_not_disturb_the_others(
    time: int | str, cause: Cause, detail: str, others: int
) -> None:
    right = 1_795_431_969_000_000_000 if isinstance(time, int) else "2026-11-23T11:06:09Z"
    stamps, bad = to_nanoseconds([right] * others + [time])
    assert stamps[:others].tolist() == [1_795_431_969_000_000_000] * others
    assert list(bad) == [others]
    assert bad[others].cause == cause
    assert detail in bad[others].detail


def test_texts_and_integers_may_be_mixed() -> None:
    stamps, bad = to_nanoseconds(["2026-11-23T11:06:09Z", 1_795_431_969_000_000_001])
    assert stamps.tolist() == [1_795_431_969_000_000_000, 1_795_431_969_000_000_001]
    assert bad == {}
