"""The figures of the running day, month and year, kept current for metrics, dashboards and others."""

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from analytics.conditions import Kind
from collector.changes import Changes
from facility.definition import load_definition
from facility.errors import KadoError
from facility.period import month_of
from facility.schedule import Plan
from facility.time import NS_PER_S, Clock
from kado.config import Configuration
from kado.queries.evidence import extent_of
from kado.queries.findings_by_day import Days
from kado.service.journal_watch import JournalWatch
from kado.service.live_figures import LiveCalculator, LiveFigures
from kado.service.newest import NewestValues
from kado.service.publishing.publisher import Counted, Publisher
from kado.service.store_thread import StoreThread
from storage.store import TelemetryStore

if TYPE_CHECKING:
    from analytics.availability import Availability
    from storage.derived import DerivedSeries

_LOG: Final = logging.getLogger(__name__)

EVERY_S: Final = 5.0
FOR_THE_PAGE_S: Final = 2.0
"""The same where somebody may be looking."""
PUBLISH_EVERY_NS: Final = 30 * NS_PER_S
PATIENCE_S: Final = 1.0
"""So long one step of publishing looks at periods that are over."""


@dataclass(frozen=True, slots=True)
class Current:
    """What was found at the last look."""

    figures: LiveFigures
    plan: Plan
    last_failure_end_ns: dict[str, int]
    """By definition; the instant of the look while a failure is running."""
    published_ns: int | None
    """When the derived series were last brought up to date; None: never, or they are not published."""
    unpublished: int
    """Months that are still to be published."""


class CurrentFigures:
    """Computes the figures again and again, and publishes them where the store is InfluxDB.

    Contract: `run` once, beside everything else; `current` may be asked by any thread. Errors of store and server are
    logged when they change, and it is tried again.
    """

    def __init__(self, configuration: Configuration, changes: Changes, newest: NewestValues, clock: Clock) -> None:
        self._configuration = configuration
        self._changes = changes
        self._newest = newest
        self._clock = clock
        chosen = dict.fromkeys((configuration.profile.definition, *configuration.published))
        self._definitions = [load_definition(name, configuration.folder) for name in chosen]
        self._journal = JournalWatch(configuration)
        self._calculator: LiveCalculator | None = None
        self._counted: list[Counted] = []
        self._publisher: Publisher | None = None
        self._bucket: DerivedSeries | None = None
        self._publish_at_ns = 0
        self._published_ns: int | None = None
        self._unpublished = 0
        self._problems: dict[str, KadoError] = {}
        self.current: Current | None = None
        """None before the first look that found samples."""

    @property
    def problems(self) -> dict[str, str]:
        """What does not work now, by what it is about: ``figures``, ``publishing``."""
        return {about: str(error) for about, error in self._problems.items()}

    def problem(self, about: str) -> KadoError | None:
        """Return the error that keeps something from working; None where it works."""
        return self._problems.get(about)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        every_s = EVERY_S if self._configuration.settings.page is None else FOR_THE_PAGE_S
        async with StoreThread(self._configuration, "figures") as thread:
            try:
                while True:
                    await thread.ask(self._look)
                    await asyncio.sleep(every_s)
            finally:
                if self._bucket is not None:
                    await asyncio.to_thread(self._bucket.close)

    # Everything below runs in the store's thread.

    def _look(self, store: TelemetryStore) -> None:
        try:
            self._compute(store)
        except KadoError as error:
            self._failed("figures", error)
        else:
            self._problems.pop("figures", None)

    def _compute(self, store: TelemetryStore) -> None:
        # First what came, then the look at the store: what comes in between is found the next time.
        changes, news, now_ns = self._changes.take(), self._journal.look(), self._clock()
        calculator = self._calculator
        if calculator is None:
            calculator = self._start(store)
        else:
            calculator.touched(changes)
            for counted in self._counted[1:]:
                for signal, spans in changes.items():
                    counted.days.touched(signal, spans)
            if self._publisher is not None:
                self._publisher.extend(calculator.days.since_ns)
            if news:
                self._learn(calculator)
        figures = calculator.compute(now_ns)
        self._publish(now_ns)
        self.current = Current(
            figures=figures,
            plan=calculator.days.plan,
            last_failure_end_ns={c.definition.id: end for c in self._counted if (end := self._last_end(c, figures))},
            published_ns=self._published_ns,
            unpublished=self._unpublished,
        )

    def _start(self, store: TelemetryStore) -> LiveCalculator:
        configuration, record = self._configuration, self._journal.record
        extent = extent_of(store, configuration.profile)
        self._newest.start_from(store.last([signal.id for signal in configuration.profile.signals]))
        calculator = LiveCalculator(configuration, store, record, self._definitions[0], extent)
        self._counted = [Counted(self._definitions[0], calculator.days)]
        for definition in self._definitions[1:]:
            days = Days(configuration, store, definition, extent, recent=calculator.read_recent)
            days.learn(record)
            self._counted.append(Counted(definition, days))
        self._publisher = self._make_publisher(extent[0])
        self._calculator = calculator
        return calculator

    def _make_publisher(self, since_ns: int) -> Publisher | None:
        if not self._configuration.published:
            return None
        self._bucket = self._configuration.backend.open_derived()
        if self._bucket is None:
            return None
        published = [c for c in self._counted if c.definition.id in self._configuration.published]
        publisher = Publisher(self._configuration.profile, published, self._bucket, since_ns)
        publisher.learn(self._journal.record.incidents)
        return publisher

    def _learn(self, calculator: LiveCalculator) -> None:
        record = self._journal.record
        calculator.learn(record)
        for counted in self._counted[1:]:
            counted.days.learn(record)
        if self._publisher is not None:
            self._publisher.learn(record.incidents)

    def _publish(self, now_ns: int) -> None:
        if self._publisher is None or (now_ns < self._publish_at_ns and not self._unpublished):
            return
        try:
            done = self._publisher.step(now_ns, PATIENCE_S)
        except KadoError as error:
            self._failed("publishing", error)
        else:
            self._problems.pop("publishing", None)
            self._unpublished, self._published_ns = done.left, now_ns
        self._publish_at_ns = now_ns + PUBLISH_EVERY_NS

    def _last_end(self, counted: Counted, figures: LiveFigures) -> int | None:
        found: Availability | None = figures.year or figures.month
        if counted is not self._counted[0]:
            month = month_of(figures.now_ns, self._configuration.profile.zone)
            found = None
            if not counted.days.missing(month, figures.now_ns):
                try:
                    found = counted.days.availability(month, figures.now_ns)
                except KadoError:
                    found = None
        if found is None:
            return None
        failures = [r.event for r in found.events if r.event.kind is Kind.NO_BEAM and not r.trip]
        return max((figures.now_ns if e.open else e.end_ns for e in failures), default=None)

    def _failed(self, about: str, error: KadoError) -> None:
        if str(self._problems.get(about)) != str(error):
            _LOG.warning("%s: %s", about, error)
        self._problems[about] = error
