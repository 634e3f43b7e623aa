"""The stored beam follows its closed forms."""

import math

import numpy as np
import pytest

from facility.time import NS_PER_DAY, NS_PER_S
from simulators.ring import EMPTY, Decay, RingState, Setting, Trajectory, Weather, drive
from simulators.scenario import Ring

RING = Ring(noise_ma=0.0)
ORIGIN = 20_000 * NS_PER_DAY


def follow(
    settings: list[tuple[float, bool, bool, float]], seconds: float, start_ma: float = 0.0, ring: Ring = RING
) -> tuple[Trajectory, RingState]:
    """Drive a ring: (second, beam, injection, target) for each setting."""
    told = [Setting(ORIGIN + round(t * NS_PER_S), b, i, x, 0.995 * x) for t, b, i, x in settings]
    state = RingState(start_ma, passed_ma=start_ma)
    weather = Weather(ORIGIN, np.full((8640, 2), 1.0))
    return drive(ring, told, ORIGIN + round(seconds * NS_PER_S), state, weather)


def test_without_injection_the_beam_decays_as_the_differential_equation_says() -> None:
    decay = Decay.of(RING)
    current = 400.0
    step = 1.0
    for _ in range(36_000):  # ten hours, midpoint rule
        half = current - 0.5 * step * (decay.a_per_s * current + decay.k_per_ma_s * current**2)
        current -= step * (decay.a_per_s * half + decay.k_per_ma_s * half**2)
    assert decay.current(400.0, 36_000) == pytest.approx(current, rel=1e-9)


def test_with_the_gas_of_the_empty_ring_alone_the_decay_is_exponential() -> None:
    ring = Ring(base_gas_lifetime_h=10.0, beam_gas_lifetime_h=1e12, touschek_lifetime_h=1e12)
    assert Decay.of(ring).current(200.0, 36_000) == pytest.approx(200 / math.e, rel=1e-9)


def test_with_touschek_scattering_alone_half_the_beam_is_left_after_one_lifetime() -> None:
    ring = Ring(base_gas_lifetime_h=1e9, beam_gas_lifetime_h=1e12, touschek_lifetime_h=10.0)
    assert Decay.of(ring).current(400.0, 36_000) == pytest.approx(200.0, rel=1e-6)


def test_rates_of_loss_add_up_and_the_lifetime_is_longer_at_low_current() -> None:
    decay = Decay.of(Ring(base_gas_lifetime_h=100, beam_gas_lifetime_h=40, touschek_lifetime_h=10))
    lifetime = decay.lifetime_h(np.array([0.0, 200.0, 400.0]))
    assert lifetime == pytest.approx([100.0, 1 / (1 / 100 + 1 / 80 + 1 / 20), 1 / (1 / 100 + 1 / 40 + 1 / 10)])


def test_the_time_to_a_current_is_the_inverse_of_the_decay() -> None:
    decay = Decay.of(RING)
    assert decay.current(400.0, decay.seconds_to(400.0, 390.0)) == pytest.approx(390.0, abs=1e-9)


def test_top_up_keeps_the_current_in_its_band_with_the_period_that_decay_and_injection_give() -> None:
    trajectory, _ = follow([(0, True, True, 400.0)], 7200, start_ma=400.0)
    current = trajectory.at(np.arange(0, 7200, 0.5))
    assert current.min() == pytest.approx(398.0, abs=0.01)
    assert current.max() == pytest.approx(400.0 + RING.shot_ma, abs=0.3)
    refills = trajectory.start_s[~np.isnan(trajectory.rise_ma_per_s)]
    down = Decay.of(RING).seconds_to(400.0 + RING.shot_ma, 398.0)
    up = (2.0 + RING.shot_ma) / RING.injection_ma_per_s
    assert np.diff(refills) == pytest.approx(down + up, rel=1e-6)


def test_injection_has_a_hysteresis() -> None:
    inside_the_band = follow([(0, True, True, 400.0)], 10, start_ma=399.0)[1]
    assert (inside_the_band.injecting, inside_the_band.current_ma < 399.0) == (False, True)
    interrupted = follow([(0, True, True, 400.0)], 2, start_ma=397.0)[1]
    assert interrupted.injecting
    assert 398.0 > interrupted.current_ma > 397.0


def test_a_dump_empties_the_ring_at_once_and_the_fill_pauses_at_each_step() -> None:
    told = [(0, True, True, 400.0), (100.5, False, True, 400.0), (700, True, True, 400.0)]
    trajectory, state = follow(told, 3000, 400.0)
    current = trajectory.at(np.arange(3000.0))
    assert current[100] > 398
    assert np.all(current[101:701] == 0.0)
    rate, hold = RING.injection_ma_per_s, RING.fill_hold_s
    for step in (1, 2, 3):
        # Each pause costs a little beam, so the next step comes some seconds later than without decay.
        reached = 700 + step * 100 / rate + (step - 1) * hold
        pause = current[math.ceil(reached) + 5 : math.floor(reached + hold)]
        assert pause.max() <= step * 100.0
        assert pause.min() > step * 100.0 - 1.1
        assert np.all(np.diff(pause) < 0)
    full = 700 + 400 / rate + 3 * hold
    assert current[math.floor(full) - 5] < 400.0 < current[math.ceil(full) + 10 :].max()
    assert state.current_ma > 398.0


def test_without_injector_an_empty_ring_stays_empty_until_it_is_back() -> None:
    current = follow([(0, True, False, 400.0), (60, True, True, 400.0)], 120)[0].at(np.arange(120.0))
    assert np.all(current[:61] == 0.0)
    assert np.all(np.diff(current[60:]) > 0)


def test_a_lower_target_is_reached_at_once_and_a_higher_one_by_injection() -> None:
    current = follow([(0, True, True, 400.0), (10, True, True, 200.0), (20, True, True, 250.0)], 400, 400.0)[0].at(
        np.arange(400.0)
    )
    assert current[10] == pytest.approx(200.0, abs=1e-9)
    assert current[21] > current[20]
    assert current[-1] == pytest.approx(250.0, abs=1.5)


def test_an_empty_ring_without_beam_stays_empty() -> None:
    trajectory, state = follow([(0, False, True, 400.0)], 60)
    assert np.all(trajectory.at(np.arange(60.0)) == 0.0)
    assert state == EMPTY
