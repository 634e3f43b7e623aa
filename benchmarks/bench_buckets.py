"""A year of one signal at 1 Hz into 1,000 buckets: kado's archive beside DuckDB's own table and InfluxQL.

DuckDB and InfluxQL are asked for what their language has a word for: count, mean, minimum, maximum and last value of
each bucket. Their mean is that of the values; kado's is weighted by the time that each value holds, which is the same
only as long as no sample is missing. DuckDB is asked for kado's mean as well, with a window function. Count, minimum,
maximum and last value are compared, and have to be equal.

    python benchmarks/bench_buckets.py [--days 365] [--influx-days 30] [--rounds 5] [--folder DIR]

InfluxDB is measured where `influxd` is installed (make services), on fewer days: it takes a while to load.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from facility.batch import Batch, Samples
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from servers import Bucket, InfluxDB, built_programs
from storage.bucketing import bucket_edges, bucketise
from storage.embedded.store import EmbeddedStore
from storage.influxdb.line_protocol import encode
from storage.store import Buckets

RING, SIGNAL = "ring", "stored_current"
START = parse_time("2026-01-01T00:00:00Z")
COUNT = 1_000
AIM = 1.5
LINES_A_REQUEST = 20_000

Table = dict[str, Any]
"""Columns count, mean, min, max, last of the buckets that hold a sample."""


def current(days: int) -> Samples:
    """Return a stored current as a ring's archive has it: top-up, noise, a resolution of 1 uA, gaps now and then."""
    n, random = days * 86_400, np.random.default_rng(7)
    value = np.round(200.0 - 0.003 * (np.arange(n) % 180) + random.normal(0.0, 0.01, n), 3)
    keep = np.ones(n, bool)
    for at in random.integers(0, n, 4 * days).tolist():
        keep[at : at + 60] = False
    times = START + np.arange(n) * NS_PER_S
    return Samples.sorted(RING, SIGNAL, times[keep], value[keep])


def end_of(days: int) -> int:
    return START + days * NS_PER_DAY


def width_ns(end: int) -> int:
    """Return how wide kado makes the buckets."""
    return int(np.diff(bucket_edges(START, end, COUNT)[:2])[0])


def of_store(store: EmbeddedStore, end: int) -> Buckets:
    return store.buckets(SIGNAL, START, end, COUNT)


def of_samples(store: EmbeddedStore, end: int) -> Buckets:
    return bucketise(SIGNAL, store.read_chunks(SIGNAL, START, end), START, end, COUNT)


def of_duckdb(connection: duckdb.DuckDBPyConnection, end: int) -> Table:
    return connection.execute(
        "SELECT (time - $1) // $3 AS bucket, count(*) AS count, avg(value) AS mean, min(value) AS min,"
        " max(value) AS max, arg_max(value, time) AS last"
        " FROM samples WHERE time >= $1 AND time < $2 AND quality <= 1 GROUP BY bucket ORDER BY bucket",
        [START, end, width_ns(end)],
    ).fetchnumpy()


def of_duckdb_weighted(connection: duckdb.DuckDBPyConnection, end: int) -> Table:
    return connection.execute(
        "WITH held AS (SELECT time, value, (time - $1) // $3 AS bucket, least(lead(time, 1, $2) OVER (ORDER BY time),"
        " $1 + ((time - $1) // $3 + 1) * $3, $2) - time AS ns FROM samples"
        " WHERE time >= $1 AND time < $2 AND quality <= 1)"
        " SELECT bucket, count(*) AS count, sum(value * ns) / sum(ns) AS mean, min(value) AS min, max(value) AS max,"
        " arg_max(value, time) AS last FROM held GROUP BY bucket ORDER BY bucket",
        [START, end, width_ns(end)],
    ).fetchnumpy()


def of_influxdb(bucket: Bucket, end: int) -> list[dict[str, float]]:
    width_s = width_ns(end) // NS_PER_S
    # InfluxQL counts buckets from 1970 on, unless configured otherwise.
    offset_s = START // NS_PER_S % width_s
    return bucket.query(
        "SELECT count(value) AS count, mean(value) AS mean, min(value) AS min, max(value) AS max, last(value) AS last"
        f" FROM telemetry WHERE facility = '{RING}' AND signal = '{SIGNAL}' AND time >= {START}"
        f" AND time < {end} GROUP BY time({width_s}s, {offset_s}s) fill(none)"
    )


def make_duckdb(path: Path, samples: Samples) -> None:
    columns = [pa.array(samples.time_ns), pa.array(samples.value), pa.array(samples.quality)]
    table = pa.table(columns, names=["time", "value", "quality"])
    with duckdb.connect(str(path)) as connection:
        connection.register("arrow", table)
        connection.execute("CREATE TABLE samples AS SELECT * FROM arrow")


def fastest(rounds: int, calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the shortest time of each, taken in turn, after one that does not count."""
    times: dict[str, float] = {}
    for i in range(rounds + 1):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            if i:
                times[name] = min(times.get(name, np.inf), time.perf_counter() - begun)
    return times


def check(ours: Buckets, theirs: Table, *, weighted: bool) -> None:
    for name in ("count", "min", "max", "last"):
        assert np.array_equal(getattr(ours, name), theirs[name]), name
    if weighted:
        assert np.allclose(ours.mean, theirs["mean"], rtol=1e-12, atol=0.0)


def memory_mb(folder: Path, days: int, which: str) -> float:
    """Return the most memory of a process that does nothing else."""
    command = [sys.executable, __file__, "--folder", str(folder), "--days", str(days), "--only", which]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def only(folder: Path, days: int, which: str) -> None:
    if which == "kado":
        with closing(EmbeddedStore(folder / "kado", RING)) as store:
            of_store(store, end_of(days))
    elif which == "duckdb":
        with duckdb.connect(str(folder / "native.duckdb"), read_only=True) as connection:
            of_duckdb(connection, end_of(days))
    # `getrusage` would count what the process was forked from.
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(int(peak.split()[1]) / 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--influx-days", type=int, default=30, help="0: none")
    parser.add_argument("--rounds", type=int, default=5, help="of so many the fastest counts")
    parser.add_argument("--folder", type=Path, help="where both archives are, or are made; kept")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        only(arguments.folder, arguments.days, arguments.only)
        return
    with TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        days = arguments.days
        samples = current(days)
        if not (folder / "kado").exists():
            folder.mkdir(parents=True, exist_ok=True)
            with closing(EmbeddedStore(folder / "kado", RING, read_only=False)) as store:
                store.load(samples, before_ns=end_of(days))
            make_duckdb(folder / "native.duckdb", samples)
        beside_duckdb(folder, days, arguments.rounds)
        path = os.pathsep.join([str(built_programs()), os.environ.get("PATH", "")])
        if not arguments.influx_days:
            return
        if shutil.which("influxd", path=path) is None:
            print("InfluxDB is not measured: influxd is not installed (make services)")
            return
        few = min(arguments.influx_days, days)
        # InfluxQL knows buckets of whole seconds.
        end = START + COUNT * (few * 86_400 // COUNT) * NS_PER_S
        beside_influxdb(folder, Path(temporary) / "influxdb", samples.between(START, end), end, arguments.rounds)


def beside_duckdb(folder: Path, days: int, rounds: int) -> None:
    archive = sum(path.stat().st_size for path in (folder / "kado").rglob("*.parquet"))
    native = (folder / "native.duckdb").stat().st_size
    print(f"{days} days at 1 Hz; kado {archive / 1e6:.0f} MB with minutes, DuckDB's table {native / 1e6:.0f} MB")
    with (
        closing(EmbeddedStore(folder / "kado", RING)) as store,
        duckdb.connect(str(folder / "native.duckdb"), read_only=True) as connection,
    ):
        check(of_store(store, end_of(days)), of_duckdb(connection, end_of(days)), weighted=False)
        check(of_store(store, end_of(days)), of_duckdb_weighted(connection, end_of(days)), weighted=True)
        times = fastest(
            rounds,
            {
                "kado": lambda: of_store(store, end_of(days)),
                "kado, from every sample": lambda: of_samples(store, end_of(days)),
                "DuckDB, mean of the values": lambda: of_duckdb(connection, end_of(days)),
                "DuckDB, mean weighted by time": lambda: of_duckdb_weighted(connection, end_of(days)),
            },
        )
    reference = times["DuckDB, mean of the values"]
    print(f"{f'{len(bucket_edges(START, end_of(days), COUNT)) - 1:,} buckets':36}{'seconds':>10}{'ratio':>8}")
    for name, taken in times.items():
        aim = f"   (aim: {AIM})" if name == "kado" else ""
        print(f"{name:36}{taken:10.4f}{taken / reference:8.2f}{aim}")
    nothing = memory_mb(folder, days, "nothing")
    for which in ("kado", "duckdb"):
        print(f"most memory of a process, {which:10} {memory_mb(folder, days, which):10.0f} MB, {nothing:.0f} without")


def beside_influxdb(folder: Path, place: Path, samples: Samples, end: int, rounds: int) -> None:
    server = InfluxDB(place)
    try:
        server.start()
        bucket = server.create_bucket()
        begun = time.perf_counter()
        for at in range(0, len(samples), LINES_A_REQUEST):
            some = slice(at, at + LINES_A_REQUEST)
            bucket.write(encode(Batch.of_numbers(RING, SIGNAL, samples.time_ns[some], samples.value[some])).decode())
        took = time.perf_counter() - begun
        with closing(EmbeddedStore(folder / "kado", RING)) as store:
            ours, rows = of_store(store, end), of_influxdb(bucket, end)
            check(ours, {name: np.array([row[name] for row in rows]) for name in rows[0]}, weighted=False)
            times = fastest(
                rounds, {"kado": lambda: of_store(store, end), "InfluxQL": lambda: of_influxdb(bucket, end)}
            )
    finally:
        server.stop()
    print(f"{(end - START) / NS_PER_DAY:.1f} days of it in InfluxDB, {len(samples):,} points written in {took:.0f} s")
    for name, taken in times.items():
        print(f"{name:36}{taken:10.4f}{taken / times['InfluxQL']:8.2f}")


if __name__ == "__main__":
    main()
