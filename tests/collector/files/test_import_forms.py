"""Files that people have: recognised, said to be what they are, and read exactly."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from collector.causes import Cause
from collector.files import csv_file
from collector.files.decode import no_causes
from collector.files.importer import import_file
from collector.files.layout import Layout
from collector.files.opening import open_file
from collector.files.preview import preview
from collector.files.summary import ImportSummary
from collector.files.time_formats import parse_time_format
from collector.files.times import TimeRules, decode_times
from facility.errors import DataError, UsageError
from facility.profile import Profile, load_profile
from facility.quality import Quality
from facility.time import MAX_NS, parse_time
from storage.embedded.store import EmbeddedStore

PROFILE = load_profile("nanoterasu")
BERLIN = PROFILE.model_copy(update={"time_zone": "Europe/Berlin"})
vars(BERLIN).pop("zone", None)  # Worked out once, for the zone it had.
NOW_NS = parse_time("2027-01-01T00:00:00Z")
ONE = Layout("stored_current")
"""All rows are stored current."""

Sample = tuple[str, float, Quality, str | None]
GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD


def write(folder: Path, content: str | bytes, name: str = "f.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def run(path: Path, layout: Layout = ONE, profile: Profile = PROFILE) -> ImportSummary:
    return import_file(path, layout, profile, path.parent / "data", "embedded", clock=lambda: NOW_NS)


def stored(folder: Path, signal: str = "stored_current") -> list[tuple[int, float, int, str | None]]:
    store = EmbeddedStore(folder / "data", PROFILE.id)
    try:
        samples = store.read(signal, -MAX_NS, MAX_NS)
        codes = [-1] * len(samples.time_ns) if samples.reason is None else samples.reason.tolist()
        reasons = [None if code < 0 else samples.words[code] for code in codes]
        return list(
            zip(samples.time_ns.tolist(), samples.value.tolist(), samples.quality.tolist(), reasons, strict=True)
        )
    finally:
        store.close()


def check(folder: Path, summary: ImportSummary, form: str, expected: Sequence[Sample]) -> None:
    assert summary.form == form
    found = stored(folder)
    assert [row[0] for row in found] == [parse_time(time) for time, *_ in expected]
    assert [str(row[1]) for row in found] == [str(value) for _, value, *_ in expected]
    assert [row[2:] for row in found] == [(int(quality), reason) for *_, quality, reason in expected]


ARCHIVER = (
    "1775001600,200.1,0,0,123456789\n1775001601,200.2,2,3,5\n1775001602,0.0,3,17,0\n\n"  # As SinglePVCSVResponse does.
)
ALARMS: list[Sample] = [
    ("2026-04-01T00:00:00.123456789Z", 200.1, GOOD, None),
    ("2026-04-01T00:00:01.000000005Z", 200.2, UNCERTAIN, "MAJOR HIHI"),
    ("2026-04-01T00:00:02Z", 0.0, BAD, "INVALID UDF"),
]


def test_csv_of_the_archiver_appliance(tmp_path: Path) -> None:
    check(tmp_path, run(write(tmp_path, ARCHIVER)), "EPICS Archiver Appliance CSV", ALARMS)


def test_csv_of_the_archiver_appliance_names_no_signal(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="CSV of an EPICS Archiver Appliance, which names no signal: say --signal"):
        run(write(tmp_path, ARCHIVER), Layout())


def archiver_json(name: str = "SR:CURRENT", **meta: str) -> str:
    data = [
        {"secs": 1775001600, "val": 200.1, "nanos": 123456789, "severity": 0, "status": 0},
        {"secs": 1775001601, "val": 200.2, "nanos": 5, "severity": 2, "status": 3, "fields": {"cnxlostepsecs": "1"}},
        {"secs": 1775001602, "val": 0.0, "nanos": 0, "severity": 3, "status": 17},
    ]
    rows = ",\n".join(json.dumps(row) for row in data)
    meta_text = json.dumps({"name": name, "PREC": "3", **meta})
    return f'[ \n{{ "meta": {meta_text},\n"data": [ \n{rows}\n] }}\n ]\n'


def test_json_of_the_archiver_appliance(tmp_path: Path) -> None:
    summary = run(write(tmp_path, archiver_json(), "f.json"))
    check(tmp_path, summary, "EPICS Archiver Appliance JSON", ALARMS)
    assert summary.row_word == "sample"


def test_json_on_one_line_and_compressed(tmp_path: Path) -> None:
    text = json.dumps(json.loads(archiver_json()))
    check(tmp_path, run(write(tmp_path, gzip.compress(text.encode()))), "EPICS Archiver Appliance JSON", ALARMS)


def test_json_in_another_unit_is_refused(tmp_path: Path) -> None:
    assert run(write(tmp_path, archiver_json(EGU="mA"), "f.json")).notes == ()
    with pytest.raises(UsageError, match="is in 'A', but signal stored_current is in 'mA': kado converts nothing"):
        run(write(tmp_path, archiver_json(EGU="A"), "f.json"))


def test_json_of_several_variables_needs_their_names(tmp_path: Path) -> None:
    second = json.loads(archiver_json("SR:OTHER"))
    path = write(tmp_path, json.dumps(json.loads(archiver_json()) + second), "f.json")
    summary = run(path)  # --signal is the first of them.
    assert (summary.stored, summary.rejected_rows) == (3, 3)
    assert summary.rejected[0].text == "signal 'SR:OTHER': a signal that the facility does not have"
    names = (("SR:CURRENT", "stored_current"), ("SR:OTHER", "stored_current_2"))
    assert run(path, Layout(names=names)).stored == 6
    assert len(stored(tmp_path, "stored_current_2")) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"time": 1}', "is JSON of a kind that kado does not read"),
        (archiver_json()[:-60], "it is not JSON of an archiver after sample 3"),
        (archiver_json().replace("200.2", "[" * 5000), "it is not JSON of an archiver after sample"),
        (archiver_json().replace("200.2", '"' + "x" * 3_000_000), "it is not JSON of an archiver after sample"),
    ],
)
def test_json_that_is_not_an_archivers_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises((UsageError, DataError), match=message):
        run(write(tmp_path, text, "f.json"))


BROWSER = """# Created by CS-Studio Data Browser
#\x20
# Start Time : 2026-04-01 09:00:00.000
# End Time   : 2026-04-01 10:00:00.000
# Source     : Raw Archived Data
# Format     : Default
#\x20
# Data is in TAB-delimited columns, for import into e.g. Excel.

# Channel: SR:CURRENT
# Archives:
# 1) main
#    URL: pbraw://archiver/retrieval
#\x20
# Time\tValue\tSeverity\tStatus
2026-04-01 09:00:00.123\t200.1\tNONE\tNO_ALARM
2026-04-01 09:00:01.005\t200.2\tMAJOR\tHIHI
2026-04-01 09:00:02.000\t#N/A\t#N/A\t#N/A
2026-04-01 09:00:03.000\t0.5\tINVALID\tUDF

# Channel: SR:OTHER
#\x20
# Time\tValue\tSeverity\tStatus
2026-04-01 09:00:00.123\t1.5\tNONE\tNO_ALARM
"""
BROWSER_SAMPLES: list[Sample] = [
    ("2026-04-01T00:00:00.123Z", 200.1, GOOD, None),
    ("2026-04-01T00:00:01.005Z", 200.2, UNCERTAIN, "MAJOR HIHI"),
    ("2026-04-01T00:00:03Z", 0.5, BAD, "INVALID UDF"),
]


def test_an_export_of_the_data_browser_with_several_channels(tmp_path: Path) -> None:
    names = (("SR:CURRENT", "stored_current"), ("SR:OTHER", "stored_current_2"))
    summary = run(write(tmp_path, BROWSER), Layout(time_zone="Asia/Tokyo", names=names))
    check(tmp_path, summary, "Phoebus Data Browser export", BROWSER_SAMPLES)
    assert len(stored(tmp_path, "stored_current_2")) == 1
    assert [(r.cause, r.first) for r in summary.rejected] == [(Cause.MISSING_VALUE, (18,))]


def test_a_table_of_the_data_browser(tmp_path: Path) -> None:
    head = BROWSER[: BROWSER.index("# Channel")]
    table = "# Channel: A\n#\n# Channel: B\n#\n\n# Time\tA Value\tB Value\n2026-04-01 09:00:00.123\t#N/A\t200.1\n"
    path = write(tmp_path, head + table)
    with pytest.raises(UsageError, match=r"table of 2 channels \(A, B\): name one with --value-column"):
        run(path, Layout("stored_current", assume_offset="+09:00"))
    summary = run(path, Layout("stored_current", value_column="B", assume_offset="+09:00"))
    check(tmp_path, summary, "Phoebus Data Browser export", BROWSER_SAMPLES[:1])


def test_times_without_an_offset_say_which_options_there_are(tmp_path: Path) -> None:
    summary = run(write(tmp_path, BROWSER))
    assert summary.stored == 0
    assert "--time-zone Asia/Tokyo" in (summary.advice or "")


PLAIN_SAMPLES: list[Sample] = [
    ("2026-04-01T00:00:00Z", 200.1, GOOD, None),
    ("2026-04-01T00:00:01.5Z", 200.25, GOOD, None),
]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('"Time","Stored current"\n1775001600000,200.1\n1775001601500,200.25\n\n', "times: milliseconds since 1970"),
        ('sep=,\r\n"Time","Stored current"\r\n1775001600000,200.1 mA\r\n1775001601500,200.25 mA\r\n', "times: milli"),
        ('\ufeff"Time","x"\n2026-04-01 09:00:00,200.1 mA\n2026-04-01 09:00:01.500,200.25 mA\n', "Grafana CSV export"),
    ],
)
def test_an_export_of_grafana(tmp_path: Path, text: str, form: str) -> None:
    summary = run(write(tmp_path, text), Layout("stored_current", time_zone="Asia/Tokyo"))
    assert form in summary.form
    check(tmp_path, summary, summary.form, PLAIN_SAMPLES)


ANNOTATED = """#group,false,false,true,true,false,false,true,true,true\r
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string\r
#default,_result,,,,,,,,\r
,result,table,_start,_stop,_time,_value,_field,_measurement,monitor\r
,,0,2026-03-31T00:00:00Z,2026-04-02T00:00:00Z,2026-04-01T00:00:00Z,200.1,current,beam,dcct1\r
,,0,2026-03-31T00:00:00Z,2026-04-02T00:00:00Z,2026-04-01T00:00:01.5Z,200.25,current,beam,dcct1\r
\r
#group,false,false,true,true,false,false,true,true,true\r
#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string\r
#default,_result,,,,,,,,\r
,result,table,_start,_stop,_value,_time,_field,_measurement,monitor\r
,,1,2026-03-31T00:00:00Z,2026-04-02T00:00:00Z,7.5,2026-04-01T00:00:00Z,current,beam,"dcct2, spare"\r
\r
"""


def test_annotated_csv_of_influxdb(tmp_path: Path) -> None:
    names = (
        ("beam current monitor=dcct1", "stored_current"),
        ("beam current monitor=dcct2, spare", "stored_current_2"),
    )
    summary = run(write(tmp_path, ANNOTATED), Layout(names=names))
    check(tmp_path, summary, "InfluxDB annotated CSV", PLAIN_SAMPLES)
    assert [row[1] for row in stored(tmp_path, "stored_current_2")] == [7.5]
    assert summary.rejected == ()


def test_annotated_csv_whose_fields_are_columns(tmp_path: Path) -> None:
    text = ",result,table,_time,current\n,,0,2026-04-01T00:00:00Z,200.1\n,,0,2026-04-01T00:00:01.5Z,200.25\n"
    with pytest.raises(UsageError, match=r"has no column '_value'.*--value-column"):
        run(write(tmp_path, text))
    summary = run(write(tmp_path, text), Layout("stored_current", value_column="current"))
    check(tmp_path, summary, "InfluxDB annotated CSV", PLAIN_SAMPLES)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (["1775001600", "1775001601.5"], "seconds since 1970"),
        (["1775001600000", "1775001601500"], "milliseconds since 1970"),
        (["1775001600000000", "1775001601500000"], "microseconds since 1970"),
        (["46113.375", "46113.3750173611"], "Excel dates"),
        (["2026/4/1 9:00", "2026/4/1 9:00:01.5"], "%Y/%m/%d %H:%M:%S"),
        (["2026/04/01 09:00:00", "2026/04/01 09:00:01.500"], "%Y/%m/%d %H:%M:%S"),
        (["2026年4月1日 9:00:00", "2026年4月1日 9:00:01.5"], "%Y年%m月%d日 %H:%M:%S"),
        (["01.04.2026 09:00", "01.04.2026 09:00:01,5"], "%d.%m.%Y %H:%M:%S"),
    ],
)
def test_times_as_people_write_them(tmp_path: Path, times: list[str], words: str) -> None:
    rows = "".join(f'"{time}",{value}\n' for time, value in zip(times, ["200.1", "200.25"], strict=True))
    summary = run(write(tmp_path, f"Date,Current (mA)\n{rows}"), Layout("stored_current", assume_offset="+09:00"))
    check(tmp_path, summary, f"CSV, times: {words}", PLAIN_SAMPLES)
    assert summary.notes == ()


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (["03/31/2026 23:59:59", "04/01/2026 00:00:00"], "%m/%d/%Y %H:%M:%S"),
        (["31/03/2026 23:59:59", "01/04/2026 00:00:00"], "%d/%m/%Y %H:%M:%S"),
        (["3/31/2026 11:59:59 PM", "4/1/2026 12:00:00 AM"], "%m/%d/%Y %I:%M:%S %p"),
    ],
)
def test_day_and_month_are_told_apart_where_the_times_show_it(tmp_path: Path, times: list[str], words: str) -> None:
    rows = "".join(f"{time},1\n" for time in times)
    summary = run(write(tmp_path, f"time,value\n{rows}"), Layout("stored_current", assume_offset="Z"))
    assert summary.form == f"CSV, times: {words}"
    assert [row[0] for row in stored(tmp_path)] == [
        parse_time("2026-03-31T23:59:59Z"),
        parse_time("2026-04-01T00:00:00Z"),
    ]


def test_day_and_month_that_could_be_either_have_to_be_said(tmp_path: Path) -> None:
    path = write(tmp_path, "time,value\n04/05/2026 09:00:00,1\n04/05/2026 09:00:01,2\n")
    with pytest.raises(UsageError, match="day and month could be either: say which with --time-format '%d/%m/%Y"):
        run(path, Layout("stored_current", assume_offset="Z"))
    layout = Layout("stored_current", assume_offset="Z", time_format="%m/%d/%Y %H:%M:%S")
    run(path, layout)
    assert stored(tmp_path)[0][0] == parse_time("2026-04-05T09:00:00Z")


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("Zeit;Wert\n01.04.2026 09:00:00;200,1\n01.04.2026 09:00:01,5;200,25\n", "separated by ';', decimal comma"),
        ("Zeit\tWert\n2026-04-01 09:00:00\t200.1\n2026-04-01 09:00:01.5\t200.25\n", "tab-separated"),
        ("# of the shift\nZeit|Wert\n2026-04-01 09:00:00|200.1\n2026-04-01 09:00:01.5|200.25\n", "separated by '|'"),
        ("Zeit;Wert\n2026-04-01 09:00:00;200,1 mA\n2026-04-01 09:00:01.5;200,25 mA\n", "decimal comma"),
    ],
)
def test_other_separators_and_decimal_commas(tmp_path: Path, content: str, form: str) -> None:
    summary = run(write(tmp_path, content), Layout("stored_current", "Zeit", "Wert", assume_offset="+09:00"))
    assert form in summary.form
    check(tmp_path, summary, summary.form, PLAIN_SAMPLES)


@pytest.mark.parametrize("encoding", ["cp932", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
def test_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    text = "日時,蓄積電流,状態\r\n2026/04/01 09:00:00,200.1,利用運転\r\n2026/04/01 09:00:01.5,200.25,利用運転\r\n"
    path = write(tmp_path, text.encode(encoding))
    summary = run(path, Layout("stored_current", "日時", "蓄積電流", assume_offset="+09:00"))
    check(tmp_path, summary, summary.form, PLAIN_SAMPLES)
    assert ("cp932" in summary.form) == (encoding == "cp932")
    assert summary.rejected == ()


def test_western_text_is_not_taken_for_japanese(tmp_path: Path) -> None:
    text = "Zeit;Stromstärke (mA)\n01.04.2026 09:00:00;200,1\n01.04.2026 09:00:01,5;200,25\n"
    layout = Layout("stored_current", "Zeit", "Stromstärke (mA)", assume_offset="+09:00")
    summary = run(write(tmp_path, text.encode("cp1252")), layout)
    check(tmp_path, summary, summary.form, PLAIN_SAMPLES)
    assert "cp1252" in summary.form
    assert summary.notes == ("it is not UTF-8; read as cp1252 (--encoding names another)",)


def test_words_of_quality_of_epics_and_tango(tmp_path: Path) -> None:
    words = ["NO_ALARM", "MINOR", "INVALID", "ATTR_VALID", "ATTR_ALARM", "ATTR_INVALID", "good", "bad", ""]
    rows = "".join(f"2026-04-01T00:00:0{i}Z,{i},{word}\n" for i, word in enumerate(words))
    run(write(tmp_path, f"time,value,severity\n{rows}"))
    assert [(quality, reason) for _, _, quality, reason in stored(tmp_path)] == [
        (0, None),
        (1, "MINOR"),
        (2, "INVALID"),
        (0, None),
        (1, "ATTR_ALARM"),
        (2, "ATTR_INVALID"),
        (0, None),
        (2, None),
        (0, None),
    ]


def test_options_are_stronger_than_what_is_found(tmp_path: Path) -> None:
    text = "time,value\n1775001600,200.1\n"
    summary = run(write(tmp_path, text), Layout("stored_current", time_format="ms"))
    assert stored(tmp_path)[0][0] == parse_time("1970-01-21T13:03:21.6Z")
    assert summary.form == "CSV, times: milliseconds since 1970"
    found = open_file(
        write(tmp_path, "time;value\n1;2\n"),
        Layout("stored_current", delimiter="semicolon", decimal=",", encoding="cp932"),
    )[0].form
    assert (found.delimiter, found.decimal, found.encoding) == (";", ",", "cp932")


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        (Layout("stored_current", encoding="klingon"), "--encoding 'klingon' is not an encoding"),
        (Layout("stored_current", encoding="hex"), "--encoding 'hex' is not an encoding"),
        (Layout("stored_current", delimiter="::"), "--delimiter '::' is not one character"),
        (Layout("stored_current", decimal="'"), "is neither '.' nor ','"),
        (Layout("stored_current", time_format="days"), "--time-format 'days' is not a time format"),
        (Layout("stored_current", time_format="%Q"), "has %Q, which kado does not read"),
        (Layout("stored_current", time_format="%H:%M"), "lacks the year"),
        (Layout("stored_current", time_format="%Y%Y-%m-%d %H"), "has a part twice"),
    ],
)
def test_options_that_cannot_be_right_are_refused(tmp_path: Path, layout: Layout, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run(write(tmp_path, "time,value\n2026-04-01T00:00:00Z,1\n"), layout)


# --- Units.


def test_a_value_without_a_unit_is_said_to_be_taken_in_the_signals(tmp_path: Path) -> None:
    body = "2026-04-01T00:00:00Z,{}\n"
    says = "the values state no unit: taken as mA, the unit of stored_current (--unit mA says so)"
    assert run(write(tmp_path, "time,value\n" + body.format("1"))).notes == (says,)
    assert run(write(tmp_path, "time,value\n" + body.format("1")), Layout("stored_current", unit="mA")).notes == ()
    assert run(write(tmp_path, "time,I [mA]\n" + body.format("1"))).notes == ()
    assert run(write(tmp_path, "time,beam_mA\n" + body.format("1"))).notes == ()
    assert run(write(tmp_path, "time,value\n" + body.format("1 mA"))).notes == ()
    with pytest.raises(UsageError, match=r"the column 'I \(A\)' is in 'A', but signal stored_current is in 'mA'"):
        run(write(tmp_path, "time,I (A)\n" + body.format("1")))


def test_a_value_in_another_unit_is_rejected_with_its_text(tmp_path: Path) -> None:
    rows = ["200 mA", "0.2 A", "1.2 K", "200mA", " 7 mA "]
    text = "time,value\n" + "".join(f"2026-04-01T00:00:0{i}Z,{cell}\n" for i, cell in enumerate(rows))
    summary = run(write(tmp_path, text))
    assert [row[1] for row in stored(tmp_path)] == [200.0, 200.0, 7.0]
    assert [(r.cause, r.first, r.text) for r in summary.rejected] == [
        (Cause.WRONG_TYPE, (3, 4), "value '0.2 A': a value of another type than the signal's")
    ]


def test_a_point_in_a_column_of_decimal_commas_is_not_guessed_at(tmp_path: Path) -> None:
    text = "time;value\n2026-04-01T00:00:00Z;1,5\n2026-04-01T00:00:01Z;1.234,5\n2026-04-01T00:00:02Z;1.234\n"
    summary = run(write(tmp_path, text), Layout("stored_current", decimal=","))
    assert [row[1] for row in stored(tmp_path)] == [1.5]
    assert [(r.cause, r.first) for r in summary.rejected] == [(Cause.WRONG_TYPE, (3, 4))]


# --- Clocks that are put back.

NIGHT = ["01:59:00", "02:00:00", "02:30:00", "02:59:00", "02:00:00", "02:30:00", "02:59:00", "03:00:00"]
NIGHT_TEXT = "time,value\n" + "".join(f"2026-10-25 {time},{i}\n" for i, time in enumerate(NIGHT))
TIMES = ("24T23:59", "25T00:00", "25T00:30", "25T00:59", "25T01:00", "25T01:30", "25T01:59", "25T02:00")
IN_UTC = [parse_time(f"2026-10-{t}:00Z") for t in TIMES]


def test_local_times_that_go_back_with_the_clocks_are_refused_with_the_line(tmp_path: Path) -> None:
    path = write(tmp_path, NIGHT_TEXT)
    with pytest.raises(UsageError, match=r"f\.csv, line 6: the local times go back from 2026-10-25 02:59"):
        run(path, Layout("stored_current", assume_offset="+02:00"), BERLIN)


def test_with_a_zone_the_order_tells_the_two_hours_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in (csv_file.BLOCK_BYTES, 30):  # Also from block to block.
        monkeypatch.setattr(csv_file, "BLOCK_BYTES", block)
        folder = tmp_path / str(block)
        folder.mkdir()
        summary = run(write(folder, NIGHT_TEXT), Layout("stored_current", time_zone="Europe/Berlin"), BERLIN)
        assert [row[0] for row in stored(folder)] == IN_UTC
        assert summary.rejected == ()


def test_a_time_that_does_not_happen_and_one_that_is_not_in_order_are_rejected(tmp_path: Path) -> None:
    text = "time,value\n2026-03-29 02:30:00,1\n2026-10-25 04:00:00,2\n2026-10-25 02:30:00,3\n"
    summary = run(write(tmp_path, text), Layout("stored_current", time_zone="Europe/Berlin"), BERLIN)
    assert [row[1] for row in stored(tmp_path)] == [2.0]
    assert {(r.cause, r.first) for r in summary.rejected} == {(Cause.BAD_TIME, (2,)), (Cause.AMBIGUOUS_TIME, (4,))}


def test_where_clocks_are_never_put_back_times_may_go_back(tmp_path: Path) -> None:
    assert run(write(tmp_path, NIGHT_TEXT), Layout("stored_current", assume_offset="+09:00")).stored == 8


# --- A look before.


def test_a_preview_shows_the_first_rows_as_they_are_understood_and_stores_nothing(tmp_path: Path) -> None:
    text = "Zeit;Wert\n01.04.2026 09:00:00;200,1\n01.04.2026 09:00;x\nkaputt\n" + "01.04.2026 09:01;1,5\n" * 50
    found = preview(write(tmp_path, text), Layout("stored_current", "Zeit", "Wert", assume_offset="+09:00"), PROFILE)
    assert found.form == "CSV, separated by ';', decimal comma, times: %d.%m.%Y %H:%M:%S"
    assert found.columns == {"time": "Zeit", "value": "Wert"}
    assert [row.number for row in found.rows] == list(range(2, 12))
    assert (found.rows[0].time_ns, found.rows[0].signal, found.rows[0].value, found.rows[0].quality) == (
        parse_time("2026-04-01T00:00:00Z"),
        "stored_current",
        "200.1",
        GOOD,
    )
    assert found.rows[1].rejected == "value 'x': a value of another type than the signal's"
    assert found.rows[2].rejected == "it has 1 columns, the header 2"
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("pattern", ["%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%y%m%d %H%M%S"])
@pytest.mark.parametrize("fraction", ["", ".5", ",123456789"])
def test_padded_times_are_read_at_once_as_they_are_one_by_one(pattern: str, fraction: str) -> None:
    texts = [datetime(2026, 10, day, 9, day, 7, tzinfo=UTC).strftime(pattern) + fraction for day in range(1, 29)]
    read: list[list[int]] = []
    for column in (pa.array(texts), pa.array([*texts, "x"])):  # One that cannot be read makes it go one by one.
        rules, causes = TimeRules(parse_time_format(pattern), "+09:00"), no_causes(len(column))
        read.append(decode_times(column, rules, causes).tolist()[: len(texts)])
        assert causes[: len(texts)].tolist() == [-1] * len(texts)
    assert read[0] == read[1]
    assert read[0][0] == parse_time(f"2026-10-01T09:01:07{fraction}+09:00")
