"""Replay finds by edges what the engine finds sample by sample."""

import os
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import analytics.alarms.edges as edges
import analytics.alarms.history as history_module
import analytics.alarms.thinning as thinning
from alarm_cases import END_S, FACT, NUMBERS, SECOND, Case, Given, make, make_rule, make_set
from analytics.alarms import LimitPieces, advance, begin
from analytics.alarms.history import replay
from facility.alarms import Action, ActionKind
from facility.batch import Samples
from facility.schedule import Plan

Row = tuple[object, ...]
CASES = min(int(os.environ.get("KADO_CASES", "2000")), 300)


def noisy(seed: int) -> Case:
    """Make a case with many samples around the limits, and rules of one limit or rate each."""
    chance = random.Random(seed)
    case = make(seed)
    rules: list[dict[str, Any]] = []
    for i in range(3):
        rule = make_rule(chance, i, 1)
        if rule["when"]["kind"] in ("limit", "rate"):
            rules.append(rule)
    if not rules:
        return noisy(seed + 1_000_000_007)
    more: list[Given] = []
    for series in NUMBERS:
        at = 0
        while at < case.until:
            at += chance.choice([SECOND // 4, SECOND // 2, SECOND, SECOND, 2 * SECOND, 9 * SECOND])
            value = chance.choice([1.0, 3.0, 5.0, 9.0, 10.0, 11.0])
            more.append(Given(at, at, series, value, chance.choice([0, 0, 0, 0, 2])))
    return Case(make_set(rules), (*case.samples, *more), (), case.plan, case.limits, (), case.until)


def without_facts(case: Case) -> Case:
    """Leave out facts, which have no history, and samples of equal stamp but the last."""
    last = {(g.stamp, g.series): g for g in sorted(case.samples, key=lambda g: g.arrives) if g.series != FACT}
    samples = tuple(type(g)(g.stamp, g.stamp, g.series, g.value, g.quality) for g in last.values())
    return Case(case.rules, samples, case.actions, case.plan, case.limits, (), case.until)


def rows_of(transitions: object) -> list[Row]:
    return [
        (t.time_ns, t.alarm, t.from_state, t.to_state, t.cause, t.occurrence, t.since_ns, t.by, t.input_known)
        for t in transitions  # type: ignore[attr-defined]  # transitions of one kind
    ]


def check(seed: int, *, one_limit: bool = False) -> None:
    """Compare a replay with the engine; with `one_limit` the rules are limits and rates that inhibit nothing."""
    case = without_facts(noisy(seed) if one_limit else make(seed))
    chance = random.Random(seed)
    start = chance.choice([0, 0, 10 * SECOND])
    held: dict[str, Samples] = {}
    for name in case.rules.table.series:
        mine = [g for g in case.samples if g.series == name]
        batch = case.feed(-1, case.until + 1).batches
        found = dict(batch[0].by_signal()).get(name) if batch else None
        if mine and found is not None:
            held[name] = found

    def history(name: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        if name not in held:
            return
        samples = held[name]
        first = int(np.searchsorted(samples.time_ns, start_ns))
        since = int(samples.time_ns[first - 1]) if first else start_ns
        part = samples.between(since, end_ns)
        middle = chance.randint(0, len(part))
        cut = int(part.time_ns[middle]) if middle < len(part) else end_ns
        yield part.between(since, cut)
        yield part.between(cut, end_ns)

    actions = [a for a in case.actions if a.recorded_at_ns >= start]
    got = list(replay(case.rules, history, case.plan, case.limits, actions, start, case.until))
    whole = case.feed(-1, case.until + 1)
    batches = []
    for name in case.rules.table.series:
        for piece in history(name, start, case.until):
            if len(piece):
                keep = np.isin(whole.batches[0].time_ns, piece.time_ns)
                keep &= whole.batches[0].signal == whole.batches[0].signals.index(name)
                batches.append(whole.batches[0].take(keep))
    feed = type(whole)(batches, (), case.plan, case.limits, actions)
    _, outcome = advance(begin(case.rules, start), feed, case.until)
    assert rows_of(got) == rows_of(outcome.transitions)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**48))
def test_replay_gives_the_rows_of_the_engine(seed: int) -> None:
    check(seed)


def test_it_does_not_matter_in_which_chunks_samples_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges, "CHUNK", 2)
    for seed in range(300):
        check(seed)


def test_rules_are_looked_at_one_by_one_where_a_limit_lies_in_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MANY_EVENTS", 0)
    for seed in range(CASES):
        monkeypatch.setattr(edges, "CHUNK", 2 if seed % 3 == 0 else 1 << 15)
        monkeypatch.setattr(thinning, "BLOCK", 7 if seed % 2 else 1 << 20)
        check(seed, one_limit=True)


@pytest.mark.soak
def test_rules_are_looked_at_one_by_one_in_many_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "MANY_EVENTS", 0)
    for seed in range(10_000, 60_000):
        monkeypatch.setattr(thinning, "BLOCK", 7 if seed % 2 else 1 << 20)
        check(seed, one_limit=True)


def test_the_end_of_the_cases_is_beyond_their_samples() -> None:
    assert END_S == 60


def test_an_action_is_done_once_in_a_replay_of_several_days() -> None:
    hour = 3600 * SECOND
    rule = {**make_rule(random.Random(0), 0, 1), "when": {"kind": "limit", "signal": "y", "above": 10.0}}
    for key in ("in_plan", "in_mode", "realarm_after_s"):
        rule.pop(key, None)
    given = [Given(t * hour, t * hour, "y", v, 0) for t, v in ((1, 11.0), (2, 0.0), (3, 11.0))]
    rules = make_set([{**rule, "on_delay_s": 0.0, "off_delay_s": 0.0}])
    case = Case(rules, tuple(given), (), Plan(()), LimitPieces(), (), 50 * hour)
    samples = dict(case.feed(-1, case.until).batches[0].by_signal())["y"]

    def history(name: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        if name == "y":
            yield samples.between(start_ns, end_ns)

    acked = Action("a0", ActionKind.ACK, "mori", hour + hour // 2)
    rows = list(replay(case.rules, history, case.plan, case.limits, [acked], 0, case.until))
    assert [(t.cause.value, t.time_ns / hour) for t in rows] == [
        ("raised", 1.0),
        ("acknowledged", 1.5),
        ("cleared", 2.0),
        ("raised", 3.0),
    ]
