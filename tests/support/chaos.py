"""Chaos: kills, a server that misbehaves, a full disk and flipped bits, and what of it was lost, doubled or silent.

    make chaos

prints one row for each kind of trouble. ``lost`` are acknowledged samples that are not there and of which nothing
is said, ``doubled`` samples that are there twice, ``silent`` changes on the disk that alter what is read while no
check says anything. Each has to be 0.
"""

import argparse
import logging
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from chaos_ingest import FORKS, kill_collection, start_fork_server
from collector.arrival import Arrival
from collector.delivery_policy import DeliveryPolicy
from collector.forwarder import Forwarder
from collector.landing import Landing
from collector.landing_status import LandingLimits, LandingState
from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch
from facility.corrections import Assertion, Correction
from facility.errors import KadoError
from facility.schedule import Block, Category, ScheduleVersion
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S, system_clock
from landing_until_killed import land_into_log
from scripted_influxdb import ScriptedInfluxDB, Step
from servers import InfluxDB, require
from storage.backup.backup import Backup
from storage.backup.restore import restore
from storage.backup.snapshots import find_snapshot, read_snapshot
from storage.data_dir import DataDir
from storage.databases import verify_databases
from storage.embedded.maintenance.verifying import verify_files
from storage.embedded.store import EmbeddedStore
from storage.influxdb.client import InfluxClient
from storage.influxdb.line_protocol import decode
from storage.journal.journal import Journal
from storage.telemetry_db import StoreKind, open_reader
from storage.telemetry_db.outbox import next_group

DAY = 20_500 * NS_PER_DAY


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one kind of trouble."""

    name: str
    times: int
    samples: int
    lost: int
    doubled: int
    silent: int
    seconds: float

    def text(self) -> str:
        """Return the line of the table."""
        numbers = f"{self.times:>7}{self.samples:>11,}{self.lost:>7}{self.doubled:>9}{self.silent:>8}"
        return f"{self.name:<56}{numbers}{self.seconds:>9.1f}"


HEAD = f"{'':<56}{'times':>7}{'samples':>11}{'lost':>7}{'doubled':>9}{'silent':>8}{'seconds':>9}"


def kills(folder: Path, kind: StoreKind, times: int, chance: random.Random) -> Row:
    """Kill a landing again and again; forward what waits to a server that misbehaves, and count."""
    started = time.monotonic()
    acknowledged: Counter[tuple[str, int]] = Counter()
    folder.mkdir(parents=True)
    start_fork_server()
    for number in range(times):
        log = folder / "acknowledged.log"
        log.write_text("")
        process = FORKS.Process(target=land_into_log, args=(folder / "data", kind, number, log), daemon=True)
        process.start()
        wanted = chance.randint(1, 30)
        while log.read_text().count("\n") < wanted and process.is_alive():
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.01))
        process.kill()
        process.join()
        for line in log.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                signal, first, n = line.split()
                acknowledged.update((signal, i) for i in range(int(first), int(first) + int(n)))
    assert acknowledged
    folder = folder / "data"
    if kind == "embedded":
        with closing(EmbeddedStore(folder, "ring")) as store:
            stored = Counter(
                (one.signal, time_ns)
                for one in store.series()
                for time_ns in store.read(one.signal, -MAX_NS, MAX_NS).time_ns.tolist()
            )
            said = verify_ledger(read_ledger(folder, check_outbox=True), store)
    else:
        stored = forward(folder, chance)
        said = list(read_ledger(folder).problems)
    lost = sum(1 for key in acknowledged if key not in stored)
    doubled = sum(n - 1 for n in stored.values()) + doubled_in_ledger(folder, stored)
    return Row(f"kill -9, {kind}", times, len(stored), lost, doubled, len(said), time.monotonic() - started)


def forward(folder: Path, chance: random.Random) -> Counter[tuple[str, int]]:
    """Drain the outbox into a server that fails in random ways; return what it holds, each point once."""
    bad = [Step(500), Step(503, {"Retry-After": "0"}), Step(429), Step(None), Step(None, keep=True), Step(200)]
    script = [chance.choice([*bad, Step(), Step()]) for _ in range(25)]
    server = ScriptedInfluxDB(*script)
    client = InfluxClient(server.url, "kado", "kado", "secret", token_source="KADO_TOKEN", timeout_s=5.0)
    policy = DeliveryPolicy(chance.random, retry_base_s=0.001, retry_cap_s=0.01, hold_s=0.01)
    try:
        with Landing.open(folder, "ring", "influxdb"), Forwarder(folder, "ring", client, system_clock, policy) as going:
            for _ in range(50):
                with suppress(KadoError):
                    going.drain(patience_s=20.0)
                    break
        lines = sorted({line + b"\n" for line in server.lines if line.startswith(b"telemetry,")})
    finally:
        server.close()
    batch = decode(b"".join(lines))
    names = [batch.signals[code] for code in batch.signal.tolist()]
    return Counter(zip(names, batch.time_ns.tolist(), strict=True))


def doubled_in_ledger(folder: Path, stored: Counter[tuple[str, int]]) -> int:
    """Return how many samples the ledger counts as stored beyond those that are."""
    held = sum(read_ledger(folder).held().values())
    return max(0, held - len(stored))


def ingest_kills(place: Path, times: int, chance: random.Random, show: Callable[[str], None]) -> list[Row]:
    """Kill collection from a real broker, with each client into each store, all at the same time: that is the load."""
    influxdb: InfluxDB | None = None
    try:
        require("mosquitto")
        influxdb = InfluxDB(place / "influxdb")
        influxdb.start()
    except pytest.skip.Exception as missing:
        show(f"left out: {missing}")
    kinds: list[StoreKind] = ["embedded"] if influxdb is None else ["embedded", "influxdb"]
    ways: list[tuple[StoreKind, str]] = [(kind, client) for kind in kinds for client in ("mqttium", "aiomqtt")]

    def one(way: tuple[StoreKind, str], seed: int) -> Row:
        kind, client = way
        started = time.monotonic()
        server = influxdb if kind == "influxdb" else None
        found = kill_collection(place / f"{kind}-{client}", kind, client, times, random.Random(seed), server)
        # By chance a few kills meet nothing in flight; many do not.
        assert found.again or times < 20, "no kill met a message in flight"
        name = f"kill -9, MQTT by {client} to {kind}" + (" that lies" if server else "")
        return Row(name, times, found.published, found.lost, found.doubled, found.silent, time.monotonic() - started)

    start_fork_server()
    try:
        with ThreadPoolExecutor(len(ways)) as threads:
            return list(threads.map(one, ways, [chance.randrange(10**9) for _ in ways]))
    finally:
        if influxdb is not None:
            influxdb.stop()


def full_disk(folder: Path, times: int, chance: random.Random) -> Row | None:
    """Land until the disk is full, make space, and go on; None where no disk can be mounted."""
    started = time.monotonic()
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24M", "tmpfs", str(disk)], check=False).returncode:
        return None
    data, landed = disk / "data", 0
    limits = LandingLimits(retry_s=0.02)
    try:
        for _ in range(times):
            with Landing.open(data, "ring", "embedded", limits=limits) as landing:
                other = disk / "other"
                other.write_bytes(b"\0" * max(0, shutil.disk_usage(disk).free - chance.randrange(50_000)))
                n = chance.randrange(2_000, 5_000)
                batch = Batch.of_numbers("ring", "a", landed + np.arange(n), np.random.default_rng(n).random(n))
                with ThreadPoolExecutor(1) as thread:
                    landing_it = thread.submit(landing.land_now, Arrival("ring", batch))
                    while landing.status().state is not LandingState.FAILING and not landing_it.done():
                        time.sleep(0.005)
                    other.unlink()
                    landing_it.result(30)
                landed += n
        with closing(EmbeddedStore(data, "ring")) as store:
            stored = len(store.read("a", -MAX_NS, MAX_NS))
            said = verify_ledger(read_ledger(data), store)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)
    lost, doubled = max(0, landed - stored), max(0, stored - landed)
    return Row("full disk", times, stored, lost, doubled, len(said), time.monotonic() - started)


# --- Flipped bits.


def make_embedded(folder: Path) -> None:
    """Make a directory with sealed days, rows and a journal."""
    with Landing.open(folder, "ring", "embedded") as landing:
        for day in range(3):
            times = DAY + day * NS_PER_DAY + np.arange(500) * NS_PER_S
            values = np.random.default_rng(day).normal(200.0, 0.3, 500)
            landing.land_now(Arrival("ring", Batch.of_numbers("ring", "current", times, values)))
    with closing(EmbeddedStore(folder, "ring", read_only=False)) as store:
        store.seal(DAY + 2 * NS_PER_DAY)
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with Journal.open(DataDir(folder).journal, facility="ring") as journal:
        journal.add_schedule_versions([ScheduleVersion(1, (Block(10, 20, Category.USER),))], "Sato", "plan.csv")
        journal.add_correction(Correction(0, 10, 20, Assertion.UP, "Sato", "seen on the scope", 0))


def make_influxdb(folder: Path) -> None:
    """Make a directory with an outbox."""
    with Landing.open(folder, "ring", "influxdb") as landing:
        for i in range(3):
            times = DAY + (i * 500 + np.arange(500)) * NS_PER_S
            landing.land_now(Arrival("ring", Batch.of_numbers("ring", "current", times, np.arange(500) / 7)))
        landing._file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def look(folder: Path, kind: StoreKind) -> tuple[object, list[str]]:
    """Return what is read from a directory, and what is said about it."""
    said: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]  # replaced on purpose
    logging.getLogger().addHandler(handler)
    read: object = None
    try:
        with closing(open_reader(folder, "ring", kind)) as connection:
            said += [finding.what for finding in verify_databases(connection, folder, deep=True)]
            if kind == "embedded":
                said += [finding.what for finding in verify_files(connection, folder, deep=True).findings]
                with closing(EmbeddedStore(folder, "ring")) as store:
                    said += verify_ledger(read_ledger(folder, check_outbox=True), store)
                    samples = store.read("current", -MAX_NS, MAX_NS)
                    read = (samples.time_ns.tobytes(), samples.value.tobytes(), samples.quality.tobytes())
                with Journal.open(DataDir(folder).journal, facility="ring") as journal:
                    read = (read, journal.schedule_versions(), journal.corrections())
            else:
                ledger = read_ledger(folder, check_outbox=True)
                said += [*ledger.problems, *ledger.damaged]
                read = [(blob.lines, blob.counts) for blob in next_group(connection, 10**9)]
    except KadoError as error:
        said.append(str(error))
    finally:
        logging.getLogger().removeHandler(handler)
    return read, said


def flips(folder: Path, kind: StoreKind, pattern: str, times: int, chance: random.Random) -> Row:
    """Flip one bit of one file at a time, and see whether what is read changes without a word."""
    started = time.monotonic()
    (make_embedded if kind == "embedded" else make_influxdb)(folder)
    right, said = look(folder, kind)
    assert said == [], said
    files = sorted(path for path in folder.glob(pattern) if path.is_file())
    silent = 0
    for _ in range(times):
        path = chance.choice(files)
        content = path.read_bytes()
        path.write_bytes(flipped(content, chance))
        read, said = look(folder, kind)
        silent += not said and read != right
        path.write_bytes(content)
        for left in folder.glob("*.db-*"):
            left.unlink()
    return Row(f"flipped bit, {kind}: {pattern}", times, 1_500, 0, 0, silent, time.monotonic() - started)


def flips_in_log(folder: Path, times: int, chance: random.Random) -> Row:
    """Flip one bit at a time of the log that a killed writer has left."""
    started = time.monotonic()
    killed = folder / "killed"
    with Landing.open(folder / "live", "ring", "embedded") as landing:
        for day in range(3):
            times_ns = DAY + day * NS_PER_DAY + np.arange(500) * NS_PER_S
            values = np.random.default_rng(day).normal(200.0, 0.3, 500)
            landing.land_now(Arrival("ring", Batch.of_numbers("ring", "current", times_ns, values)))
        shutil.copytree(folder / "live", killed)
    shutil.copytree(killed, folder / "whole")
    right, said = look(folder / "whole", "embedded")
    assert said == [], said
    content = (killed / "telemetry.db-wal").read_bytes()
    silent = 0
    for number in range(times):
        # Each in a folder of its own: a message is logged once for each file.
        changed = folder / f"changed-{number}"
        shutil.copytree(killed, changed)
        (changed / "telemetry.db-wal").write_bytes(flipped(content, chance))
        read, said = look(changed, "embedded")
        silent += not said and read != right
        shutil.rmtree(changed)
    return Row("flipped bit, embedded: telemetry.db-wal", times, 1_500, 0, 0, silent, time.monotonic() - started)


def flips_in_backup(folder: Path, times: int, chance: random.Random) -> Row:
    """Flip one bit of one file of a backup at a time, and see whether what is restored is other data without a word."""
    started = time.monotonic()
    make_embedded(folder / "data")
    backup = Backup(folder / "data", folder / "backups", system_clock).make(simulated=False).path
    right, said = look(folder / "data", "embedded")
    assert said == [], said
    files = sorted(path for path in backup.rglob("*") if path.is_file())
    silent = 0
    for number in range(times):
        path = chance.choice(files)
        content = path.read_bytes()
        path.write_bytes(flipped(content, chance))
        restored = folder / f"restored-{number}"
        try:
            restore(read_snapshot(find_snapshot(folder / "backups")), restored, "ring", "embedded")
            silent += look(restored, "embedded") != (right, [])
            shutil.rmtree(restored)
        except KadoError:
            # Said, and then nothing is there.
            silent += restored.exists() and any(restored.iterdir())
        path.write_bytes(content)
    return Row("flipped bit, embedded: backup", times, 1_500, 0, 0, silent, time.monotonic() - started)


def flipped(content: bytes, chance: random.Random) -> bytes:
    """Return the bytes with one bit changed."""
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


FILES: list[tuple[StoreKind, str]] = [
    ("embedded", "telemetry.db"),
    ("embedded", "archive/samples/**/*.parquet"),
    ("embedded", "archive/minutes/**/*.parquet"),
    ("embedded", "telemetry.mark"),
    ("embedded", "journal.db"),
    ("embedded", "journal.mark"),
    ("influxdb", "telemetry.db"),
    ("influxdb", "telemetry.mark"),
]


def run(n_kills: int, n_flips: int, seed: int, show: Callable[[str], None]) -> list[Row]:
    """Do all of it in new folders; return the rows."""
    chance = random.Random(seed)
    rows: list[Row] = []
    show(HEAD)
    with tempfile.TemporaryDirectory() as place:
        for kind in ("embedded", "influxdb"):
            rows.append(kills(Path(place, f"kills-{kind}"), kind, n_kills, chance))
            show(rows[-1].text())
        for row in ingest_kills(Path(place, "ingest"), n_kills, chance, show):
            rows.append(row)
            show(row.text())
        if (row := full_disk(Path(place), max(1, n_kills // 5), chance)) is not None:
            rows.append(row)
            show(row.text())
        for i, (kind, pattern) in enumerate(FILES):
            rows.append(flips(Path(place, f"flips-{i}"), kind, pattern, n_flips, chance))
            show(rows[-1].text())
        rows.append(flips_in_log(Path(place, "flips-log"), n_flips, chance))
        show(rows[-1].text())
        rows.append(flips_in_backup(Path(place, "flips-backup"), n_flips, chance))
        show(rows[-1].text())
    return rows


def main() -> None:
    """Print the table; end with 1 unless every number is 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--flips", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # What is logged is part of what is said, not of the table.
    logging.getLogger().addHandler(logging.NullHandler())
    started = time.monotonic()
    rows = run(options.kills, options.flips, options.seed, lambda line: print(line, flush=True))
    print(f"{'all, seed ' + str(options.seed):<56}{time.monotonic() - started:>43.1f}")
    sys.exit(any(row.lost or row.doubled or row.silent for row in rows))


if __name__ == "__main__":
    main()
