"""Signals and words of ``telemetry.db``, which rows refer to by number."""

import sqlite3
from collections.abc import Iterable
from typing import Final

_ADVANCE: Final = "UPDATE series SET newest_ns = ?2 WHERE id = ?1 AND (newest_ns IS NULL OR newest_ns < ?2)"


def series_of(connection: sqlite3.Connection, signal: str) -> tuple[int, int | None]:
    """Return a signal's id and the newest stamp that ever landed; a signal that is new gets an id."""
    found = connection.execute("SELECT id, newest_ns FROM series WHERE signal = ?", (signal,)).fetchone()
    if found is None:
        made = connection.execute("INSERT INTO series(signal) VALUES(?)", (signal,))
        return int(made.lastrowid or 0), None
    return found


def advance(connection: sqlite3.Connection, series_id: int, newest_ns: int) -> None:
    """Remember that a sample stamped `newest_ns` has landed."""
    connection.execute(_ADVANCE, (series_id, newest_ns))


def advance_all(connection: sqlite3.Connection, newest: Iterable[tuple[int, int]]) -> None:
    """Do what `advance` does for pairs of series and stamp."""
    connection.executemany(_ADVANCE, newest)


def word_ids(connection: sqlite3.Connection, words: Iterable[str]) -> list[int]:
    """Return the id of each word; one that is new gets one."""
    ids: list[int] = []
    for word in words:
        found = connection.execute("SELECT id FROM word WHERE text = ?", (word,)).fetchone()
        if found is None:
            found = (connection.execute("INSERT INTO word(text) VALUES(?)", (word,)).lastrowid or 0,)
        ids.append(int(found[0]))
    return ids
