"""What Prometheus reads, put together when it asks: in a thread of its own, never on the event loop."""

import math
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector as RegistryCollector

from analytics.availability import Availability
from collector.arrival import Arrival
from collector.forwarder_status import ForwarderState
from collector.landing_status import LandingState
from collector.ledger import Ledger, read_ledger
from collector.source_status import LinkState
from facility.errors import KadoError
from facility.schedule import Category
from facility.signals import Signal
from facility.time import NS_PER_S, Clock
from kado.config import Configuration
from kado.queries.beam import BeamState
from kado.queries.secret_files import open_secret_files
from kado.service.application_status import ApplicationStatus
from kado.service.current_figures import Current, CurrentFigures
from kado.service.metrics.names import METRICS, Metric
from kado.service.metrics.readiness import reasons_not_ready
from kado.service.newest import Newest, NewestValues
from storage.data_dir import DataDir
from storage.telemetry_db import open_reader
from storage.telemetry_db.counters import Entry
from storage.telemetry_db.dead_letters import count_by_cause
from storage.telemetry_db.opening import created_ns

_BY_NAME: Final = {metric.name: metric for metric in METRICS}
_COMMIT_BUCKETS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

Labels = tuple[str, ...]
Rows = list[tuple[Labels, float]]


class CommitTimes:
    """Times of commits, as a histogram; observed by the landing."""

    def __init__(self, registry: CollectorRegistry, facility: str) -> None:
        about = _BY_NAME["kado_landing_commit_seconds"]
        histogram = Histogram(about.name, about.about, about.labels, registry=registry, buckets=_COMMIT_BUCKETS)
        self._observe = histogram.labels(facility).observe

    def landed(self, arrivals: Sequence[Arrival], took_s: float) -> None:
        """Take notice of a commit."""
        del arrivals
        self._observe(took_s)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the numbers come from; all of it may be asked by any thread."""

    configuration: Configuration
    clock: Clock
    status: Callable[[], ApplicationStatus]
    answers: Callable[[], dict[str, int]]
    """Of InfluxDB to the forwarder, by class; empty with the embedded store."""
    figures: CurrentFigures
    newest: NewestValues
    further: list[RegistryCollector] = field(default_factory=list[RegistryCollector])
    """Metrics of other parts of the service, such as alarms."""


class Exposition(RegistryCollector):
    """All metrics of a running kado but those of the process and the histogram of commits."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._facility = sources.configuration.profile.id
        self._started_ns = sources.clock()
        self._lock = threading.Lock()

    def describe(self) -> Iterable[Family]:
        """Return nothing: names are checked by a test, not at each start."""
        return []

    def collect(self) -> Iterator[Family]:
        """Yield every metric as it is now."""
        rows: dict[str, Rows] = {}
        now_ns = self._sources.clock()
        status, current = self._sources.status(), self._sources.figures.current
        self._about_kado(rows, status, current, now_ns)
        self._about_sources(rows, status)
        self._about_landing(rows, status, now_ns)
        self._about_disk(rows)
        self._about_ledger(rows)
        self._about_signals(rows, status, now_ns)
        self._about_machine(rows, current, now_ns)
        if current is not None:
            self._about_figures(rows, current)
        for name, found in rows.items():
            yield family_of(name, found)

    def _about_kado(
        self, rows: dict[str, Rows], status: ApplicationStatus, current: Current | None, now_ns: int
    ) -> None:
        configuration = self._sources.configuration
        simulated = "true" if configuration.profile.simulated else "false"
        rows["kado_build_info"] = [((self._facility, version("kado"), configuration.store.kind, simulated), 1.0)]
        reasons = reasons_not_ready(status, current, self._sources.figures.problems, now_ns)
        rows["kado_ready"] = self._one(0.0 if reasons else 1.0)
        rows["kado_open_secret_files"] = self._one(len(open_secret_files(configuration)))

    def _about_sources(self, rows: dict[str, Rows], status: ApplicationStatus) -> None:
        for name, source in status.sources.items():
            of_source = (self._facility, name)
            for state in LinkState:
                _add(rows, "kado_source_link", (*of_source, state.value), float(state is source.state))
            _add(rows, "kado_source_connects", of_source, source.connects)
            _add(rows, "kado_source_in_flight", of_source, source.in_flight)
            _add(rows, "kado_source_notices", of_source, len(source.notices))
            if source.newest_ns is not None:
                _add(rows, "kado_source_newest_sample_timestamp_seconds", of_source, source.newest_ns / NS_PER_S)
            if source.last_arrival_ns is not None:
                _add(rows, "kado_source_last_arrival_timestamp_seconds", of_source, source.last_arrival_ns / NS_PER_S)

    def _about_landing(self, rows: dict[str, Rows], status: ApplicationStatus, now_ns: int) -> None:
        landing, forwarder = status.landing, status.forwarder
        rows["kado_landing_state"] = [
            ((self._facility, state.value), float(state is landing.state)) for state in LandingState
        ]
        rows["kado_landing_fill_ratio"] = self._one(landing.fill)
        rows["kado_landing_used_bytes"] = self._one(landing.used_bytes)
        rows["kado_landing_queued_samples"] = self._one(landing.queued_samples)
        rows["kado_landing_commits"] = self._one(landing.commits)
        rows["kado_landing_failures"] = self._one(landing.failures)
        if forwarder is None:
            return
        rows["kado_forwarder_state"] = [
            ((self._facility, state.value), float(state is forwarder.state)) for state in ForwarderState
        ]
        oldest_ns = landing.oldest_waiting_ns
        rows["kado_forwarder_backlog_samples"] = self._one(landing.waiting_samples)
        rows["kado_forwarder_backlog_bytes"] = self._one(landing.waiting_bytes)
        rows["kado_forwarder_lag_seconds"] = self._one(0.0 if oldest_ns is None else (now_ns - oldest_ns) / NS_PER_S)
        rows["kado_forwarder_delivered_samples"] = self._one(forwarder.delivered)
        rows["kado_forwarder_answers"] = [
            ((self._facility, group), float(count)) for group, count in self._sources.answers().items()
        ]

    def _about_disk(self, rows: dict[str, Rows]) -> None:
        data_dir = self._sources.configuration.data_dir
        usage = shutil.disk_usage(data_dir)
        rows["kado_disk_free_bytes"] = self._one(usage.free)
        rows["kado_disk_size_bytes"] = self._one(usage.total)
        marker = DataDir(data_dir).last_backup
        if marker.exists():
            rows["kado_backup_timestamp_seconds"] = self._one(marker.stat().st_mtime)

    def _about_ledger(self, rows: dict[str, Rows]) -> None:
        data_dir = self._sources.configuration.data_dir
        try:
            ledger = read_ledger(data_dir)
            with closing(open_reader(data_dir)) as connection:
                letters = count_by_cause(connection)
                sealed = self._sources.configuration.backend.newest_sealed_ns(connection)
                created = created_ns(connection)
        except (KadoError, sqlite3.Error):
            # The next scrape tells; what is missing is absent, not zero.
            return
        for cause, count in letters.items():
            _add(rows, "kado_dead_letters", (self._facility, cause), float(count))
        rows["kado_data_begun_timestamp_seconds"] = self._one(created / NS_PER_S)
        if sealed is not None:
            rows["kado_sealed_timestamp_seconds"] = self._one(sealed / NS_PER_S)
        self._about_counts(rows, ledger)

    def _about_counts(self, rows: dict[str, Rows], ledger: Ledger) -> None:
        totals = [t for t in ledger.sources() if t.source]
        for total in totals:
            of_source = (self._facility, total.source)
            _add(rows, "kado_source_samples_received", of_source, total.received)
            _add(rows, "kado_source_samples_stored", of_source, total.stored)
            _add(rows, "kado_source_samples_conflicting", of_source, total.conflict)
        names = {Entry.REJECTED: "kado_source_samples_rejected", Entry.DROPPED: "kado_source_samples_dropped"}
        sums: dict[tuple[str, Labels], int] = {}
        for row in ledger.rows:
            if row.source and row.entry in names:
                key = (names[row.entry], (self._facility, row.source, row.cause))
                sums[key] = sums.get(key, 0) + row.count
        for (name, labels), count in sums.items():
            _add(rows, name, labels, count)
        rows["kado_ledger_problems"] = self._one(len(ledger.problems))
        rows["kado_ledger_difference_samples"] = self._one(sum(abs(t.missing) for t in totals))

    def _about_signals(self, rows: dict[str, Rows], status: ApplicationStatus, now_ns: int) -> None:
        profile, newest = self._sources.configuration.profile, self._sources.newest.snapshot()
        for signal in profile.signals:
            found = newest.get(signal.id)
            if found is None:
                continue
            of_signal = (self._facility, signal.id)
            _add(rows, "kado_signal_timestamp_seconds", of_signal, found.time_ns / NS_PER_S)
            if found.good_ns is None:
                continue
            _add(rows, "kado_signal_good_timestamp_seconds", of_signal, found.good_ns / NS_PER_S)
            if not self._holds(signal, found, status, now_ns):
                continue
            if signal.type == "number" and math.isfinite(found.value):
                _add(rows, "kado_signal_value", of_signal, found.value)
            for word in signal.words:
                _add(rows, "kado_signal_state", (*of_signal, word), float(word == found.word))
        delivery = newest.get(profile.delivery_signal)
        since_ns = self._started_ns if delivery is None or delivery.good_ns is None else delivery.good_ns
        of_delivery = (self._facility, profile.delivery_signal)
        stale_ns = profile.delivery.stale_after_ns
        rows["kado_delivery_age_seconds"] = [(of_delivery, max(0.0, (now_ns - since_ns) / NS_PER_S))]
        rows["kado_delivery_stale_after_seconds"] = [(of_delivery, (stale_ns or 60 * NS_PER_S) / NS_PER_S)]

    def _holds(self, signal: Signal, found: Newest, status: ApplicationStatus, now_ns: int) -> bool:
        """Whether the newest good sample still says what the signal is."""
        if not found.known or found.good_ns is None:
            return False
        carriers = [
            status.sources[source.id]
            for source in self._sources.configuration.sources
            if signal.id in source.signals and source.id in status.sources
        ]
        if carriers and all(carrier.state is not LinkState.UP for carrier in carriers):
            return False
        stale_ns = signal.stale_after_ns
        return stale_ns is None or now_ns < found.good_ns + stale_ns

    def _about_machine(self, rows: dict[str, Rows], current: Current | None, now_ns: int) -> None:
        profile = self._sources.configuration.profile
        for group in profile.ports:
            _add(rows, "kado_ports", (self._facility, group.status, group.use or ""), group.count)
        block = None if current is None else current.plan.block_at(now_ns)
        planned = Category.UNSCHEDULED if block is None else block.category
        if current is not None:
            rows["kado_plan"] = [
                ((self._facility, category.value), float(category is planned)) for category in Category
            ]
        if block is not None:
            rows["kado_plan_end_timestamp_seconds"] = self._one(block.end_ns / NS_PER_S)
        limits = profile.limits.at(planned, now_ns)
        if limits is not None:
            named = {"nominal": limits.nominal, "recovered": limits.recovered, "tolerance": limits.tolerance}
            for name, value in {**named, "minimum": limits.minimum}.items():
                _add(rows, "kado_limit", (self._facility, name), value)

    def _about_figures(self, rows: dict[str, Rows], current: Current) -> None:
        figures = current.figures
        rows["kado_beam_state"] = [
            ((self._facility, state.value), float(state is figures.state)) for state in BeamState
        ]
        if figures.since_ns is not None:
            rows["kado_beam_state_since_timestamp_seconds"] = self._one(figures.since_ns / NS_PER_S)
            rows["kado_beam_state_since_after_unknown"] = self._one(float(figures.after_unknown))
        rows["kado_figures_timestamp_seconds"] = self._one(figures.now_ns / NS_PER_S)
        for period, found in figures.by_period().items():
            for name, number in {**figures.values(period), **_counts(found)}.items():
                if number is not None:
                    _add(rows, "kado_figure", (self._facility, found.definition, name, period), number)
        for definition, end_ns in current.last_failure_end_ns.items():
            labels = (self._facility, definition)
            _add(rows, "kado_last_failure_end_timestamp_seconds", labels, end_ns / NS_PER_S)
        if current.published_ns is not None:
            rows["kado_published_timestamp_seconds"] = self._one(current.published_ns / NS_PER_S)
            rows["kado_unpublished_months"] = self._one(current.unpublished)

    def _one(self, value: float) -> Rows:
        return [((self._facility,), float(value))]


def make_registry(sources: Sources, registry: CollectorRegistry) -> CollectorRegistry:
    """Register everything that is exposed."""
    registry.register(Exposition(sources))
    for collector in sources.further:
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def _counts(found: Availability) -> dict[str, float]:
    counts, accounts = found.counts, found.accounts
    return {
        "failures": counts.failures,
        "trips": counts.trips,
        "low_beam": counts.low_beam,
        "user_time_s": accounts.user_time / NS_PER_S,
        "no_beam_s": accounts.no_beam / NS_PER_S,
        "unknown_s": accounts.unknown / NS_PER_S,
    }


def _add(rows: dict[str, Rows], name: str, labels: Labels, value: float) -> None:
    rows.setdefault(name, []).append((labels, float(value)))


def metric_named(name: str) -> Metric:
    """Return what is known about a metric."""
    return _BY_NAME[name]


def family_of(name: str, rows: Rows) -> Family:
    """Return the rows of a metric as Prometheus' library takes them."""
    metric = _BY_NAME[name]
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.about, labels=metric.labels)
    for labels, value in rows:
        family.add_metric(labels, value)
    return family
