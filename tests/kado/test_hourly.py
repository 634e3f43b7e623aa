"""What the service does on the hour: told when its problem changes, tried again, ended without loss."""

import asyncio
import threading

import pytest

from facility.errors import UnreachableError
from facility.time import NS_PER_S, system_clock
from kado.service import hourly
from kado.service.hourly import Hourly


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hourly, "EVERY_NS", NS_PER_S // 50)


async def test_a_problem_is_told_when_it_changes_and_the_work_is_tried_again() -> None:
    told: list[str] = []
    problems = ["away", "away", "full", "", "full"]
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        if not problems:
            loop.call_soon_threadsafe(done.set)
        elif problem := problems.pop(0):
            raise UnreachableError(problem)

    task = asyncio.create_task(Hourly(system_clock, (UnreachableError,), told.append).run(work), name="hourly")
    await asyncio.wait_for(done.wait(), 120)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == ["away", "full", "full"]


async def test_a_defect_ends_it() -> None:
    def work() -> None:
        raise ZeroDivisionError("a defect")

    with pytest.raises(ZeroDivisionError):
        await Hourly(system_clock, (UnreachableError,), lambda _: None).run(work)


async def test_when_it_is_cancelled_the_work_ends_between_two_steps_before_it_returns() -> None:
    begun, steps = threading.Event(), [0]
    upkeep = Hourly(system_clock, (), lambda _: None)

    def work() -> None:
        while True:
            upkeep.go_on()
            steps[0] += 1
            begun.set()

    task = asyncio.create_task(upkeep.run(work), name="hourly")
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ended_at = steps[0]
    await asyncio.sleep(0.05)
    assert steps[0] == ended_at > 0
