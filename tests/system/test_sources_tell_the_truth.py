"""A simulated machine with faults, served by real servers, read by kado in another folder: each sample as it was sent.

The same scenario and seed say what was sent; the answer key says what happened, and ``kado verify`` compares.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from command_line import run
from facility.batch import Batch
from facility.errors import KadoError
from facility.profile import load_profile
from facility.time import MAX_NS, MIN_NS, format_time, from_datetime
from live_simulator import OVER, LiveSimulator
from servers import free_port
from simulators.machine import Machine
from simulators.outlets.sample import Sample, samples_of
from simulators.scenario import load_scenario
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db.gaps import read_gaps
from waiting import wait_for

pytest.importorskip("softioc", reason='no softioc: pip install "kado[epics]"')
pytest.importorskip("tango", reason='no pytango: pip install "kado[tango]"')

ROOT = Path(__file__).parents[2]
LEAD_S, LENGTH_S, SEED = 700, 1000, 7
"""Simulated. Readers have the lead to come; then things go wrong."""
FAULTS = [
    (10, 20, 'effect = "monitor_dropout"\nreads = "bad"'),
    (40, 30, 'effect = "duplicates"'),
    (80, 30, 'effect = "out_of_order"'),
    (120, 60, 'effect = "beam_dump"'),
    (200, 12, 'effect = "clock_step"\nshift_s = -0.123'),
    (230, 40, 'effect = "link_outage"'),
]
"""(seconds after the lead, length in s, what)."""
PROFILE = load_profile("nanoterasu_sim")
SIGNALS = ("stored_current", "stored_current_2", "ion_chamber", "machine_mode")
SPEED = {"epics_ca": 15, "epics_pva": 15, "tango": 15, "http": 5}
FOREIGN = ("initial", "clock", "disconnected", "missing", "INVALID UDF", "INVALID COMM")
"""Reasons of samples that the machine did not send: what servers say of their own state, and what kado adds."""

Kept = list[tuple[int, float | str | None, int]]
"""(time_ns, value, quality) of a signal."""


class Reader:
    """``kado run`` in a folder of its own."""

    def __init__(self, folder: Path, tables: str) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "kado.toml").write_text(f'facility = "nanoterasu_sim"\n{tables}', encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        own = {name: text for name, text in os.environ.items() if not name.startswith(("EPICS_", "KADO_"))}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kado", "run"],
                cwd=self.folder,
                env=own | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        self._process.send_signal(signal.SIGINT)
        self._process.wait(120)
        self._process = None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def has_begun(self) -> bool:
        """Return whether something is stored."""
        try:
            return bool(self.kept("stored_current"))
        except (KadoError, OSError):
            return False

    def kept(self, name: str) -> Kept:
        store = EmbeddedStore(self.folder / "data", PROFILE.id, read_only=True)
        try:
            samples = store.read(name, MIN_NS, MAX_NS)
        finally:
            store.close()
        words = samples.state_words()
        reasons = [None] * len(samples) if samples.reason is None else samples.reason.tolist()
        found: Kept = []
        for i, time_ns in enumerate(samples.time_ns.tolist()):
            reason = reasons[i]
            if reason is not None and reason >= 0 and samples.words[reason] in FOREIGN:
                continue
            number = float(samples.value[i])
            found.append((time_ns, words[i] or (None if number != number else number), int(samples.quality[i])))
        return found


def table(kind: str, ports: dict[str, int]) -> str:
    place, address = {
        "epics_ca": (f'addresses = ["127.0.0.1:{ports["ca"]}"]', 'pv = "NANOTERASU_SIM:{upper}"'),
        "epics_pva": (f'name_servers = ["127.0.0.1:{ports["pva"]}"]', 'pv = "NANOTERASU_SIM:{upper}"'),
        "tango": (f'server = "127.0.0.1:{ports["tango"]}"\ndatabase = false', 'attribute = "kado/sim/1/{name}"'),
        "http": (
            f'url = "http://127.0.0.1:{ports["http"]}/last"\nperiod_s = 0.05',
            'pointer = "/last/{name}/value"\ntime_pointer = "/last/{name}/time"\n'
            'quality_pointer = "/last/{name}/quality"',
        ),
    }[kind]
    mapped = "".join(f'[[source.signal]]\n{address.format(name=s, upper=s.upper())}\nsignal = "{s}"\n' for s in SIGNALS)
    return f'[[source]]\nid = "ring"\nkind = "{kind}"\n{place}\n{mapped}'


def expected(sent: list[Sample], name: str, kind: str) -> Kept:
    """Return what a store holds of what was sent: of one stamp the last, in order of time."""
    resolution = 1000 if kind == "tango" else 1
    kept: dict[int, Any] = {}
    for s in sent:
        if s.signal == name:
            quality = {"good": 0, "uncertain": 1, "bad": 2}[s.quality]
            # Tango sends no value with an invalid attribute.
            value = None if kind == "tango" and s.quality == "bad" else s.value
            kept[s.time_ns // resolution * resolution] = (value, quality)
    return [(time_ns, *kept[time_ns]) for time_ns in sorted(kept)]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def write_scenario(folder: Path, start: datetime) -> Path:
    lines = ['id = "truth"', 'title = { en = "Truth", ja = "真実" }']
    for offset, length, what in FAULTS:
        at = start + timedelta(seconds=LEAD_S + offset)
        lines += ["[[fault]]", 'cause = "training"', what, f"at = [{at.isoformat()}]", f"length_s = {length}"]
    path = folder / "truth.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.soak
@pytest.mark.parametrize("kind", SPEED)
def test_stored_samples_are_those_that_the_machine_sent_and_the_answer_key_agrees(
    kind: str, tmp_path: Path, stack: ExitStack
) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=LENGTH_S + 60)
    end = start + timedelta(seconds=LENGTH_S)
    scenario = write_scenario(tmp_path, start)
    ports = {name: free_port() for name in ("ca", "pva", "tango", "http")}
    url = {
        "epics_ca": f"epics://127.0.0.1:{ports['ca']}?pva_port={ports['pva']}",
        "epics_pva": f"epics://127.0.0.1:{ports['ca']}?pva_port={ports['pva']}",
        "tango": f"tango://127.0.0.1:{ports['tango']}/kado/sim/1",
        "http": f"http://127.0.0.1:{ports['http']}",
    }[kind]
    folder = tmp_path / "machine"
    folder.mkdir()
    assert run("init", "--config", str(folder / "kado.toml")).exit_code == 0
    span = ("--from", start.isoformat(), "--to", end.isoformat(), "--speed", str(SPEED[kind]))
    machine = LiveSimulator(folder, url, "--scenario", str(scenario), "--seed", str(SEED), *span)
    stack.callback(machine.kill)
    machine.start()
    reader = Reader(tmp_path / "reader", table(kind, ports))
    stack.callback(reader.kill)
    # The facility's calendar is known on both sides.
    (reader.folder / "data").mkdir()
    shutil.copy(folder / "data" / "journal.db", reader.folder / "data" / "journal.db")
    reader.start()
    # Killed before things go wrong, and started again: what was said meanwhile is lost, and known to be lost.
    wait_for(reader.has_begun)
    reader.kill()
    reader.start()
    machine.wait_for(OVER, 400)
    time.sleep(3)
    reader.stop()
    machine.stop()
    (key,) = (folder / "data" / "answers").glob("*.json")

    history = Machine(PROFILE, load_scenario(str(scenario)), SEED).history(from_datetime(start), from_datetime(end))
    sent = samples_of(Batch.concat(list(history)))
    assert {"bad"} < {s.quality for s in sent}
    lead_ns = from_datetime(start + timedelta(seconds=LEAD_S))
    missed: list[Sample] = []
    for name in SIGNALS:
        wanted = expected(sent, name, kind)
        # When a device loses its machine, every attribute turns invalid, which is no sample of the machine.
        stamps = {s[0] for s in wanted}
        found = [s for s in reader.kept(name) if kind != "tango" or s[2] != 2 or s[0] in stamps]
        kept = set(found)
        assert kept <= set(wanted), name
        lost = {s[0] for s in wanted if s not in kept}
        if kind != "http":
            assert [s for s in wanted if s[0] >= lead_ns] == [s for s in found if s[0] >= lead_ns], name
        else:
            # What is asked for only now and then misses what is gone in between.
            assert len([s for s in kept if s[0] >= lead_ns]) >= 0.5 * len([s for s in wanted if s[0] >= lead_ns]), name
        resolution = 1000 if kind == "tango" else 1
        missed += [s for s in sent if s.signal == name and s.time_ns // resolution * resolution in lost]
    # With what was missed before the reader came and while it was away, kado finds what happened.
    rows = [f"{format_time(s.time_ns)},{s.signal},{s.value},{s.quality}" for s in missed if s.time_ns < lead_ns]
    (tmp_path / "missed.csv").write_text("\n".join(["time,signal,value,quality", *rows, ""]), encoding="utf-8")
    config = ("--config", str(reader.folder / "kado.toml"))
    answer = run("import", str(tmp_path / "missed.csv"), *config)
    assert answer.exit_code == 0, answer.err
    answer = run("verify", str(key), *config)
    assert answer.exit_code == 0, answer.out + answer.err
    assert run("ledger", "--verify", *config).exit_code == 0
    gaps = [(of, gap.reason) for of, gap in read_gaps(reader.folder / "data")]
    assert ("ring", "not_replayable") in gaps
