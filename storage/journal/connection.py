"""Connections to the journal's database, and its schema brought up to date."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event, exc

from facility.errors import ConfigError, DamagedDataError, FormatVersionError, KadoError, UnreachableError
from facility.sentence import Sentence
from storage.data_dir import make_private
from storage.journal.mark import JournalMark, count_records
from storage.journal.schema import REVISIONS
from storage.telemetry_db.connection import RESTORE, translate

_BUSY_S: Final = 30.0
_WRITES: Final = "kado_writes"
_VERSION: Final = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32)))


class Database:
    """A database with the journal's schema.

    Several processes may write: each transaction takes the right to write when it begins, and waits for it.
    """

    def __init__(self, where: Path | str) -> None:
        """Connect, and bring the schema up to date.

        Raises
        ------
        ConfigError
            If `where` is no path and no URL of a database.
        FormatVersionError
            If the database is of a newer revision, or not kado's.
        UnreachableError
            If it cannot be opened, or is busy for too long.
        """
        self.name = str(where)
        self._mark: JournalMark | None = None
        self.problem = ""
        """Which records are gone, for people; empty if none are."""
        try:
            url = sa.make_url(self.name) if "://" in self.name else sa.URL.create("sqlite", database=self.name)
            is_file = url.get_backend_name() == "sqlite"
            self._engine = sa.create_engine(url, connect_args={"timeout": _BUSY_S} if is_file else {})
        except (exc.ArgumentError, ModuleNotFoundError) as error:
            raise ConfigError(
                Sentence(
                    "journal {name!r} is neither a path nor the URL of a database: {error}", name=self.name, error=error
                )
            ) from error
        self.name = url.database or "" if is_file else url.render_as_string()
        if is_file:
            try:
                self._make_file(Path(self.name))
            except OSError as error:
                raise UnreachableError(
                    Sentence(
                        "the folder of {name} cannot be made: {reason}; check data_dir in kado.toml",
                        name=self.name,
                        reason=error.strerror,
                    )
                ) from error
            event.listen(self._engine, "connect", _prepare)
            event.listen(self._engine, "begin", _begin)
        try:
            self._migrate()
            self._check_mark()
        except BaseException:
            self.close()
            raise

    def _make_file(self, path: Path) -> None:
        if path.is_dir():
            raise DamagedDataError(
                Sentence(
                    "journal {path} is a folder, and should be a file: move it away; {restore}",
                    path=path,
                    restore=RESTORE,
                )
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                Sentence(
                    "journal {path} cannot be made: {reason}; choose another data_dir", path=path, reason=error.strerror
                )
            ) from error
        if ":memory:" not in self.name:
            make_private(path)
            self._mark = JournalMark(path)

    @contextmanager
    def reading(self) -> Generator[sa.Connection]:
        """Read one state of the database inside."""
        with self._translated(), self._decoded(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[sa.Connection]:
        """Make all or nothing of what is written inside; durable at its end."""
        with self._translated(), self._engine.execution_options(**{_WRITES: True}).begin() as connection:
            yield connection
        if self._mark is not None:
            with self.reading() as connection:
                records = count_records(connection)
            self._mark.write(records)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _migrate(self) -> None:
        with self.reading() as connection:
            found = self._revision(connection)
        if found == REVISIONS[-1]:
            return
        # Alembic takes a quarter of a second to import, and is rarely needed.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(resources.files("storage.journal") / "migrations"))
        with self.writing() as connection:
            # Another process may have been faster.
            if self._revision(connection) != REVISIONS[-1]:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")

    def _check_mark(self) -> None:
        if self._mark is None:
            return
        with self.reading() as connection:
            found = count_records(connection)
        self.problem = self._mark.compare(found)

    def _revision(self, connection: sa.Connection) -> str | None:
        """Return the revision of the schema; None if there is nothing yet."""
        tables = sa.inspect(connection).get_table_names()
        if not tables:
            return None
        if _VERSION.name not in tables:
            raise FormatVersionError(
                Sentence("{name} is a database, but not kado's journal: move it away", name=self.name)
            )
        found = connection.execute(sa.select(_VERSION.c.version_num)).scalar_one_or_none()
        if found is None:
            raise DamagedDataError(
                Sentence("journal {name} is damaged: it lacks its revision: {restore}", name=self.name, restore=RESTORE)
            )
        if found not in REVISIONS:
            raise FormatVersionError(
                Sentence(
                    "journal {name} has revision {found}, this kado knows up to {revisions}: update kado",
                    name=self.name,
                    found=found,
                    revisions=REVISIONS[-1],
                )
            )
        return found

    @contextmanager
    def _decoded(self) -> Generator[None]:
        try:
            yield
        except (KadoError, exc.DBAPIError):
            raise
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            raise DamagedDataError(
                Sentence(
                    "journal {name} is damaged: it holds a value that kado does not write, or lacks one "
                    "({kind}: {error}): {restore}",
                    name=self.name,
                    kind=type(error).__name__,
                    error=error,
                    restore=RESTORE,
                )
            ) from error

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise translate(f"journal {self.name}", error) or error from error
        except exc.DatabaseError as error:
            if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_NOTADB:
                raise FormatVersionError(
                    Sentence(
                        "{name} is not a journal of kado's ({orig}): move it away; if it was kado's, it is "
                        "damaged: {restore}",
                        name=self.name,
                        orig=error.orig,
                        restore=RESTORE,
                    )
                ) from error
            if isinstance(ours := translate(f"journal {self.name}", error.orig), DamagedDataError):
                raise ours from error
            if not isinstance(error, exc.OperationalError):
                raise  # a defect of ours, not of the file
            raise UnreachableError(
                Sentence(
                    "journal {name} cannot be read or written ({orig}): check that its folder is there, "
                    "may be written and has space, and that no other program holds it",
                    name=self.name,
                    orig=error.orig,
                )
            ) from error


def _prepare(connection: Any, _record: Any) -> None:
    # The driver's own transactions begin too late; ours begin below.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: sa.Connection) -> None:
    # A transaction that reads first and then writes could be refused half-way, when two of them meet.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
