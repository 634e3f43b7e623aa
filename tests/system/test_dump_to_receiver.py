"""A beam dump in a running kado reaches a receiver through a real Prometheus and a real Alertmanager.

The same kado answers every PromQL expression of every dashboard.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboards.export import DASHBOARDS, dashboard_files
from dashboards.generate import RUNBOOKS
from dashboards.rules.alertmanager import OWN_INHIBITIONS, ROLES, alertmanager_file
from dashboards.rules.compiled import compile_rules
from dashboards.rules.rule import rule_file
from dashboards.rules.service import service_groups
from facility.alarms.rules import AlarmRules
from facility.alarms.series import SeriesTable
from facility.profile import load_profile
from grafana_panels import Grafana, ask
from kado.service.metrics.names import METRICS
from servers import Server, free_port
from watchers import Alertmanager, Prometheus, Receiver

ROOT = Path(__file__).parents[2]
PROFILE = load_profile("nanoterasu_sim")
CONFIGURATION = """
facility = "nanoterasu_sim"
[alarms]
[metrics]
listen = "127.0.0.1:{port}"
[[source]]
id = "ring"
kind = "simulator"
scenario = "quiet_week"
"""

# What a quiet ring with an embedded store and no alarm has nothing to say of; its mode comes each minute.
NOTHING_TO_SAY = {
    "Forwarder backlog", "Forwarder lag", "Answers of InfluxDB", "Rejected and dropped", "Dead letters",
    "Active alarms", "Alerts on kado", "Backup age", "Since the last failure",
    "In this state for", "Machine mode",
}  # fmt: skip
OF_OTHER_PARTS = {"process_cpu_seconds_total", "process_resident_memory_bytes"}


def kado(folder: Path, *words: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "kado", *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def running(tmp_path: Path, servers: list[Server]) -> Iterator[tuple[Path, int]]:
    """Run kado in user time; yield its folder and the port of its metrics."""
    port = free_port()
    (tmp_path / "kado.toml").write_text(CONFIGURATION.format(port=port))
    now = datetime.now(UTC)
    # So long that the downtime budget of the year is not nearly used from the start.
    start, end = (t.isoformat() for t in (now - timedelta(hours=1), now + timedelta(days=60)))
    published = (now - timedelta(hours=2)).isoformat()
    (tmp_path / "plan.csv").write_text(f"start,end,category,published_at\n{start},{end},user,{published}\n")
    kado(tmp_path, "schedule", "import", "plan.csv")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")} | {"PYTHONPATH": str(ROOT)}
    with (tmp_path / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kado", "run"], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    try:
        yield tmp_path, port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def start(servers: list[Server]) -> Iterator[Callable[[Server], None]]:
    started: list[Server] = []

    def start(server: Server) -> None:
        started.append(server)
        servers.append(server)
        server.start()

    yield start
    for server in started:
        server.stop()


def panels_with_promql() -> list[tuple[str, str, dict[str, object]]]:
    return [
        (name, panel["title"], target)
        for name in DASHBOARDS
        for panel in json.loads(dashboard_files(PROFILE, "en")[f"{name}.json"])["panels"]
        for target in panel.get("targets", [])
        if "expr" in target
    ]


def test_dashboards_ask_for_metrics_that_there_are() -> None:
    exposed = {m.exposed for m in METRICS} | {f"{m.name}_bucket" for m in METRICS if m.kind == "histogram"}
    asked = {
        name
        for _, _, target in panels_with_promql()
        for name in re.findall(r"(?<![\w:$])(?:kado|process)_\w+(?!\w*\()", str(target["expr"]))
    }
    assert asked - OF_OTHER_PARTS <= exposed


@pytest.mark.timeout(180)
def test_a_beam_dump_reaches_the_receiver_and_every_panel_has_an_answer(
    running: tuple[Path, int], start: Callable[[Server], None], tmp_path: Path
) -> None:
    folder, port = running
    table = SeriesTable.of(PROFILE, {"ring": [s.id for s in PROFILE.signals]})
    text = (ROOT / "facility" / "alarms" / "nanoterasu_sim.toml").read_text()
    compiled = compile_rules(AlarmRules.parse(text, table).rules, PROFILE)
    rules = rule_file([*service_groups(), *compiled.groups()], [], RUNBOOKS).replace('"5s"', '"1s"')
    with Receiver() as receiver:
        manager_text = alertmanager_file(
            (*OWN_INHIBITIONS, *compiled.inhibitions), {role: f"{receiver.url}/{role}" for role in ROLES}
        ).replace("group_wait: 10s", "group_wait: 1s")
        manager = Alertmanager(tmp_path / "alertmanager", manager_text)
        start(manager)
        prometheus = Prometheus(
            tmp_path / "prometheus",
            f"127.0.0.1:{port}",
            rules=rules.replace("interval: 5s", "interval: 1s"),
            alertmanager=manager.address,
        )
        start(prometheus)
        prometheus.wait_for('kado_beam_state{state="up"} == 1', 60)
        prometheus.wait_for('kado_plan{category="user"} == 1')
        prometheus.wait_for("kado_ready == 1")
        prometheus.wait_for("kado_signal_value{signal='beam_lifetime'}")
        # Rates need two scrapes.
        prometheus.wait_for("count_over_time(kado_build_info[1m]) > 5")
        silent = _ask_every_panel(prometheus)
        assert silent <= NOTHING_TO_SAY
        assert receiver.received == []

        dumped = time.time()
        kado(folder, "simulate", "inject", "beam_dump", "--for", "10min")
        deadline = time.monotonic() + 60
        while ("/operators", "firing", "beam_lost") not in receiver.names():
            assert time.monotonic() < deadline, prometheus.query("ALERTS")
            time.sleep(0.1)
        arrived = next(at for at, _, body in receiver.received if "beam_lost" in json.dumps(body))
        print(f"\nfrom the command to dump until the notification: {arrived - dumped:.1f} s (of it 3 s on_delay)")
        prometheus.wait_for('kado_beam_state{state="none"} == 1')
        # kado's own engine says the same.
        prometheus.wait_for('kado_alarm_state{alarm="beam_lost"} == 4')
        (alert,) = [a for _, _, b in receiver.received for a in b["alerts"] if a["labels"]["alertname"] == "beam_lost"]
        assert alert["labels"]["via"] == "prometheus"
        assert alert["labels"]["simulated"] == "true"
        assert alert["annotations"]["summary_ja"] == "利用運転中のビーム停止"
        # Below the tolerance for a minute as well, and muted by the graver alarm.
        assert "low_beam" not in {name for _, _, name in receiver.names()}


def _ask_every_panel(prometheus: Prometheus) -> set[str]:
    """Ask every expression; return the panels with nothing to say."""
    now_ms = int(time.time() * 1000)
    grafana = Grafana(
        "", "", {}, prometheus.url, now_ms - 60_000, now_ms,
        {"facility": PROFILE.id, "definition": PROFILE.definition, "signal": "stored_current"}, scrape_interval_s=1.0,
    )  # fmt: skip
    silent: set[str] = set()
    for name, title, target in panels_with_promql():
        answer = ask(target, grafana)
        print(f"{answer.took_s * 1000:6.1f} ms  {name}: {title}")
        if not answer.frames:
            silent.add(title)
    return silent
