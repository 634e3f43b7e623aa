"""Runs one outlet in a process of its own, and lets out what it is told to."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from conversing import converse
from facility.batch import NO_WORD, Batch
from facility.profile import load_profile
from facility.quality import Quality
from facility.source import LinkReport
from facility.time import system_clock
from simulators.machine import Machine
from simulators.outlets.table import make_outlet
from simulators.scenario import load_scenario


def batch_of(samples: list[Any], facility: str) -> Batch:
    """Make a batch of [signal, time_ns, value or word, quality]."""
    signals = list(dict.fromkeys(s[0] for s in samples))
    words = list(dict.fromkeys(s[2] for s in samples if isinstance(s[2], str)))
    return Batch.build(
        facility,
        signals,
        [signals.index(s[0]) for s in samples],
        [s[1] for s in samples],
        value=[float("nan") if isinstance(s[2], str) else s[2] for s in samples],
        state=[words.index(s[2]) if isinstance(s[2], str) else NO_WORD for s in samples],
        quality=[Quality.from_word(s[3]) for s in samples],
        words=words,
    )


async def main(url: str, profile: str) -> None:
    machine = Machine(load_profile(profile), load_scenario("quiet_week"))
    machine.injection.follow(system_clock)
    outlet = make_outlet(url, machine, system_clock)

    async def release(items: list[Any]) -> int:
        async def given() -> AsyncIterator[Batch | LinkReport]:
            for item in items:
                if "link" in item:
                    yield LinkReport(item["time_ns"], item["link"])
                else:
                    yield batch_of(item["samples"], machine.profile.id)

        await outlet.release(given())
        return outlet.released.samples

    async def notes() -> tuple[str, ...]:
        return outlet.notes

    async with outlet.serving():
        await converse(release=release, notes=notes)


if __name__ == "__main__":
    os.chdir(Path(__file__).parent)
    asyncio.run(main(*sys.argv[1:]))
