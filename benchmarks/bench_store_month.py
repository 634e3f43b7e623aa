"""A month out of the embedded store: its accounting beside the same from memory, and 200 signals of it beside pyarrow.

The accounting is that of `kado availability` (events, both bounds, figures) for one month of a simulated NanoTerasu,
stored current at 1 Hz with second monitor and machine mode, out of sealed files. From memory: the same samples, read
before. The 200 signals are numbers with noise, each loaded with `EmbeddedStore.load` and read with `read`; beside it
each is written to a Parquet file of its own with `pyarrow.parquet.write_table`, and read with `read_table`.

    python benchmarks/bench_store_month.py [--signals 200] [--period-s 10] [--rounds 5]

At `--period-s 1` the signals are ten times as many samples: 518 million, some 2 GB.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

from analytics.availability import conclude
from analytics.findings import examine, join
from facility.batch import Samples
from facility.definition import load_definition
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from kado.config import load_configuration
from kado.queries.availability import load_availability
from kado.queries.period_pieces import period_query, read_pieces
from kado.service.simulated_history import fill_history
from simulators.machine import Machine
from simulators.scenario import load_scenario
from storage.embedded.store import EmbeddedStore

AIM_S = 0.5
START = parse_time("2025-10-01T00:00:00Z")
DAYS = 31
END = START + DAYS * NS_PER_DAY
KNOWN_ON = "2026-01-01T00:00:00Z"
MONTH = "2025-10"


def clock() -> int:
    return parse_time(KNOWN_ON)


def timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def peak_mb() -> float:
    # `getrusage` would count what the process was forked from.
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def memory_mb(folder: Path, arguments: argparse.Namespace, which: str) -> float:
    """Return the most memory of a process that does nothing else."""
    scale = ["--signals", str(arguments.signals), "--period-s", str(arguments.period_s)]
    command = [sys.executable, __file__, *scale, "--only", which, "--folder", str(folder)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def accounting(folder: Path, arguments: argparse.Namespace) -> None:
    (folder / "kado.toml").write_text('facility = "nanoterasu_sim"\n')
    configuration = load_configuration(folder / "kado.toml")
    machine = Machine(configuration.profile, load_scenario("fy2024"))
    # Room on both sides, as a month in the middle of a year has it.
    fill_history(configuration, machine, START - 10 * NS_PER_DAY, END + 10 * NS_PER_DAY, clock)
    definition = load_definition("sls")

    def from_store() -> Any:
        return load_availability(configuration, MONTH, "sls", KNOWN_ON, clock=clock)

    query = period_query(configuration, MONTH, definition, KNOWN_ON, clock)
    pieces, plan = list(read_pieces(query, [definition])), query.plan(definition)

    def from_memory() -> Any:
        found = [
            examine(known.evidence, configuration.profile, definition, plan, piece, settled=known.settled)
            for piece, known in pieces
        ]
        return conclude(join(found, MONTH), configuration.profile, definition, query.period)

    assert from_store().availability == from_memory()
    stored, memory = [], []
    for _ in range(arguments.rounds):
        stored.append(timed(from_store))
        memory.append(timed(from_memory))
    more = min(stored) - min(memory)
    print(f"a month's availability, {sum(len(k.evidence.delivery) for _, k in pieces):,} samples of stored current")
    print(f"  from the store     {min(stored):8.3f} s")
    print(f"  from memory        {min(memory):8.3f} s")
    print(f"  the store costs    {more:8.3f} s   (aim: {AIM_S})")
    print(f"  most memory of 'kado availability' alone: {memory_mb(folder, arguments, 'month'):.0f} MB")


def signal(number: int, period_s: int) -> Samples:
    """Return a month of one signal: a slow wave, noise, three decimals."""
    random = np.random.default_rng(number)
    times = np.arange(START, END, period_s * NS_PER_S, dtype=np.int64)
    value = 20.0 + np.sin(np.arange(len(times)) / 5_000.0) + 0.05 * random.standard_normal(len(times))
    return Samples.sorted("plant", f"signal_{number:03}", times, np.round(value, 3))


def plain(folder: Path, number: int) -> Path:
    return folder / "plain" / f"{number}.parquet"


def write_plain(folder: Path, number: int, samples: Samples) -> None:
    columns = [pa.array(samples.time_ns).view(pa.timestamp("ns", "UTC")), pa.array(samples.value)]
    pq.write_table(
        pa.table([*columns, pa.array(samples.quality)], names=["time", "value", "quality"]), plain(folder, number),
        row_group_size=86_400, compression="zstd",
        use_dictionary=["value", "quality"],  # pyright: ignore[reportArgumentType]  # The stubs know a bool alone.
        column_encoding={"time": "DELTA_BINARY_PACKED"},
    )  # fmt: skip


def read_plain(folder: Path, signals: int) -> None:
    for number in range(signals):
        table = pq.read_table(plain(folder, number))
        assert all(len(table[name].to_numpy()) for name in table.column_names)


def read_ours(folder: Path, signals: int) -> None:
    with closing(EmbeddedStore(folder / "many", "plant")) as store:
        for number in range(signals):
            assert len(store.read(f"signal_{number:03}", START, END))


def many(folder: Path, arguments: argparse.Namespace) -> None:
    (folder / "plain").mkdir()
    loading = writing = 0.0
    total = 0
    with closing(EmbeddedStore(folder / "many", "plant", read_only=False)) as store:
        for number in range(arguments.signals):
            samples = signal(number, arguments.period_s)
            total += len(samples)
            loading += timed(lambda s=samples: store.load(s, before_ns=END))
            writing += timed(lambda n=number, s=samples: write_plain(folder, n, s))
    rounds = [
        (
            timed(lambda: read_ours(folder, arguments.signals)),
            timed(lambda: read_plain(folder, arguments.signals)),
        )
        for _ in range(2)
    ]
    reading, reading_plain = (min(times) for times in zip(*rounds, strict=True))
    sizes = {
        kind: sum(path.stat().st_size for path in (folder / where).rglob("*.parquet")) / total
        for kind, where in (
            ("samples", "many/archive/samples"),
            ("minutes", "many/archive/minutes"),
            ("plain", "plain"),
        )
    }
    print(f"{arguments.signals} signals, a month each, a sample each {arguments.period_s} s: {total:,} samples")
    for what, ours, theirs in (("load, durable", loading, writing), ("read", reading, reading_plain)):
        rate = total / ours / 1e6
        print(f"  {what:16} kado {ours:7.2f} s ({rate:.1f} M/s)   pyarrow {theirs:7.2f} s   ratio {ours / theirs:5.2f}")
    print(
        f"  bytes a sample   kado {sizes['samples']:7.3f} and {sizes['minutes']:.3f} of minutes   "
        f"pyarrow {sizes['plain']:7.3f}"
    )
    for which in ("load", "read", "read_plain"):
        print(f"  most memory of a process, {which:10} {memory_mb(folder, arguments, which):7.0f} MB")


def only(folder: Path, arguments: argparse.Namespace) -> None:
    if arguments.only == "month":
        load_availability(load_configuration(folder / "kado.toml"), MONTH, "sls", KNOWN_ON, clock=clock)
    elif arguments.only == "read":
        read_ours(folder, arguments.signals)
    elif arguments.only == "read_plain":
        read_plain(folder, arguments.signals)
    else:
        with TemporaryDirectory() as other, closing(EmbeddedStore(Path(other), "plant", read_only=False)) as store:
            for number in range(min(10, arguments.signals)):
                store.load(signal(number, arguments.period_s), before_ns=END)
    print(peak_mb())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--signals", type=int, default=200)
    parser.add_argument("--period-s", type=int, default=10, help="time between samples of these signals")
    parser.add_argument("--rounds", type=int, default=5, help="of so many the fastest counts")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        only(arguments.folder, arguments)
        return
    with TemporaryDirectory() as folder:
        accounting(Path(folder), arguments)
        many(Path(folder), arguments)


if __name__ == "__main__":
    main()
