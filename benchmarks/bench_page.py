"""The page beside collection: from MQTT publish to the number changed in a browser, and what viewers cost.

    python benchmarks/bench_page.py            all, at full length
    python benchmarks/bench_page.py --short    the same, a tenth as long

- Latency: 100 signals, ten samples a second each; one Chromium with Now open and 49 more streams of the same page.
  For every published value: when the page first showed it or a later one, by the clock of this machine.
- Collector: messages that wait at the broker are taken in, without viewers and with 50 streams.
- First view of Now and of History over a year: bytes, first paint, chart.
- 200 streams: memory of the service over time.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import httpx
import numpy as np
import paho.mqtt.client as paho
from mqttium.api import AsyncClient, PublishMessage
from paho.mqtt.enums import CallbackAPIVersion

from collector.ledger import read_ledger
from facility.batch import Samples
from facility.quality import Quality
from facility.time import NS_PER_DAY, NS_PER_S
from kado.config import load_configuration
from kado.stores import open_for_maintenance
from kado.writers import make_landing
from page_service import chromium
from servers import Mosquitto, free_port
from storage.embedded.store import EmbeddedStore

SIGNALS = 100
STREAMS = 50

PROFILE = """\
id = "bench"
name = {{ en = "Bench", ja = "ベンチ" }}
time_zone = "Asia/Tokyo"
delivery_signal = "stored_current"
operation_started = 2020-01-01
target = 400.0
[[limits]]
from = 2020-01-01
nominal = 398.0
tolerance = 390.0
minimum = 20.0
[[signal]]
id = "stored_current"
unit = "mA"
period_s = 0.1
stale_after_s = 10.0
physical_max = 600.0
{signals}
"""

CONFIGURATION = """\
facility = "bench.toml"
data_dir = "data"
[store]
kind = "embedded"
{page}
[[source]]
id = "ring"
kind = "mqtt"
url = "{broker}"
{signals}
"""

FOLLOW = """
import asyncio, sys
host, port, count, path = "127.0.0.1", int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
async def follow():
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET {path} HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n".encode())
    while await reader.read(65536):
        pass
async def main():
    await asyncio.gather(*(follow() for _ in range(count)), return_exceptions=True)
asyncio.run(main())
"""


class Kado:
    """A kado with a page on a made-up facility of 100 signals."""

    def __init__(self, folder: Path, broker: Mosquitto, *, page: bool = True) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir(exist_ok=True)
        names = ["stored_current", *(f"signal_{n:02}" for n in range(1, SIGNALS))]
        self.names = names
        more = "".join(f'[[signal]]\nid = "{n}"\nunit = "V"\nperiod_s = 0.1\n' for n in names[1:])
        mapped = "".join(f'[[source.signal]]\ntopic = "kado/{n}"\nsignal = "{n}"\n' for n in names)
        table = f'[page]\nlisten = "127.0.0.1:{self.port}"\n' if page else ""
        (folder / "bench.toml").write_text(PROFILE.format(signals=more), encoding="utf-8")
        (folder / "kado.toml").write_text(CONFIGURATION.format(broker=broker.url, signals=mapped, page=table))
        self.page = page
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *words: str) -> None:
        """Run a command."""
        subprocess.run([sys.executable, "-m", "kado", *words], cwd=self.folder, env=_environment(), check=True)

    def start(self) -> None:
        """Start it, and wait for its page."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kado", "run"], cwd=self.folder, env=_environment(), stdout=log, stderr=log
            )
        until = time.monotonic() + 60
        while self.page and time.monotonic() < until:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/api/v1/signals")
                return
            except httpx.TransportError:
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def processor_s(self) -> float:
        """Return the processor time that it has used."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def streams(self) -> int:
        """Return how many connections to its page are open."""
        at = f"0100007F:{self.port:04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return sum(line[1] == at and line[3] == "01" for line in lines)

    def wait_for_figures(self) -> None:
        """Wait until the running day, month and year are computed: a start is measured elsewhere."""
        until = time.monotonic() + 300
        while httpx.get(f"http://127.0.0.1:{self.port}/api/v1/now", timeout=60).json()["figures"] is None:
            assert time.monotonic() < until, "no figures"
            time.sleep(0.5)

    def memory_mb(self) -> float:
        """Return its resident memory."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("KADO_")} | {"PYTHONPATH": str(ROOT)}


@contextmanager
def streams(port: int, count: int, path: str = "/events?page=ja&view=now", *, settle_s: float = 2.0) -> Iterator[None]:
    """Follow streams in a process of its own."""
    process = subprocess.Popen([sys.executable, "-c", FOLLOW, str(port), str(count), path])
    time.sleep(settle_s)
    yield
    process.kill()
    process.wait()


def connected(broker: Mosquitto) -> paho.Client:
    """Return a client that publishes."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_queued_messages_set(0)
    client.max_inflight_messages_set(2000)
    client.connect(broker.host, broker.port)
    client.loop_start()
    return client


WATCH = """
() => {
  window.seen = [];
  const place = document.querySelector('.hero [data-live="delivery"]');
  const changes = {childList: true, characterData: true, subtree: true};
  new MutationObserver(() => window.seen.push([Date.now(), place.textContent])).observe(place, changes);
}
"""


def latency(folder: Path, broker: Mosquitto, seconds: float) -> None:
    """Measure from publish to the number changed."""
    kado = Kado(folder, broker)
    kado.start()
    client = connected(broker)
    published: list[tuple[float, float]] = []
    with streams(kado.port, STREAMS - 1), chromium() as browser:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{kado.port}/")
        page.evaluate(WATCH)
        begun, n = time.time(), 0
        while (now := time.time()) < begun + seconds:
            # Each value is another one: 300.00, 300.01, ...
            value = round(300 + n * 0.01, 2)
            at = datetime.now(UTC).isoformat()
            for name in kado.names[1:]:
                client.publish(f"kado/{name}", json.dumps({"time": at, "value": value}), qos=1)
            client.publish("kado/stored_current", json.dumps({"time": at, "value": value}), qos=1)
            published.append((time.time() * 1000, value))
            n += 1
            time.sleep(max(0.0, begun + n * 0.1 - time.time()))
            del now
        page.wait_for_timeout(2000)
        seen: list[tuple[float, str]] = page.evaluate("window.seen")
    kado.stop()
    client.loop_stop()
    shown = [(ms, float(text)) for ms, text in seen if text not in ("", "–")]
    waits: list[float] = []
    at = 0
    for sent_ms, value in published[10:]:
        while at < len(shown) and shown[at][1] < value:
            at += 1
        if at < len(shown):
            waits.append(shown[at][0] - sent_ms)
    missing = len(published) - 10 - len(waits)
    p50, p99, p999 = (float(np.percentile(waits, q)) for q in (50, 99, 99.9))
    print(
        f"latency, {SIGNALS} signals x 10 Hz, {STREAMS} viewers, {len(waits)} values: "
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, p99.9 {p999:.0f} ms, never shown {missing}  (aim: p99 < 1000 ms)"
    )


async def fill(broker: Mosquitto, names: list[str], messages: int) -> None:
    """Publish messages as fast as the broker takes them."""
    began = datetime.now(UTC)
    async with AsyncClient("publisher", max_outbound_inflight=2000) as client:
        await client.connect(broker.host, broker.port)
        receipt = await client.publish_many(
            PublishMessage(
                f"kado/{names[n % SIGNALS]}",
                json.dumps(
                    {"time": (began + timedelta(microseconds=100 * n)).isoformat(), "value": 300 + n % 100}
                ).encode(),
                1,
            )
            for n in range(messages)
        )
        await receipt.wait()


def drained(folder: Path, broker: Mosquitto, messages: int, viewers: int) -> tuple[float, float]:
    """Return messages a second at which a full queue is taken in, and microseconds of processor that one costs."""
    kado = Kado(folder, broker)
    kado.start()
    time.sleep(2)
    kado.stop()  # its session stays at the broker
    asyncio.run(fill(broker, kado.names, messages))
    before = stored(kado)
    kado.start()
    with streams(kado.port, viewers, settle_s=0.5) if viewers else _nothing():
        counts: list[tuple[float, int, float]] = []
        until = time.monotonic() + 300
        while time.monotonic() < until:
            counts.append((time.monotonic(), stored(kado) - before, kado.processor_s()))
            if counts[-1][1] >= messages:
                break
            time.sleep(0.05)
        followed = kado.streams()
    kado.stop()
    assert followed == viewers, f"{followed} of {viewers} streams were open"
    # Neither start nor end.
    middle = [found for found in counts if 0 < found[1] <= messages * 0.95]
    (t0, c0, s0), (t1, c1, s1) = middle[0], middle[-1]
    return (c1 - c0) / (t1 - t0), 1e6 * (s1 - s0) / (c1 - c0)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def stored(kado: Kado) -> int:
    """Return how many samples it has stored."""
    return sum(t.stored for t in read_ledger(kado.folder / "data").sources())


def collector(folder: Path, broker: Mosquitto, messages: int, rounds: int) -> None:
    """Measure what 50 viewers cost the collector."""
    found: dict[int, list[tuple[float, float]]] = {0: [], STREAMS: []}
    for n in range(rounds):
        for viewers in (0, STREAMS) if n % 2 == 0 else (STREAMS, 0):
            place = folder / f"{viewers}-{n}"
            found[viewers].append(drained(place, broker, messages, viewers))
    without, beside = (statistics.median(rate for rate, _ in found[n]) for n in (0, STREAMS))
    alone_us, with_us = (statistics.median(cost for _, cost in found[n]) for n in (0, STREAMS))
    print(
        f"collector, {messages} messages: {without:,.0f}/s without viewers, {beside:,.0f}/s with {STREAMS}: "
        f"{beside / without:.3f}  (aim: >= 0.95; streams are read on the same machine); processor time of kado for a "
        f"message {alone_us:.1f} us without, {with_us:.1f} us with: {alone_us / with_us:.3f}"
    )


def year_of_samples(kado: Kado, days: int) -> None:
    """Fill the store with a sample each second, sealed."""
    configuration = load_configuration(kado.folder / "kado.toml", environment=False)
    make_landing(configuration, time.time_ns).close()
    end = time.time_ns() // NS_PER_DAY * NS_PER_DAY
    times = np.arange(end - days * NS_PER_DAY, end, NS_PER_S, dtype=np.int64)
    values = np.round(399 + np.sin(times / 3e12) + np.random.default_rng(1).normal(0, 0.01, len(times)), 2)
    quality = np.full(len(times), Quality.GOOD, np.uint8)
    with open_for_maintenance(configuration, time.time_ns) as store:
        assert isinstance(store, EmbeddedStore)
        store.load(Samples("bench", "stored_current", times, values, quality), before_ns=end)


def first_view(folder: Path, broker: Mosquitto, days: int) -> None:
    """Measure the first view of Now, and of History over a year."""
    kado = Kado(folder, broker)
    now = datetime.now(UTC)
    plan = (
        f"{(now - timedelta(days=days)).isoformat()},{(now + timedelta(days=9)).isoformat()},user,2020-01-01T00:00:00Z"
    )
    (folder / "plan.csv").write_text(f"start,end,category,published_at\n{plan}\n")
    year_of_samples(kado, days)
    kado.command("schedule", "import", "plan.csv")
    kado.start()
    kado.wait_for_figures()
    start = (now - timedelta(days=days)).isoformat().replace("+", "%2B")
    views = {"/": "Now", f"/history?start={start}&end={now.isoformat().replace('+', '%2B')}": f"History, {days} days"}
    with chromium() as browser:
        for path, name in views.items():
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            page = context.new_page()
            sizes: list[int] = []
            page.on("requestfinished", lambda r, sizes=sizes: sizes.append(_size(r)))
            page.goto(f"http://127.0.0.1:{kado.port}{path}", wait_until="commit")
            page.wait_for_selector("svg.chart .mean", state="attached", timeout=60_000)
            chart_ms = page.evaluate("performance.getEntriesByName('chart')[0].startTime")
            paint = page.evaluate("performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)[0]")
            page.wait_for_timeout(500)
            print(
                f"first view of {name}: {sum(sizes) / 1000:.0f} kB, first paint {paint or float('nan'):.0f} ms, chart "
                f"{chart_ms:.0f} ms  (aim: < 1500 kB, < 1000 ms, < 2000 ms)"
            )
            context.close()
    kado.stop()


def _size(request: Any) -> int:
    try:
        sizes = request.sizes()
    except Exception:
        return 0
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


def memory(folder: Path, broker: Mosquitto, seconds: float) -> None:
    """Measure the memory of the service with 200 streams."""
    kado = Kado(folder, broker)
    kado.start()
    client = connected(broker)
    points: list[tuple[float, float]] = []
    with streams(kado.port, 100), streams(kado.port, 100, "/events"):
        begun, n = time.monotonic(), 0
        while (passed := time.monotonic() - begun) < seconds:
            at = datetime.now(UTC).isoformat()
            for name in kado.names:
                client.publish(f"kado/{name}", json.dumps({"time": at, "value": 300 + n % 100}), qos=1)
            n += 1
            if n % 10 == 0 and passed > seconds * 0.2:
                points.append((passed / 60, kado.memory_mb()))
            time.sleep(max(0.0, begun + n * 0.5 - time.monotonic()))
    kado.stop()
    client.loop_stop()
    minutes, megabytes = np.array(points).T
    slope = float(np.polyfit(minutes, megabytes, 1)[0])
    print(f"200 streams for {seconds / 60:.1f} min: {megabytes[-1]:.0f} MB, slope {slope:+.2f} MB/min")


def main() -> None:
    """Measure all, or what is named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("only", nargs="*", help="latency, collector, view, memory")
    options = parser.parse_args()
    short, only = options.short, set(options.only or ("latency", "collector", "view", "memory"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker_folder = folder / "broker"
        broker_folder.mkdir()
        broker = Mosquitto(broker_folder)
        broker.start()
        try:
            if "latency" in only:
                latency(folder / "latency", broker, 20 if short else 120)
            if "collector" in only:
                (folder / "collector").mkdir()
                collector(folder / "collector", broker, 60_000 if short else 400_000, 1 if short else 5)
            if "view" in only:
                (folder / "view").mkdir()
                first_view(folder / "view", broker, 30 if short else 365)
            if "memory" in only:
                memory(folder / "memory", broker, 60 if short else 600)
        finally:
            broker.stop()


if __name__ == "__main__":
    main()
