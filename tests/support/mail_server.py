"""A mail server in the test's own process, which leaves no connection open when it ends."""

import asyncio
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


class MailServer(Controller):
    """A real SMTP server at 127.0.0.1 for the length of a ``with``.

    `Controller.stop` closes its loop even while a connection is open, which then is found as never closed,
    in whatever test the garbage is collected.
    """

    def __init__(self, handler: Any, port: int, **options: Any) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=port, **options)
        self._sessions: list[SMTP] = []

    def factory(self) -> SMTP:
        session = super().factory()
        self._sessions.append(session)
        return session

    def stop(self, no_assert: bool = False) -> None:
        asyncio.run_coroutine_threadsafe(self._end_connections(), self.loop).result()
        super().stop(no_assert)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _end_connections(self) -> None:
        """Drop each connection, also one that still waits to be accepted.

        The server listens until then: one that is closed while it accepts leaves that connection open
        (asyncio, Server._attach). A connection that waits is seen by the loop within two rounds.
        """
        idle_rounds = 0
        while idle_rounds < 3:
            await asyncio.sleep(0)
            open_now = [session.transport for session in self._sessions if session.transport is not None]
            for transport in open_now:
                assert isinstance(transport, asyncio.Transport)
                transport.abort()
            idle_rounds = 0 if open_now or asyncio.all_tasks() != {asyncio.current_task()} else idle_rounds + 1
