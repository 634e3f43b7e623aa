"""A fiscal year of a simulated NanoTerasu into Parquet and into the embedded store, beside just writing it.

Stored current, second monitor and ion chamber at 1 Hz; the machine's mode and the shutters of the ten operating
ports, told on change and each minute or hour: some 95 million samples. One file a signal, a row group a UTC day.

    python benchmarks/bench_simulator.py [--days 365] [--workers 1]

What is made is kept until the end, so that the same arrays can be written once more by themselves. Into the store
goes another, equal history. Several workers pay only if they also keep what they make: here each array is sent.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from facility.batch import Batch, Samples
from facility.profile import Profile, load_profile
from facility.time import NS_PER_DAY, format_time
from simulators.machine import Machine
from simulators.parallel import weeks
from simulators.scenario import load_scenario
from storage.embedded.store import EmbeddedStore

EVERY_SECOND = ("stored_current", "stored_current_2", "ion_chamber")
SHUTTERS = tuple(f"shutter_{port:02}" for port in range(1, 11))
AIM_S, AIM_RATIO = 60.0, 3.0

Columns = dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Signal -> time in ns, value (a state's code), quality, of one day."""


def profile_at_1_hz() -> Profile:
    """Return the simulated NanoTerasu with the signals that are measured here."""
    shipped = load_profile("nanoterasu_sim")
    wanted = (*EVERY_SECOND, "machine_mode", *SHUTTERS)
    signals = tuple(
        s.model_copy(update={"period_s": 1.0}) if s.id in EVERY_SECOND else s for s in shipped.signals if s.id in wanted
    )
    return shipped.model_copy(update={"signals": signals})


def columns(batch: Batch) -> Columns:
    """Take a day's batch apart."""
    parts: Columns = {}
    for code, name in enumerate(batch.signals):
        rows = np.flatnonzero(batch.signal == code)
        value = batch.value[rows] if name in EVERY_SECOND else batch.state[rows].astype(np.float64)
        parts[name] = (batch.time_ns[rows], value, batch.quality[rows])
    return parts


def write(folder: Path, days: Iterable[Columns]) -> tuple[int, int]:
    """Write a file a signal; return how many samples and bytes that is."""
    schema = pa.schema([("time", pa.int64()), ("value", pa.float64()), ("quality", pa.uint8())])
    writers: dict[str, Any] = {}
    samples = 0
    with ExitStack() as stack:
        for day in days:
            for name, arrays in day.items():
                if name not in writers:
                    writers[name] = stack.enter_context(
                        pq.ParquetWriter(
                            folder / f"{name}.parquet",
                            schema,
                            compression="zstd",
                            use_dictionary=["value", "quality"],
                            column_encoding={"time": "DELTA_BINARY_PACKED"},
                        )
                    )
                writers[name].write_table(pa.table(dict(zip(schema.names, arrays, strict=True)), schema=schema))
                samples += len(arrays[0])
    return samples, sum(f.stat().st_size for f in folder.iterdir())


def months(batches: Iterable[Batch]) -> Iterator[Samples]:
    """Join days to months, signal by signal."""
    month: dict[str, list[Samples]] = {}
    name_of_month = ""
    for batch in batches:
        this_month = format_time(int(batch.time_ns[0]))[:7]
        if this_month != name_of_month:
            yield from map(Samples.joined, month.values())
            month.clear()
            name_of_month = this_month
        for name, samples in batch.by_signal():
            month.setdefault(name, []).append(samples)
    yield from map(Samples.joined, month.values())


def load(folder: Path, facility: str, batches: Iterable[Batch], end_ns: int) -> int:
    """Load history into an embedded store, a month at a time; return how many samples it then holds."""
    with closing(EmbeddedStore(folder, facility, read_only=False)) as store:
        store.load_each(months(batches), before_ns=end_ns)
        return sum(series.samples for series in store.series())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    profile, scenario = profile_at_1_hz(), load_scenario("fy2024")
    start = profile.period("FY2024").start_ns
    end = start + arguments.days * NS_PER_DAY
    kept: list[Columns] = []

    def made(batches: Iterable[Batch]) -> Iterator[Columns]:
        for batch in batches:
            kept.append(columns(batch))
            yield kept[-1]

    with TemporaryDirectory() as folder, TemporaryDirectory() as again, TemporaryDirectory() as data_dir:
        begun = time.perf_counter()
        if arguments.workers == 1:
            samples, size = write(Path(folder), made(Machine(profile, scenario).history(start, end)))
        else:
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(arguments.workers, mp_context=context) as pool:
                samples, size = write(Path(folder), made(weeks(pool.map, profile, scenario, 1, start, end)))
        whole_s = time.perf_counter() - begun
        begun = time.perf_counter()
        written = write(Path(again), kept)
        written_s = time.perf_counter() - begun
        kept.clear()
        begun = time.perf_counter()
        loaded = load(Path(data_dir), profile.id, Machine(profile, scenario).history(start, end), end)
        loaded_s = time.perf_counter() - begun
        if loaded != samples:
            raise SystemExit(f"the store holds {loaded:,} samples")
    if written != (samples, size):
        raise SystemExit("the same arrays gave other files")
    print(f"SIMULATED: {arguments.days} days, {samples:,} samples, {size / 1e6:.0f} MB, {arguments.workers} worker(s)")
    print(f"just written                        {written_s:6.1f} s")
    for what, seconds in (("Parquet", whole_s), ("the embedded store", loaded_s)):
        said = f"made, and into {what}"
        print(f"{said:<34}  {seconds:6.1f} s   (aim for a year: {AIM_S:.0f} s)")
        print(f"{'ratio':<34}  {seconds / written_s:6.2f}     (aim: {AIM_RATIO:.0f})")


if __name__ == "__main__":
    main()
