"""The live state of kado, looked at once for all viewers and sent to those who follow."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import HTTPConnection

from collector.ledger import SourceTotals, read_ledger
from facility.errors import KadoError
from kado.language import LANGUAGES, in_language
from kado.language.choice import Language
from kado.page.channel import Channel
from kado.page.now_document import Look, now_document
from kado.page.now_words import Shown, shown_now, shown_values
from kado.page.waker import Waker
from kado.service.newest import Newest

_LOG: Final = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""The whole is looked at this often."""
VALUES_S: Final = 0.2
"""New values are sent this often at most while few follow."""
VALUES_SLOWEST_S: Final = 0.5
VALUES_TO_A_VIEWER_S: Final = 0.01
"""The more viewers, the less often: 50 of them are sent new values twice a second."""
LEDGER_S: Final = 5.0
_NS_PER_MS: Final = 1_000_000

Fragments = Callable[[dict[str, Any], Shown], dict[str, str]]


def board_of(connection: HTTPConnection) -> "Board":
    """Return the board of the page that a request came to."""
    return connection.app.state.board


def values_every_s(viewers: int) -> float:
    """Return how often new values are sent at most: what all viewers cost together stays bounded.

    Examples
    --------
    >>> [values_every_s(viewers) for viewers in (1, 20, 30, 50, 200)]
    [0.2, 0.2, 0.3, 0.5, 0.5]
    """
    return min(VALUES_SLOWEST_S, max(VALUES_S, viewers * VALUES_TO_A_VIEWER_S))


@dataclass(slots=True)
class _Ledger:
    totals: tuple[SourceTotals, ...] = ()
    problems: tuple[str, ...] = ()
    read_s: float = -1e9


@dataclass(slots=True)
class _View:
    """One of the page's channels: a language and how much is shown."""

    channel: Channel
    last: Shown = field(default_factory=Shown)
    """What all who follow have been sent by now; empty while nobody follows."""


class Board:
    """Looks at kado each second, and at new values up to five times a second, while anybody follows.

    Contract: `run` in the event loop of the page, where all else is called too; `waker` observes the landing.

    Parameters
    ----------
    look
        Finds everything but the ledger, without waiting.
    newest
        The newest sample of each signal.
    version
        Of the page's own files: a page that was loaded from another one loads itself again.
    """

    def __init__(
        self,
        look: Callable[[tuple[SourceTotals, ...], tuple[str, ...]], Look],
        newest: Callable[[], dict[str, Newest]],
        waker: Waker,
        fragments: Fragments,
        version: str,
    ) -> None:
        self._look = look
        self._newest = newest
        self._waker = waker
        self._fragments = fragments
        self._version = version
        boot = secrets.token_hex(4)
        self._ledger = _Ledger()
        self._document: dict[str, Any] | None = None
        self._looked_s = -1e9
        self._sent: dict[str, Newest] = {}
        self._problem = ""
        self._due = asyncio.Event()
        self.programs = Channel(boot, self._whole_for_programs)
        """Kinds ``now``, the document, and ``values``, what is new of the signals."""
        self._views: dict[tuple[Language, str], _View] = {
            (language, view): _View(Channel(boot, lambda at=(language, view): self._whole_for_page(*at)))
            for language in LANGUAGES
            for view in ("now", "other")
        }

    def channel(self, language: Language | None, view: str) -> Channel:
        """Return the channel of a page's view in a language; with None that of programs."""
        if language is None:
            return self.programs
        return self._views[language, "now" if view == "now" else "other"].channel

    @property
    def viewers(self) -> int:
        """How many streams are open."""
        return self.programs.viewers + sum(view.channel.viewers for view in self._views.values())

    async def document(self) -> dict[str, Any]:
        """Return the document, not older than one look."""
        await self._read_ledger()
        return self._fresh_document()

    async def shown(self, language: Language) -> Shown:
        """Return the texts and fragments of the view Now."""
        return self._shown(await self.document(), language)

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._due.set)

        self._waker.wakes(wake)
        try:
            while True:
                began = time.monotonic()
                if self.viewers:
                    await self._read_ledger()
                    try:
                        self._send_all()
                    except KadoError as error:
                        self._failed(error)
                        for channel in self._channels():
                            channel.beat()
                else:
                    for view in self._views.values():
                        view.last = Shown()
                await self._values_until(began + LOOK_S)
        finally:
            self._waker.wakes(None)
            self.close()

    def close(self) -> None:
        """End all streams."""
        for channel in self._channels():
            channel.close()

    def _channels(self) -> list[Channel]:
        return [self.programs, *(view.channel for view in self._views.values())]

    async def _values_until(self, end_s: float) -> None:
        """Send new values as they come, until it is time for the next look."""
        while (left_s := end_s - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._due.wait()
                self._due.clear()
                self._waker.looked()
                if self.viewers:
                    self._send_values()
                await asyncio.sleep(min(values_every_s(self.viewers), max(0.0, end_s - time.monotonic())))

    def _send_values(self) -> None:
        newest = self._newest()
        changed = {name: found for name, found in newest.items() if self._sent.get(name) != found}
        self._sent = newest
        document = self._document
        if not changed or document is None:
            return
        if self.programs.viewers:
            self.programs.send("values", {"signals": {name: _value(found) for name, found in changed.items()}})
        data = shown_values(changed, document)
        for (_, view), at in self._views.items():
            if data is not None and view == "now" and at.channel.viewers:
                at.channel.send("values", data)

    def _send_all(self) -> None:
        document = self._take_document()
        if self.programs.viewers:
            self.programs.send("now", document)
        for (language, view), at in self._views.items():
            if not at.channel.viewers:
                at.last = Shown()
                continue
            shown = self._shown(document, language)
            if view == "other":
                shown = shown.for_other_views()
            at.channel.send("shown", shown.since(at.last).data())
            at.last = shown

    def _take_document(self) -> dict[str, Any]:
        self._document = now_document(self._look(self._ledger.totals, self._ledger.problems))
        self._looked_s = time.monotonic()
        return self._document

    def _shown(self, document: dict[str, Any], language: Language) -> Shown:
        with in_language(language):
            shown = shown_now(document)
            shown.fragments.update(self._fragments(document, shown))
        return shown

    def _whole_for_programs(self) -> list[tuple[str, Any]]:
        return [("now", self._fresh_document())]

    def _whole_for_page(self, language: Language, view: str) -> list[tuple[str, Any]]:
        """Return what the others have been sent, so that fifty who come at once cost one drawing and not fifty."""
        at = self._views[language, view]
        if not at.last.texts:
            at.last = self._shown(self._fresh_document(), language)
            if view == "other":
                at.last = at.last.for_other_views()
        return [("hello", {"version": self._version}), ("shown", at.last.data())]

    def _fresh_document(self) -> dict[str, Any]:
        if self._document is None or time.monotonic() - self._looked_s > LOOK_S:
            return self._take_document()
        return self._document

    async def _read_ledger(self) -> None:
        if time.monotonic() - self._ledger.read_s < LEDGER_S:
            return
        data_dir = self._look((), ()).configuration.data_dir
        try:
            ledger = await asyncio.to_thread(read_ledger, data_dir)
        except KadoError as error:
            self._failed(error)
            self._ledger.read_s = time.monotonic()
            return
        self._ledger = _Ledger(ledger.sources(), ledger.problems, time.monotonic())

    def _failed(self, error: KadoError) -> None:
        if str(error) != self._problem:
            self._problem = str(error)
            _LOG.warning("the page cannot show how kado stands: %s", error)


def _value(found: Newest) -> dict[str, Any]:
    value = found.word if found.word is not None else found.value if found.value == found.value else None
    return {
        "value": value,
        "time_ms": None if found.good_ns is None else found.good_ns // _NS_PER_MS,
        "known": found.known,
    }
