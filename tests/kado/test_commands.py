"""The other commands, each on what it is for; their errors in one message with the right exit code."""

import json
import re
import shutil
import socket
import sqlite3
from pathlib import Path

import pytest

from collector.files import csv_file
from collector.files.layout import Layout
from command_line import Kado
from facility.time import system_clock
from kado.config import load_configuration
from kado.progress import Bar
from kado.service.importing import import_samples
from storage.data_dir import DirectoryLock

SCHEDULE = """\
start,end,category,published_at,run
2027-01-10T09:00:00+09:00,2027-01-15T09:00:00+09:00,user,2026-09-01T00:00:00+09:00,2027-A
2027-01-15T09:00:00+09:00,2027-01-16T09:00:00+09:00,maintenance,2026-09-01T00:00:00+09:00,
2027-01-12T09:00:00+09:00,2027-01-13T09:00:00+09:00,study,2026-10-01T00:00:00+09:00,
"""


class TestSchedule:
    @pytest.fixture
    def imported(self, kado: Kado) -> Kado:
        kado("init")
        Path("s.csv").write_text(SCHEDULE)
        answer = kado("schedule", "import", "s.csv", "--author", "operation group")
        assert answer.exit_code == 0, answer.err
        assert "2 new versions, 0 known already" in answer.out
        return kado

    def test_importing_the_same_again_adds_nothing(self, imported: Kado) -> None:
        out = imported("schedule", "import", "s.csv").out
        assert "0 new versions, 2 known already" in out
        assert "no change in the calendar" in out

    def test_it_ends_with_hours_by_category_holes_and_what_changed(self, imported: Kado) -> None:
        rows = SCHEDULE.splitlines()
        further = "2027-01-10T09:00:00+09:00,2027-01-12T09:00:00+09:00,user,2026-11-01T00:00:00+09:00,2027-A\n"
        further += "2027-01-14T09:00:00+09:00,2027-01-15T09:00:00+09:00,user,2026-11-01T00:00:00+09:00,2027-A\n"
        Path("t.csv").write_text(f"{rows[0]}\n{further}")
        document = imported("schedule", "import", "t.csv", "--format", "json").document
        assert (document["new"], document["known"]) == (1, 0)
        assert document["hours"] == {"user": 72.0, "unscheduled": 48.0}
        assert document["holes"] == [{"start": "2027-01-12T09:00:00+09:00", "end": "2027-01-14T09:00:00+09:00"}]
        assert [(c["before"], c["after"]) for c in document["changes"]] == [
            ("study", "unscheduled"),
            ("user 2027-A", "unscheduled"),
        ]
        out = imported("schedule", "import", "t.csv").out
        assert "1 hole: 2027-01-12 09:00:00 to 2027-01-14 09:00:00 +09:00" in out

    def test_a_row_withdraws_what_was_planned_and_a_version_recorded_late_is_named(self, imported: Kado) -> None:
        rows = SCHEDULE.splitlines()
        gone = "2025-01-15T09:00:00+09:00,2025-01-16T09:00:00+09:00,unscheduled,2024-10-02T00:00:00+09:00,"
        Path("t.csv").write_text(f"{rows[0]}\n{gone}\n")
        answer = imported("schedule", "import", "t.csv")
        assert "published 2024-10-02T00:00:00+09:00 is recorded" in answer.err
        assert "changes time that has passed: figures that it changes will name it" in answer.err

    def test_a_run_with_the_name_of_a_month_does_not_take_its_place(self, imported: Kado) -> None:
        Path("t.csv").write_text(SCHEDULE.replace("2027-A", "2027-02"))
        answer = imported("schedule", "import", "t.csv")
        assert "run '2027-02' is also a date: --period 2027-02 is the date, --period run:2027-02 the run" in answer.err
        assert "nothing is planned in 2027-02" in imported("schedule", "show", "--period", "2027-02").out
        assert "2027-01-10 09:00" in imported("schedule", "show", "--period", "run:2027-02").out

    def test_a_folder_that_cannot_be_written_is_a_message(self, kado: Kado) -> None:
        kado("init")
        Path("file").touch()
        path = Path("kado.toml")
        path.write_text(path.read_text().replace('data_dir = "data"', 'data_dir = "file/data"'))
        Path("s.csv").write_text(SCHEDULE)
        answer = kado("schedule", "import", "s.csv")
        assert answer.exit_code == 2
        assert "file/data/journal.db cannot be made: Not a directory" in answer.err

    def test_a_file_in_another_encoding_says_what_to_do(self, imported: Kado) -> None:
        Path("t.csv").write_bytes(SCHEDULE.replace("2027-A", "第1期").encode("cp932"))
        answer = imported("schedule", "import", "t.csv")
        assert answer.exit_code == 2
        assert (
            "t.csv:2: byte 0x91 is not UTF-8: in Excel save it as 'CSV UTF-8', or convert it with iconv" in answer.err
        )

    def test_versions_are_laid_over_each_other(self, imported: Kado) -> None:
        blocks = imported("schedule", "show", "--format", "json").document["blocks"]
        assert [b["category"] for b in blocks] == ["user", "study", "user", "maintenance"]
        assert blocks[1]["start"] == "2027-01-12T09:00:00+09:00"
        assert blocks[0]["run"] == "2027-A"

    def test_it_is_shown_as_published_earlier(self, imported: Kado) -> None:
        answer = imported("schedule", "show", "--as-published-on", "2026-09-15T00:00:00+09:00", "--format", "json")
        assert [b["category"] for b in answer.document["blocks"]] == ["user", "maintenance"]

    def test_a_run_is_a_period(self, imported: Kado) -> None:
        out = imported("schedule", "show", "--period", "2027-A").out
        assert "2027-01-10 09:00" in out
        assert "maintenance" not in out

    def test_the_newest_change_is_shown(self, imported: Kado) -> None:
        (change,) = imported("schedule", "diff", "--format", "json").document["changes"]
        assert (change["before"], change["after"]) == ("user 2027-A", "study")
        assert "2027-01-12 09:00" in imported("schedule", "diff").out

    def test_nothing_changed_says_so(self, imported: Kado) -> None:
        assert "no change" in imported("schedule", "diff", "--since", "2026-12-01T00:00:00Z").out

    def test_overlapping_blocks_are_both_named(self, imported: Kado) -> None:
        Path("o.csv").write_text(
            SCHEDULE.replace("2027-01-15T09:00:00+09:00,2027-01-16", "2027-01-14T09:00:00+09:00,2027-01-16")
        )
        answer = imported("schedule", "import", "o.csv")
        assert answer.exit_code == 2
        assert "blocks overlap in the version published 2026-08-31T15:00:00Z" in answer.err
        assert "user 2027-01-10T00:00:00Z to 2027-01-15T00:00:00Z and maintenance 2027-01-14T00:00:00Z" in answer.err

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("start,end,category\n", "lacks published_at"),
            (SCHEDULE.replace("study", "studdy"), "s.csv:4: category 'studdy' is not one of user, reserve"),
            (
                SCHEDULE.replace("2027-01-16T09:00:00+09:00", "2027-01-16T09:00:00"),
                "s.csv:3: '2027-01-16T09:00:00' has no",
            ),
            (SCHEDULE.replace("2027", "2025").replace("2025-A", "A"), "every row would change only the past"),
        ],
    )
    def test_a_file_that_cannot_be_right_is_refused(self, imported: Kado, text: str, expected: str) -> None:
        Path("s.csv").write_text(text)
        answer = imported("schedule", "import", "s.csv")
        assert answer.exit_code == 2
        assert expected in answer.err

    def test_a_file_that_is_not_there_is_named(self, imported: Kado) -> None:
        answer = imported("schedule", "import", "nowhere.csv")
        assert answer.exit_code == 2
        assert "nowhere.csv cannot be read" in answer.err

    def test_without_a_calendar_there_is_nothing_to_compare(self, kado: Kado) -> None:
        kado("init")
        answer = kado("schedule", "diff")
        assert answer.exit_code == 2
        assert "so there is nothing to compare" in answer.err


class TestSimulate:
    def test_it_says_where_the_answers_are_and_they_agree(self, simulated: Kado) -> None:
        answer = simulated("verify", "key.json")
        assert (answer.exit_code, answer.err) == (0, "")
        assert "SIMULATED" in answer.out
        assert "no difference between the answer key and the result of kado" in answer.out

    def test_a_difference_names_the_events_and_ends_with_1(self, simulated: Kado) -> None:
        key = json.loads(Path("key.json").read_text())
        key["outages"][0]["end"] = "2026-11-12T05:00:00Z"
        key["counts"]["failures"] = 2
        Path("key.json").write_text(json.dumps(key))
        answer = simulated("verify", "key.json")
        assert answer.exit_code == 1
        assert "2 differences between the answer key and the result of kado" in answer.err
        assert "2026-11-12T04:24:11Z to 2026-11-12T05:00:00Z" in answer.out
        found = simulated("verify", "key.json", "--format", "json").document["differences"]
        assert [d["what"] for d in found] == ["count of failures", "no_beam event"]
        assert (found[0]["expected"], found[0]["found"]) == ("2", "1")

    def test_doing_it_again_changes_nothing(self, simulated: Kado) -> None:
        words = ["--scenario", "beam_dump", "--from", "2026-11-11T00:00:00+09:00", "--to", "2026-11-14T00:00:00+09:00"]
        assert simulated("simulate", *words).exit_code == 0
        assert simulated("verify", "key.json").exit_code == 0
        assert simulated("ledger", "--verify").exit_code == 0

    def test_samples_of_another_history_are_not_written_over_without_asking(self, simulated: Kado) -> None:
        words = ["--from", "2026-11-12T00:00:00+09:00", "--to", "2026-11-12T02:00:00+09:00"]
        other = ["simulate", "--scenario", "beam_dump", "--seed", "2", *words]
        answer = simulated(*other)
        assert answer.exit_code == 2
        assert "holds samples of another history from 2026-11-12 00:00:00 +09:00 on" in answer.err
        assert simulated("verify", "key.json").exit_code == 0
        elsewhere = ["--from", "2026-10-12T00:00:00+09:00", "--to", "2026-10-12T02:00:00+09:00"]
        assert simulated("simulate", "--scenario", "beam_dump", "--seed", "2", *elsewhere).exit_code == 0
        assert simulated("simulate", "--scenario", "storm", *words, "--yes").exit_code == 0

    def test_files_need_no_kado_toml(self, kado: Kado) -> None:
        words = ["--from", "2026-11-12T12:00:00+09:00", "--to", "2026-11-12T12:10:00+09:00", "--out"]
        assert kado("simulate", *words, "default").exit_code == 0
        answer = kado("simulate", *words, "sacla", "--facility", "sacla_sim")
        assert answer.exit_code == 0, answer.err
        assert "SACLA" in answer.out
        assert sorted(path.name for path in Path().iterdir()) == ["default", "sacla"]
        answer = kado("simulate", *words, "x", "--facility", "nanoterasu")
        assert (answer.exit_code, "is a real one" in answer.err) == (2, True)
        assert "--facility is for --out" in kado("simulate", "--facility", "sacla_sim").err

    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    def test_files_that_it_writes_are_files_that_kado_reads(self, kado: Kado, kind: str) -> None:
        kado("init")
        period = ["--from", "2026-11-12T12:00:00+09:00", "--to", "2026-11-12T16:00:00+09:00"]
        answer = kado("simulate", "--scenario", "beam_dump", *period, "--out", "out", "--format", kind)
        assert answer.exit_code == 0, answer.err
        for name in (f"numbers.{kind}", f"states.{kind}"):
            assert kado("import", f"out/{name}").exit_code == 0
        assert kado("schedule", "import", "out/schedule.csv").exit_code == 0
        assert kado("verify", "out/answer_key.json").exit_code == 0

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["--scenario", "beam_dmp"], "no scenario 'beam_dmp': use one of beam_dump"),
            (["--from", "2026-11-12T00:00:00"], "has no offset from UTC"),
            (["--from", "2026-11-12T00:00:00Z", "--to", "2026-11-11T00:00:00Z"], "nothing to simulate"),
            (["--to", "2199-01-01T00:00:00Z"], "lies in the future: history ends now"),
            (["--speed", "60"], "--speed needs --live"),
            (["--out", "x", "--live", "mqtt://localhost"], "give one of them"),
        ],
    )
    def test_what_cannot_be_simulated_says_why(self, kado: Kado, words: list[str], expected: str) -> None:
        kado("init")
        answer = kado("simulate", *words)
        assert answer.exit_code == 2
        assert expected in answer.err

    def test_a_real_facility_is_left_alone(self, kado: Kado) -> None:
        kado("init", "--facility", "nanoterasu")
        answer = kado("simulate")
        assert answer.exit_code == 2
        assert "facility nanoterasu is a real one" in answer.err
        assert not Path("data").exists()

    def test_a_key_of_another_facility_is_refused(self, simulated: Kado) -> None:
        key = json.loads(Path("key.json").read_text())
        Path("key.json").write_text(json.dumps(key | {"facility": "spring8"}))
        answer = simulated("verify", "key.json")
        assert answer.exit_code == 2
        assert "the answer key is of facility 'spring8'" in answer.err


class TestImport:
    def test_what_became_of_each_row_is_told(self, kado: Kado) -> None:
        kado("init")
        Path("f.csv").write_text(
            "time,signal,value\n2026-11-01T00:00:00Z,stored_current,200\n2026-11-01T00:00:01,stored_current,200\n"
            "2026-11-01T00:00:02Z,stored_curent,200\n2026-11-01T00:00:03Z,stored_current,NaN\n"
        )
        answer = kado("import", "f.csv")
        assert answer.exit_code == 1
        assert "rows rejected: 3 of 4" in answer.err
        assert "a time without offset from UTC (line 3)" in answer.out
        assert "a signal that the facility does not have (line 4)" in answer.out
        assert "NaN or infinite (line 5)" in answer.out

    def test_json_tells_the_same(self, kado: Kado) -> None:
        kado("init")
        Path("f.csv").write_text("time,signal,value\n2026-11-01T00:00:00Z,stored_current,200\n")
        document = kado("import", "f.csv", "--format", "json").document
        assert (document["read"], document["stored"], document["rejected"]) == (1, 1, [])
        assert document["simulated"] is True
        again = kado("import", "f.csv", "--format", "json").document
        assert again["finished_before"] is not None

    def test_a_wide_file_is_read_by_the_columns_that_are_named(self, kado: Kado) -> None:
        kado("init")
        Path("f.csv").write_text("time_utc,ma\n2026-11-01T00:00:00Z,200\n")
        words = ["--signal", "stored_current", "--time-column", "time_utc", "--value-column", "ma", "--unit", "mA"]
        assert kado("import", "f.csv", *words).exit_code == 0

    def test_a_missing_column_is_named_with_the_option_to_give(self, kado: Kado) -> None:
        kado("init")
        Path("f.csv").write_text("zeit,value\n2026-11-01T00:00:00Z,200\n")
        answer = kado("import", "f.csv")
        assert answer.exit_code == 2
        assert "has no column 'time', 'signal'" in answer.err
        assert "--time-column NAME" in answer.err

    def test_while_the_service_runs_it_waits_for_nobody(self, kado: Kado) -> None:
        kado("init")
        Path("f.csv").write_text("time,signal,value\n2026-11-01T00:00:00Z,stored_current,200\n")
        with DirectoryLock(Path("data")):
            answer = kado("import", "f.csv")
        assert answer.exit_code == 3
        assert "is in use by the process with pid" in answer.err


class TestLedger:
    def test_it_balances_and_the_store_agrees(self, simulated: Kado) -> None:
        document = simulated("ledger", "--verify", "--format", "json").document
        (ring,) = document["sources"]
        assert ring["source"] == "ring"
        assert ring["received"] == ring["stored"] > 300_000
        assert document["differences"] == []
        assert "the embedded store agrees with the ledger" in simulated("ledger", "--verify").out

    def test_a_sample_that_vanished_is_found(self, simulated: Kado) -> None:
        connection = sqlite3.connect("data/telemetry.db")
        connection.execute("DELETE FROM sample WHERE time_ns = (SELECT min(time_ns) FROM sample) AND series_id = 1")
        connection.commit()
        connection.close()
        answer = simulated("ledger", "--verify")
        assert answer.exit_code == 1
        assert re.search(r"\d differences? between the ledger and the store", answer.err)
        assert "the ledger says" in answer.out


class TestStatus:
    def test_it_shows_the_newest_samples(self, simulated: Kado) -> None:
        document = simulated("status", "--format", "json").document
        assert document["running_pid"] is None
        assert document["signals"]["stored_current"]["time"] == "2026-11-13T23:59:59+09:00"
        assert document["signals"]["machine_mode"]["value"] == "user"
        out = simulated("status").out
        assert "kado is not running" in out
        assert "stored_current" in out

    def test_it_sees_that_the_service_runs(self, simulated: Kado) -> None:
        with DirectoryLock(Path("data")):
            assert simulated("status", "--format", "json").document["running_pid"] is not None


class TestCheck:
    def test_a_problem_has_a_remedy_and_ends_with_1(self, kado: Kado) -> None:
        kado("init")
        Path("kado.toml").write_text(Path("kado.toml").read_text().partition("[[source]]")[0])
        answer = kado("check")
        assert answer.exit_code == 1
        assert "PROBLEM  schedule" in answer.out
        assert "import one with 'kado schedule import FILE'" in answer.out

    def test_a_source_that_names_no_signal_delivers_all_of_them(self, kado: Kado) -> None:
        kado("init")
        checks = {check["what"]: check for check in kado("check", "--format", "json").document["checks"]}
        assert checks["source ring"]["detail"] == "in this process: reachable, all its signals"
        assert "delivery signal" not in checks

    def test_an_unreachable_broker_ends_with_3(self, simulated: Kado) -> None:
        Path("kado.toml").unlink()
        simulated("init", "--source", "mqtt")
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            text = Path("kado.toml").read_text().replace("localhost:1883", f"127.0.0.1:{nobody.getsockname()[1]}")
            Path("kado.toml").write_text(text)
            answer = simulated("check", "--format", "json")
        checks = {check["what"]: check for check in answer.document["checks"]}
        assert not checks["source ring"]["ok"]
        assert "cannot be reached" in checks["source ring"]["detail"]
        assert checks["data directory"]["ok"]
        assert answer.exit_code == (3 if checks["schedule"]["ok"] else 1)

    def test_another_facilitys_data_is_a_problem(self, simulated: Kado) -> None:
        Path("kado.toml").unlink()
        simulated("init", "--facility", "nanoterasu")
        answer = simulated("check")
        assert answer.exit_code == 1
        assert "belongs to facility 'nanoterasu_sim', not to 'nanoterasu'" in answer.out

    def test_wrong_configuration_ends_with_2(self, kado: Kado) -> None:
        Path("kado.toml").write_text('facilty = "x"')
        answer = kado("check")
        assert (answer.exit_code, answer.out) == (2, "")


class TestDefinitions:
    def test_all_that_come_with_kado_are_explained(self, kado: Kado) -> None:
        out = kado("definitions").out
        assert "sls: SLS operation statistics" in out
        assert "outages less than 60 min apart are one" in out
        assert "user time / (N + 1)" in out

    def test_ones_own_lie_beside_the_configuration(self, kado: Kado) -> None:
        Path("definitions").mkdir()
        shipped = kado("definitions", "sls", "--format", "json").document[0]
        text = 'id = "mine"\ntitle = { en = "Mine", ja = "私の" }\nreferences = ["me"]\n'
        Path("definitions/mine.toml").write_text(text)
        ids = [d["id"] for d in kado("definitions", "--format", "json").document]
        assert {"mine", shipped["id"]} <= set(ids)

    def test_an_unknown_one_is_named_with_those_that_there_are(self, kado: Kado) -> None:
        answer = kado("definitions", "slss")
        assert answer.exit_code == 2
        assert "no definition 'slss': use one of aps, cebaf," in answer.err


def test_the_schema_describes_every_table(kado: Kado) -> None:
    schema = kado("schema").document
    assert set(schema["properties"]) == {"facility", "data_dir", "store", "landing", "schedule", "page", "source"} | {
        "metrics",
        "publish",
        "alarms",
        "report",
    }
    assert {"MqttSource", "SimulatorSource", "InfluxSettings"} <= set(schema["$defs"])
    assert schema["additionalProperties"] is False


class TestErrors:
    def test_there_is_one_message_and_no_traceback(self, kado: Kado) -> None:
        answer = kado("status")
        assert (answer.exit_code, answer.out) == (2, "")
        assert answer.err.count("\n") == 1
        assert answer.err.startswith("kado: no configuration at ")

    def test_debug_adds_the_traceback(self, kado: Kado) -> None:
        answer = kado("status", "--debug")
        assert answer.exit_code == 2
        assert "Traceback" in answer.err
        assert answer.err.rstrip().splitlines()[-1].startswith("kado: no configuration at ")

    def test_a_defect_calls_itself_one(self, kado: Kado, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kado.cli.status.load_configuration", lambda _: 1 / 0)
        answer = kado("status")
        assert answer.exit_code == 1
        assert (
            answer.err
            == "kado: a defect in kado: ZeroDivisionError: division by zero; please report it with what --debug shows\n"
        )

    def test_wrong_use_ends_with_2(self, kado: Kado) -> None:
        assert kado("availability").exit_code == 2
        assert kado("availabilty").exit_code == 2
        assert kado("status", "--format", "xml").exit_code == 2

    def test_a_service_without_sources_is_wrong_configuration(self, kado: Kado) -> None:
        Path("kado.toml").write_text('facility = "nanoterasu"')
        answer = kado("run")
        assert answer.exit_code == 2
        assert "has no source: add a [[source]] table" in answer.err

    def test_a_telemetry_file_of_a_newer_kado_is_refused_with_the_remedy(self, simulated: Kado) -> None:
        connection = sqlite3.connect("data/telemetry.db")
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        answer = simulated("status")
        assert answer.exit_code == 2
        assert "has format version 99" in answer.err
        assert "update kado" in answer.err

    def test_a_folder_that_cannot_be_written_is_a_problem_of_configuration(self, kado: Kado) -> None:
        kado("init")
        Path("data").write_text("a file")
        answer = kado("check")
        assert answer.exit_code == 1
        assert "data cannot be written" in answer.out


def test_every_table_of_a_simulated_facility_says_so(simulated: Kado) -> None:
    period = "2026-11-12"
    for words in (
        ["availability", "-p", period],
        ["events", "-p", period],
        ["status"],
        ["ledger"],
        ["schedule", "show"],
        ["verify", "key.json"],
        ["check"],
    ):
        assert "SIMULATED" in simulated(*words).out, words
        if words != ["check"]:
            assert simulated(*words, "--format", "json").document["simulated"] is True, words


def test_a_real_facility_is_never_called_simulated(simulated: Kado) -> None:
    shutil.rmtree("data")
    Path("kado.toml").unlink()
    simulated("init", "--facility", "nanoterasu")
    assert "SIMULATED" not in simulated("schedule", "show").out


def test_an_import_that_is_interrupted_says_where_it_goes_on(
    kado: Kado, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kado("init")
    rows = "".join(f"2026-11-01T00:{i // 60:02}:{i % 60:02}Z,stored_current,200\n" for i in range(600))
    Path("f.csv").write_text(f"time,signal,value\n{rows}")
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 4000)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Bar, "advance_to", interrupt)
        with pytest.raises(KeyboardInterrupt):
            import_samples(load_configuration(), Path("f.csv"), Layout(), system_clock, again=False)
    (said,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("kado: interrupted")]
    line = said.partition("up to line or row ")[2].partition(" ")[0]
    assert said == f"kado: interrupted: up to line or row {line} all is stored; run the same command again to continue"
    out = kado("import", "f.csv").out
    assert f"resumed after line {line}, where it was interrupted" in out


def test_a_look_at_the_first_rows_stores_nothing(kado: Kado) -> None:
    kado("init")
    Path("f.csv").write_text('"Time","Current"\n2026-04-01 09:00:00,200 mA\n2026-04-01 09:00:01,0.2 A\n')
    words = ["import", "f.csv", "--signal", "stored_current", "--time-zone", "Asia/Tokyo"]
    answer = kado(*words, "--dry-run")
    assert answer.exit_code == 0
    assert "form: Grafana CSV export; time from 'Time', value from 'Current'" in answer.out
    assert "2026-04-01 09:00:00+09:00" in answer.out
    assert "value '0.2 A': a value of another type than the signal's" in answer.out
    assert not Path("data").exists()
    document = kado(*words, "--dry-run", "--format", "json").document
    assert [row["value"] for row in document["rows"]] == ["200.0", ""]
    answer = kado(*words)
    assert answer.exit_code == 1
    assert "form: Grafana CSV export" in answer.out
    assert "value '0.2 A'" in answer.out


def test_names_of_another_program_are_mapped_to_signals(kado: Kado) -> None:
    kado("init")
    Path("f.csv").write_text("time,signal,value\n2026-04-01T09:00:00Z,SR:I,200\n2026-04-01T09:00:00Z,SR=MODE,user\n")
    answer = kado("import", "f.csv", "--map", "SR:I=stored_current", "--map", "SR=MODE=machine_mode")
    assert answer.exit_code == 0, answer.err
    assert kado("import", "f.csv", "--map", "stored_current").exit_code == 2
