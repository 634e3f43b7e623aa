"""How long a sample holds, what makes time unknown, and what unknown time may hide. Times in seconds.

Limits, unless given: nominal 199, recovered 195, tolerance 190, minimum 10 mA; a sample a second, stale after 10 s.
"""

import math

import numpy as np
import pytest

from analytics.availability import Availability
from analytics.conditions import Kind
from analytics.links import LinkLoss
from facility.batch import Batch
from facility.quality import Quality
from facility.time import NS_PER_S
from made_up_ring import account, at, calendar, current, ring, rules, samples, step


def times(counted: Availability) -> dict[str, float]:
    """Delivered, no-beam and unknown time, in seconds."""
    return {name: getattr(counted.accounts, name) / NS_PER_S for name in ("delivered", "no_beam", "unknown")}


def unknown(counted: Availability) -> list[tuple[float, float]]:
    """Return the unknown stretches of user time."""
    return [((a - at(0)) / NS_PER_S, (b - at(0)) / NS_PER_S) for a, b in counted.unknown]


def outages(counted: Availability) -> list[tuple[float, float]]:
    """Return start and end of each no-beam."""
    found = [e.event for e in counted.events if e.event.kind is Kind.NO_BEAM]
    return [((e.start_ns - at(0)) / NS_PER_S, (e.end_ns - at(0)) / NS_PER_S) for e in found]


def bounds(counted: Availability) -> tuple[float | None, float | None]:
    """Return the lower and the upper bound, in percent."""
    return counted.figures.availability_lower_pct, counted.figures.availability_upper_pct


# --- Holding, never interpolating


def test_a_gap_is_neither_beam_nor_downtime() -> None:
    # Interpolated, the gap would be 100 % beam.
    counted = account(current((0, 200), until=1000, silent=[(100, 700)]), (0, 1000))
    assert times(counted) == {"delivered": 409, "no_beam": 0, "unknown": 591}
    assert unknown(counted) == [(109, 700)]
    assert counted.figures.availability_pct == 100
    assert counted.figures.coverage_pct == pytest.approx(40.9)
    assert counted.provisional


def test_a_sample_holds_for_stale_after_and_not_longer() -> None:
    assert unknown(account([(0, 200), (10, 200)], (0, 15))) == []
    assert unknown(account([(0, 200), (10.001, 200)], (0, 15))) == [(10, 10.001)]


def test_stale_after_is_five_periods_but_at_least_10_s_unless_the_profile_says_otherwise() -> None:
    assert ring(period_s=1.0, stale_after_s=None).delivery.stale_after_ns == 10 * NS_PER_S
    assert ring(period_s=4.0, stale_after_s=None).delivery.stale_after_ns == 20 * NS_PER_S
    assert ring(period_s=4.0, stale_after_s=12.0).delivery.stale_after_ns == 12 * NS_PER_S


def test_time_counts_and_not_the_number_of_samples() -> None:
    # 100 s down at one sample a second, 900 s up at one in ten: of the samples 47 % are up, of the time 90 %.
    uneven = [*current((0, 0), until=100), *current((100, 200), until=1000, every=10)]
    assert account(uneven, (0, 1000)).figures.availability_pct == 90


def test_time_before_the_first_sample_and_after_the_last_hold_is_unknown() -> None:
    assert unknown(account(current((100, 200), until=200), (0, 300))) == [(0, 100), (209, 300)]


def test_a_period_without_a_single_sample_is_unknown_and_has_no_availability() -> None:
    counted = account([], (0, 300))
    assert times(counted) == {"delivered": 0, "no_beam": 0, "unknown": 300}
    assert counted.figures.availability_pct is None
    assert counted.figures.mtbf_h is None
    assert bounds(counted) == (0, 100)


def test_the_monitors_own_downtime_is_not_the_machines() -> None:
    # Silence, and at its end the beam is as it was: no failure, whatever the length.
    counted = account(current((0, 200), until=9000, silent=[(100, 8000)]), (0, 9000))
    assert counted.counts.failures == 0
    assert times(counted)["no_beam"] == 0


# --- Links


def test_a_lost_link_cuts_the_hold_that_is_running() -> None:
    counted = account(current((0, 200), until=100, silent=[(50, 56)]), (0, 100), cuts=[51.5])
    assert unknown(counted) == [(51.5, 56)]


def test_samples_stamped_inside_a_disconnection_count() -> None:
    # Lost at 50, delivered later: the samples from 50.5 on are as good as any.
    counted = account(current((0, 200), until=100), (0, 100), cuts=[49.5])
    assert unknown(counted) == [(49.5, 50)]


def test_a_sample_stamped_at_the_instant_of_the_loss_is_not_cut() -> None:
    assert unknown(account(current((0, 200), until=100), (0, 100), cuts=[50])) == []


def test_a_signal_sent_on_change_holds_for_as_long_as_its_link_is_alive() -> None:
    on_change = ring(period_s=None, stale_after_s=None)
    seldom = [(0.0, 200.0), (4000.0, 200.5), (9000.0, 200.0)]
    assert unknown(account(seldom, (0, 10_000), profile=on_change)) == []
    assert unknown(account(seldom, (0, 10_000), profile=on_change, cuts=[5000])) == [(5000, 9000)]


def test_a_link_is_lost_when_it_says_so_and_when_its_heartbeat_stays_away() -> None:
    words = ["up", "up", "down", "up", "up"]
    (_, links), *_ = Batch.of_states("ring", "mqtt_link", [at(t) for t in (0, 10, 15, 20, 30)], words).by_signal()
    assert LinkLoss.of(links, at(100), heartbeats=False).cuts.tolist() == [at(15)]
    # Heartbeats come every 10 s; 30 s after the last one the link is no longer known to be alive.
    assert LinkLoss.of(links, at(100), heartbeats=True).cuts.tolist() == [at(15), at(60)]


ON_CHANGE = ring(period_s=None, stale_after_s=None)


def test_the_value_that_a_source_delivers_on_connecting_holds_from_there_on_if_it_is_stamped_there() -> None:
    # Changed last at 0, lost at 5000, connected again at 6000: nothing is known of the time between.
    counted = account([(0, 200), (6000, 200), (9000, 199.5)], (0, 10_000), profile=ON_CHANGE, cuts=[5000])
    assert unknown(counted) == [(5000, 6000)]


def test_a_value_with_the_stamp_of_its_last_change_says_nothing_of_the_time_since_the_link_was_lost() -> None:
    # The same sample as before the loss, once more: it is one sample, and its hold was cut.
    delivered = samples([(0, 200), (0, 200), (9000, 199.5)])
    assert unknown(account(delivered, (0, 10_000), profile=ON_CHANGE, cuts=[5000])) == [(5000, 9000)]


def test_a_beam_that_was_lost_while_nobody_listened_is_known_from_the_connection_on() -> None:
    told = [(0, 200), (6000, 0), (9000, 200)]
    counted = account(told, (0, 10_000), profile=ON_CHANGE, cuts=[5000])
    assert outages(counted) == [(6000, 9000)]
    # At worst it was lost when the link was, at best when it came back.
    assert bounds(counted) == (60, 70)


def test_a_source_that_falls_silent_without_a_word_is_known_for_three_heartbeats() -> None:
    words = ["up", "up", "up", "up"]
    (_, links), *_ = Batch.of_states("ring", "epics_link", [at(t) for t in (0, 10, 100, 110)], words).by_signal()
    cuts = [(ns - at(0)) / NS_PER_S for ns in LinkLoss.of(links, at(120), heartbeats=True).cuts.tolist()]
    counted = account([(0, 200), (100, 200)], (0, 120), profile=ON_CHANGE, cuts=cuts)
    assert unknown(counted) == [(40, 100)]


# --- Bad samples


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 600.001])
def test_a_bad_sample_is_passed_over_until_the_one_before_it_is_stale(value: float) -> None:
    counted = account(current((0, 200), (100, value), (109, 200), until=200), (0, 200))
    assert times(counted) == {"delivered": 200, "no_beam": 0, "unknown": 0}
    counted = account(current((0, 200), (100, value), (120, 200), until=200), (0, 200))
    assert unknown(counted) == [(109, 120)]
    assert counted.counts.failures == 0


def test_a_value_exactly_at_physical_max_is_good() -> None:
    assert unknown(account(current((0, 600), until=100), (0, 100))) == []


def test_a_negative_reading_is_a_number_like_any_other() -> None:
    assert outages(account(current((0, 200), (50, -0.3), (80, 200), until=100), (0, 100))) == [(50, 80)]


@pytest.mark.parametrize(
    ("quality", "reason", "is_bad"),
    [
        (Quality.BAD, "", True),
        (Quality.BAD, "INVALID_ALARM", True),
        (Quality.UNCERTAIN, "clock", True),
        (Quality.UNCERTAIN, "", False),
        (Quality.UNCERTAIN, "HIHI_ALARM", False),
        (Quality.GOOD, "clock", False),
    ],
)
def test_bad_and_wrongly_stamped_samples_do_not_count_and_other_uncertain_ones_do(
    quality: Quality, reason: str, is_bad: bool
) -> None:
    doubtful = [float(s) for s in range(50, 80)]
    told = current((0, 200), (50, 0), (80, 200), until=100)
    delivery = samples(told, dict.fromkeys(doubtful, quality), dict.fromkeys(doubtful, reason) if reason else None)
    counted = account(delivery, (0, 100))
    assert outages(counted) == ([] if is_bad else [(50, 80)])
    assert unknown(counted) == ([(59, 80)] if is_bad else [])


# --- The state lives through a gap


def test_no_beam_before_and_after_a_gap_is_one_event_with_an_unknown_hole() -> None:
    counted = account(current((0, 200), (100, 0), (900, 200), until=1000, silent=[(150, 800)]), (0, 1000))
    assert outages(counted) == [(100, 900)]
    assert unknown(counted) == [(159, 800)]
    assert times(counted) == {"delivered": 200, "no_beam": 159, "unknown": 641}
    assert counted.counts.failures == 1


def test_a_return_between_minimum_and_the_end_limit_continues_the_outage_before_the_gap() -> None:
    counted = account(current((0, 200), (100, 0), (800, 150), (900, 200), until=1000, silent=[(150, 800)]), (0, 1000))
    assert outages(counted) == [(100, 900)]
    # With the end limit at minimum, the same return is a recovery: low-beam from then on, the tail of that outage.
    counted = account(
        current((0, 200), (100, 0), (800, 150), (900, 200), until=1000, silent=[(150, 800)]),
        (0, 1000),
        definition=rules(no_beam_ends_at="minimum"),
    )
    assert outages(counted) == [(100, 159)]
    assert (counted.counts.low_beam, counted.accounts.low_beam / NS_PER_S) == (0, 100)


def test_an_outage_ends_at_its_last_known_instant_when_the_beam_is_back_after_a_gap() -> None:
    counted = account(current((0, 200), (100, 0), (800, 200), until=1000, silent=[(150, 800)]), (0, 1000))
    assert outages(counted) == [(100, 159)]
    assert unknown(counted) == [(159, 800)]


def test_an_outage_that_goes_on_into_silence_ends_where_it_was_last_known() -> None:
    counted = account(current((0, 200), (100, 0), until=150), (0, 1000))
    assert outages(counted) == [(100, 159)]
    assert times(counted) == {"delivered": 100, "no_beam": 59, "unknown": 841}


def test_low_beam_lives_through_a_gap_too() -> None:
    counted = account(current((0, 200), (100, 150), (900, 200), until=1000, silent=[(150, 800)]), (0, 1000))
    assert counted.counts.low_beam == 1
    assert counted.accounts.low_beam == 159 * NS_PER_S


# --- Holes and the merge rule


HOLE = current((0, 200), (100, 0), (500, 200), until=1000, silent=[(150, 400)])
"""Down from 100 to 500, unknown from 159 to 400: a hole of 241 s."""


def test_a_hole_shorter_than_the_merge_gap_is_no_beam_whatever_the_truth_was() -> None:
    counted = account(HOLE, (0, 1000), definition=rules(merge_gap_s=242.0))
    assert times(counted) == {"delivered": 600, "no_beam": 400, "unknown": 0}
    assert counted.figures.coverage_pct == 100


@pytest.mark.parametrize("merge_gap_s", [0.0, 241.0])
def test_a_hole_as_long_as_the_merge_gap_stays_unknown(merge_gap_s: float) -> None:
    counted = account(HOLE, (0, 1000), definition=rules(merge_gap_s=merge_gap_s))
    assert times(counted) == {"delivered": 600, "no_beam": 159, "unknown": 241}
    assert counted.counts.failures == 1


@pytest.mark.parametrize(("merge_gap_s", "failures", "no_beam", "unknown_s"), [(241, 2, 159, 191), (242, 1, 400, 0)])
def test_unknown_time_between_two_outages_counts_towards_the_gap_between_them(
    merge_gap_s: float, failures: int, no_beam: float, unknown_s: float
) -> None:
    # Down 100-159, unknown to 350, up to 400, down to 500: 241 s between them, 191 s of it unknown.
    told = current((0, 200), (100, 0), (350, 200), (400, 0), (500, 200), until=1000, silent=[(150, 350)])
    counted = account(told, (0, 1000), definition=rules(merge_gap_s=merge_gap_s))
    assert counted.counts.failures == failures
    assert times(counted) == {"delivered": 1000 - no_beam - unknown_s, "no_beam": no_beam, "unknown": unknown_s}


def test_a_hole_at_the_edge_of_user_time_stays_unknown_for_its_other_side_does_not_count() -> None:
    # The beam may have come back between 170 and 200 and failed after 200: nothing says that 200-210 was down.
    told = current((0, 200), (100, 0), (300, 200), until=400, silent=[(160, 210)])
    counted = account(
        told, (0, 400), plan=calendar((0, 200, "study"), (200, 400, "user")), definition=rules(merge_gap_s=3600.0)
    )
    assert times(counted) == {"delivered": 100, "no_beam": 90, "unknown": 10}


# --- Bounds


def test_the_bounds_are_what_unknown_time_could_make_of_the_figure_at_worst_and_at_best() -> None:
    # Of 1000 s, 100 down, 191 unknown.
    counted = account(current((0, 200), (800, 0), (900, 200), until=1000, silent=[(100, 300)]), (0, 1000))
    assert counted.figures.availability_pct == pytest.approx(100 * 709 / 809)
    assert bounds(counted) == (pytest.approx(70.9), pytest.approx(90.0))


def test_without_unknown_time_the_bounds_are_the_figure() -> None:
    counted = account(current((0, 200), (100, 0), (200, 200), until=1000), (0, 1000))
    assert bounds(counted) == (90, 90)


def test_an_unknown_time_at_zero_may_cost_more_than_itself() -> None:
    # After the gap the beam stands at 150 mA: had it been lost, it would not have recovered before 600.
    told = current((0, 200), (300, 150), (600, 200), until=1000, silent=[(191, 300)])
    counted = account(told, (0, 1000))
    assert counted.accounts.no_beam == 0
    assert bounds(counted) == (60, 100)


def test_an_unknown_time_at_nominal_may_save_more_than_itself() -> None:
    # The outage before the gap goes on at 150 mA after it, unless the beam was back in between.
    told = current((0, 200), (100, 0), (300, 150), (600, 200), until=1000, silent=[(191, 300)])
    counted = account(told, (0, 1000))
    assert times(counted) == {"delivered": 500, "no_beam": 400, "unknown": 100}
    assert bounds(counted) == (50, 90)


def test_an_unknown_time_may_join_two_outages_into_one() -> None:
    told = current((0, 200), (100, 0), (200, 200), (500, 0), (600, 200), until=1000, silent=[(291, 400)])
    counted = account(told, (0, 1000), definition=rules(merge_gap_s=200.0))
    assert times(counted) == {"delivered": 700, "no_beam": 200, "unknown": 100}
    assert bounds(counted) == (50, 80)


def test_a_gap_too_short_for_an_outage_cannot_pull_the_lower_bound_above_the_figure() -> None:
    # 2 s unknown: at zero they would be a glitch, and so beam; the figure leaves them out.
    counted = account(current((0, 200), (500, 0), (600, 200), until=1000, silent=[(100, 111)]), (0, 1000))
    assert times(counted)["unknown"] == 2
    lower, upper = bounds(counted)
    assert lower == counted.figures.availability_pct == pytest.approx(100 * 898 / 998)
    assert upper == 90


def test_an_outage_may_have_begun_again_in_unknown_time_after_limits_rose() -> None:
    # Lost at 109 by the old limits, 200 mA are its end; lost again at 150 by the new ones, they are not: until 245 mA.
    raised = ring(step(-1e6), step(150, nominal=250.0, recovered=245.0, tolerance=240.0))
    told = current((0, 200), (300, 245), until=400, silent=[(100, 200)])
    counted = account(told, (0, 400), profile=raised)
    assert times(counted) == {"delivered": 309, "no_beam": 0, "unknown": 91}
    assert bounds(counted) == (100 * 209 / 400, 100)


def test_an_outage_from_before_unknown_time_may_have_begun_again_in_it_by_the_limits_in_force_there() -> None:
    # Lost at 90 by the old limits, not back by 110, when they rise; unknown from 119.
    raised = ring(step(-1e6), step(110, nominal=250.0, recovered=245.0, tolerance=240.0))
    told = current((0, 200), (90, 0), (200, 200), (300, 245), until=400, silent=[(110, 200)])
    counted = account(told, (0, 400), profile=raised)
    assert times(counted) == {"delivered": 290, "no_beam": 29, "unknown": 81}
    assert bounds(counted) == (100 * 190 / 400, 100 * 371 / 400)


def test_of_several_limits_in_unknown_time_an_outage_may_have_begun_by_the_highest() -> None:
    # Raised at 130 and again lowered at 150, never so far as before; back at 200 by all of them but those of 130.
    changed = ring(
        step(-1e6),
        step(130, nominal=250.0, recovered=245.0, tolerance=240.0),
        step(150, nominal=220.0, recovered=215.0, tolerance=210.0),
    )
    told = current((0, 200), (200, 230), (350, 250), until=400, silent=[(100, 200)])
    assert bounds(account(told, (0, 400), profile=changed)) == (100 * 159 / 400, 100)


def test_a_loss_right_before_the_beam_is_seen_would_have_been_a_glitch_and_is_not_the_worst() -> None:
    # Limits rise at 199; lost again then, the beam would be back 1 s later, and the outage before over at 199.
    raised = ring(step(-1e6), step(199, nominal=250.0, recovered=245.0, tolerance=240.0))
    told = current((0, 200), until=400, silent=[(100, 200)])
    assert bounds(account(told, (0, 400), profile=raised)) == (100 * 309 / 400, 100)


def test_an_outage_that_is_running_where_unknown_time_ends_may_have_begun_there() -> None:
    # Limits rise at 200, where 0 mA are seen again: back an instant before, it was lost by the new ones, until 245 mA.
    raised = ring(step(-1e6), step(200, nominal=250.0, recovered=245.0, tolerance=240.0))
    told = current((0, 200), (200, 0), (250, 200), (300, 250), until=400, silent=[(100, 200)])
    assert bounds(account(told, (0, 400), profile=raised))[0] == 100 * 209 / 400


def test_limits_that_rise_where_the_beam_is_seen_again_hide_none_that_rose_before() -> None:
    # Begun at 150, until 215 mA: to 300. At 200, where they rise further, the beam is there.
    raised = ring(
        step(-1e6),
        step(150, nominal=220.0, recovered=215.0, tolerance=210.0),
        step(200, nominal=250.0, recovered=245.0, tolerance=240.0),
    )
    told = current((0, 200), (200, 205), (300, 250), until=400, silent=[(100, 200)])
    assert bounds(account(told, (0, 400), profile=raised))[0] == 100 * 209 / 400


def test_limits_that_were_higher_before_unknown_time_make_no_outage_in_it_longer() -> None:
    changed = ring(
        step(-1e6, nominal=250.0, recovered=245.0, tolerance=240.0),
        step(50),
        step(150, nominal=220.0, recovered=215.0, tolerance=210.0),
    )
    told = current((0, 250), (200, 205), (300, 220), until=400, silent=[(100, 200)])
    assert bounds(account(told, (0, 400), profile=changed))[0] == 100 * 209 / 400


def test_an_outage_that_lasts_longer_may_begin_once_more_in_the_next_gap() -> None:
    # From 130 until 245 mA, which would be at 300; from 249 until 295 mA, which is at 380.
    raised = ring(
        step(-1e6),
        step(130, nominal=250.0, recovered=245.0, tolerance=240.0),
        step(225, nominal=300.0, recovered=295.0, tolerance=290.0),
    )
    told = current((0, 200), (300, 250), (380, 300), until=400, silent=[(100, 200), (240, 260)])
    assert bounds(account(told, (0, 400), profile=raised))[0] == 100 * 129 / 400


SPARED = ring(step(-1e6), step(150, nominal=250.0, recovered=245.0, tolerance=240.0, minimum=100.0))
"""50 mA are beam until 150, and none from then on until 245 mA; lost before, the beam is back with 195 mA."""


def test_a_loss_in_unknown_time_that_would_have_spared_a_longer_one_is_the_best_that_can_be() -> None:
    # 150 s without beam, from 150 to 300; had it been lost at 109, it would have been back at 200: 91 s.
    told = current((0, 200), (120, 50), (200, 200), (300, 250), until=400, silent=[(100, 120)])
    assert bounds(account(told, (0, 400), profile=SPARED)) == (100 * 239 / 389, 100 * 309 / 400)


def test_of_two_gaps_the_bounds_do_not_lose_the_beam_in_one_and_keep_it_in_the_other() -> None:
    # A known limit: nominal in both gaps is 150 s without beam, nothing in both 91 s + 41 s, the best would be 91 s.
    told = current((0, 200), (120, 50), (200, 200), (300, 250), until=600, silent=[(100, 120), (400, 450)])
    assert bounds(account(told, (0, 600), profile=SPARED))[1] == 100 * 468 / 600
    best = [*told, *current((109, 0), until=120), *current((409, 250), until=450)]
    assert account(best, (0, 600), profile=SPARED).figures.availability_pct == pytest.approx(100 * 509 / 600)


def test_coverage_below_99_percent_makes_a_figure_provisional() -> None:
    assert not account(current((0, 200), until=1000, silent=[(500, 519)]), (0, 1000)).provisional
    assert account(current((0, 200), until=1000, silent=[(500, 520)]), (0, 1000)).provisional


def test_the_longest_run_is_a_range_where_time_is_unknown() -> None:
    told = current((0, 200), (100, 0), (200, 200), until=1000, silent=[(491, 600)])
    figures = account(told, (0, 1000)).figures
    assert figures.longest_run_h == pytest.approx(400 / 3600)
    assert figures.longest_run_max_h == pytest.approx(800 / 3600)


def test_samples_outside_the_window_and_its_cuts_do_not_disturb() -> None:
    counted = account(current((-100, 200), until=400), (0, 300), cuts=[350])
    assert times(counted) == {"delivered": 300, "no_beam": 0, "unknown": 0}
    assert np.all(counted.unknown.start >= at(0))
