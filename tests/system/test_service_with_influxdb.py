"""A running service with InfluxDB publishes by itself, and says in its metrics how forwarding goes."""

import os
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from command_line import Kado, run
from kado.service.metrics.names import METRICS
from servers import Bucket, free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture
def kado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kado:
    for name in list(os.environ):
        if name.startswith("KADO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return run


def metrics(port: int) -> dict[str, list[tuple[dict[str, str], float]]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=120) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_the_service_publishes_and_its_metrics_are_all_in_the_table(kado: Kado, influx_bucket: Bucket) -> None:
    port, server = free_port(), influx_bucket.server
    Path("kado.toml").write_text(
        f'facility = "nanoterasu_sim"\n[store]\nkind = "influxdb"\nurl = "{server.url}"\norg = "kado"\n'
        f'bucket = "{influx_bucket.name}"\ntoken_file = "influxdb.token"\n[publish]\n[alarms]\n'
        f'[metrics]\nlisten = "127.0.0.1:{port}"\n[[source]]\nid = "ring"\nkind = "simulator"\n'
    )
    Path("influxdb.token").write_text(server.token)
    assert kado("store", "init").exit_code == 0
    now = datetime.now(UTC)
    start, end, published = (
        t.isoformat() for t in (now - timedelta(hours=1), now + timedelta(hours=2), now - timedelta(hours=2))
    )
    Path("plan.csv").write_text(f"start,end,category,published_at\n{start},{end},user,{published}\n")
    assert kado("schedule", "import", "plan.csv").exit_code == 0
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")} | {"PYTHONPATH": str(ROOT)}
    with Path("run.log").open("wb") as log:
        service = subprocess.Popen([sys.executable, "-m", "kado", "run"], env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while "kado_published_timestamp_seconds" not in (found := metrics(port)):
            assert time.monotonic() < deadline, Path("run.log").read_text()[-2000:]
            time.sleep(1)
    finally:
        service.terminate()
        try:
            service.wait(60)
        finally:
            service.kill()
            service.wait()
    derived = Bucket(server, f"{influx_bucket.name}_derived")
    (today,) = derived.query("SELECT counted_until_ms, availability_pct FROM figures WHERE period = 'day'")
    assert today["availability_pct"] == 100.0
    assert {row["category"] for row in derived.query("SELECT category FROM plan")} == {"user", "unscheduled"}
    assert {row["state"] for row in derived.query("SELECT state FROM beam_state")} <= {"up", "unknown", "outside"}
    answers = {labels["class"]: value for labels, value in found["kado_forwarder_answers_total"]}
    assert answers["2xx"] > 0
    assert answers["4xx"] == answers["5xx"] == 0
    exposed = {m.exposed for m in METRICS} | {
        f"{m.name}_{end}" for m in METRICS if m.kind == "histogram" for end in ("bucket", "count", "sum", "created")
    }
    assert {name for name in found if name.startswith("kado_")} <= exposed
