"""A scenario that was written is read as the same one."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from simulators.scenario import (
    CalendarRules,
    Effect,
    FaultKind,
    Length,
    Repair,
    Ring,
    Scenario,
    Shutdown,
    TargetStep,
    load_scenario,
    shipped_scenarios,
)
from simulators.scenario_file import scenario_toml, write_scenario


def again(scenario: Scenario, folder: Path) -> Scenario:
    path = folder / "again.toml"
    write_scenario(scenario, path, "One line\nand another")
    assert path.read_text(encoding="utf-8").startswith("# One line\n# and another\n")
    return load_scenario(str(path))


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_shipped_scenario_survives(name: str, tmp_path: Path) -> None:
    scenario = load_scenario(name)
    assert again(scenario, tmp_path) == scenario


def test_everything_that_a_scenario_can_say_survives(tmp_path: Path) -> None:
    base = load_scenario("quiet_week")
    everything = base.model_copy(
        update={
            "title": base.title.model_copy(update={"en": 'With "quotes", a \\ and a \t tab \x7f'}),
            "calendar": CalendarRules(
                long_shutdowns=False,
                shutdowns=(Shutdown.model_validate({"from": date(2027, 1, 4), "to": date(2027, 2, 1)}),),
            ),
            "ring": Ring(noise_ma=1e-9, fill_steps=(0.1, 0.9)),
            "targets": (
                TargetStep.model_validate({"from": date(2026, 4, 1), "current_ma": 160.0, "mode": "study"}),
                TargetStep.model_validate({"from": datetime(2026, 4, 1, 3, tzinfo=UTC), "current_ma": 200.5}),
            ),
            "faults": (
                FaultKind(
                    cause="adc",
                    effect=Effect.MONITOR_DROPOUT,
                    reads="bad",
                    at=(datetime(2026, 11, 12, 4, 5, 6, 789000, tzinfo=UTC), time(4, 0)),
                    length_s=Length(median=60, spread=1.5, min=1, max=100),
                ),
                FaultKind(
                    cause="ntp", effect=Effect.CLOCK_STEP, shift_s=-0.5, each_month=3, length_s=Length.fixed(12.345)
                ),
            ),
            "repairs": (Repair(effect=Effect.BEAM_DUMP, at=(datetime(2026, 11, 12, tzinfo=UTC),)),),
        }
    )
    assert again(everything, tmp_path) == everything


def test_a_length_that_is_always_the_same_is_one_number() -> None:
    fault = FaultKind(cause="rf", effect=Effect.BEAM_DUMP, per_month=1, length_s=Length.fixed(900))
    text = scenario_toml(load_scenario("quiet_week").model_copy(update={"faults": (fault,)}))
    assert text.endswith('[[fault]]\ncause = "rf"\neffect = "beam_dump"\nlength_s = 900.0\nper_month = 1.0\n')
