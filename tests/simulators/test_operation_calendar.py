"""The calendar is one that a facility could have published."""

from itertools import pairwise

import pytest

from facility.period import parse_period
from facility.profile import load_profile
from facility.schedule import Category, resolve
from facility.time import NS_PER_DAY, NS_PER_H, format_time, parse_time, to_datetime
from simulators.calendar import Calendar
from simulators.machine import Machine
from simulators.scenario import load_scenario

PROFILE = load_profile("nanoterasu_sim")
FULL = Calendar.of(PROFILE, long_shutdowns=True)
WEEKLY = Calendar.of(PROFILE, long_shutdowns=False)


@pytest.mark.parametrize("year", range(2020, 2036))
@pytest.mark.parametrize("calendar", [FULL, WEEKLY], ids=["with shutdowns", "weekly"])
def test_a_fiscal_year_is_planned_from_its_first_to_its_last_instant(calendar: Calendar, year: int) -> None:
    version = calendar.version(year)
    period = parse_period(f"FY{year}", PROFILE.zone)
    assert (version.start_ns, version.end_ns) == (period.start_ns, period.end_ns)
    assert all(a.end_ns == b.start_ns for a, b in pairwise(version.blocks))


@pytest.mark.parametrize("year", range(2020, 2036))
def test_users_get_four_to_five_thousand_hours_a_year(year: int) -> None:
    hours = resolve([FULL.version(year)]).user_time.total / NS_PER_H
    assert 4000 <= hours <= 5000


def test_the_long_shutdowns_are_in_summer_over_new_year_and_in_march() -> None:
    blocks = [b for b in FULL.version(2026).blocks if b.category is Category.SHUTDOWN]
    assert [(format_time(b.start_ns, PROFILE.zone)[:10], format_time(b.end_ns, PROFILE.zone)[:10]) for b in blocks] == [
        ("2026-04-01", "2026-04-06"),
        ("2026-08-03", "2026-09-14"),
        ("2026-12-28", "2027-01-11"),
        ("2027-03-15", "2027-04-01"),
    ]


def test_a_user_week_runs_from_tuesday_to_sunday_ten_o_clock_after_maintenance_and_tuning() -> None:
    start = parse_period("2026-10-05", PROFILE.zone).start_ns  # a Monday
    blocks = [
        (b.category.value, f"{to_datetime(b.start_ns, PROFILE.zone):%a %H}")
        for b in FULL.blocks(start + 9 * NS_PER_H, start + 7 * NS_PER_DAY)
    ]
    assert blocks == [("maintenance", "Mon 09"), ("tuning", "Mon 18"), ("user", "Tue 10"), ("study", "Sun 10")]


def test_runs_are_numbered_within_the_fiscal_year_and_end_with_reserve_time() -> None:
    plan = FULL.plan(*_fiscal_year(2026))
    assert list(plan.runs) == ["2026-1", "2026-2", "2026-3", "2026-4", "2026-5"]
    last = [b for b in plan.blocks if b.run == "2026-3"][-1]
    assert last.category is Category.RESERVE
    assert last.end_ns - last.start_ns == 24 * NS_PER_H


@pytest.mark.parametrize("year", range(2020, 2036))
@pytest.mark.parametrize("calendar", [FULL, WEEKLY], ids=["with shutdowns", "weekly"])
def test_no_run_has_a_name_that_is_a_month(calendar: Calendar, year: int) -> None:
    assert all(len(run) == len("2026-1") for run in calendar.plan(*_fiscal_year(year)).runs)


def test_every_year_is_published_sixty_days_ahead_and_years_do_not_touch_each_other() -> None:
    start, end = _fiscal_year(2026)
    versions = FULL.versions(start, end + 1)
    assert [v.start_ns - v.published_at_ns for v in versions] == [60 * NS_PER_DAY] * 2
    assert resolve(versions).warnings == ()
    assert versions[0].end_ns == versions[1].start_ns


def test_without_long_shutdowns_every_month_has_user_time() -> None:
    for month in range(1, 13):
        period = parse_period(f"2026-{month:02}", PROFILE.zone)
        user_time = WEEKLY.plan(period.start_ns, period.end_ns).user_time.clip(period.start_ns, period.end_ns)
        assert user_time.total / NS_PER_H > 400


def test_a_year_long_shutdown_is_planned_as_one_stretch_and_is_no_downtime() -> None:
    machine = Machine(load_profile("spring8_sim"), load_scenario("long_shutdown"))
    start, end = parse_time("2024-09-30T09:00+09:00"), parse_time("2025-10-06T09:00+09:00")
    shut = [b for b in machine.plan(start, end).blocks if b.start_ns >= start and b.end_ns <= end]
    assert {b.category for b in shut if b.start_ns >= start + 7 * NS_PER_DAY} == {Category.SHUTDOWN}
    assert [b.category.value for b in machine.calendar.blocks(end, end + 5 * NS_PER_DAY)] == [
        "maintenance",
        "tuning",
        "study",
    ]
    inside = parse_time("2025-01-01T00:00+09:00")
    accounts = machine.answer_key(inside, inside + 31 * NS_PER_DAY).accounts_s
    assert (accounts.user_time, accounts.no_beam, accounts.unknown) == (0, 0, 0)


@pytest.mark.parametrize("facility", ["maxiv_sim", "sirius_sim"])
def test_a_calendar_fits_other_zones_and_fiscal_years(facility: str) -> None:
    profile = load_profile(facility)
    calendar = Calendar.of(profile, long_shutdowns=True)
    for year in range(2020, 2030):
        version, period = calendar.version(year), profile.period(f"{year}")
        assert (version.start_ns, version.end_ns) == (period.start_ns, period.end_ns)
        assert 4000 <= resolve([version]).user_time.total / NS_PER_H <= 5000


def _fiscal_year(year: int) -> tuple[int, int]:
    period = parse_period(f"FY{year}", PROFILE.zone)
    return period.start_ns, period.end_ns
