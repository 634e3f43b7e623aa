"""Issued reports in the journal: numbered, kept, and never the same twice."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from facility.errors import ReportError
from facility.issued_report import IssuedReport
from storage.journal.journal import Journal

FORMATS = Path(__file__).parent / "formats"
REPORT = IssuedReport(
    facility="ring",
    period="2026-10",
    start_ns=10,
    end_ns=20,
    definition="nanoterasu",
    edition=0,
    author="Mori",
    recorded_at_ns=0,
    known_on_ns=30,
    figures_digest="a",
    document={"availability": {"figures": {"availability_pct": 99.5}}, "名": "稼働率"},
)


def test_editions_are_numbered_for_each_period_and_definition(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db", lambda: 40) as journal:
        first = journal.issue_report(REPORT)
        second = journal.issue_report(replace(REPORT, figures_digest="b"))
        other = journal.issue_report(replace(REPORT, definition="sls"))
        assert [r.edition for r in (first, second, other)] == [1, 2, 1]
        assert journal.issued_reports() == (first, second, other)
        assert first == replace(REPORT, edition=1, recorded_at_ns=40)


def test_the_same_figures_are_not_issued_twice(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db", lambda: 40) as journal:
        journal.issue_report(REPORT)
        with pytest.raises(ReportError, match=r"edition 1 of the report of 2026-10 .* nothing new to issue"):
            journal.issue_report(replace(REPORT, author="Sato"))
        assert len(journal.issued_reports()) == 1


def test_a_report_needs_a_responsible_author(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        with pytest.raises(ReportError, match="needs a responsible author"):
            journal.issue_report(replace(REPORT, author="  "))
        assert journal.issued_reports() == ()


def test_a_journal_of_the_third_revision_keeps_its_record_and_takes_reports(tmp_path: Path) -> None:
    shutil.copy(FORMATS / "journal-0003.db", tmp_path / "journal.db")
    with Journal.open(tmp_path / "journal.db") as journal:
        ((incident, withdrawal),) = journal.all_incidents()
        assert withdrawal is not None
        assert (incident.system, withdrawal.author) == ("rf", "Sato")
        assert len(journal.corrections()) == len(journal.schedule_versions()) == 1
        assert journal.issue_report(REPORT).edition == 1
