"""Rows of corrections and incidents, and of what was taken back of them."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from facility.corrections import Assertion, Correction, Exclusion, Withdrawal
from facility.incidents import Incident, IncidentWithdrawal
from storage.journal.checksums import check_record, checksum_of
from storage.journal.schema import CORRECTION, INCIDENT, INCIDENT_WITHDRAWAL, WITHDRAWAL


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
    made = _insert(connection, CORRECTION, values)
    (number,) = made.inserted_primary_key or (0,)
    return replace(new, id=number)


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
        for row in _select(connection, CORRECTION, CORRECTION.c.id)
    )


def insert_withdrawal(connection: sa.Connection, new: Withdrawal) -> None:
    """Add a withdrawal."""
    _insert(connection, WITHDRAWAL, asdict(new))


def select_withdrawals(connection: sa.Connection) -> tuple[Withdrawal, ...]:
    """Return every withdrawal, in order of the corrections."""
    rows = _select(connection, WITHDRAWAL, WITHDRAWAL.c.correction_id)
    return tuple(Withdrawal(row.correction_id, row.author, row.reason, row.recorded_at_ns) for row in rows)


def insert_incident(connection: sa.Connection, new: Incident) -> Incident:
    """Add an incident; return it with the id that it got."""
    values = asdict(new)
    del values["id"]
    made = _insert(connection, INCIDENT, values)
    (number,) = made.inserted_primary_key or (0,)
    return replace(new, id=number)


def select_incidents(connection: sa.Connection) -> tuple[Incident, ...]:
    """Return every incident, in the order they were recorded."""
    rows = _select(connection, INCIDENT, INCIDENT.c.id)
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
    _insert(connection, INCIDENT_WITHDRAWAL, asdict(new))


def select_incident_withdrawals(connection: sa.Connection) -> tuple[IncidentWithdrawal, ...]:
    """Return every withdrawal of an incident, in order of the incidents."""
    rows = _select(connection, INCIDENT_WITHDRAWAL, INCIDENT_WITHDRAWAL.c.incident_id)
    return tuple(
        IncidentWithdrawal(row.incident_id, row.author, row.reason, row.recorded_at_ns, row.replaced_by) for row in rows
    )


def _insert(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> sa.CursorResult[Any]:
    return connection.execute(sa.insert(table).values(**values, checksum=checksum_of(values)))


def _select(connection: sa.Connection, table: sa.Table, order: sa.Column[Any]) -> Iterator[Any]:
    for row in connection.execute(sa.select(table).order_by(order)):
        check_record(table.name, row)
        yield row
