"""Work that the service does once at its start and then on the hour, in a thread, until it ends."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from collector.slots import Slots
from facility.time import NS_PER_H, Clock

_LOG: Final = logging.getLogger(__name__)

EVERY_NS: Final = NS_PER_H


class Hourly:
    """Does the same work again and again; a temporary problem is reported when it changes, and the work is tried again.

    Contract: `run` once. The work calls `go_on` between two steps after which it may end without loss. When `run`
    is cancelled it returns only after the work has ended: the directory's lock may be given back next, and nothing
    may write then.

    Parameters
    ----------
    may_pass
        Errors of the work after which it is tried again; any other one is a defect and ends the service.
    tell
        Given the text of such an error.
    """

    def __init__(self, clock: Clock, may_pass: tuple[type[Exception], ...], tell: Callable[[str], None]) -> None:
        self._slots = Slots(EVERY_NS, clock)
        self._may_pass = may_pass
        self._tell = tell
        self._problem = ""
        self._stopping = threading.Event()

    async def run(self, work: Callable[[], None]) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self._in_thread(work)
            except self._may_pass as error:
                if str(error) != self._problem:
                    self._tell(str(error))
                self._problem = str(error)
            else:
                self._problem = ""
            if missed := await self._slots.wait():
                _LOG.warning("%s took more than an hour: it was left out %d times", work.__qualname__, missed)

    def go_on(self, *_: object) -> None:
        """Return, or end the work where the service is ending."""
        if self._stopping.is_set():
            raise _StoppedError

    async def _in_thread(self, work: Callable[[], None]) -> None:
        working = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            self._stopping.set()
            # It is tried again after the next start.
            with suppress(_StoppedError, *self._may_pass):
                await working
            raise


class _StoppedError(Exception):
    """The service is ending."""
