"""What a person asserts goes before what the samples say."""

from dataclasses import replace

import numpy as np
import pytest

from analytics.evidence import apply_evidence
from facility.corrections import Assertion, Correction, Exclusion, Withdrawal, check_correction, in_force
from facility.errors import CorrectionError
from facility.schedule import Block, Category, ScheduleVersion, resolve
from facility.time import NS_PER_DAY
from made_up_ring import rules as definition
from stories import GAP, Beam, Story, at, said, seconds, states, told

OUTAGE: Beam = [(100, 200.0), (60, 0.0), (100, 200.0)]
SILENCE: Beam = [(100, 200.0), (60, GAP), (100, 200.0)]


def corrected(beam: Beam, *corrections: Correction, **rules: float) -> Story:
    return Story(beam, evidence={"corrections": corrections}, rules=rules)


def test_up_resolves_unknown_time_as_beam() -> None:
    # The sample of second 99 holds to 109, so 51 s are unknown.
    assert seconds(Story(SILENCE).count().accounts.unknown) == 51
    counted = corrected(SILENCE, said(Assertion.UP, 105, 160)).count()
    assert (seconds(counted.accounts.unknown), seconds(counted.accounts.delivered)) == (0, 260)


def test_down_resolves_unknown_time_as_an_outage() -> None:
    counted = corrected(SILENCE, said(Assertion.DOWN, 120, 160)).count()
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.unknown)) == (40, 11)
    assert counted.counts.failures == 1


def test_unknown_takes_an_outage_back_and_keeps_its_bounds() -> None:
    counted = corrected(OUTAGE, said(Assertion.UNKNOWN, 100, 160)).count()
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.unknown)) == (0, 60)
    assert counted.figures.availability_lower_pct == 100 * 200 / 260
    assert counted.figures.availability_upper_pct == 100


def test_a_sensor_fault_makes_the_samples_worthless_and_the_one_before_still_holds() -> None:
    counted = corrected(OUTAGE, said(Assertion.SENSOR_FAULT, 100, 160)).count()
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.unknown)) == (0, 51)


def test_behind_an_unknown_the_sample_that_held_there_is_taken_up_again() -> None:
    counted = corrected([(260, 200.0)], said(Assertion.UNKNOWN, 100.25, 150.5)).count()
    assert seconds(counted.accounts.unknown) == 50.25


def test_excluded_downtime_is_still_downtime_and_figures_are_given_without_it() -> None:
    counted = corrected(OUTAGE, said(Assertion.EXCLUDED, 90, 130, category=Exclusion.GRID)).count()
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.excluded)) == (60, 30)
    assert counted.figures.availability_pct == 100 * 200 / 260
    assert counted.figures.availability_without_excluded_pct == 100 * 200 / 230


def test_reduced_lowers_the_limits_for_its_time_only() -> None:
    beam: Beam = [(100, 200.0), (60, 100.0), (100, 100.0), (100, 200.0)]
    low = Story(beam).count()
    assert seconds(low.accounts.low_beam) == 160
    counted = corrected(beam, said(Assertion.REDUCED, 100, 160, limit=100.0)).count()
    assert seconds(counted.accounts.low_beam) == 100
    assert counted.counts.low_beam == 1


def test_one_event_counts_two_outages_once_and_leaves_the_beam_between_them_delivered() -> None:
    beam: Beam = [(100, 200.0), (60, 0.0), (50, 200.0), (60, 0.0), (100, 200.0)]
    assert Story(beam).count().counts.failures == 2
    counted = corrected(beam, said(Assertion.ONE_EVENT, 90, 280)).count()
    assert counted.counts.failures == 1
    assert seconds(counted.accounts.no_beam) == 120


def test_separate_keeps_outages_apart_that_the_merge_rule_would_join() -> None:
    beam: Beam = [(100, 200.0), (60, 0.0), (50, 200.0), (60, 0.0), (100, 200.0)]
    merged = Story(beam, rules={"merge_gap_s": 60.0}).count()
    assert (merged.counts.failures, seconds(merged.accounts.no_beam)) == (1, 170)
    counted = corrected(beam, said(Assertion.SEPARATE, 90, 280), merge_gap_s=60.0).count()
    assert (counted.counts.failures, seconds(counted.accounts.no_beam)) == (2, 120)


def test_behind_a_correction_the_samples_that_follow_hold_as_long_as_any() -> None:
    # One every 6 s; the one of second 18 stands again from 20, and the one of 24 holds until 30.
    story = corrected([(60, 200.0)], said(Assertion.UNKNOWN, 10, 20))
    counted = replace(story, step_s=6.0).count()
    assert seconds(counted.accounts.unknown) == 10


def test_behind_a_correction_a_bad_sample_does_not_take_the_place_of_the_good_one_before() -> None:
    # 9999 mA at 20 cannot be true: the sample of 19 holds until the one of 21.
    story = corrected([(20, 200.0), (1, 9999.0), (39, 200.0)], said(Assertion.UNKNOWN, 10, 20))
    assert seconds(story.count().accounts.unknown) == 10


def test_what_was_said_outlasts_a_lost_link() -> None:
    story = corrected(SILENCE, said(Assertion.UP, 105, 160))
    cut = replace(story, evidence={**story.evidence, "cuts": np.array([at(130)])})
    assert seconds(cut.count().accounts.unknown) == 0


def test_a_short_outage_that_was_said_is_none_by_its_number_of_samples_either() -> None:
    counted = corrected([(60, 200.0)], said(Assertion.DOWN, 20, 26), min_samples=5).count()
    assert (counted.counts.failures, seconds(counted.accounts.no_beam)) == (1, 6)


def test_an_outage_goes_on_around_user_time_cancelled_in_its_unknown_middle() -> None:
    # Down at 100, silent from 110 on, down again at 190; 150 to 160 was cancelled a minute before.
    first = ScheduleVersion.of(at(-60 * 86_400), [Block(at(0), at(300), Category.USER)])
    late = ScheduleVersion.of(at(90), [Block(at(150), at(160), Category.SHUTDOWN)])
    plan = resolve([first, late], notice_ns=30 * NS_PER_DAY)
    counted = Story([(100, 200.0), (1, 0.0), (89, GAP), (10, 0.0), (100, 200.0)], plan=plan).count()
    assert counted.counts.failures == 1
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.unknown)) == (30, 70)


def test_a_flag_speaks_where_the_current_is_not_to_be_trusted() -> None:
    permit = states("shutters", {0: "permitted", 100: "closed", 160: "permitted"})
    evidence = {"flags": {"permit": permit}, "corrections": [said(Assertion.SENSOR_FAULT, 90, 170)]}
    counted = Story([(260, 200.0)], evidence=evidence, rules={"requires": ["permit"]}).count()
    assert seconds(counted.accounts.no_beam) == 60


def test_beam_behind_closed_shutters_is_no_sensor_fault() -> None:
    permit = states("shutters", {0: "permitted", 100: "closed", 160: "permitted"})
    evidence = {"flags": {"permit": permit}, "witness": told("second_monitor", [(260, 200.0)])}
    counted = Story([(260, 200.0)], evidence=evidence, rules={"requires": ["permit"]}).count()
    assert (counted.counts.failures, counted.counts.sensor_faults) == (1, 0)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (said(Assertion.UP, 10, 10), "must end after its start"),
        (said(Assertion.EXCLUDED, 0, 10), "needs a category \\(grid, earthquake, weather\\)"),
        (said(Assertion.UP, 0, 10, category=Exclusion.GRID), "needs a category"),
        (said(Assertion.REDUCED, 0, 10), "needs the limit"),
        (said(Assertion.REDUCED, 0, 10, limit=-1.0), "is -1.0: it must be above 0"),
    ],
)
def test_a_correction_that_says_nothing_is_refused(new: Correction, message: str) -> None:
    with pytest.raises(CorrectionError, match=message):
        check_correction(new, [])


def test_a_correction_longer_than_the_limit_is_refused() -> None:
    longest = said(Assertion.UP, 0, 3_653 * 86_400)
    check_correction(longest, [])
    with pytest.raises(CorrectionError, match="longer than ten years"):
        check_correction(replace(longest, end_ns=longest.end_ns + 1), [])


def test_a_contradiction_names_both_corrections() -> None:
    with pytest.raises(CorrectionError, match=r"down 2025.* contradicts #1 up 2025-05-12T01:00:10Z to .* by Operator"):
        check_correction(said(Assertion.DOWN, 0, 20), [said(Assertion.UP, 10, 30)])


def test_assertions_about_different_things_may_overlap() -> None:
    check_correction(said(Assertion.EXCLUDED, 0, 20, category=Exclusion.GRID), [said(Assertion.DOWN, 0, 20)])


def test_a_withdrawn_correction_holds_for_those_who_look_from_before_its_withdrawal() -> None:
    correction = said(Assertion.UP, 10, 30)
    withdrawal = Withdrawal(1, "Operator", "it was not", at(100))
    assert in_force([correction], [withdrawal]) == ()
    assert in_force([correction], [withdrawal], as_known_on_ns=at(99)) == (correction,)
    assert in_force([correction], [withdrawal], as_known_on_ns=at(29)) == ()


@pytest.mark.parametrize("assertion", [Assertion.UP, Assertion.DOWN, Assertion.UNKNOWN, Assertion.SENSOR_FAULT])
def test_a_correction_of_years_counts_as_one_of_what_is_looked_at_and_costs_no_more(assertion: Assertion) -> None:
    far = said(assertion, -1e6, 1e6)
    story = corrected(SILENCE, far)
    evidence, counted = story.all_evidence(), story.count()
    near = corrected(SILENCE, said(assertion, 0, 260)).count()
    assert (counted.accounts, counted.counts) == (near.accounts, near.counts)
    assert counted.figures.availability_lower_pct == near.figures.availability_lower_pct
    assert counted.figures.availability_upper_pct == near.figures.availability_upper_pct
    applied = apply_evidence(evidence, story.profile, definition(), story.planned())
    assert len(applied.samples) < 50, "one for each 10 s that a sample holds, in 260 s"


def test_the_first_instant_of_an_outage_is_that_of_the_correction_however_long_before() -> None:
    (event,) = corrected(OUTAGE, said(Assertion.DOWN, -1e6, 120)).count().events
    assert seconds(event.event.start_ns - at(0)) == -1e6
