"""Every text that people write into the journal is held to one rule, whoever asks for it to be written."""

from pathlib import Path
from typing import Final

import pytest

from facility.accounts import AccountAction, AccountChange, Role
from facility.alarms import Action, ActionKind
from facility.corrections import Assertion, Correction, Exclusion
from facility.errors import UsageError
from facility.handovers import Handover, ShiftRemark
from facility.incidents import Incident
from facility.issued_report import IssuedReport
from facility.schedule import Block, Category, ScheduleVersion
from facility.time import NS_PER_H
from facility.written_text import LONGEST_EVIDENCE, LONGEST_LINE, LONGEST_REMARK, LONGEST_TEXT
from storage.journal.alarms import AlarmJournal
from storage.journal.journal import Journal
from storage.journal.people import PeopleJournal

WIDE: Final = "真空\u3000漏れ"
T0: Final = 1_760_000_000_000_000_000


class Writing:
    """Writes each kind of text, all else being right."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.db"
        with self._journal() as journal:
            for category, start_ns in ((Exclusion.GRID, T0), (Exclusion.WEATHER, T0 + 2 * NS_PER_H)):
                journal.add_correction(_correction(start_ns, category=category))
            journal.add_incident(_incident())
        with self._people() as people:
            people.sign(Handover(0, 10, 20, "sato", "", 0, "digest"))

    def _journal(self) -> Journal:
        return Journal.open(self._path, lambda: T0)

    def _people(self) -> PeopleJournal:
        return PeopleJournal.open(self._path, "ring", lambda: T0)

    def correction(self, **texts: str) -> None:
        with self._journal() as journal:
            journal.add_correction(_correction(T0 + 9 * NS_PER_H, Assertion.UP, **texts))

    def withdrawal(self, author: str = "sato", reason: str = "log") -> None:
        with self._journal() as journal:
            journal.withdraw(2, author, reason)

    def confirmation(self, author: str = "mori", remark: str = "") -> None:
        with self._journal() as journal:
            journal.confirm(1, author, remark)

    def incident(self, **texts: str) -> None:
        with self._journal() as journal:
            journal.add_incident(_incident(**texts))

    def incident_withdrawal(self, author: str = "sato", reason: str = "log") -> None:
        with self._journal() as journal:
            journal.withdraw_incident(1, author, reason)

    def incident_in_place_of_another(self, reason: str) -> None:
        with self._journal() as journal:
            journal.add_incident(_incident(), replaces=1, reason=reason)

    def remark(self, author: str = "sato", text: str = "calm") -> None:
        with self._people() as people:
            people.add_remark(ShiftRemark(0, 30, author, text, 0))

    def handover(self, author: str = "sato", remarks: str = "") -> None:
        with self._people() as people:
            people.sign(Handover(0, 40, 50, author, remarks, 0, "digest"))

    def countersignature(self, author: str = "mori", remark: str = "") -> None:
        with self._people() as people:
            people.countersign(1, author, remark)

    def account(self, author: str) -> None:
        with self._people() as people:
            people.change_account(AccountChange(0, "abe", AccountAction.ADDED, author, 0, Role.VIEWER, "hash"))

    def alarm_action(self, author: str = "sato", reason: str = "log", alarm: str = "beam_lost") -> None:
        with AlarmJournal.open(self._path, "ring", lambda: T0) as journal:
            journal.add_actions([Action(alarm, ActionKind.ACK, author, 0, reason)])

    def report(self, author: str) -> None:
        with self._journal() as journal:
            journal.issue_report(IssuedReport("ring", "2025-10", T0, T0 + 1, "sls", 0, author, 0, T0, "digest"))

    def schedule(self, author: str = "sato", origin: str = "plan.csv", **texts: str) -> None:
        tags = (texts["tag"],) if "tag" in texts else ()
        block = Block(T0, T0 + 1, Category.USER, tags, texts.get("run"), texts.get("note", ""))
        with self._journal() as journal:
            journal.add_schedule_versions([ScheduleVersion(T0, (block,))], author, origin)


def _correction(start_ns: int, assertion: Assertion = Assertion.EXCLUDED, **more: object) -> Correction:
    given = {"author": "sato", "reason": "log", **more}
    return Correction(0, start_ns, start_ns + NS_PER_H, assertion, recorded_at_ns=0, **given)  # pyright: ignore[reportArgumentType]


def _incident(**texts: str) -> Incident:
    given = {"system": "rf", "component": "klystron", "title": "arc", "author": "sato", **texts}
    return Incident(0, T0, T0 + NS_PER_H, recorded_at_ns=0, **given)  # pyright: ignore[reportArgumentType]


TEXTS: Final = [
    ("correction", "author", LONGEST_LINE),
    ("correction", "reason", LONGEST_TEXT),
    ("correction", "evidence", LONGEST_EVIDENCE),
    ("withdrawal", "author", LONGEST_LINE),
    ("withdrawal", "reason", LONGEST_TEXT),
    ("confirmation", "author", LONGEST_LINE),
    ("confirmation", "remark", LONGEST_TEXT),
    ("incident", "component", LONGEST_LINE),
    ("incident", "title", LONGEST_LINE),
    ("incident", "author", LONGEST_LINE),
    ("incident", "cause_text", LONGEST_TEXT),
    ("incident", "resolution", LONGEST_TEXT),
    ("incident_withdrawal", "author", LONGEST_LINE),
    ("incident_withdrawal", "reason", LONGEST_TEXT),
    ("incident_in_place_of_another", "reason", LONGEST_TEXT),
    ("remark", "author", LONGEST_LINE),
    ("remark", "text", LONGEST_REMARK),
    ("handover", "author", LONGEST_LINE),
    ("handover", "remarks", LONGEST_REMARK),
    ("countersignature", "author", LONGEST_LINE),
    ("countersignature", "remark", LONGEST_REMARK),
    ("account", "author", LONGEST_LINE),
    ("alarm_action", "author", LONGEST_LINE),
    ("alarm_action", "reason", LONGEST_TEXT),
    ("alarm_action", "alarm", LONGEST_LINE),
    ("report", "author", LONGEST_LINE),
    ("schedule", "author", LONGEST_LINE),
    ("schedule", "origin", LONGEST_LINE),
    ("schedule", "note", LONGEST_TEXT),
    ("schedule", "tag", LONGEST_LINE),
    ("schedule", "run", LONGEST_LINE),
]


@pytest.fixture(scope="module")
def writing(tmp_path_factory: pytest.TempPathFactory) -> Writing:
    return Writing(tmp_path_factory.mktemp("journal"))


@pytest.mark.parametrize(("kind", "name", "longest"), TEXTS)
def test_a_text_is_refused_or_written_as_it_is(writing: Writing, kind: str, name: str, longest: int) -> None:
    write = getattr(writing, kind)
    with pytest.raises(UsageError, match=rf"has {longest + 1:,} characters, more than the {longest:,}"):
        write(**{name: "字" * (longest + 1)})
    with pytest.raises(UsageError, match=r"a control character, U\+001B, at position 3"):
        write(**{name: "ab\x1b[31m"})
    with pytest.raises(UsageError, match=r"a control character, U\+DCFF"):
        write(**{name: "ab\udcff"})


@pytest.mark.parametrize("kind", sorted({kind for kind, _, _ in TEXTS}))
def test_a_text_with_a_wide_space_is_written(tmp_path: Path, kind: str) -> None:
    names = {name: f"{WIDE} {name}" for other, name, _ in TEXTS if other == kind}
    writing = Writing(tmp_path)
    getattr(writing, kind)(**names)


def test_what_was_written_is_read_again_to_the_letter(tmp_path: Path) -> None:
    Writing(tmp_path).correction(reason=f"{WIDE}\n\tsecond line 🧲", author="山本\u3000太郎")
    with Journal.open(tmp_path / "journal.db") as journal:
        last = journal.corrections()[-1]
    assert (last.reason, last.author) == (f"{WIDE}\n\tsecond line 🧲", "山本\u3000太郎")
