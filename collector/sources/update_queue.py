"""Updates between the callbacks of a control system's library and the task that reads them."""

import asyncio
from collections import deque
from typing import Any, Final

HEARTBEAT: Final = -1
"""In place of a channel's code: an update of the heartbeat."""


class Lost:
    """In place of a value: the channel was disconnected."""


LOST: Final = Lost()


class UpdateQueue:
    """A bounded queue that callbacks of any thread fill and one task empties.

    Contract: made on the event loop of the task that takes. Callbacks cannot be made to wait: what finds the queue
    full is dropped and counted. That a channel was lost is never dropped.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[tuple[int, Any]] = deque()
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._idle = True
        self._dropped = 0
        self._error: BaseException | None = None

    def put(self, code: int, update: Any) -> None:
        """Add an update of a channel; from any thread."""
        if len(self._waiting) >= self._limit and update is not LOST:
            self._dropped += 1
            return
        self._waiting.append((code, update))
        if self._idle:
            self._idle = False
            self._wake()

    def drop(self) -> None:
        """Count an update that was lost on its way here; from any thread."""
        self._dropped += 1

    def end(self, error: BaseException) -> None:
        """Let `take` raise an error once all that came has been taken; from any thread."""
        if self._error is None:
            self._error = error
        self._wake()

    async def take(self, at_most: int, linger_s: float, within_s: float) -> list[tuple[int, Any]]:
        """Return what came, after waiting a moment for more; nothing if nothing comes within so long."""
        if not self._waiting and self._error is None:
            self._filled.clear()
            self._idle = True
            # An update that came before the line above has woken no reader.
            if not self._waiting and self._error is None:
                try:
                    async with asyncio.timeout(within_s):
                        await self._filled.wait()
                except TimeoutError:
                    return []
            self._idle = False
        if len(self._waiting) < at_most and linger_s:
            await asyncio.sleep(linger_s)
        if not self._waiting and self._error is not None:
            raise self._error
        waiting = self._waiting
        return [waiting.popleft() for _ in range(min(len(waiting), at_most))]

    def take_dropped(self) -> int:
        """Return how many updates were lost, here or on their way, since this was asked last."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    @property
    def used(self) -> int:
        """How many updates wait."""
        return len(self._waiting)

    def _wake(self) -> None:
        # On a loop that is closed nothing waits any more.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._filled.set)
