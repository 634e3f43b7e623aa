"""Periods as people write them, cut at the facility's own midnight."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facility.errors import PeriodError
from facility.period import Period, day_of, month_of, parse_period
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_H, format_time, parse_time

TOKYO = ZoneInfo("Asia/Tokyo")
ZURICH = ZoneInfo("Europe/Zurich")


def hours(text: str, zone: ZoneInfo = TOKYO) -> float:
    return parse_period(text, zone).length_ns / NS_PER_H


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2025-05", "2025-05-01T00:00+09:00", "2025-06-01T00:00+09:00"),
        ("2025-12", "2025-12-01T00:00+09:00", "2026-01-01T00:00+09:00"),
        ("2025-05-13", "2025-05-13T00:00+09:00", "2025-05-14T00:00+09:00"),
        ("2024-02-29", "2024-02-29T00:00+09:00", "2024-03-01T00:00+09:00"),
        ("2025Q1", "2025-01-01T00:00+09:00", "2025-04-01T00:00+09:00"),
        ("2025Q4", "2025-10-01T00:00+09:00", "2026-01-01T00:00+09:00"),
        ("2025", "2025-01-01T00:00+09:00", "2026-01-01T00:00+09:00"),
        ("FY2024", "2024-04-01T00:00+09:00", "2025-04-01T00:00+09:00"),
        (" 2025-05 ", "2025-05-01T00:00+09:00", "2025-06-01T00:00+09:00"),
        ("2025-05-12T10:00+09:00/2025-05-17T01:00Z", "2025-05-12T01:00Z", "2025-05-17T10:00+09:00"),
    ],
)
def test_periods_begin_and_end_at_the_facilitys_midnight(text: str, start: str, end: str) -> None:
    period = parse_period(text, TOKYO)
    assert (period.start_ns, period.end_ns) == (parse_time(start), parse_time(end))
    assert period.id == text.strip()


def test_a_fiscal_year_with_a_29_february_has_8784_hours() -> None:
    assert hours("FY2023") == 8784
    assert hours("FY2024") == 8760
    assert hours("2024") == 8784


def test_a_fiscal_year_may_begin_in_any_month() -> None:
    october = parse_period("FY2024", TOKYO, fiscal_year_starts_in=10)
    assert october.start_ns == parse_time("2024-10-01T00:00+09:00")
    assert parse_period("FY2024", TOKYO, fiscal_year_starts_in=1).length_ns == parse_period("2024", TOKYO).length_ns


def test_days_and_months_follow_summer_time() -> None:
    assert hours("2025-03-30", ZURICH) == 23
    assert hours("2025-10-26", ZURICH) == 25
    assert hours("2025-03", ZURICH) == 31 * 24 - 1
    assert hours("2025", ZURICH) == 8760


@pytest.mark.parametrize("zone", [TOKYO, ZURICH, ZoneInfo("America/Sao_Paulo")])
@pytest.mark.parametrize("year", [2018, 2023, 2024])
def test_the_parts_of_a_year_follow_each_other_without_gap(zone: ZoneInfo, year: int) -> None:
    whole = parse_period(str(year), zone)
    for parts in ([f"{year}-{m:02d}" for m in range(1, 13)], [f"{year}Q{q}" for q in range(1, 5)]):
        periods = [parse_period(part, zone) for part in parts]
        edges = [p.start_ns for p in periods] + [periods[-1].end_ns]
        assert edges == [whole.start_ns, *(p.end_ns for p in periods)]
        assert edges[-1] == whole.end_ns


@given(st.integers(0, MAX_NS - 366 * NS_PER_DAY), st.sampled_from([TOKYO, ZURICH]))
def test_every_instant_lies_in_its_day_and_its_month(ns: int, zone: ZoneInfo) -> None:
    for period in (day_of(ns, zone), month_of(ns, zone)):
        assert period.start_ns <= ns < period.end_ns
    assert month_of(ns, zone).start_ns <= day_of(ns, zone).start_ns


def test_an_explicit_period_may_have_any_length() -> None:
    period = parse_period("2025-05-12T00:00:00.000000001Z/2025-05-12T00:00:00.000000002Z", TOKYO)
    assert period.length_ns == 1


def test_a_run_of_the_schedule_is_a_period() -> None:
    runs = {"2025A": (5, 9), "first beam": (1, 2)}
    assert parse_period("2025A", TOKYO, runs=runs) == Period("2025A", 5, 9)
    assert parse_period(" run:first beam", TOKYO, runs=runs) == Period("run:first beam", 1, 2)


@pytest.mark.parametrize("name", ["2025", "2025-10", "2025-10-03", "2025Q2", "FY2025"])
def test_a_date_is_a_date_also_where_a_run_has_that_name(name: str) -> None:
    runs = {name: (1, 2)}
    assert parse_period(name, TOKYO, runs=runs) == parse_period(name, TOKYO)
    assert parse_period(f"run:{name}", TOKYO, runs=runs) == Period(f"run:{name}", 1, 2)


@pytest.mark.parametrize("name", ["2025-5", "2025-1-1", "2025q2", "FY25", "fy2025"])
def test_a_run_whose_name_could_be_taken_for_a_date_must_be_asked_for_as_a_run(name: str) -> None:
    with pytest.raises(PeriodError, match=f"'{name}' looks like a date and is a run of the schedule: write run:{name}"):
        parse_period(name, TOKYO, runs={name: (1, 2)})
    assert parse_period(f"run:{name}", TOKYO, runs={name: (1, 2)}).start_ns == 1


def test_a_run_that_is_not_there_is_not_a_period() -> None:
    with pytest.raises(PeriodError, match="the schedule has no run '2025B'; its runs are 2025A"):
        parse_period("run:2025B", TOKYO, runs={"2025A": (1, 2)})
    with pytest.raises(PeriodError, match="it names no runs"):
        parse_period("run:2025B", TOKYO)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2025-13", "period '2025-13' does not exist: check its year, month and day"),
        ("2025-02-29", "period '2025-02-29' does not exist: check its year, month and day"),
        ("0000", "period '0000' does not exist: check its year, month and day"),
        (
            "1500-01",
            "period '1500-01' does not exist: '1500-01-01T00:00:00+09:18:59' lies outside the years 1678 to 2261 that"
            " nanoseconds can hold",
        ),
        (
            "last week",
            "'last week' is not a period: write 2025-05, 2025-05-13, 2025Q2, 2025, FY2024, START/END with offsets",
        ),
        ("2025Q5", "'2025Q5' is not a period: write 2025-05, 2025-05-13, 2025Q2, 2025, FY2024, START/END with offsets"),
        (
            "2025-05-01T00:00/2025-06-01T00:00Z",
            "period '2025-05-01T00:00/2025-06-01T00:00Z' is not START/END: '2025-05-01T00:00' has no offset from UTC:"
            " append 'Z' or an offset such as '+09:00'",
        ),
        (
            "2025-05-01T00:00Z/2025-05-01T00:00Z",
            "period '2025-05-01T00:00Z/2025-05-01T00:00Z' does not end after its start",
        ),
        (
            "2025-05-01T00:00Z/2025-05-02T00:00Z/",
            "period '2025-05-01T00:00Z/2025-05-02T00:00Z/' is not START/END: '2025-05-02T00:00Z/' is not an ISO 8601"
            " time: write it like 2026-11-23T03:00:00.5Z or with +09:00",
        ),
    ],
)
def test_what_is_no_period_says_why(text: str, message: str) -> None:
    with pytest.raises(PeriodError) as error:
        parse_period(text, TOKYO)
    assert str(error.value) == message


def test_an_unknown_run_names_those_that_exist() -> None:
    with pytest.raises(PeriodError, match=r"or a run of the schedule \(2025A, 2025B\)$"):
        parse_period("2025C", TOKYO, runs={"2025B": (1, 2), "2025A": (0, 1)})


@pytest.mark.parametrize("text", ["２０２５", "2025-5", "FY24", "", "2025q2"])
def test_what_only_resembles_a_period_is_refused(text: str) -> None:
    with pytest.raises(PeriodError):
        parse_period(text, TOKYO)


def test_the_first_and_last_years_that_nanoseconds_hold_are_periods() -> None:
    assert format_time(parse_period("1678", TOKYO).end_ns, TOKYO).startswith("1679-01-01T00:00:00")
    assert format_time(parse_period("2261", TOKYO).start_ns, TOKYO) == "2261-01-01T00:00:00+09:00"
