"""Tango by pytango: events of attributes into a queue; polling where a device sends none; re-reading after an error."""

import asyncio
import heapq
import os
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from collector.causes import Cause
from collector.sources.blocking import in_thread
from collector.sources.channels import Channels
from collector.sources.extra import load_library
from collector.sources.first_answers import first_answer, settled
from collector.sources.tango.values import Reading
from collector.sources.update_queue import HEARTBEAT, LOST, UpdateQueue
from facility.errors import UnreachableError
from facility.sentence import Sentence
from facility.source import Rejection
from facility.time import Clock

PING_S: Final = 3.0
"""How often a device is asked whether it is there: events do not say so before some 10 s."""
RETRY_S: Final = 2.0
"""After so long an attribute is read again that could not be."""
NO_EVENTS: Final = (
    "API_AttributePollingNotStarted",
    "API_EventPropertiesNotSet",
    "API_AttributeNotDataReadyEnabled",
    "API_EventChannelNotExported",
    "API_NotificationServiceFailed",
)
"""Reasons for which a device sends no events of a kind."""
MISSED_EVENTS: Final = "API_MissedEvents"
"""The error event by which the Tango library says that events did not arrive: its queue, or the server's, was full."""
EVENTS_WAITING: Final = 100_000
"""So many events wait in the library's queue; its own 1,000 are fewer than a big device sends at once."""
UNKNOWN_ATTRIBUTE: Final = ("API_AttrNotFound", "API_UnsupportedAttribute")


@dataclass(frozen=True, slots=True)
class TangoPlace:
    """Where devices are, and how they are read."""

    server: str | None
    """host:port of the database, or of the device server itself."""
    database: bool
    events: str
    """``auto``, ``change``, ``archive`` or ``none``."""
    poll_period_s: float
    """For attributes without events."""
    timeout_s: float
    """How long a device may take to answer."""

    def address(self, device: str) -> str:
        """Return what pytango calls a device."""
        if self.server is None:
            return device
        return f"tango://{self.server}/{device}" + ("" if self.database else "#dbase=no")


@dataclass(slots=True)
class _Attribute:
    code: int
    device: str
    name: str
    labels: tuple[str, ...] | None = None
    """Of an enumeration; None: not asked for yet."""
    event: tuple[Any, int] | None = None
    """Device proxy and number of the subscription."""
    polled: bool = False
    lost: bool = True
    refused: bool = False


def _attribute(code: int, name: str) -> _Attribute:
    device, _, attribute = name.rpartition("/")
    return _Attribute(code, device, attribute)


class TangoClient:
    """The subscriptions of one connection, and a thread that maintains them.

    Parameters
    ----------
    heartbeat
        An attribute whose updates go into the queue under `HEARTBEAT`.
    """

    def __init__(
        self, source_id: str, channels: Channels, queue: UpdateQueue, clock: Clock, place: TangoPlace,
        heartbeat: str | None,
    ) -> None:  # fmt: skip
        # The library reads it when the first event is subscribed to.
        os.environ.setdefault("TANGO_EVENT_BUFFER_HWM", str(EVENTS_WAITING))
        self._tango = load_library("tango", "tango", source_id, "tango")
        self._source_id = source_id
        self._queue = queue
        self._clock = clock
        self._place = place
        names = list(enumerate(channels.addresses))
        if heartbeat is not None:
            names.append((HEARTBEAT, heartbeat))
        self._attributes = [_attribute(code, name) for code, name in names]
        self._proxies: dict[str, Any] = {}
        self._loop = asyncio.get_running_loop()
        self._first = asyncio.Event()
        self._changed = threading.Condition()
        self._due: list[tuple[float, int]] = []
        """(when, index of attribute): to be read or subscribed, a heap."""
        self._refused: list[tuple[str, str]] = []
        self._problem = ""
        self._leaving = False

    @asynccontextmanager
    async def subscribed(self, within_s: float) -> AsyncGenerator[None]:
        """Subscribe to all attributes; leaving the context ends that.

        Raises
        ------
        UnreachableError
            If no attribute can be read within so many seconds.
        """
        self._due = [(0.0, index) for index in range(len(self._attributes))]
        worker = threading.Thread(target=self._maintain, name=f"{self._source_id}: Tango", daemon=True)
        worker.start()
        try:
            await first_answer(self._first, within_s, self._unreachable)
            await settled(self.silent)
            yield
        finally:
            with self._changed:
                self._leaving = True
                self._changed.notify_all()
            await in_thread(partial(worker.join, 2 * self._place.timeout_s), f"{self._source_id}: close")

    def silent(self) -> tuple[str, ...]:
        """Return the attributes that cannot be read now."""
        return tuple(f"{a.device}/{a.name}" for a in self._attributes if a.lost and a.code != HEARTBEAT)

    def refused(self) -> tuple[Rejection, ...]:
        """Return the attributes that a device refused since this was asked last."""
        refused, self._refused = self._refused, []
        now = self._clock()
        return tuple(Rejection(Cause.WRONG_TYPE, at, b"", f"{at} is refused: {why}", now) for at, why in refused)

    # --------------------------------------------------- the thread that maintains subscriptions

    def _maintain(self) -> None:
        try:
            with self._tango.EnsureOmniThread():
                pinged = time.monotonic()
                while not self._leaving:
                    now = time.monotonic()
                    while self._due and self._due[0][0] <= now and not self._leaving:
                        with self._changed:
                            _, index = heapq.heappop(self._due)
                        self._attend(index)
                    if now - pinged >= PING_S:
                        self._ping()
                        pinged = time.monotonic()
                    with self._changed:
                        next_due = self._due[0][0] if self._due else now + PING_S
                        wait_s = min(next_due, pinged + PING_S) - time.monotonic()
                        if not self._leaving and wait_s > 0:
                            self._changed.wait(wait_s)
                self._unsubscribe()
        except BaseException as error:
            self._queue.end(error)

    def _attend(self, index: int) -> None:
        """Subscribe to an attribute, or read it."""
        attribute = self._attributes[index]
        if attribute.refused:
            return
        try:
            proxy = self._proxy(attribute.device)
            if attribute.labels is None:
                config = proxy.get_attribute_config(attribute.name)
                is_enum = config.data_type == self._tango.CmdArgType.DevEnum
                attribute.labels = tuple(config.enum_labels) if is_enum else ()
            if attribute.event is None and not attribute.polled and self._subscribe(index, attribute, proxy):
                # The subscription itself has delivered what is so now.
                return
            self._report(attribute, Reading.of(proxy.read_attribute(attribute.name), attribute.labels))
        except self._tango.DevFailed as error:
            self._failed(index, attribute, error.args[0].reason, error.args[0].desc)
            return
        if attribute.polled:
            self._again(index, self._place.poll_period_s)

    def _subscribe(self, index: int, attribute: _Attribute, proxy: Any) -> bool:
        """Ask for events of the kinds that are wanted; return whether there are any."""
        kinds = self._tango.EventType
        wanted = {"auto": ("CHANGE", "ARCHIVE"), "change": ("CHANGE",), "archive": ("ARCHIVE",)}
        for kind in wanted.get(self._place.events, ()):
            try:
                number = proxy.subscribe_event(
                    attribute.name, getattr(kinds, f"{kind}_EVENT"), partial(self._on_event, index)
                )
            except self._tango.DevFailed as error:
                if error.args[0].reason not in NO_EVENTS:
                    raise
                continue
            attribute.event = (proxy, number)
            return True
        attribute.polled = True
        return False

    def _ping(self) -> None:
        """Find out which devices are gone; their events do not say so for a while."""
        for device, proxy in self._proxies.items():
            if self._leaving:
                return
            try:
                proxy.ping()
            except self._tango.DevFailed:
                for index, attribute in enumerate(self._attributes):
                    if attribute.device == device and not attribute.lost:
                        self._lose(index, attribute)

    def _unsubscribe(self) -> None:
        for attribute in self._attributes:
            if attribute.event is not None:
                proxy, number = attribute.event
                # A device that is gone needs no call.
                with suppress(self._tango.DevFailed):
                    proxy.unsubscribe_event(number)

    def _proxy(self, device: str) -> Any:
        proxy = self._proxies.get(device)
        if proxy is None:
            proxy = self._tango.DeviceProxy(self._place.address(device))
            proxy.set_timeout_millis(int(self._place.timeout_s * 1000))
            self._proxies[device] = proxy
        return proxy

    def _failed(self, index: int, attribute: _Attribute, reason: str, said: str) -> None:
        self._problem = f"{attribute.device}/{attribute.name}: {said.strip().splitlines()[0] if said else reason}"
        if reason in UNKNOWN_ATTRIBUTE:
            attribute.refused = True
            self._refused.append((f"{attribute.device}/{attribute.name}", said.strip() or reason))
            return
        self._lose(index, attribute)

    # ----------------------------------------------------------------- any thread

    def _on_event(self, index: int, event: Any) -> None:
        """Take an event, in a thread of pytango's."""
        attribute = self._attributes[index]
        # pytango would write of an error here, and go on.
        try:
            if self._leaving:
                return
            if event.err and any(error.reason == MISSED_EVENTS for error in event.errors):
                self._queue.drop()
            if event.err or event.attr_value is None:
                # What the attribute says now is not known: ask it, and take it for lost if it does not answer.
                self._again(index, 0.0)
            else:
                self._report(attribute, Reading.of(event.attr_value, attribute.labels or ()))
        except Exception as error:
            self._queue.end(error)

    def _report(self, attribute: _Attribute, reading: Reading) -> None:
        attribute.lost = False
        if not self._first.is_set():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._first.set)
        self._queue.put(attribute.code, reading)

    def _lose(self, index: int, attribute: _Attribute) -> None:
        if not attribute.lost:
            attribute.lost = True
            self._queue.put(attribute.code, LOST)
        self._again(index, RETRY_S)

    def _again(self, index: int, after_s: float) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + after_s, index))
            self._changed.notify_all()

    def _unreachable(self, within_s: float) -> UnreachableError:
        names = [f"{a.device}/{a.name}" for a in self._attributes]
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        where = self._place.server or Sentence("the database that TANGO_HOST names")
        problem = f" ({self._problem})" if self._problem else ""
        return UnreachableError(
            Sentence(
                "source {source_id}: no attribute could be read within {within_s:g} s ({listed}) at "
                "{where}{problem}: is the device server running, and is 'server' its address or that "
                "of the database?",
                source_id=self._source_id,
                within_s=within_s,
                listed=listed,
                where=where,
                problem=problem,
            )
        )
