"""Seconds and memory of the questions about a fiscal year: at 1 Hz with failures, and of a sparse archive.

    python benchmarks/bench_queries.py

Each question is a command in a process of its own. The first year has a sample a second and 30 failures; the second
one has a sample every 10 s with jitter, and each holds for 10 s: nearly every other spacing leaves a gap.

The reference is a process that starts, reads every sample of the year from the store, and counts nothing; beside each
question stands how many times its processor time that question takes.
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np

from facility.batch import Samples
from facility.schedule import Block, Category, ScheduleVersion
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from kado.config import load_configuration
from kado.service.importing import add_versions
from storage.embedded.store import EmbeddedStore

START: Final = parse_time("2024-04-01T00:00:00+09:00")
END: Final = parse_time("2025-04-01T00:00:00+09:00")
FAILURES: Final = 30
AIM: Final = "20 s, 500 MB"
QUESTIONS: Final = (
    "availability -p FY2024",
    "availability -p FY2024 -d sls",
    "gaps -p FY2024",
    "gaps -p FY2024 -d sls",
    "explain -p FY2024",
    "definitions --compare sls nanoterasu -p FY2024",
    "availability -p FY2024 -d all",
    "availability -p FY2024 --each day",
    "events -p FY2024",
    "incident pareto -p FY2024",
    "reliability -p FY2024",
    "availability -p 2024-10-02 -d sls",
    "gaps -p 2024-10-02 -d sls",
)
_READ_ALL: Final = """
from contextlib import closing
import sys
from kado.config import load_configuration
from facility.time import NS_PER_DAY
with closing(load_configuration(__import__("pathlib").Path(sys.argv[1])).backend.open()) as store:
    for day in range({start}, {end}, 8 * NS_PER_DAY):
        store.read("stored_current", day, min(day + 8 * NS_PER_DAY, {end}))
"""
_PROFILE: Final = """
id = "ring"
name = {{ en = "Ring (made up)", ja = "リング（架空）" }}
time_zone = "Asia/Tokyo"
delivery_signal = "stored_current"
simulated = true
signal = [{{ id = "stored_current", unit = "mA", period_s = {period_s}, stale_after_s = 10.0, physical_max = 600.0 }}]
limits = [{{ from = 2020-01-01, nominal = 199.0, recovered = 195.0, tolerance = 190.0, minimum = 8.0 }}]
"""


def make_year(folder: Path, period_s: float, jitter_s: float) -> None:
    """Fill a store with a fiscal year."""
    folder.mkdir(parents=True)
    path = folder / "kado.toml"
    path.write_text('facility = "ring.toml"\n', encoding="utf-8")
    (folder / "ring.toml").write_text(_PROFILE.format(period_s=period_s), encoding="utf-8")
    configuration = load_configuration(path)
    blocks = [Block(day, day + 5 * NS_PER_DAY, Category.USER) for day in range(START, END, 7 * NS_PER_DAY)]
    add_versions(configuration, (ScheduleVersion.of(START - 90 * NS_PER_DAY, blocks),), "made up")
    random = np.random.default_rng(1)
    outages = np.sort(random.integers(START, END, FAILURES))
    with closing(EmbeddedStore(configuration.data_dir, "ring", read_only=False)) as store:
        for first in range(START, END, 10 * NS_PER_DAY):
            times = np.arange(first, min(first + 10 * NS_PER_DAY, END), round(period_s * NS_PER_S), dtype=np.int64)
            times = np.unique(
                times + np.round(jitter_s * NS_PER_S * random.standard_normal(len(times))).astype(np.int64)
            )
            value = np.round(200.0 + 0.3 * random.standard_normal(len(times)), 2)
            for outage in outages:
                value[(times >= outage) & (times < outage + 1800 * NS_PER_S)] = 0.0
            value = np.maximum(value, 0.0)
            store.load(Samples.sorted("ring", "stored_current", times, value), before_ns=END + NS_PER_DAY)


def measure(command: list[str]) -> tuple[float, float, float, int]:
    """Return seconds by the clock and of the processor, most memory in MB and the exit code of a command."""
    began = time.perf_counter()
    with open(os.devnull, "wb") as nowhere:
        actions = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1)]
        child = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
        _, status, used = os.wait4(child, 0)
    processor = used.ru_utime + used.ru_stime
    return time.perf_counter() - began, processor, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the stores here; without it a temporary folder")
    parser.add_argument("--only", choices=("1hz", "sparse"), help="one of the two years")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        for name, period_s, jitter_s in (("1hz", 1.0, 0.0), ("sparse", 10.0, 0.5)):
            if arguments.only in (None, name):
                year = folder / name
                path = year / "kado.toml"
                if not year.exists():
                    # In a process of its own: a child's most memory begins with that of its parent.
                    with ProcessPoolExecutor(1, get_context("spawn")) as maker:
                        maker.submit(make_year, year, period_s, jitter_s).result()
                print(f"a fiscal year, a sample every {period_s:g} s (aim for each: {AIM})")
                read_all = [sys.executable, "-c", _READ_ALL.format(start=START, end=END), str(path)]
                asked = [(q, ["-m", "kado", *q.split(), "-c", str(path), "--format", "json"]) for q in QUESTIONS]
                reference = 0.0
                for asked_for, command in [
                    ("every sample read", read_all),
                    *((q, [sys.executable, *c]) for q, c in asked),
                ]:
                    seconds, processor, memory_mb, code = measure(command)
                    reference = reference or processor
                    failed = "" if code == 0 else f"  EXIT CODE {code}"
                    print(
                        f"  {asked_for:48} {seconds:8.2f} s {processor:8.2f} s CPU {memory_mb:6.0f} MB"
                        f" {processor / reference:6.1f} x{failed}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
