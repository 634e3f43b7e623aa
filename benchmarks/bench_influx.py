"""InfluxDB beside itself: reading, drawing from minutes, and copying, one signal at 1 Hz.

What kado draws from minutes is compared with what it draws from samples, and with InfluxQL's own `mean`, `min`, `max`,
`count` and `last` of the same buckets, in the same run; counts, extremes and last values have to be equal.

    python benchmarks/bench_influx.py [--days 31] [--rounds 3]

Needs `influxd` (make services).
"""

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from facility.batch import Batch, Samples
from facility.schema import TELEMETRY
from facility.time import NS_PER_DAY, NS_PER_S, parse_time, system_clock
from kado.config import load_configuration
from kado.service.copying import copy_store
from servers import Bucket, InfluxDB
from storage.embedded.store import EmbeddedStore
from storage.influxdb.client import InfluxClient
from storage.influxdb.downsampling import Downsampler
from storage.influxdb.line_protocol import encode
from storage.influxdb.reading import condition

RING, SIGNAL = "nanoterasu_sim", "stored_current"
START = parse_time("2025-01-01T00:00:00Z")


def timed(work: Callable[[], Any], rounds: int = 1) -> tuple[float, Any]:
    """Return the shortest time that something took, in seconds, and what it gave."""
    best, result = float("inf"), None
    for _ in range(rounds):
        begun = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - begun)
    return best, result


def day(number: int) -> Samples:
    times = START + number * NS_PER_DAY + np.arange(86_400) * NS_PER_S
    noise = np.random.default_rng(number).normal(0.0, 0.01, 86_400)
    return Samples.sorted(RING, SIGNAL, times, np.round(200.0 - 0.003 * (np.arange(86_400) % 180) + noise, 3))


def client_of(bucket: Bucket, name: str) -> InfluxClient:
    return InfluxClient(bucket.url, bucket.org, name, bucket.token, timeout_s=60.0)


def configure(folder: Path, store: str) -> Path:
    folder.mkdir()
    path = folder / "kado.toml"
    path.write_text(f'facility = "{RING}"\n{store}')
    return path


def measure(bucket: Bucket, folder: Path, days: int, rounds: int) -> None:
    end = START + days * NS_PER_DAY
    (folder / "token").write_text(bucket.token)
    store_table = (
        f'[store]\nkind = "influxdb"\nurl = "{bucket.url}"\norg = "{bucket.org}"\nbucket = "{bucket.name}"\n'
        f'token_file = "{folder / "token"}"\ntimeout_s = 60.0\n'
    )
    influx, files = configure(folder / "influx", store_table), configure(folder / "files", "")
    raw = client_of(bucket, bucket.name)

    def write() -> None:
        for number in range(days):
            samples = day(number)
            columns = (samples.time_ns, samples.value)
            for half in np.split(np.arange(len(samples)), 4):
                raw.write(encode(Batch.of_numbers(RING, SIGNAL, *(c[half] for c in columns))))

    seconds, _ = timed(write)
    n = days * 86_400
    print(f"{days} days at 1 Hz, {n:,} samples: written in {seconds:.1f} s, {n / seconds:,.0f} a second")
    with closing(load_configuration(influx, environment=False).backend.open()) as store:
        reading, found = timed(lambda: sum(map(len, store.read_chunks(SIGNAL, START, end))), rounds)
        assert found == n
        print(f"{'read piece by piece':<44}{reading:8.2f} s   {n / reading:,.0f} samples a second")
        counts = (100, 1000)
        drawn = {count: timed(lambda count=count: store.buckets(SIGNAL, START, end, count), rounds) for count in counts}
        with closing(client_of(bucket, f"{bucket.name}_1m")) as minutes:
            downsampler = Downsampler(raw, minutes, RING, lambda: system_clock() + 600 * NS_PER_S)
            seconds, done = timed(lambda: downsampler.run([SIGNAL]))
        print(f"{'sum up into ' + format(done.minutes, ',') + ' minutes':<44}{seconds:8.2f} s")
        for count, (from_samples, slow) in drawn.items():
            seconds, fast = timed(lambda count=count: store.buckets(SIGNAL, START, end, count), rounds)
            for column in ("start_ns", "count", "min", "max", "last"):
                assert np.array_equal(getattr(slow, column), getattr(fast, column)), column
            np.testing.assert_allclose(fast.mean, slow.mean, rtol=1e-12)
            functions = ",".join(f'{name}("value")' for name in ("mean", "min", "max", "count", "last"))
            query = f'SELECT {functions} FROM "{TELEMETRY}" WHERE {condition(RING, SIGNAL, START, end - 1)}'
            own, _ = timed(lambda q=f"{query} GROUP BY time({slow.width_ns}ns)": raw.query_json(q), rounds)
            print(
                f"{format(count, ',') + ' buckets from minutes':<44}{seconds:8.2f} s   of the time from samples"
                f" {seconds / from_samples:.2f}, of InfluxQL's own {seconds / own:.2f}"
            )
    raw.close()
    there, here = (load_configuration(path, environment=False) for path in (files, influx))
    seconds, _ = timed(lambda: copy_store(here, there, system_clock))
    print(f"{'copied into the embedded store':<44}{seconds:8.2f} s   of the time to read {seconds / reading:.2f}")
    again, _ = timed(lambda: copy_store(here, there, system_clock))
    print(f"{'copied again, nothing new':<44}{again:8.2f} s   of the time to read {again / reading:.2f}")
    with closing(EmbeddedStore(there.data_dir, RING)) as copied:
        assert sum(one.samples for one in copied.series()) == n


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        server = InfluxDB(Path(name, "influxdb"))
        server.start()
        try:
            bucket = server.create_bucket()
            server.create_bucket(name=f"{bucket.name}_1m")
            measure(bucket, Path(name), options.days, options.rounds)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
