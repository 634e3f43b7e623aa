"""What stands beside a figure: corrections and what each changes, late calendar versions, warnings."""

from pathlib import Path

import numpy as np
import pytest

from command_line import Answer, Kado
from facility.batch import Batch
from facility.schedule import Block, Category, ScheduleVersion
from facility.time import NS_PER_DAY, NS_PER_S, format_time, parse_time, system_clock
from kado.config import load_configuration
from kado.service.importing import add_versions
from seeded_ring import DAY, time_of_day
from storage.embedded.store import EmbeddedStore

SIGNED = ("--reason", "logbook", "--author", "Sato")


def correct(kado: Kado, *words: str) -> Answer:
    return kado("correct", *words, "--yes", *SIGNED)


def during(start: str, end: str) -> tuple[str, ...]:
    return "--from", time_of_day(start), "--to", time_of_day(end)


class TestCorrections:
    def test_those_in_force_are_listed_with_what_each_changes(self, seeded: Kado) -> None:
        correct(seeded, "up", *during("02:00", "03:30"))
        document = seeded("availability", "-p", DAY, "--format", "json").document
        (listed,) = document["corrections"]
        assert (listed["assertion"], listed["author"], listed["reason"]) == ("up", "Sato", "logbook")
        changes = listed["changes"]
        assert (changes["delivered_s"], changes["no_beam_s"], changes["failures"]) == (5_400, -5_400, -1)
        assert seeded("events", "-p", DAY, "--format", "json").document["corrections"] == document["corrections"]
        out = seeded("availability", "-p", DAY).out
        assert "Corrections in force" in out

    def test_of_another_day_none_is_listed(self, seeded: Kado) -> None:
        correct(seeded, "up", *during("02:00", "03:30"))
        assert seeded("availability", "-p", "2025-05-14", "--format", "json").document["corrections"] == []

    def test_an_event_says_that_it_is_excluded(self, seeded: Kado) -> None:
        correct(seeded, "excluded", "--category", "grid", *during("02:10", "02:40"))
        seeded("correct", "confirm", "1", "--author", "Mori")
        (event, *_) = seeded("events", "-p", DAY, "--format", "json").document["events"]
        assert event["notes"] == ["excluded: grid"]
        assert "excluded: power grid" in seeded("events", "-p", DAY).out


class TestBeforeACorrectionIsWritten:
    def test_it_is_shown_what_it_will_change(self, seeded: Kado) -> None:
        answer = correct(seeded, "up", *during("02:00", "03:30"))
        assert "Will change: delivered +5,400 s, no beam -5,400 s, failures -1" in answer.out
        preview = correct(seeded, "down", *during("12:00", "12:10"), "--format", "json").document["preview"]
        assert (preview["changes"]["no_beam_s"], preview["changes"]["failures"]) == (600, 1)

    def test_an_event_may_be_named_by_its_id(self, seeded: Kado) -> None:
        (event, *_) = seeded("events", "-p", DAY, "--format", "json").document["events"]
        document = correct(seeded, "up", "--event", event["id"], "--format", "json").document
        assert (document["start"], document["end"]) == (event["start"], event["end"])

    def test_an_id_that_there_is_not_is_refused(self, seeded: Kado) -> None:
        answer = correct(seeded, "up", "--event", "ring-no_beam-20250513T000001Z")
        assert answer.exit_code == 2
        assert "there is no event" in answer.err

    def test_a_single_sample_can_be_taken_out(self, seeded: Kado) -> None:
        # One sample at 0 in the middle of the afternoon, which holds for 5 s: an event of one sample.
        Path("one.csv").write_text(f"time,signal,value\n{time_of_day('15:30')[:-8]}05+09:00,current,0\n")
        assert seeded("import", "one.csv").exit_code == 0
        figures = ("availability", "-p", DAY, "--format", "json")
        assert seeded(*figures).document["accounts_s"]["no_beam"] == 5_400 + 5
        sample = time_of_day("15:30")[:-8] + "05+09:00"
        document = correct(seeded, "sensor-fault", "--sample", sample, "--format", "json").document
        assert parse_time(document["end"]) - parse_time(document["start"]) == 1
        assert seeded(*figures).document["accounts_s"]["no_beam"] == 5_400

    def test_a_time_with_neither_sample_nor_plan_is_refused(self, seeded: Kado) -> None:
        answer = correct(seeded, "up", "--from", "2023-01-01T00:00:00Z", "--to", "2023-01-01T01:00:00Z")
        assert answer.exit_code == 2
        assert "neither a sample of current nor a plan" in answer.err
        assert seeded("correct", "list", "--format", "json").document["corrections"] == []

    def test_a_time_with_a_plan_and_no_sample_is_warned_of(self, seeded: Kado) -> None:
        times = ("--from", "2025-05-14T12:00:00+09:00", "--to", "2025-05-14T12:30:00+09:00")
        assert "the store holds no sample of current" in correct(seeded, "down", *times).out.replace("\n", " ")

    def test_a_repetition_is_called_one(self, seeded: Kado) -> None:
        correct(seeded, "up", *during("02:00", "03:30"))
        answer = correct(seeded, "up", *during("02:00", "03:30"))
        assert answer.exit_code == 2
        # In the facility's own time, as it was typed.
        assert "#1 up 2025-05-13T02:00:00+09:00 to 2025-05-13T03:30:00+09:00 by Sato is in force" in answer.err

    @pytest.mark.parametrize("output", ["table", "json"])
    def test_without_a_terminal_it_is_shown_and_not_written_unless_yes_is_said(self, seeded: Kado, output: str) -> None:
        words = ("correct", "up", *during("02:00", "03:30"), *SIGNED, "--format", output)
        answer = seeded(*words)
        assert answer.exit_code == 2
        assert "nothing was written" in answer.err
        assert "--yes" in answer.err
        if output == "json":
            assert answer.document["changes"]["no_beam_s"] == -5_400
        else:
            assert "Will change: delivered +5,400 s, no beam -5,400 s, failures -1" in answer.out
        assert seeded("correct", "list", "--format", "json").document["corrections"] == []
        assert seeded(*words, "--yes").exit_code == 0

    @pytest.mark.parametrize("words", [(), ("--from", "2025-05-13T00:00:00Z"), ("--event", "x", "--sample", "y")])
    def test_one_way_to_name_the_time_is_asked_for(self, seeded: Kado, words: tuple[str, ...]) -> None:
        assert "--event ID" in correct(seeded, "up", *words).err


def test_a_shutdown_recorded_long_after_the_date_that_it_states_stands_beside_the_figure_without_it(
    seeded: Kado,
) -> None:
    before = seeded("availability", "-p", DAY, "--format", "json").document
    start = parse_time("2025-05-13T02:00:00+09:00")
    shutdown = Block(start, parse_time("2025-05-13T03:30:00+09:00"), Category.SHUTDOWN)
    back = ScheduleVersion.of(start - 60 * NS_PER_DAY, [shutdown])
    add_versions(load_configuration(Path("kado.toml")), (back,), "test")
    document = seeded("availability", "-p", DAY, "--format", "json").document
    assert document["accounts_s"]["no_beam"] == 0
    late = {parse_time(v["published_at"]): v for v in document["without_back_dated_versions"]}
    without = late[start - 60 * NS_PER_DAY]
    assert (without["availability_pct"], without["failures"]) == (before["figures"]["availability_pct"], 1)
    out = seeded("availability", "-p", DAY).out
    out = " ".join(out.split())
    assert "were recorded late, after time that they plan. " in out
    assert "published 2025-03-14, recorded " in out
    # As published before that date it is as it was.
    day_before = format_time(start - 61 * NS_PER_DAY)
    earlier = seeded("availability", "-p", DAY, "--as-published-on", day_before, "--format", "json").document
    assert earlier["accounts_s"] == before["accounts_s"]


def test_as_known_on_a_date_after_all_samples_came_says_nothing_of_them(seeded: Kado) -> None:
    words = ("availability", "-p", DAY, "--as-known-on", format_time(system_clock() + 3_600 * NS_PER_S))
    assert seeded(*words, "--format", "json").document["late_samples"]["samples"] == 0
    assert "Samples are those of today" not in seeded(*words).out
    assert seeded("availability", "-p", DAY, "--format", "json").document["late_samples"] is None


def test_as_known_on_says_what_share_of_the_samples_arrived_later(seeded: Kado) -> None:
    configuration = load_configuration(Path("kado.toml"))
    known_ns = system_clock() + 60 * NS_PER_S
    times = parse_time(time_of_day("12:00")) + np.arange(1_000, dtype=np.int64) + 1
    late = Batch.build(
        "ring", ("current",), np.zeros(1_000), times, value=np.full(1_000, 200.0), arrival_ns=times * 0 + known_ns + 1
    )
    store = EmbeddedStore(configuration.data_dir, "ring", read_only=False)
    store.write(late)
    store.close()
    words = ("-p", DAY, "--as-known-on", format_time(known_ns))
    found = seeded("availability", *words, "--format", "json").document["late_samples"]
    assert found["samples"] == 1_000
    assert found["share_pct"] == 100 * 1_000 / found["of"]
    for command in ("availability", "events"):
        text = " ".join(seeded(command, *words).out.split())
        assert f"of them in the period (1,000 of {found['of']:,}) arrived after" in text
        assert "As known on" in text
