"""Rows of issued reports."""

import json

import sqlalchemy as sa

from facility.issued_report import IssuedReport
from storage.journal.schema import ISSUED_REPORT


def insert_report(connection: sa.Connection, new: IssuedReport) -> None:
    """Add an edition."""
    connection.execute(
        sa.insert(ISSUED_REPORT).values(
            facility=new.facility,
            period=new.period,
            start_ns=new.start_ns,
            end_ns=new.end_ns,
            definition=new.definition,
            edition=new.edition,
            author=new.author,
            recorded_at_ns=new.recorded_at_ns,
            known_on_ns=new.known_on_ns,
            figures_digest=new.figures_digest,
            document=json.dumps(new.document, ensure_ascii=False, sort_keys=True),
        )
    )


def select_reports(connection: sa.Connection) -> tuple[IssuedReport, ...]:
    """Return every edition of every report, in the order they were issued."""
    rows = connection.execute(sa.select(ISSUED_REPORT).order_by(ISSUED_REPORT.c.id)).all()
    return tuple(
        IssuedReport(
            facility=row.facility,
            period=row.period,
            start_ns=row.start_ns,
            end_ns=row.end_ns,
            definition=row.definition,
            edition=row.edition,
            author=row.author,
            recorded_at_ns=row.recorded_at_ns,
            known_on_ns=row.known_on_ns,
            figures_digest=row.figures_digest,
            document=json.loads(row.document),
        )
        for row in rows
    )
