"""What a small change of the automaton would make wrong without any other test noticing. Times are bare numbers.

Limits, unless given: end of an outage and of low-beam 195, tolerance 190, minimum 10; a sample holds for 10; a low
run that a good sample ends sooner than 3 after its start is a glitch.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from analytics.conditions import Conditions, Glitch, Kind, Scanner, scan
from analytics.rules import Rules, Thresholds
from facility.batch import Samples

LIMITS = Thresholds(tolerance=190.0, minimum=10.0, no_beam_ends=195.0, low_beam_ends=195.0)
RAISED = Thresholds(tolerance=240.0, minimum=100.0, no_beam_ends=245.0, low_beam_ends=245.0)


def rules(*limits: tuple[int, Thresholds], **changes: Any) -> Rules:
    """Return rules with limits from an instant on each."""
    starts, thresholds = zip(*(limits or [(0, LIMITS)]), strict=True)
    known = {"stale_after_ns": 10, "physical_max": 600.0, "min_duration_ns": 3, "min_samples": 1, "sample_period_ns": 1}
    return Rules(starts, thresholds, **(known | changes))


def samples(points: Iterable[tuple[int, float]]) -> Samples:
    """Return samples of (time, value)."""
    listed = list(points)
    return Samples.sorted("ring", "stored_current", [t for t, _ in listed], [v for _, v in listed])


def steady(start: int, end: int, value: float = 200.0) -> list[tuple[int, float]]:
    """Return a sample at each time."""
    return [(t, value) for t in range(start, end)]


def in_pieces(points: Sequence[tuple[int, float]], edges: Sequence[int], limits: Rules, **more: Any) -> Conditions:
    """Feed points in pieces, cut at `edges`."""
    whole = samples(points)
    scanner = Scanner(limits, edges[0], edges[-1], **more)
    for start, end in pairwise(edges):
        scanner.feed(whole.between(start, end))
    return scanner.finish()


def spans(found: Iterable[Any]) -> list[tuple[int, int]]:
    """Return start and end of stretches or glitches."""
    return [(x.start_ns, x.end_ns) for x in found]


# --- Where nothing seems to happen in a piece, and something ends


@pytest.mark.parametrize("low", [0.0, 150.0])
def test_a_return_with_the_first_sample_of_a_piece_is_seen_although_that_piece_is_all_beam(low: float) -> None:
    told = [*steady(0, 5), *steady(5, 10, low), *steady(10, 20), *steady(20, 25, low), *steady(25, 30)]
    found = in_pieces(told, [0, 10, 20, 30], rules())
    assert spans(found.no_beam or found.low_beam) == [(5, 10), (20, 25)]


def test_a_dip_at_the_end_of_a_piece_and_one_a_piece_later_are_two_glitches() -> None:
    told = [*steady(0, 9), (9, 150.0), *steady(10, 20), (20, 150.0), *steady(21, 30)]
    found = in_pieces(told, [0, 10, 20, 30], rules())
    assert spans(found.glitches) == [(9, 10), (20, 21)]
    assert found.low_beam == ()


def test_limits_that_rise_in_a_piece_that_was_good_until_then_make_low_beam_from_there() -> None:
    limits = rules((0, LIMITS), (15, RAISED), (90, LIMITS))
    assert spans(in_pieces(steady(0, 40), [0, 10, 20, 30, 40], limits).low_beam) == [(15, 40)]


def test_a_last_sample_of_a_piece_at_the_instant_of_new_limits_is_judged_by_them() -> None:
    limits = rules((0, LIMITS), (19, RAISED))
    assert spans(in_pieces(steady(0, 40), [0, 20, 40], limits).low_beam) == [(19, 40)]


# --- Looking again where limits change


def test_the_first_of_two_samples_is_looked_at_again_where_limits_change_between_them() -> None:
    limits = rules((0, LIMITS), (5, RAISED), stale_after_ns=30)
    assert spans(scan(samples([(0, 200.0), (20, 200.0)]), limits, 0, 30).low_beam) == [(5, 30)]


def test_a_sample_whose_successor_is_stamped_where_limits_change_is_not_looked_at_again() -> None:
    found = scan(samples([*steady(0, 20), *steady(20, 40, 250.0)]), rules((0, LIMITS), (20, RAISED)), 0, 40)
    assert (found.low_beam, found.glitches) == ((), ())


# --- Exactly at a limit


def test_a_current_exactly_at_minimum_ends_a_glitch() -> None:
    found = scan(samples([*steady(0, 5), (5, 0.0), *steady(6, 20, 10.0), *steady(20, 30)]), rules(), 0, 30)
    assert found.no_beam == ()
    assert spans(found.low_beam) == [(5, 20)]
    assert found.glitches == (Glitch(Kind.NO_BEAM, 5, 6),)


def test_a_current_exactly_at_the_end_limit_that_decides_a_low_run_ends_it_too() -> None:
    found = scan(samples([*steady(0, 5), (5, 150.0), (8, 195.0), *steady(9, 20)]), rules(), 0, 20)
    assert spans(found.low_beam) == [(5, 8)]


@pytest.mark.parametrize("dip", [[10.0], [150.0, 10.0], [150.0, 150.0]])
def test_a_dip_to_minimum_and_not_below_is_a_glitch_of_low_beam(dip: list[float]) -> None:
    told = [*steady(0, 5), *((5 + i, value) for i, value in enumerate(dip)), *steady(5 + len(dip), 20)]
    assert scan(samples(told), rules(), 0, 20).glitches == (Glitch(Kind.LOW_BEAM, 5, 5 + len(dip)),)


def test_beam_that_is_lost_at_once_was_never_low() -> None:
    found = scan(samples([*steady(0, 5), *steady(5, 10, 0.0), *steady(10, 20)]), rules(), 0, 20)
    assert spans(found.no_beam) == [(5, 10)]
    assert found.low_beam == ()


def test_of_several_events_only_the_one_that_nothing_ended_is_open() -> None:
    told = [*steady(0, 5), *steady(5, 10, 150.0), *steady(10, 15), *steady(15, 20, 0.0), *steady(20, 25)]
    found = scan(samples([*told, *steady(25, 30, 0.0)]), rules(), 0, 30)
    assert [s.open for s in found.low_beam] == [False]
    assert [s.open for s in found.no_beam] == [False, True]


# --- Links, and samples from before the window


def test_without_a_word_of_lost_links_nothing_is_cut() -> None:
    assert list(scan(samples(steady(0, 20)), rules(), 0, 20).known) == [(0, 20)]


def test_what_is_known_names_the_window_that_was_asked_about() -> None:
    found = scan(samples(steady(-20, 20)), rules(), -5, 30)
    assert (found.start_ns, found.end_ns, list(found.known)) == (-5, 30, [(-5, 29)])


def test_a_sample_that_holds_into_the_window_leaves_nothing_to_fill() -> None:
    for fill in (0.0, np.inf):
        found = scan(samples(steady(-20, 20)), rules(), 0, 20, fill=fill)
        assert (list(found.known), found.no_beam) == ([(0, 20)], ())


# --- What stands in for unknown time


def test_time_before_a_single_sample_is_filled() -> None:
    found = scan(samples([(5, 200.0)]), rules(), 0, 10, fill=0.0)
    assert spans(found.no_beam) == [(0, 5)]
    assert list(found.known) == [(0, 10)]


@pytest.mark.parametrize(
    ("back_at", "no_beam"),
    [(13, []), (14, []), (15, [(10, 15)])],
    ids=["less than one period", "one period", "more than one period"],
)
def test_a_hole_is_filled_with_as_many_samples_as_fit_and_one_is_too_few_for_an_outage(
    back_at: int, no_beam: list[tuple[int, int]]
) -> None:
    # Every 4 a sample, two make an outage; known until 10.
    limits = rules(sample_period_ns=4, min_samples=2)
    assert spans(scan(samples([(0, 200.0), (back_at, 200.0)]), limits, 0, 20, fill=0.0).no_beam) == no_beam


def test_what_stands_in_for_unknown_time_is_stamped_inside_it() -> None:
    # Known until 10, by limits that rise at 8; at 50 the unknown time is beam by the old ones and none by the new.
    limits = rules((0, LIMITS), (8, RAISED), sample_period_ns=4, min_samples=2)
    found = scan(samples([(0, 250.0), (20, 250.0)]), limits, 0, 30, fill=50.0)
    assert spans(found.no_beam) == [(10, 20)]


# --- Restarts in unknown time


@pytest.mark.parametrize("edges", [[0, 60], [0, 5, 30, 31, 60]])
@pytest.mark.parametrize(
    ("restarts", "no_beam", "glitches"),
    [((), [(14, 30)], []), ((14,), [(14, 30)], []), ((15,), [(15, 60)], [(14, 15)])],
)
def test_an_outage_that_begins_anew_ends_by_the_limits_in_force_there(
    restarts: tuple[int, ...], no_beam: list[tuple[int, int]], glitches: list[tuple[int, int]], edges: list[int]
) -> None:
    # Unknown from 14 to 30; 200 is an end by the limits until 15, and none by those from then on.
    told = [*steady(0, 5), *steady(30, 60)]
    found = in_pieces(told, edges, rules((0, LIMITS), (15, RAISED)), fill=0.0, restarts=restarts)
    assert spans(found.no_beam) == no_beam
    assert spans(found.glitches) == glitches


@pytest.mark.parametrize("edges", [[0, 60], [0, 31, 60], [0, 30, 60]])
def test_an_outage_may_begin_anew_with_the_first_sample_behind_unknown_time(edges: list[int]) -> None:
    told = [*steady(0, 5), *steady(30, 40, 0.0), *steady(40, 60)]
    found = in_pieces(told, edges, rules((0, LIMITS), (30, RAISED)), fill=0.0, restarts=(30,))
    assert spans(found.no_beam) == [(14, 30), (30, 60)]
