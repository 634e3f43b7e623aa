"""What a live screen shows of a running service, read beside it without holding it up."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self, TypeVar

from collector.ledger import SourceTotals, read_ledger
from facility.definition import load_definition
from facility.schedule import resolve
from facility.time import Clock
from kado.config import Configuration
from kado.live.screen import LiveView, link_lines
from kado.queries.evidence import extent_of
from kado.queries.record import load_record
from kado.service.application import Application
from kado.service.live_figures import LiveCalculator, LiveFigures
from kado.stores import make_store
from storage.data_dir import DataDir
from storage.store import LastValue, TelemetryStore

FIGURES_EVERY_S: Final = 2.0


T = TypeVar("T")


class StoreThread(AbstractAsyncContextManager["StoreThread"]):
    """A store with a thread of its own, since a store belongs to the thread that made it."""

    def __init__(self, configuration: Configuration, name: str) -> None:
        self._configuration = configuration
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._store: TelemetryStore | None = None

    async def ask(self, work: Callable[[TelemetryStore], T]) -> T:
        """Return what `work` makes of the store, in the store's thread."""

        def run() -> T:
            if self._store is None:
                self._store = make_store(self._configuration)
            return work(self._store)

        return await asyncio.get_running_loop().run_in_executor(self._executor, run)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, self._close)
        await asyncio.to_thread(self._executor.shutdown)

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()


class JournalWatch:
    """The journal's content, read again when its files change."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._looked_like = self._looks()
        self.record = load_record(configuration)

    def look(self) -> bool:
        """Read the journal again if it was written to, and say whether that was so."""
        looks = self._looks()
        if looks == self._looked_like:
            return False
        self._looked_like, self.record = looks, load_record(self._configuration)
        return True

    def _looks(self) -> list[tuple[int, int] | None]:
        journal = DataDir(self._configuration.data_dir).journal
        found: list[tuple[int, int] | None] = []
        for path in (journal, journal.with_name(journal.name + "-wal")):
            try:
                stat = path.stat()
            except FileNotFoundError:
                found.append(None)
            else:
                found.append((stat.st_mtime_ns, stat.st_size))
        return found


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
