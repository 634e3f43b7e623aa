"""Warnings beside a figure: limits that no longer fit the beam, and samples that come too seldom."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.cadence import Cadence, cadence_of, join_cadences
from analytics.figures import percentage
from analytics.limits_age import AboveNominal, FarAboveLimits, LimitsBeforeMilestone, above_nominal, limit_warnings
from facility.batch import Samples
from facility.period import Period
from facility.profile import load_profile
from facility.signals import Signal
from facility.time import NS_PER_DAY, NS_PER_S, parse_time

PROFILE = load_profile("nanoterasu")


def current(value: float, start: str, days: int) -> tuple[Samples, Period]:
    first = parse_time(start)
    times = np.arange(first, first + days * NS_PER_DAY, 600 * NS_PER_S, dtype=np.int64)
    samples = Samples.sorted("nanoterasu", "stored_current", times, np.full(len(times), value))
    return samples, Period("part", first, first + days * NS_PER_DAY)


def test_days_of_398_ma_with_limits_of_200_ma_are_a_warning_with_what_to_do() -> None:
    samples, part = current(398.0, "2025-05-01T00:00:00+09:00", 4)
    above = above_nominal(samples, PROFILE, part)
    (warning,) = limit_warnings(PROFILE, above, part.end_ns)
    assert warning == FarAboveLimits("stored_current", "mA", 4 * NS_PER_DAY, 398.0, 199.0)


def test_a_beam_at_its_nominal_current_and_an_hour_above_it_are_none() -> None:
    samples, part = current(200.5, "2025-05-01T00:00:00+09:00", 4)
    assert above_nominal(samples, PROFILE, part) == AboveNominal()
    assert limit_warnings(PROFILE, AboveNominal(3600 * NS_PER_S, 398.0, 199.0), part.end_ns) == ()


def test_a_step_of_the_limits_inside_a_stretch_is_taken_into_account() -> None:
    # From July 2024 the limits are those of 200 mA; a beam of 200 mA is far above those before.
    samples, part = current(200.5, "2024-06-30T00:00:00+09:00", 9)
    above = above_nominal(samples, PROFILE, part)
    assert (above.time_ns, above.nominal) == (2 * NS_PER_DAY, 159.0), "the day before, and a day of grace"


def test_limits_older_than_the_last_milestone_are_a_warning_from_its_date_on() -> None:
    before, after = (parse_time(f"2025-{month}-01T00:00:00+09:00") for month in ("06", "08"))
    assert limit_warnings(PROFILE, AboveNominal(), before) == ()
    (warning,) = limit_warnings(PROFILE, AboveNominal(), after)
    assert isinstance(warning, LimitsBeforeMilestone)
    assert warning.limits_from == date(2024, 7, 2)
    assert (warning.milestone.value, warning.milestone.kind, warning.milestone.since) == (
        400.0, "demonstrated", date(2025, 7, 1)
    )  # fmt: skip


SIGNAL = Signal(id="stored_current", period_s=10.0, stale_after_s=10.0)


def test_samples_that_come_as_seldom_as_they_hold_are_diagnosed_with_what_would_suit() -> None:
    times = np.cumsum(np.tile([9.0, 11.0, 10.0, 14.0], 500) * NS_PER_S).astype(np.int64)
    cadence = cadence_of(Samples.sorted("ring", "stored_current", times, np.full(len(times), 200.0)), SIGNAL)
    assert cadence is not None
    assert cadence.is_too_slow
    assert (cadence.spacing_ns / NS_PER_S, cadence.would_suit_s) == (11.0, 28.0)
    # 1 s of each 11 s, and 4 s of each 14 s.
    assert round(cadence.unknown_pct, 1) == round(100 * 5 / 44, 1)


def test_a_long_silence_is_a_gap_and_no_matter_of_how_often_samples_come() -> None:
    times = np.array([*range(0, 1000, 5), *range(90_000, 91_000, 5)], np.int64) * NS_PER_S
    cadence = cadence_of(Samples.sorted("ring", "stored_current", times, np.full(len(times), 200.0)), SIGNAL)
    assert cadence is not None
    assert not cadence.is_too_slow
    assert join_cadences([None, cadence]) == cadence
    assert join_cadences([None]) is None


def test_of_a_signal_that_is_sent_on_change_nothing_is_said() -> None:
    on_change = Signal(id="stored_current")
    samples, _ = current(200.0, "2025-05-01T00:00:00+09:00", 1)
    assert cadence_of(samples, on_change) is None
    assert Cadence("s", 1, 1, 0, 0).unknown_pct == 0.0


@given(st.integers(1, 10**18), st.integers(0, 10**18))
def test_a_share_of_whole_nanoseconds_is_100_where_all_is_there_and_never_more(whole: int, less: int) -> None:
    assert percentage(whole, whole) == 100.0
    part = max(whole - less, 0)
    share = percentage(part, whole)
    assert share is not None
    assert 0.0 <= share <= 100.0
    assert percentage(0, 0) is None
