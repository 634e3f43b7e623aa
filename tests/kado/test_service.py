"""``kado run`` and ``kado demo`` as processes: they start, collect, and leave cleanly."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from command_line import Kado
from kado.cli.demo import configuration_file
from kado.config import load_configuration
from waiting import LONGEST_S, wait_for

KADO = [sys.executable, "-m", "kado"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start kado as a process of its own in the test's folder."""
    started: list[subprocess.Popen[str]] = []

    def start(*words: str, terminal: int | None = None) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE if terminal is None else terminal
        environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        process = subprocess.Popen(
            [*KADO, *words], cwd=tmp_path, env=environment, text=True, stdin=terminal, stdout=pipe, stderr=pipe
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_collects_until_it_is_told_to_end(
    kado: Kado, start: Callable[..., "subprocess.Popen[str]"], number: signal.Signals
) -> None:
    kado("init")
    service = start("run")
    wait_for(lambda: kado("status").exit_code == 0)
    wait_for(lambda: kado("status", "--format", "json").document["signals"]["stored_current"] is not None)
    document = kado("status", "--format", "json").document
    assert document["running_pid"] == service.pid
    assert document["links"]["ring"]["value"] == "up"
    service.send_signal(number)
    _, err = service.communicate(timeout=120)
    assert service.returncode == 0
    assert "SIMULATED kado runs: facility nanoterasu_sim, embedded store, 1 source, data" in err
    assert "all acknowledged samples are stored" in err
    assert "Traceback" not in err
    assert kado("status", "--format", "json").document["links"]["ring"]["value"] == "down"
    assert kado("ledger", "--verify").exit_code == 0


def test_a_second_service_on_the_same_data_ends_with_3(
    kado: Kado, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    kado("init")
    first = start("run")
    wait_for(lambda: kado("status").exit_code == 0)
    second = start("run")
    _, err = second.communicate(timeout=120)
    assert second.returncode == 3
    assert f"is in use by the process with pid {first.pid}" in err


@pytest.fixture
def begun(kado: Kado) -> Kado:
    """A demonstration that was shown an hour ago, so that little is left to be filled in."""
    assert kado("init", "--config", "kado.toml").exit_code == 0
    now = datetime.now(UTC).astimezone(ZoneInfo("Asia/Tokyo"))
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for start, end in [(month - timedelta(days=2), month), (now - timedelta(hours=1), now - timedelta(seconds=5))]:
        answer = kado("simulate", "--from", start.isoformat(), "--to", end.isoformat())
        assert answer.exit_code == 0, answer.err
    return kado


def test_the_demonstration_without_a_terminal_prints_lines_and_ends_with_0(
    begun: Kado, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    before = begun("ledger", "--format", "json").document["sources"][0]["received"]
    # Longer where a busy machine was late with its first line.
    for seconds in (10, 40, 160):
        demo = start("demo", "--data-dir", ".", "--seconds", str(seconds))
        out, err = demo.communicate(timeout=seconds + LONGEST_S)
        assert demo.returncode == 0, err
        assert re.search(r"Availability +\d+\.\d %  between \d+\.\d and \d+\.\d %", out)
        live = [line for line in out.splitlines() if re.match(r"SIMULATED \d\d:\d\d:\d\d ", line)]
        if len(live) >= 2:
            break
    assert len(live) >= 2
    assert all(" mA, " in line and len(line) <= 80 for line in live)
    # Before the first figures are there, a line says so instead of showing none.
    assert all("today " in line or "figures are being computed" in line for line in live)
    added = int(re.findall(r"([\d,]+) samples back-filled", err)[0].replace(",", ""))
    assert 0 < added < before / 10
    assert begun("ledger", "--verify").exit_code == 0


def test_the_demonstration_on_a_terminal_leaves_cleanly_on_interrupt(
    begun: Kado, start: Callable[..., "subprocess.Popen[str]"]
) -> None:
    main, side = pty.openpty()
    demo = start("demo", "--data-dir", ".", terminal=side)
    os.close(side)
    os.set_blocking(main, False)
    shown = b""

    def has_shown(text: str) -> bool:
        nonlocal shown
        with suppress(OSError):
            while chunk := os.read(main, 65536):
                shown += chunk
        return text.encode() in shown

    try:
        wait_for(lambda: has_shown("Stop with Ctrl-C"))
        demo.send_signal(signal.SIGINT)
        assert demo.wait(120) == 0
        has_shown("")
    finally:
        os.close(main)
    assert b"Traceback" not in shown


def test_the_demonstration_makes_its_own_configuration(tmp_path: Path) -> None:
    configuration = load_configuration(configuration_file(tmp_path / "demo"))
    assert configuration.profile.simulated
    assert configuration.data_dir == tmp_path / "demo"
    assert [source.id for source in configuration.sources] == ["ring"]
