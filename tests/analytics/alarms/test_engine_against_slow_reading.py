"""The engine against a second, slow reading of the specification, on random rules and inputs."""

import os
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarm_cases import Case, make
from alarm_runs import calls_of, check_rows, run_both
from slow_alarms import SlowAlarms

if TYPE_CHECKING:
    from facility.alarms import AlarmRules

CASES = int(os.environ.get("KADO_CASES", "2000"))
seeds = st.integers(0, 2**48)


def check(seed: int) -> None:
    case = make(seed)
    chance = random.Random(seed + 1)
    got, expected, outcomes = run_both(case, calls_of(case, chance), by_rows=chance.random() < 0.3)
    assert got == expected
    check_rows(outcomes)


@settings(max_examples=CASES, deadline=None)
@given(seeds)
def test_the_engine_and_the_slow_reading_give_the_same_rows_whatever_comes_and_however_it_is_called(seed: int) -> None:
    check(seed)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_fifty_thousand_cases_agree() -> None:
    for seed in range(50_000):
        check(seed)


@settings(max_examples=CASES // 10, deadline=None)
@given(seeds)
def test_cutting_the_same_time_into_other_pieces_changes_nothing(seed: int) -> None:
    case = make(seed)
    punctual = tuple(type(g)(g.stamp, g.stamp, g.series, g.value, g.quality) for g in case.samples)
    case = Case(case.rules, punctual, case.actions, case.plan, case.limits, (), case.until)
    chance = random.Random(seed)
    times = sorted({chance.randint(0, case.until) for _ in range(30)} | {case.until})
    cut, _, in_pieces = run_both(case, [(t, False) for t in times])
    whole, _, at_once = run_both(case, [(case.until, False)])
    assert cut == whole
    # Values, words, limits and numbers of rows are the same, too.
    assert [t for o in in_pieces for t in o.transitions] == [t for o in at_once for t in o.transitions]


def test_rules_keep_their_rank_in_both_readings() -> None:
    for seed in range(50):
        rules: AlarmRules = make(seed).rules
        assert [r.id for r in rules.ranked] == [a.rule.id for a in SlowAlarms(rules, 0).in_order()]
