"""Landing: durable, then acknowledged; in order, in groups, and patient."""

import asyncio
import logging
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.landing import Landing
from collector.landing_status import LandingLimits, LandingState
from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch
from facility.errors import ConfigError, DamagedDataError, DataError, KadoError, LockedError, UnreachableError
from facility.source import SINCE_LAST_COMMIT, GapReport, Rejection
from storage.data_dir import DataDir
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db import StoreKind
from storage.telemetry_db.dead_letters import DeadLetterLimits, read_dead_letters
from storage.telemetry_db.gaps import read_gaps
from waiting import until

T0 = 1_790_000_000_000_000_000
IMPATIENT = LandingLimits(retry_s=0.02)


def arrival(first: int, n: int = 10, source: str = "mqtt", signal: str = "current") -> Arrival:
    return Arrival(source, Batch.of_numbers("ring", signal, T0 + np.arange(first, first + n), np.ones(n)))


def rejection(payload: bytes, cause: str = "bad_json", count: int = 1) -> Rejection:
    return Rejection(cause, "ring/current", payload, "not JSON", T0, count)


def counts(data_dir: Path) -> dict[tuple[str, str, str, str], int]:
    return {(r.source, r.signal, r.entry, r.cause): r.count for r in read_ledger(data_dir).rows}


def differences(data_dir: Path) -> list[str]:
    with closing(EmbeddedStore(data_dir, "ring")) as store:
        return verify_ledger(read_ledger(data_dir), store)


def plain(data_dir: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(DataDir(data_dir).telemetry))


@pytest.fixture
def landing(tmp_path: Path) -> Iterator[Landing]:
    with Landing.open(tmp_path, "ring", "embedded", limits=IMPATIENT) as opened:
        yield opened


@pytest.fixture
def outbox_landing(tmp_path: Path) -> Iterator[Landing]:
    with Landing.open(tmp_path, "ring", "influxdb", limits=IMPATIENT) as opened:
        yield opened


async def test_what_landed_can_be_read_by_others_at_once(landing: Landing, tmp_path: Path) -> None:
    await landing.land(arrival(0))
    with plain(tmp_path) as connection:
        assert connection.execute("SELECT count(*) FROM sample").fetchone() == (10,)
    assert landing.status().commits == 1


def test_threads_without_an_event_loop_can_land(landing: Landing, tmp_path: Path) -> None:
    landing.land_now(arrival(0))
    landing.land_now(arrival(5))
    assert counts(tmp_path) == {
        ("mqtt", "current", "received", ""): 20,
        ("mqtt", "current", "stored", ""): 20,
        ("mqtt", "current", "rewritten", ""): 5,
    }


async def test_what_is_queued_while_the_writer_is_busy_becomes_one_transaction(
    landing: Landing, tmp_path: Path
) -> None:
    with plain(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        first = asyncio.create_task(landing.land(arrival(0)))
        await until(lambda: landing.status().queued_samples > 0)
        await asyncio.sleep(0.05)
        rest = [asyncio.create_task(landing.land(arrival(i * 10, source=f"s{i}"))) for i in range(1, 30)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in (first, *rest))
        assert landing.status().queued_samples == 300
        other.execute("ROLLBACK")
    await asyncio.gather(first, *rest)
    assert landing.status().commits == 2
    assert landing.status().queued_samples == 0


async def test_a_transaction_takes_no_more_samples_than_the_limit(tmp_path: Path) -> None:
    limits = LandingLimits(max_transaction_samples=25)
    landing = await asyncio.to_thread(Landing.open, tmp_path, "ring", "embedded", limits=limits)
    with plain(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        tasks = [asyncio.create_task(landing.land(arrival(0, 60)))]
        await asyncio.sleep(0.1)
        tasks += [asyncio.create_task(landing.land(arrival(i * 10))) for i in range(4)]
        await asyncio.sleep(0)
        other.execute("ROLLBACK")
    await asyncio.gather(*tasks)
    await asyncio.to_thread(landing.close)
    # The large arrival is not split; of the others two fit into each transaction.
    assert landing.status().commits == 3


async def test_a_call_that_is_cancelled_does_not_disturb_the_others(landing: Landing, tmp_path: Path) -> None:
    with plain(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(landing.land(arrival(0)))
        await asyncio.sleep(0.05)
        task.cancel()
        other.execute("ROLLBACK")
    await landing.land(arrival(10))
    assert task.cancelled()
    assert (await asyncio.to_thread(read_ledger, tmp_path)).sources()[0].received == 20


async def test_another_facilitys_samples_are_refused(landing: Landing) -> None:
    with pytest.raises(DataError, match=r"samples of 'linac' cannot land: .*telemetry\.db belongs to 'ring'"):
        await landing.land(Arrival("mqtt", Batch.of_numbers("linac", "current", [T0], [1.0])))


async def test_a_sample_that_cannot_be_stored_becomes_a_dead_letter_alone(
    outbox_landing: Landing, tmp_path: Path
) -> None:
    values = [1.0] * 500
    values[123] = values[450] = np.inf
    infinite = Arrival("mqtt", Batch.of_numbers("ring", "current", T0 + 100 + np.arange(500), values))
    with plain(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        tasks = [asyncio.create_task(outbox_landing.land(a)) for a in (arrival(0), arrival(10), infinite, arrival(20))]
        await asyncio.sleep(0.05)
        other.execute("ROLLBACK")
    await asyncio.gather(*tasks)
    status = outbox_landing.status()
    assert (status.state, status.queued_samples) == (LandingState.OPEN, 0)
    assert await asyncio.to_thread(counts, tmp_path) == {
        ("mqtt", "current", "received", ""): 528,
        ("mqtt", "", "received", ""): 2,
        ("mqtt", "", "rejected", "processing_failed"): 2,
    }
    total, letters = await asyncio.to_thread(read_dead_letters, tmp_path)
    assert total == 2
    assert {letter.payload for letter in letters} == {
        f"current inf {T0 + 223}".encode(),
        f"current inf {T0 + 550}".encode(),
    }


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
@pytest.mark.parametrize("field", ["address", "detail", "cause"])
def test_a_rejection_whose_text_cannot_be_stored_is_counted_all_the_same(
    tmp_path: Path, kind: StoreKind, field: str
) -> None:
    plain_one = Rejection("bad_json", "t", b"y", "d", T0)
    odd = replace(plain_one, **{field: "half a pair \ud800"})
    with Landing.open(tmp_path, "ring", kind, limits=IMPATIENT) as landing:
        landing.land_now(Arrival("mqtt", arrival(0).batch, (plain_one, odd, plain_one)))
    assert counts(tmp_path)["mqtt", "", "received", ""] == 3
    assert counts(tmp_path)["mqtt", "", "rejected", "bad_json"] == 2


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
async def test_a_file_that_lacks_a_table_is_an_error_and_no_sample_is_set_aside(
    tmp_path: Path, kind: StoreKind
) -> None:
    landing = await asyncio.to_thread(Landing.open, tmp_path, "ring", kind, limits=IMPATIENT)
    with plain(tmp_path) as other:
        other.execute(f"DROP TABLE {'sample' if kind == 'embedded' else 'outbox'}")
    with pytest.raises(DamagedDataError, match="no such table"):
        await landing.land(arrival(0))
    await asyncio.to_thread(landing.close)
    with plain(tmp_path) as other:
        assert other.execute("SELECT count(*) FROM dead_letter").fetchone() == (0,)


async def test_a_closed_landing_refuses_and_says_what_follows(landing: Landing) -> None:
    await asyncio.to_thread(landing.close)
    assert landing.status().state is LandingState.CLOSED
    with pytest.raises(UnreachableError, match="was closed with 10 samples not landed: they are not acknowledged"):
        await landing.land(arrival(0))
    with pytest.raises(UnreachableError, match="was closed"):
        landing.land_now(arrival(0))


def test_a_second_landing_in_a_directory_is_refused_and_disturbs_nothing(landing: Landing, tmp_path: Path) -> None:
    with pytest.raises(LockedError, match="is in use by the process with pid"):
        Landing.open(tmp_path, "ring", "embedded")
    landing.land_now(arrival(0))


def test_a_directory_of_another_facility_is_refused_and_not_left_locked(tmp_path: Path) -> None:
    Landing.open(tmp_path, "ring", "embedded").close()
    for _ in range(2):
        with pytest.raises(ConfigError, match="belongs to facility 'ring', not to 'linac'"):
            Landing.open(tmp_path, "linac", "embedded")


# --- When it cannot land.


async def test_a_full_file_makes_sources_wait_until_there_is_space(tmp_path: Path) -> None:
    limits = LandingLimits(max_bytes=300_000, retry_s=0.02)
    landing = await asyncio.to_thread(Landing.open, tmp_path, "ring", "influxdb", limits=limits)
    landed = 0
    waiting = asyncio.create_task(asyncio.sleep(0))
    while landing.status().state != LandingState.FULL:
        await waiting
        landed += 1
        waiting = asyncio.create_task(landing.land(arrival(landed * 1000, 1000)))
        await asyncio.wait([waiting], timeout=0.2)
    status = landing.status()
    assert not waiting.done()
    assert "telemetry.db is full: " in status.problem
    assert "of max_bytes = 300000; sources wait until some of it is forwarded or deleted" in status.problem
    assert status.queued_samples == 1000
    with plain(tmp_path) as forwarder, forwarder:
        forwarder.execute("DELETE FROM outbox")
    await waiting
    assert (landing.status().state, landing.status().problem) == (LandingState.OPEN, "")
    await asyncio.to_thread(landing.close)
    with plain(tmp_path) as connection:
        assert connection.execute("SELECT sum(samples) FROM outbox").fetchone() == (1000,)


async def test_closing_while_full_gives_back_what_did_not_land(tmp_path: Path) -> None:
    limits = LandingLimits(max_bytes=1, retry_s=60)
    landing = await asyncio.to_thread(Landing.open, tmp_path, "ring", "embedded", limits=limits)
    tasks = [asyncio.create_task(landing.land(arrival(i * 10))) for i in range(3)]
    await until(lambda: landing.status().state is LandingState.FULL)
    await asyncio.to_thread(landing.close)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(r) for r in results] == [UnreachableError] * 3
    assert await asyncio.to_thread(counts, tmp_path) == {}


async def test_no_space_on_the_disk_is_waited_out_and_loses_nothing(
    landing: Landing, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await landing.land(arrival(0))
    # What SQLite says on a full disk, it also says where it may not take another page.
    connection = landing._file._connection
    (pages,) = await asyncio.to_thread(lambda: connection.execute("PRAGMA page_count").fetchone())
    await asyncio.to_thread(connection.execute, f"PRAGMA max_page_count = {pages}")
    waiting = asyncio.create_task(landing.land(arrival(10, 50_000)))
    await until(lambda: landing.status().state is LandingState.FAILING)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    status = landing.status()
    assert "telemetry.db cannot be read or written (database or disk is full): the disk is full: free" in status.problem
    assert status.failures > 1
    assert [r.message for r in caplog.records if r.levelno == logging.ERROR] == [status.problem]
    await asyncio.to_thread(connection.execute, "PRAGMA max_page_count = 1000000")
    await waiting
    assert landing.status().state == LandingState.OPEN
    assert (await asyncio.to_thread(counts, tmp_path))["mqtt", "current", "stored", ""] == 50_010
    assert await asyncio.to_thread(differences, tmp_path) == []


DISK_FAILS = """
import asyncio, resource, sys
from pathlib import Path
import numpy as np
from collector.arrival import Arrival
from collector.landing import Landing
from collector.landing_status import LandingLimits
from facility.batch import Batch

def arrival(first, n):
    return Arrival("mqtt", Batch.of_numbers("ring", "current", np.arange(first, first + n), np.ones(n)))

async def main():
    with Landing.open(Path(sys.argv[1]), "ring", sys.argv[2], limits=LandingLimits(retry_s=0.02)) as landing:
        await landing.land(arrival(0, 10))
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
        task = asyncio.create_task(landing.land(arrival(10, 100_000)))
        while landing.status().failures < 3:
            await asyncio.sleep(0.01)
        assert not task.done()
        print(landing.status().state, landing.status().problem)
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        await task
        print(landing.status().state)

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
def test_a_disk_that_fails_is_waited_out_and_loses_nothing(tmp_path: Path, kind: StoreKind) -> None:
    command = [sys.executable, "-c", DISK_FAILS, str(tmp_path), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    failing, recovered = done.stdout.splitlines()
    assert failing.startswith("failing ")
    assert "cannot be read or written (disk I/O error): free space or replace the disk; sources wait" in failing
    assert recovered == "open"
    (totals,) = read_ledger(tmp_path).sources()
    assert (totals.received, totals.stored + totals.waiting) == (100_010, 100_010)


def test_a_damaged_file_is_named_and_nothing_is_acknowledged(landing: Landing, tmp_path: Path) -> None:
    landing.land_now(arrival(0))
    landing._file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = DataDir(tmp_path).telemetry
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    landing._file._connection.execute("PRAGMA shrink_memory")
    with plain(tmp_path) as other:
        # Makes the landing's connection forget the pages that it has kept.
        other.execute("PRAGMA user_version = 1")
    with pytest.raises(KadoError, match=r"telemetry\.db is damaged .*: stop kado, keep a copy of the folder"):
        landing.land_now(arrival(10))


# --- What else an arrival carries.


def test_rejections_are_kept_counted_and_listed(landing: Landing, tmp_path: Path) -> None:
    landing.land_now(Arrival("mqtt", None, rejected=(rejection(b"{"), rejection(b"[1", count=3))))
    landing.land_now(Arrival("file", arrival(0).batch, rejected=(rejection(b"x", "bad_row"),)))
    total, letters = read_dead_letters(tmp_path)
    assert total == 3
    assert [(x.source, x.address, x.cause, x.detail, x.payload) for x in letters] == [
        ("file", "ring/current", "bad_row", "not JSON", b"x"),
        ("mqtt", "ring/current", "bad_json", "not JSON", b"[1"),
        ("mqtt", "ring/current", "bad_json", "not JSON", b"{"),
    ]
    assert [x.id for x in read_dead_letters(tmp_path, limit=1)[1]] == [3]
    assert counts(tmp_path) == {
        ("mqtt", "", "received", ""): 4,
        ("mqtt", "", "rejected", "bad_json"): 4,
        ("file", "", "received", ""): 1,
        ("file", "", "rejected", "bad_row"): 1,
        ("file", "current", "received", ""): 10,
        ("file", "current", "stored", ""): 10,
    }


@pytest.mark.parametrize(
    "limits", [DeadLetterLimits(max_letters=5), DeadLetterLimits(max_bytes=50)], ids=["letters", "bytes"]
)
def test_the_oldest_dead_letters_go_and_their_count_stays(tmp_path: Path, limits: DeadLetterLimits) -> None:
    with Landing.open(tmp_path, "ring", "embedded", limits=LandingLimits(dead_letters=limits)) as landing:
        for i in range(12):
            landing.land_now(Arrival("mqtt", None, rejected=(rejection(b"%010d" % i),)))
    total, letters = read_dead_letters(tmp_path)
    assert total == 5
    assert [int(letter.payload) for letter in letters] == [11, 10, 9, 8, 7]
    assert counts(tmp_path)["mqtt", "", "rejected", "bad_json"] == 12


def test_gaps_are_recorded_and_what_they_dropped_is_counted(landing: Landing, tmp_path: Path) -> None:
    gap, drop = GapReport(T0, T0 + 5, "session_lost"), GapReport(T0 + 7, T0 + 9, "queue_full", 42)
    landing.land_now(Arrival("mqtt", None, gaps=(gap, drop)))
    assert read_gaps(tmp_path) == [("mqtt", gap), ("mqtt", drop)]
    assert counts(tmp_path) == {("mqtt", "", "received", ""): 42, ("mqtt", "", "dropped", "queue_full"): 42}


def test_a_gap_since_the_last_commit_begins_where_data_last_landed(tmp_path: Path) -> None:
    now = iter(range(100, 200))
    unknown = GapReport(SINCE_LAST_COMMIT, 150, "not_replayable")
    with Landing.open(tmp_path, "ring", "embedded", lambda: next(now)) as landing:
        landing.land_now(Arrival("epics", None, gaps=(unknown,)))
        assert read_gaps(tmp_path) == []
        landing.land_now(arrival(0, source="epics"))
        landed_ns = landing._file._clock() - 1
        landing.land_now(Arrival("epics", Batch.of_states("ring", "epics_link", [T0], ["up"])))
        landing.land_now(arrival(0, source="other"))
        landing.land_now(Arrival("epics", None, gaps=(unknown,)))
    assert read_gaps(tmp_path) == [("epics", GapReport(landed_ns, 150, "not_replayable"))]


# --- A disk that breaks its promise.


def lose_by_restoring(data_dir: Path, copy: Path) -> None:
    for path in data_dir.glob("telemetry.db*"):
        path.unlink()
    shutil.copy(copy, DataDir(data_dir).telemetry)


def lose_by_hand(data_dir: Path, copy: Path) -> None:
    with plain(data_dir) as connection, connection:
        connection.execute("DELETE FROM sample WHERE time_ns >= ?", (T0 + 10,))
        connection.execute("UPDATE ledger SET count = 10")
        connection.execute("UPDATE landed SET id = 1, samples = 10")


@pytest.mark.parametrize("lose", [lose_by_restoring, lose_by_hand])
def test_a_tail_that_the_disk_dropped_is_counted_as_lost_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, lose: object
) -> None:
    data_dir, copy = tmp_path / "data", tmp_path / "copy.db"
    with Landing.open(data_dir, "ring", "embedded") as landing:
        landing.land_now(arrival(0))
    shutil.copy(DataDir(data_dir).telemetry, copy)
    with Landing.open(data_dir, "ring", "embedded") as landing:
        for i in range(1, 4):
            landing.land_now(arrival(i * 10))
    assert callable(lose)
    lose(data_dir, copy)
    for _ in range(2):
        with Landing.open(data_dir, "ring", "embedded") as landing:
            landing.land_now(arrival(1000))
    (message,) = [r.message for r in caplog.records if r.levelno == logging.ERROR]
    assert "ends at commit 1, but commit 4 was acknowledged: the disk has lost 30 samples" in message
    found = counts(data_dir)
    assert found["", "", "lost", "disk"] == 30
    ((source, gap),) = read_gaps(data_dir)
    assert (source, gap.reason, gap.dropped) == ("", "disk", 30)
    assert gap.start_ns < gap.end_ns
    assert [t.missing for t in read_ledger(data_dir).sources()] == [0, 0]
    difference, *others = differences(data_dir)
    # By hand only the rows went, and not what is known of their number.
    assert [other.endswith("(UTC) are 20, and 50 landed") for other in others] == [True] * (lose is lose_by_hand)
    assert difference.startswith("source (none): 30 acknowledged samples are lost")


def test_a_database_ahead_of_its_mark_is_what_a_crash_leaves_and_no_loss(tmp_path: Path) -> None:
    with Landing.open(tmp_path, "ring", "embedded") as landing:
        landing.land_now(arrival(0))
        before = DataDir(tmp_path).mark.read_bytes()
        landing.land_now(arrival(10))
    DataDir(tmp_path).mark.write_bytes(before)
    with Landing.open(tmp_path, "ring", "embedded") as landing:
        assert landing.status().commits == 2
    assert read_gaps(tmp_path) == []


@pytest.mark.parametrize("slot", [0, 1])
def test_a_mark_torn_by_a_crash_leaves_the_one_before(tmp_path: Path, slot: int) -> None:
    with Landing.open(tmp_path, "ring", "embedded") as landing:
        for i in range(3):
            landing.land_now(arrival(i * 10))
    mark = bytearray(DataDir(tmp_path).mark.read_bytes())
    mark[slot * 512 + 15] ^= 1
    DataDir(tmp_path).mark.write_bytes(mark)
    with Landing.open(tmp_path, "ring", "embedded") as landing:
        landing.land_now(arrival(100))
        assert landing.status().commits == 4
    assert read_gaps(tmp_path) == []


def test_a_mark_that_is_damaged_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Landing.open(tmp_path, "ring", "embedded").close()
    DataDir(tmp_path).mark.write_bytes(b"\xff" * 1024)
    Landing.open(tmp_path, "ring", "embedded").close()
    assert "telemetry.mark is damaged: kado cannot check whether the end of telemetry.db was lost" in caplog.text
