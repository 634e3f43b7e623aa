"""``kado backfill`` with a store in a real InfluxDB, from a bucket of another: without a service, and beside one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from command_line import Kado, run
from facility.time import NS_PER_S, parse_time
from seeded_ring import DAY, UNKNOWN_S, seed, time_of_day
from servers import Bucket

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")} | {"PYTHONPATH": str(ROOT)}
WORDS = ("backfill", "--period", DAY, "--format", "json")
STAMPS = range(parse_time(time_of_day("04:00")), parse_time(time_of_day("06:00")), 10 * NS_PER_S)


@pytest.fixture
def ring(tmp_path: Path, influx_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Kado:
    """The day of `seeded_ring` in a bucket, and an archive that saw what kado did not: no beam from 05:05 to 05:10."""
    for name in list(os.environ):
        if name.startswith("KADO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    server = influx_bucket.server
    lost = range(parse_time(time_of_day("05:05")), parse_time(time_of_day("05:10")), 10 * NS_PER_S)
    others = server.create_bucket()
    others.write("\n".join(f"beam,monitor=dcct current={0.0 if t in lost else 0.2} {t}" for t in STAMPS))
    for name in ("store.token", "archive.token"):
        (tmp_path / name).write_text(server.token)
    archive = f"""[store]
kind = "influxdb"
url = "{server.url}"
org = "kado"
bucket = "{influx_bucket.name}"
token_file = "store.token"
[[source]]
id = "archive"
kind = "archiver"
archive = "influxdb"
url = "{server.url}"
bucket = "{others.name}"
secret_file = "archive.token"
chunk_h = 0.1
signal = [{{ channel = "beam,monitor=dcct", field = "current", signal = "current", scale = 1000.0 }}]
"""
    seed(tmp_path, store=archive)
    return run


@contextmanager
def running(folder: Path) -> Generator["subprocess.Popen[bytes]"]:
    """Run the service."""
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kado", "run"], cwd=folder, env=ENVIRONMENT, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 120
        while "kado runs" not in (folder / "run.log").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["without a service", "beside kado run"])
def service(request: pytest.FixtureRequest, ring: Kado, tmp_path: Path) -> Iterator["subprocess.Popen[bytes] | None"]:
    if request.param == "without a service":
        yield None
    else:
        with running(tmp_path) as process:
            yield process


def test_the_gap_is_filled_forwarded_and_counted_once(
    ring: Kado, service: "subprocess.Popen[bytes] | None", influx_bucket: Bucket
) -> None:
    def count() -> int:
        (row,) = influx_bucket.query("SELECT count(value) AS n FROM telemetry WHERE signal = 'current'")
        return row["n"]

    before = count()
    assert ring("gaps", "--period", DAY, "--format", "json").document["unknown_s"] == UNKNOWN_S
    answer = ring(*WORDS)
    assert answer.exit_code == 0, answer.err
    done = answer.document
    # What comes back is in InfluxDB when the command has ended: its figures were read from there.
    assert done["unknown_s"] == {"before": UNKNOWN_S, "after": 0}
    assert done["availability_pct"]["after"] < done["availability_pct"]["before"]
    assert done["signals"][0]["samples"] == 121
    # The first of them kado had itself.
    assert count() == before + 120
    rows = influx_bucket.query(
        f"SELECT value FROM telemetry WHERE signal = 'current' AND time >= {parse_time(time_of_day('05:04'))}"
        f" AND time < {parse_time(time_of_day('05:06'))}"
    )
    assert [row["value"] for row in rows] == [200.0] * 6 + [0.0] * 6
    assert "Nothing to fill" in ring("backfill", "--period", DAY).out
    again = ring(*WORDS, "--whole", "--again").document
    assert again["signals"][0]["samples"] == len(STAMPS)
    assert count() == before + 120
    starts = [e["start"] for e in ring("events", "--period", DAY, "--format", "json").document["events"]]
    assert any(time_of_day("05:05")[:16] in start for start in starts)
    if service is not None:
        assert service.poll() is None
        service.send_signal(signal.SIGTERM)
        assert service.wait(120) == 0
    answer = ring("ledger", "--verify")
    assert answer.exit_code == 0, answer.out + answer.err


def test_while_influxdb_takes_nothing_what_was_fetched_is_kept_and_said_to_wait(
    ring: Kado, influx_bucket: Bucket, tmp_path: Path
) -> None:
    everything = (tmp_path / "store.token").read_text()
    (tmp_path / "store.token").write_text(influx_bucket.server.create_token(influx_bucket, actions=("read",)))
    for beside in running(tmp_path), nullcontext():
        with beside:
            answer = ring(*WORDS)
            assert answer.exit_code == 3, answer.out
            assert "InfluxDB" in answer.err
    (tmp_path / "store.token").write_text(everything)
    with running(tmp_path):
        deadline = time.monotonic() + 120
        while ring("gaps", "--period", DAY, "--format", "json").document["gaps"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
