"""Random rule sets and random inputs for the alarm engine, small and full of coincidences."""

import itertools
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.alarms import FactSample, Feed, LimitPieces
from facility.alarms import Action, ActionKind, AlarmRule, AlarmRules, SeriesSpec, SeriesTable
from facility.batch import NO_WORD, Batch
from facility.schedule import Block, Category, Plan, PlannedBlock

SECOND = 1_000_000_000
END_S = 60
NUMBERS = ("x", "y")
STATES = ("m", "s")
FACT = "fact:forwarder_state"


def table() -> SeriesTable:
    specs = [
        SeriesSpec("x", "number", 8 * SECOND, physical_max=50.0, sources=("ring",)),
        SeriesSpec("y", "number", None, sources=("ring",)),
        SeriesSpec("m", "state", None, words=("user", "study"), sources=("ring",)),
        SeriesSpec("s", "state", 12 * SECOND, words=("a", "b")),
        SeriesSpec.of_link("ring"),
        SeriesSpec.of_fact(FACT),
    ]
    return SeriesTable("made_up", {spec.name: spec for spec in specs}, mode_signal="m")


TABLE = table()


@dataclass(frozen=True)
class Given:
    """A sample with its arrival."""

    stamp: int
    arrives: int
    series: str
    value: float | str | None
    quality: int


@dataclass(frozen=True)
class Case:
    rules: AlarmRules
    samples: tuple[Given, ...]
    actions: tuple[Action, ...]
    plan: Plan
    limits: LimitPieces
    reloads: tuple[tuple[int, AlarmRules], ...]
    until: int

    @property
    def has_rates(self) -> bool:
        return any("rate" in rule.model_dump_json() for rule in self.rules.rules)

    def feed(self, after: int, upto: int, *, by_stamp: bool = False, rules: AlarmRules | None = None) -> Feed:
        """What arrived in ``(after, upto]``, in order of arrival, or by stamp."""
        came = [g for g in self.samples if after < g.arrives <= upto]
        came.sort(key=lambda g: (g.stamp, g.arrives) if by_stamp else (g.arrives,))
        actions = tuple(a for a in self.actions if after < a.recorded_at_ns <= upto)
        batches, facts = columns(came)
        return Feed(batches, facts, self.plan, self.limits, actions, rules)


def columns(came: list[Given]) -> tuple[list[Batch], list[FactSample]]:
    facts = [FactSample(g.series, g.stamp, g.value) for g in came if g.series == FACT]
    signals = [g for g in came if g.series != FACT]
    if not signals:
        return [], facts
    names = tuple(TABLE.series)
    words = ("user", "study", "a", "b", "up", "down")
    batch = Batch.build(
        "made_up",
        names,
        [names.index(g.series) for g in signals],
        [g.stamp for g in signals],
        value=[g.value if isinstance(g.value, float) else np.nan for g in signals],
        state=[words.index(g.value) if isinstance(g.value, str) else NO_WORD for g in signals],
        quality=[g.quality for g in signals],
        words=words,
    )
    return [batch], facts


def make(seed: int) -> Case:
    """Make one case; the same for the same seed."""
    chance = random.Random(seed)
    rules = [make_rule(chance, i, chance.randint(1, 4)) for i in range(chance.randint(1, 4))]
    rules = _linked(chance, rules)
    late = chance.random() < 0.3
    samples = [_sample(chance, late) for _ in range(chance.randint(3, 25))]
    actions = sorted(
        (_action(chance) for _ in range(chance.choice([0, 1, 3, 6, 15, 30]))), key=lambda a: a.recorded_at_ns
    )
    actions = [
        Action(a.alarm, a.kind, a.author, a.recorded_at_ns, a.reason, a.occurrence, a.until_ns, a.once, i)
        for i, a in enumerate(actions)
    ]
    reloads = []
    if chance.random() < 0.2:
        changed = [r for r in rules if chance.random() < 0.7] or rules[:1]
        # The engine keeps no history for a rate that no rule asks for: one that is new begins with later samples.
        changed = [make_rule(chance, int(r["id"][1:]), 2) if chance.random() < 0.5 else r for r in changed]
        changed = [r for r in changed if r in rules or "rate" not in str(r["when"])] or rules[:1]
        reloads = [(chance.randint(5, 50) * SECOND, make_set(_linked(chance, changed)))]
    return Case(
        make_set(rules), tuple(samples), tuple(actions), _plan(chance), _limits(chance), tuple(reloads), END_S * SECOND
    )


def make_set(rules: list[dict[str, Any]]) -> AlarmRules:
    """Make rules of their keys."""
    return AlarmRules.of([AlarmRule.model_validate(r) for r in rules], TABLE)


def make_rule(chance: random.Random, number: int, depth: int) -> dict[str, Any]:
    """Make the keys of a rule."""
    text = {"en": "t", "ja": "t"}
    rule: dict[str, Any] = {
        "id": f"a{number}",
        "title": text,
        "priority": "high",
        "class": "c",
        "consequence": text,
        "action": text,
        "respond_within_s": 600.0,
        "when": _condition(chance, depth),
        "on_delay_s": chance.choice([0.0, 0.0, 1.0, 2.0, 3.0, 5.0, 10.0]),
        "off_delay_s": chance.choice([0.0, 0.0, 1.0, 2.0, 5.0]),
        "latch": chance.random() < 0.7,
        "chatter_count": chance.choice([0, 1, 2, 3, 3]),
        "chatter_within_s": chance.choice([5.0, 10.0, 20.0]),
        "shelve_max_h": chance.choice([0.004, 8.0]),
    }
    if chance.random() < 0.3:
        rule["realarm_after_s"] = chance.choice([2.0, 5.0, 10.0])
    if chance.random() < 0.3:
        rule["in_plan"] = chance.choice([["user"], ["user", "study"], ["unscheduled"]])
    if chance.random() < 0.3:
        rule["in_mode"] = ["user"]
    return rule


def _linked(chance: random.Random, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let some rules be inhibited by others, never in a circle."""
    order = chance.sample(range(len(rules)), len(rules))
    linked: list[dict[str, Any]] = [{k: v for k, v in r.items() if k != "inhibited_by"} for r in rules]
    for place, i in enumerate(order):
        sources = [linked[k]["id"] for k in order[:place] if chance.random() < 0.35]
        if sources:
            linked[i]["inhibited_by"] = sources
    return linked


def _condition(chance: random.Random, depth: int) -> dict[str, Any]:
    if depth > 1 and chance.random() < 0.35:
        kind = chance.choice(["all", "any", "not"])
        if kind == "not":
            return {"kind": "not", "of": _condition(chance, depth - 1)}
        return {"kind": kind, "of": [_condition(chance, depth - 1) for _ in range(chance.randint(1, 3))]}
    kind = chance.choice(["limit", "limit", "limit", "rate", "state", "state", "stale", "no_data"])
    if kind in ("limit", "rate"):
        condition: dict[str, Any] = {"kind": kind, "signal": chance.choice(NUMBERS)}
        scale = 10.0 if kind == "limit" else 0.5
        if kind == "rate":
            condition["window_s"] = chance.choice([2.0, 5.0])
        shape = chance.choice(["above", "below", "both", "named"])
        if shape in ("above", "both"):
            condition["above"] = scale
            if chance.random() < 0.5:
                condition["ends_below"] = scale * 0.8
        if shape in ("below", "both"):
            condition["below"] = scale * 0.2
            if chance.random() < 0.5:
                condition["ends_above"] = scale * 0.4
        if shape == "named":
            condition |= {"below": "tolerance", "ends_above": chance.choice(["tolerance", "nominal"])}
        return condition
    if kind == "state":
        return chance.choice(
            [
                {"kind": "state", "signal": "s", "words": ["b"]},
                {"kind": "state", "signal": "m", "words": ["study"]},
                {"kind": "state", "signal": "ring_link", "words": ["down"]},
                {"kind": "state", "fact": "forwarder_state", "words": ["a"]},
            ]
        )
    return {"kind": kind, "signal": chance.choice((*NUMBERS, *STATES)), "after_s": chance.choice([3.0, 5.0, 15.0])}


def _time(chance: random.Random) -> int:
    base = chance.randint(0, END_S * 2) * SECOND // 2
    return max(0, base + chance.choice([0, 0, 0, 0, 0, 0, 1, -1]))


def _sample(chance: random.Random, late: bool) -> Given:
    series = chance.choice([*NUMBERS, "x", "x", *STATES, "ring_link", FACT])
    value: float | str | None
    if series in NUMBERS:
        value = chance.choice([0.0, 2.0, 3.0, 4.0, 8.0, 9.0, 10.0, 10.5, 11.0, 60.0, float("nan"), float("inf")])
    else:
        value = chance.choice(
            {"m": ["user", "study"], "s": ["a", "b"], "ring_link": ["up", "up", "down"]}.get(series, ["a", "b", None])
        )
    stamp = _time(chance)
    arrives = stamp
    if late and chance.random() < 0.4:
        arrives = stamp + chance.choice([0, 1, SECOND, 3 * SECOND, 7 * SECOND, 20 * SECOND])
    return Given(stamp, arrives, series, value, chance.choice([0, 0, 0, 0, 0, 1, 2]))


def _action(chance: random.Random) -> Action:
    at = _time(chance)
    return Action(
        alarm=f"a{chance.choice([0, 0, 0, 1, 1, 2, 3, 4])}",
        kind=chance.choice(list(ActionKind)),
        author=chance.choice(["mori", "mori", "mori", " "]),
        recorded_at_ns=at,
        reason=chance.choice(["test", "test", "test", ""]),
        occurrence=chance.choice([None, None, 1, 2]),
        until_ns=at + chance.choice([-1, 0, 1, 3 * SECOND, 10 * SECOND, 20 * SECOND]),
        once=chance.random() < 0.3,
    )


def _plan(chance: random.Random) -> Plan:
    edges = sorted(chance.sample(range(END_S + 1), 4))
    words = [Category.USER, Category.STUDY, Category.SHUTDOWN]
    blocks = [
        Block(a * SECOND, b * SECOND, chance.choice(words))
        for a, b in itertools.pairwise(edges)
        if chance.random() < 0.8
    ]
    return Plan(tuple(PlannedBlock(b, 0) for b in blocks))


def _limits(chance: random.Random) -> LimitPieces:
    starts = tuple(t * SECOND for t in sorted(chance.sample(range(END_S), 3)))
    values = {name: tuple(chance.choice([None, 4.0, 9.0, 10.0]) for _ in starts) for name in ("tolerance", "nominal")}
    return LimitPieces(starts, values)
