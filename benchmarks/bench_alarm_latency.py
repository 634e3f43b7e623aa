"""Alarms: how long it takes from the stamp of a sample to the post at an Alertmanager, p50 and p99.

A sample counts once `settle_s` (1 s) has passed after its stamp, so that is the least that there can be.
"""

import asyncio
import json
import os
import random
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from typer.testing import CliRunner

from collector.arrival import Arrival
from facility.batch import Batch
from facility.time import parse_time, system_clock
from kado.cli.main import app
from kado.config import load_configuration
from kado.service.alarm_facts import FactSources
from kado.service.alarms import Alarms
from kado.service.notification.outbox import Outbox
from kado.service.notification.sending import Notifications

TEXT = '{ en = "t", ja = "t" }'
RULE = f"""
[[alarm]]
id = "low"
title = {TEXT}
consequence = {TEXT}
action = {TEXT}
priority = "critical"
class = "beam"
respond_within_s = 300
latch = false
chatter_count = 0
when = {{ kind = "limit", signal = "stored_current", below = 10.0 }}
"""


class Receiver(BaseHTTPRequestHandler):
    """Notes when an active alert is posted."""

    posted: ClassVar[list[tuple[float, float]]] = []

    def do_POST(self) -> None:
        """Take a post."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in body:
            self.posted.append((time.time(), parse_time(alert["startsAt"]) / 1e9))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


async def measure(folder: Path, url: str, times: int) -> list[float]:
    """Raise the alarm again and again; return seconds from each sample's stamp to its first post."""
    config = folder / "kado.toml"
    CliRunner().invoke(app, ["init", "--config", str(config)])
    with config.open("a") as file:
        file.write('\n[alarms]\nrules = ["alarms.toml"]\n\n[[alarms.target]]\nid = "room"\n')
        file.write(f'kind = "alertmanager"\nurl = "{url}"\n')
    (folder / "alarms.toml").write_text(RULE)
    (folder / "data").mkdir(exist_ok=True)
    configuration = load_configuration(config)
    assert configuration.settings.alarms is not None

    def status() -> None:
        raise OSError("no service around it")

    alarms = Alarms(configuration, system_clock, FactSources(status, lambda: None))  # type: ignore[arg-type]
    alarms.outbox = Outbox(configuration, configuration.settings.alarms)
    notifications = Notifications.open(configuration, system_clock, random.Random(1))
    running = [asyncio.create_task(alarms.run()), asyncio.create_task(notifications.run())]
    chance, found = random.Random(1), list[float]()

    def send(value: float) -> float:
        now = system_clock()
        batch = Batch.of_numbers(configuration.profile.id, "stored_current", [now], [value])
        alarms.inbox.landed([Arrival("ring", batch)], 0.0)
        return now / 1e9

    await asyncio.sleep(2)
    for _ in range(times):
        send(200.0)
        await asyncio.sleep(2.5 + chance.random())
        Receiver.posted.clear()
        sent = send(0.0)
        await asyncio.sleep(5.0)
        # Ends of earlier raises are posted again and again.
        mine = [at for at, began in Receiver.posted if began > sent - 0.01]
        found += [mine[0] - sent] if mine else []
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return sorted(found)


def main(times: int = int(os.environ.get("KADO_TIMES", "40"))) -> None:
    """Measure and print."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(measure(Path(name), f"http://127.0.0.1:{server.server_address[1]}", times))
    p50, p99 = found[len(found) // 2], found[min(len(found) - 1, len(found) * 99 // 100)]
    print(f"sample to notification: p50 {p50:.2f} s, p99 {p99:.2f} s, of {len(found)} raises (settle_s = 1)")


if __name__ == "__main__":
    main()
