"""What stands beside a figure: corrections and what each changes, late calendar versions, warnings."""

from pathlib import Path

import pytest

from command_line import Answer, Kado
from facility.schedule import Block, Category, ScheduleVersion
from facility.time import NS_PER_DAY, format_time, parse_time
from kado.config import load_configuration
from kado.service.importing import add_versions
from seeded_ring import DAY, time_of_day

SIGNED = ("--reason", "logbook", "--author", "Sato")


def correct(kado: Kado, *words: str) -> Answer:
    return kado("correct", *words, *SIGNED)


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
        assert "excluded: grid" in seeded("events", "-p", DAY).out


class TestBeforeACorrectionIsWritten:
    def test_it_is_shown_what_it_will_change(self, seeded: Kado) -> None:
        answer = correct(seeded, "up", *during("02:00", "03:30"), "--yes")
        assert "Will change: delivered +5,400 s, no beam -5,400 s, failures -1" in answer.out
        preview = correct(seeded, "down", *during("12:00", "12:10"), "--yes", "--format", "json").document["preview"]
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
        document = correct(seeded, "sensor-fault", "--sample", time_of_day("08:00"), "--format", "json").document
        assert parse_time(document["end"]) - parse_time(document["start"]) == 1

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
        assert "this repeats #1 up" in answer.err

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
    assert "Recorded late" in out
    # As published before that date it is as it was.
    day_before = format_time(start - 61 * NS_PER_DAY)
    earlier = seeded("availability", "-p", DAY, "--as-published-on", day_before, "--format", "json").document
    assert earlier["accounts_s"] == before["accounts_s"]
