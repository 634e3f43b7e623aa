"""Alarm rules compiled for Prometheus, each row of the mapping on Prometheus' own engine."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dashboards.rules.alertmanager import alertmanager_file
from dashboards.rules.compiled import Compiled, compile_rules
from dashboards.rules.rule import rule_file
from facility.alarms.rules import AlarmRules
from facility.alarms.series import SeriesTable
from facility.profile import load_profile
from servers import require

ROOT = Path(__file__).parents[2]
PROFILE = load_profile("nanoterasu_sim")
TABLE = SeriesTable.of(PROFILE, {"ring": [s.id for s in PROFILE.signals]})
F = 'facility="nanoterasu_sim"'
CURRENT = f'kado_signal_value{{{F},signal="stored_current"}}'
VACUUM = f'kado_signal_value{{{F},signal="vacuum_pressure"}}'
LIMIT = f'kado_limit{{{F},limit="minimum"}}'


def compiled(when: str, more: str = "") -> Compiled:
    text = f"""
[[alarm]]
id = "tried"
title = {{ en = "Tried", ja = "試験" }}
priority = "high"
class = "beam"
consequence = {{ en = "c", ja = "c" }}
action = {{ en = "a", ja = "a" }}
respond_within_s = 900.0
when = {when}
{more}
"""
    return compile_rules(AlarmRules.parse(text, TABLE).rules, PROFILE)


@pytest.fixture
def fires_at(tmp_path: Path) -> Callable[..., list[int]]:
    """Return the seconds, each ten, at which the compiled rule fires over two minutes of series each 10 s."""

    def run(found: Compiled, series: dict[str, str], until: int = 120) -> list[int]:
        (tmp_path / "rules.yml").write_text(rule_file(found.groups(), found.heading("x"), "docs"))
        fires: list[int] = []
        expected = [
            {
                "expr": 'count(ALERTS{alertname="tried",alertstate="firing"}) or vector(0)',
                "eval_time": f"{t}s",
                # Never right, so that promtool says what it got.
                "exp_samples": [{"labels": "{}", "value": -1}],
            }
            for t in range(0, until + 1, 10)
        ]
        document = {
            "rule_files": ["rules.yml"],
            "evaluation_interval": "10s",
            "tests": [
                {
                    "interval": "10s",
                    "input_series": [{"series": s, "values": v} for s, v in series.items()],
                    "promql_expr_test": expected,
                }
            ],
        }
        (tmp_path / "tests.yml").write_text(json.dumps(document))
        done = subprocess.run(
            [require("promtool"), "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True
        )
        for block in (done.stdout + done.stderr).split("expr: ")[1:]:
            time_s = block.partition("time: ")[2].partition(",")[0]
            if "got: {} 1E+00" in block or "got:{} 1E+00" in block.replace("got: ", "got:"):
                fires.append(_seconds(time_s))
        assert "FAILED" in done.stdout + done.stderr
        return fires

    return run


def _seconds(text: str) -> int:
    minutes, _, seconds = text.rpartition("m")
    return int(minutes or 0) * 60 + int(seconds.rstrip("s") or 0)


def test_a_limit_is_strict_and_ends_with_its_value(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "limit", signal = "vacuum_pressure", above = 500.0 }')
    assert fires_at(found, {VACUUM: "100 500 501 501 100 _ 600"}, until=60) == [20, 30, 60]
    assert found.alerts[0].labels["kado_mapping"] == "grid"


def test_a_limit_of_the_facility_is_the_one_in_force(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "limit", signal = "stored_current", below = "minimum" }')
    assert fires_at(found, {CURRENT: "15 15 15 15", LIMIT: "10 10 20 20"}, until=30) == [20, 30]


def test_a_limit_that_is_scraped_at_two_addresses_is_one_limit(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "limit", signal = "stored_current", below = "minimum" }')

    def at(series: str, address: str) -> str:
        return series.replace("}", f',job="kado",instance="{address}"}}')

    moved = {
        at(LIMIT, "here:9"): "10 10 10 10 stale",
        at(LIMIT, "there:9"): "_ _ 10 10 10 10",
        at(CURRENT, "here:9"): "15 5 stale",
        at(CURRENT, "there:9"): "_ _ 5 15 15 5",
    }
    assert fires_at(found, moved, until=50) == [10, 20, 50]


def test_counts_of_kado_at_two_addresses_are_not_added(fires_at: Callable[..., list[int]]) -> None:
    for fact, series in (
        ("dead_letters", ('kado_dead_letters{A,cause="too_long"}', 'kado_dead_letters{A,cause="not_json"}')),
        ("alarms_unknown", ('kado_alarms{A,state="unknown",priority="low"}', 'kado_alarms{A,state="unknown"}')),
    ):
        found = compiled(f'{{ kind = "limit", fact = "{fact}", above = 5.0 }}')
        moved = {
            name.replace("{A", f'{{{F},job="kado",instance="{address}"'): values
            for name in series
            for address, values in (("here:9", "2 2 stale"), ("there:9", "_ 2 2 3"))
        }
        assert fires_at(found, moved, until=30) == [30]


def test_the_deadband_holds_an_alert_that_fires_and_none_that_does_not(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "limit", signal = "vacuum_pressure", above = 500.0, ends_below = 300.0 }')
    assert fires_at(found, {VACUUM: "400 600 400 400 300 400 400"}, until=60) == [10, 20, 30]


def test_a_deadband_may_end_at_zero(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "limit", signal = "vacuum_pressure", above = 5.0, ends_below = 0.0 }')
    assert fires_at(found, {VACUUM: "6 3 3 0 3"}, until=40) == [0, 10, 20]


def test_the_deadband_is_left_out_beside_an_off_delay_and_that_is_said(fires_at: Callable[..., list[int]]) -> None:
    when = '{ kind = "limit", signal = "vacuum_pressure", above = 500.0, ends_below = 300.0 }'
    found = compiled(when, "off_delay_s = 20.0")
    (alert,) = found.alerts
    assert alert.labels["kado_mapping"] == "approximate"
    assert any("deadband is left out" in line for line in alert.comment)
    assert fires_at(found, {VACUUM: "400 600 400 400 400 400 400"}, until=60) == [10, 20, 30]


def test_a_rate_is_over_its_window(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "rate", signal = "stored_current", window_s = 30.0, below = -0.2 }')
    assert fires_at(found, {CURRENT: "200 200 200 200 190 190 190 190 190"}, until=80) == [40, 50, 60]


def test_an_on_delay_counts_from_the_first_evaluation_and_starts_anew_after_a_gap(
    fires_at: Callable[..., list[int]],
) -> None:
    found = compiled('{ kind = "limit", signal = "vacuum_pressure", above = 500.0 }', "on_delay_s = 20.0")
    assert fires_at(found, {VACUUM: "600 600 600 600 stale 600 600 600"}, until=70) == [20, 30, 70]


def test_an_off_delay_keeps_an_alert_firing(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "limit", signal = "vacuum_pressure", above = 500.0 }', "off_delay_s = 20.0")
    assert fires_at(found, {VACUUM: "600 100 100 100 100"}, until=40) == [0, 10, 20]


def test_a_state_is_one_of_its_words(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "state", signal = "machine_mode", words = ["study", "tuning"] }')
    mode = {
        f'kado_signal_state{{{F},signal="machine_mode",word="{word}"}}': values
        for word, values in (("user", "1 0 0 1"), ("study", "0 1 0 0"), ("tuning", "0 0 1 0"))
    }
    assert fires_at(found, mode, until=30) == [10, 20]


def test_a_link_is_the_state_of_its_source(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "state", signal = "ring_link", words = ["down"] }')
    assert fires_at(found, {f'kado_source_link{{{F},source="ring",state="down"}}': "0 1 1 0"}, until=30) == [10, 20]


@pytest.mark.parametrize(
    ("kind", "metric"), [("stale", "kado_signal_good_timestamp_seconds"), ("no_data", "kado_signal_timestamp_seconds")]
)
def test_a_stale_signal_is_one_of_that_age(kind: str, metric: str, fires_at: Callable[..., list[int]]) -> None:
    found = compiled(f'{{ kind = "{kind}", signal = "stored_current", after_s = 15.0 }}')
    assert fires_at(found, {f'{metric}{{{F},signal="stored_current"}}': "0 10 10 10 40"}, until=40) == [30]


def test_a_fact_and_a_figure_are_metrics(fires_at: Callable[..., list[int]]) -> None:
    ledger = compiled('{ kind = "limit", fact = "ledger_difference", above = 0.0, below = 0.0 }')
    assert fires_at(ledger, {f"kado_ledger_difference_samples{{{F}}}": "0 1 -1 0"}, until=30) == [10, 20]
    held = compiled('{ kind = "state", fact = "forwarder_state", words = ["holding"] }')
    assert fires_at(held, {f'kado_forwarder_state{{{F},state="holding"}}': "0 1 0"}, until=20) == [10]
    mode = compiled('{ kind = "state", fact = "mode_agreement", words = ["contradicts"] }')
    of_mode = f'{F},name="mode_agreement",word='
    series = {
        f'kado_fact_state{{{of_mode}"contradicts"}}': "0 1 0 stale",
        f'kado_fact_state{{{of_mode}"agrees"}}': "1 0 1 stale",
    }
    assert fires_at(mode, series, until=40) == [10]
    run = compiled('{ kind = "limit", figure = "mtbf_h", period = "run", below = 5.0 }')
    series = {f'kado_figure{{{F},definition="nanoterasu",period="run",name="mtbf_h"}}': "5 4 6"}
    assert fires_at(run, series, until=20) == [10]
    low = compiled(
        '{ kind = "limit", figure = "availability_pct", period = "month", below = "target_availability_pct",'
        " min_user_time_h = 24.0, min_coverage_pct = 99.0 }"
    )
    of = f'{F},definition="nanoterasu",period="month"'
    series = {
        f'kado_figure{{{of},name="availability_pct"}}': "98 98 98 99.5",
        f'kado_figure{{{of},name="user_time_s"}}': "80000 90000 90000 90000",
        f'kado_figure{{{of},name="coverage_pct"}}': "100 100 98 100",
    }
    assert fires_at(low, series, until=30) == [10]


def test_conditions_join_with_unknown_as_false(fires_at: Callable[..., list[int]]) -> None:
    high = '{ kind = "limit", signal = "vacuum_pressure", above = 500.0 }'
    lost = '{ kind = "limit", signal = "stored_current", below = 10.0 }'
    series = {VACUUM: "600 600 100 _ 600", CURRENT: "0 200 0 0 _", f"kado_build_info{{{F}}}": "1x10"}
    both = compiled(f'{{ kind = "all", of = [{high}, {lost}] }}')
    assert both.alerts[0].labels["kado_mapping"] == "approximate"
    assert fires_at(both, {**series, VACUUM: "600 600 100 stale 600", CURRENT: "0 200 0 0 stale"}, until=40) == [0]
    either = compiled(f'{{ kind = "any", of = [{high}, {lost}] }}')
    assert fires_at(either, {**series, VACUUM: "600 100 100 stale 600", CURRENT: "0 200 0 0 stale"}, until=40) == [
        0, 20, 30, 40,
    ]  # fmt: skip
    neither = compiled(f'{{ kind = "not", of = {high} }}')
    assert fires_at(neither, {**series, VACUUM: "600 100 stale 600"}, until=30) == [10, 20]


def test_a_rule_is_armed_by_the_plan_and_its_delay_starts_anew(fires_at: Callable[..., list[int]]) -> None:
    found = compiled(
        '{ kind = "limit", signal = "stored_current", below = 10.0 }',
        'on_delay_s = 10.0\nin_plan = ["user", "reserve"]',
    )
    plan = {
        f'kado_plan{{{F},category="{word}"}}': values
        for word, values in (("user", "0 0 1 1 1 0 0"), ("shutdown", "1 1 0 0 0 1 1"))
    }
    assert fires_at(found, {CURRENT: "0x10", **plan}, until=60) == [30, 40]


def test_a_rule_is_armed_by_the_mode_and_while_the_mode_is_not_known(fires_at: Callable[..., list[int]]) -> None:
    found = compiled('{ kind = "limit", signal = "stored_current", below = 10.0 }', 'in_mode = ["user"]')
    mode = {
        f'kado_signal_state{{{F},signal="machine_mode",word="{word}"}}': values
        for word, values in (("user", "1 0 stale"), ("study", "0 1 stale"))
    }
    assert fires_at(found, {CURRENT: "0x10", **mode}, until=20) == [0, 20]


def test_what_cannot_be_said_is_left_out_with_its_reason() -> None:
    for when, reason in (
        ('{ kind = "stale", signal = "ring_link", after_s = 60.0 }', "ring_link is not a signal of the profile"),
    ):
        found = compiled(when)
        assert found.alerts == ()
        assert found.left_out[0][0] == "tried"
        assert reason in found.left_out[0][1]
        assert any("Left out: tried" in line for line in found.heading("x"))


def test_the_shipped_rules_compile_and_tools_accept_them_and_their_inhibitions(tmp_path: Path) -> None:
    text = (ROOT / "facility" / "alarms" / "nanoterasu_sim.toml").read_text()
    found = compile_rules(AlarmRules.parse(text, TABLE).rules, PROFILE)
    assert found.left_out == ()
    labels: list[dict[str, Any]] = [dict(alert.labels) for alert in found.alerts]
    assert {label["via"] for label in labels} == {"prometheus"}
    assert {label["kado_mapping"] for label in labels} <= {"exact", "grid", "approximate"}
    rules, manager = tmp_path / "rules.yml", tmp_path / "alertmanager.yml"
    rules.write_text(rule_file(found.groups(), found.heading(PROFILE.id), "docs"))
    subprocess.run([require("promtool"), "check", "rules", str(rules)], check=True, capture_output=True)
    manager.write_text(alertmanager_file(found.inhibitions, "a test"))
    subprocess.run([require("amtool"), "check-config", str(manager)], check=True, capture_output=True)
    assert ("beam_lost", "low_beam") in {(i.source, i.target) for i in found.inhibitions}
