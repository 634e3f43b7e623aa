"""Draws the previews of the dashboards: ``make previews``.

Fills an InfluxDB with a simulated quarter, publishes the derived series, runs kado beside a Prometheus, asks every
query of every panel, and draws what came back. With ``KADO_PREVIEWS=FOLDER`` what was filled stays there and is used
again. Grafana itself is not run: see README.md beside this file.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from draw import Scene, draw  # noqa: E402 - after the path is set

from dashboards.export import dashboard_files  # noqa: E402 - after the path is set
from facility.profile import load_profile  # noqa: E402 - after the path is set
from facility.text import Language  # noqa: E402 - after the path is set
from facility.time import NS_PER_S, system_clock  # noqa: E402 - after the path is set
from grafana_panels import Grafana, ask  # noqa: E402 - after the path is set
from kado.config import load_configuration  # noqa: E402 - after the path is set
from operation_record import record  # noqa: E402 - after the path is set
from servers import InfluxDB, free_port  # noqa: E402 - after the path is set
from watchers import Prometheus  # noqa: E402 - after the path is set

PICTURES = Path(__file__).parent
FACILITY, DEFINITION = "nanoterasu_sim", "nanoterasu"
QUARTER = timedelta(days=int(os.environ.get("KADO_PREVIEW_DAYS", "92")))
RANGES_H = {"operators": 24.0, "wall": 24.0, "engineers": 1.0, "managers": 24.0 * 125}
CONFIGURATION = """facility = "{facility}"
[store]
kind = "influxdb"
url = "{url}"
org = "kado"
bucket = "ring"
token_file = "influxdb.token"
[metrics]
listen = "127.0.0.1:{port}"
[publish]
[alarms]
[[source]]
id = "ring"
kind = "simulator"
"""


def kado(folder: Path, *words: str) -> None:
    """Run a command of kado; its error ends this script."""
    print("kado", *words, flush=True)
    subprocess.run([sys.executable, "-m", "kado", *words], cwd=folder, env=_environment(), check=True)


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("KADO_")} | {"PYTHONPATH": str(ROOT)}


def fill(folder: Path, server: InfluxDB, port: int) -> None:
    """Make a quarter of simulated operation, and what is derived from it."""
    text = CONFIGURATION.format(facility=FACILITY, url=server.url, port=port)
    (folder / "kado.toml").write_text(text)
    (folder / "operator.token").write_text(server.token)
    if (folder / "influxdb.token").exists():
        return
    kado(folder, "store", "init", "--operator-token-file", "operator.token", "--write-token")
    end = datetime.now(UTC)
    times = ["--from", (end - QUARTER).isoformat(), "--to", end.isoformat()]
    kado(folder, "simulate", "--scenario", "demo", "--seed", "3", *times)
    events: list[dict[str, Any]] = []
    for month in sorted({f"{end - timedelta(days=day):%Y-%m}" for day in range(QUARTER.days)}):
        command = [sys.executable, "-m", "kado", "events", "--period", month, "--format", "json"]
        done = subprocess.run(command, cwd=folder, env=_environment(), check=True, capture_output=True)
        events += json.loads(done.stdout)["events"]
    record(load_configuration(folder / "kado.toml"), lambda *words: kado(folder, *words), events)
    kado(folder, "publish")
    # Days that were written to a moment ago have to wait for five minutes.
    load_configuration(folder / "kado.toml").backend.downsample(lambda: system_clock() + 600 * NS_PER_S)


def grafana_of(server: InfluxDB, prometheus: Prometheus, hours: float) -> Grafana:
    """Return what Grafana would know, for a range that ends now."""
    to_ms = int(time.time() * 1000)
    return Grafana(
        influxdb_url=server.url,
        token=server.token,
        buckets={"telemetry": "ring", "minutes": "ring_1m", "derived": "ring_derived"},
        prometheus_url=prometheus.url,
        from_ms=to_ms - int(hours * 3_600_000),
        to_ms=to_ms,
        variables={"facility": FACILITY, "definition": DEFINITION, "signal": "stored_current"},
        scrape_interval_s=5.0,
    )


def bands_of(document: dict[str, Any], grafana: Grafana) -> list[dict[str, Any]]:
    """Ask the annotations of a dashboard."""
    bands: list[dict[str, Any]] = []
    for annotation in document["annotations"]["list"]:
        target = annotation["target"] | {"datasource": annotation["datasource"], "refId": "A", "resultFormat": "table"}
        for frame in ask(target, grafana).frames:
            bands += [
                {"from": begin, "to": end, "color": annotation["iconColor"], "ids": annotation["filter"]["ids"]}
                for begin, end in zip(frame.columns["Time"], frame.columns[target["timeEndColumn"]], strict=True)
            ]
    return bands


def picture(name: str, text: str, grafana: Grafana, zone: str) -> bytes:
    """Draw a dashboard's JSON with the answers of its own queries."""
    document = json.loads(text)
    answers = {
        panel["id"]: [ask(target, grafana) for target in panel.get("targets", [])] for panel in document["panels"]
    }
    variables = {k: v for k, v in grafana.variables.items() if k != "signal" or name == "engineers"}
    scene = Scene(grafana.from_ms, grafana.to_ms, zone, variables)
    return draw(document, answers, bands_of(document, grafana), scene)


def main() -> None:
    """Fill, ask, draw."""
    kept = os.environ.get("KADO_PREVIEWS")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(kept or scratch)
        folder.mkdir(exist_ok=True)
        server = InfluxDB(folder / "server")
        known = folder / "server.json"
        if known.exists():
            said = json.loads(known.read_text())
            server.token, server.org_id = said["token"], said["org_id"]
        server.start()
        known.write_text(json.dumps({"token": server.token, "org_id": server.org_id}))
        port = free_port()
        prometheus = Prometheus(folder / "prometheus", f"127.0.0.1:{port}", every="5s")
        service = None
        try:
            fill(folder, server, port)
            with (folder / "run.log").open("wb") as log:
                command = [sys.executable, "-m", "kado", "run"]
                service = subprocess.Popen(command, cwd=folder, env=_environment(), stdout=log, stderr=log)
            prometheus.start()
            prometheus.wait_for("kado_ready == 1", 600)
            time.sleep(float(os.environ.get("KADO_PREVIEW_WAIT", "120")))
            profile = load_profile(FACILITY)
            for language in get_args(Language):
                for file, text in dashboard_files(profile, language).items():
                    name = Path(file).stem
                    png = picture(name, text, grafana_of(server, prometheus, RANGES_H[name]), profile.time_zone)
                    (PICTURES / f"{name}-{language}.png").write_bytes(png)
                    print(f"{name}-{language}.png", len(png) // 1024, "kB", flush=True)
        finally:
            if service is not None:
                service.terminate()
                service.wait(30)
            if prometheus.running:
                prometheus.stop()
            server.stop()


if __name__ == "__main__":
    main()
