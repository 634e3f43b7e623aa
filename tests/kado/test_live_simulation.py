"""What ``kado simulate --live`` adds to the machine that it lets out."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from command_line import Kado
from facility.batch import Batch
from facility.profile import load_profile
from facility.source import LinkReport
from facility.time import NS_PER_S, Clock, parse_time, system_clock
from kado.config import load_configuration
from kado.live import simulation
from kado.live.simulation import LiveRun, live_items, simulate_live
from simulators.answer_key import AnswerKey
from simulators.feed import Feed
from simulators.machine import Machine
from simulators.outlets.outlet import Released
from simulators.outlets.sample import Sample, samples_of
from simulators.scenario import load_scenario

BEGAN = parse_time("2026-11-10T10:00:00+09:00")
OUTAGE = """
id = "no_link"
title = { en = "No link", ja = "切断" }

[[fault]]
cause = "network"
effect = "link_outage"
at = [2026-11-10T10:00:00+09:00]
length_s = 60
"""


@pytest.mark.parametrize(
    ("start_s", "expected"),
    [
        # Noticed 15 s after the last sample: its hold of 10 s, and 5 s.
        (-30, [(15, "down")]),
        (10, [(15, "down"), (60, "up")]),
        (30, [(30, "down"), (60, "up")]),
        (60, [(60, "up")]),
    ],
)
def test_who_starts_while_the_link_is_lost_is_told_so_at_once(
    tmp_path: Path, start_s: int, expected: list[tuple[int, str]]
) -> None:
    scenario = tmp_path / "no_link.toml"
    scenario.write_text(OUTAGE, encoding="utf-8")
    machine = Machine(load_profile("nanoterasu_sim"), load_scenario(str(scenario)))
    start, end = BEGAN + start_s * NS_PER_S, BEGAN + (start_s + 60) * NS_PER_S

    async def reports() -> list[LinkReport]:
        feed = Feed(machine, lambda: end, start_ns=start, end_ns=end)
        return [item async for item in live_items(feed, machine) if isinstance(item, LinkReport)]

    assert [((r.time_ns - BEGAN) // NS_PER_S, r.state) for r in asyncio.run(reports())] == expected


class SlowOutlet:
    """Stops the simulation when the first sample is out, and takes a while before it asks for more."""

    answers_afterwards = True
    notes = ("slow",)

    def __init__(self) -> None:
        self.released = Released()
        self.standing: list[str] = []

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        yield

    def show(self, standing: Sequence[Sample]) -> None:
        self.standing = [sample.signal for sample in standing]

    async def release(self, items: AsyncIterator[Batch | LinkReport]) -> None:
        async for item in items:
            if isinstance(item, LinkReport):
                continue
            for sample in samples_of(item):
                self.released.count(sample)
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.2)


def test_the_answer_key_ends_after_the_last_sample_that_went_out(kado: Kado, monkeypatch: pytest.MonkeyPatch) -> None:
    kado("init")
    configuration = load_configuration()
    machine = Machine(load_profile("nanoterasu_sim"), load_scenario("demo"))
    outlet = SlowOutlet()

    def make_outlet(url: str, machine: Machine, now: Clock) -> SlowOutlet:
        return outlet

    monkeypatch.setattr(simulation, "make_outlet", make_outlet)
    start = system_clock() - 10 * NS_PER_S
    simulate_live(configuration, machine, LiveRun("slow://", start, None, 1.0), system_clock)

    (file,) = (configuration.data_dir / "answers").glob("*.json")
    assert outlet.released.last_ns is not None
    assert AnswerKey.read(file).period.end > outlet.released.last_ns
    assert outlet.standing == [f"shutter_{port:02}" for port in range(1, 29)]
