"""Channel Access by aioca: every update of every PV into a queue."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import numpy as np

from collector.causes import Cause
from collector.sources.channels import Channels
from collector.sources.epics_ca.alarms import quality_of, reason_of, status_name
from collector.sources.extra import load_library
from collector.sources.first_answers import first_answer, settled
from collector.sources.update_queue import HEARTBEAT, LOST, UpdateQueue
from collector.sources.updates import Columns
from facility.batch import Int32
from facility.errors import ConfigError, UnreachableError
from facility.sentence import Sentence
from facility.source import Rejection
from facility.time import NS_PER_S, Clock

SUBSCRIBED_AT_ONCE: Final = 500
"""Subscriptions made before the event loop gets a turn."""

_address_list: list[str] = []
"""What this process has set EPICS_CA_ADDR_LIST to: libca reads it once."""


def use_addresses(source_id: str, addresses: tuple[str, ...]) -> None:
    """Let libca look for PVs at these addresses alone; without any, as the environment says.

    Raises
    ------
    ConfigError
        If another source of this process has set others: Channel Access has one list for a process.
    """
    if not addresses:
        return
    text = " ".join(addresses)
    if _address_list and _address_list[0] != text:
        raise ConfigError(
            Sentence(
                "source {source_id}: addresses are {text!r}, and another source of kind 'epics_ca' "
                "has {address_list!r}: Channel Access has one list for a process; give all of them "
                "the same addresses",
                source_id=source_id,
                text=text,
                address_list=_address_list[0],
            )
        )
    _address_list[:] = [text]
    os.environ["EPICS_CA_ADDR_LIST"] = text
    os.environ["EPICS_CA_AUTO_ADDR_LIST"] = "NO"


_open_clients: "set[CaClient]" = set()
"""Channels are shared by all sources of a process, and closed when no source uses them."""


class CaClient:
    """The subscriptions of one connection.

    Parameters
    ----------
    heartbeat
        A PV whose updates go into the queue under `HEARTBEAT`.
    """

    def __init__(
        self, source_id: str, channels: Channels, queue: UpdateQueue, clock: Clock, heartbeat: str | None
    ) -> None:
        self._aioca = load_library("aioca", "epics", source_id, "epics_ca")
        self._source_id = source_id
        self._channels = channels
        self._queue = queue
        self._clock = clock
        self._heartbeat = heartbeat
        self._subscriptions: list[Any] = []
        self._closed_by_library: set[int] = set()
        self._first = asyncio.Event()

    @asynccontextmanager
    async def subscribed(self, within_s: float) -> AsyncGenerator[None]:
        """Subscribe to all PVs; leaving the context ends that.

        Raises
        ------
        UnreachableError
            If not one PV answers within so many seconds.
        """
        _open_clients.add(self)
        try:
            for code, pv in enumerate(self._channels.addresses):
                self._subscribe(code, pv, text=bool(self._channels.states[code]))
                if code % SUBSCRIBED_AT_ONCE == SUBSCRIBED_AT_ONCE - 1:
                    await asyncio.sleep(0)
            if self._heartbeat is not None:
                self._subscribe(HEARTBEAT, self._heartbeat, text=False)
            await first_answer(self._first, within_s, self._unreachable)
            await settled(self.silent)
            yield
        finally:
            for subscription in self._subscriptions:
                subscription.close()
            # The subscriptions' own tasks end in this turn of the loop.
            await asyncio.sleep(0)
            self._subscriptions.clear()
            _open_clients.discard(self)
            if not _open_clients:
                # aioca keeps channels without end: they would call an event loop that has ended, and a new
                # connection would wait until libca tries a lost server again, which it does ever more rarely.
                self._aioca.purge_channel_caches()

    def silent(self) -> tuple[str, ...]:
        """Return the PVs that are not connected now."""
        pairs = zip(self._channels.addresses, self._subscriptions, strict=False)
        return tuple(pv for pv, subscription in pairs if not subscription.channel.connected())

    def refused(self) -> tuple[Rejection, ...]:
        """Return the PVs that the library gave up since this was asked last; it has printed why."""
        found: list[Rejection] = []
        for code, subscription in enumerate(self._subscriptions):
            if subscription.state == subscription.CLOSED and code not in self._closed_by_library:
                self._closed_by_library.add(code)
                detail = (
                    f"{subscription.name} cannot be read as a number or a state: it is not a scalar that kado knows"
                )
                found.append(Rejection(Cause.WRONG_TYPE, subscription.name, b"", detail, self._clock()))
        return tuple(found)

    def _subscribe(self, code: int, pv: str, *, text: bool) -> None:
        queue, first = self._queue, self._first

        def on_update(value: Any) -> None:
            # aioca would end the subscription at an error here, and go on.
            try:
                if value.ok:
                    first.set()
                    queue.put(code, value)
                else:
                    queue.put(code, LOST)
            except Exception as error:
                queue.end(error)

        aioca = self._aioca
        self._subscriptions.append(
            aioca.camonitor(
                pv,
                on_update,
                # The words of an enumeration instead of its numbers; anything else as it is.
                datatype=aioca.DBR_ENUM_STR if text else None,
                format=aioca.FORMAT_TIME,
                # aioca would merge updates, and say nothing of a PV that is gone.
                all_updates=True,
                notify_disconnect=True,
            )
        )

    def _unreachable(self, within_s: float) -> UnreachableError:
        names = self._channels.addresses
        listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        places = os.environ.get("EPICS_CA_ADDR_LIST") or "the local network"
        return UnreachableError(
            Sentence(
                "source {source_id}: no PV answered within {within_s:g} s ({listed}), asked at "
                "{places}: is the IOC running, and is its address among the addresses of this source?",
                source_id=self._source_id,
                within_s=within_s,
                listed=listed,
                places=places,
            )
        )


def decode(codes: Int32, updates: list[Any]) -> Columns:
    """Make columns of aioca's values."""
    stamps = np.array([update.raw_stamp for update in updates], np.int64)
    severity = [update.severity for update in updates]
    columns = Columns(codes, stamps[:, 0] * NS_PER_S + stamps[:, 1], _numbers(updates))
    if any(severity):
        columns.quality = quality_of(severity)
        columns.reason = [
            reason_of(s, status_name(update.status)) if s else None for s, update in zip(severity, updates, strict=True)
        ]
    kinds = set(map(type, updates))
    if any(issubclass(kind, str) or issubclass(kind, np.ndarray) for kind in kinds):
        columns.text = [_text(update) for update in updates]
    return columns


def _numbers(updates: list[Any]) -> Any:
    try:
        numbers = np.array(updates, np.float64)
    except (TypeError, ValueError):
        numbers = None
    # Where all updates are arrays of one length, they make a table.
    if numbers is not None and numbers.ndim == 1:
        return numbers
    return np.array([np.nan if _text(update) is not None else float(update) for update in updates], np.float64)


def _text(update: Any) -> str | None:
    if isinstance(update, np.ndarray):
        return f"an array of {cast('Any', update).size}"
    return str.__str__(update) if isinstance(update, str) else None
