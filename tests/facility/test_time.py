"""Instants: nanoseconds that survive every conversion, and no time without an offset."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facility.errors import TimeError
from facility.time import (
    MAX_NS,
    MIN_NS,
    NS_PER_DAY,
    NS_PER_H,
    format_time,
    from_datetime,
    local_midnight,
    parse_time,
    to_datetime,
    to_ns,
    to_s,
)

instants = st.integers(MIN_NS, MAX_NS)
ZONES = [ZoneInfo(name) for name in ("Asia/Tokyo", "Europe/Zurich", "America/Sao_Paulo", "Asia/Kolkata")]


@given(instants)
@example(MIN_NS)
@example(MAX_NS)
@example(-1)
@example(0)
def test_what_is_written_is_read_back_to_the_nanosecond(ns: int) -> None:
    assert parse_time(format_time(ns)) == ns


# From 1970 on: the mean solar times of the 19th century have offsets with seconds, which ISO 8601 cannot write.
@given(st.integers(0, MAX_NS - NS_PER_DAY), st.sampled_from(ZONES))
def test_writing_in_a_zone_keeps_the_instant(ns: int, zone: ZoneInfo) -> None:
    assert parse_time(format_time(ns, zone)) == ns


@given(st.integers(-8_000 * 10**6, 7_000 * 10**6), st.integers(0, 10**6 - 1), st.integers(-23 * 60, 23 * 60))
def test_an_aware_datetime_keeps_its_instant(second: int, microsecond: int, offset_min: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second, microseconds=microsecond)
    aware = moment.astimezone(timezone(timedelta(minutes=offset_min)))
    assert from_datetime(aware) == second * 10**9 + microsecond * 1000
    assert to_datetime(from_datetime(aware)) == aware
    assert parse_time(aware.isoformat()) == from_datetime(aware)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T09:00+09:00", 0),
        ("1970-01-01 09:00:00+0900", 0),
        ("1970-01-01T09:00:00 +09", 0),
        ("1969-12-31T19:30:00-04:30", 0),
        ("1970-01-01T00:00:01,5z", 1_500_000_000),
        ("  1970-01-01T00:00:01.5Z\n", 1_500_000_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800 * 10**9),
        ("2262-04-11T23:47:16.854775807Z", MAX_NS),
    ],
)
def test_the_forms_that_are_read(text: str, ns: int) -> None:
    assert parse_time(text) == ns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "2026-11-23T03:00:00",
            "'2026-11-23T03:00:00' has no offset from UTC: append 'Z' or an offset such as '+09:00'",
        ),
        (
            "yesterday",
            "'yesterday' is not an ISO 8601 time: write it like 2026-11-23T03:00:00.5Z or with +09:00",
        ),
        ("2026-11-23", "'2026-11-23' is not an ISO 8601 time: write it like 2026-11-23T03:00:00.5Z or with +09:00"),
        (
            "2026-11-23T03:00:00.1234567890Z",
            "'2026-11-23T03:00:00.1234567890Z' is not an ISO 8601 time: write it like 2026-11-23T03:00:00.5Z or with"
            " +09:00",
        ),
        (
            "2023-02-29T00:00:00Z",
            "the time '2023-02-29T00:00:00Z' does not exist: check its date, hour, minute and second",
        ),
        (
            "2026-11-23T24:00:00Z",
            "the time '2026-11-23T24:00:00Z' does not exist: check its date, hour, minute and second",
        ),
        ("2026-11-23T00:00:00+24:00", "'2026-11-23T00:00:00+24:00': the offset +24:00 does not exist"),
        (
            "2262-04-11T23:47:16.854775808Z",
            "'2262-04-11T23:47:16.854775808Z' lies outside the years 1678 to 2261 that nanoseconds can hold",
        ),
        (
            "1600-01-01T00:00:00Z",
            "'1600-01-01T00:00:00Z' lies outside the years 1678 to 2261 that nanoseconds can hold",
        ),
    ],
)
def test_what_is_no_time_says_why(text: str, message: str) -> None:
    with pytest.raises(TimeError) as error:
        parse_time(text)
    assert str(error.value) == message


@pytest.mark.parametrize("text", ["２０２６-11-23T03:00:00Z", "2026-11-23T03:00:00Z and more", "", "1795402800", "Z"])
def test_what_only_resembles_a_time_is_refused(text: str) -> None:
    with pytest.raises(TimeError):
        parse_time(text)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(TimeError, match="2026-11-23T03:00:00 has no time zone: give it one, for example tzinfo=UTC"):
        from_datetime(datetime(2026, 11, 23, 3))  # noqa: DTZ001 - without a zone: this is tested


def test_a_datetime_beyond_nanoseconds_is_refused() -> None:
    with pytest.raises(TimeError, match="outside the years 1678 to 2261"):
        from_datetime(datetime(3000, 1, 1, tzinfo=UTC))


def test_a_datetime_is_cut_and_never_rounded_up() -> None:
    assert to_datetime(999_999_999_999) == datetime(1970, 1, 1, 0, 16, 39, 999_999, tzinfo=UTC)
    assert to_datetime(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def test_days_begin_at_the_midnight_of_their_zone() -> None:
    zurich = ZoneInfo("Europe/Zurich")
    assert local_midnight(date(2025, 4, 1), ZoneInfo("Asia/Tokyo")) == parse_time("2025-04-01T00:00+09:00")
    assert local_midnight(date(2025, 3, 31), zurich) - local_midnight(date(2025, 3, 30), zurich) == 23 * NS_PER_H
    assert local_midnight(date(2025, 10, 27), zurich) - local_midnight(date(2025, 10, 26), zurich) == 25 * NS_PER_H


def test_a_day_whose_midnight_does_not_exist_begins_where_the_clock_goes_on() -> None:
    # On 4 November 2018 clocks in São Paulo went from 00:00 to 01:00.
    start = local_midnight(date(2018, 11, 4), ZoneInfo("America/Sao_Paulo"))
    assert start == parse_time("2018-11-04T01:00-02:00")


@given(st.floats(-1e8, 1e8))
def test_seconds_become_the_nearest_nanosecond(seconds: float) -> None:
    assert abs(to_ns(seconds) - seconds * 1e9) <= 16
    assert to_s(to_ns(seconds)) == pytest.approx(seconds, rel=1e-15, abs=1e-9)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
def test_the_first_and_last_hours_of_the_calendar_are_refused_as_any_time_out_of_range(
    moment: datetime, zone: ZoneInfo
) -> None:
    with pytest.raises(TimeError, match="outside the years 1678 to 2261"):
        from_datetime(moment.replace(tzinfo=zone))
