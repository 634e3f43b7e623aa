"""Whether ``telemetry.db`` is whole, looked at before a service acknowledges anything."""

import logging
import time
from collections.abc import Iterator
from functools import cache
from typing import Final

from facility.errors import DamagedDataError
from facility.sentence import Sentence
from storage.telemetry_db.connection import RESTORE, TelemetryConnection, decoding, translate
from storage.telemetry_db.counters import Entry
from storage.telemetry_db.schema import StoreKind, columns_of, expected_columns

_LOG: Final = logging.getLogger(__name__)

LOOK_S: Final = 20.0
"""So long the start of a service looks through the file; what is larger is left to ``kado store verify``."""

MAX_PROBLEMS: Final = 10
"""As many problems of one database are listed."""

_STEPS_BETWEEN: Final = 100_000


@cache
def _expected(kind: StoreKind) -> dict[str, tuple[str, ...]]:
    return expected_columns(kind)


def check_schema(connection: TelemetryConnection, kind: StoreKind) -> None:
    """See that every table is there with its columns.

    Raises
    ------
    DamagedDataError
        Naming the first one that is not.
    """
    found = columns_of(connection)
    for table, columns in _expected(kind).items():
        if table not in found:
            raise DamagedDataError(
                Sentence(
                    "{connection} is damaged: it lacks the table {table}: {restore}",
                    connection=connection.path,
                    table=table,
                    restore=RESTORE,
                )
            )
        if found[table] != columns:
            raise DamagedDataError(
                Sentence(
                    "{connection} is damaged: table {table} has the columns {names}, and should have "
                    "{columns}: {restore}",
                    connection=connection.path,
                    table=table,
                    names=", ".join(found[table]),
                    columns=", ".join(columns),
                    restore=RESTORE,
                )
            )


def check_before_start(connection: TelemetryConnection, kind: StoreKind, look_s: float = LOOK_S) -> None:
    """Look through the file before a service starts on it: its pages, its tables, the values that kado relies on.

    Pages are looked at for `look_s` seconds at most; if the file is larger than that, a warning says so.

    Raises
    ------
    DamagedDataError
        Naming what is damaged, and what to do.
    DiskError
        If it cannot be read.
    """
    check_schema(connection, kind)
    problems = list(_quick_check(connection, look_s)) or list(_wrong_values(connection, kind))
    if problems:
        raise DamagedDataError(
            Sentence(
                "{connection} is damaged: {problems}: {restore}",
                connection=connection.path,
                problems="; ".join(problems),
                restore=RESTORE,
            )
        )


def _quick_check(connection: TelemetryConnection, look_s: float) -> Iterator[str]:
    deadline = time.monotonic() + look_s
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN)
    try:
        for (text,) in connection.execute(f"PRAGMA quick_check({MAX_PROBLEMS})"):
            if text != "ok":
                yield " ".join(str(text).split())
    except Exception as error:
        if time.monotonic() <= deadline or "interrupt" not in str(error):
            raise translate(connection.path, error) or error from error
        _LOG.warning(
            "%s was looked through for %.0f s, which is not all of it: kado store verify checks the rest",
            connection.path, look_s,
        )  # fmt: skip
    finally:
        connection.set_progress_handler(None, 0)


def _wrong_values(connection: TelemetryConnection, kind: StoreKind) -> Iterator[str]:
    """Yield what no table of kado's can say."""
    with decoding(connection, "ledger"):
        for source, signal, entry, cause, count in connection.execute("SELECT * FROM ledger").fetchall():
            if {type(source), type(signal), type(cause)} != {str} or type(count) is not int:
                yield f"the ledger holds {source!r}, {signal!r}, {cause!r}, {count!r}"
            Entry(entry)
    checks = [
        ("series", "typeof(signal) <> 'text' OR typeof(newest_ns) NOT IN ('integer', 'null')", "a signal"),
        ("word", "typeof(text) <> 'text'", "a word"),
        ("source", "typeof(committed_ns) <> 'integer'", "a source"),
        ("landed", "typeof(committed_ns) <> 'integer' OR typeof(samples) <> 'integer' OR samples < 0", "a commit"),
        ("import_file", "typeof(state) <> 'text'", "a position in a file"),
        ("gap", "typeof(start_ns) <> 'integer' OR typeof(end_ns) <> 'integer' OR end_ns < start_ns", "a gap"),
    ]
    if kind == "influxdb":
        checks.append(
            (
                "outbox",
                "typeof(samples) <> 'integer' OR typeof(first_ns) <> 'integer' OR typeof(last_ns) <> 'integer'"
                " OR typeof(lines) <> 'blob' OR typeof(checksum) <> 'integer' OR NOT json_valid(counts)",
                "a blob of the outbox",
            )
        )
        types = "typeof(signal) <> 'text' OR typeof(day) <> 'integer' OR typeof(samples) <> 'integer'"
        checks.append(("delivered", types, "a day of a signal"))
    for table, condition, what in checks:
        (n,) = connection.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()
        if n:
            yield f"table {table} holds {what} of a kind that kado does not write ({n} of them)"
