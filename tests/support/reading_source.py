"""Runs one source of kado's in a process of its own, and says everything that it yields."""

import asyncio
import random
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from collector.arrival import Arrival
from collector.collector import Collector
from collector.intake import Intake
from collector.landing import Landing
from collector.sources.table import SOURCES
from conversing import converse, say
from facility.batch import NO_WORD
from facility.profile import load_profile
from facility.quality import QUALITY_WORDS
from facility.time import system_clock


class SayingLanding:
    """Says arrivals; while it is on hold, nothing becomes durable."""

    def __init__(self) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self.samples = 0
        self.quiet = False

    async def land(self, arrival: Arrival) -> None:
        await self.free.wait()
        for gap in arrival.gaps:
            say(update={"gap": [gap.start_ns, gap.end_ns, gap.reason, gap.dropped]})
        for r in arrival.rejected:
            say(update={"rejected": [r.cause, r.address, r.detail, r.count]})
        batch = arrival.batch
        if batch is None:
            return
        self.samples += len(batch)
        if self.quiet and len(batch) > 1:
            return
        words = (*batch.words, None)
        for i in range(len(batch)):
            state = int(batch.state[i])
            value = float(batch.value[i]) if state == NO_WORD else batch.words[state]
            said = [
                batch.signals[int(batch.signal[i])],
                int(batch.time_ns[i]),
                None if value != value else value,
                QUALITY_WORDS[int(batch.quality[i])],
                words[int(batch.reason[i])],
                int(batch.arrival_ns[i]),
            ]
            say(update={"link" if said[0].endswith("_link") else "sample": said})


class Hasty(random.Random):
    """Waits little."""

    def uniform(self, a: float, b: float) -> float:
        return 0.2


async def main(profile_id: str) -> None:
    profile = load_profile(profile_id)
    landing = SayingLanding()
    running: list[asyncio.Task[None]] = []
    collectors: list[Collector] = []
    landings: list[Landing] = []

    async def start(table: dict[str, Any], *, data_dir: str | None = None) -> None:
        """Begin to read; into a data directory, or to say everything."""
        lands: Any = landing
        if data_dir is not None:
            lands = await asyncio.to_thread(Landing.open, Path(data_dir), profile.id, "embedded")
            landings.append(lands)
        module, _, name = SOURCES[table["kind"]].partition(":")
        spec: Any = getattr(import_module(module), name).model_validate(table)
        collectors[:] = [
            Collector(profile, [spec], Intake(profile, [spec.id], system_clock), lands, system_clock, Hasty())
        ]
        running[:] = [asyncio.create_task(collectors[0].run())]

    async def stop() -> str | None:
        (task,) = running
        task.cancel()
        await asyncio.wait([task])
        while landings:
            await asyncio.to_thread(landings.pop().close)
        # Its own tasks and those of the libraries are gone with it.
        await asyncio.sleep(0.1)
        left = [t.get_name() for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        return f"tasks left: {left}" if left else None

    async def status() -> dict[str, Any]:
        (stands,) = collectors[0].status().values()
        failed = repr(running[0].exception()) if running[0].done() else None
        return {"state": stands.state, "error": stands.last_error, "connects": stands.connects, "failed": failed}

    async def cost() -> list[float]:
        """Return samples taken, and seconds of this process's processors."""
        return [float(next(iter(collectors[0].status().values())).samples), time.process_time()]

    async def hold() -> None:
        landing.free.clear()

    async def release() -> None:
        landing.free.set()

    async def count(*, quiet: bool = False) -> int:
        landing.quiet = quiet
        return landing.samples

    await converse(start=start, stop=stop, status=status, hold=hold, release=release, count=count, cost=cost)
    for task in running:
        task.cancel()
        await asyncio.wait([task])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
