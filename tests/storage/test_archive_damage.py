"""What happens when sealed files, in a folder or in an object store, are not what they were."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from facility.errors import ArchiveError, FormatVersionError
from facility.time import MAX_NS, NS_PER_DAY
from sealed_days import DAY, FOLDER, Archive, flip, numbers, three_days
from storage.columns import Columns
from storage.embedded.archive import swap as swapping
from storage.embedded.archive.choice import place_of
from storage.embedded.archive.encoding import Encoded
from storage.embedded.store import EmbeddedStore

ALL = (DAY, DAY + 3 * NS_PER_DAY)
MIDDLE = f"{FOLDER}/2026-02-17.r1.parquet"


def put_of(store: EmbeddedStore, archive: Archive) -> type[Any]:
    return type(place_of(store._connection, archive.data_dir))


def only_the_middle_day_is_lost(store: EmbeddedStore) -> bool:
    """Say whether the days around the middle one are read."""
    first = store.read("current", DAY, DAY + NS_PER_DAY)
    last = store.read("current", DAY + 2 * NS_PER_DAY, DAY + 3 * NS_PER_DAY)
    return (len(first), len(last)) == (1440, 1440)


def test_any_flipped_byte_is_found_and_named_and_other_days_are_read(
    sealing_store: EmbeddedStore, archive: Archive
) -> None:
    three_days(sealing_store)
    path = archive.root / MIDDLE
    size = path.stat().st_size
    for place in {*range(0, size, size // 60), 0, size - 1, size - 6, size - 20}:
        flip(path, place)
        with pytest.raises(ArchiveError, match=r"2026-02-17\.r1\.parquet is damaged: .*Nothing was deleted.*backup"):
            sealing_store.read("current", *ALL)
        assert only_the_middle_day_is_lost(sealing_store)
        flip(path, place)
    assert len(sealing_store.read("current", *ALL)) == 3 * 1440


def test_a_file_that_was_cut_is_damaged(sealing_store: EmbeddedStore, archive: Archive) -> None:
    three_days(sealing_store)
    path = archive.root / MIDDLE
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArchiveError, match=f"is damaged: it has {size - 1:,} bytes, and was sealed with {size:,}"):
        sealing_store.read("current", *ALL)
    assert only_the_middle_day_is_lost(sealing_store)


def test_a_missing_file_is_named_and_other_days_are_read(sealing_store: EmbeddedStore, archive: Archive) -> None:
    three_days(sealing_store)
    path = archive.root / MIDDLE
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(ArchiveError, match=r"2026-02-17\.r1\.parquet is missing.*bring it back from a backup"):
        sealing_store.read("current", *ALL)
    assert only_the_middle_day_is_lost(sealing_store)
    path.write_bytes(kept)
    assert len(sealing_store.read("current", *ALL)) == 3 * 1440


def test_a_file_of_a_newer_kado_is_refused_with_the_remedy(sealing_store: EmbeddedStore, archive: Archive) -> None:
    three_days(sealing_store)
    sealing_store._connection.execute("UPDATE archive_file SET format = 9 WHERE first_day = 20501")
    with pytest.raises(FormatVersionError, match=r"2026-02-17\.r1\.parquet was sealed in format 9, .*update kado"):
        sealing_store.read("current", *ALL)
    assert only_the_middle_day_is_lost(sealing_store)
    assert len(archive.names()) == 3


@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_damaged_minutes_cost_time_and_nothing_else(
    sealing_store: EmbeddedStore, archive: Archive, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    three_days(sealing_store)
    want = sealing_store.buckets("current", *ALL, 36)
    path = next((archive.root / "minutes").rglob("*.parquet"))
    if damage == "flip":
        flip(path, 300)
    else:
        path.unlink()
    got = sealing_store.buckets("current", *ALL, 36)
    assert got.mean == pytest.approx(want.mean, rel=1e-12)
    assert "its samples are read instead" in caplog.text


def test_late_data_for_a_damaged_file_is_stored_and_sealing_names_the_file(
    sealing_store: EmbeddedStore, archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    three_days(sealing_store)
    path = archive.root / MIDDLE
    flip(path, 50)
    assert sealing_store.write(numbers(DAY + NS_PER_DAY, 1)).stored == 1
    assert "late samples of current are stored, and may be counted as new" in caplog.text
    sealing_store.write(numbers(DAY + 3 * NS_PER_DAY, 10))
    with pytest.raises(ArchiveError, match=r"2026-02-17\.r1\.parquet is damaged"):
        sealing_store.seal(DAY + 4 * NS_PER_DAY)
    assert path.exists()
    flip(path, 50)
    sealing_store.seal(DAY + 4 * NS_PER_DAY)
    assert len(sealing_store.read("current", DAY, MAX_NS)) == 3 * 1440 + 10


def test_a_full_disk_while_sealing_changes_nothing(
    sealing_store: EmbeddedStore, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_days(sealing_store)
    sealing_store.write(numbers(DAY + 3 * NS_PER_DAY, 1440))
    before = archive.names()
    place = put_of(sealing_store, archive)
    put = place.put

    def full(where: Any, path: str, content: Any) -> None:
        put(where, path, memoryview(content)[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(place, "put", full)
        with pytest.raises(ArchiveError, match=r"cannot take current of 2026-02-19 to .*No space left.*seal again"):
            sealing_store.seal(DAY + 4 * NS_PER_DAY)
    assert archive.names() == before
    assert len(sealing_store.read("current", DAY, MAX_NS)) == 4 * 1440
    assert sealing_store.seal(DAY + 4 * NS_PER_DAY).samples == 1440


def test_what_is_read_back_otherwise_never_replaces_rows(
    sealing_store: EmbeddedStore, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealing_store.write(numbers(DAY, 1440))
    encode = swapping.encode

    def encode_others(columns: Columns, says: Mapping[str, str]) -> Encoded:
        altered = numbers(DAY, len(columns), offset=1e-9)
        return encode(Columns.of(next(altered.by_signal())[1]), says)

    with monkeypatch.context() as patched:
        patched.setattr(swapping, "encode", encode_others)
        with pytest.raises(ArchiveError, match="was read back otherwise than written"):
            sealing_store.seal(DAY + NS_PER_DAY)
    place = put_of(sealing_store, archive)
    put = place.put

    def put_flipped(where: Any, path: str, content: Any) -> None:
        put(where, path, content)
        flip(archive.root / path, 300)

    with monkeypatch.context() as patched:
        patched.setattr(place, "put", put_flipped)
        with pytest.raises(ArchiveError, match="is damaged"):
            sealing_store.seal(DAY + NS_PER_DAY)
    assert archive.names() == []
    assert sealing_store.read("current", DAY, MAX_NS).value.tolist() == list(range(1440))


def test_a_file_that_the_manifest_never_named_is_left_alone(archive: Archive) -> None:
    with closing(archive.open()) as store:
        three_days(store)
    stray = archive.root / FOLDER / "2026-03-01.r1.parquet"
    stray.write_bytes(b"from a restored backup")
    with closing(archive.open()) as store:
        # This day would be sealed under the same name.
        store.write(numbers(DAY + 13 * NS_PER_DAY, 10))
        store.seal(MAX_NS)
        assert np.array_equal(store.read("current", DAY + 13 * NS_PER_DAY, MAX_NS).value, np.arange(10))
    assert stray.read_bytes() == b"from a restored backup"
    assert "2026-03-01.r2.parquet" in archive.names()
