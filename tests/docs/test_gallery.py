"""The gallery shows what the simulators make today."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "gallery"
SHORT = ("day", "dump", "dropout", "fel", "spallation")
"""Those whose samples are made in a moment; the ramp and the year take a minute."""


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_gallery", FOLDER / "write_gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_picture_is_there_and_says_that_it_is_simulated(gallery: ModuleType) -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    for picture in gallery.PICTURES:
        assert f"## {picture.title} {picture.japanese}" in page
        assert "SIMULATED" in (FOLDER / f"{picture.name}.svg").read_text(encoding="utf-8")
    assert sorted(p.stem for p in FOLDER.glob("*.svg")) == sorted(p.name for p in gallery.PICTURES)


@pytest.mark.parametrize("name", SHORT)
def test_a_picture_was_drawn_from_the_samples_that_the_simulator_makes(gallery: ModuleType, name: str) -> None:
    picture: Any = next(p for p in gallery.PICTURES if p.name == name)
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    recorded = re.search(rf"!\[.*\]\({name}\.svg\)\n\n.*checksum of the samples (\w+)", page)
    assert recorded is not None
    assert gallery.checksum(picture.span) == recorded[1], "run: make gallery"
