"""What Prometheus reads of the alarms and of their notification."""

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from facility.alarms.facts import FACTS
from facility.alarms.states import AlarmState, Priority
from facility.time import NS_PER_S
from kado.service.alarm_counts import TICK_BUCKETS_S
from kado.service.alarms import Alarms
from kado.service.metrics.exposition import Rows, family_of, metric_named
from kado.service.notification.sending import Notifications


class AlarmExposition(Collector):
    """Metrics of the alarms, as they were at the engine's last look."""

    def __init__(self, alarms: Alarms, facility: str) -> None:
        self._alarms = alarms
        self._facility = facility

    def describe(self) -> list[Family]:
        """Return nothing: names are checked by a test, not at each start."""
        return []

    def collect(self) -> Iterator[Family]:
        """Yield every metric as it is now; nothing before the first look."""
        engine, counts = self._alarms.engine, self._alarms.counts
        if engine is None:
            return
        states: Rows = []
        numbers: Counter[tuple[AlarmState, Priority]] = Counter()
        for rule, record in zip(engine.rules.ranked, engine.records, strict=True):
            labels = (self._facility, rule.id, rule.priority.value, rule.class_)
            states.append((labels, float(record.shown.code)))
            numbers[record.shown, rule.priority] += 1
        yield family_of("kado_alarm_state", states)
        totals: Rows = [
            ((self._facility, state.value, priority.value), float(numbers[state, priority]))
            for state in AlarmState
            for priority in Priority
        ]
        yield family_of("kado_alarms", totals)
        yield family_of(
            "kado_alarm_annunciations",
            [((self._facility, *key), float(n)) for key, n in sorted(counts.annunciations.copy().items())],
        )
        yield family_of(
            "kado_alarm_refusals",
            [((self._facility, reason.value), float(n)) for reason, n in sorted(counts.refusals.copy().items())],
        )
        ones = {
            "kado_alarm_position_timestamp_seconds": engine.position_ns / NS_PER_S,
            "kado_alarm_flood": counts.flood,
            "kado_alarms_chattering": sum(record.chattering for record in engine.records),
            "kado_alarm_late_samples": counts.late,
            "kado_alarm_clock_back": counts.clock_back,
        }
        for name, value in ones.items():
            yield family_of(name, [((self._facility,), float(value))])
        yield self._ticks()
        yield from self._facts()

    def _ticks(self) -> Family:
        ticks, about = self._alarms.counts.ticks, metric_named("kado_alarm_tick_seconds")
        family = HistogramMetricFamily(about.name, about.about, labels=about.labels)
        edges = [*(f"{edge:g}" for edge in TICK_BUCKETS_S), "+Inf"]
        family.add_metric((self._facility,), list(zip(edges, accumulate(ticks.buckets), strict=True)), ticks.sum_s)
        return family

    def _facts(self) -> Iterator[Family]:
        numbers: Rows = []
        states: Rows = []
        for name, value in self._alarms.facts.items():
            if isinstance(value, str):
                states += [((self._facility, name, word), float(word == value)) for word in FACTS[name]]
            elif value is not None:
                numbers.append(((self._facility, name), float(value)))
        yield family_of("kado_fact", numbers)
        yield family_of("kado_fact_state", states)


class NotificationExposition(Collector):
    """Metrics of the senders, one row a target."""

    def __init__(self, notifications: Notifications, alarms: Alarms, facility: str) -> None:
        self._facility = facility
        self._notifications = notifications
        self._alarms = alarms

    def describe(self) -> list[Family]:
        """Return nothing: names are checked by a test, not at each start."""
        return []

    def collect(self) -> Iterator[Family]:
        """Yield every metric as it is now."""
        results: Rows = []
        ages: Rows = []
        for runner in self._notifications.runners:
            name = runner.target.id
            results += [
                ((self._facility, name, result), float(count)) for result, count in sorted(runner.results.items())
            ]
            ages.append(((self._facility, name), self._notifications.age_s(runner)))
        yield family_of("kado_notifications", results)
        yield family_of("kado_notification_oldest_seconds", ages)
        dropped = float(self._alarms.counts.notifications_dropped)
        yield family_of("kado_notifications_replaced", [((self._facility,), dropped)])
