"""Whose journal it is: that of the first facility for which it was opened."""

import sqlalchemy as sa

from facility.errors import ConfigError
from storage.journal.connection import Database
from storage.journal.schema import JOURNAL_META

_FACILITY = "facility"


def claim(database: Database, facility: str) -> None:
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
            f"journal {database.name} belongs to facility {owner!r}, not to {facility!r}: its schedule and corrections"
            " are the other one's; each facility needs a data_dir of its own"
        )
