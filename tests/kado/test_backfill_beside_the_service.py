"""``kado backfill`` while ``kado run`` holds the data directory: the service fetches, the command waits and reports."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver_appliance import Archived, ArchiverAppliance
from command_line import Kado
from facility.time import NS_PER_S, parse_time
from seeded_ring import DAY, UNKNOWN_S, time_of_day
from waiting import LONGEST_S, wait_for

ROOT = Path(__file__).parents[2]
WORDS = ("backfill", "--period", DAY, "--format", "json")
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")} | {"PYTHONPATH": str(ROOT)}


class Slow(ArchiverAppliance):
    """An archive that takes its time for each question."""

    def __init__(self) -> None:
        super().__init__()
        self.each_s = 0.0

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        time.sleep(self.each_s)
        return super().answer(path, headers)


@pytest.fixture
def appliance() -> Iterator[Slow]:
    stamps = range(parse_time(time_of_day("04:00")), parse_time(time_of_day("06:00")), 10 * NS_PER_S)
    samples: list[tuple[int, Any, int, int]] = [(t, 200.0, 0, 0) for t in stamps]
    with Slow() as server:
        server.pvs["RING:CURRENT"] = Archived(samples)
        yield server


@pytest.fixture
def configuration(seeded: Kado, appliance: Slow, tmp_path: Path) -> Path:
    """The seeded ring, with the archive in its configuration, which asks for ten minutes at once."""
    table = f"""
[[source]]
id = "archive"
kind = "archiver"
archive = "appliance_pb"
url = "{appliance.retrieval}"
chunk_h = 0.1
signal = [{{ channel = "RING:CURRENT", signal = "current" }}]
"""
    path = next(tmp_path.rglob("kado.toml"))
    path.write_text(path.read_text(encoding="utf-8") + table, encoding="utf-8")
    return path


@pytest.fixture
def service(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["subprocess.Popen[bytes]"]:
    # A busy machine may let the service take a request later.
    monkeypatch.setattr("kado.service.backfill_desk.TAKEN_WITHIN_S", LONGEST_S)
    with (configuration.parent / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kado", "run"], cwd=configuration.parent, env=ENVIRONMENT, stdout=log, stderr=log
        )
    try:
        wait_for(lambda: "kado runs" in log_of(configuration))
        yield process
    finally:
        process.kill()
        process.wait()


def log_of(configuration: Path) -> str:
    return (configuration.parent / "run.log").read_text(encoding="utf-8")


def begin(configuration: Path) -> "subprocess.Popen[str]":
    """Start the command in a process of its own."""
    words = [sys.executable, "-m", "kado", *WORDS]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, cwd=configuration.parent, env=ENVIRONMENT, text=True, stdout=pipe, stderr=pipe)


def requests(configuration: Path) -> list[Path]:
    return list((configuration.parent / "data" / "backfill").glob("*"))


def test_the_service_fills_the_gap_and_the_command_says_the_same_as_without_it(
    seeded: Kado, configuration: Path, service: "subprocess.Popen[bytes]"
) -> None:
    answer = seeded(*WORDS)
    assert answer.exit_code == 0, answer.err
    done = answer.document
    assert done["unknown_s"] == {"before": UNKNOWN_S, "after": 0}
    assert [(one["signal"], one["samples"]) for one in done["signals"]] == [("current", 121)]
    assert done["reopened"] == ["run:2025-1", "FY2025", "2025", "2025Q2", "2025-05", DAY]
    assert seeded("gaps", "--period", DAY, "--format", "json").document["gaps"] == []
    # Once more there is nothing left, and asked for again it is the same samples.
    assert "Nothing to fill" in seeded("backfill", "--period", DAY).out
    again = seeded(*WORDS, "--whole", "--again").document
    assert again["signals"][0]["samples"] == 720
    assert service.poll() is None
    assert requests(configuration) == []
    service.send_signal(signal.SIGTERM)
    assert service.wait(120) == 0
    assert seeded("ledger", "--verify").exit_code == 0
    assert re.search(r"back-fill from archive has ended: 121 samples", log_of(configuration))


def test_a_command_that_is_interrupted_withdraws_its_request_and_the_next_goes_on_there(
    seeded: Kado, configuration: Path, appliance: Slow, service: "subprocess.Popen[bytes]"
) -> None:
    appliance.each_s = 1.5
    command = begin(configuration)
    wait_for(lambda: len(appliance.questions) >= 2)
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=120)
    assert command.returncode != 0
    wait_for(lambda: "was withdrawn" in log_of(configuration))
    asked = [q["from"] for q in appliance.questions]
    assert len(asked) < 4
    appliance.each_s = 0.0
    done = seeded(*WORDS).document
    assert done["unknown_s"]["after"] == 0
    # What had landed was not asked for again; what was under way may have been.
    assert len({q["from"] for q in appliance.questions}) >= len(appliance.questions) - 1
    assert requests(configuration) == []


def test_a_service_that_ends_meanwhile_is_said_and_without_it_the_command_goes_on_there(
    seeded: Kado, configuration: Path, appliance: Slow, service: "subprocess.Popen[bytes]"
) -> None:
    appliance.each_s = 1.5
    command = begin(configuration)
    wait_for(lambda: len(appliance.questions) >= 2)
    service.send_signal(signal.SIGTERM)
    assert service.wait(120) == 0
    _, err = command.communicate(timeout=120)
    assert command.returncode == 3, err
    assert "Run the same command again to continue" in err or "was closed" in err
    appliance.each_s = 0.0
    assert seeded(*WORDS).document["unknown_s"]["after"] == 0


def test_what_the_archive_and_the_running_configuration_do_not_have_is_said(
    seeded: Kado, configuration: Path, appliance: Slow, service: "subprocess.Popen[bytes]"
) -> None:
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text.replace('id = "archive"', 'id = "newer"'), encoding="utf-8")
    answer = seeded(*WORDS)
    assert (answer.exit_code, "knows no archive 'newer'" in answer.err) == (2, True), answer.err
    configuration.write_text(text, encoding="utf-8")
    appliance.pvs.clear()
    answer = seeded(*WORDS)
    assert (answer.exit_code, "no PV 'RING:CURRENT'" in answer.err) == (1, True), answer.err
    appliance.stop()
    answer = seeded(*WORDS)
    assert (answer.exit_code, "cannot be reached" in answer.err) == (3, True), answer.err
    assert service.poll() is None


def test_a_process_that_is_no_service_is_not_waited_for_without_end(
    seeded: Kado, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.data_dir import DirectoryLock

    monkeypatch.setattr("kado.service.backfill_desk.TAKEN_WITHIN_S", 1.0)
    lock = DirectoryLock(configuration.parent / "data")
    try:
        answer = seeded(*WORDS)
    finally:
        lock.release()
    assert answer.exit_code == 3
    assert f"process {os.getpid()} uses the data directory" in answer.err
    assert requests(configuration) == []


def test_a_request_that_a_starting_service_removed_is_handed_in_again(configuration: Path) -> None:
    from storage.data_dir import DirectoryLock

    lock = DirectoryLock(configuration.parent / "data")
    try:
        command = begin(configuration)
        wait_for(lambda: requests(configuration))
        # It takes what is there for requests of commands that have ended.
        for path in requests(configuration):
            path.unlink()
        wait_for(lambda: requests(configuration))
    finally:
        lock.release()
    _, err = command.communicate(timeout=120)
    assert (command.returncode, "'kado run' has ended" in err) == (3, True), err
