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

pytest.importorskip("softioc", reason='no softioc: pip install "kado[epics]"')
PAGE = (ROOT / "docs" / "how-to" / "test-your-archiver.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line) for line in re.findall(r"^    \$ (.*)$", PAGE, re.MULTILINE)]
LEAD_S = 12
"""For the archiver to connect."""


def kado(words: list[str], folder: Path) -> str:
    command = [sys.executable, "-m", "kado", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.timeout(240)
def test_an_archiver_that_keeps_everything_agrees_with_the_answers(tmp_path: Path) -> None:
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "archive.py").write_text(script, encoding="utf-8")
    init, live, archive, inject, imported, verify, again = COMMANDS
    kado(init[1:], tmp_path)

    start = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=LEAD_S)
    ca_port, pva_port = free_port(), free_port()
    assert live[:4] == ["kado", "simulate", "--live", "epics://127.0.0.1"]
    assert live[-2] == "--from"
    simulator = LiveSimulator(
        tmp_path, f"epics://127.0.0.1:{ca_port}?pva_port={pva_port}", *live[4:-1], start.isoformat()
    )
    archived = tmp_path / "archived.csv"
    assert (archive[0], archive[-2:]) == ("python", [">", "archived.csv"])
    try:
        simulator.start()
        own = {name: text for name, text in os.environ.items() if not name.startswith("EPICS_")}
        (said,) = re.findall(r"^clients: (.*)$", simulator.notes, re.MULTILINE)
        with archived.open("w") as output:
            archiver = subprocess.Popen(
                [sys.executable, *archive[1:-2]],
                cwd=tmp_path,
                env=own | dict(word.split("=", 1) for word in said.split()),
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
        try:
            wait_for_rows(archived, start, 3)
            kado(inject[1:], tmp_path)
            wait_for_rows(archived, start, 9)
            printed = simulator.stop()
            time.sleep(0.5)
            archiver.send_signal(signal.SIGINT)
            archiver.wait(10)
        finally:
            archiver.kill()
            archiver.wait()
    finally:
        simulator.kill()
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


def wait_for_rows(archived: Path, start: datetime, seconds: int) -> None:
    """Wait until the archive reaches so far beyond the start."""
    wanted = start + timedelta(seconds=seconds)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        stamps = [int(line.split(",")[0]) for line in archived.read_text().splitlines()[1:] if line.count(",") == 3]
        if stamps and max(stamps) >= wanted.timestamp() * 10**9:
            return
        time.sleep(0.1)
    pytest.fail(f"nothing archived until {wanted}: {archived.read_text()[-300:]}")


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
