"""``kado status``: the verdict on the beam, with the store away too, and all of it on one screen."""

import re
import socket
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from collector.ledger import read_ledger
from command_line import Kado
from facility.batch import Batch
from facility.time import NS_PER_S, format_time, parse_time, system_clock
from kado.cli.status import status_report
from kado.config import load_configuration
from kado.output import terminal
from kado.queries.beam import BeamState
from kado.queries.running_service import write_started
from kado.queries.status import PATIENCE_S, load_standing, status_document
from storage.data_dir import DirectoryLock
from storage.telemetry_db import open_writer, outbox, transaction
from storage.telemetry_db.counters import count

DUMP = parse_time("2026-11-12T13:24:11+09:00")


def shown(now_ns: int) -> str:
    """Return what the command shows at an instant, 80 columns wide."""
    console = terminal()
    console.width = 80
    with console.capture() as captured:
        for part in status_report(load_standing(load_configuration(Path("kado.toml")), now_ns)):
            console.print(part)
    return captured.get()


def test_it_says_what_the_beam_is_with_the_event_that_is_running(simulated: Kado) -> None:
    standing = load_standing(load_configuration(Path("kado.toml")), DUMP + 60 * NS_PER_S)
    verdict = standing.found.verdict
    assert verdict is not None
    assert (verdict.state, verdict.since_ns) == (BeamState.NONE, DUMP)
    assert status_document(standing)["beam"] == {
        "state": "none",
        "since": "2026-11-12T13:24:11+09:00",
        "since_after": None,
        "definition": "nanoterasu",
        "event": {
            "id": "nanoterasu_sim-no_beam-20261112T042411Z",
            "kind": "no_beam",
            "start": "2026-11-12T13:24:11+09:00",
            "user_time_s": 60,
        },
    }
    text = shown(DUMP + 60 * NS_PER_S)
    assert "no beam since 2026-11-12 13:24:11 (60 s)" in text
    assert "0:01:00 of user time so far; nanoterasu_sim-no_beam-20261112T042411Z" in " ".join(text.split())


def test_28_shutters_leave_the_ledger_on_the_screen(simulated: Kado) -> None:
    text = shown(DUMP + 60 * NS_PER_S)
    lines = text.splitlines()
    assert len(lines) <= 24
    assert any(line.startswith("Samples") for line in lines)
    (shutters,) = [line for line in lines if line.startswith("shutter_01 to shutter_28")]
    assert re.search(r"\b\d+ closed, \d+ open\b", shutters)


def test_corrections_in_force_this_month_are_listed(simulated: Kado) -> None:
    words = "--from 2026-11-12T13:00:00+09:00 --to 2026-11-12T18:00:00+09:00 --reason test --author Sato --yes"
    assert simulated("correct", "up", *words.split()).exit_code == 0
    text = shown(DUMP + 60 * NS_PER_S)
    assert "Corrections in force this month" in text
    assert "#1 beam was up  2026-11-12 13:00:00 to 2026-11-12 18:00:00 +09:00" in text
    assert "beam delivered" in text


def influxdb(port: int) -> None:
    """Write a configuration whose store is a server at a port."""
    Path("kado.toml").write_text(
        f'facility = "nanoterasu_sim"\n[store]\nkind = "influxdb"\nurl = "http://127.0.0.1:{port}"\norg = "kado"\n'
        'bucket = "telemetry"\ntoken_file = "influxdb.token"\n[[source]]\nid = "ring"\nkind = "simulator"\n'
    )
    Path("influxdb.token").write_text("secret")


def wait_in_the_outbox(value: float) -> None:
    """Let ten minutes of samples wait to be forwarded."""
    now_ns = system_clock()
    times = now_ns - np.arange(600, 0, -1, dtype=np.int64) * NS_PER_S
    batch = Batch.of_numbers("nanoterasu_sim", "stored_current", times, np.full(600, value))
    Path("data").mkdir()
    with closing(open_writer(Path("data"), "nanoterasu_sim", "influxdb", 0)) as connection, transaction(connection):
        counts = outbox.append(connection, [("ring", batch)], now_ns)
        count(connection, counts)


@contextmanager
def silent_server() -> Generator[tuple[int, list[socket.socket]]]:
    """Accept connections, read, and never answer; yields the port and the connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    kept.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1], kept
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for connection in kept:
            connection.close()


def check_what_is_shown_without_the_store(kado: Kado) -> None:
    document = kado("status", "--format", "json").document
    assert document["store_problem"]
    assert document["beam"]["state"] == "none"
    assert document["signals"]["stored_current"]["value"] == 0.0
    assert document["ledger"]["waiting"] == 600
    assert read_ledger(Path("data")).waiting_by_signal()["stored_current"] == 600


def test_with_the_store_away_it_says_so_and_judges_from_what_waits(kado: Kado) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        influxdb(nobody.getsockname()[1])
        wait_in_the_outbox(0.0)
        check_what_is_shown_without_the_store(kado)
        out = kado("status").out
    assert "no beam" in out
    assert "from the samples that wait here" in out
    assert "the store was not queried: " in out


def test_a_store_that_accepts_and_never_answers_is_left_within_5_s(kado: Kado) -> None:
    wait_in_the_outbox(0.0)
    with silent_server() as (port, connections):
        influxdb(port)
        check_what_is_shown_without_the_store(kado)
        # So long the command waits; what it takes by itself depends on how busy the machine is.
        assert 0 < len(connections) * PATIENCE_S < 5


def test_a_configuration_that_was_changed_under_the_running_service_is_noticed(simulated: Kado) -> None:
    path = Path("kado.toml")
    with DirectoryLock(Path("data")):
        write_started(load_configuration(path))
        assert simulated("status", "--format", "json").document["configuration_changed"] == []
        path.write_text("# a comment changes nothing\n" + path.read_text())
        assert simulated("status", "--format", "json").document["configuration_changed"] == []
        path.write_text(path.read_text().replace('scenario = "demo"', 'scenario = "storm"'))
        assert simulated("status", "--format", "json").document["configuration_changed"] == ["source"]
        text = "started with another configuration: source changed since; restart it"
        assert text in " ".join(simulated("status").out.split())
        answer = simulated("check")
        assert answer.exit_code == 1
        assert text in " ".join(answer.out.split())
    assert simulated("status", "--format", "json").document["configuration_changed"] == []


def test_samples_that_come_too_seldom_for_how_long_they_hold_are_said_by_import_and_check(kado: Kado) -> None:
    kado("init")
    first = parse_time("2026-11-12T12:00:00+09:00")
    rows = [f"{format_time(first + i * 14 * NS_PER_S)},400.0" for i in range(300)]
    Path("beam.csv").write_text("\n".join(["time,stored_current", *rows, ""]))
    said = (
        "samples of stored_current come every 14.0 s and hold for 10 s: 29 % of the time is unknown for that reason "
        "alone; stale_after_s = 35 would suit"
    )
    answer = kado("import", "beam.csv", "--signal", "stored_current", "--value-column", "stored_current")
    assert answer.exit_code == 0, answer.err
    assert said in " ".join(answer.out.split())
    assert said in " ".join(kado("check").out.split())


def test_limits_that_are_older_than_the_last_milestone_are_a_warning_in_check_and_status(kado: Kado) -> None:
    kado("init", "--facility", "nanoterasu")
    # The shipped profile knows 400 mA as demonstrated, and limits of 200 mA.
    assert "the profile has a later milestone: 400 mA (demonstrated) from 2025-07-01" in " ".join(
        kado("check").out.split()
    )
    Path("data").mkdir()
    open_writer(Path("data"), "nanoterasu", "embedded", 0).close()
    assert any("later milestone" in warning for warning in kado("status", "--format", "json").document["warnings"])
