"""Each kind of source has a README and a sample configuration with every option, its default and unit."""

import re
import runpy
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from collector.sources.table import SOURCES

ROOT = Path(__file__).parents[3]
KINDS = sorted(SOURCES)


def spec(kind: str) -> Any:
    module, _, name = SOURCES[kind].partition(":")
    return getattr(import_module(module), name)


def folder(kind: str) -> Path:
    return ROOT / Path(*SOURCES[kind].partition(":")[0].split(".")[:-1])


def mapping_of(source: type[BaseModel]) -> type[BaseModel]:
    return get_args(source.model_fields["mappings"].annotation)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_stands_in_the_sample_with_words_about_it(kind: str) -> None:
    text = (folder(kind) / "sample.toml").read_text(encoding="utf-8")
    source = spec(kind)
    options = [field.alias or name for name, field in source.model_fields.items()]
    options += list(mapping_of(source).model_fields)
    missing = [o for o in options if not re.search(rf"^(# )?(\[\[source\.)?{o}(\]\])? ?(=|$)", text, re.MULTILINE)]
    assert missing == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_is_a_configuration_and_what_is_commented_out_is_the_default(kind: str) -> None:
    text = (folder(kind) / "sample.toml").read_text(encoding="utf-8")
    (table,) = tomllib.loads(text)["source"]
    source = spec(kind).model_validate(table)
    assert source.id == table["id"]
    # "Default: ..." is said of each option that has one.
    for name, field in type(source).model_fields.items():
        if field.is_required() or name in ("kind", "mappings"):
            continue
        before, _, _ = text.partition(f"\n# {name} =") if f"\n# {name} =" in text else text.partition(f"\n{name} =")
        paragraph = before.rsplit("\n\n", 1)[-1]
        assert "efault" in paragraph, name
        commented = re.search(rf"^# {name} = (.*)$", text, re.MULTILINE)
        if commented and field.default not in (None, {}, ()):
            assert tomllib.loads(f"x = {commented[1]}")["x"] == field.default, name


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_describes_itself(kind: str) -> None:
    source = spec(kind)
    fields = {**source.model_fields, **mapping_of(source).model_fields}
    assert [name for name, field in fields.items() if not field.description and name != "kind"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_readme_says_what_can_be_lost(kind: str) -> None:
    text = (folder(kind) / "README.md").read_text(encoding="utf-8")
    assert f"`{kind}`" in text
    assert "lost" in text
    assert "sample.toml" in text


def test_the_page_of_sources_is_up_to_date() -> None:
    reference = ROOT / "docs" / "reference"
    writer = runpy.run_path(str(reference / "write_sources.py"))
    written = (reference / "sources.md").read_text(encoding="utf-8")
    assert written == writer["page"](), "run: python docs/reference/write_sources.py"
