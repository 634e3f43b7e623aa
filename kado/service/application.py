"""The service: what it is made of, opened in order, run until it is told to stop."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from collector.changes import Changes
from collector.forwarder import Forwarder
from collector.forwarder_status import ForwarderStatus
from collector.intake import Intake
from collector.landing import Landing
from collector.landing_status import LandingStatus
from collector.service import Collector
from collector.source_status import SourceStatus
from facility.time import Clock
from kado.config import Configuration, EmbeddedSettings, InfluxSettings
from kado.service.downsampling import Downsampling
from kado.service.fault_injection import steered_sources
from kado.service.sealing import Sealing
from kado.stores import make_forwarder, make_landing


@dataclass(frozen=True, slots=True)
class ApplicationStatus:
    """How the service stands; up to a second old."""

    sources: dict[str, SourceStatus]
    landing: LandingStatus
    forwarder: ForwarderStatus | None
    """None with the embedded store."""


class Application:
    """One kado, from sources to store.

    Contract: open it with `open_application`, then `run` once. What opens first closes last. Shutdown does not
    drain: what is durable stays in the landing and is forwarded after the next start.
    """

    def __init__(
        self,
        configuration: Configuration,
        landing: Landing,
        collector: Collector,
        forwarder: Forwarder | None,
        upkeep: Sealing | Downsampling,
        changes: Changes,
    ) -> None:
        self.configuration = configuration
        self.changes = changes
        self._landing = landing
        self._collector = collector
        self._forwarder = forwarder
        self._upkeep = upkeep

    async def run(self, stop: asyncio.Event) -> None:
        """Collect and forward until `stop` is set; an error that is a defect ends it."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._collector.run(), name="collector")]
            if self._forwarder is not None:
                running.append(tasks.create_task(self._forwarder.run(), name="forwarder"))
            running.append(tasks.create_task(self._upkeep.run(), name="upkeep"))
            await stop.wait()
            for task in running:
                task.cancel()

    def status(self) -> ApplicationStatus:
        """Return how everything stands; does not wait."""
        return ApplicationStatus(
            sources=self._collector.status(),
            landing=self._landing.status(),
            forwarder=None if self._forwarder is None else self._forwarder.status(),
        )


@asynccontextmanager
async def open_application(
    configuration: Configuration, clock: Clock, rng: random.Random
) -> AsyncGenerator[Application]:
    """Lock the data directory and open what the service needs.

    Raises
    ------
    LockedError
        If another process holds the data directory.
    ConfigError
        If the directory is another facility's or another store's, or there is no token for the store.
    """
    profile = configuration.profile
    async with AsyncExitStack() as stack:
        changes = Changes()
        landing = await asyncio.to_thread(make_landing, configuration, clock, changes)
        stack.push_async_callback(asyncio.to_thread, landing.close)
        forwarder = None
        if isinstance(configuration.store, InfluxSettings):
            forwarder = await asyncio.to_thread(make_forwarder, configuration, configuration.store, clock, rng, changes)
            stack.push_async_callback(asyncio.to_thread, forwarder.close)
        intake = Intake(profile, [source.id for source in configuration.sources], clock)
        sources = await asyncio.to_thread(steered_sources, configuration, clock)
        collector = Collector(profile, sources, intake, landing, clock, rng)
        store = configuration.store
        upkeep: Sealing | Downsampling = (
            Sealing(configuration, store, clock)
            if isinstance(store, EmbeddedSettings)
            else Downsampling(configuration, clock)
        )
        yield Application(configuration, landing, collector, forwarder, upkeep, changes)
