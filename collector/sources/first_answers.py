"""How long a new connection waits for its first channel, and then for the rest of them."""

import asyncio
from collections.abc import Callable
from typing import Final

SETTLES_S: Final = 2.0
"""Once one channel has answered, the others that are there do so within this."""
_LOOK_S: Final = 0.05


async def first_answer(first: asyncio.Event, within_s: float, unreachable: Callable[[float], Exception]) -> None:
    """Return when the first channel has answered.

    Raises
    ------
    Exception
        What `unreachable` makes of `within_s`, if none does within so many seconds.
    """
    try:
        async with asyncio.timeout(within_s):
            await first.wait()
    except TimeoutError as error:
        raise unreachable(within_s) from error


async def settled(silent: Callable[[], tuple[str, ...]]) -> None:
    """Return when no channel is silent any more, or after `SETTLES_S`; what arrives meanwhile waits in its queue."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + SETTLES_S
    # Libraries report single channels; none reports that all have answered.
    while silent() and loop.time() < deadline_s:  # noqa: ASYNC110 - no event is announced
        await asyncio.sleep(_LOOK_S)
