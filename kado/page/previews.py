"""What a change of the record will do, computed before it is written: in a thread of its own, for a limited time."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar

from facility.errors import UnreachableError, UsageError
from kado.language import tr
from kado.queries.period_pieces import Progress

T = TypeVar("T")

PREVIEW_S: Final = 60.0
"""So long an answer is waited for, the time included in which others are computed."""


class PreviewTooLongError(UsageError):
    """A preview that took longer than the page waits."""

    def __init__(self, longest_s: float) -> None:
        self.longest_s = longest_s
        super().__init__(
            tr(
                "The effect takes more than {limit} s to compute. Record the correction in parts "
                "of a few months, or use the command 'kado correct', which has no limit.",
                limit=f"{longest_s:g}",
            )
        )


class Previews:
    """Computes one preview after the other, so that they neither hold back who writes nor take the memory of several.

    Parameters
    ----------
    longest_s
        How long one may take.
    """

    def __init__(self, longest_s: float = PREVIEW_S) -> None:
        self._longest_s = longest_s
        self._computing = ThreadPoolExecutor(1, thread_name_prefix="page previews")
        self._closing = threading.Event()

    async def compute(self, work: Callable[[Progress], T]) -> T:
        """Return what `work` returns; it calls what it is given as it goes on, and that ends it when time is up.

        Raises
        ------
        PreviewTooLongError
            After `longest_s`.
        UnreachableError
            If the page is being closed.
        """
        until = time.monotonic() + self._longest_s

        def go_on(done: int, whole: int) -> None:
            del done, whole
            if self._closing.is_set():
                raise UnreachableError(tr("kado is being stopped."))
            if time.monotonic() > until:
                raise PreviewTooLongError(self._longest_s)

        def compute() -> T:
            go_on(0, 1)
            return work(go_on)

        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._computing, lambda: context.run(compute))

    async def close(self) -> None:
        """End what is being computed."""
        self._closing.set()
        await asyncio.to_thread(self._computing.shutdown, cancel_futures=True)
