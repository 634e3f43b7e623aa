"""Runs a made-up case of alarms through the engine and the slow reading, call by call."""

import random
from typing import Any

from alarm_cases import SECOND, Case
from analytics.alarms import Outcome, advance, begin, resume
from analytics.alarms.rows import from_rows, to_rows
from slow_alarms import SlowAlarms

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
