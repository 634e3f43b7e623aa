"""Messages between a client library and the reader: put one by one, taken by the batch."""

import asyncio
from collections import deque
from typing import Final

from collector.payload.format import Message

LIMIT_MESSAGES: Final = 10_000
LIMIT_BYTES: Final = 64 * 1024 * 1024


class Inbox:
    """A queue that gathers messages for a moment, so that one batch carries many.

    Contract: `put` and `close` are for the client library, on the event loop; `take` is for one task. What was put
    before `close` is still taken. It has no limit of its own: a caller that can wait awaits
    `room`, one that cannot checks `full`.
    """

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._wanted = 1
        self._error: BaseException | None = None

    @property
    def full(self) -> bool:
        """Whether it holds as much as it should."""
        return len(self._messages) >= LIMIT_MESSAGES or self._bytes >= LIMIT_BYTES

    def put(self, message: Message) -> None:
        """Add a message."""
        self._messages.append(message)
        self._bytes += len(message.payload)
        count = len(self._messages)
        if count == 1:
            self._some.set()
        if count == self._wanted or self._bytes >= LIMIT_BYTES:
            self._enough.set()

    async def room(self) -> None:
        """Wait until it is not full."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    def close(self, error: BaseException) -> None:
        """End it; `take` raises `error` once everything is taken. Only the first error counts."""
        if self._error is None:
            self._error = error
        self._some.set()
        self._enough.set()

    async def take(self, at_most: int, linger_s: float) -> list[Message]:
        """Return up to `at_most` messages: what there is `linger_s` after the first, or when there are enough."""
        self._wanted = at_most
        while not self._messages:
            if self._error is not None:
                raise self._error
            self._some.clear()
            await self._some.wait()
        if len(self._messages) < at_most and self._bytes < LIMIT_BYTES and self._error is None:
            self._enough.clear()
            try:
                async with asyncio.timeout(linger_s):
                    await self._enough.wait()
            except TimeoutError:
                pass
        messages = self._messages
        taken = [messages.popleft() for _ in range(min(at_most, len(messages)))]
        self._bytes -= sum(len(m.payload) for m in taken)
        self._room.set()
        return taken
