"""Connections that do not send a request in time are closed, so that they cannot take all places."""

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_S: Final = 10.0
"""So long the head of the first request may take to arrive."""
MOST_CONNECTIONS: Final = 1_000
"""So many connections there are at most; one more is closed at once."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that waits `REQUEST_S` for the head of a first request, and no longer.

    Between requests uvicorn's own ``timeout_keep_alive`` holds, in a body `BodyLimitMiddleware`'s.
    """

    request_s = REQUEST_S
    most_connections = MOST_CONNECTIONS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # asyncio's own argument is wider
        """Begin to wait for a request."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            transport.abort()
            return
        self._waiting = self.loop.call_later(self.request_s, self._give_up)

    def handle_events(self) -> None:
        """Read what came; a request whose head is complete is waited for no longer."""
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        self._waiting = None
        self.transport.abort()

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
