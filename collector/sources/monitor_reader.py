"""Reads the channels of a control system that sends updates by itself: EPICS, Tango."""

import reprlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from collector.payload.guard import set_aside
from collector.sources.channels import Channels
from collector.sources.initial_values import InitialValues
from collector.sources.update_queue import HEARTBEAT, LOST, UpdateQueue
from collector.sources.updates import DISCONNECTED, INITIAL, Columns, Stamp, to_samples
from facility.batch import Int32
from facility.errors import UnreachableError
from facility.quality import Quality
from facility.sentence import Sentence
from facility.source import Delivery, GapReport, LinkReport, Notice, Rejection
from facility.time import Clock, to_ns

OVERFLOW: Final = "overflow"
"""Reason of the gap when updates came faster than they could be taken."""
HEARTBEAT_STOPPED: Final = "heartbeat"
"""Reason of a link that is down although the server answers: the heartbeat no longer changes."""
SETTLE_S: Final = 0.5
"""When one channel is lost, its fellows on the same server are lost within so long."""
_SAME_CLOCK_S: Final = 2.0
"""So far may the clocks of this computer and of a source be apart, and both be right."""
LOOK_S: Final = 0.5
"""How often the reader looks at its clock while nothing comes."""


NOTICE_S: Final = 10.0
"""How often it is looked which channels are not connected."""
NAMED: Final = 5
"""So many channels are named in a notice."""


def silent_channels(source_id: str, of: int, silent: tuple[str, ...]) -> tuple[Notice, ...]:
    """Return the notices about channels that send nothing."""
    if not silent:
        return ()
    names = ", ".join(silent[:NAMED]) + (f" and {len(silent) - NAMED} more" if len(silent) > NAMED else "")
    text = (
        f"source {source_id}: {len(silent)} of {of} channels say nothing ({names}): their signals are unknown;"
        " are the names right, and do their servers run?"
    )
    return (Notice("channel_silent", text),)


class Decode(Protocol):
    """Makes columns of a library's own updates."""

    def __call__(self, codes: Int32, updates: list[Any]) -> Columns:
        """Return the columns of updates that are no loss."""
        ...


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """How a `MonitorReader` reads."""

    source_id: str
    server: str
    """For messages: where the channels are."""
    stamp: Stamp = "source"
    batch_size: int = 20_000
    batch_delay_s: float = 0.2
    detects_loss_s: float = 30.0
    """Within so long the library notices that a server is gone: what it said before is known to be true until then."""
    heartbeat: str | None = None
    """The channel that must keep changing."""
    heartbeat_timeout_s: float = 30.0


class MonitorReader:
    """Reads until every channel is lost; see `facility.source.Reader`.

    A channel that is lost while others remain ends by a bad sample, at the instant of its last update, at most
    `detects_loss_s` ago: its value since then is not known. When the last one is lost the link goes down, at the
    instant of the last update of any channel, again at most `detects_loss_s` ago, and the connection ends.
    """

    def __init__(
        self,
        channels: Channels,
        queue: UpdateQueue,
        decode: Decode,
        clock: Clock,
        options: MonitorOptions,
        *,
        look: Callable[[], tuple[Rejection, ...]] = tuple,
        silent: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """`look` returns what the library refused since it was asked last, `silent` the channels not connected now."""
        self.replayable = False
        self._silent = silent
        self._noticed_ns = 0
        self._notices: tuple[Notice, ...] = ()
        self._channels = channels
        self._queue = queue
        self._decode = decode
        self._clock = clock
        self._options = options
        self._look = look
        self._initial = InitialValues(channels.on_change)
        self._heard: set[int] = set()
        """Channels that are connected."""
        self._lost: dict[int, int] = {}
        """Channels that were lost a moment ago, and when that was noticed."""
        self._own_heard_ns = np.zeros(len(channels), np.int64)
        """(channels,) when each was heard last."""
        self._own_stamp_ns = np.zeros(len(channels), np.int64)
        """(channels,) its newest stamp."""
        self._heard_ns = self._beat_ns = clock()
        self._beats = True
        self._newest: dict[int, tuple[float, str | None, int, str | None]] = {}
        """Of each channel that is sent on change only: number, text, quality, reason."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Which channels are not connected, as of the last seconds."""
        now = self._clock()
        if now - self._noticed_ns > to_ns(NOTICE_S):
            self._noticed_ns = now
            self._notices = silent_channels(self._options.source_id, len(self._channels), self._silent())
        return self._notices

    async def items(self) -> AsyncIterator[Delivery | LinkReport | GapReport]:
        """Yield deliveries, gaps where updates were dropped, and the link where its heartbeat stops and returns."""
        now = looked_ns = self._clock()
        size, delay_s = self._options.batch_size, self._options.batch_delay_s
        while True:
            events = await self._queue.take(size, delay_s, LOOK_S)
            before, now = now, self._clock()
            if dropped := self._queue.take_dropped():
                yield GapReport(before, now, OVERFLOW, dropped)
            for codes, updates in _runs(events):
                if updates is None:
                    self._lose(codes, now)
                    continue
                for delivery in self._deliver_each(codes, updates, now):
                    yield delivery
            if self._lost and not self._heard:
                edge_ns = max(self._heard_ns, now - to_ns(self._options.detects_loss_s))
                yield LinkReport(min(edge_ns, now), "down", DISCONNECTED)
                raise UnreachableError(
                    Sentence(
                        "source {source_id}: all {count} channels of {server} are disconnected; they are tried again",
                        source_id=self._options.source_id,
                        count=len(self._channels),
                        server=self._options.server,
                    )
                )
            if self._lost and (settled := [c for c, t in self._lost.items() if now - t > to_ns(SETTLE_S)]):
                yield self._ended(settled, now)
            if now - looked_ns > to_ns(LOOK_S):
                looked_ns = now
                if refused := self._look():
                    yield Delivery(None, refused)
            for item in self._watch(now):
                yield item

    async def acknowledge(self, token: object) -> None:
        """Do nothing: the source keeps nothing."""

    def _deliver_each(self, codes: list[int], updates: list[Any], now: int) -> list[Delivery]:
        """Deliver updates; where that raises, deliver halves, and set the single update aside that raises."""
        try:
            return self._deliver(codes, updates, now)
        except Exception as error:
            if len(codes) == 1:
                address = self._channels.addresses[codes[0]]
                failed = set_aside("an update", address, reprlib.repr(updates[0]).encode(), error, now)
                return [Delivery(None, (failed,))]
        middle = len(codes) // 2
        first = self._deliver_each(codes[:middle], updates[:middle], now)
        return first + self._deliver_each(codes[middle:], updates[middle:], now)

    def _deliver(self, codes: list[int], updates: list[Any], now: int) -> list[Delivery]:
        found: list[Delivery] = []
        if HEARTBEAT in codes:
            self._beat_ns = now
            kept = [i for i, code in enumerate(codes) if code != HEARTBEAT]
            codes, updates = [codes[i] for i in kept], [updates[i] for i in kept]
        if not codes:
            return found
        self._heard_ns = now
        if self._lost and (back := [c for c in self._lost if c in codes]):
            found.append(self._ended(back, now))
        self._heard.update(codes)
        code = np.array(codes, np.int32)
        columns = self._decode(code, updates)
        self._own_heard_ns[code] = now
        np.maximum.at(self._own_stamp_ns, code, columns.time_ns)
        self._remember(columns)
        batch, rejected = to_samples(self._channels, columns, now, stamp=self._options.stamp, initial=self._initial)
        found.append(Delivery(batch, rejected))
        return found

    def _lose(self, codes: list[int], now: int) -> None:
        for code in codes:
            # What was never connected cannot be lost.
            if code in self._heard:
                self._heard.discard(code)
                self._lost.setdefault(code, now)
                self._initial.lost(code)
                self._newest.pop(code, None)

    def _ended(self, codes: list[int], now: int) -> Delivery:
        """Return the bad samples that end what lost channels said."""
        when = [self._known_until(code, self._lost.pop(code)) for code in codes]
        n = len(codes)
        columns = Columns(
            np.array(codes, np.int32),
            np.array(when, np.int64),
            np.full(n, np.nan),
            quality=np.full(n, Quality.BAD, np.uint8),
            reason=[DISCONNECTED] * n,
        )
        return Delivery(*to_samples(self._channels, columns, now))

    def _known_until(self, code: int, noticed_ns: int) -> int:
        """Return until when a lost channel is known to have been there; not before the last sample it sent."""
        heard_ns, stamp_ns = int(self._own_heard_ns[code]), int(self._own_stamp_ns[code])
        until_ns = min(max(heard_ns, noticed_ns - to_ns(self._options.detects_loss_s)), noticed_ns)
        # A source's clock may be a little ahead of ours; a stamp that is far ahead is not used.
        if until_ns <= stamp_ns <= noticed_ns + to_ns(_SAME_CLOCK_S):
            return stamp_ns + 1
        return until_ns

    def _watch(self, now: int) -> list[Delivery | LinkReport]:
        """Return the state of the link by the heartbeat."""
        if self._options.heartbeat is None:
            return []
        beats = now - self._beat_ns <= to_ns(self._options.heartbeat_timeout_s)
        if beats == self._beats:
            return []
        self._beats = beats
        if not beats:
            return [LinkReport(self._beat_ns, "down", HEARTBEAT_STOPPED)]
        up = LinkReport(now, "up", HEARTBEAT_STOPPED)
        return [up, *self._repeated(now)]

    def _remember(self, columns: Columns) -> None:
        if self._options.heartbeat is None or not self._channels.has_on_change:
            return
        rows: list[int] = np.flatnonzero(self._channels.on_change[columns.code]).tolist()
        for row in rows:
            self._newest[int(columns.code[row])] = (
                float(columns.number[row]),
                None if columns.text is None else columns.text[row],
                0 if columns.quality is None else int(columns.quality[row]),
                None if columns.reason is None else columns.reason[row],
            )

    def _repeated(self, now: int) -> list[Delivery]:
        """Return the values that still stand, though the link was down: nothing else says them until they change."""
        if not self._newest:
            return []
        columns = Columns(
            np.array(list(self._newest), np.int32),
            np.full(len(self._newest), now, np.int64),
            np.array([number for number, _, _, _ in self._newest.values()], np.float64),
            [text for _, text, _, _ in self._newest.values()],
            np.array([quality for _, _, quality, _ in self._newest.values()], np.uint8),
            [reason or INITIAL for _, _, _, reason in self._newest.values()],
        )
        return [Delivery(*to_samples(self._channels, columns, now))]


def _runs(events: list[tuple[int, Any]]) -> list[tuple[list[int], list[Any] | None]]:
    """Return events in their order, those without a loss between them together; None stands for losses."""
    if not events:
        return []
    codes = [code for code, _ in events]
    updates = [update for _, update in events]
    if not any(update is LOST for update in updates):
        return [(codes, updates)]
    runs: list[tuple[list[int], list[Any] | None]] = []
    for code, update in events:
        gone = update is LOST
        if not runs or (runs[-1][1] is None) != gone:
            runs.append(([], None if gone else []))
        runs[-1][0].append(code)
        if (kept := runs[-1][1]) is not None:
            kept.append(update)
    return runs
