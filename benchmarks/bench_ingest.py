"""Messages from MQTT into InfluxDB: kado beside Telegraf, on the same queue, in one run.

A real Mosquitto holds the same messages (QoS 1, one JSON sample each) in two persistent sessions. One after the
other, kado and Telegraf drain theirs into a real InfluxDB. What arrived is counted in InfluxDB itself.

    python benchmarks/bench_ingest.py [--messages 200000] [--rounds 2] [--functions]

Time runs from the connection to the broker until InfluxDB holds every point; CPU is the process's own, start
included. At the end kado runs once more under cProfile, which is slower, to see whose code takes the time.
"""

import argparse
import asyncio
import os
import pstats
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import aiomqtt
from mqttium.api import AsyncClient, PublishMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from servers import Bucket, InfluxDB, Mosquitto, built_programs

SIGNALS = 20
TELEGRAF_BATCH = 5000
FACILITY = "bench_sim"
DEADLINE_S = 300.0


@dataclass(frozen=True)
class Result:
    """One drain."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    points: int

    def row(self, name: str, messages: int) -> str:
        rate = messages / self.wall_s
        return f"{name:<10}{rate:>14,.0f}{self.wall_s:>9.2f}{self.cpu_s:>9.2f}{self.rss_mb:>9.0f}{self.points:>12,}"


HEAD = f"{'':<10}{'messages/s':>14}{'wall s':>9}{'CPU s':>9}{'RSS MB':>9}{'points':>12}"


def missing() -> list[str]:
    places = os.pathsep.join([str(built_programs()), os.environ.get("PATH", ""), "/usr/sbin"])
    return [p for p in ("mosquitto", "influxd", "telegraf") if shutil.which(p, path=places) is None]


async def make_sessions(broker: Mosquitto) -> None:
    """Subscribe under both names, so that the broker keeps everything for both."""
    lasting = Properties(PacketTypes.CONNECT)
    lasting.SessionExpiryInterval = 3600
    v5 = aiomqtt.ProtocolVersion.V5
    kado = aiomqtt.Client(
        broker.host, broker.port, identifier=f"kado-{FACILITY}-ring", protocol=v5, clean_start=False, properties=lasting
    )
    telegraf = aiomqtt.Client(broker.host, broker.port, identifier="telegraf", clean_session=False)
    for client in (kado, telegraf):
        async with client:
            await client.subscribe([(f"ring/load_{i:02d}", 1) for i in range(SIGNALS)])


async def publish(broker: Mosquitto, messages: int) -> None:
    start_ns = time.time_ns() - messages * 1_000_000
    async with AsyncClient("publisher", max_outbound_inflight=2000) as client:
        await client.connect(broker.host, broker.port)
        receipt = await client.publish_many(
            PublishMessage(
                f"ring/load_{i % SIGNALS:02d}",
                b'{"time": %d, "value": %.3f, "quality": "good"}' % (start_ns + i * 1_000_000, 200 + i % 1000 / 1000),
                1,
            )
            for i in range(messages)
        )
        await receipt.wait()


def is_connected(port: int) -> bool:
    """Whether some client holds an established connection to a loopback port."""
    wanted = f"0100007F:{port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[2] == wanted and fields[3] == "01":
            return True
    return False


def count(bucket: Bucket) -> int:
    # `quality` is a field of every sample, of both.
    rows = bucket.query("select count(quality) from telemetry where signal =~ /^load_/")
    return int(rows[0]["count"]) if rows else 0


@contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    # An installed program has its byte code compiled.
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with (folder / "output.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=inherited | environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.returncode is None and process.poll() is None:
                process.kill()
                process.wait()


def drain(command: list[str], folder: Path, environment: dict[str, str], port: int, bucket: Bucket, n: int) -> Result:
    """Run a program until InfluxDB holds `n` points, then stop it."""
    deadline = time.monotonic() + DEADLINE_S
    with running(command, folder, environment) as process:
        while not is_connected(port):
            check(process, folder, deadline)
            time.sleep(0.002)
        started = time.perf_counter()
        while (points := count(bucket)) < n:
            check(process, folder, deadline)
            time.sleep(0.02)
        wall_s = time.perf_counter() - started
        process.send_signal(signal.SIGINT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Result(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, points)


def check(process: subprocess.Popen[bytes], folder: Path, deadline: float) -> None:
    if process.poll() is not None or time.monotonic() > deadline:
        log = (folder / "output.log").read_text(errors="replace")
        sys.exit(f"{process.args} did not drain the queue:\n{log[-4000:]}")


def kado(folder: Path, broker: Mosquitto, bucket: Bucket, profiled: bool) -> tuple[list[str], dict[str, str]]:
    signals = "".join(f'[[signal]]\nid = "load_{i:02d}"\nunit = "mA"\nperiod_s = 1.0\n\n' for i in range(SIGNALS))
    (folder / "profile.toml").write_text(
        f'id = "{FACILITY}"\nname = {{ en = "Bench", ja = "ベンチ" }}\ntime_zone = "Asia/Tokyo"\nsimulated = true\n'
        f'delivery_signal = "load_00"\n\n{signals}'
        "[[limits]]\nfrom = 2020-01-01\nnominal = 199.0\ntolerance = 195.0\nminimum = 8.0\n"
    )
    mapping = "".join(
        f'[[source.signal]]\ntopic = "ring/load_{i:02d}"\nsignal = "load_{i:02d}"\n\n' for i in range(SIGNALS)
    )
    (folder / "kado.toml").write_text(
        f'facility = "profile.toml"\ndata_dir = "data"\n\n[store]\nkind = "influxdb"\nurl = "{bucket.url}"\n'
        f'org = "{bucket.org}"\nbucket = "{bucket.name}"\ntoken_env = "BENCH_TOKEN"\n\n'
        f'[[source]]\nid = "ring"\nkind = "mqtt"\nurl = "{broker.url}"\n\n{mapping}'
    )
    program = shutil.which("kado", path=str(Path(sys.executable).parent)) or "kado"
    command = [program, "run", "--config", "kado.toml"]
    if profiled:
        command = [sys.executable, "-m", "cProfile", "-o", "profile.out", *command]
    return command, {"BENCH_TOKEN": bucket.token}


def telegraf(folder: Path, broker: Mosquitto, bucket: Bucket) -> tuple[list[str], dict[str, str]]:
    topics = ", ".join(f'"ring/load_{i:02d}"' for i in range(SIGNALS))
    (folder / "telegraf.conf").write_text(f"""
[agent]
  metric_batch_size = {TELEGRAF_BATCH}
  metric_buffer_limit = 100000
  flush_interval = "1s"
  omit_hostname = true
[[inputs.mqtt_consumer]]
  servers = ["tcp://{broker.host}:{broker.port}"]
  topics = [{topics}]
  topic_tag = ""
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  max_undelivered_messages = 10000
  data_format = "json_v2"
  [inputs.mqtt_consumer.tags]
    facility = "{FACILITY}"
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "ring/+"
    tags = "_/signal"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "telemetry"
    timestamp_path = "time"
    timestamp_format = "unix_ns"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "value"
      type = "float"
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "quality"
      type = "string"
[[outputs.influxdb_v2]]
  urls = ["{bucket.url}"]
  token = "$BENCH_TOKEN"
  organization = "{bucket.org}"
  bucket = "{bucket.name}"
""")
    program = shutil.which("telegraf", path=str(built_programs())) or "telegraf"
    return [program, "--config", "telegraf.conf"], {"BENCH_TOKEN": bucket.token}


def one_round(folder: Path, influxdb: InfluxDB, messages: int, first: str, *, profiled: bool) -> dict[str, Result]:
    broker = Mosquitto(folder / "mosquitto")
    broker.start()
    try:
        asyncio.run(make_sessions(broker))
        asyncio.run(publish(broker, messages))
        results: dict[str, Result] = {}
        names = ["kado"] if profiled else sorted(("kado", "telegraf"), key=lambda name: name != first)
        for name in names:
            here = folder / name
            here.mkdir()
            bucket = influxdb.create_bucket()
            make = kado(here, broker, bucket, profiled) if name == "kado" else telegraf(here, broker, bucket)
            results[name] = drain(*make[:1], here, make[1], broker.port, bucket, messages)
        return results
    finally:
        broker.stop()


def best(rounds: list[dict[str, Result]], name: str) -> Result:
    return min((r[name] for r in rounds), key=lambda result: result.wall_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000, help=f"a multiple of {TELEGRAF_BATCH}")
    parser.add_argument("--rounds", type=int, default=2, help="the best counts; who goes first alternates")
    parser.add_argument("--functions", action="store_true", help="also show which functions took the time")
    options = parser.parse_args()
    if absent := missing():
        print(f"not measured: {', '.join(absent)} not installed; get it with: make services-bench")
        return
    messages = options.messages - options.messages % TELEGRAF_BATCH
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        influxdb = InfluxDB(folder / "influxdb")
        influxdb.start()
        try:
            rounds: list[dict[str, Result]] = []
            print(f"{messages:,} queued QoS 1 messages of one JSON sample, MQTT -> InfluxDB, {os.cpu_count()} CPUs")
            print(HEAD)
            for i in range(options.rounds):
                here = folder / f"round{i}"
                rounds.append(one_round(here, influxdb, messages, ("kado", "telegraf")[i % 2], profiled=False))
                for name, result in rounds[-1].items():
                    print(result.row(name, messages), flush=True)
            ours, theirs = best(rounds, "kado"), best(rounds, "telegraf")
            print(f"best of {len(rounds)}: kado / Telegraf = {theirs.wall_s / ours.wall_s:.2f} in messages/s,")
            print(f"  {ours.cpu_s / theirs.cpu_s:.2f} in CPU, {ours.rss_mb / theirs.rss_mb:.2f} in memory")
            for name, result in (("kado", ours), ("telegraf", theirs)):
                if result.points != messages:
                    print(f"  {name}: InfluxDB holds {result.points:,} of {messages:,} points")
            one_round(folder / "profiled", influxdb, messages // 2, "kado", profiled=True)
            print_profile(folder / "profiled" / "kado" / "profile.out", functions=options.functions)
        finally:
            influxdb.stop()


def whose(file: str) -> str:
    """Whose code a file is."""
    for name in ("mqttium", "asyncio", "importlib"):
        if name in file:
            return {"importlib": "starting (imports)"}.get(name, name)
    return "kado" if file.startswith(str(ROOT)) and ".venv" not in file else "other"


def print_profile(path: Path, *, functions: bool) -> None:
    """Print the time of the event loop's thread by whose code it is; built-in functions count for their callers."""
    stats = pstats.Stats(str(path), stream=sys.stdout)
    spent: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, callers) in stats.stats.items():  # type: ignore[attr-defined]  # cProfile has no types for it
        if file != "~":
            spent[whose(file)] += own
        for caller, (_, _, own_there, _) in callers.items() if file == "~" else ():
            spent[whose(caller[0])] += own_there
    total = sum(spent.values())
    parts = ", ".join(f"{name} {seconds / total:.0%}" for name, seconds in spent.most_common())
    print(f"where the time of kado's event loop went (cProfile): {parts}")
    if functions:
        stats.sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
