"""Rules that only some definitions use, and two definitions side by side."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from analytics.availability import Availability, counted_part
from analytics.compare import compare
from analytics.evidence import apply_evidence
from analytics.explain import explain_instant, explain_part
from analytics.findings import examine
from analytics.segments import Rule
from facility.definition import Definition, load_definition, shipped_definitions
from facility.period import Period
from facility.quality import Quality
from facility.schedule import Category
from one_period import assess
from stories import GAP, Story, at, definition, seconds, states, told

STORM = [
    (500, 200.0), (120, 0.0), (400, 200.0), (600, 0.0), (300, 185.0), (200, 200.0), (100, 150.0), (900, 200.0),
    (40, GAP), (300, 200.0), (5, 90.0), (700, 200.0), (2, 0.0), (500, 200.0), (400, 60.0), (800, 200.0), (30, 0.0),
    (1000, 195.0),
]  # fmt: skip


def storm() -> Story:
    total = sum(length for length, _ in STORM)
    evidence = {
        "witness": told("second_monitor", [(4600, 200.0), (total - 4600, 100.0)]),
        "mode": states("mode", {0: "user", 1500: "refill", 1650: "user", 3000: "study"}),
        "flags": {
            "permit": states("shutters", {0: "permitted", 2000: "closed", 2100: "permitted"}),
            "fault": states("interlock", {0: "sound", 5000: "fault", 5100: "sound"}),
        },
    }
    return Story(STORM, user=[(200, 3000), (3600, total)], evidence=evidence)


def test_trips_are_counted_apart_and_a_definition_says_whether_they_are_downtime() -> None:
    story = Story([(1000, 200.0), (60, 0.0), (1000, 200.0), (299, 0.0), (1000, 200.0), (300, 0.0), (1000, 200.0)])
    counted = story.count(trip_below_s=300.0, trips_are_downtime=False)
    assert (counted.counts.failures, counted.counts.trips) == (1, 2)
    assert seconds(counted.accounts.no_beam) == 300
    counted = story.count(trip_below_s=300.0)
    assert (counted.counts.failures, seconds(counted.accounts.no_beam)) == (1, 659)


def test_refill_is_delivered_unless_the_definition_takes_it_out() -> None:
    story = Story([(1000, 200.0)], evidence={"mode": states("mode", {0: "user", 300: "refill", 400: "user"})})
    counted = story.count()
    assert (seconds(counted.accounts.delivered), seconds(counted.accounts.refill)) == (1000, 100)
    counted = story.count(refill_is_delivered=False)
    assert (seconds(counted.accounts.delivered), seconds(counted.accounts.refill)) == (900, 100)
    assert counted.figures.availability_pct == 90


def test_spring8_fy2006_comes_out_as_published() -> None:
    # Planned 3,816.0 h, downtime 38.4 h, refill 7.6 h: achieved 3,770.0 h, 98.8 %. Told in tenths of an hour as 10 s.
    downtime, refill, planned = 384 * 10, 76 * 10, 38_160 * 10
    beam = [(1000, 200.0), (downtime, 0.0), (planned - 1000 - downtime, 200.0)]
    mode = states("mode", {0: "user", 50_000: "refill", 50_000 + refill: "user"})
    counted = Story(beam, evidence={"mode": mode}).count(refill_is_delivered=False)
    assert seconds(counted.accounts.delivered) == 37_700 * 10
    assert counted.figures.availability_pct == pytest.approx(98.8, abs=0.05)


def test_aps_run_2011_3_comes_out_as_published() -> None:
    # 1,545 h, 7 faults, 6.85 h down (published: 99.6 % and a mean of 219.7 h between faults). Told in hours as 10 s.
    down = 6.85 * 10 / 7
    beam: list[tuple[float, float | None]] = []
    for _ in range(7):
        beam += [(2000, 200.0), (down, 0.0)]
    beam.append((15_450 - 7 * (2000 + down), 200.0))
    story = Story(beam)
    counted = story.count(mtbf="known_uptime_per_failure", no_beam_ends_at="minimum")
    assert counted.counts.failures == 7
    assert counted.figures.mtbf_h is not None
    assert counted.figures.mtbf_h * 360 == pytest.approx(219.7, abs=0.15)
    assert counted.figures.availability_pct == pytest.approx(99.6, abs=0.06)


def test_a_required_flag_that_is_not_set_means_no_beam_whatever_the_current_is() -> None:
    flags = {"permit": states("shutters", {0: "permitted", 300: "closed", 400: "permitted"})}
    story = Story([(1000, 200.0)], evidence={"flags": flags})
    assert story.count().counts.failures == 0
    counted = story.count(requires=["permit"])
    assert (counted.counts.failures, seconds(counted.accounts.no_beam)) == (1, 100)


def test_a_flag_that_nobody_knows_makes_beam_unknown_and_no_beam_stays_no_beam() -> None:
    flags = {"permit": states("shutters", {500: "permitted"})}
    story = Story([(100, 0.0), (900, 200.0)], evidence={"flags": flags})
    counted = story.count(requires=["permit"])
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.unknown)) == (100, 400)


@pytest.mark.parametrize(
    ("quality", "reason", "no_beam", "unknown"),
    [
        (Quality.BAD, None, 0, 100),
        (Quality.UNCERTAIN, "clock", 0, 100),
        (Quality.UNCERTAIN, None, 100, 0),
    ],
)
def test_the_last_word_of_a_flag_whose_device_is_lost_is_no_loss_of_beam(
    quality: Quality, reason: str | None, no_beam: int, unknown: int
) -> None:
    flag = states("shutters", {0: "permitted", 300: "closed", 400: "permitted"})
    words = (*flag.words, "clock")
    doubted = replace(
        flag,
        quality=np.array([Quality.GOOD, quality, Quality.GOOD], np.uint8),
        reason=np.array([-1, -1 if reason is None else words.index(reason), -1], np.int32),
        words=words,
    )
    counted = Story([(1000, 200.0)], evidence={"flags": {"permit": doubted}}).count(requires=["permit"])
    assert (seconds(counted.accounts.no_beam), seconds(counted.accounts.unknown)) == (no_beam, unknown)


def test_sirius_counts_below_half_of_nominal_or_a_fault_flag() -> None:
    flags = {"fault": states("interlock", {0: "sound", 700: "fault", 750: "sound"})}
    story = Story([(300, 200.0), (100, 99.0), (100, 101.0), (500, 200.0)], evidence={"flags": flags})
    counted = story.count(no_beam_below_fraction=0.5, no_beam_ends_at="minimum", fails_on=["fault"])
    assert (counted.counts.failures, seconds(counted.accounts.no_beam)) == (2, 150)


def test_a_mode_that_disagrees_with_the_plan_is_listed_and_changes_nothing() -> None:
    mode = states("mode", {0: "user", 400: "study", 600: "user"})
    counted = Story([(1000, 200.0)], evidence={"mode": mode}).count()
    assert [(m.start_ns, m.end_ns, m.planned, m.mode) for m in counted.mismatches] == [
        (at(400), at(600), Category.USER, "study")
    ]
    assert seconds(counted.accounts.delivered) == 1000


def test_a_mode_that_was_never_recorded_says_nothing() -> None:
    counted = Story([(1000, 200.0)], evidence={"mode": states("mode", {})}).count()
    assert (counted.counts.mode_mismatches, counted.accounts.refill) == (0, 0)


@pytest.mark.parametrize(("first", "second"), list(combinations(shipped_definitions(), 2)))
def test_each_difference_between_two_definitions_adds_up_rule_by_rule(first: str, second: str) -> None:
    story = storm()
    plan, evidence = story.planned(), story.all_evidence()

    period = Period("storm", at(0), at(story.seconds))
    part = counted_part(story.profile, period, at(story.seconds))

    def count(counted_by: Definition) -> Availability:
        return assess(evidence, story.profile, counted_by, plan, period, part)

    result = compare(load_definition(first), load_definition(second), count)
    a, b = result.first.accounts, result.second.accounts
    assert sum(s.delivered_ns for s in result.steps) == b.delivered - a.delivered
    assert sum(s.no_beam_ns for s in result.steps) == b.no_beam - a.no_beam
    assert sum(s.unknown_ns for s in result.steps) == b.unknown - a.unknown
    assert sum(s.failures for s in result.steps) == result.second.counts.failures - result.first.counts.failures


@pytest.mark.parametrize("name", shipped_definitions())
def test_every_second_of_a_storm_is_explained_once_and_adds_up_to_the_accounts(name: str) -> None:
    story = storm()
    counted_by = load_definition(name)
    rules = {k: getattr(counted_by, k) for k in type(counted_by).model_fields if k not in ("id", "title", "references")}
    counted = story.count(**rules)
    evidence, plan = story.all_evidence(), story.planned()
    applied = apply_evidence(evidence, story.profile, definition(**rules), plan)
    part = Period("story", at(0), at(story.seconds))
    findings = examine(evidence, story.profile, definition(**rules), plan, part)
    segments = explain_part(findings, evidence, applied, plan)
    assert [s.start_ns for s in segments] == [at(0), *(s.end_ns for s in segments[:-1])]
    assert segments[-1].end_ns == at(story.seconds)
    for account in ("delivered", "no_beam", "unknown", "unscheduled"):
        total = sum(s.end_ns - s.start_ns for s in segments if s.account == account)
        assert total == getattr(counted.accounts, account), account


def test_an_instant_is_explained_with_what_was_known_then() -> None:
    story = Story([(100, 200.0), (60, 0.0), (100, 200.0)])
    evidence, plan = story.all_evidence(), story.planned()
    applied = apply_evidence(evidence, story.profile, definition(), plan)
    part = Period("story", at(0), at(story.seconds))
    findings = examine(evidence, story.profile, definition(), plan, part)
    segments = explain_part(findings, evidence, applied, plan)
    instant = explain_instant(at(130.5), segments, evidence, applied, plan)
    assert instant is not None
    assert instant.segment.rule is Rule.BELOW
    assert instant.sample is not None
    assert (instant.sample.time_ns, instant.sample.value) == (at(130), 0.0)
    assert instant.planned is not None
    assert instant.planned.block.category is Category.USER
    assert explain_instant(at(-1), segments, evidence, applied, plan) is None
