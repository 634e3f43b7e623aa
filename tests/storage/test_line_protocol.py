"""What goes over the wire to InfluxDB, line by line."""

import struct
import subprocess
import sys

import numpy as np
import pytest

from facility.batch import Batch
from facility.errors import DataError, SlugError
from storage.influxdb.line_protocol import decode, encode

HEAD = "telemetry,facility=ring,signal=stored_current "


def lines(batch: Batch) -> list[str]:
    text = encode(batch).decode()
    assert text.endswith("\n")
    return text.removesuffix("\n").split("\n")


def test_an_infinite_number_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="stored_current at 7 ns is infinite"):
        encode(Batch.of_numbers("ring", "stored_current", [6, 7], [1.0, np.inf]))


@pytest.mark.parametrize("word", ["user\nstudy", "user\r", ""])
def test_a_word_that_could_not_be_read_back_is_refused(word: str) -> None:
    with pytest.raises(DataError, match=r"line break|is empty"):
        encode(Batch.of_states("ring", "machine_mode", [1], [word]))


def test_a_name_that_would_need_escaping_is_refused() -> None:
    with pytest.raises(SlugError, match="stored current"):
        encode(Batch.of_numbers("ring", "stored current", [1], [1.0]))


def test_an_empty_batch_is_no_line() -> None:
    assert encode(Batch.of_numbers("ring", "stored_current", [], [])) == b""


def test_a_number_has_value_and_quality_only() -> None:
    assert lines(Batch.of_numbers("ring", "stored_current", [1_795_431_600_123_456_789], [200.1])) == [
        HEAD + 'value=200.1,quality="good" 1795431600123456789'
    ]


def test_nan_is_never_written() -> None:
    batch = Batch.of_numbers("ring", "stored_current", [1, 2], [np.nan, 5.0], quality=[2, 0])
    assert lines(batch) == [HEAD + 'quality="bad" 1', HEAD + 'value=5,quality="good" 2']
    assert lines(batch.take(np.array([0]))) == [HEAD + 'quality="bad" 1']


def test_a_state_is_a_string_with_quotes_and_backslashes_escaped() -> None:
    batch = Batch.of_states("ring", "machine_mode", [1, 2, 3], ["user", 'a "b"', "c\\"])
    assert [line.split(" ", 1)[1] for line in lines(batch)] == [
        'state="user",quality="good" 1',
        'state="a \\"b\\"",quality="good" 2',
        'state="c\\\\",quality="good" 3',
    ]


def mixed_batch() -> Batch:
    return Batch.build(
        "ring",
        ["machine_mode", "stored_current"],
        signal=[1, 0, 1, 1],
        time_ns=[10_000_000_000, 9, 8_000_000_000, -7],
        arrival_ns=[10_000_000_000, 9, 5_999_999_999, 1_999_999_993],
        value=[1.5, np.nan, 2.5, np.nan],
        state=[-1, 0, -1, -1],
        quality=[0, 0, 1, 2],
        reason=[-1, -1, 1, -1],
        words=("user", "clock"),
    )


def test_everything_at_once_stays_in_the_order_of_the_batch() -> None:
    assert lines(mixed_batch()) == [
        HEAD + 'value=1.5,quality="good" 10000000000',
        'telemetry,facility=ring,signal=machine_mode state="user",quality="good" 9',
        HEAD + 'value=2.5,quality="uncertain",reason="clock",arrival=5999999999i 8000000000',
        HEAD + 'quality="bad" -7',
    ]


def test_every_float_reads_back_as_itself() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 2**64, 20_000, dtype=np.uint64).view(np.float64)
    special = [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e22, 1e-7, 123456789012345678.0]
    values = np.concatenate([values[np.isfinite(values)], special])
    written = lines(Batch.of_numbers("ring", "stored_current", np.arange(len(values)), values))
    read = [float(line.removeprefix(HEAD + "value=").split(",")[0]) for line in written]
    assert struct.pack(f"{len(read)}d", *read) == values.tobytes()


def test_what_was_written_reads_back_as_the_same_batch() -> None:
    quotes = Batch.of_states("ring", "machine_mode", [1, 2], ['a "b"', "c\\"])
    batch = Batch.concat([mixed_batch(), quotes])
    again = decode(encode(batch))
    assert encode(again) == encode(batch)
    assert again.words == ("user", 'a "b"', "c\\", "clock")
    assert again.arrival_ns.tolist() == [10_000_000_000, 9, 5_999_999_999, -7, 1, 2]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"telemetry,facility=ring,signal=a value=1 1\n",
        b'telemetry,facility=ring,signal=a value=1,quality="good" 1',
        b'telemetry,facility=ring,signal=a value=1,quality="good" 1\ncpu,host=a value=1 1\n',
    ],
)
def test_lines_of_another_writer_are_not_taken_for_ours(text: bytes) -> None:
    with pytest.raises(DataError, match="as kado writes them"):
        decode(text)


def test_lines_of_two_facilities_are_not_one_batch() -> None:
    parts = [encode(Batch.of_numbers(name, "stored_current", [1], [1.0])) for name in ("ring", "linac")]
    with pytest.raises(DataError, match=r"linac.*ring"):
        decode(b"".join(parts))


def test_whatever_encoding_needs_is_imported_before_the_first_transaction() -> None:
    code = (
        "import sys\n"
        "from storage.landing_table import landing_table\n"
        "landing_table('influxdb').prepare()\n"
        "before = set(sys.modules)\n"
        "from facility.batch import Batch\n"
        "from storage.influxdb.line_protocol import encode\n"
        "encode(Batch.of_numbers('ring', 'a', [10**18], [0.1]))\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "[]\n"
