"""An instructor's session from start to figures: a real service, steered, verified, and made again."""

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from command_line import Kado, run
from servers import Mosquitto
from waiting import wait_for

_MAIN = [sys.executable, "-m", "kado"]


@pytest.fixture
def kado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kado:
    """Run a command in an empty folder."""
    for name in list(os.environ):
        if name.startswith("KADO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return run


@pytest.fixture
def service(kado: Kado, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a kado command in a process of its own; it is stopped at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        process = subprocess.Popen(
            [*_MAIN, *words], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_an_instructor_injects_is_found_and_the_session_can_be_made_again(
    kado: Kado, service: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    assert kado("init", "--facility", "nanoterasu_sim").exit_code == 0
    running = service("run")
    wait_for(lambda: kado("simulate", "inject", "--list").exit_code == 0)
    assert kado("simulate", "inject", "beam_dump", "--cause", "rf", "--for", "4s").exit_code == 0
    time.sleep(2)
    assert kado("simulate", "inject", "link_outage", "--for", "1h").exit_code == 0
    time.sleep(2)
    assert kado("simulate", "inject", "--repair", "link_outage").exit_code == 0
    assert kado("simulate", "inject", "broker_outage", "--for", "2s").exit_code == 0
    time.sleep(4)
    running.terminate()
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 0
    assert "answer key: " in said
    (key,), (session,) = (list(Path("data/answers").glob(f"*.{kind}")) for kind in ("json", "toml"))
    agreed = kado("verify", str(key))
    assert agreed.exit_code == 0, agreed.out
    assert kado("ledger", "--verify").exit_code == 0
    # The same session once more, as files: what the service stored, sample by sample.
    again = kado("simulate", "--scenario", str(session), "--seed", "1", "--out", "again", "--format", "csv")
    assert again.exit_code == 0, again.err
    assert Path("again/answer_key.json").read_text() == key.read_text()


def test_while_a_broker_is_away_a_machine_goes_on_and_nothing_of_it_is_lost(
    kado: Kado, service: Callable[..., subprocess.Popen[str]], start_mosquitto: Callable[..., Mosquitto]
) -> None:
    broker = start_mosquitto(persistence=True)
    assert kado("init", "--source", "mqtt").exit_code == 0
    Path("kado.toml").write_text(Path("kado.toml").read_text().replace("mqtt://localhost:1883", broker.url))
    collecting = service("run")
    wait_for(lambda: is_collecting(kado))
    publishing = service("simulate", "--live", broker.url)
    wait_for(lambda: kado("simulate", "inject", "--list").exit_code == 0)
    time.sleep(2)
    broker.stop()
    time.sleep(3)
    broker.start()
    time.sleep(6)
    publishing.send_signal(signal.SIGINT)
    said, _ = publishing.communicate(timeout=120)
    assert " samples published" in said, said
    (session,) = Path("data/answers").glob("*.toml")
    again = kado("simulate", "--scenario", str(session), "--out", "again", "--format", "csv")
    assert again.exit_code == 0, again.err
    made = [
        row
        for row in csv.DictReader(Path("again/numbers.csv").read_text().splitlines())
        if row["signal"] == "stored_current"
    ]
    assert len(made) >= 8  # one a second
    # What was under way when the publisher was stopped is stored too, and not part of the session.
    wait_for(lambda: len(made) <= stored() <= len(made) + 1)
    collecting.terminate()
    collecting.communicate(timeout=120)
    assert kado("ledger", "--verify").exit_code == 0


def is_collecting(kado: Kado) -> bool:
    """Whether the link to the broker is up."""
    status = kado("status", "--format", "json")
    return status.exit_code == 0 and (status.document["links"]["ring"] or {}).get("value") == "up"


def stored() -> int:
    """How many samples of the stored current are stored."""
    with closing(sqlite3.connect("data/telemetry.db")) as connection:
        query = "SELECT sum(count) FROM ledger WHERE entry = 'stored' AND signal = 'stored_current'"
        (count,) = connection.execute(query).fetchone()
    return count or 0
