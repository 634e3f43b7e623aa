"""The reference reading of the accounting rules, checked by hand on single rules."""

from collections.abc import Sequence

import numpy as np
import pytest

from facility.definition import Definition, EndLimit, load_definition
from facility.limits import Limits
from facility.time import NS_PER_S
from simulators.observer import Low, Observer, Seen

LIMITS = Limits(nominal=199.0, recovered=195.0, tolerance=195.0, minimum=10.0)
HIGHER = Limits(nominal=398.0, recovered=390.0, tolerance=390.0, minimum=20.0)
KADO = load_definition("nanoterasu")


def observe(
    samples: Sequence[tuple[float, float]],
    end: float = 100.0,
    *,
    definition: Definition = KADO,
    min_samples: int = 1,
    limits: Sequence[tuple[float, Limits]] = ((0.0, LIMITS),),
    piece: int | None = None,
) -> Seen:
    """Show samples (second, value) of [0, end) to an observer, whole or in pieces of so many."""
    table = [(round(since * NS_PER_S), x) for since, x in limits]
    observer = Observer(definition, 10 * NS_PER_S, min_samples, table, 0, round(end * NS_PER_S))
    times = np.array([round(t * NS_PER_S) for t, _ in samples], np.int64)
    values = np.array([v for _, v in samples], np.float64)
    step = piece or max(len(samples), 1)
    for first in range(0, len(samples), step):
        observer.see(times[first : first + step], values[first : first + step])
    return observer.seen()


def each_second(*runs: tuple[int, float]) -> list[tuple[float, float]]:
    """Return samples once a second: (how many, value) one after the other."""
    values = [value for count, value in runs for _ in range(count)]
    return [(float(t), value) for t, value in enumerate(values)]


def seconds(lows: Sequence[Low]) -> list[tuple[float, float]]:
    return [(low.start_ns / NS_PER_S, low.end_ns / NS_PER_S) for low in lows]


@pytest.mark.parametrize("piece", [None, 1, 3])
def test_no_beam_lasts_from_the_first_low_sample_to_the_first_recovered_one(piece: int | None) -> None:
    seen = observe(each_second((20, 200.0), (30, 0.0), (5, 100.0), (45, 200.0)), piece=piece)
    assert seconds(seen.no_beam) == [(20, 55)]
    assert seen.low_beam == ()
    assert not seen.unknown


def test_a_low_run_is_a_glitch_only_if_beam_is_back_in_less_than_three_seconds() -> None:
    assert seconds(observe(each_second((20, 200.0), (2, 0.0), (78, 200.0))).glitches) == [(20, 22)]
    seen = observe(each_second((20, 200.0), (3, 0.0), (77, 200.0)))
    assert (seconds(seen.no_beam), seen.glitches) == ([(20, 23)], ())


def test_silence_does_not_make_a_glitch() -> None:
    seen = observe([(0, 200.0), (1, 0.0), (9, 200.0), *[(t, 200.0) for t in range(10, 100)]])
    assert (seconds(seen.no_beam), seen.glitches) == ([(1, 9)], ())


def test_a_flaky_signal_may_ask_for_two_low_samples() -> None:
    samples = [(t, 0.0 if t == 20 else 200.0) for t in range(0, 100, 5)]
    assert seconds(observe(samples).no_beam) == [(20, 25)]
    assert seconds(observe(samples, min_samples=2).glitches) == [(20, 25)]


def test_low_beam_ends_at_the_tolerance_and_a_dump_ends_it_too() -> None:
    seen = observe(each_second((10, 200.0), (20, 190.0), (10, 196.0), (20, 190.0), (10, 0.0), (30, 200.0)))
    assert seconds(seen.low_beam) == [(10, 30), (40, 60)]
    assert [low.no_beam_ns for low in seen.low_beam] == [None, 60 * NS_PER_S]
    assert seconds(seen.no_beam) == [(60, 70)]


def test_a_glitch_to_zero_in_low_beam_leaves_it_running() -> None:
    seen = observe(each_second((10, 200.0), (20, 190.0), (1, 0.0), (20, 190.0), (49, 200.0)))
    assert seconds(seen.low_beam) == [(10, 51)]
    assert seconds(seen.glitches) == [(30, 31)]


def test_a_gap_is_unknown_from_the_end_of_the_hold_and_an_outage_ends_where_it_was_last_known() -> None:
    samples = [*each_second((20, 200.0), (11, 0.0)), *[(t, 200.0) for t in range(60, 100)]]
    seen = observe(samples)
    assert seconds(seen.no_beam) == [(20, 40)]
    assert [(a / NS_PER_S, b / NS_PER_S) for a, b in seen.unknown] == [(40, 60)]


def test_an_outage_lives_through_a_gap_with_no_beam_on_both_sides() -> None:
    samples = [
        *each_second((20, 200.0), (11, 0.0)),
        *[(t, 100.0) for t in range(60, 70)],
        *[(t, 200.0) for t in range(70, 100)],
    ]
    assert seconds(observe(samples).no_beam) == [(20, 70)]


def test_what_is_before_the_first_sample_is_unknown_and_what_runs_at_the_end_counts() -> None:
    seen = observe([(t, 200.0 if t < 90 else 0.0) for t in range(5, 100)])
    assert [(a / NS_PER_S, b / NS_PER_S) for a, b in seen.unknown] == [(0, 5)]
    assert seconds(seen.no_beam) == [(90, 100)]


def test_a_period_without_samples_is_unknown() -> None:
    seen = observe([])
    assert [(a / NS_PER_S, b / NS_PER_S) for a, b in seen.unknown] == [(0, 100)]


@pytest.mark.parametrize(("end", "expected"), [("nominal", 70), ("recovered", 60), ("minimum", 50)])
def test_the_definition_says_at_which_limit_an_outage_is_over(end: str, expected: int) -> None:
    definition = KADO.model_copy(update={"no_beam_ends_at": EndLimit(end)})
    seen = observe(each_second((20, 200.0), (30, 0.0), (10, 100.0), (10, 196.0), (30, 200.0)), definition=definition)
    assert seconds(seen.no_beam) == [(20, expected)]


def test_an_open_outage_keeps_the_limits_that_it_began_with() -> None:
    samples = each_second((20, 200.0), (30, 0.0), (10, 200.0), (40, 400.0))
    seen = observe(samples, limits=[(0, LIMITS), (40, HIGHER)])
    assert seconds(seen.no_beam) == [(20, 50)]
    assert seconds(seen.low_beam) == [(50, 60)]
