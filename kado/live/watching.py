"""What a live screen shows of a running service, read beside it without holding it up."""

import asyncio
from typing import Final

from collector.ledger import SourceTotals, read_ledger
from facility.definition import load_definition
from facility.schedule import resolve
from facility.time import Clock
from kado.config import Configuration
from kado.live.screen import LiveView, link_lines
from kado.queries.evidence import extent_of
from kado.service.application import Application
from kado.service.journal_watch import JournalWatch
from kado.service.live_figures import LiveCalculator, LiveFigures
from kado.service.store_thread import StoreThread
from storage.store import LastValue, TelemetryStore

FIGURES_EVERY_S: Final = 2.0


class Watcher:
    """Computes figures again and again (`run`, a task) and gathers what a screen shows (`view`)."""

    def __init__(self, configuration: Configuration, application: Application, clock: Clock) -> None:
        self._configuration = configuration
        self._application = application
        self._clock = clock
        self._definition = load_definition(configuration.profile.definition, configuration.folder)
        self._journal = JournalWatch(configuration)
        self._plan = resolve(self._journal.record.versions, notice_ns=self._definition.notice_ns)
        self._figures: LiveFigures | None = None

    async def run(self, thread: StoreThread) -> None:
        """Compute the figures for ever."""
        calculator: LiveCalculator | None = None

        def compute(store: TelemetryStore) -> LiveFigures:
            nonlocal calculator
            # First what came, then the look at the store: what comes in between is told the next time.
            changes = self._application.changes.take()
            news = self._journal.look()
            if calculator is None:
                extent = extent_of(store, self._configuration.profile)
                record = self._journal.record
                calculator = LiveCalculator(self._configuration, store, record, self._definition, extent)
            else:
                calculator.touched(changes)
                if news:
                    calculator.learn(self._journal.record)
            self._plan = calculator.days.plan
            return calculator.compute(self._clock())

        while True:
            self._figures = await thread.ask(compute)
            await asyncio.sleep(FIGURES_EVERY_S)

    async def view(self, thread: StoreThread) -> LiveView:
        """Return what there is to see now."""
        profile = self._configuration.profile
        newest, totals = await thread.ask(self._newest)
        return LiveView(
            profile=profile,
            definition=self._definition,
            plan=self._plan,
            now_ns=self._clock(),
            newest=newest,
            figures=self._figures,
            totals=totals,
            links=link_lines(self._application.status().sources, profile.zone),
        )

    def _newest(self, store: TelemetryStore) -> tuple[LastValue | None, tuple[SourceTotals, ...]]:
        signal = self._configuration.profile.delivery_signal
        return store.last([signal]).get(signal), read_ledger(self._configuration.data_dir).sources()
