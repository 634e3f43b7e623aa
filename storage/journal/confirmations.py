"""Rows of confirmations: a second person agrees with a correction."""

from dataclasses import asdict

import sqlalchemy as sa

from facility.corrections import Confirmation, Correction
from facility.errors import DamagedDataError
from storage.journal.checksums import check_record, checksum_of
from storage.journal.schema import CONFIRMATION, JOURNAL_META, NOT_CONFIRMED_UP_TO
from storage.telemetry_db.connection import RESTORE


def insert_confirmation(connection: sa.Connection, new: Confirmation) -> None:
    """Add a confirmation."""
    values = asdict(new)
    connection.execute(sa.insert(CONFIRMATION).values(**values, checksum=checksum_of(values)))


def select_confirmations(connection: sa.Connection) -> tuple[Confirmation, ...]:
    """Return every confirmation, in order of the corrections."""
    rows = connection.execute(sa.select(CONFIRMATION).order_by(CONFIRMATION.c.correction_id)).all()
    for row in rows:
        check_record(CONFIRMATION.name, row)
    return tuple(Confirmation(row.correction_id, row.author, row.remark, row.recorded_at_ns) for row in rows)


def exempt_corrections(connection: sa.Connection, corrections: tuple[Correction, ...]) -> frozenset[int]:
    """Return the ids of corrections that were recorded before a second person was asked for."""
    query = sa.select(JOURNAL_META.c.value).where(JOURNAL_META.c.key == NOT_CONFIRMED_UP_TO)
    text = connection.execute(query).scalar_one_or_none()
    if text is None or not text.isdecimal():
        raise DamagedDataError(
            f"journal: {NOT_CONFIRMED_UP_TO} in journal_meta is {text!r}, not the number of a correction: {RESTORE}"
        )
    return frozenset(c.id for c in corrections if c.id <= int(text))
