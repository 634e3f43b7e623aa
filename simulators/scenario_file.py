"""Scenarios as TOML text, so that a session with injected faults can be kept and repeated."""

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from enum import Enum
from pathlib import Path
from typing import cast

from simulators.scenario import Scenario


def write_scenario(scenario: Scenario, path: Path, heading: str) -> None:
    """Write a scenario so that `load_scenario` reads the same one; `heading` becomes comments at the top."""
    comments = "".join(f"# {line}\n" for line in heading.splitlines())
    path.write_text(comments + scenario_toml(scenario), encoding="utf-8")


def scenario_toml(scenario: Scenario) -> str:
    """Return a scenario as TOML; what is as it is by default is left out."""
    document = scenario.model_dump(by_alias=True, exclude_defaults=True)
    tables = {key: value for key, value in document.items() if _is_tables(value)}
    lines = [f"{key} = {_value(key, value)}" for key, value in document.items() if key not in tables]
    for key, rows in tables.items():
        for row in cast("list[dict[str, object]]", rows):
            lines += ["", f"[[{key}]]", *(f"{name} = {_value(name, value)}" for name, value in row.items())]
    return "\n".join(lines) + "\n"


def _is_tables(value: object) -> bool:
    rows = cast("list[object]", value) if isinstance(value, list | tuple) else []
    return bool(rows) and isinstance(rows[0], Mapping)


def _value(key: str, value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Enum():
            return _value(key, value.value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case datetime() | date() | time():
            return value.isoformat()
        case Mapping():
            row = cast("Mapping[str, object]", value)
            if key == "length_s" and row["min"] == row["max"]:
                return repr(row["median"])
            return "{ " + ", ".join(f"{name} = {_value(name, inner)}" for name, inner in row.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(_value(key, inner) for inner in cast("list[object]", value)) + "]"
        case _:
            raise TypeError(f"{key} = {value!r} has no form in TOML")
