"""Reliability statistics: published worked examples, edges, and intervals that hold what they promise."""

import math

import numpy as np
import pytest

from analytics.reliability import (
    Failure,
    Strength,
    YearSoFar,
    compare_rates,
    exposure_of,
    fit_growth,
    forecast_year,
    group_failures,
    laplace_test,
    mtbf_interval,
    positions_h,
    repair_times,
)
from analytics.reliability.trend import Direction
from facility.definition import Mtbf
from facility.errors import UsageError
from facility.interval import Intervals
from facility.time import NS_PER_H

# NIST/SEMATECH e-Handbook of Statistical Methods, 8.2.3.4: ten repairs, observed until 1,500 h.
NIST = [5.0, 40.0, 43.0, 175.0, 389.0, 712.0, 747.0, 795.0, 1299.0, 1478.0]
# Crow's 22 failures, as in MIL-HDBK-189 and the reliability growth literature; stopped at the last, 620 h.
CROW = [
    2.7, 10.3, 12.5, 30.6, 57.0, 61.3, 80.0, 109.5, 125.0, 128.6, 143.8, 167.9, 229.2, 296.7, 320.6, 328.2,
    366.2, 396.7, 421.1, 438.2, 501.2, 620.0,
]  # fmt: skip


class TestIntervalOfTheMtbf:
    def test_without_a_failure_only_a_lower_limit_exists(self) -> None:
        interval = mtbf_interval(552.0, 0)
        assert interval.mtbf_h is None
        assert interval.upper_h is None
        assert interval.lower_h == pytest.approx(552.0 / -math.log(0.05), rel=1e-12)  # 184.3 h

    def test_chi_square_quantiles_of_the_tables(self) -> None:
        # chi-square 0.975 with 8 degrees of freedom is 17.535, 0.025 with 6 is 1.237 (any table).
        interval = mtbf_interval(1000.0, 3)
        assert interval.lower_h == pytest.approx(2000.0 / 17.535, rel=1e-4)
        assert interval.upper_h == pytest.approx(2000.0 / 1.2373, rel=1e-4)
        assert interval.mtbf_h == pytest.approx(1000.0 / 3.0)

    @pytest.mark.parametrize(("exposure", "failures"), [(0.0, 0), (-1.0, 2), (100.0, -1), (math.nan, 1)])
    def test_no_exposure_or_a_negative_count_is_refused(self, exposure: float, failures: int) -> None:
        with pytest.raises(UsageError):
            mtbf_interval(exposure, failures)

    @pytest.mark.parametrize("confidence", [0.0, 1.0, 1.5])
    def test_a_confidence_that_is_no_share_is_refused(self, confidence: float) -> None:
        with pytest.raises(UsageError, match="between 0 and 1"):
            mtbf_interval(100.0, 1, confidence)

    def test_95_percent_intervals_hold_the_true_mtbf_in_95_percent_of_10000_periods(self) -> None:
        exposure, true_mtbf = 6000.0, 60.0
        counts = np.random.default_rng(20261126).poisson(exposure / true_mtbf, 10_000)
        intervals = {int(n): mtbf_interval(exposure, int(n)) for n in np.unique(counts)}
        upper = {n: math.inf if i.upper_h is None else i.upper_h for n, i in intervals.items()}
        held = sum(intervals[int(n)].lower_h <= true_mtbf <= upper[int(n)] for n in counts)
        assert 9_400 <= held <= 9_600

    def test_with_few_failures_the_interval_never_promises_too_much(self) -> None:
        for expected in (0.5, 2.0, 5.0):
            counts = np.random.default_rng(7).poisson(expected, 10_000)
            held = 0
            for n in counts:
                interval = mtbf_interval(100.0, int(n))
                held += interval.lower_h <= 100.0 / expected <= (interval.upper_h or math.inf)
            assert held >= 9_400, expected


class TestComparisonOfRates:
    def test_worked_example_of_the_exact_conditional_test(self) -> None:
        # R's stats::poisson.test: 11 in 800 against 21 in 3,011: p = 0.07967, ratio 1.971488.
        found = compare_rates(11, 800.0, 21, 3011.0)
        assert found.p_value == pytest.approx(0.07967, abs=5e-6)
        assert found.ratio == pytest.approx(1.971488, abs=5e-7)
        assert found.strength is Strength.WEAK

    def test_equal_rates_show_no_change(self) -> None:
        found = compare_rates(5, 500.0, 5, 500.0)
        assert found.p_value == pytest.approx(1.0)
        assert found.strength is Strength.NONE

    def test_no_failure_in_either_period_shows_nothing(self) -> None:
        found = compare_rates(0, 500.0, 0, 400.0)
        assert (found.p_value, found.ratio) == (1.0, None)

    def test_twenty_failures_against_none_are_strong_evidence(self) -> None:
        found = compare_rates(20, 500.0, 0, 500.0)
        assert found.p_value == pytest.approx(2 * 0.5**20)
        assert found.strength is Strength.STRONG
        assert found.ratio is None

    def test_a_period_without_known_time_cannot_be_compared(self) -> None:
        with pytest.raises(UsageError, match="0 h"):
            compare_rates(1, 100.0, 0, 0.0)

    @pytest.mark.parametrize(
        ("p", "word"),
        [(0.10, "none"), (0.0999, "weak"), (0.05, "weak"), (0.0499, "clear"), (0.01, "clear"), (0.0099, "strong")],
    )
    def test_words_change_at_their_limits(self, p: float, word: str) -> None:
        assert Strength.of(p).value == word


class TestTrend:
    def test_worked_example_of_the_laplace_test(self) -> None:
        # By hand: mean 568.3 h, (568.3 - 750) / (1500 / sqrt(120)) = -1.3269.
        found = laplace_test(NIST, 1500.0)
        assert found.statistic == pytest.approx(-1.32695, abs=1e-5)
        assert found.direction is Direction.NONE
        assert found.exact

    def test_one_failure_has_the_exact_p_value_of_a_uniform_variable(self) -> None:
        assert laplace_test([10.0], 100.0).p_value == pytest.approx(0.2)
        assert laplace_test([90.0], 100.0).p_value == pytest.approx(0.2)

    def test_two_failures_have_the_exact_p_value_of_the_triangle(self) -> None:
        # P(U1 + U2 <= 0.3) = 0.3^2 / 2 = 0.045
        assert laplace_test([10.0, 20.0], 100.0).p_value == pytest.approx(0.09)

    def test_failures_that_gather_late_are_more_frequent(self) -> None:
        found = laplace_test([80.0, 85.0, 90.0, 95.0, 99.0, 99.5], 100.0)
        assert found.direction is Direction.MORE_FREQUENT
        assert found.strength is Strength.STRONG

    def test_exact_and_normal_agree_where_they_meet(self) -> None:
        twenty = list(np.linspace(1.0, 70.0, 20))
        found = laplace_test(twenty, 100.0)
        assert found.exact
        assert found.statistic is not None
        assert found.p_value == pytest.approx(math.erfc(abs(found.statistic) / math.sqrt(2.0)), abs=2e-3)
        assert not laplace_test([*twenty, 70.5], 100.0).exact

    def test_without_a_failure_there_is_no_statistic(self) -> None:
        assert laplace_test([], 100.0).p_value is None

    @pytest.mark.parametrize("position", [-0.1, 100.1, math.nan])
    def test_a_failure_outside_the_period_is_refused(self, position: float) -> None:
        with pytest.raises(UsageError, match="does not lie"):
            laplace_test([position], 100.0)

    def test_p_values_are_uniform_where_there_is_no_trend(self) -> None:
        rng = np.random.default_rng(3)
        p_values = [laplace_test(list(rng.uniform(0.0, 100.0, 6)), 100.0).p_value or 0.0 for _ in range(2000)]
        for share in (0.05, 0.25, 0.5, 0.9):
            assert np.mean(np.array(p_values) <= share) == pytest.approx(share, abs=0.03)


class TestGrowth:
    def test_crows_data(self) -> None:
        # Maximum likelihood beta 0.6142, lambda 0.4239; kado removes the bias: 21 / 22 of beta.
        found = fit_growth(CROW, 620.0)
        assert found is not None
        assert found.beta * 22 / 21 == pytest.approx(0.6142, abs=5e-5)
        assert 22 / 620.0 ** (found.beta * 22 / 21) == pytest.approx(0.4239, abs=5e-5)
        assert found.fits

    def test_ten_repairs_of_the_handbook(self) -> None:
        found = fit_growth(NIST, 1500.0)
        assert found is not None
        assert 2 * 9 / found.beta == pytest.approx(37.228, abs=1e-3)  # 2 sum ln(T / t), the handbook's statistic
        assert found.mtbf_now_h == pytest.approx(1500.0 / (10 * 0.4835), abs=0.1)
        assert found.beta_lower < found.beta < found.beta_upper

    def test_two_failures_are_too_few(self) -> None:
        assert fit_growth([1.0, 2.0], 10.0) is None

    def test_a_failure_at_the_first_instant_has_a_place(self) -> None:
        found = fit_growth([0.0, 5.0, 9.0], 10.0)
        assert found is not None
        assert math.isfinite(found.beta)

    def test_failures_at_the_last_instant_alone_have_no_shape(self) -> None:
        assert fit_growth([10.0, 10.0, 10.0], 10.0) is None

    def test_intervals_hold_the_true_shape_in_95_percent(self) -> None:
        rng, held, tried = np.random.default_rng(11), 0, 2000
        for _ in range(tried):
            n = max(3, rng.poisson(20))
            found = fit_growth(list(1000.0 * rng.uniform(size=n) ** (1 / 0.6)), 1000.0)
            assert found is not None
            held += found.beta_lower <= 0.6 <= found.beta_upper
        assert held / tried == pytest.approx(0.95, abs=0.015)


class TestExposure:
    def test_unknown_time_is_no_exposure(self) -> None:
        user, unknown = Intervals.of([(0, 100)]), Intervals.of([(40, 50)])
        no_beam = Intervals.of([(10, 20)])
        assert exposure_of(user, no_beam, unknown, Mtbf.USER_TIME_PER_FAILURE).total == 90
        assert exposure_of(user, no_beam, unknown, Mtbf.KNOWN_UPTIME_PER_FAILURE).total == 80

    def test_an_instant_between_stretches_lies_where_the_next_begins(self) -> None:
        exposure = Intervals.of([(0, NS_PER_H), (10 * NS_PER_H, 12 * NS_PER_H)])
        assert positions_h(exposure, [-5, 5 * NS_PER_H, 10 * NS_PER_H, 11 * NS_PER_H, 20 * NS_PER_H]) == [
            0.0, 1.0, 1.0, 2.0, 3.0,
        ]  # fmt: skip

    def test_no_exposure_has_only_zero(self) -> None:
        assert positions_h(Intervals.empty(), [7]) == [0.0]


def failure(hours: float, system: str | None = None, *, still_open: bool = False) -> Failure:
    return Failure(0, hours, hours, still_open, system)


class TestBreakdown:
    def test_median_and_90th_percentile(self) -> None:
        times = repair_times(failure(h) for h in (0.5, 1.0, 1.5, 10.0))
        assert (times.count, times.median_h, times.longest_h) == (4, 1.25, 10.0)
        assert times.p90_h == pytest.approx(7.45)

    def test_an_outage_that_is_not_over_has_no_repair_time_yet(self) -> None:
        times = repair_times([failure(1.0), failure(99.0, still_open=True)])
        assert (times.count, times.left_out, times.longest_h) == (1, 1, 1.0)

    def test_groups_stand_in_order_of_downtime_and_the_unrecorded_last(self) -> None:
        listed = [failure(1.0, "rf"), failure(50.0), failure(2.0, "magnet"), failure(1.5, "rf")]
        groups = group_failures(listed, lambda f: f.system)
        assert [(g.name, g.failures, g.downtime_h) for g in groups] == [
            ("rf", 2, 2.5),
            ("magnet", 1, 2.0),
            (None, 1, 50.0),
        ]


HALF = YearSoFar(delivered_h=2470.0, no_beam_h=30.0, planned_h=2500.0, exposure_h=2470.0)
THIRTY = [1.0 + 0.05 * i for i in range(-15, 15)]


class TestOutlook:
    def test_below_ten_failures_it_says_nothing(self) -> None:
        assert forecast_year(HALF, THIRTY[:9], target_pct=99.0) is None
        assert forecast_year(HALF, THIRTY[:10], target_pct=99.0) is not None

    def test_the_same_seed_gives_the_same_outlook(self) -> None:
        assert forecast_year(HALF, THIRTY, seed=4) == forecast_year(HALF, THIRTY, seed=4)
        assert forecast_year(HALF, THIRTY, seed=4) != forecast_year(HALF, THIRTY, seed=5)

    def test_expected_availability_is_that_of_the_rate_and_the_repairs(self) -> None:
        # 30 failures of about 1 h in 2,470 h, twice: some 60 h of 5,000.
        found = forecast_year(HALF, THIRTY, target_pct=98.8)
        assert found is not None
        assert found.expected_pct == pytest.approx(98.8, abs=0.05)
        assert found.lower_pct < found.expected_pct < found.upper_pct
        assert found.reach_target == pytest.approx(0.5, abs=0.15)

    def test_a_year_that_is_over_cannot_change(self) -> None:
        over = YearSoFar(4950.0, 50.0, 0.0, 4950.0)
        found = forecast_year(over, THIRTY, target_pct=99.0)
        assert found is not None
        assert (found.lower_pct, found.upper_pct, found.reach_target) == (99.0, 99.0, 1.0)
        assert found.downtime_95_h == 0.0

    @pytest.mark.parametrize("hours", [2730.3165983962585, 6493.860291067043])
    def test_a_year_without_downtime_is_exactly_100_percent(self, hours: float) -> None:
        found = forecast_year(YearSoFar(hours, 0.0, 0.0, hours), THIRTY)
        assert found is not None
        assert (found.lower_pct, found.expected_pct, found.upper_pct) == (100.0, 100.0, 100.0)

    def test_equal_downtimes_are_no_obstacle(self) -> None:
        found = forecast_year(HALF, [1.0] * 12)
        assert found is not None
        assert math.isfinite(found.expected_pct)

    def test_downtime_never_exceeds_the_time_that_is_planned(self) -> None:
        found = forecast_year(YearSoFar(10.0, 90.0, 5.0, 100.0), [200.0] * 12)
        assert found is not None
        assert found.downtime_95_h <= 5.0

    def test_a_negative_part_is_refused(self) -> None:
        with pytest.raises(UsageError, match="negative"):
            forecast_year(YearSoFar(-1.0, 0.0, 1.0, 1.0), THIRTY)

    @pytest.mark.parametrize("mtbf_h", [60.0, 120.0])
    def test_the_90_percent_band_holds_in_90_percent_of_500_years(self, mtbf_h: float) -> None:
        held = tried = 0
        for seed in range(500):
            rng = np.random.default_rng(seed)
            before, after = (_downtimes(rng, mtbf_h, 2500.0) for _ in range(2))
            if len(before) < 10:
                continue
            lost = sum(before)
            found = forecast_year(
                YearSoFar(2500.0 - lost, lost, 2500.0, 2500.0 - lost), before, seed=seed, simulated_years=1000
            )
            assert found is not None
            tried += 1
            held += found.lower_pct <= 100.0 * (5000.0 - lost - sum(after)) / 5000.0 <= found.upper_pct
        assert tried > 450
        assert held / tried == pytest.approx(0.90, abs=0.03)


def _downtimes(rng: np.random.Generator, mtbf_h: float, hours: float) -> list[float]:
    """Return the downtimes of a simulated machine: exponential uptimes, lognormal repairs with a mean of 1 h."""
    clock, found = rng.exponential(mtbf_h), list[float]()
    while clock < hours:
        repair = rng.lognormal(-0.5, 1.0)
        found.append(min(repair, hours - clock))
        clock += repair + rng.exponential(mtbf_h)
    return found
