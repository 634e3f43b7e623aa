"""All sources of one facility, from their readers to the landing."""

import asyncio
import random
from collections.abc import Sequence

from collector.intake import Intake
from collector.source_loop import Lands, Supervisor
from collector.source_status import SourceStatus
from facility.profile import Profile
from facility.source import SourceSpec
from facility.time import Clock


class Collector:
    """Runs every source.

    Contract: `run` once; it ends by being cancelled, by wrong configuration (`UsageError`), or by a programming
    error, which takes the process down with it. A source that cannot be reached does not disturb the others.

    Parameters
    ----------
    profile
        The facility.
    specs
        Its sources, each with an id of its own.
    intake
        Knows these sources.
    landing
        Opened before `run`, closed after it.
    clock, rng
        The time, and the chance in waits between attempts.
    """

    def __init__(
        self,
        profile: Profile,
        specs: Sequence[SourceSpec],
        intake: Intake,
        landing: Lands,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._supervisors = {spec.id: Supervisor(spec, profile, intake, landing, clock, rng) for spec in specs}

    async def run(self) -> None:
        """Read all sources until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for source, supervisor in self._supervisors.items():
                tasks.create_task(supervisor.run(), name=f"source {source}")

    def status(self) -> dict[str, SourceStatus]:
        """Return how each source stands."""
        return {source: supervisor.status() for source, supervisor in self._supervisors.items()}
