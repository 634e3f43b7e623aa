"""The journal's corrections and incidents: append-only, checked where they are written, as known at any time."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from facility.corrections import Assertion, Correction, Exclusion
from facility.errors import CorrectionError, IncidentError, SlugError
from facility.incidents import Incident
from facility.schedule import Block, Category, ScheduleVersion
from facility.time import NS_PER_H
from storage.journal.journal import Journal
from storage.journal.schema import REVISIONS

FORMATS = Path(__file__).parent / "formats"


def said(assertion: Assertion, start_h: int, end_h: int, author: str = "Sato") -> Correction:
    return Correction(0, start_h * NS_PER_H, end_h * NS_PER_H, assertion, author, "logbook", 0, "page 12")


def broken(system: str = "rf", **changes: object) -> Incident:
    return replace(Incident(0, 10, 20, system, "klystron 2", "arc", "Sato", 0), **changes)


class Ticking:
    """A clock that is one further each time it is read."""

    def __init__(self) -> None:
        self.now = 100

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_a_correction_comes_back_as_it_was_said_with_an_id_and_a_time(path: Path) -> None:
    excluded = replace(said(Assertion.EXCLUDED, 1, 2), category=Exclusion.GRID)
    reduced = replace(said(Assertion.REDUCED, 1, 2), limit=150.5)
    with Journal.open(path, Ticking()) as journal:
        first, second = journal.add_correction(excluded), journal.add_correction(reduced)
    assert (first.id, first.recorded_at_ns, second.id, second.recorded_at_ns) == (1, 101, 2, 102)
    with Journal.open(path) as journal:
        assert journal.corrections() == (first, second)
    assert replace(first, id=0, recorded_at_ns=0) == excluded
    assert replace(second, id=0, recorded_at_ns=0) == reduced


def test_one_that_contradicts_names_both_and_is_not_written(path: Path) -> None:
    with Journal.open(path, Ticking()) as journal:
        journal.add_correction(said(Assertion.UP, 1, 3))
        with pytest.raises(CorrectionError, match=r"down 1970-01-01T02.* contradicts #1 up 1970-01-01T01.* by Sato"):
            journal.add_correction(said(Assertion.DOWN, 2, 4))
        with pytest.raises(CorrectionError, match="must end after its start"):
            journal.add_correction(said(Assertion.DOWN, 9, 8))
        assert [c.assertion for c in journal.corrections()] == [Assertion.UP]


def test_what_was_withdrawn_contradicts_nothing_any_more_and_stays_on_record(path: Path) -> None:
    with Journal.open(path, Ticking()) as journal:
        up = journal.add_correction(said(Assertion.UP, 1, 3))
        assert journal.withdraw(1, "Kato", "wrong page") == up
        down = journal.add_correction(said(Assertion.DOWN, 2, 4))
        assert journal.corrections() == (up, down)
        (withdrawal,) = journal.withdrawals()
        assert (withdrawal.correction_id, withdrawal.author, withdrawal.reason) == (1, "Kato", "wrong page")
        assert journal.corrections_by_standing()[0] == (down,)


def test_any_past_state_can_be_shown(path: Path) -> None:
    with Journal.open(path, Ticking()) as journal:
        up = journal.add_correction(said(Assertion.UP, 1, 3))
        journal.withdraw(1, "Kato", "wrong page")
        arc = journal.add_incident(broken())
        down = journal.add_correction(said(Assertion.DOWN, 2, 4))
        assert [journal.corrections_by_standing(t)[0] for t in (100, 101, 102, 103, 104)] == [
            (),
            (up,),
            (),
            (),
            (down,),
        ]
        assert [journal.incidents(t) for t in (102, 103, None)] == [(), (arc,), (arc,)]


@pytest.mark.parametrize(
    ("number", "author", "reason", "expected"),
    [
        (7, "Kato", "wrong page", r"there is no correction #7: the journal holds 2, see 'kado correct list'"),
        (1, "Kato", "again", r"#1 was withdrawn already, by Kato on 1970-01-01T00:00:00Z: wrong page"),
        (2, " ", "wrong page", "a withdrawal needs an author and a reason"),
        (2, "Kato", "", "a withdrawal needs an author and a reason"),
    ],
)
def test_a_withdrawal_that_cannot_be_says_why(path: Path, number: int, author: str, reason: str, expected: str) -> None:
    with Journal.open(path, Ticking()) as journal:
        journal.add_correction(said(Assertion.UP, 1, 3))
        journal.add_correction(said(Assertion.UP, 5, 6))
        journal.withdraw(1, "Kato", "wrong page")
        with pytest.raises(CorrectionError, match=expected):
            journal.withdraw(number, author, reason)
        assert len(journal.withdrawals()) == 1


def test_incidents_may_overlap_and_come_back_as_they_were(path: Path) -> None:
    both = [broken(root_cause=True, cause_text="worn", resolution="replaced"), broken("vacuum", start_ns=15)]
    with Journal.open(path, Ticking()) as journal:
        recorded = tuple(journal.add_incident(i) for i in both)
        assert journal.incidents() == recorded
    assert [replace(i, id=0, recorded_at_ns=0) for i in recorded] == both


@pytest.mark.parametrize(
    ("incident", "error", "expected"),
    [
        (broken(end_ns=10), IncidentError, "an incident must end after its start"),
        (broken("RF cavity"), SlugError, "system 'RF cavity' is not a slug"),
        (broken("recovery"), IncidentError, "'recovery' stands for time that no incident covers"),
        (broken(title=" "), IncidentError, "an incident needs a title"),
        (broken(component=""), IncidentError, "an incident needs a component"),
        (broken(author=""), IncidentError, "an incident needs an author"),
    ],
)
def test_an_incident_that_says_nothing_is_refused(
    path: Path, incident: Incident, error: type[Exception], expected: str
) -> None:
    with Journal.open(path) as journal:
        with pytest.raises(error, match=expected):
            journal.add_incident(incident)
        assert journal.incidents() == ()


WRITER = """
import sys
from facility.corrections import Assertion, Correction
from facility.errors import CorrectionError
from storage.journal.journal import Journal
from storage.journal.schema import REVISIONS

path, assertion = sys.argv[1:]
with Journal.open(path) as journal:
    print("ready", flush=True)
    sys.stdin.readline()
    won = []
    for n in range(20):
        new = Correction(0, 10 * n, 10 * n + 5, Assertion(assertion), assertion, "seen", 0)
        try:
            journal.add_correction(new)
            won.append(n)
        except CorrectionError:
            pass
print(*won)
"""


def test_of_two_processes_that_contradict_each_other_exactly_one_wins(path: Path) -> None:
    Journal.open(path).close()
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen([*command, word], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for word in ("up", "down")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    answers = [writer.communicate(timeout=120)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    won = [int(n) for answer in answers for n in answer.split()]
    assert sorted(won) == list(range(20))
    with Journal.open(path) as journal:
        assert len(journal.corrections()) == 20


def test_a_journal_of_the_first_revision_is_upgraded_and_keeps_what_it_held(path: Path) -> None:
    shutil.copy(FORMATS / "journal-0001.db", path)
    blocks = Block(10, 20, Category.USER, ("shared",), "2025A", "first"), Block(20, 30, Category.STUDY)
    with Journal.open(path, Ticking()) as journal:
        assert journal.schedule_versions() == (ScheduleVersion(100, blocks),)
        assert journal.add_correction(said(Assertion.UP, 1, 2)).id == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISIONS[-1],)]


def test_a_journal_of_the_second_revision_is_upgraded_and_its_incidents_can_be_withdrawn(path: Path) -> None:
    shutil.copy(FORMATS / "journal-0002.db", path)
    with Journal.open(path, Ticking()) as journal:
        (up,) = journal.corrections()
        assert (up.assertion, up.author, journal.corrections_by_standing()[0]) == (Assertion.UP, "Sato", ())
        (arc,) = journal.incidents()
        assert (arc.system, arc.component, arc.recorded_at_ns) == ("rf", "klystron 2", 103)
        assert journal.withdraw_incident(arc.id, "Kato", "another machine's") == arc
        assert journal.incidents() == ()


class TestIncidentsTakenBack:
    def test_one_that_is_withdrawn_stays_on_record_and_any_past_state_can_be_shown(self, path: Path) -> None:
        with Journal.open(path, Ticking()) as journal:
            arc = journal.add_incident(broken())
            assert journal.withdraw_incident(arc.id, "Kato", "another machine's") == arc
            assert [journal.incidents(t) for t in (100, 101, 102, None)] == [(), (arc,), (), ()]
            ((listed, withdrawal),) = journal.all_incidents()
            assert withdrawal is not None
            assert (listed, withdrawal.author, withdrawal.replaced_by) == (arc, "Kato", None)

    def test_one_may_be_replaced_in_one_step(self, path: Path) -> None:
        with Journal.open(path, Ticking()) as journal:
            arc = journal.add_incident(broken())
            better = journal.add_incident(broken("vacuum"), replaces=arc.id, reason="it was a leak")
            assert journal.incidents() == (better,)
            assert [w and w.replaced_by for _, w in journal.all_incidents()] == [better.id, None]

    @pytest.mark.parametrize(
        ("number", "author", "reason", "expected"),
        [
            (7, "Kato", "no", r"there is no incident #7: the journal holds 3, see 'kado incident list'"),
            (
                1,
                "Kato",
                "again",
                r"#1 was withdrawn already, by Sato on 1970-.*: it was a leak; #2 replaces it",
            ),
            (3, "", "no", "a withdrawal needs an author and a reason"),
            (3, "Kato", " ", "a withdrawal needs an author and a reason"),
        ],
    )
    def test_what_cannot_be_withdrawn_says_why(
        self, path: Path, number: int, author: str, reason: str, expected: str
    ) -> None:
        with Journal.open(path, Ticking()) as journal:
            journal.add_incident(broken())
            journal.add_incident(broken("vacuum"), replaces=1, reason="it was a leak")
            journal.add_incident(broken("timing"))
            with pytest.raises(IncidentError, match=expected):
                journal.withdraw_incident(number, author, reason)
            assert [i.id for i in journal.incidents()] == [2, 3]

    def test_one_that_replaces_nothing_is_not_recorded(self, path: Path) -> None:
        with Journal.open(path, Ticking()) as journal:
            with pytest.raises(IncidentError, match="there is no incident #1: the journal holds 0"):
                journal.add_incident(broken(), replaces=1, reason="it was a leak")
            assert journal.all_incidents() == ()


class TestConfirmations:
    def excluded(self, start_ns: int = 10, end_ns: int = 20) -> Correction:
        return replace(said(Assertion.EXCLUDED, start_ns, end_ns), category=Exclusion.GRID)

    def test_an_exclusion_counts_from_when_another_person_confirmed_it(self, path: Path) -> None:
        with Journal.open(path, Ticking()) as journal:
            made = journal.add_correction(self.excluded())
            assert journal.corrections_by_standing() == ((), (made,))
            assert journal.confirm(made.id, "Kato", "power company") == made
            (confirmed,) = journal.confirmations()
            assert (confirmed.author, confirmed.remark) == ("Kato", "power company")
            assert journal.corrections_by_standing() == ((made,), ())
            before = confirmed.recorded_at_ns - 1
            assert journal.corrections_by_standing(before) == ((), (made,))

    @pytest.mark.parametrize("name", ["Sato", " sato ", "ＳＡＴＯ", ""])
    def test_its_author_cannot_confirm_it_whatever_way_the_name_is_written(self, path: Path, name: str) -> None:
        with Journal.open(path, Ticking()) as journal:
            made = journal.add_correction(self.excluded())
            with pytest.raises(CorrectionError, match=r"another person|needs the name"):
                journal.confirm(made.id, name)
            assert journal.confirmations() == ()

    def test_it_is_confirmed_once_and_not_after_a_withdrawal(self, path: Path) -> None:
        with Journal.open(path, Ticking()) as journal:
            one = journal.add_correction(self.excluded())
            two = journal.add_correction(self.excluded(30, 40))
            up = journal.add_correction(said(Assertion.UP, 50, 60))
            journal.confirm(one.id, "Kato")
            journal.withdraw(two.id, "Sato", "wrong day")
            for number, why in ((one.id, "already"), (two.id, "withdrawn"), (up.id, "no confirmation"), (9, "no corr")):
                with pytest.raises(CorrectionError, match=why):
                    journal.confirm(number, "Mori")
            assert len(journal.confirmations()) == 1

    def test_one_that_is_not_confirmed_still_keeps_others_from_repeating_it(self, path: Path) -> None:
        with Journal.open(path, Ticking()) as journal:
            journal.add_correction(self.excluded())
            with pytest.raises(CorrectionError, match="states the same: nothing new to record"):
                journal.add_correction(self.excluded())

    def test_exclusions_of_a_journal_of_the_sixth_revision_go_on_counting(self, path: Path) -> None:
        shutil.copy(FORMATS / "journal-0006.db", path)
        with Journal.open(path, Ticking()) as journal:
            (excluded, up), awaiting = journal.corrections_by_standing()
            assert (excluded.assertion, up.assertion, awaiting) == (Assertion.EXCLUDED, Assertion.UP, ())
            made = journal.add_correction(self.excluded(100, 200))
            assert journal.corrections_by_standing()[1] == (made,)
