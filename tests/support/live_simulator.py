"""``kado simulate --live`` in a process of its own."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STARTED_WITHIN_S = 60.0
OVER = "all samples are published"


class LiveSimulator:
    """A running simulator; `start` returns once it can be read."""

    def __init__(self, folder: Path, url: str, *options: str) -> None:
        self.url = url
        self._command = [sys.executable, "-m", "kado", "simulate", "--live", url]
        self._command += options
        self._folder = folder
        self._said: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None

    def start(self) -> None:
        """Start it, and wait until it says where it can be read."""
        own = {name: text for name, text in os.environ.items() if not name.startswith(("EPICS_", "KADO_"))}
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=own | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self.wait_for("SIMULATED", STARTED_WITHIN_S)

    @property
    def notes(self) -> str:
        """What it has said on stderr."""
        return "".join(self._said)

    def wait_for(self, text: str, timeout_s: float) -> None:
        """Wait until it says something."""
        assert self._process is not None
        deadline = time.monotonic() + timeout_s
        while text not in self.notes:
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{self.url} did not say {text!r}:\n{self.notes}", pytrace=False)
            time.sleep(0.05)

    def stop(self) -> str:
        """End it as Ctrl-C does, and return what it printed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> str:
        """Wait until it has ended, and return what it printed."""
        assert self._process is not None
        assert self._listener is not None
        assert self._process.stdout is not None
        try:
            self._process.wait(120)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            pytest.fail(f"{self.url} did not end:\n{self.notes}", pytrace=False)
        printed = self._process.stdout.read()
        self._listener.join()
        self._process.stdout.close()
        code, self._process = self._process.returncode, None
        assert code == 0, self.notes
        return printed

    def kill(self) -> None:
        """End it if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._listener is not None:
                self._listener.join()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._said.append(line)
