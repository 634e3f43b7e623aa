"""Eight facility-years at 1 Hz out of sealed archives, by one process, two bare ones, and a Dask cluster.

Four rings with two fiscal years each, made once and bulk-loaded; a piece of work is one ring and one year, as `kado
fleet figures` computes it. Two bare processes, which do four pieces each and talk to nobody, are what two workers
could reach on this machine at best. All are measured in turn, when they are up and have imported what they need.
Processor time is that of all processes that take part, scheduler included: where others use the machine too, it tells
more than the clock does.

    python benchmarks/bench_cluster.py [--period-s 1] [--rounds 3] [--folder DIR]

A folder that is given is kept, and used again.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from kado.queries.fleet import Outcome, compute, compute_all, pieces
from kado.queries.fleet_workers import cluster, processes
from made_up_fleet import RINGS, YEARS, make_fleet

AIM = 0.9
KEEP_MEMORY = {"MALLOC_ARENA_MAX": 1, "MALLOC_MMAP_THRESHOLD_": 32 * 1024**2, "MALLOC_TRIM_THRESHOLD_": 256 * 1024**2}
"""Otherwise a Dask worker gives each array back to the system, and half of its time goes into getting the next."""
ALONE, BARE = "one process", "two bare processes"
KNOWN_ON = "2026-01-01T00:00:00Z"


def digest(outcomes: list[Outcome]) -> str:
    """Return what is equal if all numbers are."""
    return sha256(json.dumps([outcome.document for outcome in outcomes]).encode()).hexdigest()


@dataclass
class Measured:
    """What each way of doing it took, round by round, and the digests of what came out."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    processor: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    digests: set[str] = field(default_factory=set)

    def take(self, name: str, work: Callable[[], Iterable[Outcome]], pids: Iterable[int]) -> None:
        pids = list(pids)
        before, begun = processor_s(pids), time.perf_counter()
        outcomes = list(work())
        self.seconds[name].append(time.perf_counter() - begun)
        self.processor[name].append(processor_s(pids) - before)
        errors = [outcome.error for outcome in outcomes if outcome.error]
        assert not errors, errors
        if outcomes:
            self.digests.add(digest(outcomes))


def processor_s(pids: Iterable[int]) -> float:
    """Return the processor time that these processes, and children of theirs that have ended, had so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return ticks / os.sysconf("SC_CLK_TCK")


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

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._running]

    def compute(self) -> list[Outcome]:
        """Let them go, and return when the last one was done; they keep what they found."""
        for process in self._running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in self._running:
            assert self._line(process) == "done"
        return []

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
def cluster_of(workers: int) -> Iterator[tuple[Any, list[int]]]:
    """Yield the `map` of a cluster of this machine, with processes of one thread, and their pids."""
    from dask import config
    from distributed import Client, LocalCluster

    config.set({f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in KEEP_MEMORY.items()})
    quiet: Any = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, **quiet) as started:
        with Client(started) as client:
            client.run(warm_up)
            pids: list[int] = list(cast("Any", client.run(os.getpid)).values())
        with cluster(cast("Any", started).scheduler_address) as run:
            yield run, pids


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
    # From here on: what was needed to make the rings does not count.
    Path("/proc/self/clear_refs").write_text("5")
    measured = Measured()
    here = os.getpid()
    with ExitStack() as stack:
        bare = Bare(folder, 2)
        stack.callback(bare.close)
        clusters = {workers: stack.enter_context(cluster_of(workers)) for workers in (1, 2)}
        pool = stack.enter_context(processes(2))
        for _ in range(rounds):
            measured.take(ALONE, lambda: compute_all(work, map), [here])
            measured.take(BARE, bare.compute, bare.pids)
            for workers, (run, pids) in clusters.items():
                measured.take(f"Dask, {workers} worker(s)", lambda r=run: compute_all(work, r), [here, *pids])
            measured.take("--workers 2, with their start", lambda: compute_all(work, pool), [here])
    assert len(measured.digests) == 1, "not the same numbers"
    seconds, processor = ({k: min(v) for k, v in d.items()} for d in (measured.seconds, measured.processor))
    print(f"{'':32}{'clock, s':>10}{'speed-up':>10}{'of two bare':>13}{'processor, s':>14}{'of two bare':>13}")
    for name, took in seconds.items():
        by_clock, by_processor = seconds[BARE] / took, processor[BARE] / processor[name]
        row = f"{name:32}{took:10.2f}{seconds[ALONE] / took:9.2f}x{by_clock:13.2f}"
        row += f"{processor[name]:14.2f}{by_processor:13.2f}"
        print(row + (f"   (aim: {AIM})" if name.startswith("Dask, 2") else ""))
    print("the same bytes from all of them")
    print(f"a facility-year costs {processor[ALONE] / len(work):.2f} s of one processor", end=", ")
    # `getrusage` would count what a process was forked from.
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(f"and {int(peak.split()[1]) / 1024:,.0f} MB of memory at most")


if __name__ == "__main__":
    main()
