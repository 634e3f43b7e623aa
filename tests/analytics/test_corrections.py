"""What a person asserts goes before what the samples say."""

import pytest

from facility.corrections import Assertion, Correction, Exclusion, Withdrawal, check_correction, in_force
from facility.errors import CorrectionError
from stories import GAP, Beam, Story, at, said, seconds

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


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (said(Assertion.UP, 10, 10), "must end after its start"),
        (said(Assertion.EXCLUDED, 0, 10), "needs a category: grid, earthquake, weather"),
        (said(Assertion.UP, 0, 10, category=Exclusion.GRID), "needs a category"),
        (said(Assertion.REDUCED, 0, 10), "needs the limit"),
        (said(Assertion.REDUCED, 0, 10, limit=-1.0), "is -1.0: it must be above 0"),
    ],
)
def test_a_correction_that_says_nothing_is_refused(new: Correction, message: str) -> None:
    with pytest.raises(CorrectionError, match=message):
        check_correction(new, [])


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
