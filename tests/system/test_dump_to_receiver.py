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
from dashboards.rules.alertmanager import ROLES, alertmanager_file
from dashboards.rules.compiled import compile_rules
from dashboards.rules.rule import Alert, rule_file
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
facility = "ring.toml"
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
    # A fiscal year that began last month: on every day of the calendar there is as much of it left, and with it
    # as much of the downtime budget that the plan below gives.
    text = (ROOT / "facility" / "profiles" / "nanoterasu_sim.toml").read_text()
    assert "fiscal_year_starts_in = 4" in text
    begins = (now.month - 2) % 12 + 1
    (tmp_path / "ring.toml").write_text(text.replace("fiscal_year_starts_in = 4", f"fiscal_year_starts_in = {begins}"))
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
        process.wait(120)


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


def test_a_beam_dump_reaches_the_receiver_and_every_panel_has_an_answer(
    running: tuple[Path, int], start: Callable[[Server], None], tmp_path: Path
) -> None:
    folder, port = running
    table = SeriesTable.of(PROFILE, {"ring": [s.id for s in PROFILE.signals]})
    text = (ROOT / "facility" / "alarms" / "nanoterasu_sim.toml").read_text()
    compiled = compile_rules(AlarmRules.parse(text, table).rules, PROFILE)
    rules = rule_file([*service_groups(), *compiled.groups()], [], RUNBOOKS).replace('"5s"', '"1s"')
    # It fires sooner than after a minute, though later than the graver one.
    rules, replaced = re.subn(r'(alert: "low_beam"\n.*\n +for: )"60s"', r'\1"8s"', rules)
    assert replaced == 1
    with Receiver() as receiver:
        manager_text = alertmanager_file(
            compiled.inhibitions, "a test", {role: f"{receiver.url}/{role}" for role in ROLES}
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
        prometheus.wait_for('kado_beam_state{state="up"} == 1')
        prometheus.wait_for("kado_beam_state_since_after_unknown == 1")
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
        deadline = time.monotonic() + 120
        while ("/operators", "firing", "beam_lost") not in receiver.names():
            assert time.monotonic() < deadline, prometheus.query("ALERTS")
            time.sleep(0.1)
        arrived = next(at for at, _, body in receiver.received if "beam_lost" in json.dumps(body))
        print(f"\nfrom the command to dump until the notification: {arrived - dumped:.1f} s (of it 3 s on_delay)")
        prometheus.wait_for('kado_beam_state{state="none"} == 1')
        prometheus.wait_for("kado_beam_state_since_after_unknown == 0")
        # kado's own engine says the same.
        prometheus.wait_for('kado_alarm_state{alarm="beam_lost"} == 4')
        (alert,) = [a for _, _, b in receiver.received for a in b["alerts"] if a["labels"]["alertname"] == "beam_lost"]
        assert alert["labels"]["via"] == "prometheus"
        assert alert["labels"]["simulated"] == "true"
        assert alert["annotations"]["summary_ja"] == "利用運転中のビーム停止"
        # Below the tolerance as well, which fires in Prometheus, and Alertmanager mutes it while the graver one is on.
        prometheus.wait_for('ALERTS{alertname="low_beam",alertstate="firing"}')
        deadline = time.monotonic() + 120
        while manager.state_of("low_beam") != "suppressed":
            assert time.monotonic() < deadline, manager.state_of("low_beam")
            time.sleep(0.2)
        # As long as a group waits, and longer.
        time.sleep(3)
        assert "low_beam" not in {name for _, _, name in receiver.names()}
        assert "beam_lost" in {name for _, _, name in receiver.names()}


def test_low_beam_is_notified_alone_muted_while_the_beam_is_lost_and_notified_again_after_that(
    start: Callable[[Server], None], tmp_path: Path
) -> None:
    table = SeriesTable.of(PROFILE, {"ring": [s.id for s in PROFILE.signals]})
    text = (ROOT / "facility" / "alarms" / "nanoterasu_sim.toml").read_text()
    compiled = compile_rules(AlarmRules.parse(text, table).rules, PROFILE)
    alerts = {a.name: a for group in compiled.groups() for a in group.rules if isinstance(a, Alert)}

    def alert(name: str, facility: str, *, over: bool = False) -> dict[str, object]:
        rule = alerts[name]
        labels = {"alertname": name, "facility": facility, "severity": rule.severity, "role": rule.role, **rule.labels}
        ends = datetime.now(UTC) + timedelta(minutes=-1 if over else 5)
        # What began long ago goes out before its group has waited.
        begun = datetime.now(UTC) - timedelta(minutes=2 if over else 0)
        return {"labels": labels, "startsAt": begun.isoformat(), "endsAt": ends.isoformat()}

    def heard(facility: str) -> set[tuple[str, str]]:
        return {
            (a["labels"]["alertname"], a["status"])
            for _, _, body in receiver.received
            for a in body["alerts"]
            if a["labels"]["facility"] == facility
        }

    def wait_for(name: str, facility: str) -> None:
        deadline = time.monotonic() + 120
        while (name, "firing") not in heard(facility):
            assert time.monotonic() < deadline, receiver.received
            time.sleep(0.1)

    with Receiver() as receiver:
        configuration = (
            alertmanager_file(compiled.inhibitions, "a test", {role: f"{receiver.url}/{role}" for role in ROLES})
            .replace("group_wait: 10s", "group_wait: 1s")
            .replace("group_interval: 1m", "group_interval: 1s")
        )
        manager = Alertmanager(tmp_path / "alertmanager", configuration)
        start(manager)
        manager.post(alert("low_beam", "one"))
        wait_for("low_beam", "one")
        # The graver one is raised first: it waits for seconds, the other for a minute.
        manager.post(alert("beam_lost", "two"))
        time.sleep(0.5)
        manager.post(alert("low_beam", "two"))
        wait_for("beam_lost", "two")
        time.sleep(3)
        assert heard("two") == {("beam_lost", "firing")}
        # What is lost in one facility mutes nothing in another.
        assert ("low_beam", "firing") in heard("one")
        manager.post(alert("beam_lost", "two", over=True))
        wait_for("low_beam", "two")


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
