"""Puts what a simulated machine did into a store, while no service runs."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import numpy as np

from collector.arrival import Arrival
from collector.intake import Intake
from collector.landing import Landing
from facility.batch import NO_WORD, Batch, Samples, join_by_signal
from facility.profile import Profile
from facility.signals import link_signal
from facility.source import Delivery
from facility.time import NS_PER_DAY, Clock, to_datetime
from kado.config import Configuration
from kado.language import tr
from kado.progress import Bar, progress_bar
from kado.service.history_overlap import note_history
from kado.service.importing import add_versions, forward_waiting
from kado.writers import make_landing
from simulators.machine import Machine

WRITTEN_AHEAD: Final = 3
"""Days of history that may wait to become durable while the next one is made."""


SIMULATED_SOURCE: Final = "simulator"
"""The source that simulated history is counted for where the configuration has no simulator of its own."""


def fill_history(configuration: Configuration, machine: Machine, start_ns: int, end_ns: int, clock: Clock) -> int:
    """Put what a machine did in ``[start_ns, end_ns)`` into the store, its calendar into the journal.

    Where the samples lie in the data directory, past days go straight into sealed files, a month at a time, the
    delivery signal last: after an interruption the same call goes on behind the last month that has it.

    Returns
    -------
    int
        How many samples of signals were stored; what the link says is stored beside them.
    """
    note_history(configuration, machine)
    add_versions(configuration, machine.schedule(start_ns, end_ns), f"simulator, scenario {machine.scenario.id}")
    source = source_of_history(configuration)
    intake = Intake(configuration.profile, [source], clock)
    sealed_until = max(start_ns, end_ns // NS_PER_DAY * NS_PER_DAY)
    if not configuration.backend.local:
        sealed_until = start_ns
    stored = 0
    with progress_bar(tr("simulating"), end_ns - start_ns) as bar:
        bar.advance_to(0)
        for month in _months(machine.history(start_ns, sealed_until, by_signal=True)):
            arrivals = [intake.check(source, Delivery(batch)) for batch in month]
            stored += _seal_month(configuration, source, arrivals, sealed_until, clock)
            bar.advance_to(int(month[-1].time_ns.max()) - start_ns, f"{stored:,} samples")
        if sealed_until > start_ns:
            links = join_by_signal([_links(machine, source, start_ns, sealed_until)])
            _load(configuration, source, list(links.values()), sealed_until, clock)
        with make_landing(configuration, clock) as landing:
            if sealed_until < end_ns:
                landing.land_now(Arrival(source, _links(machine, source, sealed_until, end_ns)))
            rest = (intake.check(source, Delivery(batch)) for batch in machine.history(sealed_until, end_ns))
            stored += asyncio.run(_land_all(landing, rest, bar, start_ns, stored))
    forward_waiting(configuration, clock)
    return stored


def source_of_history(configuration: Configuration) -> str:
    """Return the id of the configured simulator, so that its history and its present are one source."""
    ids = [source.id for source in configuration.sources if source.kind == "simulator"]
    return ids[0] if ids else SIMULATED_SOURCE


def _months(batches: Iterator[Batch]) -> Iterator[list[Batch]]:
    """Gather batches by the month (UTC) in which they begin."""
    gathered: list[Batch] = []
    for batch in batches:
        if gathered and _month(batch) != _month(gathered[-1]):
            yield gathered
            gathered = []
        gathered.append(batch)
    if gathered:
        yield gathered


def _month(batch: Batch) -> tuple[int, int]:
    moment = to_datetime(int(batch.time_ns[0]))
    return moment.year, moment.month


def _seal_month(
    configuration: Configuration, source: str, arrivals: list[Arrival], before_ns: int, clock: Clock
) -> int:
    """Store a month as sealed files; one in which samples were repeated or rejected lands, so that each is counted."""
    profile = configuration.profile
    samples = sum(a.samples for a in arrivals)
    by_signal = join_by_signal([a.batch for a in arrivals if a.batch is not None])
    if any(a.rejected for a in arrivals) or sum(map(len, by_signal.values())) < samples:
        with make_landing(configuration, clock) as landing:
            for arrival in arrivals:
                landing.land_now(arrival)
        return samples
    return _load(configuration, source, _delivery_last(profile, by_signal), before_ns, clock)


def _load(configuration: Configuration, source: str, histories: list[Samples], before_ns: int, clock: Clock) -> int:
    with closing(configuration.backend.open_local(clock)) as store:
        store.load_each(histories, before_ns=before_ns, source=source)
    return sum(map(len, histories))


def _links(machine: Machine, source: str, start_ns: int, end_ns: int) -> Batch:
    """Return what a service would have kept of the link in ``[start_ns, end_ns)``: what changed, and heartbeats."""
    reports = machine.links(start_ns, end_ns)
    changed = np.array([report.time_ns for report in reports], np.int64)
    beats = np.setdiff1d(machine.heartbeats(start_ns, end_ns), changed)
    words = tuple(dict.fromkeys(["up", *(word for r in reports for word in (r.state, r.reason) if word)]))
    code = {word: i for i, word in enumerate(words)}
    rest = len(beats)
    return Batch.build(
        machine.profile.id,
        [link_signal(source)],
        np.zeros(len(changed) + rest, np.int32),
        np.concatenate([changed, beats]),
        state=[*(code[r.state] for r in reports), *[code["up"]] * rest],
        reason=[*(code.get(r.reason, NO_WORD) for r in reports), *[NO_WORD] * rest],
        words=words,
    )


def _delivery_last(profile: Profile, by_signal: dict[str, Samples]) -> list[Samples]:
    return sorted(by_signal.values(), key=lambda samples: samples.signal == profile.delivery_signal)


async def _land_all(landing: Landing, arrivals: Iterator[Arrival], bar: Bar, start_ns: int, before: int) -> int:
    """Land arrivals in order, the next ones made while those before them are written; return their samples."""
    landed = 0
    writing: deque[tuple[asyncio.Task[None], Arrival]] = deque()

    async def finish_oldest() -> None:
        nonlocal landed
        task, arrival = writing.popleft()
        await task
        landed += arrival.samples
        if arrival.batch is not None:
            bar.advance_to(int(arrival.batch.time_ns[-1]) - start_ns, f"{before + landed:,} samples")

    for arrival in arrivals:
        writing.append((asyncio.create_task(landing.land(arrival), name="land"), arrival))
        await asyncio.sleep(0)  # hands it over
        if len(writing) > WRITTEN_AHEAD:
            await finish_oldest()
    while writing:
        await finish_oldest()
    return landed
