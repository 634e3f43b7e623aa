"""An open journal: the connections of one facility to it, and their end."""

from datetime import tzinfo
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from facility.errors import ConfigError
from facility.sentence import Sentence
from facility.time import Clock
from storage.journal.connection import Database
from storage.journal.schema import JOURNAL_META

_FACILITY = "facility"


class OpenJournal:
    """What every class that reads and writes the journal has in common.

    Use `open` of the class, and close it or use it as a context manager.
    """

    def __init__(self, database: Database, clock: Clock, zone: tzinfo | None = None) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone

    @property
    def problem(self) -> str:
        """Which records the journal held and lacks now, with the remedy; empty if it lacks none."""
        return self._database.problem

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_database(where: Path | str, facility: str) -> Database:
    """Open the journal of a facility, making it or bringing its schema up to date.

    Raises
    ------
    ConfigError
        If it is another facility's, or `where` is neither a path nor a URL.
    DamagedDataError
        If it is damaged.
    FormatVersionError
        If it is of a newer revision, or not kado's.
    UnreachableError
        If it cannot be opened.
    """
    database = Database(where)
    try:
        _claim(database, facility)
    except BaseException:
        database.close()
        raise
    return database


def _claim(database: Database, facility: str) -> None:
    """Check that the journal belongs to a facility; a new journal becomes its own.

    Raises
    ------
    ConfigError
        If it is another facility's.
    """
    query = sa.select(JOURNAL_META.c.value).where(JOURNAL_META.c.key == _FACILITY)
    with database.reading() as connection:
        owner = connection.execute(query).scalar_one_or_none()
    if owner is None:
        with database.writing() as connection:
            # Another process may have been faster.
            owner = connection.execute(query).scalar_one_or_none()
            if owner is None:
                connection.execute(sa.insert(JOURNAL_META).values(key=_FACILITY, value=facility))
                return
    if owner != facility:
        raise ConfigError(
            Sentence(
                "journal {database} belongs to facility {owner!r}, not to {facility!r}: its schedule "
                "and corrections are the other one's; each facility needs a data_dir of its own",
                database=database.name,
                owner=owner,
                facility=facility,
            )
        )
