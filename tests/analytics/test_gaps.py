"""What unknown time could hide, each interval by itself."""

import pytest

from analytics.evidence import apply_evidence
from analytics.explain import explain_period
from analytics.gaps import Gap, find_gaps
from facility.corrections import Assertion
from facility.period import Period
from stories import GAP, Beam, Story, at, definition, said, seconds


def gaps(story: Story) -> tuple[Gap, ...]:
    evidence, plan, rules = story.all_evidence(), story.planned(), definition(**story.rules)
    counted = story.count()
    applied = apply_evidence(evidence, story.profile, rules, plan)
    segments = explain_period(counted, evidence, applied, rules, plan)
    part = Period("story", at(0), at(story.seconds))
    found = find_gaps(segments, evidence, story.profile, rules, plan, part)
    assert sum(g.segment.end_ns - g.segment.start_ns for g in found) == counted.accounts.unknown
    return found


def test_a_gap_in_a_steady_beam_could_hide_one_outage_of_its_length() -> None:
    # Samples to second 99 hold to 109.
    (gap,) = gaps(Story([(100, 200), (60, GAP), (100, 200)]))
    assert (seconds(gap.segment.start_ns - at(0)), seconds(gap.segment.end_ns - at(0))) == (109, 160)
    assert (seconds(gap.downtime_ns), gap.failures) == (51, 1)


def test_a_gap_close_to_an_outage_could_hide_what_merging_adds_and_no_further_failure() -> None:
    beam: Beam = [(100, 200), (60, GAP), (100, 200), (40, 0), (100, 200)]
    (gap,) = gaps(Story(beam, rules={"merge_gap_s": 300}))
    # 51 s of the gap, and the 100 s of beam between it and the outage.
    assert (seconds(gap.downtime_ns), gap.failures) == (151, 0)


def test_a_gap_before_a_beam_that_came_back_in_part_could_hide_that_part_too() -> None:
    # 100 mA is no outage, but neither the end of one.
    (gap,) = gaps(Story([(100, 200), (60, GAP), (50, 100), (100, 200)]))
    assert (seconds(gap.downtime_ns), gap.failures) == (51 + 50, 1)


def test_each_gap_is_asked_by_itself() -> None:
    beam: Beam = [(100, 200), (60, GAP), (100, 200), (30, GAP), (100, 200)]
    first, second = gaps(Story(beam, rules={"merge_gap_s": 300}))
    assert [seconds(first.downtime_ns), seconds(second.downtime_ns)] == [51, 21]


@pytest.mark.parametrize("assertion", [Assertion.UNKNOWN, Assertion.SENSOR_FAULT])
def test_what_a_person_called_unknown_is_a_gap(assertion: Assertion) -> None:
    evidence = {"corrections": [said(assertion, 100, 150)]}
    found = gaps(Story([(300, 200)], evidence=evidence))
    assert len(found) == 1
    assert found[0].downtime_ns == found[0].segment.end_ns - found[0].segment.start_ns
    assert found[0].failures == 1
