"""The archive of the embedded store, beside pyarrow on the same arrays: a year of one signal at 1 Hz."""

import resource
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from facility.batch import Samples
from facility.time import NS_PER_DAY, NS_PER_S
from storage.embedded.store import EmbeddedStore

N = 365 * 86_400
START = 20_454 * NS_PER_DAY  # 2026-01-01
END = START + N * NS_PER_S


def current() -> np.ndarray:
    """Return a stored current as a ring's archive has it: top-up, noise, a resolution of 1 uA."""
    random = np.random.default_rng(7)
    phase = np.arange(N) % 180
    return np.round(200.0 - 0.003 * phase + random.normal(0.0, 0.01, N), 3)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long something took, in seconds, and what it gave."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def in_turn(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int = 4) -> tuple[float, float]:
    """Return the shortest time of each, measured in turn: who allocates first may pay for the memory of both."""
    mine, other = [], []
    for _ in range(rounds):
        mine.append(timed(ours)[0])
        other += [timed(theirs)[0], timed(theirs)[0]]
        mine.append(timed(ours)[0])
    return min(mine), min(other)


def says(what: str, ours_s: float, theirs_s: float, peer: str, aim: str = "") -> None:
    ratio = ours_s / theirs_s
    print(f"{what:<44} kado {ours_s:7.3f} s   {peer} {theirs_s:7.3f} s   ratio {ratio:5.2f}{aim}")


def memory_mb(which: str) -> float:
    """Return what this process uses now (VmRSS), or the most since `forget_most` (VmHWM)."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[which].split()[0]) / 1024


def forget_most() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    times, values = START + np.arange(N) * NS_PER_S, current()
    samples = Samples.sorted("ring", "stored_current", times, values)
    with TemporaryDirectory() as folder:
        plain = Path(folder, "plain.parquet")

        def write_plain() -> None:
            columns = [pa.array(times).view(pa.timestamp("ns", "UTC")), pa.array(values), pa.array(samples.quality)]
            pq.write_table(
                pa.table(columns, names=["time", "value", "quality"]), plain, row_group_size=86_400, compression="zstd",
                use_dictionary=["value", "quality"],  # pyright: ignore[reportArgumentType]  # The stubs know a bool alone.
                column_encoding={"time": "DELTA_BINARY_PACKED"},
            )  # fmt: skip

        loads, plains = [], [timed(write_plain)[0]]
        memory = []
        for i in range(4):
            with closing(EmbeddedStore(Path(folder, str(i)), "ring", read_only=False)) as store:
                forget_most()
                now_mb = memory_mb("VmRSS")
                loads.append(timed(lambda s=store: s.load(samples, before_ns=END))[0])
                memory.append(memory_mb("VmHWM") - now_mb)
            plains.append(timed(write_plain)[0])
        says("bulk load of a year at 1 Hz, durable", min(loads), min(plains), "write_table", "   (aim: 2)")
        pairs = [load / min(plains[i], plains[i + 1]) for i, load in enumerate(loads)]
        print(f"{'... each beside the write before and after it':<44} ratios {', '.join(f'{r:.2f}' for r in pairs)}")
        print(f"{'... memory beside the arrays':<44} kado {max(memory):7.0f} MB")

        archive = Path(folder, "0", "archive")
        size = {k: sum(p.stat().st_size for p in (archive / k).rglob("*.parquet")) for k in ("samples", "minutes")}
        print(f"{'bytes a sample':<44} kado {size['samples'] / N:7.3f}     write_table {plain.stat().st_size / N:7.3f}"
              f"     minutes beside them: {size['minutes'] / N:.3f}")  # fmt: skip

        with closing(EmbeddedStore(Path(folder, "0"), "ring")) as store:
            sealed = sorted((archive / "samples").rglob("*.parquet"))

            def read_sealed() -> dict[str, np.ndarray]:
                table = pq.read_table(sealed, columns=["time", "value", "quality"], partitioning=None)
                return {name: table[name].to_numpy() for name in table.column_names}

            ours, theirs = in_turn(lambda: store.read("stored_current", START, END), read_sealed)
            says("read the year into NumPy", ours, theirs, "pyarrow    ", "   (aim: 1.3)")

            def chunks() -> int:
                return sum(len(piece) for piece in store.read_chunks("stored_current", START, END))

            print(f"{'... in pieces of 200,000':<44} kado {timed(chunks)[0]:7.3f} s")
            whole_minutes = START + 365 * 1440 * 60 * NS_PER_S
            for what, end, count in (
                ("year -> 1,000 buckets (edges cut minutes)", END, 1000),
                ("year -> 730 buckets (12 h each: by minutes)", whole_minutes, 730),
                ("day -> 1,000 buckets", START + NS_PER_DAY, 1000),
            ):
                took = min(
                    timed(lambda e=end, c=count: store.buckets("stored_current", START, e, c))[0] for _ in range(3)
                )
                print(f"{what:<44} kado {took:7.3f} s")
    print(f"{'most memory of this process':<44} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
