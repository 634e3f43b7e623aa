"""What ``kado simulate --live`` does: a machine's present, through an outlet, until somebody ends it."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from rich.console import RenderableType

from facility.batch import Batch
from facility.definition import load_definition
from facility.source import LinkReport
from facility.time import Clock
from kado.config import Configuration
from kado.language import tr
from kado.live.stopping import stop_on_signals
from kado.output import local, note, simulated_mark, span, title
from kado.service.importing import add_versions
from simulators.control import ControlDesk
from simulators.feed import Feed
from simulators.machine import Machine
from simulators.outlets.outlet import Outlet
from simulators.outlets.table import make_outlet
from simulators.session import write_session
from simulators.standing_states import standing_states

LAST_SAMPLES_S: Final = 2.0
"""Longest wait for the samples that are due at the end; a simulator that still catches up has more of them."""


@dataclass(frozen=True, slots=True)
class LiveRun:
    """What to simulate live."""

    url: str
    start_ns: int
    end_ns: int | None
    """None: until somebody ends it."""
    speed: float


def simulate_live(configuration: Configuration, machine: Machine, run: LiveRun, clock: Clock) -> list[RenderableType]:
    """Let a machine run, and return what to say about it when it has ended.

    Raises
    ------
    ConfigError
        If it is not an address, or its port is taken.
    MissingExtraError
        If the outlet's library is not installed.
    """
    feed = Feed(machine, clock, start_ns=run.start_ns, end_ns=run.end_ns, speed=run.speed)
    outlet = make_outlet(run.url, machine, feed.now)
    add_versions(
        configuration,
        machine.schedule(run.start_ns, run.end_ns or clock()),
        f"simulator, {machine.scenario.id}",
    )
    try:
        asyncio.run(_serve(configuration, machine, run, feed, outlet))
    except KeyboardInterrupt:
        pass  # before it was up
    released = outlet.released
    lines: list[RenderableType] = [tr("{n} samples published to {address}", n=f"{released.samples:,}", address=run.url)]
    if feed.done_ns <= run.start_ns:
        return lines
    definition = load_definition(configuration.profile.definition, configuration.folder)
    folder = configuration.data_dir / "answers"
    files = write_session(machine, definition, folder, run.start_ns, feed.done_ns)
    what = tr("scenario {scenario}, seed {seed}", scenario=machine.scenario.id, seed=machine.seed)
    period = span(run.start_ns, feed.done_ns, configuration.profile.zone)
    written = [tr("answer key: {file}", file=files.key), tr("session: {file}", file=files.scenario)]
    return [title(configuration.profile, what), period, *lines, *written]


async def _serve(configuration: Configuration, machine: Machine, run: LiveRun, feed: Feed, outlet: Outlet) -> None:
    desk = ControlDesk(configuration.data_dir, tell=None)
    async with outlet.serving(), desk.accept_faults("live", machine, run.start_ns, lambda: feed.done_ns):
        # Libraries that serve bring signal handlers of their own; ours are the last ones set.
        stop = stop_on_signals()
        until = "Ctrl-C" if run.end_ns is None else local(run.end_ns, machine.profile.zone, offset=True)
        # The first sample of a day makes the whole day.
        outlet.show(await asyncio.to_thread(standing_states, machine, min(run.start_ns, feed.now())))
        first, *lines = outlet.notes
        note(tr("{mark} {what}, until {end}", mark=simulated_mark(), what=first, end=until))
        for line in lines:
            note(line)
        stopped = asyncio.create_task(stop.wait(), name="asked to end")
        releasing = asyncio.create_task(outlet.release(live_items(feed, machine)), name="releasing samples")
        try:
            await asyncio.wait({stopped, releasing}, return_when=asyncio.FIRST_COMPLETED)
            if not releasing.done():
                # What is on its way out goes out and counts, so that the answer key ends where the samples do.
                feed.end()
                await asyncio.wait({releasing}, timeout=LAST_SAMPLES_S)
            if releasing.done():
                releasing.result()
                if outlet.answers_afterwards and not stopped.done():
                    note(tr("all samples are published; requests are still answered, stop with Ctrl-C"))
                    await stopped
        finally:
            for task in (stopped, releasing):
                task.cancel()
            await asyncio.gather(stopped, releasing, return_exceptions=True)


async def live_items(feed: Feed, machine: Machine) -> AsyncGenerator[Batch | LinkReport]:
    """Yield what a feed gives; first that the link is lost, if the machine starts with it lost."""
    if machine.link_is_lost(feed.start_ns):
        yield LinkReport(feed.start_ns, "down", "simulated link outage")
    async for item in feed.items():
        yield item
