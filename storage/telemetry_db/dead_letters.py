"""What was received and cannot become a sample: kept, within bounds, until the mapping is corrected."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from facility.source import Rejection
from storage.telemetry_db.connection import snapshot
from storage.telemetry_db.opening import open_reader


@dataclass(frozen=True, slots=True)
class DeadLetterLimits:
    """How much is kept; the ledger counts what is not kept any more, too."""

    max_letters: int = 10_000
    max_bytes: int = 64 * 1024 * 1024
    """Of payloads."""


DEFAULT_LIMITS: Final = DeadLetterLimits()


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One rejected payload, as received."""

    id: int
    """Grows with every letter; gaps show how many went."""
    arrival_ns: int
    source: str
    address: str
    cause: str
    detail: str
    payload: bytes


def keep(
    connection: sqlite3.Connection,
    source: str,
    rejected: Sequence[Rejection],
    limits: DeadLetterLimits = DEFAULT_LIMITS,
) -> None:
    """Keep rejected payloads, and let the oldest go beyond the limits; call inside a transaction."""
    connection.executemany(
        "INSERT INTO dead_letter(arrival_ns, source, address, cause, detail, size, payload)"
        " VALUES(?, ?, ?, ?, ?, ?, ?)",
        [(r.arrival_ns, source, r.address, r.cause, r.detail, len(r.payload), r.payload) for r in rejected],
    )
    letters, size = connection.execute("SELECT count(*), ifnull(sum(size), 0) FROM dead_letter").fetchone()
    with closing(connection.execute("SELECT id, size FROM dead_letter ORDER BY id")) as oldest_first:
        gone = 0
        while letters > limits.max_letters or size > limits.max_bytes:
            gone, freed = oldest_first.fetchone()
            letters, size = letters - 1, size - freed
    if gone:
        connection.execute("DELETE FROM dead_letter WHERE id <= ?", (gone,))


def count_by_cause(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many payloads are kept, by cause."""
    return dict(connection.execute("SELECT cause, count(*) FROM dead_letter GROUP BY cause").fetchall())


def delete(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Delete letters; call inside the transaction that takes in what they hold."""
    connection.executemany("DELETE FROM dead_letter WHERE id = ?", [(one,) for one in ids])


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which dead letters are asked for; None: all."""

    source: str | None = None
    cause: str | None = None
    ids: tuple[int, ...] | None = None


def read_dead_letters(data_dir: Path, limit: int = 100, chosen: Chosen = Chosen()) -> tuple[int, list[DeadLetter]]:
    """Return how many dead letters there are of those that are asked for, and the newest of them, newest first."""
    terms = [("source = ?", chosen.source), ("cause = ?", chosen.cause)]
    where = " AND ".join(["1", *(term for term, value in terms if value is not None)])
    values: list[str | int] = [value for _, value in terms if value is not None]
    if chosen.ids is not None:
        where += f" AND id IN ({', '.join('?' * len(chosen.ids))})"
        values += chosen.ids
    with closing(open_reader(data_dir)) as connection, snapshot(connection):
        (total,) = connection.execute(f"SELECT count(*) FROM dead_letter WHERE {where}", values).fetchone()
        rows = connection.execute(
            "SELECT id, arrival_ns, source, address, cause, detail, payload FROM dead_letter"
            f" WHERE {where} ORDER BY id DESC LIMIT ?",
            (*values, limit),
        )
        return total, [DeadLetter(*row) for row in rows]
