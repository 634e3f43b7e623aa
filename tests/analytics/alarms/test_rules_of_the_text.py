"""Each rule of the specification in a scenario of its own, edges a nanosecond to either side."""

import random

import pytest

from alarm_cases import make
from alarm_runs import ALLOWED, calls_of, run_both
from alarm_scenario_parts import X
from alarm_scenarios_of_changes import CHANGES
from alarm_scenarios_of_states import STATES
from alarm_scenarios_of_values import VALUES
from analytics.alarms.scenarios import compare, parse, run
from facility.alarms import RefusalReason

CASES = {**VALUES, **STATES, **CHANGES}


@pytest.mark.parametrize("name", CASES, ids=lambda name: name)
def test_rule_of_the_text(name: str) -> None:
    raw = {"name": name, "until": 50, "signals": [X], **CASES[name]}
    scenario = parse(raw)
    assert [d.line() for mode, got in run(scenario) if (d := compare(scenario, mode, got)) is not None] == []


def test_every_transition_of_the_table_and_every_refusal_happens_in_the_random_cases_and_no_other() -> None:
    wanted = {(a, b, cause) for a, row in ALLOWED.items() for b, causes in row.items() for cause in causes}
    refused: set[str] = set()
    seen: set[tuple[str, str, str]] = {(row[2], row[3], row[4]) for c in CASES.values() for row in c["expected"]}
    for seed in range(600):
        case = make(seed)
        _, _, outcomes = run_both(case, calls_of(case, random.Random(seed)))
        refused |= {r.reason.value for o in outcomes for r in o.refusals}
        seen |= {(t.from_state.value, t.to_state.value, t.cause.value) for o in outcomes for t in o.transitions}
    assert seen - wanted == set()
    assert wanted - seen == set()
    assert refused == {reason.value for reason in RefusalReason}
