"""The tutorial, typed to the letter, works."""

import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kado.cli.demo import configuration_file

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorials" / "first-figure.md"


def typed(number: int) -> str:
    """Return one of the blocks of commands of the page."""
    return re.findall(r"^```text\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[number]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a `.venv` whose `kado` is this one."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "activate").write_text(f'PATH="{programs}:$PATH"\n')
    (programs / "kado").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kado "$@"\n')
    (programs / "kado").chmod(0o755)
    return tmp_path


def run(folder: Path, script: str) -> str:
    """Type commands into a shell that stops at the first one that fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")}
    environment |= {"PYTHONPATH": str(ROOT), "KADO_LANG": "en"}
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_commands_on_the_data_of_the_demonstration(folder: Path) -> None:
    assert typed(0) == "make demo\n"
    # The demonstration itself has tests of its own; an hour before this month began stands for its two months.
    configuration_file(folder / ".demo")
    now = datetime.now(ZoneInfo("Asia/Tokyo"))
    end = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = end - timedelta(hours=1)
    simulate = f"kado simulate --config .demo/kado.toml --from {start.isoformat()} --to {end.isoformat()}\n"
    commands = typed(1).replace("2026-10", f"{start:%Y-%m}")
    activate, *others = commands.splitlines(keepends=True)
    out = run(folder, activate + simulate + "".join(others))
    assert "Definition   sls" in out
    assert f"availability {start:%Y-%m}" in out


def test_the_simulator_and_its_answer_key(folder: Path) -> None:
    out = run(folder, "source .venv/bin/activate\n" + typed(2))
    assert "no difference between the answer key and the result of kado" in out
    assert "availability 2026-11-12" in out
