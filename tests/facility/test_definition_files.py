"""Accounting definitions: shipped ones, and own ones beside ``kado.toml``."""

from pathlib import Path

import pytest

from facility.definition import Definition, EndLimit, Mtbf, load_definition, own_definitions, shipped_definitions
from facility.errors import DefinitionError

OWN = """
id = "ours"
title = { en = "Ours", ja = "当施設" }
references = ["internal note 12"]
merge_gap_s = 900.0
"""


def write(folder: Path, text: str = OWN, name: str = "ours") -> Path:
    (folder / "definitions").mkdir(exist_ok=True)
    path = folder / "definitions" / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", shipped_definitions())
def test_every_shipped_definition_is_right_and_cites_its_source(name: str) -> None:
    definition = load_definition(name)
    assert definition.id == name
    assert definition.references
    assert definition.title.en
    assert definition.title.ja


def test_what_the_two_first_definitions_say() -> None:
    nanoterasu, sls = load_definition("nanoterasu"), load_definition("sls")
    assert (nanoterasu.no_beam_ends_at, nanoterasu.merge_gap_s, nanoterasu.mtbf) == (
        EndLimit.RECOVERED,
        0.0,
        Mtbf.USER_TIME_PER_FAILURE,
    )
    assert (sls.no_beam_ends_at, sls.merge_gap_s, sls.mtbf) == (
        EndLimit.NOMINAL,
        3600.0,
        Mtbf.USER_TIME_PER_FAILURES_PLUS_ONE,
    )
    assert nanoterasu.min_duration_ns == sls.min_duration_ns == 3 * 10**9
    assert sls.merge_gap_ns == 3600 * 10**9


def test_an_own_definition_stands_beside_the_configuration(tmp_path: Path) -> None:
    assert own_definitions(tmp_path) == ()
    write(tmp_path)
    assert own_definitions(tmp_path) == ("ours",)
    assert load_definition("ours", tmp_path).merge_gap_s == 900.0
    assert load_definition("sls", tmp_path) == load_definition("sls")


def test_an_own_definition_comes_before_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, OWN.replace('"ours"', '"sls"'), "sls")
    assert load_definition("sls", tmp_path).merge_gap_s == 900.0


def test_a_definition_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(DefinitionError) as error:
        load_definition("esfr", tmp_path)
    known = ", ".join(sorted({*shipped_definitions(), "ours"}))
    assert str(error.value) == f"no definition 'esfr': use one of {known}, or add definitions/esfr.toml"


@pytest.mark.parametrize("name", ["../ours", "definitions/ours", "ours.toml", ""])
def test_a_definition_is_named_and_not_a_path(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    with pytest.raises(DefinitionError, match="no definition"):
        load_definition(name, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            OWN.replace('"ours"', '"theirs"'),
            "the definition in ours.toml calls itself 'theirs': make them the same",
        ),
        (OWN.replace("merge_gap_s", "merge_gap"), "{path}: unknown key 'merge_gap'; did you mean 'merge_gap_s'?"),
        (OWN.replace("900.0", "-1.0"), "{path}: merge_gap_s = -1.0: it must be at least 0"),
        (OWN.replace("900.0", "inf"), "{path}: merge_gap_s = inf: give a finite number"),
        (OWN.replace('["internal note 12"]', "[]"), None),
        (
            OWN + 'no_beam_ends_at = "tolerance"\n',
            "{path}: no_beam_ends_at = 'tolerance': use one of 'nominal', 'recovered', 'minimum'",
        ),
        (OWN.replace('{ en = "Ours", ja = "当施設" }', '{ en = "Ours" }'), "{path}: 'title.ja' is missing"),
    ],
)
def test_a_definition_that_contradicts_itself_is_refused(tmp_path: Path, text: str, message: str | None) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DefinitionError) as error:
        load_definition("ours", tmp_path)
    if message is not None:
        assert str(error.value) == message.format(path=path)


def test_a_definition_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_definition("sls").merge_gap_s = 0.0  # type: ignore[misc]  # frozen: this assignment is tested
    assert Definition.model_config.get("extra") == "forbid"
