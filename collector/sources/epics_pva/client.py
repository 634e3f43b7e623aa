"""pvAccess by p4p: every update of every PV into a queue."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from collector.causes import Cause
from collector.sources.blocking import in_thread
from collector.sources.channels import Channels
from collector.sources.epics_ca.alarms import quality_of
from collector.sources.extra import load_library
from collector.sources.first_answers import first_answer, settled
from collector.sources.update_queue import HEARTBEAT, LOST, UpdateQueue
from collector.sources.updates import Columns
from facility.batch import Int32
from facility.errors import UnreachableError
from facility.sentence import Sentence
from facility.source import Rejection
from facility.time import NS_PER_S, Clock

# A server keeps four updates for a client that asks for no more, and overwrites the newest.
REQUEST: Final = "record[queueSize={size}]field(value,alarm,timeStamp)"
SEVERITIES: Final = ("NO_ALARM", "MINOR", "MAJOR", "INVALID", "UNDEFINED")
STATUSES: Final = ("NO_STATUS", "DEVICE", "DRIVER", "RECORD", "DB", "CONF", "UNDEFINED", "CLIENT")
"""alarm_t of the normative types, in the order of their numbers."""
MOST_REASON: Final = 60
"""Letters of an alarm's message that are kept."""


@dataclass(frozen=True, slots=True)
class PvaPlace:
    """Where PVs are looked for."""

    addresses: tuple[str, ...]
    """Asked by UDP."""
    name_servers: tuple[str, ...]
    """Asked over TCP."""
    queue_size: int
    """Updates of one PV that the server keeps for us."""

    def configuration(self) -> dict[str, str]:
        """Return what p4p calls it."""
        return {
            "EPICS_PVA_ADDR_LIST": " ".join(self.addresses),
            "EPICS_PVA_AUTO_ADDR_LIST": "NO",
            "EPICS_PVA_NAME_SERVERS": " ".join(self.name_servers),
        }

    def __str__(self) -> str:
        return " ".join((*self.addresses, *self.name_servers)) or "the addresses of the environment"


class PvaClient:
    """The subscriptions of one connection.

    Parameters
    ----------
    heartbeat
        A PV whose updates go into the queue under `HEARTBEAT`.
    """

    def __init__(
        self, source_id: str, channels: Channels, queue: UpdateQueue, clock: Clock, place: PvaPlace,
        heartbeat: str | None,
    ) -> None:  # fmt: skip
        self._p4p = load_library("p4p.client.raw", "epics", source_id, "epics_pva")
        self._source_id = source_id
        self._channels = channels
        self._queue = queue
        self._clock = clock
        self._place = place
        self._heartbeat = heartbeat
        self._loop = asyncio.get_running_loop()
        self._first = asyncio.Event()
        self._connected: set[int] = set()
        self._refused: list[tuple[str, str]] = []
        self._monitors: list[_Monitor] = []
        self._leaving = False

    @asynccontextmanager
    async def subscribed(self, within_s: float) -> AsyncGenerator[None]:
        """Subscribe to all PVs; leaving the context ends that.

        Raises
        ------
        UnreachableError
            If not one PV answers within so many seconds.
        """
        place = self._place
        own = bool(place.addresses or place.name_servers)
        context = self._p4p.Context("pva", conf=place.configuration() if own else None, useenv=not own, nt=False)
        try:
            await in_thread(partial(self._subscribe, context), f"{self._source_id}: subscribe")
            await first_answer(self._first, within_s, self._unreachable)
            await settled(self.silent)
            yield
        finally:
            self._leaving = True
            await in_thread(context.close, f"{self._source_id}: close")
            self._monitors.clear()

    def silent(self) -> tuple[str, ...]:
        """Return the PVs that are not connected now."""
        connected = self._connected
        return tuple(pv for code, pv in enumerate(self._channels.addresses) if code not in connected)

    def refused(self) -> tuple[Rejection, ...]:
        """Return the PVs that the server refused since this was asked last."""
        refused, self._refused = self._refused, []
        now = self._clock()
        return tuple(Rejection(Cause.WRONG_TYPE, pv, b"", f"{pv} is refused: {why}", now) for pv, why in refused)

    # ---------------------------------------------------------- other threads

    def _subscribe(self, context: Any) -> None:
        pvs = list(enumerate(self._channels.addresses))
        if self._heartbeat is not None:
            pvs.append((HEARTBEAT, self._heartbeat))
        request = REQUEST.format(size=self._place.queue_size)
        for code, pv in pvs:
            if self._leaving:
                return
            monitor = _Monitor(partial(self._on_update, code, pv))
            self._monitors.append(monitor)
            monitor.follow(context.monitor(pv, monitor.wake, request=request))

    def _on_update(self, code: int, pv: str, update: Any) -> None:
        # p4p would write of an error here, and go on.
        try:
            if not isinstance(update, Exception):
                if not self._first.is_set():
                    self._loop.call_soon_threadsafe(self._first.set)
                self._connected.add(code)
                self._queue.put(code, update)
                return
            self._connected.discard(code)
            self._queue.put(code, LOST)
            if isinstance(update, self._p4p.RemoteError):
                self._refused.append((pv, str(update)))
        except Exception as error:
            if not self._leaving:
                self._queue.end(error)

    def _unreachable(self, within_s: float) -> UnreachableError:
        names = self._channels.addresses
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        return UnreachableError(
            Sentence(
                "source {source_id}: no PV answered within {within_s:g} s ({listed}), asked at "
                "{place}: is the IOC running, and is its address among the addresses or name_servers "
                "of this source?",
                source_id=self._source_id,
                within_s=within_s,
                listed=listed,
                place=self._place,
            )
        )


class _Monitor:
    """One subscription: what waits in it is handed over in its order, whichever thread is woken."""

    __slots__ = ("_hand_over", "_one_at_a_time", "_subscription")

    def __init__(self, hand_over: Callable[[Any], None]) -> None:
        self._hand_over = hand_over
        self._one_at_a_time = threading.Lock()
        self._subscription: Any = None

    def follow(self, subscription: Any) -> None:
        """Take the subscription; it may have woken us before."""
        self._subscription = subscription
        self.wake()

    def wake(self, *_: Any) -> None:
        """Hand over all that waits."""
        if self._subscription is None:
            return
        with self._one_at_a_time:
            while (update := self._subscription.pop()) is not None:
                self._hand_over(update)


def decode(codes: Int32, updates: list[Any]) -> Columns:
    """Make columns of p4p's values."""
    n = len(updates)
    seconds, nanoseconds, severity = np.zeros(n, np.int64), np.zeros(n, np.int64), [0] * n
    number = np.full(n, np.nan)
    text: list[str | None] = [None] * n
    texts = False
    for row, update in enumerate(updates):
        get = update.get
        seconds[row] = get("timeStamp.secondsPastEpoch", 0)
        nanoseconds[row] = get("timeStamp.nanoseconds", 0)
        severity[row] = get("alarm.severity", 0)
        value = get("value")
        if isinstance(value, float | int):
            number[row] = value
        else:
            number[row], text[row] = _worded(value)
            texts = True
    columns = Columns(codes, seconds * NS_PER_S + nanoseconds, number, text if texts else None)
    if any(severity):
        columns.quality = quality_of(severity)
        columns.reason = [_reason(s, update) if s else None for s, update in zip(severity, updates, strict=True)]
    return columns


def _worded(value: Any) -> tuple[float, str | None]:
    """Return number and text of what is no plain number: the word of an enumeration, a text, or what it is."""
    if isinstance(value, str):
        return np.nan, value
    if isinstance(value, np.ndarray | list):
        return np.nan, f"an array of {np.size(value)}"  # pyright: ignore[reportUnknownArgumentType]  # p4p has no types
    index, choices = (value.get("index"), value.get("choices")) if hasattr(value, "get") else (None, None)
    if index is None or choices is None:
        return np.nan, "a structure" if value is not None else "nothing"
    return float(index), choices[index] if 0 <= index < len(choices) else str(index)


def _reason(severity: int, update: Any) -> str:
    name = SEVERITIES[severity] if 0 < severity < len(SEVERITIES) else f"severity {severity}"
    status: int = update.get("alarm.status", 0)
    said: str = update.get("alarm.message", "") or (STATUSES[status] if 0 <= status < len(STATUSES) else "")
    return f"{name} {said}"[:MOST_REASON].rstrip()
