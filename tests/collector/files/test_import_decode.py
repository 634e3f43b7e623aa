"""Columns into numbers: exactly, and with a cause for every value that is none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.causes import Cause
from collector.files.csv_file import CsvFile
from collector.files.decode import CAUSES, FINE, decode_numbers, decode_quality, no_causes
from collector.files.layout import Layout
from collector.files.rows import Decoder
from collector.files.times import TimeRules, decode_times
from facility.profile import load_profile
from facility.quality import Quality
from facility.time import MAX_NS, format_time, parse_time

PROFILE = load_profile("nanoterasu")


def time_of(text: str, assume_offset: str | None = None) -> int | Cause:
    causes = no_causes(1)
    (stamp,) = decode_times(pa.array([text]), TimeRules(assume_offset=assume_offset), causes).tolist()
    return stamp if causes[0] == FINE else CAUSES[causes[0]]


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-11-23T03:00:00.123456789Z", "2026-11-23T03:00:00.123456789Z"),
        ("2026-11-23 12:00:00.5+09:00", "2026-11-23T03:00:00.5Z"),
        ("2026-11-23T12:00:00+0900", "2026-11-23T03:00:00Z"),
        ("2026-11-23T03:00:00z", "2026-11-23T03:00:00Z"),
        ("2026-11-23T03:00:00,25Z", "2026-11-23T03:00:00.25Z"),
        (" 2026-11-23T03:00:00Z ", "2026-11-23T03:00:00Z"),
        ("2026-11-23T03Z", "2026-11-23T03:00:00Z"),
        ("1795402800123456789", "2026-11-23T03:00:00.123456789Z"),
        (str(MAX_NS), "2262-04-11T23:47:16.854775807Z"),
    ],
)
def test_a_time_keeps_all_its_digits(text: str, same_as: str) -> None:
    assert time_of(text) == parse_time(same_as)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("2026-11-23T03:00:00", Cause.NAIVE_TIME),
        ("2026-11-23 03:00", Cause.NAIVE_TIME),
        ("2026-11-23", Cause.NAIVE_TIME),
        ("", Cause.MISSING_TIME),
        ("   ", Cause.MISSING_TIME),
        ("yesterday", Cause.BAD_TIME),
        ("2026-02-30T00:00:00Z", Cause.BAD_TIME),
        ("2026-11-23T03:00:00.1234567891Z", Cause.BAD_TIME),
        ("23.11.2026 03:00", Cause.BAD_TIME),
        ("1795402800.5", Cause.BAD_TIME),
        ("1677-01-01T00:00:00Z", Cause.TIME_OUT_OF_RANGE),
        ("2300-01-01T00:00:00Z", Cause.TIME_OUT_OF_RANGE),
        ("99999999999999999999", Cause.TIME_OUT_OF_RANGE),
        ("9" * 5000, Cause.TIME_OUT_OF_RANGE),
        # As nanoseconds these would all be in January 1970.
        ("1795402800", Cause.BAD_TIME),
        ("1795402800123", Cause.BAD_TIME),
        ("1795402800123456", Cause.BAD_TIME),
        ("20261123", Cause.BAD_TIME),
        ("20261123030000", Cause.BAD_TIME),
        ("-5", Cause.BAD_TIME),
    ],
)
def test_a_time_that_is_none_gets_its_cause(text: str, cause: Cause) -> None:
    assert time_of(text) is cause


def test_an_offset_is_assumed_only_where_there_is_none_and_only_when_asked() -> None:
    assert time_of("2026-11-23T12:00:00", "+09:00") == parse_time("2026-11-23T03:00:00Z")
    assert time_of("2026-11-23T12:00:00Z", "+09:00") == parse_time("2026-11-23T12:00:00Z")
    assert time_of("2026-11-23T12:00:00", "Z") == parse_time("2026-11-23T12:00:00Z")


@given(st.integers(10**17, MAX_NS))
def test_every_time_that_kado_writes_is_read_back(stamp: int) -> None:
    assert time_of(format_time(stamp)) == stamp
    assert time_of(str(stamp)) == stamp


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_unit_are_read(unit: Any) -> None:
    moment = 1_795_402_800 * 10 ** {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]
    for zone in ("UTC", "Asia/Tokyo"):  # The zone of a timestamp is for display: it counts from 1970 in UTC.
        causes = no_causes(2)
        stamps = decode_times(pa.array([moment, None], pa.timestamp(unit, zone)), TimeRules(), causes)
        assert stamps[0] == parse_time("2026-11-23T03:00:00Z")
        assert causes.tolist() == [FINE, CAUSES.index(Cause.MISSING_TIME)]


def test_a_timestamp_without_zone_is_in_the_offset_that_was_stated() -> None:
    causes = no_causes(1)
    stamps = decode_times(pa.array([1_795_435_200], pa.timestamp("s")), TimeRules(assume_offset="+09:00"), causes)
    assert stamps.tolist() == [parse_time("2026-11-23T03:00:00Z")]
    assert causes.tolist() == [FINE]


def test_a_timestamp_beyond_nanoseconds_is_out_of_range_and_does_not_wrap_around() -> None:
    causes = no_causes(3)
    decode_times(pa.array([2**62, -(2**63), 1_795_402_800], pa.timestamp("s", "UTC")), TimeRules(), causes)
    assert [CAUSES[c] if c != FINE else None for c in causes] == [Cause.TIME_OUT_OF_RANGE] * 2 + [None]


@pytest.mark.parametrize(
    ("text", "quality", "expected"),
    [
        ("200.25", Quality.GOOD, 200.25),
        (" 1e3", Quality.GOOD, 1000.0),
        ("-0.5", Quality.UNCERTAIN, -0.5),
        ("1,5", Quality.GOOD, Cause.WRONG_TYPE),
        ("true", Quality.GOOD, Cause.WRONG_TYPE),
        ("0x10", Quality.GOOD, Cause.WRONG_TYPE),
        ("200 mA", Quality.BAD, Cause.WRONG_TYPE),
        ("nan", Quality.GOOD, Cause.NOT_FINITE),
        ("nan", Quality.BAD, np.nan),
        ("inf", Quality.BAD, Cause.NOT_FINITE),
        ("1e999", Quality.GOOD, Cause.NOT_FINITE),
        (None, Quality.GOOD, Cause.MISSING_VALUE),
        (None, Quality.BAD, np.nan),
    ],
)
def test_a_number_is_read_exactly_or_not_at_all(text: str | None, quality: Quality, expected: float | Cause) -> None:
    causes = no_causes(1)
    (value,) = decode_numbers(pa.array([text], pa.string()), np.array([quality], np.uint8), causes)
    if isinstance(expected, Cause):
        assert CAUSES[causes[0]] is expected
    else:
        assert causes[0] == FINE
        np.testing.assert_equal(value, expected)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["{!r}", "{:.17e}", "{:.25f}", "{:+g}"]))
def test_a_number_among_bad_ones_is_the_same_number(number: float, form: str) -> None:
    text = form.format(number)
    quality = np.zeros(2, np.uint8)
    alone = decode_numbers(pa.array([text]), quality[:1], no_causes(1))
    among = decode_numbers(pa.array([text, "x"]), quality, no_causes(2))
    assert repr(alone[0]) == repr(among[0]) == repr(np.float64(text))


def test_an_integer_that_float64_cannot_hold_is_not_rounded() -> None:
    causes = no_causes(2)
    values = decode_numbers(pa.array([2**53 + 1, 2**53]), np.zeros(2, np.uint8), causes)
    assert CAUSES[causes[0]] is Cause.WRONG_TYPE
    assert (causes[1], values[1]) == (FINE, 2.0**53)


def test_a_quality_left_empty_is_good() -> None:
    causes = no_causes(5)
    quality = decode_quality(pa.array(["bad", None, "", " uncertain", "GOOD"]), causes)
    assert quality.tolist()[:4] == [Quality.BAD, Quality.GOOD, Quality.GOOD, Quality.UNCERTAIN]
    assert [CAUSES[c] if c != FINE else None for c in causes] == [None] * 4 + [Cause.UNKNOWN_QUALITY]


# --- Whole rows.


def read(folder: Path, lines: list[str], layout: Layout = Layout()) -> dict[int, object]:  # noqa: B008 - a frozen default
    """Read lines as a CSV file; return for each line number its sample or its cause."""
    path = folder / "rows.csv"
    path.write_bytes("\n".join(["time,signal,value,quality", *lines]).encode() + b"\n")
    decoder = Decoder(PROFILE, layout)
    found: dict[int, object] = {}
    for rows in CsvFile(path, layout).blocks(0, 0):
        batch, causes = decoder.decode(rows, arrival_ns=0)
        fine = causes == FINE
        for k, number in enumerate(rows.number[fine].tolist()):
            state = batch.words[batch.state[k]] if batch.state[k] >= 0 else None
            sample = (batch.signals[batch.signal[k]], int(batch.time_ns[k]), repr(float(batch.value[k])), state)
            found[number] = (*sample, int(batch.quality[k]))
        for code, number in zip(causes[~fine].tolist(), rows.number[~fine].tolist(), strict=True):
            found[number] = CAUSES[code]
        for bad in rows.bad:
            found[bad.number] = Cause.BAD_ROW
    return found


def test_numbers_and_states_may_be_mixed_in_one_file(tmp_path: Path) -> None:
    lines = [
        "2025-01-01T00:00:00Z,stored_current,200.1,",
        "2025-01-01T00:00:00Z,machine_mode,user,",
        "2025-01-01T00:00:01Z,machine_mode,200.1,good",
        "2025-01-01T00:00:01Z,stored_current,user,good",
        "2025-01-01T00:00:02Z,machine_mode,,bad",
        "2025-01-01T00:00:02Z,machine_mode,,",
        "2025-01-01T00:00:02Z,beam,1,",
        "2025-01-01T00:00:02Z,,1,",
    ]
    second = 1_735_689_600 * 10**9
    assert read(tmp_path, lines) == {
        2: ("stored_current", second, "200.1", None, 0),
        3: ("machine_mode", second, "nan", "user", 0),
        4: Cause.UNKNOWN_STATE,
        5: Cause.WRONG_TYPE,
        6: ("machine_mode", second + 2 * 10**9, "nan", None, 2),
        7: Cause.MISSING_VALUE,
        8: Cause.UNKNOWN_SIGNAL,
        9: Cause.UNKNOWN_SIGNAL,
    }


TIMES = [
    "2025-01-01T00:00:00Z", "2025-01-01T09:00:00.000000001+09:00", "2025-01-01 00:00z", "2025-01-01T00Z",
    "1735689600000000000", "1735689600", "2025-01-01T00:00:00", "2025-01-01", "", " ", "x", "2300-01-01T00:00:00Z",
    " 2025-01-01T00:00:00Z", "0x18160cbc4bd0000f",
]  # fmt: skip
SIGNALS = ["stored_current", "stored_current", " machine_mode", "machine_mode", "beam", ""]
VALUES = [
    "200.5", " 1", "", " ", "user", "shutdown ", "nan", "-inf", "x", "1e400", '"2"', '"2"x', "true", "+1", "1.", ".5",
    "-.5E-3", "1e", ".", "-", "infinity", "NaN(0)", "1_0", "0x1p3", "1f", "0.1", "123456789.123456789e-5", "\uff11",
]  # fmt: skip
QUALITIES = ["", "good", "bad", " uncertain", "GOOD"]
LINES = [
    "", "  ", "\r", ",,,", "1,2,3", "1,2,3,4,5", '"', "a\rb", "\x00",
    '2025-01-01T00:00:00Z,stored_current,"1',
    '2025-01-01T00:00:00Z,"stored_current","1","good"',
    '2025-01-01T00:00:00Z,stored_current,1"2,good',
    "2025-01-01T00:00:00Z,stored_current,1,good\r",
]  # fmt: skip

row_texts = st.one_of(
    st.tuples(*(st.sampled_from(pool) for pool in (TIMES, SIGNALS, VALUES, QUALITIES))).map(",".join),
    st.sampled_from(LINES),
    st.just("2025-01-01T00:00:00Z,stored_current,200.1,good"),
)


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(row_texts, min_size=1, max_size=12), assume=st.sampled_from([None, "+09:00"]))
def test_what_becomes_of_a_row_does_not_depend_on_its_neighbours(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], assume: str | None
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    layout = Layout(assume_offset=assume)
    alone = [read(folder, [line], layout).get(2) for line in lines]
    together = read(folder, lines, layout)
    assert [together.get(number) for number in range(2, len(lines) + 2)] == alone, json.dumps(lines)
