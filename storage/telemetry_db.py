"""``telemetry.db``: its schema, its versions, and connections to it.

::

    meta         facility, store_kind, created_ns
    series       signals, with the newest stamp that ever landed
    word         states and reasons
    sample       embedded store: one row a sample
    archive_file embedded store: sealed files, and what each holds (`storage.embedded.archive.manifest`)
    archive_leftover  files below ``archive/`` that are to be removed
    outbox       InfluxDB: blobs of line protocol that are not yet confirmed
    dead_letter  what was received and cannot become a sample; bounded, oldest go
    ledger       what was received and what became of it, in samples
    gap          stretches in which samples may be missing for good
    source       when samples of each source last landed, those of its link not counted
    landed       number of the last commit, and all samples landed so far
    import_file  how far each imported file has come

A file of another version is refused; only `open_writer` migrates, up.
"""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from facility.errors import ConfigError, FormatVersionError
from storage.data_dir import DataDir

StoreKind = Literal["embedded", "influxdb"]

_BUSY_S: Final = 30.0

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


# The step at index n makes version n + 1 out of version n.
_STEPS: Final[tuple[Callable[[sqlite3.Connection, StoreKind], None], ...]] = (_create, _add_archive)
VERSION: Final = len(_STEPS)


def open_writer(
    data_dir: Path, facility: str, store_kind: StoreKind, now_ns: int, *, any_thread: bool = False
) -> sqlite3.Connection:
    """Open for writing, making or migrating the file; for the process that holds the directory's lock.

    Transactions are explicit (`transaction`); a commit is on the disk when it returns.

    Raises
    ------
    FormatVersionError
        If the file is of a newer version, or is not kado's.
    ConfigError
        If it is another facility's, or was made for another kind of store.
    """
    path = DataDir(data_dir).telemetry
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=not any_thread)
    try:
        found = _version(connection, path)
        if found > VERSION:
            raise FormatVersionError(
                f"{path} has format version {found}, this kado knows {VERSION}: update kado, or choose another data_dir"
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("PRAGMA cache_size = -32000")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        if found < VERSION:
            _migrate(connection, facility, store_kind, now_ns)
        _check_owner(connection, path, facility, store_kind)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(data_dir: Path, facility: str | None = None, store_kind: StoreKind | None = None) -> sqlite3.Connection:
    """Open for reading beside whoever writes.

    Raises
    ------
    FormatVersionError
        If the file is of another version, or is not kado's.
    ConfigError
        If there is none, or it is not of the `facility` and `store_kind` asked for.
    """
    path = DataDir(data_dir).telemetry
    if not path.is_file():
        raise ConfigError(f"there is no {path}: nothing was collected there yet; start `kado run`, or mend data_dir")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None)
    try:
        found = _version(connection, path)
        if found != VERSION:
            remedy = "update kado" if found > VERSION else "start `kado run` once, which migrates it"
            raise FormatVersionError(f"{path} has format version {found}, this kado reads {VERSION}: {remedy}")
        _check_owner(connection, path, facility, store_kind)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None, None, None]:
    """Make all or nothing of what is written inside; durable at its end."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has already rolled back by itself after some errors of the disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Generator[None, None, None]:
    """Read one state of the file inside, whatever is being written; keep it short, it holds back the log."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise FormatVersionError(f"{path} is not a telemetry file of kado's ({error}): move it away") from error
    if version == 0 and tables:
        raise FormatVersionError(f"{path} is a database, but not kado's: move it away, or choose another data_dir")
    return version


def _migrate(connection: sqlite3.Connection, facility: str, store_kind: StoreKind, now_ns: int) -> None:
    with transaction(connection):
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        for step in _STEPS[found:]:
            step(connection, store_kind)
        if found == 0:
            meta = [("facility", facility), ("store_kind", store_kind), ("created_ns", str(now_ns))]
            connection.executemany("INSERT INTO meta VALUES(?, ?)", meta)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _check_owner(
    connection: sqlite3.Connection, path: Path, facility: str | None, store_kind: StoreKind | None
) -> None:
    meta: dict[str, str] = dict(connection.execute("SELECT key, value FROM meta"))
    if facility is not None and meta["facility"] != facility:
        raise ConfigError(
            f"{path} belongs to facility {meta['facility']!r}, not to {facility!r}:"
            " each facility needs a data_dir of its own"
        )
    if store_kind is not None and meta["store_kind"] != store_kind:
        raise ConfigError(
            f"{path} was made for the store {meta['store_kind']!r}, and store.kind says {store_kind!r}:"
            " choose another data_dir for the other store"
        )
