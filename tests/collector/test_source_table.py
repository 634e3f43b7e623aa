"""The tables that name source classes by text keep to the layers, as imports must."""

import ast
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from collector.sources.table import SOURCES
from simulators.table import SOURCES as SIMULATED

ROOT = Path(__file__).parents[2]
TABLES = {"collector": SOURCES, "simulators": SIMULATED}


@pytest.mark.parametrize(("room", "kind"), [(room, kind) for room, table in TABLES.items() for kind in table])
def test_a_table_names_a_source_of_its_own_room(room: str, kind: str) -> None:
    module, _, name = TABLES[room][kind].partition(":")
    assert module.split(".")[0] == room
    source: Any = getattr(import_module(module), name)
    assert BaseModel in source.__mro__
    assert source.model_fields["kind"].default == kind
    assert source.model_config.get("frozen")
    assert source.model_config.get("extra") == "forbid"
    assert "signals" in dir(source) or "signals" in source.model_fields
    assert list(inspect.signature(source.connect).parameters) == ["self", "profile", "clock"]


def test_no_kind_is_offered_twice() -> None:
    assert not set(SOURCES) & set(SIMULATED)


def test_every_table_of_sources_is_looked_at_here() -> None:
    tables = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("*/**/table.py") if "SOURCES" in path.read_text()}
    assert tables - {"tests", ".venv"} == set(TABLES)


def test_a_table_imports_nothing_of_what_it_names() -> None:
    for path in (ROOT / "collector/sources/table.py", ROOT / "simulators/table.py"):
        imports = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Import | ast.ImportFrom)]
        assert [ast.unparse(i) for i in imports] == ["from typing import Final"]
