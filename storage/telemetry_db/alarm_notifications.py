"""The outbox of notifications in ``telemetry.db``: what each target has still to be sent, and what it was sent last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from storage.telemetry_db.connection import TelemetryConnection, transaction
from storage.telemetry_db.opening import open_writer
from storage.telemetry_db.schema import StoreKind

MOST_ROWS: Final = 10_000
"""So many rows wait for one target; beyond that rows go which a later row of the same alarm replaces, oldest first."""


@dataclass(frozen=True, slots=True)
class NewNotification:
    """One change of one alarm, for one target."""

    target: str
    alarm: str
    seq: int
    """Number of the alarm's journaled row: the same change is written once."""
    created_ns: int
    due_ns: int
    """From here on it counts as waiting: later than `created_ns` for what belongs to a summary."""
    text: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row of the outbox."""

    id: int
    alarm: str
    created_ns: int
    text: str


def add_notifications(connection: TelemetryConnection, rows: Iterable[NewNotification], most: int = MOST_ROWS) -> int:
    """Write rows that are not there yet and return how many older ones went for them; call inside a transaction."""
    targets: set[str] = set()
    for row in rows:
        connection.execute(
            "INSERT OR IGNORE INTO alarm_notification(target, alarm, seq, created_ns, due_ns, text)"
            " VALUES(?, ?, ?, ?, ?, ?)",
            (row.target, row.alarm, row.seq, row.created_ns, row.due_ns, row.text),
        )
        targets.add(row.target)
    return sum(_bound(connection, target, most) for target in sorted(targets))


def _bound(connection: TelemetryConnection, target: str, most: int) -> int:
    """Remove rows that a later row of the same alarm replaces, as many as there are too many."""
    (count,) = connection.execute("SELECT count(*) FROM alarm_notification WHERE target = ?", (target,)).fetchone()
    if count <= most:
        return 0
    replaced = connection.execute(
        "SELECT id FROM alarm_notification WHERE target = ? AND id NOT IN"
        " (SELECT max(id) FROM alarm_notification WHERE target = ? GROUP BY alarm) ORDER BY id LIMIT ?",
        (target, target, count - most),
    ).fetchall()
    connection.executemany("DELETE FROM alarm_notification WHERE id = ?", replaced)
    return len(replaced)


class NotificationFile:
    """The outbox of one data directory, for the sender of one target, beside the engine that fills it.

    Contract: a row stays until `settle` names it, which happens after the target has taken it: after a kill it is
    sent again, never lost.
    """

    def __init__(self, connection: TelemetryConnection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, data_dir: Path, facility: str, store_kind: StoreKind, now_ns: int) -> Self:
        """Open for writing; for the process that holds the directory's lock.

        Raises
        ------
        ConfigError, FormatVersionError
            If the file is not this facility's, or of a newer version.
        """
        return cls(open_writer(data_dir, facility, store_kind, now_ns, any_thread=True))

    def add(self, rows: Iterable[NewNotification], most: int = MOST_ROWS) -> int:
        """Write rows outside the engine's transaction; see `add_notifications`."""
        with transaction(self._connection):
            return add_notifications(self._connection, rows, most)

    def waiting(self, target: str, limit: int = 2 * MOST_ROWS) -> list[Waiting]:
        """Return the oldest rows that the target has still to be sent, in order."""
        rows = self._connection.execute(
            "SELECT id, alarm, created_ns, text FROM alarm_notification WHERE target = ? ORDER BY id LIMIT ?",
            (target, limit),
        )
        return [Waiting(*row) for row in rows]

    def sent(self, target: str) -> dict[str, str]:
        """Return what the target was sent last, by alarm, as JSON."""
        rows = self._connection.execute("SELECT alarm, text FROM alarm_notified WHERE target = ?", (target,))
        return dict(rows.fetchall())

    def settle(self, target: str, ids: Sequence[int], sent: Mapping[str, str | None]) -> None:
        """Remove rows that the target has taken and write what it was sent (None: forget it): one transaction."""
        with transaction(self._connection):
            self._connection.executemany("DELETE FROM alarm_notification WHERE id = ?", [(i,) for i in ids])
            for alarm, text in sent.items():
                if text is None:
                    self._connection.execute(
                        "DELETE FROM alarm_notified WHERE target = ? AND alarm = ?", (target, alarm)
                    )
                else:
                    self._connection.execute(
                        "INSERT INTO alarm_notified VALUES(?, ?, ?)"
                        " ON CONFLICT(target, alarm) DO UPDATE SET text = excluded.text",
                        (target, alarm, text),
                    )

    def oldest_due_ns(self, target: str) -> int | None:
        """Return since when the oldest row has waited; None: nothing waits."""
        (found,) = self._connection.execute(
            "SELECT min(due_ns) FROM alarm_notification WHERE target = ?", (target,)
        ).fetchone()
        return found

    def keep_targets(self, targets: Sequence[str]) -> int:
        """Remove what belongs to other targets than these, and return how many rows went unsent."""
        marks = ", ".join("?" * len(targets))
        with transaction(self._connection):
            gone = self._connection.execute(
                f"DELETE FROM alarm_notification WHERE target NOT IN ({marks})", tuple(targets)
            ).rowcount
            self._connection.execute(f"DELETE FROM alarm_notified WHERE target NOT IN ({marks})", tuple(targets))
        return gone

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
