"""A fiscal year of a simulated NanoTerasu into Parquet and into the embedded store, beside just writing it.

Stored current, second monitor and ion chamber at 1 Hz; the machine's mode and the shutters of the ten operating
ports, told on change and each minute or hour: some 95 million samples.

    python benchmarks/bench_simulator.py [--days 365]

The reference is the same arrays, kept in memory and written once more by themselves, in one thread, by the same
code: time, value (of a state its code) and quality; one file a signal, a row group a UTC day, zstd, dictionaries
of value and quality, differences of time. It waits for no disk. The store gets another, equal history, and does
more than the reference: it waits for its disk, sums up minutes, keeps checksums, and reads back what it wrote; it
encodes in threads beside the one that simulates. CPU seconds are those of this process, all threads together.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from facility.batch import Batch, Samples, join_by_signal
from facility.profile import Profile, load_profile
from facility.time import NS_PER_DAY, format_time
from simulators.machine import Machine
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
    return {
        name: (s.time_ns, s.value if s.state is None else s.state.astype(np.float64), s.quality)
        for name, s in batch.by_signal()
    }


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
                            use_dictionary=["value", "quality"],  # pyright: ignore[reportArgumentType]  # The stubs know a bool alone.
                            column_encoding={"time": "DELTA_BINARY_PACKED"},
                        )
                    )
                writers[name].write_table(pa.table([pa.array(a) for a in arrays], schema=schema))
                samples += len(arrays[0])
    return samples, sum(f.stat().st_size for f in folder.iterdir())


def months(batches: Iterable[Batch]) -> Iterator[Samples]:
    """Join days to months, signal by signal."""
    for _, month in groupby(batches, key=lambda batch: format_time(int(batch.time_ns[0]))[:7]):
        yield from join_by_signal(list(month)).values()


def load(folder: Path, facility: str, batches: Iterable[Batch], end_ns: int) -> int:
    """Load history into an embedded store, a month at a time; return how many samples it then holds."""
    with closing(EmbeddedStore(folder, facility, read_only=False)) as store:
        store.load_each(months(batches), before_ns=end_ns)
        return sum(series.samples for series in store.series())


class Stopwatch:
    """Tells, again and again, how long it was since it was asked last."""

    def __init__(self) -> None:
        self._last = (time.perf_counter(), time.process_time())

    def lap(self) -> tuple[float, float]:
        """Return seconds by the clock and of CPU."""
        before, self._last = self._last, (time.perf_counter(), time.process_time())
        return self._last[0] - before[0], self._last[1] - before[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
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
        watch = Stopwatch()
        samples, size = write(Path(folder), made(Machine(profile, scenario).history(start, end, by_signal=True)))
        whole = watch.lap()
        written = write(Path(again), kept)
        reference = watch.lap()
        kept.clear()
        watch.lap()
        history = Machine(profile, scenario).history(start, end, by_signal=True)
        loaded = load(Path(data_dir), profile.id, history, end)
        stored = watch.lap()
        if loaded != samples:
            raise SystemExit(f"the store holds {loaded:,} samples")
    if written != (samples, size):
        raise SystemExit("the same arrays gave other files")
    print(f"SIMULATED: {arguments.days} days, {samples:,} samples, {size / 1e6:.0f} MB")
    print(f"{'just written':<34}  {reference[0]:6.1f} s   CPU {reference[1]:6.1f} s")
    for what, (seconds, cpu) in (("Parquet", whole), ("the embedded store", stored)):
        said = f"made, and into {what}"
        print(f"{said:<34}  {seconds:6.1f} s   CPU {cpu:6.1f} s   (aim for a year: {AIM_S:.0f} s)")
        ratios = f"{seconds / reference[0]:6.2f}     CPU {cpu / reference[1]:6.2f}  "
        print(f"{'ratio':<34}  {ratios}   (aim: {AIM_RATIO:.0f})")


if __name__ == "__main__":
    main()
