from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facility.time import NS_PER_H, NS_PER_S
from kado.rounding import NONE, duration, hours, percent, split_hours


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (97.25, "97.3"),  # half up, where Python's own rounding goes to the even digit
        (97.35, "97.4"),
        (0.25, "0.3"),
        (98.3333, "98.3"),
        (100.0, "100.0"),
        (99.95, "99.9"),
        (99.9999999, "99.9"),
        (0.0, "0.0"),
        (0.0000001, "0.1"),
        (100.04, "100.0"),
        (102.36, "102.4"),
        (None, NONE),
    ],
)
def test_a_percentage_is_rounded_half_up_and_never_flatters(value: float | None, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(("digits", "text"), [(0, "99"), (2, "99.99"), (3, "99.999"), (4, "99.9990")])
def test_a_percentage_has_as_many_digits_as_asked_for(digits: int, text: str) -> None:
    assert percent(99.999, digits) == text


@given(st.floats(0, 100), st.integers(0, 6))
def test_only_all_and_nothing_print_as_such(value: float, digits: int) -> None:
    printed = float(percent(value, digits))
    assert (printed == 100) == (value == 100)
    assert (printed == 0) == (value == 0)
    assert abs(printed - value) <= 10**-digits


@given(st.lists(st.integers(0, 10**17), min_size=1, max_size=8), st.integers(0, 3))
def test_rounded_parts_add_up_to_the_rounded_whole(parts: list[int], digits: int) -> None:
    rounded = split_hours({str(i): ns for i, ns in enumerate(parts)}, digits)
    step = Decimal(1).scaleb(-digits)
    exact_whole = Decimal(sum(parts)) / NS_PER_H
    assert abs(sum(rounded.values()) - exact_whole) <= step / 2 + Decimal("1e-15")
    for i, ns in enumerate(parts):
        assert abs(rounded[str(i)] - Decimal(ns) / NS_PER_H) < step


@given(st.lists(st.integers(0, 10**17), min_size=1, max_size=8), st.booleans())
def test_parts_add_up_to_a_whole_that_was_rounded_elsewhere(parts: list[int], up: bool) -> None:
    whole_steps = sum(parts) * 100 // NS_PER_H + (up and sum(parts) * 100 % NS_PER_H > 0)
    total = Decimal(whole_steps).scaleb(-2)
    assert sum(split_hours({str(i): ns for i, ns in enumerate(parts)}, total=total).values()) == total


def test_hours_are_rounded_half_up_and_a_missing_figure_is_a_dash() -> None:
    assert [hours(1234.565), hours(0.0), hours(None)] == ["1,234.57", "0.00", NONE]


@pytest.mark.parametrize(
    ("ns", "text"),
    [(7_250_000_000, "7.3 s"), (60 * NS_PER_S, "0:01:00"), (26 * NS_PER_H + 61 * NS_PER_S, "26:01:01")],
)
def test_a_duration_reads_as_people_say_it(ns: int, text: str) -> None:
    assert duration(ns) == text
