"""The inbox gathers messages into batches, keeps their order, and ends only when it is empty."""

import asyncio
from dataclasses import dataclass

import pytest

from collector.sources.mqtt.inbox import LIMIT_BYTES, LIMIT_MESSAGES, Inbox
from waiting import LONGEST_S


@dataclass(frozen=True)
class Sent:
    payload: bytes = b"x"
    topic: str = "t"
    retain: bool = False
    dup: bool = False


def filled(count: int) -> Inbox:
    inbox = Inbox()
    for i in range(count):
        inbox.put(Sent(b"%d" % i))
    return inbox


def numbers(messages: list[object]) -> list[int]:
    return [int(m.payload) for m in messages]  # type: ignore[attr-defined]  # every message here has a payload


async def test_a_batch_is_returned_at_once_when_there_is_enough() -> None:
    inbox = filled(25)
    async with asyncio.timeout(LONGEST_S):
        batches = [await inbox.take(10, 3600.0), await inbox.take(10, 3600.0), await inbox.take(10, 0.01)]
    assert [numbers(list(b)) for b in batches] == [[*range(10)], [*range(10, 20)], [*range(20, 25)]]


async def test_messages_that_come_within_the_moment_are_in_the_batch() -> None:
    inbox = filled(1)
    taking = asyncio.create_task(inbox.take(10, 0.2))
    await asyncio.sleep(0.02)
    inbox.put(Sent(b"1"))
    assert numbers(list(await taking)) == [0, 1]


async def test_what_came_before_the_end_is_still_taken() -> None:
    inbox = filled(3)
    inbox.close(ConnectionError("first"))
    inbox.close(ConnectionError("second"))
    assert numbers(list(await inbox.take(10, 3600.0))) == [0, 1, 2]
    for _ in range(2):
        with pytest.raises(ConnectionError, match="first"):
            await inbox.take(10, 3600.0)


async def test_the_end_wakes_who_waits_for_a_first_message_or_for_more() -> None:
    for count in (0, 1):
        inbox = filled(count)
        taking = asyncio.create_task(inbox.take(10, 3600.0))
        await asyncio.sleep(0)
        inbox.close(ConnectionError("gone"))
        async with asyncio.timeout(LONGEST_S):
            (result,) = await asyncio.gather(taking, return_exceptions=True)
        assert isinstance(result, list) == (count == 1)


@pytest.mark.parametrize("message", [Sent(), Sent(b"x" * (LIMIT_BYTES // 10))])
async def test_who_can_wait_waits_for_room(message: Sent) -> None:
    inbox = Inbox()
    while not inbox.full:
        inbox.put(message)
    waiting = asyncio.create_task(inbox.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    # So many bytes are enough for a batch.
    async with asyncio.timeout(LONGEST_S):
        await inbox.take(LIMIT_MESSAGES, 3600.0 if len(message.payload) > 1 else 0.0)
        await waiting
    assert not inbox.full
