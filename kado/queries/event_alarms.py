"""The alarms that were raised while the beam was lost or distorted: what the control room was shown of an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from analytics.availability import ReportedEvent
from facility.alarms import Cause, Priority, Transition
from facility.errors import KadoError
from facility.text import Text
from facility.time import format_time
from kado.config import Configuration
from kado.journal import has_journal, open_alarm_journal
from kado.queries.alarm_rules import load_alarm_rules


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """One alarm that was raised in an event."""

    id: str
    title: Text
    """As the rules in force name it; the id where they have no such alarm any more."""
    priority: Priority
    """At its first raise in the event."""
    first_ns: int
    """When it was first raised in the event."""
    count: int
    """How often it was raised in the event."""


@dataclass(frozen=True, slots=True)
class AlarmsRaised:
    """Annunciations of a period, as the journal holds them."""

    rows: tuple[Transition, ...] = ()
    """Annunciated rows but re-alarms, in order of time."""
    titles: tuple[tuple[str, Text], ...] = ()

    def between(self, start_ns: int, end_ns: int) -> tuple[RaisedAlarm, ...]:
        """Return the alarms raised in ``[start_ns, end_ns)``, in the order of their first raise."""
        titles, found = dict(self.titles), dict[str, list[Transition]]()
        for row in self.rows:
            if start_ns <= row.time_ns < end_ns:
                found.setdefault(row.alarm, []).append(row)
        return tuple(
            RaisedAlarm(
                alarm, titles.get(alarm, Text(en=alarm, ja=alarm)), rows[0].priority, rows[0].time_ns, len(rows)
            )
            for alarm, rows in found.items()
        )

    def in_event(self, reported: ReportedEvent) -> tuple[RaisedAlarm, ...]:
        """Return the alarms raised from the first sample of an event to the one that ended it."""
        return self.between(reported.event.start_ns, reported.event.end_ns)


NO_ALARMS: Final = AlarmsRaised()


def load_alarms_raised(configuration: Configuration, start_ns: int, end_ns: int) -> AlarmsRaised:
    """Return the alarms that the journal says were raised in ``[start_ns, end_ns)``.

    Nobody watched where nothing is recorded: then there are none, which says nothing about the machine. Titles come
    from the rules in force; rules that cannot be read leave the ids.
    """
    if not has_journal(configuration):
        return NO_ALARMS
    with open_alarm_journal(configuration) as journal:
        rows = tuple(
            r for r in journal.transitions(start_ns, end_ns) if r.annunciated and r.cause is not Cause.REALARMED
        )
    return AlarmsRaised(rows, _titles(configuration)) if rows else NO_ALARMS


def raised_documents(raised: Sequence[RaisedAlarm], zone: tzinfo) -> list[dict[str, Any]]:
    """Return the alarms raised in an event, for programs."""
    return [
        {
            "id": alarm.id,
            "title": {"en": alarm.title.en, "ja": alarm.title.ja},
            "priority": alarm.priority.value,
            "first": format_time(alarm.first_ns, zone),
            "count": alarm.count,
        }
        for alarm in raised
    ]


def _titles(configuration: Configuration) -> tuple[tuple[str, Text], ...]:
    if configuration.settings.alarms is None:
        return ()
    try:
        return tuple((rule.id, rule.title) for rule in load_alarm_rules(configuration).rules)
    except KadoError:
        # `kado check` and `kado alarms rules` name what is wrong in them.
        return ()
