"""Limits of the delivery signal, by mode and from a date on."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from facility.errors import ProfileError
from facility.limits import Limits, LimitStep, LimitTable
from facility.schedule import Category
from facility.time import parse_time

TOKYO = ZoneInfo("Asia/Tokyo")


def step(since: str, current: float, mode: str = "user", **more: Any) -> LimitStep:
    when = datetime.fromisoformat(since) if "T" in since else date.fromisoformat(since)
    values = {"from": when, "mode": mode, "nominal": current, "tolerance": 0.9 * current, "minimum": 10.0}
    return LimitStep.model_validate(values | more)


def nominal(table: LimitTable, at: str, mode: Category = Category.USER) -> float | None:
    limits = table.at(mode, parse_time(at))
    return None if limits is None else limits.nominal


def test_a_step_holds_from_the_facilitys_midnight_on() -> None:
    table = LimitTable.of((step("2024-07-01", 200.0), step("2024-04-01", 160.0)), TOKYO)
    assert nominal(table, "2024-03-31T23:59:59.999999999+09:00") is None
    assert nominal(table, "2024-04-01T00:00+09:00") == 160.0
    assert nominal(table, "2024-06-30T23:59:59.999999999+09:00") == 160.0
    assert nominal(table, "2024-07-01T00:00+09:00") == 200.0


def test_a_step_may_hold_from_an_instant_on() -> None:
    table = LimitTable.of((step("2024-04-01", 160.0), step("2024-07-01T09:30:00+09:00", 200.0)), TOKYO)
    assert nominal(table, "2024-07-01T00:29:59Z") == 160.0
    assert nominal(table, "2024-07-01T00:30:00Z") == 200.0


def test_in_the_grace_time_the_old_limits_hold() -> None:
    table = LimitTable.of((step("2024-04-01", 160.0, grace_h=99.0), step("2024-07-01", 200.0, grace_h=24.0)), TOKYO)
    assert nominal(table, "2024-04-01T00:00+09:00") == 160.0  # There are none before the first.
    assert nominal(table, "2024-07-01T23:59:59+09:00") == 160.0
    assert nominal(table, "2024-07-02T00:00+09:00") == 200.0


def test_a_mode_without_limits_of_its_own_has_those_of_user_time() -> None:
    table = LimitTable.of((step("2024-04-01", 160.0), step("2024-07-01", 50.0, "study")), TOKYO)
    assert nominal(table, "2024-06-30T00:00Z", Category.STUDY) == 160.0
    assert nominal(table, "2024-07-01T00:00Z", Category.STUDY) == 50.0
    assert nominal(table, "2024-07-01T00:00Z", Category.TUNING) == 160.0
    assert nominal(LimitTable.of((step("2024-07-01", 50.0, "study"),), TOKYO), "2025-01-01T00:00Z") is None


def test_limits_change_where_a_step_takes_effect() -> None:
    table = LimitTable.of(
        (step("2024-04-01", 160.0), step("2024-07-01", 200.0, grace_h=24.0), step("2024-08-01", 50.0, "study")), TOKYO
    )
    instants = [parse_time(f"2024-{day}T00:00+09:00") for day in ("04-01", "07-02", "08-01")]
    assert table.changes(instants[0] - 1, instants[2] + 1) == instants
    assert table.changes(instants[0], instants[2]) == [instants[1]]


def test_recovered_is_tolerance_where_it_is_left_out() -> None:
    assert step("2024-04-01", 100.0).limits == Limits(100.0, 90.0, 90.0, 10.0)
    assert step("2024-04-01", 100.0, recovered=95.0).limits.recovered == 95.0


def test_limits_can_be_lowered_together() -> None:
    assert Limits(199.0, 195.0, 190.0, 10.0).at_most(100.0) == Limits(100.0, 100.0, 100.0, 10.0)


def test_a_step_that_is_overtaken_by_the_grace_of_another_is_an_error() -> None:
    steps = (step("2024-04-01", 160.0), step("2024-07-01", 200.0, grace_h=48.0), step("2024-07-02", 250.0))
    with pytest.raises(ProfileError) as error:
        LimitTable.of(steps, TOKYO)
    assert str(error.value) == (
        "limits for mode user from 2024-07-02 take effect at 2024-07-02T00:00:00+09:00, not after those before them:"
        " change 'from' or 'grace_h'"
    )


def test_two_steps_at_the_same_instant_are_an_error_and_of_two_modes_are_none() -> None:
    with pytest.raises(ProfileError, match="limits for mode user from 2024-04-01 take effect at"):
        LimitTable.of((step("2024-04-01", 160.0), step("2024-04-01", 200.0)), TOKYO)
    LimitTable.of((step("2024-04-01", 160.0), step("2024-04-01", 200.0, "study")), TOKYO)


@pytest.mark.parametrize(
    "wrong",
    [{"tolerance": 170.0}, {"recovered": 161.0}, {"recovered": 100.0}, {"minimum": 150.0}],
)
def test_limits_out_of_order_are_an_error_that_shows_them(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"limits from 2024-04-01 for user: nominal 160\.0 >= .* must hold"):
        step("2024-04-01", 160.0, **wrong)


@pytest.mark.parametrize("wrong", [{"minimum": 0.0}, {"nominal": float("nan")}, {"grace_h": -1.0}, {"nominal": "160"}])
def test_limits_are_positive_finite_numbers(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        step("2024-04-01", 160.0, **wrong)
