"""Whether ``telemetry.db`` and ``journal.db`` of a data directory are whole."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from facility.errors import DamagedDataError, DiskError
from facility.quality import Quality
from storage.data_dir import DataDir
from storage.embedded.row_checksums import NEGATIVE_ZERO, changed_days
from storage.journal.mark import JournalMark
from storage.telemetry_db import snapshot
from storage.telemetry_db.connection import connect
from storage.upkeep import Finding

_KEEP_COPY: Final = "stop kado, keep a copy of the folder, and restore the newest backup"
_COMPARE: Final = (
    "they are not sealed; restore the newest backup into another folder and compare. kado store verify --accept-rows"
    " lets them count as they are"
)
# The most problems of one database that are named.
_MOST_NAMED: Final = 10


def verify_databases(connection: sqlite3.Connection, data_dir: Path, *, deep: bool = False) -> list[Finding]:
    """Let SQLite look through both databases; with `deep` compare indexes too, and look at every row."""
    places = DataDir(data_dir)
    findings = list(_integrity(connection, places.telemetry, deep=deep))
    if not findings:
        findings += _of_rows(connection, places.telemetry) if deep else ()
        findings += _changed_rows(connection, places.telemetry)
    records: dict[str, int] = {}
    if places.journal.is_file():
        with closing(connect(places.journal, read_only=True)) as journal:
            damaged = list(_integrity(journal, places.journal, deep=deep))
            findings += damaged
            if damaged:
                return findings
            records = _records(journal)
    if problem := JournalMark(places.journal).problem(records):
        findings.append(Finding(str(places.journal), problem, _KEEP_COPY))
    return findings


def _records(journal: sqlite3.Connection) -> dict[str, int]:
    """Return how many records each table of the journal holds."""
    tables = [name for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: journal.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}


def _integrity(connection: sqlite3.Connection, path: Path, *, deep: bool) -> Iterator[Finding]:
    check = "integrity_check" if deep else "quick_check"
    try:
        said = [text for (text,) in connection.execute(f"PRAGMA {check}({_MOST_NAMED})")]
    except (DamagedDataError, DiskError) as error:
        said = [str(error.__cause__ or error)]
    yield from (Finding(str(path), text, _KEEP_COPY) for text in said if text != "ok")


def _changed_rows(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    """Find rows that are not what landed."""
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'row_checksum'").fetchone()[0]:
        return
    with snapshot(connection):
        changed = changed_days(connection)
    yield from (Finding(str(path), one.describe(), _COMPARE) for one in changed)


def _of_rows(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    """Find rows that say something impossible."""
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'sample'").fetchone()[0]:
        return
    # NULL is in no set, and not in an empty one either.
    unknown = "{0} IS NOT NULL AND {0} NOT IN (SELECT id FROM word)"
    words = " OR ".join(unknown.format(column) for column in ("state_id", "reason_id"))
    for condition, what in (
        ("series_id NOT IN (SELECT id FROM series)", "of a signal that it does not know"),
        (words, "with a word that it does not know"),
        (
            f"(quality & ~{NEGATIVE_ZERO}) NOT BETWEEN 0 AND {int(Quality.BAD)}",
            "of a quality that does not exist",
        ),
        (
            "time_ns > (SELECT newest_ns FROM series WHERE id = series_id)",
            "that are newer than the newest that it says has landed",
        ),
    ):
        (n,) = connection.execute(f"SELECT count(*) FROM sample WHERE {condition}").fetchone()
        if n:
            yield Finding(str(path), f"samples {what}: {n}", _KEEP_COPY)
