"""What Prometheus reads of the notification of alarms."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from kado.service.alarms import Alarms
from kado.service.metrics.exposition import Rows, family_of
from kado.service.notification.sending import Notifications


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
