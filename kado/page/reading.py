"""Questions of the page to store and journal: in threads of its own, each asked once for all who wait for it."""

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from kado.config import Configuration
from kado.page.previews import Previews
from kado.service.store_thread import StoreThread
from storage.store import TelemetryStore

T = TypeVar("T")

FRESH_S: Final = 5.0
"""So long an answer is given again without being computed again."""
KEPT: Final = 64
"""So many answers are kept at most."""


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: asyncio.Future[Any]
    asked_s: float


class PageReader:
    """Reads for the page without holding up the event loop of page or collector.

    Contract: enter it in the event loop of the page, and ask in that loop alone.

    Quick questions (`ask`: samples, buckets) have a store in a thread of their own, so that they never wait for slow
    ones (`answer`: figures of a period), which have another thread. Previews have one, too.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._quick = StoreThread(configuration, "page store")
        self._slow = ThreadPoolExecutor(1, thread_name_prefix="page questions")
        self._writing = ThreadPoolExecutor(2, thread_name_prefix="page writing")
        self.previews = Previews()
        """What a change of the record will do."""
        self._answers: dict[Hashable, _Kept] = {}

    async def ask(self, work: Callable[[TelemetryStore], T]) -> T:
        """Return what `work` makes of the store."""
        return await self._quick.ask(work)

    async def answer(self, key: Hashable, work: Callable[[], T], *, fresh_s: float = FRESH_S) -> T:
        """Return what `work` returns, computed once for all who ask by the same key within `fresh_s`.

        Parameters
        ----------
        key
            Names the question with all its options, such as ``("availability", "2026-10", "nanoterasu")``.
        work
            Called in the thread of slow questions. Its errors are not kept.
        """
        kept = self._answers.get(key)
        if kept is not None and (not kept.answer.done() or time.monotonic() - kept.asked_s < fresh_s):
            return await asyncio.shield(kept.answer)
        context = copy_context()
        answer = asyncio.get_running_loop().run_in_executor(self._slow, lambda: context.run(work))
        self._answers[key] = _Kept(answer, time.monotonic())
        answer.add_done_callback(lambda done: self._forget_failed(key, done))
        while len(self._answers) > KEPT:
            del self._answers[next(iter(self._answers))]
        return await asyncio.shield(answer)

    async def write(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, each time it is asked: it writes, or reads what was written just now.

        Called in threads of their own, so that nobody who writes waits for the figures of somebody else.
        """
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._writing, lambda: context.run(work))

    def forget(self) -> None:
        """Keep no answer: something was written that may change any of them."""
        self._answers.clear()

    def _forget_failed(self, key: Hashable, done: asyncio.Future[Any]) -> None:
        if done.cancelled() or done.exception() is not None:
            self._answers.pop(key, None)

    async def __aenter__(self) -> Self:
        await self._quick.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._quick.__aexit__(None, None, None)
        await asyncio.to_thread(self._slow.shutdown, cancel_futures=True)
        await self.previews.close()
        await asyncio.to_thread(self._writing.shutdown, cancel_futures=True)
