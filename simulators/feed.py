"""Live from a simulator: its samples, released as a clock passes their stamps."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from typing import Final, Protocol

import numpy as np

from facility.batch import Batch
from facility.errors import ScenarioError
from facility.sentence import Sentence
from facility.source import LinkReport
from facility.time import NS_PER_H, Clock, format_time

POLL_S: Final = 0.2
"""Samples are released at most so much later than they are due."""


class Simulated(Protocol):
    """What a feed needs of a simulator; times are UTC ns, and any stretch may be asked for, in any order."""

    def history(self, start_ns: int, end_ns: int) -> Iterator[Batch]:
        """Yield the samples stamped in ``[start_ns, end_ns)``, in order of time."""
        ...

    def links(self, start_ns: int, end_ns: int) -> tuple[LinkReport, ...]:
        """Return what the link reports in ``[start_ns, end_ns)``, in order of time."""
        ...

    def follow(self, now: Clock) -> None:
        """Run live: the clock gives the simulated instant."""
        ...

    def release(self, end_ns: int) -> None:
        """Take note that what comes before `end_ns` is out and can no longer change."""
        ...


class Feed:
    """Releases what a simulator does from an instant on; the same samples as its history.

    Parameters
    ----------
    clock
        The computer's, or a test's: nothing is released before the clock has passed its stamp.
    start_ns
        What is stamped before is left out; None: the moment that `items` is asked first.
    end_ns
        What is stamped at or after it is left out, and `items` ends there; None: never.
    speed
        At 1, what the clock has passed already comes at once. At another speed simulated time begins at
        `start_ns` and runs so much faster until it meets the clock, which it then follows.

    Raises
    ------
    ScenarioError
        If there is another speed than 1 and no `start_ns`, or it lies in the future.
    """

    def __init__(
        self,
        simulated: Simulated,
        clock: Clock,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        speed: float = 1.0,
    ) -> None:
        began = clock()
        if speed != 1.0 and start_ns is None:
            raise ScenarioError(
                Sentence("at speed {speed:g} a simulator needs a start in the past, to catch up from", speed=speed)
            )
        if start_ns is not None and speed != 1.0 and start_ns > began:
            raise ScenarioError(
                Sentence(
                    "at speed {speed:g} the start {start_ns} must not lie after now, {began}",
                    speed=speed,
                    start_ns=format_time(start_ns),
                    began=format_time(began),
                )
            )
        self._simulated = simulated
        self._clock = clock
        self._speed = speed
        self._began = began
        self._start = began if start_ns is None else start_ns
        self._end = end_ns
        self._done = self._start
        self._ending = False
        simulated.follow(self.now)

    @property
    def start_ns(self) -> int:
        """The first instant of it all."""
        return self._start

    @property
    def done_ns(self) -> int:
        """The instant before which the reader of `items` has received everything, and has asked for more."""
        return self._done

    def now(self) -> int:
        """Return the simulated instant."""
        now = self._clock()
        if self._speed != 1.0:
            now = min(now, self._start + round((now - self._began) * self._speed))
        return now

    def end(self) -> None:
        """Let `items` end once it has given what is due; `done_ns` is then the end."""
        self._ending = True

    async def items(self) -> AsyncGenerator[Batch | LinkReport]:
        """Yield batches of at most an hour, and what the link reports, in order of time."""
        while True:
            due = self.now() + 1 if self._end is None else min(self.now() + 1, self._end)
            while self._done < due:
                # The first sample of a day makes the whole day: some 20 ms, off the event loop.
                until = min(due, (self._done // NS_PER_H + 1) * NS_PER_H)
                for item in await asyncio.to_thread(self._released, self._done, until):
                    yield item
                self._done = until
            if self._ending or (self._end is not None and self._done >= self._end):
                return
            await asyncio.sleep(POLL_S)

    def _released(self, start_ns: int, end_ns: int) -> list[Batch | LinkReport]:
        # Before anything of it is made: who injects a fault meanwhile does so behind it.
        self._simulated.release(end_ns)
        items: list[Batch | LinkReport] = []
        for report in self._simulated.links(start_ns, end_ns):
            items += self._arriving(start_ns, report.time_ns)
            items.append(report)
            start_ns = report.time_ns
        return [*items, *self._arriving(start_ns, end_ns)]

    def _arriving(self, start_ns: int, end_ns: int) -> list[Batch]:
        if end_ns <= start_ns:
            return []
        arrival = max(self._clock(), end_ns - 1)
        return [
            replace(batch, arrival_ns=np.full(len(batch), arrival, np.int64))
            for batch in self._simulated.history(start_ns, end_ns)
        ]
