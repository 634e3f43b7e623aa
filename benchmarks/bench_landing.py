"""What the checksums of rows cost: the same arrivals landed with and without them, in turns.

    python benchmarks/bench_landing.py [--pairs 7]

Each pair lands the same arrivals into two new data directories, one after the other, in an order that changes; the
ratio of a pair is the CPU time with checksums by that without. Printed are the median ratio and the middle half.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]

import numpy as np

from collector.arrival import Arrival
from collector.telemetry_writer import TelemetryWriter
from facility.batch import Batch
from facility.time import NS_PER_S, system_clock
from storage.embedded import row_writing
from storage.telemetry_db.dead_letters import DEFAULT_LIMITS

CASES = {
    "20 signals, 1,000 samples a commit": (20, 1_000, 100),
    "20 signals, 5,000 samples a commit": (20, 5_000, 30),
    "1,000 signals, one sample each a commit": (1_000, 1_000, 60),
    "1 signal, 10 samples a commit": (1, 10, 100),
}


def arrivals(signals: int, samples: int, commits: int) -> list[Arrival]:
    names = [f"load_{i:04d}" for i in range(signals)]
    start = time.time_ns() - 3_600 * NS_PER_S
    code = np.arange(samples) % signals
    value = 200 + np.arange(samples) % 1_000 / 1_000
    return [
        Arrival("ring", Batch.build("bench_sim", names, code, start + (c * samples + np.arange(samples)) * 10_000,
                                    value=value))
        for c in range(commits)
    ]  # fmt: skip


def seconds(made: list[Arrival], *, checksums: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        file = TelemetryWriter(Path(folder), "bench_sim", "embedded", system_clock, DEFAULT_LIMITS)
        without = patch.object(row_writing, "_keep_sums", lambda *_: None)
        if not checksums:
            without.start()
        try:
            started = time.process_time()
            for one in made:
                file.commit([one])
                file.confirm()
            return time.process_time() - started
        finally:
            if not checksums:
                without.stop()
            file.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    pairs = parser.parse_args().pairs
    print(f"{'':<44}{'CPU us/sample':>14}{'ratio':>8}{'middle half':>16}")
    for name, (signals, samples, commits) in CASES.items():
        made = arrivals(signals, samples, commits)
        seconds(made, checksums=True)
        ratios: list[float] = []
        with_sums: list[float] = []
        for pair in range(pairs):
            order = (True, False) if pair % 2 else (False, True)
            took = {checksums: seconds(made, checksums=checksums) for checksums in order}
            ratios.append(took[True] / took[False])
            with_sums.append(took[True])
        low, middle, high = statistics.quantiles(ratios, n=4)
        each_us = statistics.median(with_sums) / samples / commits * 1e6
        print(f"{name:<44}{each_us:>14.2f}{middle:>8.3f}{low:>9.3f}-{high:.3f}")


if __name__ == "__main__":
    main()
