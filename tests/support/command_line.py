"""The command line as a test uses it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from kado.cli.main import app


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON that it printed."""
        return json.loads(self.out)


Kado = Callable[..., Answer]
"""Runs a command: ``kado("init", "--store", "influxdb")``; keywords are environment variables."""


def run(*words: str, **environment: str) -> Answer:
    """Run a command in this process, without a terminal."""
    result = CliRunner().invoke(
        app, list(words), prog_name="kado", env={"COLUMNS": "80", "KADO_LANG": "en", **environment}
    )
    return Answer(result.exit_code, result.stdout, result.stderr)
