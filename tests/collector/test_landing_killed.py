"""Whatever was acknowledged is on the disk, when the process is killed at any moment."""

import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

import pytest

import landing_until_killed
from collector.landing import Landing
from collector.ledger import read_ledger
from storage.data_dir import DataDir
from storage.telemetry_db import StoreKind

ROUNDS = 5


def land_until_killed(data_dir: Path, kind: str, round_number: int, chance: random.Random) -> list[list[str]]:
    """Run the producers, kill them at a random instant, and return what was acknowledged."""
    script = str(landing_until_killed.__file__)
    process = subprocess.Popen(
        [sys.executable, script, str(data_dir), kind, str(round_number)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(chance.randint(1, 60))]
        time.sleep(chance.uniform(0.0, 0.02))
        process.kill()
        # A line that was cut by the kill was not said.
        acknowledged += [line for line in process.stdout if line.endswith("\n")]
    assert all(acknowledged)
    return [line.split() for line in acknowledged]


def stored_numbers(data_dir: Path, kind: str) -> dict[str, Counter[int]]:
    """Count each signal's samples by their number, without kado."""
    found: dict[str, Counter[int]] = defaultdict(Counter)
    with closing(sqlite3.connect(DataDir(data_dir).telemetry)) as plain:
        if kind == "embedded":
            query = "SELECT signal, time_ns, value FROM sample JOIN series ON series.id = series_id"
            for signal, time_ns, value in plain.execute(query):
                assert value == time_ns
                found[signal][time_ns] += 1
        else:
            for (lines,) in plain.execute("SELECT lines FROM outbox ORDER BY id"):
                for line in lines.decode().splitlines():
                    head, _, time_ns = line.split(" ")
                    found[head.rpartition("signal=")[2]][int(time_ns)] += 1
    return found


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
def test_a_kill_loses_nothing_that_was_acknowledged_and_splits_nothing(tmp_path: Path, kind: StoreKind) -> None:
    chance = random.Random(kind)
    acknowledged: list[list[str]] = []
    for round_number in range(ROUNDS):
        acknowledged += land_until_killed(tmp_path, kind, round_number, chance)
    assert len(acknowledged) > ROUNDS

    found = stored_numbers(tmp_path, kind)
    for signal, first, n in acknowledged:
        assert [found[signal][number] for number in range(int(first), int(first) + int(n))] == [1] * int(n)

    stored = sum(counts.total() for counts in found.values())
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert plain.execute("SELECT samples FROM landed").fetchall() == [(stored,)]
    ledger = read_ledger(tmp_path, check_outbox=True)
    assert ledger.damaged == ()
    for totals in ledger.sources():
        assert totals.missing == 0
        assert totals.stored + totals.waiting == found[totals.source.replace("source", "signal")].total()

    with Landing.open(tmp_path, "ring", kind) as landing:
        assert landing.status().waiting_samples == (stored if kind == "influxdb" else 0)
    assert "lost" not in {row.entry for row in read_ledger(tmp_path).rows}
