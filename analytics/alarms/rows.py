"""The engine as rows of text, and back: what is kept over a restart.

One row for the engine, one for its rules, one for each series that ever had a sample, one for each alarm. `to_rows` and
`from_rows` are exact inverses.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from analytics.alarms.holdings import Holdings, Sample
from analytics.alarms.phases import Phase, Record, next_due
from analytics.alarms.program import compiled
from analytics.alarms.state import Engine
from facility.alarms import Action, ActionKind, AlarmRule, AlarmRules, AlarmState, SeriesTable
from facility.schedule import Category

ENGINE = "engine"
RULES = "rules"


def to_rows(engine: Engine) -> dict[str, str]:
    """Return everything that the engine keeps, as JSON by the name of its row."""
    rows = {ENGINE: engine_row(engine), RULES: engine.rules.text}
    for i in range(len(engine.program.series)):
        if (text := series_row(engine, i)) is not None:
            rows[f"series {engine.program.series[i].name}"] = text
    for i, rule in enumerate(engine.program.rules):
        rows[f"alarm {rule.id}"] = alarm_row(engine, i)
    return rows


def engine_row(engine: Engine) -> str:
    """Return what belongs to no single series or alarm."""
    return _json(
        {
            "position": engine.position_ns,
            "start": engine.start_ns,
            "fresh": engine.fresh,
            "category": None if engine.category is None else engine.category.value,
            "limits": engine.limits,
            "mode": engine.mode,
            "waiting": [list(s) for s in engine.waiting],
            "actions": [asdict(a) for a in engine.actions],
            "reload": None if engine.reload is None else engine.reload.text,
            "retired": engine.retired,
            "heard": engine.holdings.heard,
            "cut": engine.holdings.cut,
        }
    )


def series_row(engine: Engine, i: int) -> str | None:
    """Return what is kept for one series; None if it never had a sample and nothing of it is due."""
    h = engine.holdings
    row = [h.stamp[i], h.value[i], h.ok[i], h.good[i], h.older[i], h.newest[i], h.due[i]]
    if row == _NOTHING and i not in h.history and i not in h.minima:
        return None
    return _json([*row, h.history.get(i), h.minima.get(i)])


def alarm_row(engine: Engine, i: int) -> str:
    """Return what is kept for one alarm, with the memories and verdicts of its conditions."""
    record = engine.records[i]
    found = engine.program.leaves_of_alarm[i]
    row: dict[str, Any] = {name: getattr(record, name) for name in _FIELDS}
    row["memory"] = [engine.memory[k] for k in found]
    row["verdicts"] = [engine.verdicts[k] for k in found]
    return _json(row)


def from_rows(rows: Mapping[str, str], table: SeriesTable) -> Engine:
    """Return the engine that `to_rows` was given, with the rules that it had.

    Parameters
    ----------
    table
        The series of the facility, as they are now; series that are gone are forgotten.
    """
    rules = _rules(rows[RULES], table)
    program = compiled(rules)
    kept: dict[str, Any] = json.loads(rows[ENGINE])
    holdings = Holdings.empty(len(program.series))
    for i, spec in enumerate(program.series):
        if (text := rows.get(f"series {spec.name}")) is None:
            continue
        row = json.loads(text)
        (
            holdings.stamp[i],
            holdings.value[i],
            holdings.ok[i],
            holdings.good[i],
            holdings.older[i],
            holdings.newest[i],
            holdings.due[i],
            history,
            minima,
        ) = row
        if history is not None:
            holdings.history[i] = tuple((t, v) for t, v in history)
        if minima is not None:
            holdings.minima[i] = (minima[0], minima[1])
    holdings.heard, holdings.cut = kept["heard"], kept["cut"]
    memory, verdicts = [False] * len(program.leaves), list[bool | None]([None]) * len(program.leaves)
    records: list[Record] = []
    for i, rule in enumerate(program.rules):
        row = json.loads(rows[f"alarm {rule.id}"])
        for k, was, verdict in zip(program.leaves_of_alarm[i], row.pop("memory"), row.pop("verdicts"), strict=True):
            memory[k], verdicts[k] = was, verdict
        records.append(_record(row))
    category, reload = kept["category"], kept["reload"]
    return Engine(
        rules=rules,
        position_ns=kept["position"],
        start_ns=kept["start"],
        holdings=holdings,
        memory=memory,
        verdicts=verdicts,
        records=records,
        alarm_due=[next_due(r, rule) for r, rule in zip(records, program.rules, strict=True)],
        fresh=kept["fresh"],
        category=None if category is None else Category(category),
        limits=kept["limits"],
        mode=kept["mode"],
        waiting=tuple(Sample(*s) for s in kept["waiting"]),
        actions=tuple(_action(a) for a in kept["actions"]),
        reload=None if reload is None else _rules(reload, table),
        retired={alarm: (occurrence, seq) for alarm, (occurrence, seq) in kept["retired"].items()},
    )


_FIELDS = tuple(f.name for f in fields(Record))
_NOTHING = [getattr(Holdings.empty(1), name)[0] for name in ("stamp", "value", "ok", "good", "older", "newest", "due")]


def _record(row: dict[str, Any]) -> Record:
    row["phase"], row["inner"], row["shown"] = Phase(row["phase"]), AlarmState(row["inner"]), AlarmState(row["shown"])
    row["raises"], row["by_alarms"] = tuple(row["raises"]), tuple(row["by_alarms"])
    return Record(**row)


def _action(row: dict[str, Any]) -> Action:
    row["kind"] = ActionKind(row["kind"])
    return Action(**row)


def _rules(text: str, table: SeriesTable) -> AlarmRules:
    return AlarmRules.of([AlarmRule.model_validate_json(line) for line in text.splitlines()], table)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
