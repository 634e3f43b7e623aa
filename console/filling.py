"""Puts a lot of samples into a store at once, while no service runs: history and imported files."""

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from collector.arrival import Arrival
from collector.files.importer import import_file
from collector.files.layout import Layout
from collector.files.summary import ImportProgress, ImportSummary
from collector.intake import Intake
from collector.landing import Landing
from console.config import Configuration, InfluxSettings
from console.progress import Bar, progress_bar
from console.stores import make_forwarder, make_landing, open_journal
from facility.schedule import ScheduleVersion
from facility.source import Delivery
from facility.time import Clock
from simulators.machine import Machine

WRITTEN_AHEAD: Final = 3
"""Days of history that may wait to become durable while the next one is made."""
SIMULATED_SOURCE: Final = "simulator"
"""The source that simulated history is counted for where the configuration has no simulator of its own."""


def import_samples(
    configuration: Configuration, path: Path, layout: Layout, clock: Clock, *, again: bool
) -> ImportSummary:
    """Import a file with a progress bar; see `collector.files.importer.import_file`."""
    kind = configuration.store.kind
    with progress_bar(path.name, 1) as bar:

        def show(progress: ImportProgress) -> None:
            rejected = f", {progress.rejected:,} rejected" if progress.rejected else ""
            bar.advance_to(progress.done, f"{progress.rows:,} rows{rejected}", progress.total)

        data_dir, profile = configuration.data_dir, configuration.profile
        summary = import_file(path, layout, profile, data_dir, kind, clock=clock, again=again, progress=show)
    forward_waiting(configuration, clock)
    return summary


def fill_history(configuration: Configuration, machine: Machine, start_ns: int, end_ns: int, clock: Clock) -> int:
    """Put what a machine did in ``[start_ns, end_ns)`` into the store, its calendar into the journal.

    Returns
    -------
    int
        How many samples landed.
    """
    add_versions(configuration, machine.schedule(start_ns, end_ns), f"simulator, scenario {machine.scenario.id}")
    source = source_of_history(configuration)
    intake = Intake(configuration.profile, [source], clock)
    with make_landing(configuration, clock) as landing, progress_bar("simulating", end_ns - start_ns) as bar:
        for report in machine.links(start_ns, end_ns):
            landing.land_now(intake.link(source, report))
        arrivals = (intake.check(source, Delivery(batch)) for batch in machine.history(start_ns, end_ns))
        landed = asyncio.run(_land_all(landing, arrivals, bar, start_ns))
    forward_waiting(configuration, clock)
    return landed


async def _land_all(landing: Landing, arrivals: Iterator[Arrival], bar: Bar, start_ns: int) -> int:
    """Land arrivals in order, the next ones made while those before them are written; return their samples."""
    landed = 0
    writing: deque[tuple[asyncio.Task[None], Arrival]] = deque()

    async def finish_oldest() -> None:
        nonlocal landed
        task, arrival = writing.popleft()
        await task
        landed += arrival.samples
        if arrival.batch is not None:
            bar.advance_to(int(arrival.batch.time_ns[-1]) - start_ns, f"{landed:,} samples")

    for arrival in arrivals:
        writing.append((asyncio.create_task(landing.land(arrival), name="land"), arrival))
        await asyncio.sleep(0)  # hands it over
        if len(writing) > WRITTEN_AHEAD:
            await finish_oldest()
    while writing:
        await finish_oldest()
    return landed


def source_of_history(configuration: Configuration) -> str:
    """Return the id of the configured simulator, so that its history and its present are one source."""
    ids = [source.id for source in configuration.sources if getattr(source, "kind", "") == "simulator"]
    return ids[0] if ids else SIMULATED_SOURCE


def add_versions(
    configuration: Configuration, versions: tuple[ScheduleVersion, ...], origin: str, author: str = "kado"
) -> int:
    """Add the versions of a calendar that the journal does not have; return how many that were."""
    with open_journal(configuration) as journal:
        return journal.add_schedule_versions(versions, author, origin)


def forward_waiting(configuration: Configuration, clock: Clock) -> None:
    """With InfluxDB: forward all that waits, with a progress bar.

    Raises
    ------
    AuthorizationError, UnreachableError, DataError
        If it does not get there. What is left waits for whoever runs next.
    """
    if not isinstance(configuration.store, InfluxSettings):
        return
    with (
        make_landing(configuration, clock) as landing,
        closing(make_forwarder(configuration, configuration.store, clock, random.Random())) as forwarder,
    ):
        waiting = landing.status().waiting_samples
        with progress_bar(f"to {configuration.store.url}", waiting) as bar:
            for _ in _while_running(forwarder.drain):
                delivered = forwarder.status().delivered
                bar.advance_to(delivered, f"{delivered:,} samples", max(waiting, delivered))


def _while_running(work: Callable[[], None]) -> Generator[None]:
    """Do `work` in a thread and yield now and then until it is done; an error of it is raised here."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=guarded, name="forwarding", daemon=True)
    thread.start()
    while thread.is_alive():
        yield
        time.sleep(0.1)
    if errors:
        raise errors[0]
