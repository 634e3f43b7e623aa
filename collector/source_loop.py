"""One source, kept alive: connect, read, land, acknowledge; and again when the connection is lost."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from collector.arrival import Arrival
from collector.backoff import Backoff
from collector.intake import Intake
from collector.slots import Slots
from collector.source_status import LinkState, SourceStatus
from facility.batch import Batch
from facility.errors import KadoError, UnreachableError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.source import (
    SINCE_LAST_COMMIT,
    Delivery,
    GapReport,
    LinkReport,
    Notice,
    Reader,
    Rejection,
    SourceSpec,
)
from facility.time import Clock, to_ns

_LOG: Final = logging.getLogger(__name__)

HEARTBEAT_S: Final = 10.0
"""While a link is up, this is recorded every so many seconds."""
MAX_IN_FLIGHT: Final = 4
"""Deliveries read and not yet durable; then nothing more is read from the source."""
NOT_REPLAYABLE: Final = "not_replayable"
"""Reason of the gap between connections to a source that keeps nothing."""
_MOST_KINDS: Final = 1_000
"""Kinds of rejection that are logged; a publisher may make up topics without end."""
_LAST_WORD_S: Final = 2.0
"""How long a shutdown waits for the end of the link to be recorded."""


class Lands(Protocol):
    """What a supervisor needs of `collector.landing.Landing`."""

    async def land(self, arrival: Arrival) -> None:
        """Return once an arrival is durable."""
        ...


@dataclass(frozen=True, slots=True)
class _InFlight:
    landing: "asyncio.Task[None]"
    arrival: Arrival
    delivery: Delivery | None
    """To be acknowledged; None for what the source does not wait for."""


class Supervisor:
    """Runs one source.

    Everything that its reader yields lands in the order it was yielded, and is acknowledged in that order once it
    is durable; meanwhile a few more deliveries are read. A source that cannot be reached, or that fails, is tried
    again without end; wrong configuration and programming errors are raised.
    """

    def __init__(
        self, spec: SourceSpec, profile: Profile, intake: Intake, landing: Lands, clock: Clock, rng: random.Random
    ) -> None:
        self._spec = spec
        self._profile = profile
        self._intake = intake
        self._landing = landing
        self._clock = clock
        self._backoff = Backoff(rng)
        self._slots = Slots(to_ns(HEARTBEAT_S), clock)
        self._recorded: str | None = None
        """The link's state as it was last recorded."""
        self._in_flight: asyncio.Queue[_InFlight | None] = asyncio.Queue(MAX_IN_FLIGHT)
        self._status = SourceStatus(LinkState.CONNECTING, clock())
        self._noticed: tuple[Notice, ...] = ()
        self._notice_counts: Counter[str] = Counter()
        self._rejection_kinds: set[tuple[str, str]] = set()

    def status(self) -> SourceStatus:
        """Return how the source stands."""
        return replace(self._status, in_flight=self._in_flight.qsize())

    async def run(self) -> None:
        """Read the source until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._stand(LinkState.CONNECTING)
                started = loop.time()
                error = await self._attempt()
                wait_s = self._backoff.wait_s(loop.time() - started, retryable=error.retryable)
                await self._went_down(error)
                await asyncio.sleep(wait_s)
        except asyncio.CancelledError:
            await self._last_word()
            raise

    async def _attempt(self) -> KadoError:
        """Hold one connection; return why it ended if it may be tried again, raise it if not."""
        failures: list[Exception] = []
        try:
            await self._connection()
        except* KadoError as group:
            failures += _leaves(group)
        # Wrong configuration is said at once at the start; a file that goes missing later concerns this source alone.
        if not self._status.connects and (wrong := [e for e in failures if isinstance(e, UsageError)]):
            raise wrong[0]
        return next(e for e in failures if isinstance(e, KadoError))

    async def _connection(self) -> None:
        """Hold one connection until it is lost; ends by an error."""
        async with self._spec.connect(self._profile, self._clock) as reader:
            await self._came_up(reader)
            async with asyncio.TaskGroup() as tasks:
                beating = tasks.create_task(self._beat(), name=f"{self._spec.id}: heartbeat")
                tasks.create_task(self._acknowledge(reader), name=f"{self._spec.id}: acknowledge")
                try:
                    await self._read(reader.items(), tasks)
                except KadoError as error:
                    lost: KadoError = error
                else:
                    lost = UnreachableError(Sentence("source {spec} ended the connection", spec=self._spec.id))
                beating.cancel()
                # What was read still lands.
                await self._in_flight.put(None)
            raise lost

    async def _read(self, items: AsyncIterator[Delivery | LinkReport | GapReport], tasks: asyncio.TaskGroup) -> None:
        source = self._spec.id
        name = f"{source}: land"
        async for item in items:
            delivery = None
            match item:
                case Delivery():
                    delivery, arrival = item, self._intake.check(source, item)
                case LinkReport():
                    arrival = self._report(item)
                case GapReport():
                    arrival = Arrival(source, None, gaps=(item,))
            # Tasks begin in the order in which they are made, and so do what they land.
            landing = tasks.create_task(self._landing.land(arrival), name=name)
            await self._in_flight.put(_InFlight(landing, arrival, delivery))

    async def _acknowledge(self, reader: Reader) -> None:
        """Acknowledge what has landed, in order, until there is no more to come."""
        while (one := await self._in_flight.get()) is not None:
            await one.landing
            if one.delivery is not None:
                self._count(one.arrival)
                self._look_at_notices(reader)
                await reader.acknowledge(one.delivery.token)

    async def _beat(self) -> None:
        while True:
            await self._slots.wait()
            if self._status.state == LinkState.UP:
                await self._landing.land(self._intake.link(self._spec.id, LinkReport(self._clock(), "up")))

    async def _came_up(self, reader: Reader) -> None:
        now = self._clock()
        self._in_flight = asyncio.Queue(MAX_IN_FLIGHT)
        self._slots.skip(now)
        self._noticed = ()
        self._stand(LinkState.UP)
        self._status = replace(self._status, connects=self._status.connects + 1)
        _LOG.info("source %s is connected", self._spec.id)
        self._look_at_notices(reader)
        if not reader.replayable:
            gap = GapReport(SINCE_LAST_COMMIT, now, NOT_REPLAYABLE)
            await self._landing.land(Arrival(self._spec.id, None, gaps=(gap,)))
        await self._landing.land(self._report(LinkReport(now, "up")))

    def _look_at_notices(self, reader: Reader) -> None:
        """Log what a connection does not promise: the first time for each kind; count the connections on which."""
        notices = reader.notices
        if notices == self._noticed:
            return
        new = [notice for notice in notices if notice not in self._noticed]
        self._noticed = notices
        for notice in new:
            if notice.kind not in self._notice_counts:
                _LOG.warning("%s", notice.text)
            self._notice_counts[notice.kind] += 1
        self._status = replace(
            self._status, notices=tuple((notice.text, self._notice_counts[notice.kind]) for notice in notices)
        )

    async def _went_down(self, error: KadoError) -> None:
        text = str(error)
        if text != self._status.last_error or self._recorded != "down":
            _LOG.warning("%s", text)
        self._stand(LinkState.DOWN)
        now = self._clock()
        self._status = replace(self._status, last_error=text, last_failure=error)
        if self._recorded != "down":
            await self._landing.land(self._report(LinkReport(now, "down", type(error).__name__)))

    async def _last_word(self) -> None:
        """Record that the link ends with us; a landing that is full is not waited for."""
        if self._recorded == "up":
            arrival = self._report(LinkReport(self._clock(), "down", "stopped"))
            with suppress(TimeoutError, KadoError):
                async with asyncio.timeout(_LAST_WORD_S):
                    await self._landing.land(arrival)

    def _report(self, report: LinkReport) -> Arrival:
        self._recorded = report.state
        self._stand(LinkState(report.state))
        return self._intake.link(self._spec.id, report)

    def _stand(self, state: LinkState) -> None:
        if state != self._status.state:
            self._status = replace(self._status, state=state, since_ns=self._clock())

    def _log_first(self, rejection: Rejection) -> None:
        """Log the first rejection of a kind: one cause at one address."""
        kind = (rejection.cause, rejection.address)
        if kind in self._rejection_kinds or len(self._rejection_kinds) >= _MOST_KINDS:
            return
        self._rejection_kinds.add(kind)
        _LOG.warning(
            "source %s: %s is rejected (%s): %s; further ones are counted, see: kado dead-letters list",
            self._spec.id, rejection.address or "something", rejection.cause, rejection.detail,
        )  # fmt: skip

    def _count(self, arrival: Arrival) -> None:
        rejected = sum(r.count for r in arrival.rejected)
        for rejection in arrival.rejected:
            self._log_first(rejection)
        status = replace(self._status, rejected=self._status.rejected + rejected)
        if arrival.batch is not None:
            status = replace(
                status,
                samples=status.samples + len(arrival.batch),
                last_arrival_ns=int(arrival.batch.arrival_ns[-1]),
                newest_ns=_newer(status.newest_ns, arrival.batch),
            )
        self._status = status


def _newer(newest_ns: int | None, batch: Batch) -> int | None:
    """Return the newest stamp, of those that can be true."""
    times = batch.time_ns[~batch.with_impossible_time()]
    if not len(times):
        return newest_ns
    newest = int(times.max())
    return newest if newest_ns is None else max(newest, newest_ns)


def _leaves(group: BaseExceptionGroup[KadoError]) -> list[Exception]:
    found: list[Exception] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
