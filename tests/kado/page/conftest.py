"""Copies of a folder that holds the day of `seeded_ring`, for the page."""

import shutil
from pathlib import Path

import pytest

from kado.config import load_configuration
from page_clients import make_accounts
from seeded_ring import seed


@pytest.fixture(scope="session")
def _page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    seed(folder)
    return folder


@pytest.fixture(scope="session")
def _staffed_folder(tmp_path_factory: pytest.TempPathFactory, _page_folder: Path) -> Path:
    folder = Path(shutil.copytree(_page_folder, tmp_path_factory.mktemp("staffed") / "ring"))
    make_accounts(load_configuration(folder / "kado.toml"))
    return folder


@pytest.fixture
def folder(tmp_path: Path, _page_folder: Path) -> Path:
    """Return the folder with the day's kado.toml; there are no accounts."""
    return Path(shutil.copytree(_page_folder, tmp_path / "ring"))


@pytest.fixture
def staffed(tmp_path: Path, _staffed_folder: Path) -> Path:
    """Return the same with an account for each role."""
    return Path(shutil.copytree(_staffed_folder, tmp_path / "ring"))
