"""The schema of ``telemetry.db`` and its versions.

::

    meta         facility, store_kind, created_ns
    series       signals, with the newest stamp that ever landed
    word         states and reasons
    sample       embedded store: one row a sample
    archive_file embedded store: sealed files, and what each holds (`storage.embedded.archive.manifest`)
    row_checksum, row_checksum_log  embedded store: what rows landed (`storage.embedded.row_checksums`)
    archive_leftover  files below ``archive/`` that are to be removed
    outbox       InfluxDB: blobs of line protocol that are not yet confirmed
    delivered    InfluxDB: how many samples of each signal and day the bucket was given, until it deletes them itself
    dead_letter  what was received and cannot become a sample; bounded, oldest go
    ledger       what was received and what became of it, in samples
    gap          stretches in which samples may be missing for good
    source       when samples of each source last landed, those of its link not counted
    landed       number of the last commit, and all samples landed so far
    import_file  how far each imported file has come
    alarm_state  what the alarm engine keeps: one row for each alarm and series, and for itself
    alarm_outgoing  rows of alarms that are on their way to the journal
    alarm_notification  outbox of notifications: changes of alarms that a target has still to be sent
    alarm_notified      what each target was sent last of each alarm

A new version is a new step at the end; a step that was released is never changed.
"""

import sqlite3
from collections.abc import Callable
from typing import Final, Literal

StoreKind = Literal["embedded", "influxdb"]

_COMMON: Final = (
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE series(id INTEGER PRIMARY KEY, signal TEXT NOT NULL UNIQUE, newest_ns INTEGER)",
    "CREATE TABLE word(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
    """CREATE TABLE dead_letter(
        id INTEGER PRIMARY KEY AUTOINCREMENT, arrival_ns INTEGER NOT NULL, source TEXT NOT NULL, address TEXT NOT NULL,
        cause TEXT NOT NULL, detail TEXT NOT NULL, size INTEGER NOT NULL, payload BLOB NOT NULL)""",
    "CREATE INDEX dead_letter_size ON dead_letter(size)",
    """CREATE TABLE ledger(
        source TEXT NOT NULL, signal TEXT NOT NULL, entry TEXT NOT NULL, cause TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY(source, signal, entry, cause)) WITHOUT ROWID""",
    """CREATE TABLE gap(
        id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,
        reason TEXT NOT NULL, dropped INTEGER NOT NULL)""",
    "CREATE TABLE source(id TEXT PRIMARY KEY, committed_ns INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE landed(
        id INTEGER PRIMARY KEY AUTOINCREMENT, committed_ns INTEGER NOT NULL, samples INTEGER NOT NULL)""",
    "CREATE TABLE import_file(key TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID",
)
_ONLY: Final = {
    # Its series are not declared as a foreign key: rows are written by one function, and checking costs a fifth.
    "embedded": """CREATE TABLE sample(
        series_id INTEGER NOT NULL, time_ns INTEGER NOT NULL, value REAL, state_id INTEGER,
        quality INTEGER NOT NULL DEFAULT 0, reason_id INTEGER, arrival_ns INTEGER,
        PRIMARY KEY(series_id, time_ns)) WITHOUT ROWID""",
    "influxdb": """CREATE TABLE outbox(
        id INTEGER PRIMARY KEY AUTOINCREMENT, committed_ns INTEGER NOT NULL, samples INTEGER NOT NULL,
        first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, counts TEXT NOT NULL, may_rewrite INTEGER NOT NULL,
        rewritten TEXT, checksum INTEGER NOT NULL, lines BLOB NOT NULL)""",
}


def _create(connection: sqlite3.Connection, kind: StoreKind) -> None:
    for statement in (*_COMMON, _ONLY[kind]):
        connection.execute(statement)


def _add_archive(connection: sqlite3.Connection, kind: StoreKind) -> None:
    if kind == "embedded":
        connection.execute(
            """CREATE TABLE archive_file(
                id INTEGER PRIMARY KEY AUTOINCREMENT, series_id INTEGER NOT NULL, first_day INTEGER NOT NULL,
                last_day INTEGER NOT NULL, revision INTEGER NOT NULL, samples INTEGER NOT NULL,
                first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL, size INTEGER NOT NULL,
                tail_checksum INTEGER NOT NULL, row_groups BLOB NOT NULL, minutes_size INTEGER NOT NULL,
                minutes_checksum INTEGER NOT NULL, format INTEGER NOT NULL, sealed_ns INTEGER NOT NULL)"""
        )
        connection.execute("CREATE INDEX archive_file_time ON archive_file(series_id, last_ns)")
        connection.execute("CREATE TABLE archive_leftover(path TEXT PRIMARY KEY) WITHOUT ROWID")


def _add_alarms(connection: sqlite3.Connection, kind: StoreKind) -> None:
    del kind
    connection.execute("CREATE TABLE alarm_state(name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID")
    connection.execute(
        "CREATE TABLE alarm_outgoing(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, text TEXT NOT NULL)"
    )


def _add_row_checksums(connection: sqlite3.Connection, kind: StoreKind) -> None:
    if kind == "embedded":
        connection.execute(
            """CREATE TABLE row_checksum(
                series_id INTEGER NOT NULL, day INTEGER NOT NULL, samples INTEGER NOT NULL, checksum INTEGER NOT NULL,
                PRIMARY KEY(series_id, day)) WITHOUT ROWID"""
        )
        connection.execute("CREATE TABLE row_checksum_log(id INTEGER PRIMARY KEY, entries BLOB NOT NULL)")
        # What landed before is taken as it is.
        from storage.embedded.row_checksums import compute_all

        compute_all(connection)


def _add_notifications(connection: sqlite3.Connection, kind: StoreKind) -> None:
    del kind
    connection.execute(
        """CREATE TABLE alarm_notification(
            id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, alarm TEXT NOT NULL, seq INTEGER NOT NULL,
            created_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE(target, alarm, seq))"""
    )
    connection.execute(
        """CREATE TABLE alarm_notified(
            target TEXT NOT NULL, alarm TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(target, alarm)) WITHOUT ROWID"""
    )


def _add_delivered(connection: sqlite3.Connection, kind: StoreKind) -> None:
    if kind == "influxdb":
        connection.execute(
            """CREATE TABLE delivered(
                signal TEXT NOT NULL, day INTEGER NOT NULL, samples INTEGER NOT NULL, PRIMARY KEY(signal, day)
            ) WITHOUT ROWID"""
        )
        # The days of earlier deliveries are not known: they count for the newest day.
        connection.execute(
            """INSERT INTO delivered
                SELECT signal, ifnull((SELECT newest_ns FROM series WHERE series.signal = ledger.signal), 0)
                    / 86400000000000,
                    sum(CASE entry WHEN 'stored' THEN count WHEN 'rewritten' THEN -count WHEN 'deleted' THEN -count
                        ELSE 0 END)
                FROM ledger WHERE signal <> '' GROUP BY signal"""
        )


# The step at index n makes version n + 1 out of version n.
STEPS: Final[tuple[Callable[[sqlite3.Connection, StoreKind], None], ...]] = (
    _create, _add_archive, _add_alarms, _add_row_checksums, _add_notifications, _add_delivered,
)  # fmt: skip
VERSION: Final = len(STEPS)


def columns_of(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return the names of all tables of a database, each with those of its columns."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    tables: list[str] = [name for (name,) in names.fetchall()]
    query = "SELECT name FROM pragma_table_info(?) ORDER BY cid"
    return {table: tuple(name for (name,) in connection.execute(query, (table,)).fetchall()) for table in tables}


def expected_columns(kind: StoreKind) -> dict[str, tuple[str, ...]]:
    """Return what `columns_of` finds in a file of this version that is whole."""
    connection = sqlite3.connect(":memory:")
    try:
        for step in STEPS:
            step(connection, kind)
        return columns_of(connection)
    finally:
        connection.close()
