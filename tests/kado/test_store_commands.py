"""``kado store``: looking after what is kept."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from collector.arrival import Arrival
from collector.landing import Landing
from collector.ledger import read_ledger, verify_ledger
from command_line import Kado
from facility.batch import Batch, Samples
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S, format_time, parse_time, system_clock
from kado.config import load_configuration
from storage.data_dir import DirectoryLock
from storage.embedded.store import EmbeddedStore

DATA = Path("data")
FACILITY = "nanoterasu_sim"
OCTOBER = parse_time("2025-10-01T00:00:00Z")
"""Long ago for every clock that runs the tests."""


def write_days(first: int, last: int, signal: str = "stored_current") -> None:
    """Write a sample a minute of days of October 2025, the last one included."""
    times = np.arange(OCTOBER + first * NS_PER_DAY, OCTOBER + (last + 1) * NS_PER_DAY, 60 * NS_PER_S)
    with closing(EmbeddedStore(DATA, FACILITY, read_only=False)) as store:
        store.write(Batch.of_numbers(FACILITY, signal, times, 400 + np.sin(np.arange(len(times)))))


def everything(signal: str = "stored_current") -> Samples:
    with closing(EmbeddedStore(DATA, FACILITY)) as store:
        assert verify_ledger(read_ledger(DATA), store) == []
        return store.read(signal, -MAX_NS, MAX_NS)


def rows() -> int:
    with closing(sqlite3.connect(DATA / "telemetry.db")) as connection:
        return connection.execute("SELECT count(*) FROM sample").fetchone()[0]


def sealed_files() -> list[str]:
    return sorted(path.name for path in (DATA / "archive" / "samples").rglob("*.parquet"))


def test_days_are_sealed_by_hand_up_to_a_time(kado: Kado) -> None:
    kado("init")
    write_days(0, 3)
    before = everything()
    answer = kado("store", "seal", "--before", "2025-10-03T12:00:00Z", "--format", "json")
    assert answer.exit_code == 0
    document = answer.document
    assert (document["simulated"], document["files"], document["samples"], document["rows_deleted"]) == (
        True, 1, 2880, 2880,
    )  # fmt: skip
    assert document["before"] == "2025-10-03T21:00:00+09:00"
    assert (rows(), sealed_files()) == (2880, ["2025-10-01_2025-10-02.r1.parquet"])
    answer = kado("store", "seal")
    assert "2,880 samples in 1 file," in answer.out
    assert "SIMULATED" in answer.out
    assert rows() == 0
    assert np.array_equal(everything().value, before.value)
    assert "nothing to do up to" in kado("store", "seal").out


def test_months_are_merged_and_what_is_merged_is_left(kado: Kado) -> None:
    kado("init")
    for day in range(3):
        write_days(day, day)
        kado("store", "seal")
    before = everything()
    assert len(sealed_files()) == 3
    # October is not over then.
    assert kado("store", "compact", "--before", "2025-10-31T00:00:00Z", "--format", "json").document["files"] == 0
    assert kado("store", "compact", "--format", "json").document["files"] == 1
    assert sealed_files() == ["2025-10-01_2025-10-03.r2.parquet"]
    assert np.array_equal(everything().value, before.value)
    assert "nothing to do" in kado("store", "compact").out
    assert sealed_files() == ["2025-10-01_2025-10-03.r2.parquet"]


def test_while_another_kado_runs_its_pid_is_named(kado: Kado) -> None:
    kado("init")
    write_days(0, 0)
    with DirectoryLock(DATA):
        for command in ("seal", "compact"):
            answer = kado("store", command)
            assert answer.exit_code == 3
            assert f"in use by the process with pid {os.getpid()}: stop that one first" in answer.err
    assert rows() == 1440


def test_days_that_are_not_over_are_not_sealed(kado: Kado) -> None:
    kado("init")
    write_days(0, 0)
    answer = kado("store", "seal", "--before", "2200-01-01T00:00:00Z")
    assert answer.exit_code == 2
    assert "--before 2200-01-01T00:00:00Z lies in the future" in answer.err
    assert rows() == 1440


def test_before_anything_was_collected_there_is_nothing_to_look_after(kado: Kado) -> None:
    kado("init")
    answer = kado("store", "seal")
    assert answer.exit_code == 2
    assert "telemetry.db: nothing was collected there yet" in answer.err
    assert not (DATA / "telemetry.db").exists()


def test_the_files_of_influxdb_are_not_ours_to_seal(kado: Kado) -> None:
    kado("init", "--store", "influxdb")
    answer = kado("store", "seal")
    assert answer.exit_code == 2
    assert "store.kind is 'influxdb'" in answer.err


def test_the_units_of_a_signal_stand_in_its_sealed_files(kado: Kado) -> None:
    import pyarrow.parquet as pq

    kado("init")
    write_days(0, 0)
    kado("store", "seal")
    (path,) = (DATA / "archive" / "samples").rglob("*.parquet")
    metadata = pq.read_schema(path).metadata
    assert metadata[b"kado_unit"].decode() == load_configuration().profile.signal("stored_current").unit
    assert metadata[b"kado_simulated"] == b"true"


def test_status_tells_what_is_kept_of_each_signal(kado: Kado) -> None:
    kado("init")
    write_days(0, 1)
    kado("store", "seal", "--before", "2025-10-02T00:00:00Z")
    with closing(EmbeddedStore(DATA, FACILITY, read_only=False)) as store:
        store.write(Batch.of_states(FACILITY, "ring_link", [OCTOBER], ["up"]))
    document = kado("store", "status", "--format", "json").document
    link, current = document["signals"]
    assert (link["signal"], link["rows"], link["sealed"], link["bytes_a_sample"]) == ("ring_link", 1, 0, None)
    assert (current["rows"], current["sealed"], current["files"], current["keep_days"]) == (1440, 1440, 1, None)
    assert (current["first"], current["last"]) == ("2025-10-01T09:00:00+09:00", "2025-10-03T08:59:00+09:00")
    assert current["bytes_a_sample"] == current["bytes"] / 1440
    # Nothing came in lately: how the store grows is not known.
    assert (document["samples_a_day"], document["full"], document["running_pid"]) == (None, None, None)
    text = kado("store", "status").out
    for part in (
        "SIMULATED",
        "kado is not running",
        "stored_current",
        "2025-10-01 09:00:00",
        "without limit",
        "B/sample",
    ):
        assert part in text


def test_status_beside_a_running_kado_names_it(kado: Kado) -> None:
    kado("init")
    write_days(0, 0)
    with DirectoryLock(DATA):
        assert kado("store", "status", "--format", "json").document["running_pid"] == os.getpid()


def test_both_kinds_of_status_look_ahead(kado: Kado) -> None:
    kado("init")
    now = system_clock()
    times = np.arange(now - 5 * NS_PER_DAY, now, 60 * NS_PER_S)
    with closing(EmbeddedStore(DATA, FACILITY, read_only=False)) as store:
        store.write(Batch.of_numbers(FACILITY, "stored_current", times, np.arange(len(times)) % 100.0))
    assert "1,440 samples per day" in kado("status").out
    kado("store", "seal", "--before", format_time(now - NS_PER_DAY))
    outlook = kado("status", "--format", "json").document["outlook"]
    assert 0 < outlook["samples_a_day"] <= 1440
    assert outlook["archive_in_a_year"] > outlook["bytes"]["archive"]
    for answer in (kado("status"), kado("store", "status")):
        assert "per day" in answer.out
        assert "sealed in one year" in answer.out


def test_verify_names_what_is_wrong_and_ends_with_one(kado: Kado) -> None:
    kado("init")
    write_days(0, 2)
    kado("store", "seal")
    answer = kado("store", "verify")
    assert (answer.exit_code, "no problem found" in answer.out) == (0, True)
    document = kado("store", "verify", "--deep", "--format", "json").document
    assert (document["files"], document["samples"], document["deep"], document["findings"]) == (1, 4320, True, [])
    (path,) = (DATA / "archive" / "samples").rglob("*.parquet")
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    answer = kado("store", "verify")
    assert answer.exit_code == 1
    assert str(path.absolute()) in answer.out.replace("\n", "")
    assert "bring it back from a backup" in answer.out
    assert "1 problem found in the store" in answer.err
    path.write_bytes(content)
    with closing(sqlite3.connect(DATA / "telemetry.db")) as plain, plain:
        plain.execute("UPDATE ledger SET count = count - 1 WHERE entry = 'stored'")
    findings = kado("store", "verify", "--format", "json").document["findings"]
    assert {finding["file"] for finding in findings} == {"ledger"}


def test_minutes_are_made_anew_on_request_while_nobody_writes(kado: Kado) -> None:
    kado("init")
    write_days(0, 2)
    kado("store", "seal")
    before = everything()
    (path,) = (DATA / "archive" / "minutes").rglob("*.parquet")
    path.write_bytes(b"PAR1")
    assert kado("store", "verify").exit_code == 1
    with DirectoryLock(DATA):
        assert kado("store", "verify").exit_code == 1
        assert kado("store", "verify", "--repair-rollup").exit_code == 3
    answer = kado("store", "verify", "--repair-rollup")
    assert (answer.exit_code, answer.err) == (0, "")
    assert "rebuilt the minutes of 1 file from its samples" in answer.out
    assert kado("store", "verify", "--deep").exit_code == 0
    assert np.array_equal(everything().value, before.value)


def test_a_backup_that_is_restored_gives_the_same_figures(simulated: Kado, tmp_path: Path) -> None:
    question = ("availability", "--period", "2026-11-12", "--as-known-on", "2100-01-01T00:00:00Z", "--format", "json")
    before = simulated(*question).document
    assert before["accounts_s"]["no_beam"] > 0
    with DirectoryLock(DATA):
        answer = simulated("store", "backup", "backups", "--format", "json")
    assert (answer.exit_code, answer.document["problems"]) == (0, [])
    assert "files copied" in simulated("store", "backup", "backups", "--keep", "1").out
    assert len([path for path in Path("backups").iterdir() if path.is_dir()]) == 1
    refused = simulated("store", "restore", "backups")
    assert refused.exit_code == 2
    assert "is not empty" in refused.err
    assert not (tmp_path / "data" / ".restoring").exists()
    DATA.rename("lost")
    answer = simulated("store", "restore", "backups", "--format", "json")
    assert (answer.exit_code, answer.document["verified"]["findings"]) == (0, [])
    assert simulated(*question).document == before
    assert simulated("ledger", "--verify").exit_code == 0
    assert simulated("verify", "key.json").exit_code == 0


def test_a_backup_of_what_waits_for_influxdb_says_what_is_not_in_it(kado: Kado) -> None:
    kado("init", "--store", "influxdb")
    with Landing.open(DATA, FACILITY, "influxdb") as landing:
        landing.land_now(Arrival("ring", Batch.of_numbers(FACILITY, "stored_current", [OCTOBER], [400.0])))
    answer = kado("store", "backup", "backups")
    assert answer.exit_code == 0
    assert "Samples in InfluxDB are not included" in answer.out
    DATA.rename("lost")
    # Its server is not there, and need not be.
    assert kado("store", "restore", "backups").exit_code == 0
    assert read_ledger(DATA).waiting == (("ring", "stored_current", 1),)


def test_without_a_backup_there_is_nothing_to_restore(kado: Kado) -> None:
    kado("init")
    for words in (("restore", "nowhere"), ("backup", "backups"), ("backup", "backups", "--keep", "0")):
        assert kado("store", *words).exit_code == 2
    assert not DATA.exists()
