"""A service whose source is a simulator knows its calendar, and refuses what cannot be before it starts."""

from pathlib import Path

import pytest

from command_line import Kado
from facility.errors import DefinitionError, ScenarioError
from facility.schedule import Category, resolve
from facility.time import parse_time
from kado.config import Configuration, load_configuration
from kado.journal import open_journal
from kado.service.fault_injection import prepared_sources

NOW = parse_time("2026-11-19T12:00:00+09:00")
OWN = (
    "start,end,category,published_at\n"
    "2026-11-01T00:00:00+09:00,2026-12-01T00:00:00+09:00,shutdown,2026-09-01T00:00:00+09:00\n"
)


def configured(*lines: str) -> Configuration:
    text = 'facility = "nanoterasu_sim"\n[[source]]\nid = "ring"\nkind = "simulator"\n'
    Path("kado.toml").write_text(text + "\n".join(lines) + "\n")
    return load_configuration()


def planned(configuration: Configuration, text: str) -> Category | None:
    with open_journal(configuration) as journal:
        return resolve(journal.schedule_versions()).category_at(parse_time(text))


def test_where_nothing_is_planned_the_machines_own_calendar_is_added(kado: Kado) -> None:
    configuration = configured()
    prepared_sources(configuration, lambda: NOW)
    assert planned(configuration, "2026-11-19T12:00:00+09:00") is Category.USER
    assert planned(configuration, "2026-11-16T12:00:00+09:00") is Category.MAINTENANCE


def test_a_start_in_an_earlier_year_is_planned_as_well(kado: Kado) -> None:
    configuration = configured("start = 2024-11-21T12:00:00+09:00")
    prepared_sources(configuration, lambda: NOW)
    assert planned(configuration, "2024-11-21T12:00:00+09:00") is Category.USER
    assert planned(configuration, "2026-11-19T12:00:00+09:00") is Category.USER


def test_a_calendar_of_ones_own_stays_as_it_is(kado: Kado) -> None:
    configuration = configured()
    Path("own.csv").write_text(OWN)
    assert kado("schedule", "import", "own.csv").exit_code == 0
    prepared_sources(configuration, lambda: NOW)
    with open_journal(configuration) as journal:
        assert len(journal.schedule_versions()) == 1
    assert planned(configuration, "2026-11-19T12:00:00+09:00") is Category.SHUTDOWN


def test_a_scenario_of_ones_own_lies_beside_the_configuration(
    kado: Kado, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured('scenario = "mine.toml"')
    scenario = 'id = "mine"\ntitle = { en = "Mine", ja = "自作" }\n[[fault]]\ncause = "rf"\neffect = "beam_dump"\n'
    (tmp_path / "mine.toml").write_text(scenario + "per_month = 1\nlength_s = 60\n", encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    configuration = load_configuration(tmp_path / "kado.toml")
    (source,) = prepared_sources(configuration, lambda: NOW)
    assert source.id == "ring"
    (tmp_path / "mine.toml").write_text(scenario + "per_month = 1\nlength_s = -60\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"mine\.toml: fault\[1\]\.length_s: -60 s is not a length above 0 s"):
        prepared_sources(configuration, lambda: NOW)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['scenario = "nowhere.toml"'], "nowhere.toml does not exist"),
        (['scenario = "beam_dumb"'], "no scenario 'beam_dumb': use one of"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(kado: Kado, lines: list[str], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        prepared_sources(configured(*lines), lambda: NOW)


def test_the_service_ends_with_2_and_the_reason(kado: Kado) -> None:
    configured('scenario = "beam_dumb"')
    answer = kado("run")
    assert (answer.exit_code, "no scenario 'beam_dumb'" in answer.err) == (2, True)


def test_a_source_that_is_no_simulator_is_left_alone(kado: Kado) -> None:
    assert kado("init", "--source", "mqtt").exit_code == 0
    configuration = load_configuration()
    assert prepared_sources(configuration, lambda: NOW) == configuration.sources
    assert not (configuration.data_dir / "journal.db").exists()


def test_rules_that_are_missing_are_noticed_at_the_start(kado: Kado, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = configured()
    profile = configuration.profile.model_copy(update={"definition": "ours"})
    with pytest.raises(DefinitionError):
        prepared_sources(Configuration(configuration.path, configuration.settings, profile), lambda: NOW)


def test_check_has_nothing_against_a_calendar_that_comes_with_the_service(kado: Kado) -> None:
    configured()
    answer = kado("check")
    assert answer.exit_code == 0, answer.out
    assert "'kado run' adds the simulated machine's own calendar" in answer.out
