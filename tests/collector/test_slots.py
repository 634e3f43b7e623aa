"""Periodic work happens on the clock's own marks, and what is missed is counted."""

import asyncio
from itertools import pairwise

from collector.slots import Slots
from facility.time import system_clock

SECOND = 1_000_000_000


async def test_slots_are_whole_multiples_of_the_period() -> None:
    period = 20_000_000
    slots = Slots(period, system_clock)
    times: list[int] = []
    for _ in range(5):
        await slots.wait()
        times.append(system_clock() // period)
    assert all(a < b for a, b in pairwise(times))


async def test_slots_that_went_by_are_counted_and_not_made_up_for() -> None:
    times = iter([7 * SECOND, 30 * SECOND, 40 * SECOND - 1_000_000, 40 * SECOND, 45 * SECOND, 50 * SECOND])
    slots = Slots(10 * SECOND, lambda: next(times))
    waiting = asyncio.create_task(slots.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await waiting == 3
    assert await slots.wait() == 0


def test_a_clock_that_is_set_back_does_not_stop_the_work() -> None:
    slots = Slots(10 * SECOND, lambda: 1000 * SECOND)
    assert slots.skip(3 * SECOND) == 0
    assert slots.skip(10 * SECOND) == 1
