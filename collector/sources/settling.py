"""How long a new connection waits for the rest of its channels."""

import asyncio
from collections.abc import Callable
from typing import Final

SETTLES_S: Final = 2.0
"""Once one channel has answered, the others that are there do so within this."""
_LOOK_S: Final = 0.05


async def settled(silent: Callable[[], tuple[str, ...]]) -> None:
    """Return when no channel is silent any more, or after `SETTLES_S`; what arrives meanwhile waits in its queue."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + SETTLES_S
    # Libraries tell of single channels, none of them of all.
    while silent() and loop.time() < deadline_s:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_S)
