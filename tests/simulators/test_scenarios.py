"""Scenarios are data, and an impossible one says what is wrong with it."""

from pathlib import Path

import pytest

from facility.errors import ScenarioError
from facility.profile import load_profile
from facility.time import parse_time
from simulators.machine import Machine
from simulators.scenario import load_scenario, shipped_scenarios
from simulators.targets import Target, Targets

HEAD = 'id = "own"\ntitle = { en = "Own", ja = "自作" }\n'
FAULT = '[[fault]]\ncause = "rf"\neffect = "beam_dump"\nlength_s = { median = 60, min = 60, max = 60 }\n'
SIMULATED = load_profile("nanoterasu_sim")
FACILITIES = ("nanoterasu_sim", "spring8_sim", "maxiv_sim", "sirius_sim", "sacla_sim", "mlf_sim")


def own(tmp_path: Path, text: str) -> str:
    path = tmp_path / "own.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return str(path)


def test_the_shipped_scenarios_are_these() -> None:
    assert shipped_scenarios() == (
        "beam_dump",
        "broker_gone",
        "clock_step",
        "dcct_dropout",
        "demo",
        "forgotten_mode",
        "frozen_value",
        "fy2024",
        "grid_failure",
        "injector_trip",
        "long_shutdown",
        "loose_cable",
        "quiet_week",
        "ramp_to_400ma",
        "rf_discharges",
        "spring8_ii",
        "storm",
        "target_stop",
    )


@pytest.mark.parametrize("name", shipped_scenarios())
def test_every_shipped_scenario_fits_the_simulated_facilities(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.id == name
    for facility in FACILITIES:
        if scenario.targets and facility != "nanoterasu_sim":
            continue  # targets of one machine are not those of another
        Machine(load_profile(facility), scenario)


@pytest.mark.parametrize(
    ("length", "message"),
    [
        ("0", "0 s is not a length above 0 s and up to 30 days"),
        ("3000000.0", "3e\\+06 s is not a length"),
        ('"long"', "'long' is no length: write seconds, or { median, spread, min, max }"),
        ("true", "True is no length"),
    ],
)
def test_a_length_may_be_one_number_and_says_what_it_can_be(tmp_path: Path, length: str, message: str) -> None:
    fault = '[[fault]]\ncause = "rf"\neffect = "beam_dump"\nper_month = 1\nlength_s = {}\n'
    always = load_scenario(own(tmp_path, fault.format("90"))).faults[0].length_s
    assert (always.min, always.median, always.max) == (90, 90, 90)
    with pytest.raises(ScenarioError, match=message.replace("{", "\\{").replace("}", "\\}")):
        load_scenario(own(tmp_path, fault.format(length)))


def test_a_scenario_of_ones_own_is_read_from_its_file(tmp_path: Path) -> None:
    scenario = load_scenario(own(tmp_path, FAULT + "at = [2026-11-12T13:00:00+09:00, 04:00:00]\n"))
    assert scenario.faults[0].key == "rf/beam_dump"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[fualt]]\n", "unknown key 'fualt'; did you mean 'fault'?"),
        (
            "[ring]\ntouschek_lifetime = 10\n",
            "unknown key 'ring.touschek_lifetime'; did you mean 'touschek_lifetime_h'?",
        ),
        (FAULT + "per_month = -2\n", "fault[1].per_month = -2: it must be greater than 0"),
        (FAULT + "per_month = nan\n", "fault[1].per_month = nan"),
        (FAULT, "fault rf/beam_dump: say how often by exactly one of per_month, each_month and at, not by none"),
        (FAULT + "per_month = 1\neach_month = 1\n", "not by per_month, each_month"),
        (FAULT + "per_month = 1\n" + FAULT + "each_month = 1\n", "fault rf/beam_dump is described twice"),
        (
            FAULT.replace("min = 60", "min = 90") + "per_month = 1\n",
            "min 90.0 <= median 60.0 <= max 60.0 does not hold",
        ),
        (FAULT.replace("beam_dump", "explosion") + "per_month = 1\n", "fault[1].effect = 'explosion'"),
        (
            FAULT.replace("beam_dump", "monitor_glitch") + "per_month = 1\n",
            "a monitor_glitch lasts at most 2 s, not 60; use monitor_dropout",
        ),
        (
            FAULT + 'per_month = 1\nreads = "zero"\n',
            "reads belongs to monitor_dropout, monitor_spike, witness_fault alone",
        ),
        (
            FAULT.replace("beam_dump", "monitor_dropout") + 'per_month = 1\nreads = "nothing"\n',
            "reads = 'nothing' is not one of zero, bad",
        ),
        (
            FAULT.replace("beam_dump", "clock_step") + "per_month = 1\n",
            "a clock_step, and nothing else, has a shift_s other than 0",
        ),
        (FAULT + "per_month = 1\nshift_s = 3\n", "a clock_step, and nothing else, has a shift_s"),
        (
            "[calendar]\nshutdowns = [{ from = 2026-05-01, to = 2026-05-01 }]\n",
            "ends on 2026-05-01, not after its start",
        ),
        ("[spallation]\nmain_ring_pulses = 62\n", "takes 62 of 62 pulses: leave the target some"),
        (FAULT + "at = [2026-11-12T13:00:00]\n", "give the time its offset from UTC"),
        ("[ring]\nfill_steps = [0.5, 0.25]\n", "fill_steps [0.5, 0.25] must rise, between 0 and 1"),
        ('[[target]]\nfrom = 2026-04-01\nmode = "shutdown"\ncurrent_ma = 400\n', "a target needs a mode with beam"),
        (
            "period = { from = 2026-11-02T00:00:00Z, to = 2026-11-01T00:00:00Z }\n",
            "to 2026-11-01T00:00:00+00:00 does not come after from 2026-11-02T00:00:00+00:00",
        ),
        ("[ring\n", "is not valid TOML"),
    ],
)
def test_an_impossible_scenario_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(own(tmp_path, text))
    assert message in str(caught.value)
    assert "own.toml" in str(caught.value)


def test_a_scenario_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario 'demmo': use one of beam_dump, broker_gone, clock_step"):
        load_scenario("demmo")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[[target]]\nfrom = 2024-04-01\ncurrent_ma = 650\n",
            "scenario own: a target of 650.0 mA, and a shot of 0.2 mA above it, passes physical_max 600.0 of "
            "nanoterasu_sim's stored_current; lower the target",
        ),
        (
            "[[target]]\nfrom = 2024-04-01\ncurrent_ma = 200\n",
            "scenario own: from 2025-09-02T00:00:00+09:00 users would get 199 to 200 mA, below the nominal 248.75 mA "
            "of nanoterasu_sim; raise the target or narrow band_pct",
        ),
        ('[[target]]\nfrom = 2024-04-01\nmode = "study"\ncurrent_ma = 200\n', "has no target for mode 'user'"),
    ],
)
def test_a_scenario_that_does_not_fit_the_facility_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Machine(SIMULATED, load_scenario(own(tmp_path, text)))
    assert message in str(caught.value)


def test_a_real_facility_is_never_simulated() -> None:
    with pytest.raises(ScenarioError, match="facility nanoterasu is a real one"):
        Machine(load_profile("nanoterasu"), load_scenario("quiet_week"))


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ScenarioError, match="seed -1 is negative"):
        Machine(SIMULATED, load_scenario("quiet_week"), -1)


def test_without_targets_of_its_own_the_ring_follows_the_limits_of_the_profile_from_their_dates() -> None:
    user = next(iter(Targets.of(SIMULATED, load_scenario("quiet_week")).by_mode.values()))
    assert [(parse_time(f"{day}T00:00+09:00"), current) for day, current in STEPS] == [
        (since, target.current_ma) for since, target in user
    ]
    assert user[-1][1] == Target(400.0, 398.0)


STEPS = [
    ("2024-04-01", 160.0),
    ("2024-07-01", 200.0),
    ("2025-09-01", 250.0),
    ("2025-11-01", 300.0),
    ("2026-01-01", 350.0),
    ("2026-04-01", 400.0),
]
