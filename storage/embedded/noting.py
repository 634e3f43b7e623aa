"""What it means for sealed files that ``telemetry.db`` cannot be written."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from facility.errors import ArchiveError
from storage.data_dir import DataDir


@contextmanager
def noting(data_dir: Path) -> Generator[None]:
    """Translate the errors of a database that cannot take note of what is done inside.

    Raises
    ------
    ArchiveError
        If the disk is full or broken, or another connection holds the database for too long.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ArchiveError(
            f"{DataDir(data_dir).telemetry} cannot take note of what is sealed or deleted ({error}): make space or mend"
            " the disk, and do it again; nothing is lost"
        ) from error
