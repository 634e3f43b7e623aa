"""A last line without a line end: whole, as spreadsheets write it, or cut off, as a copy that broke off leaves it."""

from pathlib import Path

import pytest

from collector.files.csv_file import CsvFile
from collector.files.last_line import ALIKE_ROWS, NOT_WHOLE
from collector.files.layout import Layout
from collector.files.opening import open_file
from facility.errors import KadoError

ROWS = range(2 * ALIKE_ROWS)
LONG = Layout()
ONE = Layout("stored_current", time_zone="Asia/Tokyo")


def samples(path: Path, layout: Layout) -> list[tuple[object, ...]]:
    """Return what a file says, row by row as it is decoded; nothing where it is refused as a whole."""
    try:
        file, _ = open_file(path, layout)
        blocks = list(file.blocks(0, 0))
    except KadoError:
        return []
    columns = [
        [rows.time, rows.value, *(c for c in (rows.signal, rows.quality, rows.reason, rows.arrival) if c is not None)]
        for rows in blocks
    ]
    return [row for block in columns for row in zip(*(column.to_pylist() for column in block), strict=True)]


def decimals(n: int) -> str:
    return f"{200 + n / 100:.2f}"


FORMS = {
    "fixed decimals": (
        LONG, "time,signal,value\n", [f"2026-04-01T00:00:{n:02}Z,stored_current,{decimals(n)}\n" for n in ROWS]
    ),
    "any decimals": (
        LONG, "time,signal,value\n", [f"2026-04-01T00:00:{n:02}Z,stored_current,{200 + n / 8}\n" for n in ROWS]
    ),
    "whole numbers": (LONG, "time,signal,value\n", [f"2026-04-01T00:00:{n:02}Z,a,{95 + n}\n" for n in ROWS]),
    "times last": (LONG, "signal,value,time\n", [f"a,{n},2026-04-01T00:00:{n:02}.250Z\n" for n in ROWS]),
    "stamps last": (LONG, "signal,value,time\n", [f"a,{n},{1_800_000_000_000_000_000 + n}\n" for n in ROWS]),
    "signals last": (
        LONG, "time,value,signal\n",
        [f"2026-04-01T00:00:{n:02}Z,1,{('stored_current', 'stored_current_2')[n % 2]}\n" for n in ROWS],
    ),
    "states last": (
        LONG, "time,signal,value\n",
        [f"2026-04-01T00:00:{n:02}Z,machine_mode,{('user', 'user_top_up')[n % 2]}\n" for n in ROWS],
    ),
    "qualities last": (
        LONG, "time,signal,value,quality\n",
        [f"2026-04-01T00:00:{n:02}Z,a,1,{('good', 'bad')[n % 2]}\n" for n in ROWS],
    ),
    "decimal comma, UTF-16": (
        ONE, "time;value\r\n", [f"2026-04-01 00:00:{n:02};{decimals(n).replace('.', ',')}\r\n" for n in ROWS]
    ),
    "quoted": (LONG, "time,signal,value\n", [f'"2026-04-01T00:00:{n:02}Z","a","{n}"\n' for n in ROWS]),
    "EPICS Archiver Appliance CSV": (ONE, "", [f"18000000{n:02},{200 + n / 8},0,0,{n * 1_000}\n" for n in ROWS]),
    "Phoebus Data Browser": (
        ONE, "# Created by CS-Studio Data Browser\n# Channel: SR:I\n# Time\tValue\n",
        [f"2026/04/01 00:00:{n:02}.000000000\t{200 + n / 8}\n" for n in ROWS],
    ),
    "InfluxDB annotated CSV": (
        ONE, "#group,false,false,false,false\n#datatype,string,long,dateTime:RFC3339,double\n"
        "#default,_result,,,\n,result,table,_time,_value\n",
        [f",,0,2026-04-01T00:00:{n:02}Z,{200 + n / 8}\n" for n in ROWS],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_file_cut_at_any_byte_says_nothing_that_the_whole_file_does_not(tmp_path: Path, form: str) -> None:
    layout, head, rows = FORMS[form]
    encoding = "utf-16" if "UTF-16" in form else "utf-8"
    path = tmp_path / "f.csv"
    path.write_bytes((head + "".join(rows)).encode(encoding))
    whole = samples(path, layout)
    assert len(whole) == len(rows)
    content, before = path.read_bytes(), (head + "".join(rows[:-2])).encode(encoding)
    for end in range(len(before), len(content)):
        path.write_bytes(content[:end])
        said = samples(path, layout)
        # A part of a quality is none, and half a character is no digit: both are rejected when they are decoded.
        said = [row for row in said if row[-1] not in ("g", "go", "goo", "b", "ba") and "\ufffd" not in str(row[1])]
        assert said == whole[: len(said)], content[len(before) : end]
        assert len(said) >= len(rows) - 2


@pytest.mark.parametrize("form", ["fixed decimals", "times last", "stamps last", "qualities last", "quoted"])
def test_a_last_line_that_is_written_like_the_others_needs_no_line_end(tmp_path: Path, form: str) -> None:
    layout, head, rows = FORMS[form]
    path = tmp_path / "f.csv"
    path.write_text((head + "".join(rows)).removesuffix("\n"), encoding="utf-8")
    assert len(samples(path, layout)) == len(rows)


def test_a_word_that_stood_there_before_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("time,signal,value\na,mode,user\nb,mode,shutdown\nc,mode,user", encoding="utf-8")
    assert len(samples(path, LONG)) == 3


@pytest.mark.parametrize("form", ["any decimals", "whole numbers", "InfluxDB annotated CSV"])
def test_a_line_of_which_nothing_shows_that_it_is_whole_is_rejected_with_the_remedy(tmp_path: Path, form: str) -> None:
    layout, head, rows = FORMS[form]
    path = tmp_path / "f.csv"
    path.write_text((head + "".join(rows)).removesuffix("\n"), encoding="utf-8")
    file, _ = open_file(path, layout)
    assert isinstance(file, CsvFile)
    (rejected,) = [row for block in file.blocks(0, 0) for row in block.bad]
    assert (rejected.number, rejected.detail) == (len((head + "".join(rows)).splitlines()), NOT_WHOLE)
