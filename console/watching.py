"""What a live screen shows of a running service, read beside it without holding it up."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self, TypeVar

from collector.ledger import SourceTotals, read_ledger
from console.application import Application
from console.config import Configuration
from console.evidence import extent_of
from console.figures import load_record
from console.live_figures import LiveCalculator, LiveFigures
from console.stores import make_store
from console.views.links import link_lines
from console.views.screen import LiveView
from facility.definition import load_definition
from facility.schedule import resolve
from facility.time import Clock
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


class Watcher:
    """Computes figures again and again (`run`, a task) and gathers what a screen shows (`view`)."""

    def __init__(self, configuration: Configuration, application: Application, clock: Clock) -> None:
        self._configuration = configuration
        self._application = application
        self._clock = clock
        self._definition = load_definition(configuration.profile.definition, configuration.folder)
        record = load_record(configuration)
        self._plan = resolve(record.versions, notice_ns=self._definition.notice_ns)
        self._corrections = record.corrections
        self._figures: LiveFigures | None = None

    async def run(self, thread: StoreThread) -> None:
        """Compute the figures for ever."""
        calculator: LiveCalculator | None = None

        def compute(store: TelemetryStore) -> LiveFigures:
            nonlocal calculator
            if calculator is None:
                extent = extent_of(store, self._configuration.profile)
                calculator = LiveCalculator(
                    self._configuration, store, self._plan, self._definition, extent, self._corrections
                )
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
