"""The alarm engine's state file, and alarms in the journal."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from facility.alarms import Action, ActionKind, AlarmState, Cause, Priority, Refusal, RefusalReason, Transition
from facility.errors import ConfigError
from storage.journal.alarms import (
    AlarmJournal,
    Watch,
    read_transition,
    refusal_row,
    transition_row,
    watch_row,
)
from storage.telemetry_db.alarms import AlarmStateFile, read_alarm_state

ROW = Transition(
    time_ns=5,
    alarm="a",
    from_state=AlarmState.NORMAL,
    to_state=AlarmState.UNACKED,
    cause=Cause.RAISED,
    seq=1,
    occurrence=1,
    priority=Priority.HIGH,
    class_="beam",
    annunciated=True,
    since_ns=3,
    value=1.5,
    limit_value=2.0,
)


def test_state_and_outgoing_rows_are_written_together_and_read_beside_the_writer(tmp_path: Path) -> None:
    with AlarmStateFile.open(tmp_path, "ring", "embedded", 0) as file:
        file.commit({"engine": "1", "alarm a": "2"}, outgoing=[("transition", "{}")])
        file.commit({"engine": "3"}, gone=["alarm a"], outgoing=[("watch", "{}")])
        assert file.read() == {"engine": "3"}
        state, outgoing = read_alarm_state(tmp_path, "ring")
        assert state == {"engine": "3"}
        assert [row.kind for row in outgoing] == ["transition", "watch"]
        file.forget(outgoing[0].id)
        assert [row.kind for row in file.outgoing()] == ["watch"]


def test_nothing_is_written_where_one_part_of_a_commit_fails(tmp_path: Path) -> None:
    with AlarmStateFile.open(tmp_path, "ring", "embedded", 0) as file:
        with pytest.raises(Exception, match="NOT NULL"):
            file.commit({"engine": "1"}, outgoing=[("transition", None)])  # type: ignore[list-item]  # a wrong value: this is tested
        assert (file.read(), file.outgoing()) == ({}, [])


def test_state_of_a_facility_that_never_ran_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing was collected there yet"):
        read_alarm_state(tmp_path, "ring")


def test_rows_that_are_copied_again_are_passed_over(tmp_path: Path) -> None:
    rows = [
        ("transition", transition_row(ROW, "f1")),
        ("refusal", refusal_row(Refusal(7, "a", ActionKind.ACK, RefusalReason.NO_AUTHOR, 4))),
        ("watch", watch_row(Watch("hole", 1, 2))),
    ]
    with AlarmJournal.open(tmp_path / "journal.db", "ring", lambda: 9) as journal:
        number = journal.add_rules("f1", "rules")
        assert journal.add_rules("f1", "rules") == number
        journal.add_rows(rows)
        journal.add_rows(rows)
        assert journal.transitions() == (ROW,)
        assert journal.refusals([4, 5]) == {4: RefusalReason.NO_AUTHOR}
        assert journal.watches() == (Watch("hole", 1, 2),)
    with AlarmJournal.open(tmp_path / "journal.db", "other") as journal:
        assert journal.transitions() == ()


def test_transitions_are_found_by_time_and_alarm(tmp_path: Path) -> None:
    with AlarmJournal.open(tmp_path / "journal.db", "ring") as journal:
        journal.add_rows([("transition", transition_row(ROW, "none"))])
        assert journal.transitions(5, 6) == (ROW,)
        assert journal.transitions(6, None) == journal.transitions(None, 5) == ()
        assert journal.transitions(alarm="b") == ()


def test_what_lasts_is_found_from_where_it_began(tmp_path: Path) -> None:
    def row(alarm: str, seq: int, time_ns: int, state: AlarmState) -> Transition:
        return replace(ROW, alarm=alarm, seq=seq, time_ns=time_ns, to_state=state)

    rows = [
        row("a", 1, 1, AlarmState.UNACKED),
        row("a", 2, 2, AlarmState.RTN_UNACKED),
        row("a", 3, 3, AlarmState.UNACKED),
        row("a", 4, 4, AlarmState.ACKED),
        row("a", 5, 10, AlarmState.NORMAL),
        row("b", 1, 5, AlarmState.SHELVED),
        row("c", 1, 6, AlarmState.OUT_OF_SERVICE),
        row("d", 1, 7, AlarmState.UNACKED),
        row("d", 2, 9, AlarmState.NORMAL),
    ]
    with AlarmJournal.open(tmp_path / "journal.db", "other") as journal:
        journal.add_rows([("transition", transition_row(replace(ROW, time_ns=1), "none"))])
    with AlarmJournal.open(tmp_path / "journal.db", "ring") as journal:
        journal.add_rows([("transition", transition_row(r, "none")) for r in rows])
        assert journal.lasting(10) == (rows[2], rows[3], rows[5], rows[6])
        assert journal.lasting(11) == (rows[5], rows[6])
        assert journal.lasting(1) == ()


def test_a_transition_reads_back_from_its_json() -> None:
    assert read_transition(transition_row(ROW, "f1")) == ROW
    assert json.loads(transition_row(ROW, "f1"))["rules"] == "f1"


def test_actions_get_their_number_and_their_time_from_the_journal(tmp_path: Path) -> None:
    with AlarmJournal.open(tmp_path / "journal.db", "ring", lambda: 42) as journal:
        first = journal.add_actions([Action("a", ActionKind.SHELVE, "mori", 0, "test", until_ns=99, once=True)])
        second = journal.add_actions([Action("b", ActionKind.ACK, "mori", 0, occurrence=3)])
        assert [(a.id, a.recorded_at_ns) for a in (*first, *second)] == [(1, 42), (2, 42)]
        assert journal.actions() == (*first, *second)
        assert journal.actions(after_id=1) == tuple(second)
