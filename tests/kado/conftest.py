"""A command line in a folder of its own, and one with three simulated days in it."""

import os
import shutil
from pathlib import Path

import pytest

from command_line import Kado, run
from seeded_ring import seed

FROM, TO = "2026-11-11T00:00:00+09:00", "2026-11-14T00:00:00+09:00"
"""Three days of the scenario ``beam_dump``, with its one dump in user time."""


@pytest.fixture
def kado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kado:
    """Run a command in an empty folder, without anything of the environment that would change it."""
    for name in list(os.environ):
        if name.startswith("KADO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return run


@pytest.fixture(scope="session")
def _simulated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    config = str(folder / "kado.toml")
    assert run("init", "--config", config).exit_code == 0
    answer = run("simulate", "--scenario", "beam_dump", "--from", FROM, "--to", TO, "--config", config)
    assert answer.exit_code == 0, answer.err
    return folder


@pytest.fixture
def simulated(kado: Kado, tmp_path: Path, _simulated_folder: Path) -> Kado:
    """Run a command in a copy of a folder that holds the three days, their answers in ``key.json``."""
    shutil.copytree(_simulated_folder, tmp_path, dirs_exist_ok=True)
    (key,) = (tmp_path / "data" / "answers").iterdir()
    shutil.copy(key, tmp_path / "key.json")
    return kado


@pytest.fixture(scope="session")
def _seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeded")
    seed(folder)
    return folder


@pytest.fixture
def seeded(kado: Kado, tmp_path: Path, _seeded_folder: Path) -> Kado:
    """Run a command in a copy of a folder that holds the day of `seeded_ring`."""
    shutil.copytree(_seeded_folder, tmp_path, dirs_exist_ok=True)
    return kado
