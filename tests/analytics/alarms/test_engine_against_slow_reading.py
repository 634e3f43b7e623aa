"""The engine against a second, slow reading of the specification, on random rules and inputs."""

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alarm_cases import SECOND, Case, make
from analytics.alarms import Outcome, advance, begin, resume
from analytics.alarms.rows import from_rows, to_rows
from slow_alarms import SlowAlarms

if TYPE_CHECKING:
    from facility.alarms import AlarmRules

CASES = int(os.environ.get("KADO_CASES", "2000"))
seeds = st.integers(0, 2**48)

ALLOWED: dict[str, dict[str, set[str]]] = {
    "normal": {
        "unknown": {"input_unknown"},
        "unacked": {"raised"},
        "shelved": {"shelved"},
        "suppressed": {"suppressed"},
        "out_of_service": {"taken_out"},
    },
    "unknown": {
        "normal": {"input_known"},
        "unacked": {"raised"},
        "shelved": {"shelved"},
        "suppressed": {"suppressed"},
        "out_of_service": {"taken_out"},
    },
    "unacked": {
        "normal": {"cleared", "rule_removed"},
        "acked": {"acknowledged"},
        "rtn_unacked": {"cleared"},
        "shelved": {"shelved"},
        "suppressed": {"suppressed"},
        "out_of_service": {"taken_out"},
    },
    "acked": {
        "normal": {"cleared", "rule_removed"},
        "unacked": {"realarmed", "unacknowledged"},
        "shelved": {"shelved"},
        "suppressed": {"suppressed"},
        "out_of_service": {"taken_out"},
    },
    "rtn_unacked": {
        "normal": {"acknowledged", "rule_removed"},
        "unknown": {"acknowledged"},
        "unacked": {"raised"},
        "shelved": {"shelved"},
        "suppressed": {"suppressed"},
        "out_of_service": {"taken_out"},
    },
    "shelved": {
        "normal": {"shelf_expired", "unshelved", "shelf_done", "rule_removed"},
        "unknown": {"shelf_expired", "unshelved"},
        "unacked": {"shelf_expired"},
        "acked": {"unshelved"},
        "suppressed": {"suppressed"},
        "out_of_service": {"taken_out"},
    },
    "suppressed": {
        "normal": {"released"},
        "unknown": {"released"},
        "unacked": {"released"},
        "shelved": {"released"},
        "out_of_service": {"taken_out"},
    },
    "out_of_service": {
        "normal": {"put_back", "rule_removed"},
        "unknown": {"put_back"},
        "unacked": {"put_back"},
        "suppressed": {"put_back"},
    },
}
"""The table of all transitions that there are."""


def told(outcomes: list[Outcome]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    rows = [
        (
            t.time_ns,
            t.alarm,
            t.from_state.value,
            t.to_state.value,
            t.cause.value,
            t.occurrence,
            t.since_ns,
            t.annunciated,
            t.input_known,
        )
        for o in outcomes
        for t in o.transitions
    ]
    refusals = [(r.time_ns, r.alarm, r.action.value, r.reason.value) for o in outcomes for r in o.refusals]
    return rows, refusals


def calls_of(case: Case, chance: random.Random) -> list[tuple[int, bool]]:
    """Readings of the clock, and whether each is a resume: in order, sometimes down, sometimes put back."""
    times = sorted({chance.randint(0, case.until) for _ in range(chance.randint(0, 25))} | {case.until})
    times = sorted({*times, *(t for t, _ in case.reloads)})
    calls = [(t, False) for t in times]
    if chance.random() < 0.3 and len(times) > 3:
        down = chance.randrange(len(times) - 1)
        calls = [*calls[: down + 1], (times[down + 1], True), *calls[down + 2 :]]
    if chance.random() < 0.2 and not case.has_rates:
        back = chance.choice(times)
        calls = [*calls[: times.index(back) + 1], (max(0, back - 9 * SECOND), True), *calls[times.index(back) + 1 :]]
    return calls


def run_both(case: Case, calls: list[tuple[int, bool]], *, by_rows: bool = False) -> tuple[Any, Any, list[Outcome]]:
    engine, slow = begin(case.rules, 0), SlowAlarms(case.rules, 0)
    outcomes: list[Outcome] = []
    reloads = dict(case.reloads)
    after, rules = -1, None
    for clock, resumes in calls:
        feed = case.feed(after, max(after, clock), rules=rules)
        after = max(after, clock)
        before = engine
        if resumes:
            engine, outcome = resume(engine, feed, clock)
            slow.resume(feed, clock)
        else:
            engine, outcome = advance(engine, feed, clock)
            slow.call(feed, clock)
            assert advance(before, feed, clock) == (engine, outcome), "equal inputs gave unequal outputs"
        outcomes.append(outcome)
        if by_rows:
            again = from_rows(to_rows(engine), case.rules.table)
            assert again == engine
            engine = again
        rules = reloads.get(clock)
    late, ignored = sum(o.late for o in outcomes), sum(o.ignored for o in outcomes)
    assert (late, ignored) == (slow.late, slow.ignored)
    return told(outcomes), (slow.rows, slow.refused), outcomes


def check(seed: int) -> None:
    case = make(seed)
    chance = random.Random(seed + 1)
    got, expected, outcomes = run_both(case, calls_of(case, chance), by_rows=chance.random() < 0.3)
    assert got == expected
    check_rows(outcomes)


def check_rows(outcomes: list[Outcome]) -> None:
    shown: dict[str, str] = {}
    seqs: dict[str, int] = {}
    for t in (t for o in outcomes for t in o.transitions):
        assert shown.get(t.alarm, "unknown") == t.from_state, "a row's from is not the row before's to"
        assert t.cause.value in ALLOWED[t.from_state].get(t.to_state, ()), f"{t} is not in the table"
        shown[t.alarm] = t.to_state if t.cause.value != "rule_removed" else "unknown"
        if t.journaled:
            assert t.seq == seqs.get(t.alarm, 0) + 1, "journaled rows are not numbered without gaps"
            seqs[t.alarm] = t.seq
        else:
            assert t.seq == 0


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
