"""Events that many viewers follow: each made once, kept for a while for those who come back."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

KEPT: Final = 150
"""So many events of a channel are kept: half a minute of five in a second."""
_DIGITS: Final = 18


def encode(kind: str, event_id: str, data: object) -> bytes:
    r"""Return a server-sent event.

    Examples
    --------
    >>> encode("beat", "a-1", {"n": 1})
    b'id: a-1\nevent: beat\ndata: {"n":1}\n\n'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"id: {event_id}\nevent: {kind}\ndata: {text}\n\n".encode()


class Channel:
    """One sequence of events.

    Contract: all methods in one event loop. A viewer that is slower than the events loses none of what they say: it is
    given the whole state again. So the memory of a viewer is bounded by what its socket holds.

    Parameters
    ----------
    boot
        Names this run of kado in the ids of events: ids of another run are not known here.
    whole
        Returns the events, as (kind, data), that say all there is to know now.
    """

    def __init__(self, boot: str, whole: Callable[[], list[tuple[str, Any]]]) -> None:
        self._boot = boot
        self._whole = whole
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT)
        self._number = 0
        self._news = asyncio.Event()
        self._closed = False
        self.viewers = 0

    def send(self, kind: str, data: object) -> None:
        """Send an event to all who follow."""
        self._number += 1
        self._kept.append((self._number, encode(kind, self._id(self._number), data)))
        self._news.set()
        self._news = asyncio.Event()

    def beat(self) -> None:
        """Send nothing to all who follow, so that their connections are seen to be alive."""
        self._news.set()
        self._news = asyncio.Event()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self._news.set()

    async def follow(self, last_id: str) -> AsyncGenerator[bytes]:
        """Yield what is sent, from what came after `last_id` on; the whole state first where that is not known."""
        seen = self._seen(last_id)
        self.viewers += 1
        try:
            yield b"retry: 1000\n\n"
            while not self._closed:
                news = self._news
                if seen is None or (self._kept and seen < self._kept[0][0] - 1):
                    seen = self._number
                    yield b"".join(encode(kind, self._id(seen), data) for kind, data in self._whole())
                elif seen == self._number - 1:
                    seen = self._number
                    yield self._kept[-1][1]
                elif seen < self._number:
                    missed = [event for number, event in self._kept if number > seen]
                    seen = self._number
                    yield b"".join(missed)
                else:
                    await news.wait()
                    if seen == self._number and not self._closed:
                        yield b": keepalive\n\n"
        finally:
            self.viewers -= 1

    def _id(self, number: int) -> str:
        return f"{self._boot}-{number}"

    def _seen(self, last_id: str) -> int | None:
        boot, _, number = last_id.rpartition("-")
        if boot != self._boot or not number.isdecimal() or len(number) > _DIGITS or int(number) > self._number:
            return None
        return int(number)
