"""How far to look so that a distortion is seen whole."""

from collections.abc import Callable

import pytest

from analytics.distortion_window import LONGEST_NS, Reach, reach_of
from facility.batch import Samples
from facility.distortion import Distortion
from facility.period import Period
from facility.signals import Signal
from stories import at, seconds, told

ORBIT = Distortion(id="orbit", signal="orbit_x", above=10.0, ends_below=8.0)
SIGNAL = Signal(id="orbit_x", unit="µm", period_s=60.0)
H = 3600
DAY = Period("day", at(100 * H), at(124 * H))
LATER = at(200 * H)


def recorded(*segments: tuple[float, float | None]) -> Callable[[int, int], Samples]:
    """Return what reads an orbit that is told as (hours, µm), a sample a minute."""
    orbit = told("orbit_x", [(hours * H, value) for hours, value in segments], step_s=60)

    def read(start_ns: int, end_ns: int) -> Samples:
        before = orbit.between(0, start_ns)
        return orbit.between(int(before.time_ns[-1]) if len(before) else start_ns, end_ns)

    return read


def hours(reach: Reach) -> tuple[float, float, bool]:
    return seconds(reach.start_ns - at(0)) / H, seconds(reach.end_ns - at(0)) / H, reach.whole


def reach(read: Callable[[int, int], Samples], now_ns: int = LATER) -> Reach:
    return reach_of(read, ORBIT, SIGNAL, DAY, now_ns)


def test_where_nothing_runs_at_its_edges_a_period_is_enough() -> None:
    assert hours(reach(recorded((90, 5), (5, 15), (7, 5), (5, 15), (93, 5)))) == (100, 124, True)


def test_one_that_runs_into_the_period_is_followed_back_to_the_last_good_sample() -> None:
    start, end, whole = hours(reach(recorded((30, 5), (75, 15), (95, 5))))
    assert (start, end, whole) == (30 - 60 / H, 124, True)


def test_one_that_is_not_yet_back_at_its_end_limit_still_runs() -> None:
    start, _, _ = hours(reach(recorded((30, 5), (10, 15), (65, 9), (95, 5))))
    assert start == 30 - 60 / H
    # What was never beyond the limit does not.
    assert hours(reach(recorded((30, 5), (75, 9), (95, 5))))[0] == 100


def test_one_that_runs_out_of_the_period_is_followed_until_it_is_over() -> None:
    found = reach(recorded((120, 5), (50, 15), (30, 5)))
    assert (found.start_ns, found.end_ns, found.whole) == (DAY.start_ns, at(170 * H) + 1, True)


def test_one_that_is_not_over_yet_is_not_seen_whole() -> None:
    assert hours(reach(recorded((120, 5), (80, 15)))) == (100, 200, False)


@pytest.mark.parametrize("silence", [0.5, 30.0])
def test_silence_is_not_its_end(silence: float) -> None:
    read = recorded((60, 5), (5, 15), (silence, None), (50 - silence, 15), (85, 5))
    assert hours(reach(read))[0] == 60 - 60 / H


def test_it_is_followed_a_month_and_no_further() -> None:
    far = DAY.end_ns + 3 * LONGEST_NS
    always = told("orbit_x", [(3000 * H, 15)], step_s=H)
    found = reach(lambda a, b: always.between(a, b), far)
    # From its first sample on; it is looked no further ahead than a month, and waiting longer changes nothing.
    assert (found.start_ns, found.end_ns, found.whole) == (at(0), DAY.end_ns + LONGEST_NS, True)
    assert found.depends_from_ns == DAY.start_ns - LONGEST_NS


def test_a_signal_that_was_never_recorded_asks_for_nothing() -> None:
    found = reach(lambda a, b: Samples.empty("ring", "orbit_x"))
    assert (found.start_ns, found.end_ns, found.whole) == (DAY.start_ns, DAY.end_ns, True)


def test_what_comes_in_late_matters_from_the_last_good_sample_on() -> None:
    assert reach(recorded((90, 5), (3, None), (107, 5))).depends_from_ns == at(100 * H - 60)
    assert reach(recorded((90, 5), (20, None), (90, 5))).depends_from_ns == at(90 * H - 60)
