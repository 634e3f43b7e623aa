"""A real broker that grants QoS 0 only: said by `kado check` and by the running source, with both clients."""

import asyncio
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.collector import Collector
from collector.intake import Intake
from command_line import run
from facility.profile import load_profile
from facility.time import system_clock
from kado.config import load_configuration
from scripted_source import MemoryLanding
from servers import Mosquitto, Server, free_port
from waiting import until

KADO = [str(Path(sys.executable).with_name("kado"))]
PROFILE = load_profile("nanoterasu_sim")


@pytest.fixture(params=["mqttium", "aiomqtt"])
def configured(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, servers: list[Server]
) -> Iterator[None]:
    broker = Mosquitto(tmp_path / "broker")
    servers.append(broker)
    with (tmp_path / "broker" / "mosquitto.conf").open("a") as configuration:
        configuration.write("max_qos 0\n")
    broker.start()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kado.toml").write_text(
        f'facility = "nanoterasu_sim"\n[[source]]\nid = "ring"\nkind = "mqtt"\nurl = "{broker.url}"\n'
        f'client = "{request.param}"\n  [[source.signal]]\n  topic = "ring/current"\n  signal = "stored_current"\n',
        encoding="utf-8",
    )
    yield
    broker.stop()


@pytest.mark.usefixtures("configured")
def test_status_and_metrics_of_a_running_kado_say_it_and_name_secrets_that_others_can_read(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    (tmp_path / "secret").write_text("word\n")
    (tmp_path / "secret").chmod(0o644)
    text = (tmp_path / "kado.toml").read_text()
    text = text.replace("  [[source", 'username = "kado"\npassword_file = "secret"\n  [[source')
    (tmp_path / "kado.toml").write_text(f'{text}[metrics]\nlisten = "{address}"\n')
    with subprocess.Popen(
        [*KADO, "run"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as service:
        try:
            document: dict[str, Any] = {}
            deadline = time.monotonic() + 120
            while not document.get("notices"):
                assert time.monotonic() < deadline, document
                time.sleep(0.2)
                if list(tmp_path.glob("*/notices.json")):
                    document = run("status", "--format", "json").document
            page = urllib.request.urlopen(f"http://{address}/metrics", timeout=120).read().decode()
            shown = " ".join(run("status").out.split())
        finally:
            service.kill()
    assert list(document["notices"]) == ["ring"]
    assert "grants QoS 0 and not 1" in document["notices"]["ring"][0]
    assert document["open_secret_files"] == [str(tmp_path / "secret")]
    assert "grants QoS 0 and not 1" in shown
    assert "run chmod 600" in shown
    assert 'kado_source_notices{facility="nanoterasu_sim",source="ring"} 1.0' in page
    assert 'kado_open_secret_files{facility="nanoterasu_sim"} 1.0' in page
    assert 'kado_ledger_problems{facility="nanoterasu_sim"} 0.0' in page
    # The service is gone, and what it said with it.
    assert run("status", "--format", "json").document["notices"] == {}


@pytest.mark.usefixtures("configured")
def test_check_says_that_the_broker_gives_no_promise() -> None:
    answer = run("check", "--format", "json")
    found = [c for c in answer.document["checks"] if c["what"] == "source ring" and not c["ok"]]
    assert answer.exit_code == 1
    assert ["grants QoS 0 and not 1" in c["detail"] for c in found] == [True]


@pytest.mark.usefixtures("configured")
async def test_the_running_source_says_so_once_and_in_its_status(caplog: pytest.LogCaptureFixture) -> None:
    (source,) = (await asyncio.to_thread(load_configuration)).sources
    intake = Intake(PROFILE, ["ring"], system_clock)
    collector = Collector(PROFILE, [source], intake, MemoryLanding(), system_clock, random.Random(1))
    task = asyncio.create_task(collector.run())
    await until(lambda: collector.status()["ring"].notices)
    ((text, connections),) = collector.status()["ring"].notices
    task.cancel()
    await asyncio.wait([task])
    assert "grants QoS 0 and not 1" in text
    assert connections == 1
    assert caplog.text.count("grants QoS 0") == 1
