"""Samples that are taken in one go, because they change nothing, leave what they would leave one by one."""

import random
from typing import Any

import numpy as np
import pytest

from alarm_cases import SECOND, TABLE, make_rule, make_set
from analytics.alarms import Engine, Feed, LimitPieces, Outcome, advance, begin, machine, resume
from facility.alarms import Action, ActionKind, AlarmRules
from facility.batch import NO_WORD, Batch
from facility.schedule import Block, Category, Plan, PlannedBlock

NAMES, WORDS = tuple(TABLE.series), ("user", "study", "up", "down")
Sent = tuple[float, str, float | str, int]
CASES = 200


def mostly_calm(chance: random.Random) -> list[tuple[float, Sent]]:
    """Make (arrival, sample) pairs: two numbers a second, seldom beyond a limit, missing, bad or late; links, modes."""
    found: list[tuple[float, Sent]] = []
    for second in range(60):
        for series in ("x", "y"):
            at = second + chance.choice([0.0, 0.3, 0.5])
            value = chance.choice([5.0, 6.0, 7.0] if chance.random() < 0.85 else [1.0, 3.0, 9.0, 11.0])
            quality = 2 if chance.random() < 0.04 else 0
            late = chance.choice([0.0] * 12 + [1.0, 2.5, 7.0])
            if not (chance.random() < 0.05 or (series == "x" and 30 <= second < 30 + chance.choice([0, 9, 11]))):
                found.append((at + late, (at, series, value, quality)))
        if second % 7 == 0 and chance.random() < 0.9:
            found.append((second + 0.1, (second + 0.1, "ring_link", chance.choice(["up"] * 6 + ["down"]), 0)))
        if chance.random() < 0.06:
            found.append((second + 0.4, (second + 0.4, "m", chance.choice(["user", "study"]), 0)))
    return sorted(found, key=lambda pair: pair[0])


def rules_of(chance: random.Random) -> AlarmRules:
    """Make four rules of one number each; some are inhibited, armed by plan or mode, or name a limit."""
    made: list[dict[str, Any]] = []
    for i in range(4):
        rule = make_rule(chance, i, 1)
        signal = chance.choice(["x", "y"])
        kind = chance.choice(["limit", "limit", "band", "stale", "no_data", "named", "any"])
        above: dict[str, Any] = {"kind": "limit", "signal": signal, "above": 8.0}
        rule["when"] = {
            "limit": above,
            "band": {**above, "above": 10.0, "ends_below": 6.0, "below": 2.0, "ends_above": 5.0},
            "stale": {"kind": "stale", "signal": signal, "after_s": 5.0},
            "no_data": {"kind": "no_data", "signal": signal, "after_s": 5.0},
            "named": {"kind": "limit", "signal": signal, "below": "tolerance"},
            "any": {"kind": "any", "of": [{"kind": "limit", "signal": "x", "above": 8.0}, {**above, "signal": "y"}]},
        }[kind]
        if made and chance.random() < 0.3:
            rule["inhibited_by"] = [chance.choice(made)["id"]]
        made.append(rule)
    return make_set(made)


def feed_of(samples: list[Sent], plan: Plan, limits: LimitPieces, actions: tuple[Action, ...]) -> Feed:
    batch = Batch.build(
        "made_up",
        NAMES,
        [NAMES.index(series) for _, series, _, _ in samples],
        [round(t * SECOND) for t, _, _, _ in samples],
        value=[v if isinstance(v, float) else np.nan for _, _, v, _ in samples],
        state=[WORDS.index(v) if isinstance(v, str) else NO_WORD for _, _, v, _ in samples],
        quality=[quality for _, _, _, quality in samples],
        words=WORDS,
    )
    return Feed((batch,) if samples else (), (), plan, limits, actions)


def run(seed: int) -> list[tuple[Engine, Outcome]]:
    """Call the engine about once a second; once in some cases it was down, or the clock was put back."""
    chance = random.Random(seed)
    rules, samples = rules_of(chance), mostly_calm(chance)
    edges = sorted(chance.sample(range(60), 2))
    plan = Plan((PlannedBlock(Block(edges[0] * SECOND, edges[1] * SECOND, Category.USER), 0),))
    limits = LimitPieces((0, chance.randint(1, 59) * SECOND), dict.fromkeys(("tolerance", "nominal"), (4.0, 5.5)))
    hole = chance.choice([0, 0, 20])
    calls = sorted({c + chance.choice([0, 0, 0.5]) for c in range(1, 75) if not hole < c < hole + 10})
    engine, found, after = begin(rules, 0), list[tuple[Engine, Outcome]](), -1.0
    for clock in calls:
        came = [sample for arrival, sample in samples if after < arrival <= clock]
        actions: tuple[Action, ...] = ()
        if chance.random() < 0.05:
            at = round((clock - 0.2) * SECOND)
            actions = (Action("a0", chance.choice([ActionKind.ACK, ActionKind.OUT, ActionKind.IN]), "mori", at, "r"),)
        feed, until = feed_of(came, plan, limits, actions), round(clock * SECOND)
        if hole and after <= hole < clock - 5:
            engine, outcome = resume(engine, feed, until)
        else:
            engine, outcome = advance(engine, feed, until)
        found.append((engine, outcome))
        after = clock
    return found


def test_they_leave_the_engine_and_the_rows_as_if_each_was_decided_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    real, taken = machine.take_calm, list[int]()

    def counted(*given: Any) -> list[Any]:
        left = real(*given)
        taken.append(len(given[4]) - len(left))
        return left

    def none(*given: Any) -> list[Any]:
        return given[4]

    for seed in range(CASES):
        with monkeypatch.context() as patched:
            patched.setattr(machine, "take_calm", counted)
            at_once = run(seed)
        with monkeypatch.context() as patched:
            patched.setattr(machine, "take_calm", none)
            one_by_one = run(seed)
        for (engine, outcome), (wanted, expected) in zip(at_once, one_by_one, strict=True):
            assert outcome == expected, seed
            # When something is due next may differ: an instant too many changes nothing.
            wanted.holdings.due[:] = engine.holdings.due
            assert engine == wanted, seed
    assert sum(taken) > 20 * CASES, "hardly a sample was taken in one go"
