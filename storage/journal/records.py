"""Records of what people state: each has a checksum, so that a change on the disk is noticed when it is read."""

import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from facility.errors import DamagedDataError
from facility.sentence import Sentence
from storage.telemetry_db.connection import RESTORE

COLUMN: Final = "checksum"
_NOT_COVERED: Final = ("id", COLUMN)


def insert_record(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> int:
    """Add a record with its checksum; return the number that it got."""
    made = connection.execute(sa.insert(table).values(**values, checksum=checksum_of(values)))
    (number,) = made.inserted_primary_key or (0,)
    return int(number)


def select_records(connection: sa.Connection, query: sa.Select[Any]) -> list[Any]:
    """Return the rows of a query of one table, each compared with its checksum.

    Raises
    ------
    DamagedDataError
        If a row is not what was recorded.
    """
    (table,) = query.get_final_froms()
    rows = list(connection.execute(query))
    for row in rows:
        check_record(str(table), row)
    return rows


def checksum_of(values: Mapping[str, Any]) -> int:
    """Return the checksum of a record; its number is not part of it, which the database gives."""
    content = {name: value for name, value in values.items() if name not in _NOT_COVERED}
    return zlib.crc32(json.dumps(content, sort_keys=True, ensure_ascii=False).encode())


def check_record(table: str, row: Any) -> None:
    """Compare a row with its checksum; one that was written before there were any passes.

    Raises
    ------
    DamagedDataError
        If the row is not what was recorded.
    """
    values = dict(row._mapping)  # noqa: SLF001 - the public name of SQLAlchemy's for it
    if values[COLUMN] is not None and values[COLUMN] != checksum_of(values):
        number = values.get("id", next(iter(values.values())))
        raise DamagedDataError(
            Sentence(
                "journal: {table} #{number} is not what was recorded: {restore}",
                table=table,
                number=number,
                restore=RESTORE,
            )
        )
