"""One line maps one signal, or the same thing at many ports; a file holds further lines; nothing is mapped twice."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from collector.sources import mapping
from collector.sources.epics_ca.spec import EpicsCaSource, PvMapping
from facility.errors import ConfigError


def source(*mappings: dict[str, object], file: Path | None = None) -> EpicsCaSource:
    table: dict[str, object] = {"id": "ring", "kind": "epics_ca", "signal": list(mappings)}
    if file is not None:
        table["mapping_file"] = str(file)
    return EpicsCaSource.model_validate(table)


def test_one_line_maps_the_28_ports() -> None:
    ports = source({"pv": "BL{port}:MBS", "signal": "shutter_{port}", "ports": ["01..28"]}).channels_mapped
    assert len(ports) == 28
    assert (ports[0].pv, ports[0].signal) == ("BL01:MBS", "shutter_01")
    assert (ports[27].pv, ports[27].signal) == ("BL28:MBS", "shutter_28")


def test_ports_may_be_names_and_stand_in_capitals() -> None:
    mapped = source({"pv": "BL{PORT}:MBS", "signal": "mbs_{port}", "ports": ["02u", "06u..06u", "13u"]})
    with pytest.raises(ConfigError, match=r"mbs_06u\.\.06u"):
        _ = mapped.signals
    mapped = source({"pv": "BL{PORT}:MBS", "signal": "mbs_{port}", "ports": ["02u", "13u"]})
    assert [(m.pv, m.signal) for m in mapped.channels_mapped] == [("BL02U:MBS", "mbs_02u"), ("BL13U:MBS", "mbs_13u")]


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        ({"pv": "A", "signal": "Bad Name"}, "not a slug"),
        ({"pv": "A{port}", "signal": "a_{port}"}, "no ports"),
        ({"pv": "A", "signal": "a_{port}", "ports": ["1"]}, "in pv"),
        ({"pv": "A{port}", "signal": "a", "ports": ["1"]}, "in signal"),
        ({"pv": "A{port}", "signal": "a_{port}", "ports": ["5..2"]}, "must go up"),
        ({"pv": "A{port}", "signal": "a_{port}", "ports": ["1", "1"]}, "named twice"),
        ({"pv": "A", "signal": "a", "scale": 0.0}, "scale = 0"),
        ({"pv": "A", "signal": "a", "factor": 2.0}, "factor"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(mapping: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        source(mapping)


def test_a_range_of_more_ports_than_the_limit_is_refused() -> None:
    line: dict[str, object] = {"pv": "A{port}", "signal": "a_{port}"}
    assert len(source({**line, "ports": ["00001..10000"]}).channels_mapped) == 10_000
    for ports in ("00001..10001", f"1..{10**18}"):
        with pytest.raises(ValidationError, match=f"{re.escape(ports)}.*at most 10000 ports"):
            source({**line, "ports": [ports]})


def test_a_signal_or_a_channel_that_is_mapped_twice_is_named() -> None:
    twice = source({"pv": "A", "signal": "a"}, {"pv": "B", "signal": "a"}, {"pv": "B", "signal": "b"})
    with pytest.raises(ConfigError) as caught:
        _ = twice.signals
    assert "signal 'a' is mapped twice" in str(caught.value)
    assert "channel 'B' is mapped twice" in str(caught.value)


def test_a_source_without_any_mapping_is_refused() -> None:
    with pytest.raises(ConfigError, match="no signal is mapped"):
        _ = source().signals


def test_mappings_come_from_a_csv_file_too(tmp_path: Path) -> None:
    file = tmp_path / "pvs.csv"
    file.write_text(
        "pv,signal,scale,words,ports\n"
        "DCCT,stored_current,1000,,\n"
        "BL{port}:MBS,shutter_{port},,OPENED=open; SHUT=closed,01..03;05\n",
        encoding="utf-8",
    )
    mapped = source({"pv": "MODE", "signal": "machine_mode"}, file=file).channels_mapped
    assert [m.signal for m in mapped] == [
        "machine_mode", "stored_current", "shutter_01", "shutter_02", "shutter_03", "shutter_05"
    ]  # fmt: skip
    assert mapped[1] == PvMapping(pv="DCCT", signal="stored_current", scale=1000.0)
    assert mapped[2].words == {"OPENED": "open", "SHUT": "closed"}


def test_every_line_of_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    file = tmp_path / "pvs.csv"
    file.write_text("pv,signal,scale\nA,a,much\n,b,\nC,c,1\nD,d,1,2\nE,e{port},\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        _ = source(file=file).signals
    text = str(caught.value)
    assert str(file) in text
    assert [line.split(":")[0].strip() for line in text.splitlines()[1:]] == ["line 2", "line 3", "line 5", "line 6"]


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "MAX_CHARACTERS", 20)
    (tmp_path / "pvs.csv").write_text("pv,signal\n" + "A,a\n" * 10, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"pvs\.csv is larger than the 20 characters that are read"):
        _ = source(file=tmp_path / "pvs.csv").signals


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.csv cannot be read"):
        _ = source(file=tmp_path / "nowhere.csv").signals
