"""A store with a thread of its own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self, TypeVar

from kado.config import Configuration
from storage.store import TelemetryStore

T = TypeVar("T")


class StoreThread(AbstractAsyncContextManager["StoreThread"]):
    """A store with a thread of its own, since a store belongs to the thread that made it."""

    def __init__(self, configuration: Configuration, name: str, *, patience_s: float | None = None) -> None:
        self._configuration = configuration
        self._patience_s = patience_s
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._store: TelemetryStore | None = None

    async def ask(self, work: Callable[[TelemetryStore], T]) -> T:
        """Return what `work` makes of the store, in the store's thread."""

        def run() -> T:
            if self._store is None:
                self._store = self._configuration.backend.open(patience_s=self._patience_s)
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
