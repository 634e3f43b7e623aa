"""What unknown time could hide, each interval by itself."""

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.evidence import Evidence, apply_evidence
from analytics.explain import explain_part
from analytics.findings import Findings, examine
from analytics.gaps import Gap, Gaps, find_gaps
from analytics.segments import Rule
from facility.corrections import BEAM_ASSERTIONS, Assertion, Correction
from facility.period import Period
from generated_cases import Case, generate
from stories import GAP, Beam, Story, at, definition, said, seconds

often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def gaps(story: Story) -> tuple[Gap, ...]:
    evidence, plan, rules = story.all_evidence(), story.planned(), definition(**story.rules)
    part = Period("story", at(0), at(story.seconds))
    findings = examine(evidence, story.profile, rules, plan, part)
    applied = apply_evidence(evidence, story.profile, rules, plan)
    segments = explain_part(findings, evidence, applied, plan)
    found = find_gaps(segments, evidence, applied, story.profile, rules, plan, part)
    assert sum(g.segment.end_ns - g.segment.start_ns for g in found) == findings.accounts.unknown
    return tuple(found)


def hidden(gap: Gap) -> float:
    """Return the downtime that a gap could hide, in seconds."""
    assert gap.downtime_ns is not None
    return seconds(gap.downtime_ns)


def test_a_gap_in_a_steady_beam_could_hide_one_outage_of_its_length() -> None:
    # Samples to second 99 hold to 109.
    (gap,) = gaps(Story([(100, 200), (60, GAP), (100, 200)]))
    assert (seconds(gap.segment.start_ns - at(0)), seconds(gap.segment.end_ns - at(0))) == (109, 160)
    assert (hidden(gap), gap.failures) == (51, 1)


def test_a_gap_close_to_an_outage_could_hide_what_merging_adds_and_no_further_failure() -> None:
    beam: Beam = [(100, 200), (60, GAP), (100, 200), (40, 0), (100, 200)]
    (gap,) = gaps(Story(beam, rules={"merge_gap_s": 300}))
    # 51 s of the gap, and the 100 s of beam between it and the outage.
    assert (hidden(gap), gap.failures) == (151, 0)


def test_a_gap_before_a_beam_that_came_back_in_part_could_hide_that_part_too() -> None:
    # 100 mA is no outage, but neither the end of one.
    (gap,) = gaps(Story([(100, 200), (60, GAP), (50, 100), (100, 200)]))
    assert (hidden(gap), gap.failures) == (51 + 50, 1)


def test_a_bad_sample_at_the_end_of_a_silence_does_not_make_all_of_it_only_bad_samples() -> None:
    # Samples until second 99 hold to 109; 20 minutes of silence, one bad sample in its last second.
    story = Story([(100, 200), (1_199, GAP), (1, math.nan), (1, GAP), (100, 200)])
    causes = [
        (seconds(g.segment.start_ns - at(0)), seconds(g.segment.end_ns - at(0)), g.segment.rule) for g in gaps(story)
    ]
    assert causes == [(109, 1_299, Rule.STALE), (1_299, 1_301, Rule.BAD)]


def test_each_gap_is_asked_by_itself() -> None:
    beam: Beam = [(100, 200), (60, GAP), (100, 200), (30, GAP), (100, 200)]
    first, second = gaps(Story(beam, rules={"merge_gap_s": 300}))
    assert [hidden(first), hidden(second)] == [51, 21]


@pytest.mark.parametrize("assertion", [Assertion.UNKNOWN, Assertion.SENSOR_FAULT])
def test_what_a_person_called_unknown_is_a_gap(assertion: Assertion) -> None:
    evidence = {"corrections": [said(assertion, 100, 150)]}
    found = gaps(Story([(300, 200)], evidence=evidence))
    assert len(found) == 1
    assert found[0].downtime_ns == found[0].segment.end_ns - found[0].segment.start_ns
    assert found[0].failures == 1


def test_no_more_gaps_are_tried_than_asked_for_and_the_others_say_so() -> None:
    # After an outage, and before another one: both depend on what is around them.
    beam: Beam = [(100, 200), (40, 0), (30, 200), (30, GAP), (30, 200), (60, GAP), (40, 0), (100, 200)]
    story = Story(beam, rules={"merge_gap_s": 100})
    evidence, plan, rules = story.all_evidence(), story.planned(), definition(**story.rules)
    part = Period("story", at(0), at(story.seconds))
    findings = examine(evidence, story.profile, rules, plan, part)
    applied = apply_evidence(evidence, story.profile, rules, plan)
    segments = explain_part(findings, evidence, applied, plan)
    first, second = find_gaps(segments, evidence, applied, story.profile, rules, plan, part, at_most=1)
    assert (first.downtime_ns, first.failures) == (None, None)
    assert second.downtime_ns is not None


@often
@given(st.builds(generate, st.integers(0, 2**32), longest_s=st.just(3600.0)))
def test_what_is_said_of_a_gap_at_sight_is_what_counting_again_says(case: Case) -> None:
    evidence = Evidence(case.samples, *case.window, case.cuts, **case.beside)
    findings = examine(evidence, case.profile, case.definition, case.plan, case.period)
    applied = apply_evidence(evidence, case.profile, case.definition, case.plan)
    segments = explain_part(findings, evidence, applied, case.plan)

    def found(at_most: int) -> Gaps:
        return find_gaps(
            segments, evidence, applied, case.profile, case.definition, case.plan, case.period, at_most=at_most
        )

    for i, gap in enumerate([*found(0), *found(10)]):
        if gap.downtime_ns is not None:
            stated = evidence_with_down(evidence, gap.segment.start_ns, gap.segment.end_ns)
            again = examine(stated, case.profile, case.definition, case.plan, case.period, bounds=False)
            assert gap.downtime_ns == again.accounts.no_beam - findings.accounts.no_beam, i
            assert gap.failures == counted(again) - counted(findings), i


def evidence_with_down(evidence: Evidence, start_ns: int, end_ns: int) -> Evidence:
    """Return the evidence with a correction that states the interval down, in place of what is stated of its beam."""
    down = Correction(99, start_ns, end_ns, Assertion.DOWN, "Operator", "what if", end_ns)
    others: list[Correction] = []
    for c in evidence.corrections:
        if c.assertion not in BEAM_ASSERTIONS or c.end_ns <= start_ns or c.start_ns >= end_ns:
            others.append(c)
            continue
        if c.start_ns < start_ns:
            others.append(replace(c, end_ns=start_ns))
        if c.end_ns > end_ns:
            others.append(replace(c, start_ns=end_ns))
    return replace(evidence, corrections=[*others, down])


def counted(findings: Findings) -> int:
    """Return how many failures a stretch counts."""
    part = findings.part
    return sum(part.start_ns <= e.first_user_ns < part.end_ns for e in findings.failures)


@often
@given(st.builds(generate, st.integers(0, 2**32), longest_s=st.just(3600.0)))
def test_the_segments_follow_each_other_and_add_up_to_every_account_low_beam_included(case: Case) -> None:
    evidence = Evidence(case.samples, *case.window, case.cuts, **case.beside)
    findings = examine(evidence, case.profile, case.definition, case.plan, case.period)
    applied = apply_evidence(evidence, case.profile, case.definition, case.plan)
    segments = explain_part(findings, evidence, applied, case.plan)
    assert segments.start_ns.tolist() == [case.period.start_ns, *segments.end_ns[:-1].tolist()][: len(segments)]
    assert not len(segments) or segments.end_ns[-1] == case.period.end_ns
    accounts = findings.accounts
    for account in ("delivered", "no_beam", "unknown", "study", "shutdown", "unscheduled"):
        assert int(segments.of_account(account).length_ns.sum()) == getattr(accounts, account), account
    low = segments.take(segments.of_rules(Rule.LOW_BEAM))
    assert int(low.length_ns.sum()) == accounts.low_beam
    if not case.definition.refill_is_delivered:
        assert int(segments.of_account("refill").length_ns.sum()) == accounts.refill
