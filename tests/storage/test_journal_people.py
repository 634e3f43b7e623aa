"""Accounts of the page and shifts that were handed over, in the journal."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from facility.accounts import AccountAction, AccountChange, Role
from facility.errors import AccountError, DamagedDataError, HandoverError
from facility.handovers import LONGEST_REMARK, Handover, ShiftRemark
from storage.journal.people import PeopleJournal

FORMATS = Path(__file__).parent / "formats"
SATO = AccountChange(0, "sato", AccountAction.ADDED, "root", 0, Role.OPERATOR, "hash-1")
SHIFT = Handover(0, 10, 20, "sato", "all well", 0, "digest", {"shift": {"name": "夜勤"}})


@pytest.fixture
def people(tmp_path: Path) -> Iterator[PeopleJournal]:
    ticks = iter(range(100, 10_000))
    with PeopleJournal.open(tmp_path / "journal.db", "ring", lambda: next(ticks)) as journal:
        yield journal


def test_an_account_is_what_its_changes_come_to(people: PeopleJournal) -> None:
    people.change_account(SATO)
    people.change_account(replace(SATO, action=AccountAction.ROLE, role=Role.MANAGER, password_hash=None))
    people.change_account(replace(SATO, action=AccountAction.PASSWORD, role=None, password_hash="hash-2"))
    (found,) = people.accounts().values()
    assert (found.role, found.password_hash, found.revision) == (Role.MANAGER, "hash-2", 3)
    assert found.created_at_ns < found.changed_at_ns
    people.change_account(replace(SATO, action=AccountAction.REMOVED))
    assert people.accounts() == {}
    assert [c.action.value for c in people.account_changes()] == ["added", "role", "password", "removed"]


def test_an_account_comes_once_whatever_its_case(people: PeopleJournal) -> None:
    people.change_account(SATO)
    with pytest.raises(AccountError, match="already"):
        people.change_account(replace(SATO, name="SATO"))
    with pytest.raises(AccountError, match="no account 'kato'; accounts: sato"):
        people.change_account(replace(SATO, name="kato", action=AccountAction.REMOVED))
    assert len(people.account_changes()) == 1


@pytest.mark.parametrize("name", ["", " ", "a b", "../etc", "a\nb", "<b>", "x" * 65, 'a"b'])
def test_a_name_that_breaks_logs_or_markup_is_refused(people: PeopleJournal, name: str) -> None:
    with pytest.raises(AccountError, match="cannot be the name"):
        people.change_account(replace(SATO, name=name))
    assert people.account_changes() == ()


def test_a_shift_is_handed_over_once_and_countersigned_by_another_person(people: PeopleJournal) -> None:
    remark = people.add_remark(ShiftRemark(0, 10, "sato", "  vacuum a little high\r\nin cell 3 ", 0))
    assert remark.text == "vacuum a little high\nin cell 3"
    made = people.sign(SHIFT)
    with pytest.raises(HandoverError, match="handed over already, by sato"):
        people.sign(replace(SHIFT, author="kato"))
    with pytest.raises(HandoverError, match="another person must countersign it"):
        people.countersign(made.id, "Sato")
    signed = people.countersign(made.id, "kato", "read")
    assert signed.countersigned is not None
    with pytest.raises(HandoverError, match="countersigned already, by kato"):
        people.countersign(made.id, "mori")
    with pytest.raises(HandoverError, match="no handover #7"):
        people.countersign(7, "mori")
    assert people.handovers() == (signed,)
    assert signed.document == SHIFT.document
    assert people.remarks(10) == (remark,)
    with pytest.raises(HandoverError, match="was handed over"):
        people.add_remark(replace(remark, text="one more"))


@pytest.mark.parametrize("text", ["", " \n ", "x" * (LONGEST_REMARK + 1)])
def test_a_remark_says_something_and_is_not_endless(people: PeopleJournal, text: str) -> None:
    with pytest.raises(HandoverError, match="remark"):
        people.add_remark(ShiftRemark(0, 10, "sato", text, 0))
    assert people.remarks(10) == ()


def test_a_shift_that_has_not_begun_is_not_handed_over(people: PeopleJournal) -> None:
    with pytest.raises(HandoverError, match="has not begun"):
        people.sign(replace(SHIFT, shift_start_ns=1_000_000, shift_end_ns=2_000_000))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE account_change SET role = 'manager'",
        "UPDATE handover SET remarks = 'nothing happened'",
        "UPDATE countersignature SET author = 'mori'",
        "UPDATE shift_remark SET author = 'mori'",
    ],
)
def test_a_row_that_has_changed_on_the_disk_is_named(people: PeopleJournal, tmp_path: Path, change: str) -> None:
    people.change_account(SATO)
    people.add_remark(ShiftRemark(0, 10, "sato", "vacuum high", 0))
    people.countersign(people.sign(SHIFT).id, "kato")
    with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
        connection.execute(change)
    with pytest.raises(DamagedDataError, match="is not what was recorded"):
        _ = (people.accounts(), people.handovers(), people.remarks(10))


def test_a_journal_of_the_sixth_revision_takes_accounts_and_handovers(tmp_path: Path) -> None:
    shutil.copy(FORMATS / "journal-0006.db", tmp_path / "old.db")
    with PeopleJournal.open(tmp_path / "old.db", "ring") as people:
        assert people.change_account(SATO).id == 1
        assert people.sign(SHIFT).id == 1
