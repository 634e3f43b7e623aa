"""Waits grow, are drawn at random, and begin small again after a healthy connection."""

import random

from collector.backoff import Backoff


class Highest(random.Random):
    """Draws the upper bound."""

    def uniform(self, a: float, b: float) -> float:
        return b


def bounds(backoff: Backoff, *lasted_s: float) -> list[float]:
    return [backoff.wait_s(s, retryable=True) for s in lasted_s]


def test_the_bound_doubles_up_to_the_cap() -> None:
    assert bounds(Backoff(Highest()), *[0.0] * 9) == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_connection_that_lasted_starts_the_count_again() -> None:
    assert bounds(Backoff(Highest()), 0.0, 0.0, 59.9, 60.0, 0.0) == [0.5, 1.0, 2.0, 0.5, 1.0]


def test_waits_are_spread_from_zero_to_the_bound() -> None:
    waits = [Backoff(random.Random(seed)).wait_s(0.0, retryable=True) for seed in range(1000)]
    assert min(waits) < 0.01
    assert 0.49 < max(waits) <= 0.5


def test_what_a_person_has_to_mend_is_tried_seldom_from_the_start() -> None:
    waits = [Backoff(random.Random(seed)).wait_s(0.0, retryable=False) for seed in range(1000)]
    assert 15.0 <= min(waits) <= max(waits) <= 30.0


def test_a_thousand_failures_do_not_overflow() -> None:
    assert bounds(Backoff(Highest()), *[0.0] * 3000)[-1] == 30.0
