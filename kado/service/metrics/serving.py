"""``[metrics]`` in the service: the server, and the beat of the event loop that ``/healthz`` looks for."""

import asyncio
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry

from collector.landing_observer import LandingObservers
from kado.config import MetricsSettings
from kado.service.metrics.exposition import CommitTimes, Sources, make_registry
from kado.service.metrics.readiness import reasons_not_ready
from kado.service.metrics.server import MetricsServer

_BEAT_S: Final = 1.0


class MetricsService:
    """Serves metrics while `run` runs."""

    def __init__(self, settings: MetricsSettings, sources: Sources, observers: LandingObservers) -> None:
        registry = CollectorRegistry()
        observers.add(CommitTimes(registry, sources.configuration.profile.id))
        self._sources = sources
        self._server = MetricsServer(settings.listen, make_registry(sources, registry), self._reasons)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.port

    async def run(self) -> None:
        """Serve until cancelled."""
        self._server.start()
        try:
            while True:
                self._server.beat()
                await asyncio.sleep(_BEAT_S)
        finally:
            await asyncio.to_thread(self._server.stop)

    def close(self) -> None:
        """Give the port back, where `run` never ran."""
        self._server.close()

    def _reasons(self) -> Sequence[str]:
        sources = self._sources
        figures = sources.figures
        return reasons_not_ready(sources.status(), figures.current, figures.problems, sources.clock())
