"""Eight facility-years at 1 Hz out of sealed archives, by one process, two bare ones, and a Dask cluster.

Four rings with two fiscal years each, made once and bulk-loaded; a piece of work is one ring and one year, as `kado
fleet figures` computes it. Two bare processes, which do four pieces each and talk to nobody, are what two workers
could reach on this machine at best. All are measured in turn, when they are up and have imported what they need.

    python benchmarks/bench_cluster.py [--period-s 1] [--rounds 3] [--folder DIR]

A folder that is given is kept, and used again.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from console.executors import cluster, processes
from console.fleet import Outcome, compute, compute_all, pieces
from made_up_fleet import RINGS, YEARS, make_fleet

AIM = 0.9
KNOWN_ON = "2026-01-01T00:00:00Z"


def digest(outcomes: list[Outcome]) -> str:
    """Return what is equal if all numbers are."""
    return sha256(json.dumps([outcome.document for outcome in outcomes]).encode()).hexdigest()


def timed(work: Callable[[], list[Outcome]]) -> tuple[float, str]:
    begun = time.perf_counter()
    outcomes = work()
    took = time.perf_counter() - begun
    errors = [outcome.error for outcome in outcomes if outcome.error]
    assert not errors, errors
    return took, digest(outcomes)


def warm_up() -> None:
    """Import what the first piece of work would."""
    import pyarrow.parquet
    import sqlalchemy

    assert pyarrow.parquet
    assert sqlalchemy


class Bare:
    """Some processes, each of which waits for a word, computes its share, and says how long that took."""

    def __init__(self, folder: Path, count: int) -> None:
        command = [sys.executable, __file__, "--folder", str(folder), "--of", str(count), "--share"]
        self._running = [
            subprocess.Popen([*command, str(share)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for share in range(count)
        ]
        for process in self._running:
            assert self._line(process) == "ready"

    def compute(self) -> float:
        """Let them go, and return when the last one was done."""
        begun = time.perf_counter()
        for process in self._running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in self._running:
            assert self._line(process) == "done"
        return time.perf_counter() - begun

    def close(self) -> None:
        for process in self._running:
            process.communicate()

    def _line(self, process: "subprocess.Popen[str]") -> str:
        assert process.stdout is not None
        return process.stdout.readline().strip()


def be_bare(folder: Path, share: int, of: int) -> None:
    """Compute every `of`-th piece each time a line comes in."""
    warm_up()
    work = pieces([str(folder / "*" / "kado.toml")], YEARS, as_known_on=KNOWN_ON)[share::of]
    print("ready", flush=True)
    for _ in sys.stdin:
        assert not any(outcome.error for outcome in map(compute, work))
        print("done", flush=True)


@contextmanager
def dask(workers: int) -> Iterator[Callable[..., Any]]:
    """Yield the `map` of a cluster of this machine with processes of one thread."""
    from distributed import Client, LocalCluster

    quiet = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, **quiet) as started:
        with Client(started) as client:
            client.run(warm_up)
        with cluster(started.scheduler_address) as run:
            yield run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--period-s", type=int, default=1, help="time between samples")
    parser.add_argument("--rounds", type=int, default=3, help="of so many the fastest counts")
    parser.add_argument("--folder", type=Path, help="where the rings are, or are made")
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.share is not None:
        be_bare(arguments.folder, arguments.share, arguments.of)
        return
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(TemporaryDirectory()))
        if not (folder / RINGS[-1]).is_dir():
            begun = time.perf_counter()
            make_fleet(folder, arguments.period_s)
            print(f"made and loaded in {time.perf_counter() - begun:.0f} s")
        measure(folder, arguments.rounds)


def measure(folder: Path, rounds: int) -> None:
    work = pieces([str(folder / "*" / "kado.toml")], YEARS, as_known_on=KNOWN_ON)
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    print(f"{len(work)} facility-years, {size / 1e6:,.0f} MB of sealed files")
    warm_up()
    times: dict[str, list[float]] = {}
    digests: set[str] = set()

    def took(name: str, seconds: float, found: str | None = None) -> None:
        times.setdefault(name, []).append(seconds)
        if found is not None:
            digests.add(found)

    with ExitStack() as stack:
        bare = Bare(folder, 2)
        stack.callback(bare.close)
        one, two = (stack.enter_context(dask(workers)) for workers in (1, 2))
        pool = stack.enter_context(processes(2))
        for _ in range(rounds):
            took("one process", *timed(lambda: list(compute_all(work, map))))
            took("two bare processes", bare.compute())
            took("Dask, 1 worker", *timed(lambda: list(compute_all(work, one))))
            took("Dask, 2 workers", *timed(lambda: list(compute_all(work, two))))
            took("--workers 2, with their start", *timed(lambda: list(compute_all(work, pool))))
    assert len(digests) == 1, "not the same numbers"
    alone, reached = min(times["one process"]), min(times["one process"]) / min(times["two bare processes"])
    print(f"{'':32}{'seconds':>9}{'a year':>9}{'speed-up':>10}{'of two bare':>13}")
    for name, found in times.items():
        speed_up = alone / min(found)
        row = f"{name:32}{min(found):9.2f}{min(found) / len(work):9.2f}{speed_up:9.2f}x{speed_up / reached:13.2f}"
        print(row + (f"   (aim: {AIM})" if name == "Dask, 2 workers" else ""))
    print("the same bytes from all of them")


if __name__ == "__main__":
    main()
