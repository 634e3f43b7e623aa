"""When there is no beam, low beam, and when a fall of the current is only a glitch. Times in seconds.

Limits, unless given: nominal 199, recovered 195, tolerance 190, minimum 10 mA; a sample a second.
"""

import pytest

from analytics.availability import Availability
from analytics.conditions import Kind
from facility.time import NS_PER_S
from made_up_ring import account, at, calendar, current, ring, rules, samples, step


def times(counted: Availability) -> dict[str, float]:
    """Delivered, no-beam, unknown and low-beam time, in seconds."""
    names = ("delivered", "no_beam", "unknown", "low_beam")
    return {name: getattr(counted.accounts, name) / NS_PER_S for name in names}


def spans(counted: Availability, kind: Kind) -> list[tuple[float, float]]:
    """Return start and end of each event."""
    found = [e.event for e in counted.events if e.event.kind is kind]
    return [((e.start_ns - at(0)) / NS_PER_S, (e.end_ns - at(0)) / NS_PER_S) for e in found]


# --- No-beam and low-beam


def test_no_beam_runs_from_the_first_sample_below_minimum_to_the_first_at_the_end_limit() -> None:
    counted = account(current((0, 200), (100, 5), (160, 200), until=600), (0, 600))
    assert times(counted) == {"delivered": 540, "no_beam": 60, "unknown": 0, "low_beam": 0}
    assert spans(counted, Kind.NO_BEAM) == [(100, 160)]
    assert counted.counts.failures == counted.counts.distortions == 1


def test_a_current_exactly_at_a_limit_is_not_below_it() -> None:
    assert account(current((0, 200), (100, 10), until=600), (0, 600)).counts.failures == 0
    assert account(current((0, 200), (100, 190), until=600), (0, 600)).counts.low_beam == 0
    assert spans(account(current((0, 200), (100, 0), (200, 195), until=600), (0, 600)), Kind.NO_BEAM) == [(100, 200)]


@pytest.mark.parametrize(("ends_at", "end"), [("minimum", 200), ("recovered", 300), ("nominal", 400)])
def test_no_beam_ends_at_the_limit_that_the_definition_names(ends_at: str, end: int) -> None:
    ramp = current((0, 200), (100, 0), (200, 10), (300, 195), (400, 199), until=600)
    counted = account(ramp, (0, 600), definition=rules(no_beam_ends_at=ends_at))
    assert spans(counted, Kind.NO_BEAM) == [(100, end)]


@pytest.mark.parametrize(("ends_at", "end"), [("minimum", 200), ("recovered", 300), ("nominal", 400)])
def test_low_beam_ends_at_the_higher_of_the_end_limit_and_tolerance(ends_at: str, end: int) -> None:
    ramp = current((0, 200), (100, 50), (200, 190), (300, 195), (400, 199), until=600)
    counted = account(ramp, (0, 600), definition=rules(no_beam_ends_at=ends_at))
    assert spans(counted, Kind.LOW_BEAM) == [(100, end)]


def test_low_beam_is_delivered_and_counts_as_a_distortion() -> None:
    counted = account(current((0, 200), (100, 150), (200, 200), until=600), (0, 600))
    assert times(counted) == {"delivered": 600, "no_beam": 0, "unknown": 0, "low_beam": 100}
    assert (counted.counts.failures, counted.counts.low_beam, counted.counts.distortions) == (0, 1, 1)
    assert counted.figures.mtbd_h == pytest.approx(600 / 3600)


def test_no_low_beam_begins_while_there_is_no_beam() -> None:
    counted = account(current((0, 200), (100, 0), (200, 150), (300, 200), until=600), (0, 600))
    assert spans(counted, Kind.NO_BEAM) == [(100, 300)]
    assert counted.counts.low_beam == 0


def test_low_beam_that_turns_into_no_beam_is_booked_until_then_and_is_one_distortion() -> None:
    counted = account(current((0, 200), (100, 150), (130, 0), (160, 200), until=600), (0, 600))
    assert times(counted) == {"delivered": 570, "no_beam": 30, "unknown": 0, "low_beam": 30}
    assert (counted.counts.failures, counted.counts.low_beam, counted.counts.distortions) == (1, 0, 1)


def test_low_beam_that_turns_into_no_beam_after_user_time_is_still_a_distortion() -> None:
    counted = account(
        current((0, 200), (100, 150), (400, 0), (500, 200), until=600),
        (0, 600),
        plan=calendar((0, 300, "user"), (300, 600, "study")),
    )
    assert times(counted) == {"delivered": 300, "no_beam": 0, "unknown": 0, "low_beam": 200}
    assert (counted.counts.failures, counted.counts.low_beam, counted.counts.distortions) == (0, 1, 1)


def test_the_state_before_the_first_sample_is_up() -> None:
    # 150 mA lies between minimum and the end limit: it would continue an outage, but there was none.
    counted = account(current((0, 150), (50, 200), until=100), (0, 100))
    assert (counted.counts.failures, counted.counts.low_beam) == (0, 1)


def test_an_event_still_open_at_the_end_of_the_data_counts() -> None:
    counted = account(current((0, 200), (90, 0), until=100), (0, 100))
    assert times(counted) == {"delivered": 90, "no_beam": 10, "unknown": 0, "low_beam": 0}
    assert [e.event.open for e in counted.events] == [True]


# --- Glitches


def test_a_low_run_is_a_glitch_if_a_good_sample_comes_sooner_than_3_s() -> None:
    fall = [(100.0, 0.0), (101.0, 0.0), (102.999, 200.0)]
    counted = account([*current((0, 200), until=100), *fall, *current((103, 200), until=200)], (0, 200))
    assert times(counted) == {"delivered": 200, "no_beam": 0, "unknown": 0, "low_beam": 0}
    assert (counted.counts.failures, counted.counts.glitches) == (0, 1)


def test_a_good_sample_exactly_3_s_after_the_first_low_one_makes_it_an_event() -> None:
    counted = account(current((0, 200), (100, 0), (103, 200), until=200), (0, 200))
    assert times(counted)["no_beam"] == 3
    assert (counted.counts.failures, counted.counts.glitches) == (1, 0)


def test_silence_does_not_end_a_glitch() -> None:
    # One low sample, and the next one, good, 3 s later.
    points = [*current((0, 200), until=100), (100.0, 0.0), *current((103, 200), until=200)]
    assert account(points, (0, 200)).counts.failures == 1


def test_a_low_sample_that_nothing_follows_is_an_event() -> None:
    counted = account(current((0, 200), (99, 0), until=100), (0, 100))
    assert (counted.counts.failures, counted.counts.glitches) == (1, 0)
    assert times(counted)["no_beam"] == 1


def test_an_event_is_dated_back_to_its_first_low_sample() -> None:
    assert spans(account(current((0, 200), (100, 0), (104, 200), until=200), (0, 200)), Kind.NO_BEAM) == [(100, 104)]


def test_fewer_low_samples_than_the_profile_asks_for_are_a_glitch_however_long_they_last() -> None:
    slow = ring(period_s=10.0, stale_after_s=50.0, min_samples=2)
    one = current((0, 200), (100, 0), (110, 200), until=200, every=10)
    two = current((0, 200), (100, 0), (120, 200), until=200, every=10)
    assert account(one, (0, 200), profile=slow).counts.glitches == 1
    assert account(one, (0, 200), profile=slow).counts.failures == 0
    assert account(two, (0, 200), profile=slow).counts.failures == 1
    assert times(account(two, (0, 200), profile=slow))["no_beam"] == 20


@pytest.mark.parametrize(("signal", "definition"), [(1, 2), (2, 1)])
def test_the_larger_min_samples_of_signal_and_definition_wins(signal: int, definition: int) -> None:
    one = current((0, 200), (100, 0), (110, 200), until=200, every=10)
    profile = ring(period_s=10.0, stale_after_s=50.0, min_samples=signal)
    counted = account(one, (0, 200), profile=profile, definition=rules(min_samples=definition))
    assert (counted.counts.failures, counted.counts.glitches) == (0, 1)


def test_a_glitch_changes_no_state_and_low_beam_goes_on() -> None:
    counted = account(current((0, 200), (100, 150), (150, 0), (152, 150), (200, 200), until=300), (0, 300))
    assert times(counted) == {"delivered": 300, "no_beam": 0, "unknown": 0, "low_beam": 100}
    assert (counted.counts.failures, counted.counts.low_beam, counted.counts.glitches) == (0, 1, 1)


def test_a_glitch_is_judged_for_each_limit_by_itself() -> None:
    # Below minimum for 2 s, below tolerance for 5 s: low-beam from the first low sample, with a glitch in it.
    counted = account(current((0, 200), (100, 0), (102, 150), (105, 200), until=200), (0, 200))
    assert times(counted)["low_beam"] == 5
    assert (counted.counts.failures, counted.counts.low_beam, counted.counts.glitches) == (0, 1, 1)


def test_one_dip_is_one_glitch_whichever_limits_it_crossed() -> None:
    counted = account(current((0, 200), (100, 0), (101, 150), (102, 200), until=200), (0, 200))
    assert [g.kind for g in counted.glitches] == [Kind.NO_BEAM]
    assert counted.counts.glitches == 1


def test_the_rule_is_for_falling_values_only_so_one_good_sample_ends_no_beam() -> None:
    counted = account(current((0, 200), (100, 0), (150, 200), (151, 0), (200, 200), until=300), (0, 300))
    assert spans(counted, Kind.NO_BEAM) == [(100, 150), (151, 200)]


def test_a_high_glitch_is_neither_beam_nor_zero() -> None:
    # 9,999 mA cannot be true: the sample before it holds on, and no outage begins.
    counted = account(current((0, 200), (100, 9999), (102, 200), until=200), (0, 200))
    assert times(counted) == {"delivered": 200, "no_beam": 0, "unknown": 0, "low_beam": 0}
    # In an outage it is no return either.
    counted = account(current((0, 200), (100, 0), (130, 9999), (131, 0), (160, 200), until=200), (0, 200))
    assert spans(counted, Kind.NO_BEAM) == [(100, 160)]


def test_two_seconds_without_beam_are_seen_at_full_rate_and_not_at_one_sample_in_20_s() -> None:
    trip = samples(current((0, 200), (100, 0), (102, 200), until=300, every=0.1))
    assert account(trip, (0, 300), definition=rules(min_duration_s=1.0)).counts.failures == 1
    polled = [(float(s), 200.0) for s in range(5, 300, 20)]
    seldom = ring(period_s=20.0, stale_after_s=100.0)
    assert account(polled, (0, 300), profile=seldom, definition=rules(min_duration_s=1.0)).counts.failures == 0


# --- Limits by date, with grace, and by mode


def test_limits_step_at_their_date_and_the_current_that_holds_is_judged_anew() -> None:
    raised = ring(step(-1e6), step(100.5, nominal=250.0, recovered=245.0, tolerance=240.0))
    counted = account(current((0, 200), (150, 250), until=200), (0, 200), profile=raised)
    # From the instant of the step, not from the next sample on.
    assert spans(counted, Kind.LOW_BEAM) == [(100.5, 150)]


def test_within_the_grace_time_the_old_limits_hold() -> None:
    raised = ring(step(-1e6), step(100, nominal=250.0, recovered=245.0, tolerance=240.0, grace_h=1 / 36))
    counted = account(current((0, 200), (300, 250), until=400), (0, 400), profile=raised)
    assert spans(counted, Kind.LOW_BEAM) == [(200, 300)]


def test_an_open_outage_keeps_the_limits_that_it_opened_with() -> None:
    raised = ring(step(-1e6), step(120, nominal=250.0, recovered=245.0, tolerance=150.0))
    counted = account(current((0, 200), (100, 0), (130, 200), until=200), (0, 200), profile=raised)
    # 200 mA is recovered by the limits of its first sample, though not by those of its last.
    assert spans(counted, Kind.NO_BEAM) == [(100, 130)]


def test_an_open_outage_keeps_its_limits_through_a_grace_time_and_a_gap() -> None:
    raised = ring(step(-1e6), step(110, nominal=250.0, recovered=245.0, tolerance=150.0, grace_h=10 / 3600))
    gap = current((0, 200), (100, 0), (140, 200), until=200, silent=[(105, 135)])
    assert spans(account(gap, (0, 200), profile=raised), Kind.NO_BEAM) == [(100, 140)]


def test_a_low_run_keeps_the_limit_of_its_first_sample_before_it_is_decided() -> None:
    # Minimum is lowered 1 s into the run: by the new one it would be over then, a glitch of 1 s.
    lowered = ring(step(-1e6), step(101, minimum=2.0))
    counted = account(current((0, 200), (100, 5), (110, 200), until=200), (0, 200), profile=lowered)
    assert spans(counted, Kind.NO_BEAM) == [(100, 110)]


def test_a_sample_looked_at_again_is_no_further_sample_of_its_run() -> None:
    # One low sample in 10 s, a glitch by number, over which the limits change.
    profile = ring(step(-1e6), step(105, minimum=9.0), period_s=10.0, stale_after_s=50.0, min_samples=2)
    counted = account(current((0, 200), (100, 0), (110, 200), until=200, every=10), (0, 200), profile=profile)
    assert (counted.counts.failures, counted.counts.glitches) == (0, 1)


def test_the_mode_is_the_plans_and_user_limits_hold_where_it_has_none() -> None:
    profile = ring(step(-1e6), step(-1e6, "reserve", nominal=100.0, recovered=90.0, tolerance=80.0))
    plan = calendar((0, 100, "user"), (100, 200, "reserve"), (200, 300, "user"))
    counted = account(current((0, 95), until=300), (0, 300), profile=profile, plan=plan)
    # 95 mA is low for users and enough in reserve time; a low-beam that opened as a user's keeps its limits.
    assert spans(counted, Kind.LOW_BEAM) == [(0, 300)]
    counted = account(current((0, 200), (90, 95), (200, 200), until=300), (0, 300), profile=profile, plan=plan)
    assert spans(counted, Kind.LOW_BEAM) == [(90, 200)]
    counted = account(current((0, 200), (100, 95), (200, 200), until=300), (0, 300), profile=profile, plan=plan)
    assert spans(counted, Kind.LOW_BEAM) == []
    counted = account(current((0, 200), (100, 95), until=300), (0, 300), profile=ring(), plan=plan)
    assert spans(counted, Kind.LOW_BEAM) == [(100, 300)]


def test_two_modes_may_have_limits_from_the_same_day() -> None:
    profile = ring(step(-1e6), step(-1e6, "study", nominal=50.0, recovered=40.0, tolerance=30.0))
    assert account(current((0, 200), until=100), (0, 100), profile=profile).figures.availability_pct == 100
