"""The how-to page names every scenario, facility and effect, and its own scenario works."""

import re
from pathlib import Path

import pytest

from facility.profile import load_profile, shipped_profiles
from simulators.machine import Machine
from simulators.scenario import READS, Effect, load_scenario, shipped_scenarios

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "simulate-a-facility.md").read_text(encoding="utf-8")
SIMULATED = [name for name in shipped_profiles() if load_profile(name).simulated]


@pytest.mark.parametrize("name", [*shipped_scenarios(), *SIMULATED, *(effect.value for effect in Effect)])
def test_it_is_named(name: str) -> None:
    assert re.search(rf"^\| .*`{name}`", PAGE, re.MULTILINE)


@pytest.mark.parametrize("effect", READS)
def test_what_instruments_may_read_is_named(effect: Effect) -> None:
    rows = " ".join(row for row in PAGE.splitlines() if row.startswith(f"| `{effect.value}`"))
    assert all(f'"{reads}"' in rows for reads in READS[effect])


def test_the_scenario_on_the_page_works(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    path = tmp_path / "training_shift.toml"
    path.write_text(example[1], encoding="utf-8")
    machine = Machine(load_profile("nanoterasu_sim"), load_scenario(str(path)))
    assert machine.scenario.faults[1].source == "our own logbook, 2026"
