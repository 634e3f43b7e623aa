"""Makes the rows of the outbox out of transitions, in the thread of the engine, for the same transaction."""

import logging
from collections.abc import Iterable, Sequence
from typing import Final

from analytics.alarms import Engine
from facility.alarms import Transition
from kado.config import AlarmSettings, Configuration
from kado.service.notification.flood import SUMMARY_AFTER_NS, FloodWatch
from kado.service.notification.notice import NoticeKind, in_flood, notices_of
from kado.service.notification.routing import targets_of, unknown_targets
from storage.telemetry_db.alarm_notifications import NewNotification

_LOG: Final = logging.getLogger(__name__)


class Outbox:
    """What is to be sent of each transition, and to whom."""

    def __init__(self, configuration: Configuration, settings: AlarmSettings) -> None:
        self._profile = configuration.profile
        self._settings = settings
        self._flood = FloodWatch()
        self._warned: set[tuple[str, str]] = set()

    def remember(self, rows: Iterable[Transition]) -> None:
        """Take notice of annunciations of the last minutes: after a start."""
        for row in rows:
            if row.annunciated:
                self._flood.note(row.time_ns, row.alarm, row.seq)

    def rows(self, rows: Sequence[Transition], before: Engine, after: Engine, now_ns: int) -> list[NewNotification]:
        """Return what the outbox is given together with these transitions; the same for the same ones."""
        found: list[NewNotification] = []
        self.warn(after)
        for row in rows:
            if row.annunciated:
                self._flood.note(row.time_ns, row.alarm, row.seq)
        for notice in notices_of(rows, before, after, self._profile):
            flood = self._flood.flood(notice.time_ns)
            written = in_flood(notice) if flood else notice
            rule = after.rules.by_id.get(notice.alarm) or before.rules.by_id[notice.alarm]
            held = written.flood and written.kind is NoticeKind.RAISED
            due_ns = now_ns + (SUMMARY_AFTER_NS if held else 0)
            text = written.to_json()
            found += [
                NewNotification(target.id, notice.alarm, notice.seq, now_ns, due_ns, text)
                for target in targets_of(rule, self._settings)
            ]
        return found

    def warn(self, engine: Engine) -> None:
        """Log each target that a rule names and that does not exist, once."""
        for alarm, name in unknown_targets(engine.rules.rules, self._settings):
            if (alarm, name) not in self._warned:
                self._warned.add((alarm, name))
                _LOG.warning("alarm %s: notify names %r, and no [[alarms.target]] has that id", alarm, name)
