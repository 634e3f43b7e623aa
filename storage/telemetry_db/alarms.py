"""The alarm engine's state in ``telemetry.db``, and its rows on their way to the journal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from storage.telemetry_db.alarm_notifications import NewNotification, add_notifications
from storage.telemetry_db.connection import TelemetryConnection, snapshot, transaction
from storage.telemetry_db.opening import open_reader, open_writer
from storage.telemetry_db.schema import StoreKind


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One row for the journal."""

    id: int
    kind: str
    """``transition``, ``refusal`` or ``watch``."""
    text: str
    """JSON."""


class AlarmStateFile:
    """State and outgoing rows of the alarms of one data directory; for the process that holds its lock.

    Contract: `commit` writes all or nothing and is durable when it returns. An outgoing row stays until it was
    forgotten: rows are deleted here only after they are in the journal, so that after a kill they are copied again,
    never lost.
    """

    def __init__(self, connection: TelemetryConnection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, data_dir: Path, facility: str, store_kind: StoreKind, now_ns: int) -> Self:
        """Open for writing beside the landing, which waits for a commit here as this waits for one there.

        Raises
        ------
        ConfigError, FormatVersionError
            If the file is not this facility's, or of a newer version.
        """
        return cls(open_writer(data_dir, facility, store_kind, now_ns, any_thread=True))

    def read(self) -> dict[str, str]:
        """Return every row of state, by name."""
        return _read(self._connection)

    def commit(
        self,
        changed: Mapping[str, str],
        gone: Iterable[str] = (),
        outgoing: Iterable[tuple[str, str]] = (),
        notifications: Iterable[NewNotification] = (),
    ) -> int:
        """Write rows of state, remove others, add rows (kind, JSON) for the journal and notifications: one transaction.

        Returns how many older notifications went because the outbox was full.
        """
        with transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO alarm_state VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET text = excluded.text",
                changed.items(),
            )
            self._connection.executemany("DELETE FROM alarm_state WHERE name = ?", [(name,) for name in gone])
            self._connection.executemany("INSERT INTO alarm_outgoing(kind, text) VALUES(?, ?)", outgoing)
            return add_notifications(self._connection, notifications)

    def outgoing(self, limit: int = 1000) -> list[Outgoing]:
        """Return the oldest rows that are not known to be in the journal."""
        rows = self._connection.execute("SELECT id, kind, text FROM alarm_outgoing ORDER BY id LIMIT ?", (limit,))
        return [Outgoing(*row) for row in rows]

    def forget(self, upto_id: int) -> None:
        """Remove outgoing rows up to that one: they are in the journal."""
        with transaction(self._connection):
            self._connection.execute("DELETE FROM alarm_outgoing WHERE id <= ?", (upto_id,))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_alarm_state(data_dir: Path, facility: str) -> tuple[dict[str, str], list[Outgoing]]:
    """Return the state and the outgoing rows of one instant, also while a service writes.

    Raises
    ------
    ConfigError
        If there is no file, or it is another facility's.
    FormatVersionError
        If it is of another version.
    """
    connection = open_reader(data_dir, facility)
    try:
        with snapshot(connection):
            rows = connection.execute("SELECT id, kind, text FROM alarm_outgoing ORDER BY id")
            return _read(connection), [Outgoing(*row) for row in rows]
    finally:
        connection.close()


def _read(connection: TelemetryConnection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, text FROM alarm_state").fetchall())
