"""Facility profiles: what is shipped is cited, what is wrong is named."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from facility.errors import PeriodError, ProfileError
from facility.profile import Profile, load_profile, shipped_profiles
from facility.schedule import Block, Category, ScheduleVersion, resolve
from facility.time import NS_PER_H, NS_PER_S, parse_time

TEXT = (resources.files("facility") / "profiles" / "nanoterasu.toml").read_text(encoding="utf-8")


def load(folder: Path, text: str) -> Profile:
    (folder / "ring.toml").write_text(text, encoding="utf-8")
    return load_profile("ring.toml", folder)


def problem(folder: Path, text: str) -> str:
    with pytest.raises(ProfileError) as error:
        load(folder, text)
    return str(error.value).replace(str(folder / "ring.toml"), "ring.toml")


# --- What is shipped.


def test_nanoterasu_and_its_simulation_are_shipped() -> None:
    assert {"nanoterasu", "nanoterasu_sim"} <= set(shipped_profiles())


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_is_right_and_cites_its_facts(name: str) -> None:
    profile = load_profile(name)
    assert profile.id == name
    assert all(fact.cite in profile.references for fact in (*profile.milestones, *profile.ports))
    assert profile.simulated == name.endswith("_sim")


def test_nanoterasu_has_28_ports_of_which_10_operate() -> None:
    profile = load_profile("nanoterasu")
    assert (profile.port_count, profile.operating_port_count) == (28, 10)
    operating = {g.use: g.count for g in profile.ports if g.status == "operating"}
    assert operating == {"shared": 3, "coalition": 7}


def test_nanoterasu_began_with_160_milliamperes_and_went_to_200() -> None:
    profile = load_profile("nanoterasu")
    assert [(m.since.isoformat(), m.value, m.kind) for m in profile.milestones] == [
        ("2024-04-01", 160.0, "user"),
        ("2024-07-01", 200.0, "user"),
        ("2025-07-01", 400.0, "demonstrated"),
    ]
    spring = profile.limits.at(Category.USER, parse_time("2024-06-30T12:00+09:00"))
    summer = profile.limits.at(Category.USER, parse_time("2024-07-03T12:00+09:00"))
    assert spring is not None
    assert summer is not None
    assert spring.nominal < 160.0 <= summer.nominal < 200.0


def test_the_simulated_ring_measures_at_least_what_the_real_one_does() -> None:
    real, simulated = load_profile("nanoterasu"), load_profile("nanoterasu_sim")
    assert simulated.simulated
    assert not real.simulated
    assert simulated.signals[: len(real.signals)] == real.signals
    assert real.ports == simulated.ports


# --- What a profile answers.


def test_a_profile_reads_periods_in_its_own_zone_and_fiscal_year() -> None:
    profile = load_profile("nanoterasu")
    assert profile.period("FY2023").length_ns == 8784 * NS_PER_H
    block = Block(0, NS_PER_H, Category.USER, run="2025A")
    plan = resolve([ScheduleVersion.of(-1, [block])])
    assert profile.period("2025A", plan).length_ns == NS_PER_H
    with pytest.raises(PeriodError):
        profile.period("2025A")


def test_a_signal_is_found_or_the_others_are_named() -> None:
    profile = load_profile("nanoterasu")
    assert profile.delivery.id == "stored_current"
    with pytest.raises(ProfileError) as error:
        profile.signal("beam_current")
    assert str(error.value) == (
        "facility nanoterasu has no signal 'beam_current'; it has stored_current, stored_current_2, machine_mode,"
        " beam_lifetime"
    )


@pytest.mark.parametrize(
    ("line", "holds_s"),
    [
        ("period_s = 1.0", 10.0),
        ("period_s = 3.0", 15.0),
        ("period_s = 1.0\nstale_after_s = 2.5", 2.5),
        ("", None),
    ],
)
def test_a_sample_holds_five_periods_and_at_least_ten_seconds(tmp_path: Path, line: str, holds_s: float | None) -> None:
    profile = load(tmp_path, TEXT.replace("period_s = 1.0\nstale_after_s = 10.0", line))
    assert profile.delivery.stale_after_ns == (None if holds_s is None else holds_s * NS_PER_S)


# --- What is refused.


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'delivery_signal = "stored_current"',
            'delivery_signal = "stored_current"\ntarget_availability = 99.0',
            "ring.toml: unknown key 'target_availability'; did you mean 'target_availability_pct'?",
        ),
        (
            "physical_max = 600.0",
            "physical_maxi = 600.0",
            "ring.toml: unknown key 'signal[1].physical_maxi'; did you mean 'physical_max'?",
        ),
        (
            "nominal = 159.0",
            "nominl = 159.0",
            "ring.toml: 'limits[1].nominal' is missing\n"
            "ring.toml: unknown key 'limits[1].nominl'; did you mean 'nominal'?",
        ),
        ('time_zone = "Asia/Tokyo"\n', "", "ring.toml: 'time_zone' is missing"),
        ('"Asia/Tokyo"', '"Asia"', "ring.toml: time_zone 'Asia' is not an IANA zone such as 'Asia/Tokyo'"),
        ('"Asia/Tokyo"', '"JST"', "ring.toml: time_zone 'JST' is not an IANA zone such as 'Asia/Tokyo'"),
        (
            'delivery_signal = "stored_current"',
            'delivery_signal = "machine_mode"',
            "ring.toml: delivery_signal 'machine_mode' is not one of the number signals: ['stored_current',"
            " 'stored_current_2', 'machine_mode', 'beam_lifetime']",
        ),
        (
            'mode_signal = "machine_mode"',
            'mode_signal = "mode"',
            "ring.toml: mode_signal 'mode' is not one of the state signals: ['stored_current', 'stored_current_2',"
            " 'machine_mode', 'beam_lifetime']",
        ),
        ('id = "beam_lifetime"', 'id = "machine_mode"', "ring.toml: signal 'machine_mode' is described twice"),
        (
            'witness = "stored_current_2"',
            'witness = "dcct2"',
            "ring.toml: signal 'stored_current' names the witness 'dcct2', which is not a signal",
        ),
        (
            'witness = "stored_current_2"',
            'witness = "stored_current"',
            "ring.toml: signal[1]: signal 'stored_current' is its own witness: name another signal",
        ),
        (
            'witness = "stored_current_2"',
            'witness = "beam_lifetime"',
            "ring.toml: witness 'beam_lifetime' is in 'h', 'stored_current' in 'mA': give the witness a beam_above in"
            " its own unit",
        ),
        (
            'id = "beam_lifetime"',
            'id = "Lifetime"',
            "ring.toml: signal[4].id: name 'Lifetime' is not a slug: use a lower-case letter, then lower-case letters,"
            " digits and '_'",
        ),
        (
            'type = "state"\n',
            "",
            "ring.toml: signal[3]: signal 'machine_mode' is a number: it has no words",
        ),
        (
            '"refill"]',
            '"user"]',
            "ring.toml: signal[3]: signal 'machine_mode' names a word twice: ['user', 'study', 'tuning', 'maintenance',"
            " 'shutdown', 'user']",
        ),
        (
            'type = "number"\nunit = "h"',
            'type = "state"\nunit = "h"',
            "ring.toml: signal[4]: signal 'beam_lifetime' is a state and names no words: add words = [...]",
        ),
        (
            'kind = "demonstrated"\ncite = "briefing"',
            'kind = "demonstrated"\ncite = "a newspaper"',
            "ring.toml: cite 'a newspaper' is not among references: ['briefing']",
        ),
        (
            "tolerance = 156.0",
            "tolerance = 160.0",
            "ring.toml: limits[1]: limits from 2024-04-01 for user: nominal 159.0 >= recovered 156.0 >= tolerance 160.0"
            " >= minimum 8.0 must hold",
        ),
        ("target = 400.0", "target = nan", "ring.toml: target = nan: give a finite number"),
        ("target = 400.0", 'target = "400"', "ring.toml: target = '400': give a number, without quotes"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TEXT
    assert problem(tmp_path, TEXT.replace(old, new, 1)) == message


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("target = 400.0", "target = true").replace("minimum = 8.0", "minimum = -8.0")
    assert problem(tmp_path, text).splitlines() == [
        "ring.toml: target = True: give a number, without quotes",
        "ring.toml: limits[1].minimum = -8.0: it must be greater than 0",
    ]


def test_a_flag_speaks_of_words_that_its_signal_has(tmp_path: Path) -> None:
    good = TEXT.replace("[references]", '[flags.permit]\nsignal = "machine_mode"\nwhen = ["user"]\n\n[references]')
    assert load(tmp_path, good).flags["permit"].when == ("user",)
    assert problem(tmp_path, good.replace('when = ["user"]', 'when = ["open"]')) == (
        "ring.toml: flag 'permit': 'open' is not a word of signal 'machine_mode': ['user', 'study', 'tuning',"
        " 'maintenance', 'shutdown', 'refill']"
    )


def test_a_local_time_in_a_profile_is_refused(tmp_path: Path) -> None:
    found = problem(tmp_path, TEXT.replace("from = 2024-07-01\nmode", "from = 2024-07-01T09:00:00\nmode"))
    assert "limits[2].from" in found
    assert "offset from UTC" in found


def test_a_profile_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(ProfileError, match=r"no profile 'petra3': use one of .*nanoterasu.*, or the path of your own"):
        load_profile("petra3")
    with pytest.raises(ProfileError, match=r"petra3\.toml does not exist$"):
        load_profile("petra3.toml")


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    assert problem(tmp_path, 'id = "a"\nname = ').startswith("ring.toml is not valid TOML: Invalid value (at ")


def test_a_profile_may_stand_anywhere(tmp_path: Path) -> None:
    own = load(tmp_path, TEXT.replace('id = "nanoterasu"', 'id = "my_ring"', 1))
    assert own.id == "my_ring"
    assert load_profile(str(tmp_path / "ring.toml")) == own


def test_a_profile_cannot_be_changed() -> None:
    document: dict[str, Any] = tomllib.loads(TEXT)
    profile = Profile.model_validate(document)
    with pytest.raises(ValueError, match="frozen"):
        profile.target = 500.0  # type: ignore[misc]  # frozen: this assignment is tested
