"""Rows of corrections with their confirmations, of incidents, and of withdrawals of both."""

from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from facility.corrections import Assertion, Confirmation, Correction, Exclusion, Withdrawal
from facility.errors import DamagedDataError
from facility.incidents import Incident, IncidentWithdrawal
from facility.sentence import Sentence
from storage.journal.records import insert_record, select_records
from storage.journal.schema import (
    CONFIRMATION,
    CORRECTION,
    INCIDENT,
    INCIDENT_WITHDRAWAL,
    JOURNAL_META,
    NOT_CONFIRMED_UP_TO,
    WITHDRAWAL,
)
from storage.telemetry_db.connection import RESTORE


def insert_correction(connection: sa.Connection, new: Correction) -> Correction:
    """Add a correction; return it with the id that it got."""
    values: dict[str, Any] = {
        "start_ns": new.start_ns,
        "end_ns": new.end_ns,
        "assertion": new.assertion.value,
        "category": None if new.category is None else new.category.value,
        "limit_value": new.limit,
        "author": new.author,
        "reason": new.reason,
        "evidence": new.evidence,
        "recorded_at_ns": new.recorded_at_ns,
    }
    return replace(new, id=insert_record(connection, CORRECTION, values))


def select_corrections(connection: sa.Connection) -> tuple[Correction, ...]:
    """Return every correction, withdrawn or not, in the order they were recorded."""
    return tuple(
        Correction(
            id=row.id,
            start_ns=row.start_ns,
            end_ns=row.end_ns,
            assertion=Assertion(row.assertion),
            author=row.author,
            reason=row.reason,
            recorded_at_ns=row.recorded_at_ns,
            evidence=row.evidence,
            category=None if row.category is None else Exclusion(row.category),
            limit=row.limit_value,
        )
        for row in select_records(connection, sa.select(CORRECTION).order_by(CORRECTION.c.id))
    )


def insert_withdrawal(connection: sa.Connection, new: Withdrawal) -> None:
    """Add a withdrawal."""
    insert_record(connection, WITHDRAWAL, asdict(new))


def select_withdrawals(connection: sa.Connection) -> tuple[Withdrawal, ...]:
    """Return every withdrawal, in order of the corrections."""
    rows = select_records(connection, sa.select(WITHDRAWAL).order_by(WITHDRAWAL.c.correction_id))
    return tuple(Withdrawal(row.correction_id, row.author, row.reason, row.recorded_at_ns) for row in rows)


def insert_confirmation(connection: sa.Connection, new: Confirmation) -> None:
    """Add a confirmation."""
    insert_record(connection, CONFIRMATION, asdict(new))


def select_confirmations(connection: sa.Connection) -> tuple[Confirmation, ...]:
    """Return every confirmation, in order of the corrections."""
    rows = select_records(connection, sa.select(CONFIRMATION).order_by(CONFIRMATION.c.correction_id))
    return tuple(Confirmation(row.correction_id, row.author, row.remark, row.recorded_at_ns) for row in rows)


def exempt_corrections(connection: sa.Connection, corrections: tuple[Correction, ...]) -> frozenset[int]:
    """Return the ids of corrections that were recorded before a second person was asked for."""
    query = sa.select(JOURNAL_META.c.value).where(JOURNAL_META.c.key == NOT_CONFIRMED_UP_TO)
    text = connection.execute(query).scalar_one_or_none()
    if text is None or not text.isdecimal():
        raise DamagedDataError(
            Sentence(
                "journal: {not_confirmed_up_to} in journal_meta is {text!r}, not the number of a correction: {restore}",
                not_confirmed_up_to=NOT_CONFIRMED_UP_TO,
                text=text,
                restore=RESTORE,
            )
        )
    return frozenset(c.id for c in corrections if c.id <= int(text))


def insert_incident(connection: sa.Connection, new: Incident) -> Incident:
    """Add an incident; return it with the id that it got."""
    values = asdict(new)
    del values["id"]
    return replace(new, id=insert_record(connection, INCIDENT, values))


def select_incidents(connection: sa.Connection) -> tuple[Incident, ...]:
    """Return every incident, in the order they were recorded."""
    rows = select_records(connection, sa.select(INCIDENT).order_by(INCIDENT.c.id))
    return tuple(
        Incident(
            id=row.id,
            start_ns=row.start_ns,
            end_ns=row.end_ns,
            system=row.system,
            component=row.component,
            title=row.title,
            author=row.author,
            recorded_at_ns=row.recorded_at_ns,
            root_cause=row.root_cause,
            cause_text=row.cause_text,
            resolution=row.resolution,
        )
        for row in rows
    )


def insert_incident_withdrawal(connection: sa.Connection, new: IncidentWithdrawal) -> None:
    """Add a withdrawal of an incident."""
    insert_record(connection, INCIDENT_WITHDRAWAL, asdict(new))


def select_incident_withdrawals(connection: sa.Connection) -> tuple[IncidentWithdrawal, ...]:
    """Return every withdrawal of an incident, in order of the incidents."""
    rows = select_records(connection, sa.select(INCIDENT_WITHDRAWAL).order_by(INCIDENT_WITHDRAWAL.c.incident_id))
    return tuple(
        IncidentWithdrawal(row.incident_id, row.author, row.reason, row.recorded_at_ns, row.replaced_by) for row in rows
    )
