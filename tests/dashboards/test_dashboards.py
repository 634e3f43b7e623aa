"""Every dashboard keeps its form, in both languages and for every shipped facility."""

import json
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any, get_args

import promql_parser
import pytest
from grafana_foundation_sdk.cog.plugins import register_default_plugins

from dashboards.export import DASHBOARDS, dashboard_files, write_dashboards
from dashboards.frame import NO_INTERVAL
from dashboards.generate import FOLDER, generated_files
from dashboards.layout import COLUMNS, row
from dashboards.look import Look
from dashboards.panels import Words, stat_panel
from dashboards.promql import prom_query
from dashboards.sdk import JSONEncoder, dashboard
from facility.profile import Profile, load_profile, shipped_profiles
from facility.text import Language

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
LANGUAGES: tuple[Language, ...] = get_args(Language)
EACH: list[tuple[str, Language]] = [(name, language) for name in DASHBOARDS for language in LANGUAGES]


@cache
def files_of(facility: str, language: Language) -> dict[str, str]:
    return dashboard_files(load_profile(facility), language)


def load(name: str, language: Language, facility: str = "nanoterasu") -> dict[str, Any]:
    return json.loads(files_of(facility, language)[f"{name}.json"])


def panels_of(name: str, language: Language) -> list[dict[str, Any]]:
    return load(name, language)["panels"]


@pytest.mark.parametrize(("name", "language"), EACH)
def test_the_committed_json_is_what_the_code_makes(name: str, language: Language) -> None:
    # After a change: python -m dashboards.generate
    path = Path(language, f"{name}.json")
    assert (FOLDER / path).read_text() == files_of("nanoterasu", language)[path.name], (
        "run: python -m dashboards.generate"
    )


def test_no_other_json_lies_beside_the_generated_files() -> None:
    wanted = generated_files()
    assert set(FOLDER.rglob("*.json")) == {path for path in wanted if path.suffix == ".json"}


@pytest.mark.parametrize(("name", "language"), EACH)
def test_the_sdk_reads_a_dashboard_back_without_losing_anything(name: str, language: Language) -> None:
    register_default_plugins()
    document = load(name, language)
    again = json.loads(json.dumps(dashboard.Dashboard.from_json(document), cls=JSONEncoder))
    for panel in again["panels"]:
        panel["options"].pop("footer", None)
    for variable in again["templating"]["list"]:
        for key in NO_INTERVAL:
            del variable[key]
    assert again == document


@pytest.mark.parametrize(("name", "language"), EACH)
def test_panels_fill_the_grid_without_overlap_or_hole(name: str, language: Language) -> None:
    cells: dict[tuple[int, int], str] = {}
    for panel in panels_of(name, language):
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in cells, f"{panel['title']} covers {cells[x, y]}"
                cells[x, y] = panel["title"]
    height = 1 + max(y for _, y in cells)
    assert set(cells) == {(x, y) for x in range(COLUMNS) for y in range(height)}


@pytest.mark.parametrize(("name", "language"), EACH)
def test_every_panel_says_what_it_answers_in_which_unit_and_what_no_data_is(name: str, language: Language) -> None:
    for panel in panels_of(name, language):
        assert panel["title"]
        assert len(panel["description"]) >= 10, panel["title"]
        if panel["type"] == "text":
            continue
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"], panel["title"]
        assert defaults["decimals"] is not None, panel["title"]
        assert defaults["noValue"], panel["title"]
        steps = defaults["thresholds"]["steps"]
        assert steps[0]["value"] is None, panel["title"]
        edges = [step["value"] for step in steps[1:]]
        assert edges == sorted(set(edges)), panel["title"]


def test_a_number_of_a_panel_is_its_own() -> None:
    for name, language in EACH:
        ids = [panel["id"] for panel in panels_of(name, language)]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_two_languages_ask_the_same_questions(name: str) -> None:
    def shape(language: Language) -> list[tuple[str, dict[str, int], list[str]]]:
        return [
            (p["type"], p["gridPos"], [t["refId"] for t in p.get("targets", [])]) for p in panels_of(name, language)
        ]

    assert shape("en") == shape("ja")


@pytest.mark.parametrize("name", DASHBOARDS)
def test_an_english_dashboard_has_no_japanese_but_the_mark_of_simulation_and_names(name: str) -> None:
    text = files_of("nanoterasu", "en")[f"{name}.json"].replace("SIMULATED / 模擬データ", "")
    assert JAPANESE.findall(text) == []


@pytest.mark.parametrize(("name", "language"), EACH)
def test_descriptions_and_titles_are_in_the_language_asked_for(name: str, language: Language) -> None:
    for panel in panels_of(name, language):
        assert bool(JAPANESE.search(panel["description"])) == (language == "ja"), panel["title"]


@pytest.mark.parametrize(("name", "language"), EACH)
def test_a_dashboard_can_be_imported_by_hand_into_any_grafana(name: str, language: Language) -> None:
    document = load(name, language)
    assert "__inputs" not in document
    assert "__requires" not in document
    assert document.get("id") is None
    chosen = {v["name"] for v in document["templating"]["list"] if v["type"] == "datasource"}
    text = json.dumps([document["panels"], document["annotations"], document["templating"]])
    named = set(re.findall(r'"uid": "([^"]+)"', text))
    assert named <= {f"${{{source}}}" for source in chosen}


def test_uids_differ_and_fit_into_grafana() -> None:
    uids = [load(name, language)["uid"] for name, language in EACH]
    assert len(set(uids)) == len(uids)
    assert max(len(uid) for uid in uids) <= 40


@pytest.mark.parametrize(("name", "language"), EACH)
def test_every_promql_expression_parses(name: str, language: Language) -> None:
    for panel in panels_of(name, language):
        for target in panel.get("targets", []):
            if "expr" in target:
                promql_parser.parse(target["expr"].replace("$__rate_interval", "1m").replace("$facility", "x"))


@pytest.mark.parametrize("facility", shipped_profiles())
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_facility_has_dashboards_with_its_own_labels(facility: str, language: Language) -> None:
    profile = load_profile(facility)
    files = dashboard_files(profile, language)
    assert set(files) == {f"{name}.json" for name in DASHBOARDS}
    label = profile.delivery.label
    assert (label.in_language(language) if label else profile.delivery_signal) in files["operators.json"]
    document = json.loads(files["operators.json"])
    (chosen,) = [v["current"]["value"] for v in document["templating"]["list"] if v["name"] == "facility"]
    assert chosen == facility


def test_a_facility_without_promise_target_and_milestones_has_dashboards_too(tmp_path: Path) -> None:
    profile = load_profile("nanoterasu")
    plain = Profile.model_validate(
        profile.model_dump(by_alias=True)
        | {"target": None, "target_availability_pct": None, "milestone": [], "ports": []}
    )
    paths = write_dashboards(tmp_path / "out", plain, "en")
    assert [json.loads(path.read_text())["title"] for path in paths] != []


def test_a_row_that_does_not_fill_the_grid_is_refused() -> None:
    from dashboards.layout import place

    panel = stat_panel(Words("a", "b"), Look("none", 0, "none", ((None, "blue"),)), prom_query("up"))
    with pytest.raises(ValueError, match="row 1 is 23 columns wide: make it 24"):
        place([row(4, (panel, 23))])


def test_every_dashboard_has_a_page_with_its_pictures_that_is_up_to_date() -> None:
    # After a change: python docs/dashboards/write_pages.py
    folder = Path(__file__).parents[2] / "docs" / "dashboards"
    writer = runpy.run_path(str(folder / "write_pages.py"))
    for name, text in writer["pages"]().items():
        assert (folder / name).read_text() == text
    for name in DASHBOARDS:
        for language in LANGUAGES:
            assert (folder / f"{name}-{language}.png").read_bytes().startswith(b"\x89PNG")
