"""Prometheus' rules for kado: each fires when it should, and is silent when it should be."""

import json
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

from dashboards.export import dashboard_files
from dashboards.generate import ALERTMANAGER, RULES, RUNBOOKS, alertmanager_text, rules_text
from dashboards.rules.alertmanager import OWN_INHIBITIONS
from dashboards.rules.service import ALERTS, IN_USER_TIME, RECORDINGS
from facility.profile import load_profile
from kado.service.metrics.names import METRICS
from servers import require

ROOT = Path(__file__).parents[2]
RING = '{facility="ring"}'
DAY_S = 86_400

Series = dict[str, str]
"""Values over time, in promtool's notation, by series."""


def plan(category: str) -> Series:
    """Return the calendar: one category planned throughout."""
    words = ["user", "reserve", "study", "tuning", "maintenance", "shutdown", "commissioning", "unscheduled"]
    return {f'kado_plan{{facility="ring",category="{w}"}}': f"{int(w == category)}x400" for w in words}


USER = plan("user")

FIRES: list[tuple[str, Series, dict[str, str]]] = [
    ("KadoDown", {'up{job="kado",instance="a"}': "1 1 0x400"}, {"job": "kado", "instance": "a"}),
    ("KadoDown", {}, {"job": "kado"}),
    ("KadoNotReady", {f"kado_ready{RING}": "0x400"}, {"facility": "ring"}),
    (
        "KadoSourceLinkDown",
        USER | {'kado_source_link{facility="ring",source="s",state="up"}': "0x400"},
        {"facility": "ring", "source": "s", "state": "up"},
    ),
    (
        "KadoDataStale",
        USER
        | {'kado_delivery_age_seconds{facility="ring",signal="i"}': "0+15x400"}
        | {'kado_delivery_stale_after_seconds{facility="ring",signal="i"}': "10x400"},
        {"facility": "ring", "signal": "i"},
    ),
    ("KadoLandingFilling", {f"kado_landing_fill_ratio{RING}": "0.9x400"}, {"facility": "ring"}),
    (
        "KadoForwarderHeld",
        {'kado_forwarder_state{facility="ring",state="holding"}': "1x400"},
        {"facility": "ring", "state": "holding"},
    ),
    ("KadoForwarderLate", {f"kado_forwarder_lag_seconds{RING}": "1000x400"}, {"facility": "ring"}),
    ("KadoLedgerNotClosing", {f"kado_ledger_difference_samples{RING}": "3x400"}, {"facility": "ring"}),
    (
        "KadoBackupOld",
        {
            f"kado_backup_timestamp_seconds{RING}": f"{-9 * DAY_S}x400",
            f"kado_data_begun_timestamp_seconds{RING}": f"{-900 * DAY_S}x400",
        },
        {"facility": "ring"},
    ),
    # There never was one.
    ("KadoBackupOld", {f"kado_data_begun_timestamp_seconds{RING}": f"{-9 * DAY_S}x400"}, {"facility": "ring"}),
    (
        "KadoDiskFilling",
        {f"kado_disk_free_bytes{RING}": "5x400", f"kado_disk_size_bytes{RING}": "100x400"},
        {"facility": "ring"},
    ),
    (
        "KadoDiskFilling",
        {f"kado_disk_free_bytes{RING}": "90000-5x400", f"kado_disk_size_bytes{RING}": "100000x400"},
        {"facility": "ring"},
    ),
    ("KadoFiguresStale", {f"kado_figures_timestamp_seconds{RING}": "0x400"}, {"facility": "ring"}),
    ("KadoAlarmsStalled", {f"kado_alarm_position_timestamp_seconds{RING}": "0x400"}, {"facility": "ring"}),
    (
        "KadoNotificationsStuck",
        {'kado_notification_oldest_seconds{facility="ring",target="am"}': "0+15x400"},
        {"facility": "ring", "target": "am"},
    ),
]

SILENT: list[tuple[str, Series]] = [
    ("KadoDown", {'up{job="kado",instance="a"}': "1x400"}),
    ("KadoNotReady", {f"kado_ready{RING}": "0 0 0 1x400"}),
    *(
        (
            "KadoSourceLinkDown",
            plan(category) | {'kado_source_link{facility="ring",source="s",state="up"}': "0x400"},
        )
        for category in ("shutdown", "study", "maintenance", "tuning", "commissioning", "unscheduled")
    ),
    *(
        (
            "KadoDataStale",
            plan(category)
            | {'kado_delivery_age_seconds{facility="ring",signal="i"}': "900x400"}
            | {'kado_delivery_stale_after_seconds{facility="ring",signal="i"}': "10x400"},
        )
        for category in ("shutdown", "study", "maintenance", "tuning", "commissioning", "unscheduled")
    ),
    (
        "KadoDataStale",
        USER
        | {'kado_delivery_age_seconds{facility="ring",signal="i"}': "3x400"}
        | {'kado_delivery_stale_after_seconds{facility="ring",signal="i"}': "10x400"},
    ),
    ("KadoLandingFilling", {f"kado_landing_fill_ratio{RING}": "0.79x400"}),
    ("KadoForwarderHeld", {'kado_forwarder_state{facility="ring",state="holding"}': "1 1 0x400"}),
    ("KadoForwarderLate", {f"kado_forwarder_lag_seconds{RING}": "899x400"}),
    ("KadoLedgerNotClosing", {f"kado_ledger_difference_samples{RING}": "0x400"}),
    (
        "KadoBackupOld",
        {
            f"kado_backup_timestamp_seconds{RING}": f"{-6 * DAY_S}x400",
            f"kado_data_begun_timestamp_seconds{RING}": f"{-900 * DAY_S}x400",
        },
    ),
    ("KadoBackupOld", {f"kado_data_begun_timestamp_seconds{RING}": f"{-6 * DAY_S}x400"}),
    ("KadoDiskFilling", {f"kado_disk_free_bytes{RING}": "50x400", f"kado_disk_size_bytes{RING}": "100x400"}),
    ("KadoFiguresStale", {f"kado_figures_timestamp_seconds{RING}": "0+15x400"}),
    ("KadoAlarmsStalled", {f"kado_alarm_position_timestamp_seconds{RING}": "0+15x400"}),
    ("KadoNotificationsStuck", {'kado_notification_oldest_seconds{facility="ring",target="am"}': "10x400"}),
]


def promtool_test(tmp_path: Path, tests: list[dict[str, Any]]) -> str:
    (tmp_path / "kado.yml").write_text(rules_text())
    document = {"rule_files": ["kado.yml"], "evaluation_interval": "15s", "tests": tests}
    (tmp_path / "tests.yml").write_text(json.dumps(document))
    done = subprocess.run(
        [require("promtool"), "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def case(name: str, series: Series, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": "15s",
        "input_series": [{"series": s, "values": v} for s, v in series.items()],
        "alert_rule_test": [{"eval_time": "95m", "alertname": name, "exp_alerts": expected}],
    }


def labels_of(name: str, more: dict[str, str]) -> dict[str, str]:
    (alert,) = [a for a in ALERTS if a.name == name]
    return {"severity": alert.severity, "role": alert.role, **alert.labels, **more}


def test_the_committed_rules_and_the_configuration_of_alertmanager_are_what_the_code_makes() -> None:
    # After a change: python -m dashboards.generate
    assert RULES.read_text() == rules_text()
    assert ALERTMANAGER.read_text() == alertmanager_text()


def test_promtool_and_amtool_accept_them() -> None:
    subprocess.run([require("promtool"), "check", "rules", str(RULES)], check=True, capture_output=True)
    subprocess.run([require("amtool"), "check-config", str(ALERTMANAGER)], check=True, capture_output=True)


def test_every_rule_fires_when_it_should_with_its_labels(tmp_path: Path) -> None:
    assert {name for name, _, _ in FIRES} == {alert.name for alert in ALERTS}
    problems: list[str] = []
    # promtool compares annotations too, which hold values: a rule that fires is looked for as a series.
    tests: list[dict[str, Any]] = []
    for name, series, more in FIRES:
        expected = {"__name__": "ALERTS", "alertname": name, "alertstate": "firing", **labels_of(name, more)}
        text = ",".join(f'{k}="{v}"' for k, v in expected.items() if k != "__name__")
        tests.append(
            {
                "interval": "15s",
                "input_series": [{"series": s, "values": v} for s, v in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f'ALERTS{{alertname="{name}",alertstate="firing"}}',
                        "eval_time": "95m",
                        "exp_samples": [{"labels": f"ALERTS{{{text}}}", "value": 1}],
                    }
                ],
            }
        )
    if problem := promtool_test(tmp_path, tests):
        problems.append(problem)
    assert problems == []


def test_every_rule_is_silent_when_it_should_be(tmp_path: Path) -> None:
    assert {name for name, _ in SILENT} == {alert.name for alert in ALERTS}
    assert promtool_test(tmp_path, [case(name, series, []) for name, series in SILENT]) == ""


def test_a_test_of_a_rule_that_should_be_silent_can_fail(tmp_path: Path) -> None:
    name, series, _ = FIRES[2]
    assert "FAILED" in promtool_test(tmp_path, [case(name, series, [])])


def test_rules_on_the_machine_are_armed_by_the_calendar_alone() -> None:
    armed = {alert.name for alert in ALERTS if IN_USER_TIME in alert.expression}
    assert armed == {"KadoSourceLinkDown", "KadoDataStale"}


def test_rules_ask_for_metrics_that_there_are() -> None:
    exposed = {m.exposed for m in METRICS} | {f"{m.name}_bucket" for m in METRICS if m.kind == "histogram"}
    # Comes with the notifications of alarms.
    exposed |= {"kado_notification_oldest_seconds"}
    asked = {name for rule in (*ALERTS, *RECORDINGS) for name in re.findall(r"(?<![\w:])kado_\w+", rule.expression)}
    assert asked <= exposed


def test_every_rule_has_its_place_on_the_page_that_its_runbook_link_leads_to() -> None:
    # After a change: python docs/reference/write_alerts.py
    writer = runpy.run_path(str(ROOT / "docs" / "reference" / "write_alerts.py"))
    page = (ROOT / RUNBOOKS).read_text()
    assert page == writer["page"]()
    anchors = {heading.lower() for heading in re.findall(r"^## (.*)$", page, re.MULTILINE)}
    assert anchors == {alert.name.lower() for alert in ALERTS}


def test_inhibitions_name_rules_that_there_are() -> None:
    names = {alert.name for alert in ALERTS}
    assert {name for rule in OWN_INHIBITIONS for name in (rule.source, rule.target)} <= names


def test_links_have_one_state_each_though_kado_has_moved_to_another_address(tmp_path: Path) -> None:
    files = dashboard_files(load_profile("nanoterasu"), "en")
    (panel,) = [p for p in json.loads(files["engineers.json"])["panels"] if p["title"] == "Links of the sources"]
    (target,) = panel["targets"]
    series: Series = {}
    for instance, state in (("old", "up"), ("new", "connecting")):
        for each in ("up", "connecting", "down"):
            labels = f'facility="ring",source="s",instance="{instance}",job="kado",state="{each}"'
            series[f"kado_source_link{{{labels}}}"] = f"{int(each == state)}x400"
    expected = [{"labels": '{source="s"}', "value": 2}]
    asked = {"expr": target["expr"].replace("$facility", "ring"), "eval_time": "5m", "exp_samples": expected}
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    assert promtool_test(tmp_path, [{"interval": "15s", "input_series": inputs, "promql_expr_test": [asked]}]) == ""
