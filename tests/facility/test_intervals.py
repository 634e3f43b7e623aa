"""Sets of intervals against the plainest model there is: a set of integers."""

from collections.abc import Callable
from itertools import pairwise
from operator import and_, or_, sub

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facility.interval import Intervals

edge = st.integers(-12, 12)
pairs = st.lists(st.tuples(edge, edge), max_size=6)


def model(intervals: list[tuple[int, int]] | Intervals) -> set[int]:
    return {n for start, end in intervals for n in range(start, end)}


def check_form(intervals: Intervals) -> None:
    listed = list(intervals)
    assert all(start < end for start, end in listed)
    assert all(before[1] < after[0] for before, after in pairwise(listed))
    assert intervals.start.dtype == intervals.end.dtype == np.int64


@given(pairs)
def test_any_pairs_become_disjoint_sorted_intervals(given_pairs: list[tuple[int, int]]) -> None:
    intervals = Intervals.of(given_pairs)
    check_form(intervals)
    assert model(intervals) == model(given_pairs)
    assert intervals.total == len(model(given_pairs))
    assert bool(intervals) == bool(model(given_pairs))
    assert len(intervals) == len(list(intervals))


@given(pairs, pairs, st.sampled_from([and_, or_, sub]))
def test_union_intersection_and_difference_are_those_of_sets(
    a: list[tuple[int, int]], b: list[tuple[int, int]], operation: Callable[..., Intervals]
) -> None:
    combined = operation(Intervals.of(a), Intervals.of(b))
    check_form(combined)
    assert model(combined) == operation(model(a), model(b))


far = st.integers(-90, 90)


@given(
    pairs,
    st.lists(st.tuples(far, st.integers(1, 3)), min_size=8, max_size=80),
    st.lists(far, max_size=9),
    st.sampled_from([and_, or_, sub]),
    st.booleans(),
)
def test_few_intervals_and_many_are_combined_as_sets_are_however_they_are_cut(
    few: list[tuple[int, int]],
    many: list[tuple[int, int]],
    cuts: list[int],
    operation: Callable[..., Intervals],
    first: bool,
) -> None:
    spans = [(7 * start, 7 * (start + length) + 1) for start, length in many]
    a, b = Intervals.of((11 * s, 13 * e) for s, e in few), Intervals.of(spans)
    a, b = (a, b.cut_at(np.array(cuts, np.int64) * 7)) if first else (b.cut_at(np.array(cuts, np.int64) * 7), a)
    combined = operation(a, b)
    check_form(combined)
    assert model(combined) == operation(model(a), model(b))


@given(pairs, edge, edge)
def test_clipping_is_intersection(a: list[tuple[int, int]], start: int, end: int) -> None:
    clipped = Intervals.of(a).clip(start, end)
    check_form(clipped)
    assert model(clipped) == model(a) & set(range(start, end))


@given(pairs, edge)
def test_an_interval_contains_its_start_and_not_its_end(a: list[tuple[int, int]], instant: int) -> None:
    assert Intervals.of(a).contains(instant) == (instant in model(a))


@given(pairs)
def test_equal_sets_are_equal_however_they_were_made(a: list[tuple[int, int]]) -> None:
    assert Intervals.of(a) == Intervals.of([(n, n + 1) for n in sorted(model(a), reverse=True)])
    assert Intervals.of(a) != Intervals.of([*a, (100, 101)])
    assert Intervals.of(a) != a


def test_touching_intervals_are_joined_and_empty_ones_dropped() -> None:
    assert repr(Intervals.of([(5, 7), (0, 3), (3, 4), (9, 9), (4, 2)])) == "Intervals.of([(0, 4), (5, 7)])"
    assert Intervals.empty() == Intervals.of([])


def test_nothing_is_inside_a_window_of_no_length() -> None:
    assert not Intervals.of([(0, 10)]).clip(5, 5)
    assert not Intervals.of([(0, 10)]).clip(7, 3)


def test_intervals_are_no_keys() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Intervals.empty())
