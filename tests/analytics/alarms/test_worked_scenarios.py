import json
from pathlib import Path
from typing import Any

import pytest

from analytics.alarms.kpi_scenarios import run_kpi
from analytics.alarms.scenarios import compare, parse, run, run_file
from facility.errors import AlarmScenarioError

WORKED: dict[str, Any] = json.loads((Path(__file__).parent / "worked_scenarios.json").read_text())


@pytest.mark.parametrize("raw", WORKED["scenarios"], ids=lambda raw: raw["name"])
def test_each_worked_scenario_gives_its_rows_live_and_in_replay_however_time_is_cut(raw: dict[str, Any]) -> None:
    scenario = parse(raw)
    differences = [compare(scenario, mode, got) for mode, got in run(scenario)]
    assert [d.line() for d in differences if d is not None] == []


@pytest.mark.parametrize("raw", WORKED["kpi_scenarios"], ids=lambda raw: raw["name"])
def test_each_worked_case_of_figures_gives_them(raw: dict[str, Any]) -> None:
    assert run_kpi(raw) is None


def test_a_file_says_how_many_scenarios_and_runs_there_were_and_which_row_differs_first() -> None:
    raw = json.loads(json.dumps(WORKED["scenarios"][0]))
    raw["expected"][1][4] = "released"
    report = run_file({"scenarios": [raw, WORKED["scenarios"][1]]})
    assert report.summary() == "2 scenarios, 14 runs, 1 differ"
    assert report.differences[0].line() == (
        "limit_is_strict (live): row 2: expected [10, a, normal, unacked, released], "
        "got [10, a, normal, unacked, raised]"
    )


def test_a_row_that_is_missing_and_a_refusal_that_is_missing_are_differences() -> None:
    raw = json.loads(json.dumps(WORKED["scenarios"][0]))
    raw["expected"].append([25, "a", "rtn_unacked", "normal", "acknowledged"])
    assert "got no more rows" in run_file({"scenarios": [raw]}).differences[0].line()
    raw = json.loads(json.dumps(WORKED["scenarios"][0]))
    raw["refusals"] = [[5, "a", "ack", "no_author"]]
    assert "refusal 1: expected [5, a, ack, no_author]" in run_file({"scenarios": [raw]}).differences[0].line()


def test_a_figure_that_differs_is_named() -> None:
    raw = json.loads(json.dumps(WORKED["kpi_scenarios"][0]))
    raw["expected"]["max_per_10min"] = 12
    assert "max_per_10min" in run_file({"kpi_scenarios": [raw]}).differences[0].line()


def test_a_file_of_another_form_is_refused() -> None:
    with pytest.raises(AlarmScenarioError, match="neither scenarios nor kpi_scenarios"):
        run_file({})


def test_a_scenario_that_cannot_be_read_differs_and_the_others_are_run() -> None:
    report = run_file({"scenarios": [{"name": "x", "rules": ""}, WORKED["scenarios"][0]]})
    assert report.summary() == "2 scenarios, 7 runs, 1 differ"
    assert report.differences[0].line() == "x (reading): scenario x: 'until' is missing"
