"""TOML into strict models: what is wrong, where, and what it should be."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from facility.documents import build, parse_toml, read_toml
from facility.errors import ConfigError, DataError, SlugError
from facility.slug import DefinitionId, Slug, check_slug
from facility.text import SIMULATED, Text


class Mqtt(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    kind: Literal["mqtt"]
    url: str
    keepalive_s: float = 60.0


class Epics(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    kind: Literal["epics"]
    pvs: list[str]


class House(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    id: Slug = "house"
    definition: DefinitionId = "sls"
    sources: list[Annotated[Mqtt | Epics, Field(discriminator="kind")]] = Field(default_factory=list, alias="source")
    shares: dict[str, int] = Field(default_factory=dict)
    level: int = 0

    @field_validator("level")
    @classmethod
    def _level(cls, level: int) -> int:
        if level > 9:
            raise DataError(f"level {level} is above 9")
        return level


MQTT = {"kind": "mqtt", "url": "mqtt://localhost"}


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        ({"levle": 1}, ["house.toml: unknown key 'levle'; did you mean 'level'?"]),
        (
            {"zzz": 1},
            ["house.toml: unknown key 'zzz'; known here: definition, id, level, shares, source"],
        ),
        (
            {"source": [MQTT, MQTT | {"keepalive": 5.0}]},
            ["house.toml: unknown key 'source[2].keepalive'; did you mean 'keepalive_s'?"],
        ),
        ({"source": [{"kind": "mqtt"}]}, ["house.toml: 'source[1].url' is missing"]),
        ({"source": [{"url": "x"}]}, ["house.toml: 'source[1].kind' is missing"]),
        (
            {"source": [{"kind": "mqt"}]},
            ["house.toml: source[1].kind = 'mqt' is not one of mqtt, epics; did you mean 'mqtt'?"],
        ),
        ({"source": [{"kind": "tango"}]}, ["house.toml: source[1].kind = 'tango' is not one of mqtt, epics"]),
        ({"level": "3"}, ["house.toml: level = '3': give a whole number, without quotes"]),
        ({"level": True}, ["house.toml: level = True: give a whole number, without quotes"]),
        (
            {"id": "Ring 1"},
            [
                "house.toml: id: name 'Ring 1' is not a slug: use a lower-case letter, then lower-case letters, digits"
                " and '_'"
            ],
        ),
        (
            {"definition": "SLS"},
            [
                "house.toml: definition: definition id 'SLS': use a lower-case letter, then lower-case letters, digits,"
                " '_', '-'"
            ],
        ),
        ({"shares": {"a": 1, "b": "x"}}, ["house.toml: shares.b = 'x': give a whole number, without quotes"]),
        (
            {"level": "x", "levle": 1},
            [
                "house.toml: level = 'x': give a whole number, without quotes",
                "house.toml: unknown key 'levle'; did you mean 'level'?",
            ],
        ),
        ({"level": 10}, ["house.toml: level 10 is above 9"]),
    ],
)
def test_each_mistake_has_its_line(document: dict[str, object], lines: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        build(House, document, "house.toml", ConfigError)
    assert str(error.value).splitlines() == lines


def test_what_is_right_becomes_a_model() -> None:
    house = build(House, {"source": [MQTT], "level": 3}, "house.toml", ConfigError)
    assert (house.sources[0].kind, house.level) == ("mqtt", 3)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"house\.toml does not exist$"):
        read_toml(tmp_path / "house.toml", ConfigError)
    with pytest.raises(ConfigError, match=r"cannot be read: .*Is a directory"):
        read_toml(tmp_path, ConfigError)
    path = tmp_path / "house.toml"
    path.write_bytes("名前 = 1".encode("shift_jis"))
    with pytest.raises(ConfigError, match=r"line 1 is not UTF-8"):
        read_toml(path, ConfigError)
    path.write_text("level = 1\nlevel = 2\n")
    with pytest.raises(ConfigError, match="is not valid TOML: Cannot overwrite a value"):
        read_toml(path, ConfigError)


@pytest.mark.parametrize("name", ["a", "stored_current_2", "x9_"])
def test_a_slug_is_kept_as_it_is(name: str) -> None:
    assert check_slug(name) == name


@pytest.mark.parametrize("name", ["", "A", "9a", "_a", "a-b", "a b", "é", "a\n"])
def test_what_is_no_slug_is_refused(name: str) -> None:
    with pytest.raises(SlugError) as error:
        check_slug(name, "facility")
    assert str(error.value) == (
        f"facility {name!r} is not a slug: use a lower-case letter, then lower-case letters, digits and '_'"
    )


def test_words_are_given_in_both_languages() -> None:
    assert (SIMULATED.in_language("en"), SIMULATED.in_language("ja")) == ("SIMULATED", "模擬データ")
    assert Text(en="beam", ja="ビーム").in_language("ja") == "ビーム"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * 2000 + "]" * 2000, "is not valid TOML|deep in each other"),
        ("x = " + "[" * 60 + "]" * 60, "tables and arrays lie more than 40 deep in each other"),
        ("x = " + "9" * 5000, "is not valid TOML: Exceeds the limit"),
        (".".join("a" * 500) + " = 1", "line 1 has a key of more than 40 parts"),
        (
            "\n\nx = { " + ".".join(["'a b'", '"c"'] * 30) + " = 1 }",
            "deep in each other|line 3 has a key of more than 40 parts",
        ),
        ("x = '" + "y" * 20_000 + "'", "line 1 has 20,006 characters, more than 10,000"),
        ("# " + "x" * 100 + "\n" * (1 << 20), "is larger than the 1,048,576 bytes that are read"),
    ],
)
def test_a_document_larger_or_deeper_than_any_of_ours_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "house.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_toml(path, ConfigError)


def test_a_document_in_another_encoding_says_where(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_bytes('id = "a"\nname = "蓄積"\n'.encode("cp932"))
    with pytest.raises(ConfigError, match=r"house\.toml: line 2 is not UTF-8 \(byte 0x92\): save it as UTF-8"):
        read_toml(path, ConfigError)


def test_a_value_that_is_long_is_cut_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        build(House, {"level": "x" * 9000}, "house.toml", ConfigError)
    assert len(str(error.value)) < 400


def test_a_table_that_stands_there_twice_is_named_with_what_to_do() -> None:
    text = "a = 1\n[schedule]\nb = 1\n[schedule]\nc = 1\n"
    with pytest.raises(ConfigError, match=r"the table \[schedule\] of line 4 stands there already: put its keys into"):
        parse_toml(text, "kado.toml", ConfigError)
