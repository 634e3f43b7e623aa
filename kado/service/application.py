"""The service: what it is made of, opened in order, run until it is asked to stop."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from collector.changes import Changes
from collector.collector import Collector
from collector.forwarder import Forwarder
from collector.intake import Intake
from collector.landing import Landing
from collector.landing_observer import LandingObserver, LandingObservers
from facility.time import Clock
from kado.config import Configuration
from kado.service.alarm_facts import FactSources
from kado.service.alarms import Alarms
from kado.service.application_status import ApplicationStatus
from kado.service.backfill_desk import BackfillDesk
from kado.service.beam_log import BeamLog
from kado.service.current_figures import CurrentFigures
from kado.service.fault_injection import prepared_sources
from kado.service.live_figures import LiveFigures
from kado.service.metrics.alarm_exposition import AlarmExposition, NotificationExposition
from kado.service.metrics.exposition import Sources
from kado.service.metrics.serving import MetricsService
from kado.service.newest import NewestValues
from kado.service.notification.outbox import Outbox
from kado.service.notification.sending import Notifications
from kado.service.report_drafts import ReportDrafts
from kado.service.source_notices import NoticeRecord
from kado.service.upkeep import Upkeep
from kado.writers import make_forwarder, make_landing


class Application:
    """One kado, from sources to store.

    Contract: open it with `open_application`, then `run` once. What opens first closes last. Shutdown does not
    drain: what is durable stays in the landing and is forwarded after the next start.
    """

    def __init__(
        self,
        configuration: Configuration,
        landing: Landing,
        collector: Collector,
        forwarder: Forwarder | None,
        upkeep: Upkeep,
        changes: Changes,
        observers: LandingObservers,
    ) -> None:
        self.configuration = configuration
        self.changes = changes
        self._landing = landing
        self._collector = collector
        self._forwarder = forwarder
        self._upkeep = upkeep
        self._observers = observers
        self._beam: BeamLog | None = None
        self._drafts: ReportDrafts | None = None
        self.figures: CurrentFigures | None = None
        """Kept current where metrics, publishing, alarms or the page ask for them."""
        self.newest: NewestValues | None = None
        """Each signal's newest sample; kept where the figures are."""
        self.beside: dict[str, Callable[[], Awaitable[None]]] = {}
        """What else runs beside collection, by name: each ends when it is cancelled and raises nothing else."""
        self.metrics: MetricsService | None = None
        self.alarms: Alarms | None = None
        """Where ``[alarms]`` is."""
        self.notifications: Notifications | None = None
        """Where ``[[alarms.target]]`` is."""

    def serve(self, clock: Clock, rng: random.Random) -> None:
        """Make what fills gaps, and what ``[metrics]``, ``[publish]`` and ``[alarms]`` ask for; before `run`.

        Raises
        ------
        ConfigError
            If the address of the metrics cannot be listened on, or a target of notifications is wrong.
        MissingExtraError
            If a target needs Apprise, and it is not installed.
        AlarmRuleError
            If an alarm rule is wrong.
        """
        settings = self.configuration.settings
        desk = BackfillDesk(self.configuration, self._landing, self._forwarder, clock)
        self.beside["back-fill"] = desk.run
        self.beside["notices"] = NoticeRecord(self.configuration, self._collector.status).run
        if settings.report.draft_at is not None:
            self._drafts = ReportDrafts(self.configuration, clock)
        if settings.alarms is not None:
            if settings.alarms.target:
                self.notifications = Notifications.open(self.configuration, clock, rng)
            facts = FactSources(self.status, self._live_figures, self._notify_oldest_s)
            self.alarms = Alarms(self.configuration, clock, facts)
            if self.notifications is not None:
                self.alarms.outbox = Outbox(self.configuration, settings.alarms)
            self._observers.add(self.alarms.inbox)
        reads_figures = self.alarms is not None and self.alarms.reads_figures
        if settings.metrics is None and settings.publish is None and settings.page is None and not reads_figures:
            return
        newest = self.newest = NewestValues(self.configuration.profile)
        self._observers.add(newest)
        self.figures = CurrentFigures(self.configuration, self.changes.branch(), newest, clock)
        if settings.metrics is not None:
            sources = Sources(self.configuration, clock, self.status, self._answers, self.figures, newest)
            if self.alarms is not None:
                sources.further.append(AlarmExposition(self.alarms, self.configuration.profile.id))
            if self.alarms is not None and self.notifications is not None:
                facility = self.configuration.profile.id
                sources.further.append(NotificationExposition(self.notifications, self.alarms, facility))
            self.metrics = MetricsService(settings.metrics, sources, self._observers)

    def log_beam(self, clock: Clock) -> None:
        """Let beam lost and beam back be log lines; before `run`, and not where a screen shows the same."""
        self._beam = BeamLog(self.configuration, clock)
        self._observers.add(self._beam)

    async def run(self, stop: asyncio.Event) -> None:
        """Collect and forward until `stop` is set; an error that is a defect ends it."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._collector.run(), name="collector")]
            if self._forwarder is not None:
                running.append(tasks.create_task(self._forwarder.run(), name="forwarder"))
            running.append(tasks.create_task(self._upkeep.run(), name="upkeep"))
            if self._beam is not None:
                running.append(tasks.create_task(self._beam.run(), name="beam log"))
            if self._drafts is not None:
                running.append(tasks.create_task(self._drafts.run(), name="report drafts"))
            if self.figures is not None:
                running.append(tasks.create_task(self.figures.run(), name="figures"))
            if self.metrics is not None:
                running.append(tasks.create_task(self.metrics.run(), name="metrics"))
            if self.alarms is not None:
                running.append(tasks.create_task(self.alarms.run(), name="alarms"))
            if self.notifications is not None:
                running.append(tasks.create_task(self.notifications.run(), name="notifications"))
            for name, run in self.beside.items():
                running.append(tasks.create_task(_awaited(run), name=name))
            await stop.wait()
            for task in running:
                task.cancel()

    def observe(self, observer: LandingObserver) -> None:
        """Let an observer take notice of what lands; before `run`."""
        self._observers.add(observer)

    def status(self) -> ApplicationStatus:
        """Return how everything stands; does not wait."""
        return ApplicationStatus(
            sources=self._collector.status(),
            landing=self._landing.status(),
            forwarder=None if self._forwarder is None else self._forwarder.status(),
        )

    def reload_alarms(self) -> None:
        """Read the alarm rules again."""
        if self.alarms is not None:
            self.alarms.request_reload()

    def _live_figures(self) -> LiveFigures | None:
        current = None if self.figures is None else self.figures.current
        return None if current is None else current.figures

    def _notify_oldest_s(self) -> float | None:
        return None if self.notifications is None else self.notifications.oldest_s()

    def _answers(self) -> dict[str, int]:
        return {} if self._forwarder is None else self._forwarder.answers()


async def _awaited(run: Callable[[], Awaitable[None]]) -> None:
    await run()


@asynccontextmanager
async def open_application(
    configuration: Configuration, clock: Clock, rng: random.Random
) -> AsyncGenerator[Application]:
    """Lock the data directory and open what the service needs.

    Raises
    ------
    LockedError
        If another process holds the data directory.
    ConfigError
        If the directory is another facility's or another store's, there is no token for the store, or the address of
        the metrics cannot be listened on.
    """
    profile = configuration.profile
    async with AsyncExitStack() as stack:
        changes, observers = Changes(profile.earliest_ns), LandingObservers()
        landing = await asyncio.to_thread(make_landing, configuration, clock, changes, observers)
        stack.push_async_callback(asyncio.to_thread, landing.close)
        forwarder = await asyncio.to_thread(make_forwarder, configuration, clock, rng, changes)
        if forwarder is not None:
            stack.push_async_callback(asyncio.to_thread, forwarder.close)
        intake = Intake(profile, [source.id for source in configuration.sources], clock)
        sources = await asyncio.to_thread(prepared_sources, configuration, clock)
        collector = Collector(profile, sources, intake, landing, clock, rng)
        upkeep = Upkeep(configuration, clock)
        application = Application(configuration, landing, collector, forwarder, upkeep, changes, observers)
        await asyncio.to_thread(application.serve, clock, rng)
        if application.metrics is not None:
            stack.callback(application.metrics.close)
        yield application
