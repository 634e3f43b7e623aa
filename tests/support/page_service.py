"""A real kado with its page, fed by a broker: what a test makes the machine do is seen in a browser."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, sync_playwright

from servers import Mosquitto, free_port, require

ROOT = Path(__file__).parents[2]
BEAM = 399.5
PATIENCE_MS = 60_000
"""So long a test waits for what must come, on a machine however busy."""
CHROMIUM = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
SIGNALS = ("stored_current", "stored_current_2", "machine_mode", "beam_lifetime", "shutter_01", "shutter_02")

CONFIGURATION = """\
facility = "nanoterasu_sim"
data_dir = "data"

[store]
kind = "embedded"

[page]
listen = "127.0.0.1:{port}"
{page}
[alarms]
settle_s = 0.2

[[source]]
id = "ring"
kind = "mqtt"
url = "{broker}"
{signals}
"""


def iso(at: datetime) -> str:
    """Return an instant as kado reads it."""
    return at.astimezone(UTC).isoformat()


SIMULATED = """\
facility = "nanoterasu_sim"
data_dir = "data"
[page]
listen = "127.0.0.1:{port}"
[[source]]
id = "ring"
kind = "simulator"
scenario = "quiet_week"
start = {start}
speed = {speed:.1f}
signals = ["stored_current", "stored_current_2", "machine_mode"]
"""


class Machine(threading.Thread):
    """Publishes a few signals ten times a second; what they are is set by the test."""

    def __init__(self, broker: Mosquitto) -> None:
        super().__init__(daemon=True)
        self.current = BEAM
        self.mode = "user"
        self.silent = False
        self._ended = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="machine")
        self._client.max_queued_messages_set(0)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def publish(self, signal: str, *samples: tuple[datetime, Any]) -> None:
        """Publish samples in one message."""
        text = json.dumps([{"time": iso(at), "value": value} for at, value in samples])
        self._client.publish(f"kado/{signal}", text, qos=1)

    def tell_the_past(self, seconds: int) -> None:
        """Publish what was measured before now, a sample a second."""
        now = datetime.now(UTC)
        times = [now - timedelta(seconds=n) for n in range(seconds, 0, -1)]
        for first in range(0, len(times), 600):
            part = times[first : first + 600]
            self.publish("stored_current", *((at, BEAM + 0.3 * ((n % 90) / 90)) for n, at in enumerate(part)))
            self.publish("stored_current_2", *((at, BEAM) for at in part[::10]))
        self.publish("machine_mode", (times[0], "user"))
        self.publish("shutter_01", (times[0], "open"))
        self.publish("shutter_02", (times[0], "closed"))

    def run(self) -> None:
        """Publish until `end`."""
        n = 0
        while not self._ended.wait(0.1):
            n += 1
            if self.silent:
                continue
            now = datetime.now(UTC)
            self.publish("stored_current", (now, round(self.current + 0.001 * (n % 10), 3)))
            if n % 10 == 0:
                self.publish("stored_current_2", (now, self.current))
                self.publish("machine_mode", (now, self.mode))
                self.publish("beam_lifetime", (now, 7.4))

    def end(self) -> None:
        """Publish no more."""
        self._ended.set()
        self.join()
        self._client.loop_stop()
        self._client.disconnect()


class RunningPage:
    """`kado run` with a page, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the page, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def command(self, *words: str, check: bool = True) -> str:
        """Run a kado command, and return what it printed."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")}
        environment |= {"PYTHONPATH": str(ROOT), "KADO_LANG": "en"}
        done = subprocess.run(
            [sys.executable, "-m", "kado", *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        """Start the service, and wait until its page answers."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")} | {"PYTHONPATH": str(ROOT)}
        with (self.folder / "kado.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kado", "run"], cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        self.wait(lambda: httpx.get(f"{self.url}/api/v1/signals").status_code == 200)

    def stop(self) -> None:
        """Stop the service."""
        if self._process is not None:
            self._process.terminate()
            assert self._process.wait(120) == 0, self.log
            self._process = None

    @property
    def log(self) -> str:
        """What the service printed."""
        return (self.folder / "kado.log").read_text(encoding="utf-8", errors="replace")

    def get(self, path: str, **options: str) -> Any:
        """Return a document of the API."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=options, timeout=PATIENCE_MS / 1000)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, met: Callable[[], Any], seconds: float = 60.0) -> None:
        """Wait until something is so; not being reachable yet is not."""
        until = time.monotonic() + seconds
        while True:
            try:
                if met():
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < until, f"not so after {seconds:g} s\n{self.log[-3000:]}"
            time.sleep(0.1)


class PageService(RunningPage):
    """The same, fed by a broker."""

    def __init__(self, folder: Path, broker: Mosquitto, *, page: str = "") -> None:
        super().__init__(folder)
        self.machine = Machine(broker)
        signals = "".join(f'[[source.signal]]\ntopic = "kado/{name}"\nsignal = "{name}"\n' for name in SIGNALS)
        text = CONFIGURATION.format(port=self.port, broker=broker.url, signals=signals, page=page)
        (folder / "kado.toml").write_text(text, encoding="utf-8")
        now = datetime.now(UTC)
        rows = [
            "start,end,category,published_at",
            f"{iso(now - timedelta(days=3))},{iso(now + timedelta(days=2))},user,2026-01-01T00:00:00+09:00",
            f"{iso(now + timedelta(days=2))},{iso(now + timedelta(days=3))},maintenance,2026-01-01T00:00:00+09:00",
        ]
        (folder / "plan.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


@contextmanager
def simulated_page(folder: Path, start: str, speed: float) -> Iterator[RunningPage]:
    """Start a kado with a simulated machine in it, which lives through a time that has passed, faster than time."""
    service = RunningPage(folder)
    text = SIMULATED.format(port=service.port, start=start, speed=speed)
    (folder / "kado.toml").write_text(text, encoding="utf-8")
    service.start()
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def running_page(folder: Path, *, page: str = "", past_s: int = 1800) -> Iterator[PageService]:
    """Start a broker, a machine and a kado with half an hour of data, in user time."""
    broker = Mosquitto(folder)
    broker.start()
    service = PageService(folder, broker, page=page)
    try:
        service.command("schedule", "import", "plan.csv")
        service.start()
        service.wait(lambda: all(source["link"] == "up" for source in service.get("now")["sources"]))
        service.machine.tell_the_past(past_s)
        service.machine.start()
        service.wait(lambda: (service.get("now")["beam"] or {}).get("state") == "up")
        yield service
    finally:
        if service.machine.is_alive():
            service.machine.end()
        try:
            service.stop()
        finally:
            broker.stop()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require("chromium"), args=CHROMIUM)
        yield browser
        browser.close()
