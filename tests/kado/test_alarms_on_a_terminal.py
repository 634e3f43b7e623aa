"""``kado alarms --watch`` on a real terminal: a screen that follows the alarms, and ends with Ctrl-C."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from command_line import Kado
from facility.time import system_clock
from kado.config import load_configuration
from kado.service.alarm_facts import FactSources
from kado.service.alarms import Alarms

RULES = """
[[alarm]]
id = "unseen"
title = { en = "Unseen", ja = "未観測" }
priority = "high"
class = "beam"
consequence = { en = "c", ja = "c" }
action = { en = "Call the shift leader", ja = "班長に連絡する" }
respond_within_s = 600
when = { kind = "limit", signal = "stored_current", below = 10.0 }
"""


def look_once() -> None:
    """Let a service watch the alarms once, on the folder of now."""

    def status() -> None:
        raise OSError("no service around it")

    alarms = Alarms(load_configuration(), system_clock, FactSources(status, lambda: None))  # type: ignore[arg-type]
    with closing(alarms):
        alarms.look()
        time.sleep(1.1)
        alarms.look()


def read_until(terminal: int, text: str, seen: str = "", timeout_s: float = 120.0) -> str:
    """Return all that was written to the terminal up to a text."""
    until = time.monotonic() + timeout_s
    while text not in seen:
        assert time.monotonic() < until, f"{text!r} was not shown: {seen!r}"
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # the other side was closed
                break
    return seen


def test_the_screen_shows_the_alarms_and_leaves_the_terminal_as_it_was(kado: Kado, tmp_path: Path) -> None:
    assert kado("init").exit_code == 0
    with Path("kado.toml").open("a") as file:
        file.write('\n[alarms]\nrules = ["alarms.toml"]\n')
    Path("alarms.toml").write_text(RULES)
    Path("data").mkdir()
    look_once()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kado", "alarms", "--watch"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30", "KADO_LANG": "en"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        shown = read_until(ours, "Unseen")
        assert "\x1b[?1049h" in shown, "it does not take a screen of its own"
        assert "SIMULATED" in shown
        process.send_signal(signal.SIGINT)
        shown = read_until(ours, "\x1b[?1049l", shown)
        assert process.wait(timeout=120) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
