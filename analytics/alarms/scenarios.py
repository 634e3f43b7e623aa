"""Scenarios: worked cases in JSON, with the rows that they must give, live and in replay.

``t`` is seconds from any instant. The format is described in ``docs/reference/alarm-scenarios.md``.
"""

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

from analytics.alarms.engine import advance, begin, resume
from analytics.alarms.feed import FactSample, Feed, Outcome
from analytics.alarms.kpi_scenarios import run_kpi
from analytics.alarms.scenario_files import Input, Row, Scenario, parse
from facility.batch import NO_WORD, Batch
from facility.errors import AlarmScenarioError, UsageError
from facility.quality import Quality
from facility.sentence import Sentence
from facility.time import NS_PER_S, to_ns

if TYPE_CHECKING:
    from facility.alarms import AlarmRules

RANDOM_CUTTINGS: Final = 5
BACK_NS: Final = 5 * NS_PER_S
"""A reading of the clock more than this before the position is a resume."""


@dataclass(frozen=True, slots=True)
class Got:
    """What one run of a scenario gave, in the form of the file."""

    rows: tuple[Row, ...]
    refusals: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row in which a scenario differs."""

    scenario: str
    mode: str
    what: str
    """``row``, ``refusal`` or ``figure``; ``file`` for a scenario that cannot be read."""
    number: int
    """From 1."""
    expected: Row | None
    got: Row | None
    problem: str = ""
    """Why the scenario cannot be read; empty if it can."""

    def line(self) -> str:
        """Return the difference as one line for people."""
        if self.problem:
            return f"{self.scenario} ({self.mode}): {'; '.join(self.problem.splitlines())}"
        return (
            f"{self.scenario} ({self.mode}): {self.what} {self.number}: "
            f"expected {_shown(self.expected)}, got {_shown(self.got)}"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What a file of scenarios gave."""

    scenarios: int
    runs: int
    differences: tuple[Difference, ...]
    """At most one a scenario: the first that was found."""

    def summary(self) -> str:
        """Return the last line."""
        return f"{self.scenarios} scenarios, {self.runs} runs, {len(self.differences)} differ"


def run_file(document: Mapping[str, Any], seed: int = 0) -> Report:
    """Run all scenarios of a file.

    Raises
    ------
    AlarmScenarioError
        If the document is not of the form.
    """
    scenarios = _list(document, "scenarios")
    kpis = _list(document, "kpi_scenarios")
    if not scenarios and not kpis:
        raise AlarmScenarioError(Sentence("the file has neither scenarios nor kpi_scenarios"))
    runs = 0
    differences: list[Difference] = []
    for number, raw in enumerate(scenarios, 1):
        try:
            scenario = parse(raw, number)
        except UsageError as error:
            # One that cannot be read does not keep the others from being run.
            named = cast("dict[str, Any]", raw if isinstance(raw, dict) else {})
            name = str(named.get("name", f"scenario {number}"))
            differences.append(Difference(name, "reading", "file", 0, None, None, str(error)))
            continue
        first: Difference | None = None
        for mode, got in run(scenario, seed):
            runs += 1
            if first is None:
                first = compare(scenario, mode, got)
        differences += [] if first is None else [first]
    for raw in kpis:
        runs += 1
        try:
            found = run_kpi(raw)
        except AlarmScenarioError as error:
            differences.append(Difference("figures", "reading", "file", 0, None, None, str(error)))
            continue
        differences += [] if found is None else [Difference(*found)]
    return Report(len(scenarios) + len(kpis), runs, tuple(differences))


def run(scenario: Scenario, seed: int = 0) -> Iterable[tuple[str, Got]]:
    """Yield each run of a scenario: its name, such as ``live`` or ``live, cutting 3``, and what it gave."""
    for mode in scenario.modes:
        if mode == "replay":
            yield mode, replay_run(scenario)
            continue
        yield mode, live_run(scenario, _ticks(scenario))
        if scenario.tick_matters or scenario.calls_ns is not None:
            continue
        for number in range(1, RANDOM_CUTTINGS + 1):
            chance = random.Random(f"{seed} {scenario.name} {number}")
            yield f"{mode}, cutting {number}", live_run(scenario, _cuts(scenario, chance))


def compare(scenario: Scenario, mode: str, got: Got) -> Difference | None:
    """Return the first difference between a run and what the scenario expects."""
    kind = mode.split(",")[0]
    for what, expected, found in (
        ("row", scenario.expected[kind], got.rows),
        ("refusal", scenario.refusals[kind], got.refusals),
    ):
        for i in range(max(len(expected), len(found))):
            wanted = expected[i] if i < len(expected) else None
            given = found[i] if i < len(found) else None
            if wanted is None or given is None or not _same(wanted, given):
                return Difference(scenario.name, mode, what, i + 1, wanted, given)
    return None


# ---------------------------------------------------------------------- runs


def replay_run(scenario: Scenario) -> Got:
    """Give everything in order of stamps to one `advance`; rules that change cut it there."""
    inputs = sorted(scenario.inputs, key=lambda s: (s.time_ns, s.arrives_ns, s.order))
    engine, outcomes = begin(scenario.rules, 0), list[Outcome]()
    batches, facts = _batches(scenario, inputs)
    rules: AlarmRules | None = None
    actions = scenario.actions
    for at, following in [*((t, r) for t, r in scenario.reloads if t < scenario.until_ns), (scenario.until_ns, None)]:
        feed = Feed(batches, facts, scenario.plan, scenario.limits, actions, rules)
        engine, outcome = advance(engine, feed, at)
        outcomes.append(outcome)
        batches, facts, actions, rules = (), (), (), following
    return _got(scenario, outcomes)


def live_run(scenario: Scenario, ticks: Sequence[int]) -> Got:
    """Call the engine at the readings `ticks` of kado's clock, handing over what arrived until then."""
    engine, outcomes = begin(scenario.rules, 0), list[Outcome]()
    ups = {r.up_ns for r in scenario.restarts}
    # While kado is down nobody reads rules: those of the file at its start are in force from there.
    reloads: dict[int, AlarmRules] = {}
    resumed: dict[int, AlarmRules] = {}
    for t, changed in scenario.reloads:
        up = next((r.up_ns for r in scenario.restarts if r.down_ns <= t < r.up_ns), None)
        if up is None:
            reloads[t] = changed
        else:
            resumed[up] = changed
    given: set[int] = set()
    acted = 0
    rules: AlarmRules | None = None
    arrivals = _arrivals(scenario)
    zero_based = any(s.in_call == 0 for s in scenario.inputs)
    actions = sorted(scenario.actions, key=lambda a: a.recorded_at_ns)
    for number, clock in enumerate(ticks, 0 if zero_based else 1):
        now = [
            (arrival, s.order, s)
            for s, arrival in arrivals
            if s.order not in given and (s.in_call == number if s.in_call is not None else arrival <= clock)
        ]
        given.update(order for _, order, _ in now)
        batches, facts = _batches(scenario, [s for _, _, s in sorted(now, key=lambda x: x[:2])])
        until_action = acted
        while until_action < len(actions) and actions[until_action].recorded_at_ns <= clock:
            until_action += 1
        feed = Feed(batches, facts, scenario.plan, scenario.limits, actions[acted:until_action], rules)
        acted, rules = until_action, None
        feed = replace(feed, rules=resumed.get(clock, feed.rules))
        until = clock - scenario.settle_ns
        if (scenario.calls_ns is None and clock in ups) or until < engine.position_ns - BACK_NS:
            engine, outcome = resume(engine, feed, until)
        else:
            engine, outcome = advance(engine, feed, until)
        outcomes.append(outcome)
        rules = reloads.get(clock)
    return _got(scenario, outcomes)


def _ticks(scenario: Scenario) -> list[int]:
    if scenario.calls_ns is not None:
        return list(scenario.calls_ns)
    return _without_downtime(scenario, set(range(0, scenario.until_ns, NS_PER_S)))


def _cuts(scenario: Scenario, chance: random.Random) -> list[int]:
    """Return random readings of the clock, among them some at and beside the stamps of the scenario."""
    stamps = [s.time_ns for s in scenario.inputs] + [a.recorded_at_ns for a in scenario.actions]
    near = [t + d for t in chance.sample(stamps, min(len(stamps), 6)) for d in (-1, 0, 1) if chance.random() < 0.5]
    some = [chance.randrange(scenario.until_ns) for _ in range(chance.randrange(20))] if scenario.until_ns else []
    return _without_downtime(scenario, {t for t in (*near, *some) if 0 <= t < scenario.until_ns})


def _without_downtime(scenario: Scenario, ticks: set[int]) -> list[int]:
    ticks = {t for t in ticks if not any(r.down_ns < t < r.up_ns for r in scenario.restarts)}
    ticks |= {t for r in scenario.restarts for t in (r.down_ns, r.up_ns)}
    down = [(r.down_ns, r.up_ns) for r in scenario.restarts]
    ticks |= {t for t, _ in scenario.reloads if not any(a <= t < b for a, b in down)}
    return sorted({*(t for t in ticks if t <= scenario.until_ns), scenario.until_ns})


def _arrivals(scenario: Scenario) -> list[tuple[Input, int]]:
    """Return each sample with its arrival; what arrives while kado is down waits for it, or is lost."""
    found: list[tuple[Input, int]] = []
    for sample in scenario.inputs:
        arrival, lost = sample.arrives_ns, False
        for restart in scenario.restarts:
            if restart.down_ns < arrival < restart.up_ns:
                lost, arrival = not restart.backlog, restart.up_ns
        if not lost:
            found.append((sample, arrival))
    return found


def _batches(scenario: Scenario, inputs: Sequence[Input]) -> tuple[list[Batch], list[FactSample]]:
    table = scenario.rules.table.series
    facts: list[FactSample] = []
    signals: list[Input] = []
    for sample in inputs:
        if sample.series in table and table[sample.series].kind == "fact":
            bad = sample.quality == "bad" or (sample.quality == "uncertain" and sample.reason == "clock")
            facts.append(FactSample(sample.series, sample.time_ns, None if bad else sample.value))
        else:
            signals.append(sample)
    if not signals:
        return [], facts
    names = tuple(dict.fromkeys(s.series for s in signals))
    words = tuple(dict.fromkeys(w for s in signals for w in (s.value, s.reason) if isinstance(w, str)))
    code = {w: i for i, w in enumerate(words)}
    batch = Batch.build(
        scenario.rules.table.facility,
        names,
        [names.index(s.series) for s in signals],
        [s.time_ns for s in signals],
        arrival_ns=[s.arrives_ns for s in signals],
        value=[s.value if isinstance(s.value, float) else math.nan for s in signals],
        state=[code[s.value] if isinstance(s.value, str) else NO_WORD for s in signals],
        quality=[Quality.from_word(s.quality) for s in signals],
        reason=[NO_WORD if s.reason is None else code[s.reason] for s in signals],
        words=words,
    )
    return [batch], facts


def _got(scenario: Scenario, outcomes: Iterable[Outcome]) -> Got:
    outcomes = list(outcomes)
    rows = [
        (_seconds(t.time_ns), t.alarm, t.from_state.value, t.to_state.value, t.cause.value)
        for o in outcomes
        for t in o.transitions
    ]
    refusals = [(_seconds(r.time_ns), r.alarm, r.action.value, r.reason.value) for o in outcomes for r in o.refusals]
    return Got(tuple(rows), tuple(refusals))


def _seconds(ns: int) -> int | float:
    return ns // NS_PER_S if ns % NS_PER_S == 0 else ns / NS_PER_S


def _same(wanted: Row, given: Row) -> bool:
    return len(wanted) == len(given) and to_ns(wanted[0]) == to_ns(given[0]) and tuple(wanted[1:]) == tuple(given[1:])


def _shown(row: Row | None) -> str:
    return "no more rows" if row is None else "[" + ", ".join(str(x) for x in row) + "]"


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    found = document.get(key, [])
    if not isinstance(found, list):
        raise AlarmScenarioError(Sentence("{key} is not a list", key=key))
    return cast("list[Any]", found)
