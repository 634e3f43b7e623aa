"""The page about testing an archiver: its archiver, its commands, and what it says comes of them."""

import csv
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facility.time import parse_time
from live_simulator import ROOT, LiveSimulator
from servers import free_port
from waiting import LONGEST_S, wait_for

pytest.importorskip("softioc", reason='no softioc: pip install "kado[epics]"')
PAGE = (ROOT / "docs" / "how-to" / "test-your-archiver.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in re.findall(r"^    \$ (.*)$", PAGE, re.MULTILINE)]
LEADS_S = (12, 40, 90)
"""For the archiver to connect before the first sample; the next where a busy machine took longer."""


def kado(words: list[str], folder: Path) -> str:
    command = [sys.executable, "-m", "kado", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_an_archiver_that_keeps_everything_agrees_with_the_answers(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "archive.py").write_text(script, encoding="utf-8")
    init, live, archive, inject, imported, verify, again = COMMANDS
    kado(init[1:], tmp_path)

    for lead_s in LEADS_S:
        printed = run_session(tmp_path, live, archive, inject, lead_s)
        if printed is not None:
            break
    else:
        pytest.fail(f"the archiver was not there {LEADS_S[-1]} s after it was started")
    archived = tmp_path / "archived.csv"
    (key,) = re.findall(r"answer key: (.*)\.json", printed)
    kado(imported[1:], tmp_path)
    found = kado([verify[1], f"{key}.json"], tmp_path)
    assert "no difference between the answer key and the result of kado" in found
    assert "no difference between the answer key and the result of kado" in PAGE
    kado([word.replace("data/answers/KEY", key) for word in again[1:]], tmp_path)
    # Within these seconds a state may have had nothing to say.
    sent = {s: rows for file in (tmp_path / "sent").glob("[ns][ut]*.csv") for s, rows in rows_of(file).items()}
    for name, rows in rows_of(archived).items():
        assert rows == sent[name]
    assert any(float(value) < 1 for _, value, _ in sent["stored_current"]), "the dump is seen"


def run_session(folder: Path, live: list[str], archive: list[str], inject: list[str], lead_s: float) -> str | None:
    """Let the page's archiver hear its IOC while something is broken; return what the IOC printed at the end.

    None where the archiver was too late for the first sample.
    """
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lead_s)
    ca_port, pva_port = free_port(), free_port()
    assert live[:4] == ["kado", "simulate", "--live", "epics://127.0.0.1"]
    assert live[-2] == "--from"
    url = f"epics://127.0.0.1:{ca_port}?pva_port={pva_port}"
    simulator = LiveSimulator(folder, url, *live[4:-1], start.isoformat())
    archived = folder / "archived.csv"
    assert (archive[0], archive[-2:]) == ("python", [">", "archived.csv"])
    try:
        simulator.start()
        own = {name: text for name, text in os.environ.items() if not name.startswith("EPICS_")}
        (said,) = re.findall(r"^clients: (.*)$", simulator.notes, re.MULTILINE)
        with archived.open("w") as output:
            archiver = subprocess.Popen(
                [sys.executable, *archive[1:-2]],
                cwd=folder,
                env=own | dict(word.split("=", 1) for word in said.split()),
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
        try:
            first = wait_for_rows(archived, start, 3)
            if first > start.timestamp() * 10**9:
                return None
            kado(inject[1:], folder)
            wait_for(
                lambda: any(
                    name == "stored_current" and float(value or "nan") < 1 for _, name, value in rows_in(archived)
                )
            )
            printed = simulator.stop()
            wait_for_silence(archived)
            archiver.send_signal(signal.SIGINT)
            archiver.wait(60)
            return printed
        finally:
            archiver.kill()
            archiver.wait()
    finally:
        simulator.kill()


def wait_for_rows(archived: Path, start: datetime, seconds: int) -> int:
    """Wait until the archive reaches so far beyond the start; return from when on it has both currents."""
    wanted = start + timedelta(seconds=seconds)
    deadline = start.timestamp() + LONGEST_S
    while time.time() < deadline:
        rows = rows_in(archived)
        firsts = {name: stamp for stamp, name, _ in reversed(rows) if name != "machine_mode"}
        if rows and max(stamp for stamp, *_ in rows) >= wanted.timestamp() * 10**9:
            return max(firsts.values())
        time.sleep(0.1)
    pytest.fail(f"nothing archived until {wanted}: {archived.read_text()[-300:]}")


def rows_in(archived: Path) -> list[tuple[int, str, str]]:
    """Return (time, signal, value) of the whole lines of an archive that grows."""
    lines = archived.read_text().splitlines()[1:]
    return [
        (int(stamp), name, value) for stamp, name, value, _ in (ln.split(",") for ln in lines if ln.count(",") == 3)
    ]


def wait_for_silence(archived: Path) -> None:
    """Wait until the archive has not grown for two seconds."""
    size = -1
    while size != archived.stat().st_size:
        size = archived.stat().st_size
        time.sleep(2)


def rows_of(file: Path) -> dict[str, list[tuple[int, str, str]]]:
    """Return (time, value, quality) of each signal."""
    rows: dict[str, list[tuple[int, str, str]]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            stamp, value = row["time"], row["value"]
            time_ns = int(stamp) if stamp.isdigit() else parse_time(stamp)
            number = row["value"][:1] in "-0123456789"
            rows.setdefault(row["signal"], []).append(
                (time_ns, repr(float(value)) if number else value, row["quality"])
            )
    return rows
