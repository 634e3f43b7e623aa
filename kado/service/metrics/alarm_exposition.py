"""What Prometheus reads of the alarms."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from facility.alarms.states import AlarmState, Priority
from facility.time import NS_PER_S
from kado.service.alarms import Alarms
from kado.service.metrics.exposition import Rows, family_of


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
        position_s = engine.position_ns / NS_PER_S
        ones = {
            "kado_alarm_position_timestamp_seconds": position_s,
            "kado_alarm_annunciations": counts.annunciations,
            "kado_alarm_late_samples": counts.late,
            "kado_alarm_clock_back": counts.clock_back,
            "kado_alarm_refusals": counts.refusals,
            "kado_alarm_tick_seconds": counts.tick_s,
        }
        for name, value in ones.items():
            yield family_of(name, [((self._facility,), float(value))])
