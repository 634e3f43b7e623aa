"""A program of these tests in a process of its own, spoken to in JSON, one line each way.

Libraries of control systems live as long as their process: a test that uses one talks to a program that does.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

import pytest

from waiting import LONGEST_S

ROOT = Path(__file__).parents[2]
ANSWERED_WITHIN_S = LONGEST_S


class Conversation:
    """A running program; what it says is a reply, or an update that nobody asked for."""

    def __init__(self, program: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
        paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
        own = {name: text for name, text in os.environ.items() if not name.startswith("EPICS_")}
        self.updates: list[Any] = []
        self._replies: queue.Queue[Any] = queue.Queue()
        self._said_wrong = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / program), *arguments],
            env=own | {"PYTHONPATH": paths} | (environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said_wrong,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._process.pid

    def ask(self, do: str, **arguments: Any) -> Any:
        """Return what the program replies; what it could not do fails the test."""
        assert self._process.stdin is not None
        print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
        try:
            reply = self._replies.get(timeout=ANSWERED_WITHIN_S)
        except queue.Empty:
            reply = {"error": f"no reply to {do} {arguments}"}
        if "error" in reply:
            self._said_wrong.seek(0)
            pytest.fail(f"{reply['error']}\n{self._said_wrong.read()}", pytrace=False)
        return reply["reply"]

    def close(self) -> None:
        """End the program."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(120)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._listener.join()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._said_wrong.close()

    def kill(self) -> None:
        """End the program as a power cut would (kill -9)."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._said_wrong.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # A library may print what it likes between.
            if line.startswith("{"):
                said = json.loads(line)
                if "update" in said:
                    self.updates.append(said["update"])
                else:
                    self._replies.put(said)
        self._replies.put({"error": f"{self._process.args} has ended"})
