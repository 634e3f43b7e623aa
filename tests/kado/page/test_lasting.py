"""A stream of events ends when its reader may read no more."""

from collections.abc import AsyncGenerator
from itertools import count

from kado.page.access.lasting import CHECK_S, while_it_lasts


class Account:
    """Somebody's account, and how often it was asked for."""

    def __init__(self) -> None:
        self.there = True
        self.asked = 0

    async def lasts(self) -> bool:
        self.asked += 1
        return self.there


async def test_a_stream_ends_with_a_last_word_once_its_account_is_gone() -> None:
    account, closed = Account(), False

    async def events() -> AsyncGenerator[bytes]:
        nonlocal closed
        try:
            for n in count():
                account.there = n < 6
                yield b"%d" % n
        finally:
            closed = True

    seconds = count(0.0, CHECK_S / 2)
    parts = [part async for part in while_it_lasts(events(), account.lasts, b"ended", lambda: next(seconds))]
    assert parts[0] == b"0"
    assert parts[-1] == b"ended"
    assert b"7" not in parts
    assert closed


async def test_accounts_are_not_asked_for_at_every_event() -> None:
    account = Account()

    async def events() -> AsyncGenerator[bytes]:
        for n in range(100):
            yield b"%d" % n

    parts = [part async for part in while_it_lasts(events(), account.lasts, b"ended", lambda: 0.0)]
    assert (len(parts), account.asked) == (100, 0)
