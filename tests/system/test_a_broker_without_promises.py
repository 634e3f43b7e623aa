"""A real broker that grants QoS 0 only: said by `kado check` and by the running source, with both clients."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.intake import Intake
from collector.service import Collector
from command_line import run
from facility.profile import load_profile
from facility.time import system_clock
from kado.config import load_configuration
from scripted_source import MemoryLanding, until
from servers import Mosquitto, Server

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
    await until(lambda: collector.status()["ring"].notices, 10)
    ((text, connections),) = collector.status()["ring"].notices
    task.cancel()
    await asyncio.wait([task])
    assert "grants QoS 0 and not 1" in text
    assert connections == 1
    assert caplog.text.count("grants QoS 0") == 1
