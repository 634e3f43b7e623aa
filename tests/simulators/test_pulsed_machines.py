"""A free-electron laser and a spallation source, against closed forms."""

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from facility.batch import Batch
from facility.errors import ScenarioError
from facility.profile import Profile, load_profile
from facility.schedule import Category
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from simulators.machine import Machine
from simulators.scenario import load_scenario

SACLA, MLF = load_profile("sacla_sim"), load_profile("mlf_sim")
FULL_KW = 1000.0
TO_TARGET = 1 - 4 / 62
"""Of all pulses."""


def own(tmp_path: Path, profile: Profile, *faults: tuple[str, str, float]) -> Machine:
    """Make a machine with faults (effect, start, seconds)."""
    tables = [
        f'[[fault]]\ncause = "trip_{i}"\neffect = "{effect}"\nat = [{start}+09:00]\n'
        f"length_s = {{ median = {length}, spread = 1, min = {length}, max = {length} }}\n"
        for i, (effect, start, length) in enumerate(faults)
    ]
    path = tmp_path / "own.toml"
    path.write_text('id = "own"\ntitle = { en = "Own", ja = "自作" }\n' + "".join(tables), encoding="utf-8")
    return Machine(profile, load_scenario(str(path)))


def read(machine: Machine, signal: str, start: str, end: str) -> tuple[np.ndarray, np.ndarray]:
    joined = Batch.concat(list(machine.history(parse_time(f"{start}+09:00"), parse_time(f"{end}+09:00"))))
    which = joined.signal == joined.signals.index(signal)
    return joined.time_ns[which], joined.value[which]


# ------------------------------------------------------------------------------------- free-electron laser


def test_pulse_energy_jitters_as_the_mean_of_sixty_pulses_does() -> None:
    _, energy = read(
        Machine(SACLA, load_scenario("quiet_week")), "pulse_energy", "2026-11-11T00:00", "2026-11-14T00:00"
    )
    assert energy.mean() == pytest.approx(0.6, rel=0.01)
    # Differences of neighbours know nothing of the drift.
    assert np.diff(energy).std() / 2**0.5 == pytest.approx(0.6 * 0.10 / 60**0.5, rel=0.02)


def test_a_discharge_stops_all_pulses_and_energy_comes_back_in_a_straight_line(tmp_path: Path) -> None:
    faults = ("beam_dump", "2026-11-11T12:00:00", 8.0)
    calm = Machine(SACLA, load_scenario("quiet_week"))
    tripped = own(tmp_path, SACLA, faults)
    day = parse_time("2026-11-11T00:00Z") // NS_PER_DAY
    times, energy = tripped.stored_current(day)
    since = (times - parse_time("2026-11-11T12:00:00+09:00")) / NS_PER_S
    part = (since >= -10) & (since < 60)
    ratio = energy[part] / calm.stored_current(day)[1][part]
    t = since[part]
    expected = np.where(t < 0, 1.0, np.where(t < 8, 0.0, np.minimum(1.0, 0.5 + 0.5 * (t - 8) / 20)))
    assert ratio == pytest.approx(expected, abs=1e-12)
    _, rate = read(tripped, "repetition_rate", "2026-11-11T12:00:00", "2026-11-11T12:00:20")
    assert rate.tolist() == [0.0, 60.0]


def test_one_beamline_has_the_laser_at_a_time_and_user_blocks_say_which() -> None:
    machine = Machine(SACLA, load_scenario("quiet_week"))
    start = parse_time("2026-10-05T00:00+09:00")
    blocks = [b for b in machine.plan(start, start + 28 * NS_PER_DAY).blocks if b.category is Category.USER]
    tags = [b.tags for b in blocks]
    assert set(tags) == {("bl2",), ("bl3",)}
    assert all(len(tag) == 1 for tag in tags)


def test_hundreds_of_discharges_are_short_failures_with_a_high_availability() -> None:
    machine = Machine(SACLA, load_scenario("rf_discharges"))
    key = machine.answer_key(parse_time("2026-10-05T00:00+09:00"), parse_time("2026-10-12T00:00+09:00"))
    assert 80 < key.counts.failures < 240
    assert key.counts.sensor_faults == 0
    assert np.median([o.user_time_s for o in key.outages]) < 40
    assert 97.5 < 100 * key.accounts_s.delivered / key.accounts_s.user_time < 99.9


# -------------------------------------------------------------------------------------- spallation source


def test_the_main_ring_takes_four_pulses_of_62_and_the_dips_show_it() -> None:
    machine = Machine(MLF, load_scenario("quiet_week"))
    _, power = read(machine, "proton_power", "2026-11-11T12:00:00", "2026-11-11T12:01:02")
    # 62 s are 25 cycles of the main ring.
    assert power.mean() == pytest.approx(FULL_KW * TO_TARGET, abs=1.0)
    pulses = np.round(power / FULL_KW * 25).astype(int)
    assert set(pulses.tolist()) == {21, 22, 23, 24, 25} - ({22, 23, 24} - set(pulses.tolist()))
    assert {21, 25} <= set(pulses.tolist())
    assert pulses.sum() == 25 * (62 - 4)


def test_the_delivery_signal_is_the_mean_of_the_minute_before_its_stamp(tmp_path: Path) -> None:
    trip = own(tmp_path, MLF, ("beam_dump", "2026-11-11T12:00:10", 20.0))
    times, mean = read(trip, "proton_power_mean", "2026-11-11T12:01:00", "2026-11-11T12:01:01")
    # A second's power is stamped at its end.
    _, power = read(trip, "proton_power", "2026-11-11T12:00:01", "2026-11-11T12:01:01")
    assert times.tolist() == [parse_time("2026-11-11T12:01:00+09:00")]
    assert mean[0] == pytest.approx(power.mean(), abs=4)
    ramp = np.array([0.3 + 0.7 * t / 300 for t in range(30)]).sum()
    assert mean[0] == pytest.approx(FULL_KW * TO_TARGET * (10 + ramp) / 60, abs=10)


def test_energy_on_target_in_a_quiet_week_is_power_times_user_time() -> None:
    machine = Machine(MLF, load_scenario("quiet_week"))
    key = machine.answer_key(parse_time("2026-11-09T00:00+09:00"), parse_time("2026-11-16T00:00+09:00"))
    # 120 h at 1 MW less what the main ring takes, which no minute knows to better than a pulse or two.
    assert key.energy_mwh == pytest.approx(120 * TO_TARGET, rel=1e-4)
    assert key.accounts_s.delivered == 120 * 3600


def test_a_target_stop_costs_a_day_and_short_trips_hide_in_the_mean_of_a_minute() -> None:
    machine = Machine(MLF, load_scenario("target_stop"))
    key = machine.answer_key(parse_time("2026-11-09T00:00+09:00"), parse_time("2026-11-16T00:00+09:00"))
    dumps = [f for f in key.faults if f.effect == "beam_dump"]
    assert len(key.outages) < len(dumps) / 2
    assert max(key.outages, key=lambda o: o.user_time_s).cause == "target"
    assert 24 * 3600 < max(o.user_time_s for o in key.outages) < 25 * 3600
    assert key.energy_mwh is not None
    assert key.energy_mwh < 96 * TO_TARGET


def test_weaker_pulses_without_full_injection(tmp_path: Path) -> None:
    weak = own(tmp_path, MLF, ("no_injection", "2026-11-11T12:00:00", 3600.0))
    _, mean = read(weak, "proton_power_mean", "2026-11-11T12:05:00", "2026-11-11T12:55:00")
    assert mean.mean() == pytest.approx(0.6 * FULL_KW * TO_TARGET, abs=1)


def test_a_facility_whose_signal_no_model_delivers_is_refused(tmp_path: Path) -> None:
    shipped = (resources.files("facility") / "profiles" / "sacla_sim.toml").read_text(encoding="utf-8")
    path = tmp_path / "strange.toml"
    path.write_text(shipped.replace('"mJ"', '"furlong"'), encoding="utf-8")
    with pytest.raises(ScenarioError, match="no model delivers pulse_energy in 'furlong'; there are models for mA, mJ"):
        Machine(load_profile(str(path)), load_scenario("quiet_week"))
    path.write_text(shipped.replace("target = 0.6\n", ""), encoding="utf-8")
    with pytest.raises(ScenarioError, match="facility sacla_sim has no target to aim at"):
        Machine(load_profile(str(path)), load_scenario("quiet_week"))
