"""``journal.mark``: how many records the journal held, beside it, so that an emptied journal is noticed."""

import json
import logging
import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

import sqlalchemy as sa

from storage.data_dir import PRIVATE
from storage.journal.schema import METADATA

_LOG: Final = logging.getLogger(__name__)
_said: set[str] = set()


def count_records(connection: sa.Connection) -> dict[str, int]:
    """Return how many records each table holds. Nothing is ever deleted, so each number only grows."""
    return {
        name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for name, table in METADATA.tables.items()
    }


class JournalMark:
    """The numbers of records at the last write.

    Contract: `write` comes after the commit, so the journal is never behind its mark unless records are gone. Two
    writers may write it in either order: then it is behind the journal, which is harmless.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._path = journal.with_suffix(".mark")

    def write(self, records: Mapping[str, int]) -> None:
        """Write the numbers down, none smaller than before; a disk that does not take them loses only this check."""
        try:
            before = self._read()
        except (OSError, ValueError, TypeError):
            before = {}
        text = json.dumps({name: max(n, before.get(name, 0)) for name, n in records.items()}, sort_keys=True)
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        with suppress(OSError):
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
            try:
                os.write(fd, f"{text} {zlib.crc32(text.encode())}\n".encode())
            finally:
                os.close(fd)
            draft.rename(self._path)

    def compare(self, found: Mapping[str, int]) -> str:
        """Return what `problem` does, and log it once as an error."""
        text = self.problem(found)
        if text and text not in _said:
            _LOG.error("%s", text)
            _said.add(text)
        return text

    @property
    def exists(self) -> bool:
        """Whether a journal was ever written here."""
        return self._path.exists()

    def problem(self, found: Mapping[str, int]) -> str:
        """Return what is wrong, for people; nothing if all is well, or there is no mark."""
        try:
            records = self._read()
            lacking = {name: n - found.get(name, 0) for name, n in records.items() if found.get(name, 0) < n}
        except FileNotFoundError:
            return ""
        except (OSError, ValueError, TypeError, AttributeError) as error:
            return f"{self._path} is damaged ({error}): kado cannot check whether the journal is complete; remove it"
        if not lacking:
            return ""
        what = ", ".join(f"{n} of {records[name]} in {name}" for name, n in lacking.items())
        return (
            f"journal {self._journal} lacks records that it held: {what}. It was emptied, or an older file took its"
            f" place, and figures may differ: restore it from a backup (kado store restore), or remove {self._path}"
        )

    def _read(self) -> dict[str, int]:
        text, _, checksum = self._path.read_text("utf-8").rstrip("\n").rpartition(" ")
        if int(checksum) != zlib.crc32(text.encode()):
            raise ValueError("its checksum is another")
        return {str(name): int(n) for name, n in cast("dict[str, Any]", json.loads(text)).items()}
