"""Errors of ``telemetry.db`` while sealed files come and go."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from facility.errors import ArchiveError, DiskError
from facility.sentence import Sentence
from storage.data_dir import DataDir


@contextmanager
def translate_errors(data_dir: Path) -> Generator[None]:
    """Explain a database that cannot be written in this block: what that means for sealed files.

    Raises
    ------
    ArchiveError
        If the disk is full or broken, or another connection holds the database for too long.
    """
    try:
        yield
    except DiskError as error:
        raise ArchiveError(
            Sentence(
                "{telemetry} cannot record what is sealed or deleted ({cause}): free space or "
                "replace the disk, and do it again; nothing is lost",
                telemetry=DataDir(data_dir).telemetry,
                cause=error.__cause__ or error,
            )
        ) from error
