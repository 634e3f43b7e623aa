"""Whatever a file holds: each row is a sample or rejected for a cause, or the file is refused with a message."""

import os
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from collector.files.decode import FINE
from collector.files.layout import Layout
from collector.files.opening import open_file
from collector.files.rejections import reject_rows
from collector.files.rows import Decoder
from collector.files.state import ImportState
from facility.errors import KadoError, ProfileError, ScheduleError
from facility.profile import load_profile
from facility.schedule_ics import read_calendar
from facility.time import parse_time
from generated_files import (
    CALENDAR,
    CALENDAR_CORPUS,
    LONG,
    PROFILE,
    TABLE_CORPUS,
    TABLES,
    TOML_CORPUS,
    changed,
    made_parquet,
)

RING = load_profile("nanoterasu")
SPAN = parse_time("2026-01-01T00:00:00Z"), parse_time("2027-01-01T00:00:00Z")
LAYOUTS = (
    Layout(),
    Layout("stored_current"),
    Layout("stored_current", time_zone="Europe/Berlin"),
    Layout("stored_current", assume_offset="+09:00", decimal=","),
    Layout("machine_mode", time_format="ms"),
    Layout(names=(("SR:I", "stored_current"), ("current", "stored_current_2"))),
)
FEW, MANY = 150, int(os.environ.get("KADO_FILES", "100000"))


def refused(error: KadoError, longest: int) -> bool:
    """Return that a file was not read, after a look at the message."""
    assert 0 < len(str(error)) < longest
    return False


def read_as_calendar(data: bytes, folder: Path, choice: int) -> bool:
    del folder, choice
    try:
        read_calendar(data, "x.ics", ZoneInfo("Asia/Tokyo"), SPAN[0], *SPAN)
    except ScheduleError as error:
        return refused(error, 20_000)
    return True


def read_as_profile(data: bytes, folder: Path, choice: int) -> bool:
    del choice
    path = folder / "ring.toml"
    path.write_bytes(data)
    try:
        load_profile(str(path))
    except ProfileError as error:
        return refused(error, 20_000)
    return True


def read_as_samples(data: bytes, folder: Path, choice: int) -> bool:
    path = folder / "f"
    path.write_bytes(data)
    layout = LAYOUTS[choice % len(LAYOUTS)]
    state, read = ImportState(), 0
    try:
        layout.check(RING)
        file, decoded = open_file(path, layout)
        decoder = Decoder(RING, decoded, (), file.form)
        for rows in file.blocks(0, 0):
            batch, causes = decoder.decode(rows, 0)
            rejected = reject_rows(rows, causes, "f", 0, state)
            read += len(rows) + len(rows.bad)
            assert len(batch) == int((causes == FINE).sum())
            assert len(batch) + sum(r.count for r in rejected) == len(rows) + len(rows.bad)
            assert not rejected or all(r.detail for r in rejected)
    except KadoError as error:
        return refused(error, 20_000)
    return True


Reader = Callable[[bytes, Path, int], bool]


def run(reader: Reader, make: Callable[[random.Random], bytes], folder: Path, count: int, first: int = 0) -> int:
    """Read generated files; return how many were read."""
    name = getattr(reader, "__name__", "")
    accepted = 0
    for seed in range(first, first + count):
        data = make(random.Random(zlib.crc32(name.encode()) + seed))
        try:
            accepted += reader(data, folder, seed)
        except Exception:
            (folder / f"found-{seed}").write_bytes(data)
            print(f"{name}: seed {seed}, kept as {folder / f'found-{seed}'}")
            raise
    return accepted


def changed_calendar(random_: random.Random) -> bytes:
    return changed(CALENDAR, random_)


def changed_profile(random_: random.Random) -> bytes:
    return changed(PROFILE, random_)


def changed_table(random_: random.Random) -> bytes:
    return changed(random_.choice(TABLES), random_)


def any_parquet(random_: random.Random) -> bytes:
    made = made_parquet(random_)
    return changed(made, random_) if random_.random() < 0.3 else made


KINDS = [
    pytest.param(read_as_calendar, changed_calendar, id="calendars"),
    pytest.param(read_as_profile, changed_profile, id="TOML"),
    pytest.param(read_as_samples, changed_table, id="CSV and JSON"),
    pytest.param(read_as_samples, any_parquet, id="Parquet"),
]


@pytest.mark.parametrize(("reader", "make"), KINDS)
def test_a_generated_file_is_read_or_refused_with_a_message(
    reader: Reader, make: Callable[[random.Random], bytes], tmp_path: Path
) -> None:
    accepted = run(reader, make, tmp_path, FEW)
    assert 0 < accepted < FEW


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("reader", "make"), KINDS)
def test_a_hundred_thousand_generated_files_are_read_or_refused_with_a_message(
    reader: Reader, make: Callable[[random.Random], bytes], tmp_path: Path
) -> None:
    accepted = run(reader, make, tmp_path, MANY, int(os.environ.get("KADO_SEED", "0")))
    print(f"{accepted:,} of {MANY:,} files were read, the others refused")
    assert 0 < accepted < MANY


def test_the_files_that_they_are_made_of_are_read(tmp_path: Path) -> None:
    assert read_as_calendar(CALENDAR, tmp_path, 0)
    assert read_as_profile(PROFILE, tmp_path, 0)
    assert read_as_samples(LONG, tmp_path, 0)


@pytest.mark.parametrize("data", CALENDAR_CORPUS, ids=range(len(CALENDAR_CORPUS)))
def test_a_calendar_that_once_found_a_fault_is_refused(data: bytes, tmp_path: Path) -> None:
    assert not read_as_calendar(data, tmp_path, 0)


@pytest.mark.parametrize("data", TOML_CORPUS, ids=range(len(TOML_CORPUS)))
def test_a_document_that_once_found_a_fault_is_refused(data: bytes, tmp_path: Path) -> None:
    assert not read_as_profile(data, tmp_path, 0)


@pytest.mark.parametrize("data", TABLE_CORPUS, ids=range(len(TABLE_CORPUS)))
def test_a_table_that_once_found_a_fault_is_read_or_refused(data: bytes, tmp_path: Path) -> None:
    for choice in range(len(LAYOUTS)):
        read_as_samples(data, tmp_path, choice)
