"""Where sealed files lie: chosen, away, refused, shared, moved; and how little of an object is asked for."""

import shutil
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from counting_proxy import CountingProxy
from facility.batch import Samples
from facility.errors import ArchiveAwayError, ArchiveError, ConfigError
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S
from sealed_days import DAY, FOLDER, Archive, numbers, three_days
from servers import ObjectBucket, ObjectStore
from storage.embedded.archive import objects
from storage.embedded.archive.choice import MARK
from storage.embedded.store import EmbeddedStore

MIDDLE = (DAY + NS_PER_DAY, DAY + 2 * NS_PER_DAY)


def opened(data_dir: Path, address: str | Path, *, read_only: bool = False) -> EmbeddedStore:
    return EmbeddedStore(data_dir, "ring", read_only=read_only, archive=str(address))


def own(object_store: ObjectStore, tmp_path: Path) -> Archive:
    """Return an archive in a server that may be stopped."""
    bucket = object_store.create_bucket()
    return Archive(tmp_path / "data", bucket.uri("ring"), bucket.folder / "ring")


# --- Several readers.


def test_a_reader_goes_on_while_days_are_sealed_and_merged(sealing_store: EmbeddedStore, archive: Archive) -> None:
    code = (
        "import sys; from pathlib import Path; from storage.embedded.store import EmbeddedStore\n"
        "store = EmbeddedStore(Path(sys.argv[1]), 'ring'); start, n = int(sys.argv[2]), int(sys.argv[3])\n"
        "want = list(range(n)); rounds = 0\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    assert store.read('current', start, 2**62).value.tolist() == want\n"
        "    assert sum(len(p) for p in store.read_chunks('current', start, 2**62)) == n\n"
        "    assert [s.samples for s in store.series()] == [n]\n"
        "    assert store.last(['current'])['current'].value == n - 1\n"
        "    assert store.buckets('current', start, start + 10 * 86400 * 10**9, 240).count.sum() == n\n"
        "    rounds += 1\n"
        "    print(rounds, flush=True)\n"
    )
    n = 10 * 288
    batch = numbers(DAY, n, 300.0)
    sealing_store.write(batch)
    arguments = [sys.executable, "-c", code, str(archive.data_dir), str(DAY), str(n)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stderr is not None
        assert reader.stdout.readline() == "ready\n"
        lines: list[str] = []
        drain = threading.Thread(target=lambda: lines.extend(reader.stdout or ()))
        drain.start()
        rounds = 0
        # Until the reader has read everything a few times, however slow the machine is.
        while rounds < 4 or (len(lines) <= 3 and reader.poll() is None):
            for day in range(1, 11):
                sealing_store.seal(DAY + day * NS_PER_DAY)
            sealing_store.merge_months(DAY + 40 * NS_PER_DAY)
            sealing_store.write(batch)
            rounds += 1
        alive = reader.poll() is None
        reader.kill()
        drain.join()
        assert alive, reader.stderr.read()
    assert len(lines) > 3


class Vanishing:
    """An object store from which an object is removed between being looked up and being read."""

    def __init__(self, filesystem: Any, file: Path) -> None:
        self._filesystem = filesystem
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._filesystem, name)

    def open_input_file(self, path: str) -> Any:
        opened = self._filesystem.open_input_file(path)
        self._file.unlink(missing_ok=True)
        return opened


def test_an_object_that_is_replaced_while_it_is_read_is_missing_and_the_store_not_away(
    object_bucket: ObjectBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(opened(tmp_path, object_bucket.uri("ring"))) as store:
        three_days(store)
        place: Any = store._swap().place
        file = object_bucket.folder / "ring" / FOLDER / "2026-02-17.r1.parquet"
        monkeypatch.setattr(place, "_filesystem", Vanishing(place._filesystem, file))
        with pytest.raises(ArchiveError, match="is missing"):
            store.read("current", *MIDDLE)
        assert len(store.read("current", DAY, DAY + NS_PER_DAY)) == 1440


# --- A store that does not answer.


def test_while_the_object_store_is_away_rows_are_read_and_sealed_later(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = own(object_store, tmp_path)
    with closing(archive.open()) as store:
        three_days(store)
        store.write(numbers(DAY + 3 * NS_PER_DAY, 1440))
        object_store.stop()
        assert len(store.read("current", DAY + 3 * NS_PER_DAY, MAX_NS)) == 1440
        assert [s.samples for s in store.series()] == [4 * 1440]
        with pytest.raises(ArchiveAwayError, match=r"2026-02-17\.r1\.parquet cannot be read .*not sealed yet can be"):
            store.read("current", *MIDDLE)
        with pytest.raises(ArchiveError, match=r"s3://test-.*/ring.* cannot be read .*see that the store answers"):
            store.seal(DAY + 4 * NS_PER_DAY)
        assert len(store.read("current", DAY + 3 * NS_PER_DAY, MAX_NS)) == 1440
        monkeypatch.setattr(objects, "_REST_S", 0.0)
        objects_ = store._swap().place
        objects_._rests_until = 0.0  # pyright: ignore[reportAttributeAccessIssue]  # a private name of object stores
        object_store.start()
        assert store.seal(DAY + 4 * NS_PER_DAY).rows_deleted == 1440
        assert len(store.read("current", DAY, MAX_NS)) == 4 * 1440


def test_a_store_that_does_not_answer_is_not_asked_again_and_again(object_store: ObjectStore, tmp_path: Path) -> None:
    archive = own(object_store, tmp_path)
    with closing(archive.open()) as store:
        three_days(store)
        place = store._swap().place
        object_store.stop()
        with pytest.raises(ArchiveAwayError, match="AWS Error NETWORK_CONNECTION"):
            store.read("current", *MIDDLE)
        object_store.start()
        before = len(object_store.requests(archive.root.parent.name))
        with pytest.raises(ArchiveAwayError, match="AWS Error NETWORK_CONNECTION"):
            store.read("current", *MIDDLE)
        assert len(object_store.requests(archive.root.parent.name)) == before
        place._rests_until = 0.0  # pyright: ignore[reportAttributeAccessIssue]  # a private name of object stores
        assert len(store.read("current", *MIDDLE)) == 1440


def test_a_store_that_hangs_is_given_up(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_ANSWER_S", 1.0)
    archive = own(object_store, tmp_path)
    with closing(archive.open()) as store:
        three_days(store)
        object_store.freeze()
        try:
            with pytest.raises(ArchiveAwayError, match="cannot be read"):
                store.read("current", *MIDDLE)
        finally:
            object_store.thaw()


def test_late_data_is_taken_while_the_object_store_is_away(
    object_store: ObjectStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    archive = own(object_store, tmp_path)
    with closing(archive.open()) as store:
        three_days(store)
        object_store.stop()
        assert store.write(numbers(DAY + NS_PER_DAY + 1, 5)).stored == 5
        assert "are stored, and may be counted as new" in caplog.text


def test_what_could_not_be_removed_is_removed_when_the_store_is_back(
    object_store: ObjectStore, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = own(object_store, tmp_path)
    with closing(archive.open()) as store:
        three_days(store)

    def no_removal(*_: object) -> None:
        raise OSError("AWS Error ACCESS_DENIED during DeleteObject operation")

    with closing(archive.open()) as store:
        with monkeypatch.context() as patched:
            patched.setattr(objects.Objects, "remove", no_removal)
            store.merge_months(DAY + 40 * NS_PER_DAY)
        assert "6 files below s3://" in caplog.text
        assert "are left over, and removed later: AWS Error ACCESS_DENIED" in caplog.text
        assert len(archive.names()) == 4
        assert len(store.read("current", DAY, MAX_NS)) == 3 * 1440
    with closing(archive.open()) as store:
        assert archive.names() == ["2026-02-16_2026-02-18.r2.parquet"]


def test_a_store_that_was_left_over_something_opens_while_the_object_store_is_away(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    archive = own(object_store, tmp_path)
    with closing(archive.open()) as store:
        three_days(store)
        store._connection.execute("INSERT INTO archive_leftover VALUES('archive/samples/x.parquet')")
    object_store.stop()
    with closing(archive.open()) as store:
        assert store.write(numbers(DAY + 9 * NS_PER_DAY, 10)).stored == 10


@pytest.mark.parametrize(("variable", "value", "why"), [
    ("AWS_SECRET_ACCESS_KEY", "wrong", "ACCESS_DENIED"),
    ("AWS_ACCESS_KEY_ID", "nobody", "there is no bucket .*, or not for these keys"),
])  # fmt: skip
def test_refused_credentials_are_named_with_the_remedy(
    object_bucket: ObjectBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, why: str
) -> None:
    monkeypatch.setenv(variable, value)
    with closing(opened(tmp_path, object_bucket.uri("ring"))) as store:
        store.write(numbers(DAY, 10))
        with pytest.raises(ArchiveAwayError, match=f"{why}.*that the credentials may read it"):
            store.seal(MAX_NS)
        assert len(store.read("current", DAY, MAX_NS)) == 10


def test_a_bucket_that_is_not_there_is_named(object_bucket: ObjectBucket, tmp_path: Path) -> None:
    address = object_bucket.uri("ring").replace(object_bucket.name, "nowhere")
    with closing(opened(tmp_path, address)) as store:
        store.write(numbers(DAY, 10))
        with pytest.raises(ArchiveAwayError, match="there is no bucket nowhere"):
            store.seal(MAX_NS)


@pytest.mark.parametrize(("address", "why"), [
    ("s3://key:secret@bucket/ring", "holds credentials .*AWS_SECRET_ACCESS_KEY"),
    ("s3://bucket/ring?colour=red", "cannot be opened"),
    ("ftp://server/ring", "cannot be opened"),
])  # fmt: skip
def test_an_address_that_is_none_or_tells_a_secret_is_refused(tmp_path: Path, address: str, why: str) -> None:
    with closing(opened(tmp_path, address)) as store:
        store.write(numbers(DAY, 10))
        with pytest.raises(ConfigError, match=why) as caught:
            store.seal(MAX_NS)
    assert "secret@" not in str(caught.value)


# --- Which place it is.


def test_whoever_opens_the_data_directory_finds_the_files(object_bucket: ObjectBucket, tmp_path: Path) -> None:
    with closing(opened(tmp_path, object_bucket.uri("ring"))) as store:
        three_days(store)
    with closing(EmbeddedStore(tmp_path, "ring")) as store:
        assert len(store.read("current", DAY, MAX_NS)) == 3 * 1440
    assert not (tmp_path / "archive").exists()


def test_two_stores_cannot_share_a_place(object_bucket: ObjectBucket, tmp_path: Path) -> None:
    with closing(opened(tmp_path / "one", object_bucket.uri("ring"))) as store:
        three_days(store)
    with closing(opened(tmp_path / "two", object_bucket.uri("ring"))) as store:
        store.write(numbers(DAY, 10))
        with pytest.raises(ConfigError, match=r"belongs to another store .*a folder or prefix of its own"):
            store.seal(MAX_NS)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b"{}", b"[" * 3_000_000], ids=lambda content: content[:2].hex()
)
def test_a_mark_that_cannot_be_read_is_taken_for_another_stores(tmp_path: Path, content: bytes) -> None:
    shared = tmp_path / "shared"
    with closing(opened(tmp_path / "data", shared)) as store:
        three_days(store)
    (shared / MARK).write_bytes(content)
    with closing(opened(tmp_path / "data", shared)) as store:
        store.write(numbers(DAY + 3 * NS_PER_DAY, 1440))
        with pytest.raises(ArchiveError, match="mark unreadable"):
            store.seal(DAY + 4 * NS_PER_DAY)
        assert len(store.read("current", DAY, MAX_NS)) == 4 * 1440


def test_a_mount_that_is_gone_is_not_written_to(tmp_path: Path) -> None:
    shared = tmp_path / "shared" / "ring"
    with closing(opened(tmp_path / "data", shared)) as store:
        three_days(store)
        store.write(numbers(DAY + 3 * NS_PER_DAY, 1440))
        (tmp_path / "shared").rename(tmp_path / "away")
        with pytest.raises(ArchiveAwayError, match=f"holds no {MARK}, which kado put there: mount the storage"):
            store.seal(DAY + 4 * NS_PER_DAY)
        assert not shared.exists()
        with pytest.raises(ArchiveAwayError, match=r"2026-02-17.* the folder .*ring is not there; mount it"):
            store.read("current", *MIDDLE)
        (tmp_path / "away").rename(tmp_path / "shared")
        assert store.seal(DAY + 4 * NS_PER_DAY).rows_deleted == 1440


def test_an_archive_moves_once_all_its_files_are_there(object_bucket: ObjectBucket, tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        three_days(store)
    target = object_bucket.folder / "ring"
    shutil.copytree(tmp_path / "archive", target)
    lost = target / FOLDER / "2026-02-17.r1.parquet"
    kept = lost.read_bytes()
    lost.unlink()
    with closing(opened(tmp_path, object_bucket.uri("ring"))) as store:
        store.write(numbers(DAY + 3 * NS_PER_DAY, 1440))
        with pytest.raises(ConfigError, match=r"lacks 1 of 6 sealed files, the first is .*2026-02-17.*copy all of"):
            store.seal(MAX_NS)
        assert len(store.read("current", DAY, MAX_NS)) == 4 * 1440
        lost.write_bytes(kept)
        store.seal(MAX_NS)
        shutil.rmtree(tmp_path / "archive")
        assert len(store.read("current", DAY, MAX_NS)) == 4 * 1440
    # ... and back, without what was sealed since.
    shutil.copytree(target, tmp_path / "archive")
    with closing(opened(tmp_path, tmp_path / "archive")) as store:
        assert store.merge_months(DAY + 40 * NS_PER_DAY).files == 1
    assert (tmp_path / "archive" / FOLDER / "2026-02-16_2026-02-19.r2.parquet").exists()
    with closing(EmbeddedStore(tmp_path, "ring")) as store:
        assert len(store.read("current", DAY, MAX_NS)) == 4 * 1440


# --- How much is asked for.


def test_a_day_out_of_a_month_is_read_with_few_requests_and_few_bytes(
    object_bucket: ObjectBucket, tmp_path: Path
) -> None:
    n = 10 * 86_400
    values = np.random.default_rng(1).normal(200.0, 1.0, n)
    samples = Samples.sorted("ring", "current", DAY + np.arange(n) * NS_PER_S, values)
    with CountingProxy(object_bucket.server.port) as proxy:
        with closing(opened(tmp_path, object_bucket.uri("ring", port=proxy.port))) as store:
            store.load(samples, before_ns=MAX_NS)
            (path,) = (object_bucket.folder / "ring" / FOLDER).iterdir()
            asked, received = len(object_bucket.server.requests(object_bucket.name)), proxy.received
            day = store.read("current", DAY + 4 * NS_PER_DAY, DAY + 5 * NS_PER_DAY)
        requests = object_bucket.server.requests(object_bucket.name)[asked:]
        received = proxy.received - received
    assert day.value.tobytes() == values[4 * 86_400 : 5 * 86_400].tobytes()
    assert [request.split()[0] for request in requests] == ["s3_HeadObject", "s3_GetObject", "s3_GetObject"]
    assert path.stat().st_size / 10 < received < path.stat().st_size / 8


def test_a_month_is_read_back_with_one_request(object_bucket: ObjectBucket, tmp_path: Path) -> None:
    with closing(opened(tmp_path, object_bucket.uri("ring"))) as store:
        store.load(next(numbers(DAY, 13 * 1440).by_signal())[1], before_ns=MAX_NS)
        asked = len(object_bucket.server.requests(object_bucket.name))
        assert len(store.read("current", DAY, MAX_NS)) == 13 * 1440
    requests = object_bucket.server.requests(object_bucket.name)[asked:]
    assert [request.split()[0] for request in requests] == ["s3_HeadObject", "s3_GetObject"]
