"""Periodic work happens on the clock's own marks, and what is missed is counted."""

import asyncio
from itertools import pairwise

from collector.slots import Slots
from facility.time import system_clock

SECOND = 1_000_000_000


class Hands:
    """A clock that is set by hand."""

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns


async def test_slots_are_whole_multiples_of_the_period() -> None:
    period = 20_000_000
    slots = Slots(period, system_clock)
    times: list[int] = []
    for _ in range(5):
        await slots.wait()
        times.append(system_clock() // period)
    assert all(a < b for a, b in pairwise(times))


async def test_slots_that_went_by_are_counted_and_not_made_up_for() -> None:
    clock = Hands(7 * SECOND)
    slots = Slots(10 * SECOND, clock)
    clock.now_ns = 30 * SECOND
    waiting = asyncio.create_task(slots.wait())
    await asyncio.sleep(0)
    assert slots.missed == 3
    assert not waiting.done()
    waiting.cancel()


def test_a_clock_that_is_set_back_does_not_stop_the_work() -> None:
    clock = Hands(1000 * SECOND)
    slots = Slots(10 * SECOND, clock)
    slots.skip(3 * SECOND)
    assert slots.missed == 0
    slots.skip(10 * SECOND)
    assert slots.missed == 1
