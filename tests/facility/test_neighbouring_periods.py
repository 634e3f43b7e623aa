"""Periods beside a period."""

from zoneinfo import ZoneInfo

import pytest

from facility.neighbouring_periods import period_before, same_period_last_year
from facility.period import Period, parse_period

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("text", "before", "last_year"),
    [
        ("2026-01", "2025-12", "2025-01"),
        ("2026-03-01", "2026-02-28", None),
        ("2026Q1", "2025Q4", "2025Q1"),
        ("FY2024", "FY2023", None),
        ("2024", "2023", None),
    ],
)
def test_each_kind_has_its_neighbours(text: str, before: str, last_year: str | None) -> None:
    period = parse_period(text, TOKYO)
    assert period_before(period, TOKYO, 4) == parse_period(before, TOKYO)
    earlier = same_period_last_year(period, TOKYO)
    assert earlier == (None if last_year is None else parse_period(last_year, TOKYO))


def test_a_run_is_compared_with_as_much_time_before_it() -> None:
    run = Period("2026A", 1_000_000_000_000, 1_600_000_000_000)
    before = period_before(run, TOKYO, 4)
    assert before is not None
    assert (before.start_ns, before.end_ns) == (400_000_000_000, 1_000_000_000_000)


def test_the_day_before_a_change_of_summer_time_has_its_own_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = period_before(parse_period("2026-03-30", berlin), berlin, 1)
    assert before is not None
    assert before.length_ns == 23 * 3600 * 10**9
