"""The one door to SQLite: a connection to ``telemetry.db`` whose errors are kado's own.

Connections to the file are made here alone, and other modules do not handle errors of the driver: what may pass (no
space, no right, in use) is a `DiskError`, what is damaged a `DamagedDataError`, each with file and remedy. An error
of another kind is a defect of ours, and passes as it is.
"""

import sqlite3
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from facility.errors import DamagedDataError, DiskError, KadoError
from facility.sentence import Sentence

BUSY_S: Final = 30.0
"""So long a connection waits for another one that writes."""

RESTORE: Final = Sentence(
    "stop kado, keep a copy of the folder, and restore the newest backup into another folder (kado store restore);"
    " kado store verify lists what is damaged"
)
"""What to do about a damaged database."""

_DAMAGED: Final = {
    sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT,
}  # fmt: skip
_ADVICE: Final = {
    sqlite3.SQLITE_FULL: Sentence("the disk is full: free space"),
    sqlite3.SQLITE_IOERR: Sentence("free space or replace the disk"),
    sqlite3.SQLITE_NOMEM: Sentence("free some memory"),
    sqlite3.SQLITE_BUSY: Sentence("another program holds it: find out which (lsof), and stop it"),
    sqlite3.SQLITE_LOCKED: Sentence("another program holds it: find out which (lsof), and stop it"),
    sqlite3.SQLITE_READONLY: Sentence("allow kado to write the file and its folder"),
    sqlite3.SQLITE_PERM: Sentence("allow kado to read and write the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: Sentence("free space, and allow kado to read and write the file and its folder"),
}
_LACKS: Final = (
    # A key that is there although the tables say that it is not.
    "UNIQUE constraint failed",
    "no such table",
    "no such column",
    "has no column",
    "malformed database schema",
)

DRIVER_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""What a statement can raise; the module decodes SQLite's own messages, and those of a damaged file may be no text."""

_Parameters = Any


def translate(path: Path | str, error: BaseException | None) -> KadoError | None:
    """Return kado's error for one of SQLite's; None for a defect of ours."""
    if isinstance(error, UnicodeDecodeError):
        return DamagedDataError(
            Sentence(
                "{path} is damaged (it holds bytes that are no text: {error}): {restore}",
                path=path,
                error=error,
                restore=RESTORE,
            )
        )
    if not isinstance(error, sqlite3.Error):
        return None
    # The primary code; 0 for an error of the module itself.
    code: int = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED or any(text in str(error) for text in _LACKS):
        return DamagedDataError(
            Sentence("{path} is damaged ({error}): {restore}", path=path, error=error, restore=RESTORE)
        )
    if code in _ADVICE:
        return DiskError(
            Sentence(
                "{path} cannot be read or written ({error}): {advice}", path=path, error=error, advice=_ADVICE[code]
            )
        )
    if isinstance(error, sqlite3.DataError | sqlite3.OperationalError) and "decode" in str(error):
        return DamagedDataError(
            Sentence("{path} is damaged ({error}): {restore}", path=path, error=error, restore=RESTORE)
        )
    return None


def raise_ours(path: Path | str, error: Exception) -> NoReturn:
    """Raise kado's error for one of SQLite's, or the same again if it is a defect of ours."""
    if (ours := translate(path, error)) is None:
        raise error
    raise ours from error


@contextmanager
def translated(path: Path | str) -> Generator[None]:
    """Translate errors of SQLite that are raised inside."""
    try:
        yield
    except DRIVER_ERRORS as error:
        raise_ours(path, error)


class TelemetryCursor:
    """The rows of one statement; errors are kado's own, also while rows are fetched."""

    __slots__ = ("_path", "_raw")

    def __init__(self, raw: sqlite3.Cursor, path: Path | str) -> None:
        self._raw = raw
        self._path = path

    @property
    def rowcount(self) -> int:
        """How many rows were changed."""
        return self._raw.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The number of the row that was inserted."""
        return self._raw.lastrowid

    def fetchone(self) -> Any:
        """Return the next row; None at the end."""
        try:
            return self._raw.fetchone()
        except DRIVER_ERRORS as error:
            raise_ours(self._path, error)

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        try:
            return self._raw.fetchall()
        except DRIVER_ERRORS as error:
            raise_ours(self._path, error)

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""
        try:
            # Not `yield from`: that would close the cursor, maybe after its connection.
            for row in self._raw:  # noqa: UP028 - errors are translated while iterating
                yield row
        except DRIVER_ERRORS as error:
            raise_ours(self._path, error)

    def close(self) -> None:
        """Let go of the rows that are left."""
        self._raw.close()


class TelemetryConnection(sqlite3.Connection):
    """A connection whose errors are kado's own; made by `connect` alone."""

    path: Path | str = "telemetry.db"

    def execute(self, sql: str, parameters: _Parameters = (), /) -> Any:
        """Run one statement."""
        try:
            return TelemetryCursor(super().execute(sql, parameters), self.path)
        except DRIVER_ERRORS as error:
            raise_ours(self.path, error)

    def executemany(self, sql: str, parameters: Iterable[_Parameters], /) -> Any:
        """Run one statement for each of several parameters."""
        try:
            return TelemetryCursor(super().executemany(sql, parameters), self.path)
        except DRIVER_ERRORS as error:
            raise_ours(self.path, error)

    def copy_to(self, target: sqlite3.Connection, pages: int) -> None:
        """Copy all pages into another database."""
        with translated(self.path):
            self.backup(target, pages=pages)


def connect(path: Path, *, read_only: bool = False, any_thread: bool = False) -> TelemetryConnection:
    """Open a database; transactions are explicit.

    Raises
    ------
    DiskError
        If it cannot be opened at the moment.
    DamagedDataError
        If a folder is in its place.
    """
    if path.is_dir():
        raise DamagedDataError(
            Sentence("{path} is a folder, and should be a file: move it away; {restore}", path=path, restore=RESTORE)
        )
    with translated(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,
            check_same_thread=not any_thread,
            factory=TelemetryConnection,
        )
    connection.path = path
    return connection


@contextmanager
def decoding(connection: sqlite3.Connection, what: str) -> Generator[None]:
    """Translate what is raised inside by a value that kado never wrote.

    Parameters
    ----------
    connection
        Where the value is from.
    what
        The table, for the message.

    Raises
    ------
    DamagedDataError
        For errors of conversion: of type, of value, of a key that is not there.
    """
    try:
        yield
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, StopIteration) as error:
        path = connection.path if isinstance(connection, TelemetryConnection) else "telemetry.db"
        raise DamagedDataError(
            Sentence(
                "{path} is damaged: table {what} holds a value that kado does not write, or lacks "
                "one ({name}: {error}): {restore}",
                path=path,
                what=what,
                name=type(error).__name__,
                error=error,
                restore=RESTORE,
            )
        ) from error


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
