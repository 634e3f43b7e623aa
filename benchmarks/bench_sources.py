"""Updates a second from EPICS into the store, beside a callback that only counts them, of the same IOC in one run.

A real IOC counts in many PVs faster than either can hear. kado and the counting client listen one after the other, in
turns. What counts is the processor time that an update costs: how many come through depends on who else works on the
computer, and the IOC overwrites what nobody takes.

    python benchmarks/bench_sources.py [--pvs 1000] [--seconds 10] [--rounds 3]

The samples are in an embedded store on disk, durable, when they are counted.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import facility
from conversation import Conversation
from servers import free_port

KINDS = ("epics_ca", "epics_pva")
WARM_S = 4.0
AIM = 0.5


@dataclass(frozen=True)
class Cost:
    """One measurement."""

    updates: int
    wall_s: float
    cpu_s: float

    @property
    def per_cpu_s(self) -> float:
        return self.updates / self.cpu_s

    def row(self, name: str) -> str:
        return (
            f"{name:<22}{self.updates / self.wall_s:>14,.0f}{self.per_cpu_s:>20,.0f}{self.cpu_s / self.wall_s:>10.2f}"
        )


HEAD = f"{'':<22}{'updates/s':>14}{'updates/CPU s':>20}{'CPUs':>10}"


def measure(client: Conversation, seconds: float) -> Cost:
    """Return what updates cost once all channels are connected."""
    time.sleep(WARM_S)
    (updates, cpu_s), started = client.ask("cost"), time.monotonic()
    time.sleep(seconds)
    more, more_cpu_s = client.ask("cost")
    return Cost(int(more - updates), time.monotonic() - started, more_cpu_s - cpu_s)


def bare(kind: str, place: dict[str, str], pvs: int, seconds: float) -> Cost:
    """Measure the callback that only counts."""
    client = Conversation("counting_client.py", kind, str(pvs), environment=place)
    try:
        return measure(client, seconds)
    finally:
        client.close()


def kado(kind: str, ca_port: int, pva_port: int, pvs: int, seconds: float, folder: Path) -> Cost:
    """Measure the source, from the IOC to samples that are durable."""
    profile = folder / "bench.toml"
    shipped = (Path(facility.__file__).parent / "profiles" / "nanoterasu_sim.toml").read_text(encoding="utf-8")
    signals = "".join(f'[[signal]]\nid = "n_{i:04}"\nperiod_s = 1.0\n' for i in range(pvs))
    profile.write_text(shipped + signals, encoding="utf-8")
    at = {"addresses": [f"127.0.0.1:{ca_port}"]} if kind == "epics_ca" else {"name_servers": [f"127.0.0.1:{pva_port}"]}
    mapping = {"pv": "C:N_{port}", "signal": "n_{port}", "ports": [f"0000..{pvs - 1:04}"]}
    table = {"id": "ring", "kind": kind, "connect_timeout_s": 60.0, **at, "signal": [mapping]}
    data = folder / f"data-{time.monotonic_ns()}"
    client = Conversation("reading_source.py", str(profile))
    try:
        client.ask("start", table=table, data_dir=str(data))
        cost = measure(client, seconds)
        client.ask("stop")
        return cost
    finally:
        client.close()
        shutil.rmtree(data, ignore_errors=True)


def main() -> None:
    """Measure both kinds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pvs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if missing := [module for module in ("aioca", "p4p", "softioc") if find_spec(module) is None]:
        print(f'bench_sources: not measured, {missing[0]} is not installed: pip install "kado[epics]"')
        return
    ca_port, pva_port = free_port(), free_port()
    ioc = Conversation("counting_ioc.py", str(ca_port), str(pva_port), str(options.pvs), ".1 second")
    ioc.ask("ready")
    place = {
        "EPICS_CA_ADDR_LIST": f"127.0.0.1:{ca_port}",
        "EPICS_CA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_ADDR_LIST": "",
        "EPICS_PVA_AUTO_ADDR_LIST": "NO",
        "EPICS_PVA_NAME_SERVERS": f"127.0.0.1:{pva_port}",
    }
    print(f"{options.pvs} PVs that count at 10 Hz, {options.seconds:g} s each, {options.rounds} rounds\n{HEAD}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            for kind in KINDS:
                ratios: list[float] = []
                for _ in range(options.rounds):
                    counted = bare(kind, place, options.pvs, options.seconds)
                    stored = kado(kind, ca_port, pva_port, options.pvs, options.seconds, Path(folder))
                    print(counted.row(f"{kind} counted"))
                    print(stored.row(f"{kind} stored"))
                    ratios.append(stored.per_cpu_s / counted.per_cpu_s)
                ratio = statistics.median(ratios)
                shown = ", ".join(f"{r:.2f}" for r in sorted(ratios))
                print(f"{kind}: stored / counted = {ratio:.2f} ({shown}); aim: at least {AIM:g}\n")
    finally:
        ioc.close()


if __name__ == "__main__":
    main()
