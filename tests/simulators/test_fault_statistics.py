"""Over 200 simulated years faults are as many, as long and as independent of each other as was asked."""

import math

import numpy as np
import pytest

from facility.profile import load_profile
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from simulators.calendar import Calendar
from simulators.faults import CHUNK_NS, FaultProcess
from simulators.scenario import Effect, FaultKind, Length, load_scenario
from simulators.seeds import stream

PROFILE = load_profile("nanoterasu_sim")
CALENDAR = Calendar.of(PROFILE, long_shutdowns=True)
START = parse_time("1971-01-01T00:00Z")
YEARS = 200
END = START + YEARS * 365 * NS_PER_DAY
SCENARIO = load_scenario("fy2024")
BEAM_DUMPS = [kind for kind in SCENARIO.faults if kind.effect is Effect.BEAM_DUMP]


@pytest.mark.parametrize("kind", SCENARIO.faults, ids=lambda kind: kind.key)
def test_number_and_lengths_over_200_years_are_those_of_the_scenario(kind: FaultKind) -> None:
    faults = [f for f in FaultProcess((kind,), 2024, CALENDAR).between(START, END) if f.start_ns >= START]
    expected = (kind.per_month or 0.0) / 30 * YEARS * 365
    # Four standard deviations of a Poisson number.
    assert len(faults) == pytest.approx(expected, abs=4 * expected**0.5)
    lengths = np.array([f.end_ns - f.start_ns for f in faults]) / NS_PER_S
    asked = kind.length_s
    assert lengths.min() >= asked.min
    assert lengths.max() <= asked.max
    # Kolmogorov and Smirnov, on the part that was not cut, at a level of one in a thousand.
    z = np.log(lengths / asked.median) / math.log(asked.spread)
    inside = (lengths > asked.min) & (lengths < asked.max)
    low, high = (normal(math.log(x / asked.median) / math.log(asked.spread)) for x in (asked.min, asked.max))
    uniform = np.sort([(normal(x) - low) / (high - low) for x in z[inside].tolist()])
    assert distance(uniform) < 1.95 / math.sqrt(len(uniform)) + 0.001  # lengths are whole milliseconds


def test_the_time_between_faults_is_exponential_across_all_borders() -> None:
    kind = BEAM_DUMPS[0]
    starts = np.array([f.start_ns for f in FaultProcess((kind,), 5, CALENDAR).between(START, END)])
    days = np.sort(np.diff(starts)) / NS_PER_DAY
    mean = 30 / (kind.per_month or 1.0)
    assert distance(1 - np.exp(-days / mean)) < 1.95 / math.sqrt(len(days))
    assert distance(np.sort(starts % CHUNK_NS) / CHUNK_NS) < 1.95 / math.sqrt(len(starts))


def test_kinds_and_seeds_are_independent() -> None:
    rf, interlock = BEAM_DUMPS[0], BEAM_DUMPS[1]
    days = {
        name: np.bincount(
            [(f.start_ns - START) // NS_PER_DAY for f in FaultProcess((kind,), seed, CALENDAR).between(START, END)],
            minlength=YEARS * 365 + 1,
        )[: YEARS * 365]
        for name, kind, seed in (("rf", rf, 1), ("interlock", interlock, 1), ("rf again", rf, 2))
    }
    for other in ("interlock", "rf again"):
        assert abs(np.corrcoef(days["rf"], days[other])[0, 1]) < 4 / math.sqrt(YEARS * 365)


def test_the_rates_of_fiscal_year_2024_add_up_to_the_published_availability() -> None:
    ring = SCENARIO.ring
    rise = ring.injection_ma_per_s * (1 + ring.efficiency_min) / 2
    # To 97.5 % of 160 mA for three months and of 200 mA for nine, with three pauses.
    filling_s = 0.975 * (0.25 * 160 + 0.75 * 200) / rise + len(ring.fill_steps) * ring.fill_hold_s
    lost_s = sum((kind.per_month or 0) * (mean_length(kind.length_s) + filling_s) for kind in BEAM_DUMPS)
    assert 100 * (1 - lost_s / (30 * 86_400)) == pytest.approx(99.6, abs=0.05)


def mean_length(length: Length) -> float:
    """Return the mean of a cut log-normal, by drawing it."""
    z = stream(1, "mean of lengths").standard_normal(200_000)
    return float(np.clip(length.median * length.spread**z, length.min, length.max).mean())


def normal(x: float) -> float:
    """Return the normal distribution function."""
    return (1 + math.erf(x / math.sqrt(2))) / 2


def distance(uniform: np.ndarray) -> float:
    """Return the greatest distance of increasing numbers in [0, 1] from a uniform distribution."""
    n = len(uniform)
    return float(np.maximum(np.arange(1, n + 1) / n - uniform, uniform - np.arange(n) / n).max())
