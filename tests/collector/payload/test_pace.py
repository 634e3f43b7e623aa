"""Values without a time are taken only where they come live."""

import random

import pytest

from collector.payload.pace import Pace

S = 1_000_000_000
CURRENT, SHUTTER = 0, 1
PERIODS = [S, None]


class Came:
    """A clock, and values that come by it."""

    def __init__(self, *, resumed: bool) -> None:
        self.now = 0
        self.pace = Pace(PERIODS, resumed, lambda: self.now)

    def after(self, seconds: float, *codes: int) -> bool:
        self.now += int(seconds * S)
        return self.pace.came(codes)


def test_in_a_new_session_nothing_has_waited() -> None:
    came = Came(resumed=False)
    assert all(came.after(1.0, CURRENT) for _ in range(100))


def test_what_comes_from_a_session_is_not_live_until_a_signal_keeps_its_pace() -> None:
    came = Came(resumed=True)
    assert [came.after(0.01, *[CURRENT] * 2000) for _ in range(30)] == [False] * 30
    assert [came.after(1.0, CURRENT) for _ in range(5)] == [False, False, True, True, True]
    assert came.after(0.3, SHUTTER)


@pytest.mark.parametrize(("window", "round_trip_s"), [(20, 0.001), (20, 0.3), (1, 0.2), (5, 0.9), (65_535, 2.0)])
def test_a_backlog_that_comes_in_windows_is_never_live(window: int, round_trip_s: float) -> None:
    came = Came(resumed=True)
    for _ in range(200):
        assert not came.after(round_trip_s, *[CURRENT] * min(window, 2000))


def test_a_backlog_behind_a_disk_that_stalls_now_and_then_is_never_live() -> None:
    came, rng = Came(resumed=True), random.Random(1)
    for i in range(2000):
        # Every twentieth comes late: the broker's window was full while the disk stalled.
        assert not came.after(rng.uniform(0.8, 3.0) if i % 20 == 0 else 0.001, CURRENT)


def test_silence_with_everything_acknowledged_shows_that_nothing_waits() -> None:
    came = Came(resumed=True)
    assert not came.after(0.01, SHUTTER)
    came.pace.quiet(0.5)
    assert not came.after(0.01, SHUTTER)
    came.pace.quiet(1.0)
    assert came.after(0.01, SHUTTER)


def test_what_comes_rarely_does_not_show_that_nothing_waits() -> None:
    came = Came(resumed=True)
    # Changes of a shutter, one a minute, fifty times as fast as they happened.
    assert not any(came.after(1.2, SHUTTER) for _ in range(100))


@pytest.mark.parametrize("held_back_s", [10, 60, 3600])
def test_a_burst_in_the_middle_of_a_connection_is_not_live_and_what_follows_is(held_back_s: int) -> None:
    came = Came(resumed=False)
    assert all(came.after(1.0, CURRENT) for _ in range(10))
    assert not came.after(held_back_s, *[CURRENT] * held_back_s)
    assert [came.after(1.0, CURRENT) for _ in range(4)] == [False, False, True, True]


def test_a_network_that_shakes_changes_nothing() -> None:
    came, rng = Came(resumed=False), random.Random(2)
    arrivals = sorted(i + rng.uniform(0.0, 1.9) for i in range(1000))
    gaps = [later - earlier for earlier, later in zip([0.0, *arrivals], arrivals, strict=False)]
    assert all(came.after(gap, CURRENT) for gap in gaps)


def test_a_few_changes_at_once_are_live() -> None:
    came = Came(resumed=False)
    assert came.after(60.0, *[SHUTTER] * 10)
    assert not came.after(0.01, *[SHUTTER] * 100)
