"""A source and a landing that do what a test tells them, in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from collector.arrival import Arrival
from facility.batch import Batch
from facility.profile import Profile
from facility.source import Delivery, GapReport, LinkReport, Notice
from facility.time import Clock

FACILITY = "nanoterasu_sim"
T0 = 1_795_431_969_000_000_000

Item = Delivery | LinkReport | GapReport | BaseException | None


def delivery(*values: float, token: object = None) -> Delivery:
    """Return samples of the stored current, a nanosecond apart."""
    times = range(T0, T0 + len(values))
    return Delivery(Batch.of_numbers(FACILITY, "stored_current", times, values), token=token)


class ScriptedReader:
    """Yields its items, then waits for ever; an exception among them is raised, None is the end."""

    def __init__(self, items: Sequence[Item], replayable: bool) -> None:
        self.replayable = replayable
        self.notices: tuple[Notice, ...] = ()
        self.acknowledged: list[object] = []
        self.yielded = 0
        self._items = items

    async def items(self) -> AsyncIterator[Delivery | LinkReport | GapReport]:
        for item in self._items:
            await asyncio.sleep(0)
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            self.yielded += 1
            yield item
        await asyncio.Event().wait()

    async def acknowledge(self, token: object) -> None:
        self.acknowledged.append(token)


class ScriptedSource:
    """One script for each connection; an exception instead of one is raised when connecting. The last is repeated."""

    kind = "scripted"
    address = ""
    signals = ("stored_current",)
    live: bool = True
    secret_files: tuple[Path, ...] = ()

    def probe(self) -> "ScriptedSource":
        return self

    def __init__(
        self, *connections: Sequence[Item] | BaseException, name: str = "ring", replayable: bool = True
    ) -> None:
        self.id = name
        self.readers: list[ScriptedReader] = []
        self.attempts = 0
        self.open = 0
        self.notices: tuple[Notice, ...] = ()
        self._connections = list(connections)
        self._replayable = replayable

    @asynccontextmanager
    async def connect(self, profile: Profile, clock: Clock) -> AsyncIterator[ScriptedReader]:
        script = self._connections[min(self.attempts, len(self._connections) - 1)]
        self.attempts += 1
        if isinstance(script, BaseException):
            raise script
        self.readers.append(ScriptedReader(script, self._replayable))
        self.readers[-1].notices = self.notices
        self.open += 1
        try:
            yield self.readers[-1]
        finally:
            self.open -= 1

    @property
    def reader(self) -> ScriptedReader:
        return self.readers[-1]


class MemoryLanding:
    """Keeps arrivals; while samples are on hold, they are taken and are not durable."""

    def __init__(self) -> None:
        self.taken: list[Arrival] = []
        self.landed: list[Arrival] = []
        self._free = asyncio.Event()
        self._free.set()
        self._links_too = False

    def hold(self, *, links_too: bool = False) -> None:
        self._free.clear()
        self._links_too = links_too

    def release(self) -> None:
        self._free.set()

    async def land(self, arrival: Arrival) -> None:
        self.taken.append(arrival)
        if self._links_too or arrival.batch is None or arrival.batch.signals == ("stored_current",):
            await self._free.wait()
        self.landed.append(arrival)

    @property
    def values(self) -> list[float]:
        """Values of the stored current, in the order in which they landed."""
        batches = [a.batch for a in self.landed if a.batch is not None and "stored_current" in a.batch.signals]
        return [v for batch in batches for v in batch.value.tolist()]

    @property
    def links(self) -> list[tuple[str, str, str]]:
        """(source, state, reason) of each sample of a link."""
        found: list[tuple[str, str, str]] = []
        for a in self.landed:
            if a.batch is not None and a.batch.signals == (f"{a.source}_link",):
                reason = int(a.batch.reason[0])
                found.append((a.source, a.batch.words[a.batch.state[0]], a.batch.words[reason] if reason >= 0 else ""))
        return found

    @property
    def gaps(self) -> list[GapReport]:
        return [gap for a in self.landed for gap in a.gaps]
