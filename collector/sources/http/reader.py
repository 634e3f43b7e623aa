"""Asks for a document again and again, as a source reader."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from collector.causes import Cause
from collector.payload.format import KEPT_BYTES
from collector.payload.guard import set_aside
from collector.sources.blocking import in_thread
from collector.sources.channels import Channels
from collector.sources.http.fetch import Endpoint, Fetched, fetch
from collector.sources.http.page import Page, read_page
from collector.sources.initial_values import InitialValues
from collector.sources.json_pointer import MISSING, follow, where_it_ends
from collector.sources.json_values import Field, TimeFormat
from collector.sources.monitor_reader import NAMED, silent_channels
from collector.sources.updates import to_samples
from facility.errors import UnreachableError
from facility.source import Delivery, GapReport, LinkReport, Notice, Rejection
from facility.time import Clock, to_ns

NOT_RENEWED: Final = "not_renewed"
"""Reason of a link that is down although the server answers: its document has become too old."""
NOT_ANSWERED: Final = "not_answered"
"""Reason of a link that is down because the document could not be had."""
KEPT_HINT: Final = 500
"""Characters of the hint about the keys that the document does have."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to ask."""

    period_s: float
    jitter: float
    """Each wait is up to so much of the period shorter or longer."""

    def wait_s(self, rng: random.Random) -> float:
        """Return how long to wait before the next question."""
        return self.period_s * (1 + rng.uniform(-self.jitter, self.jitter))


@dataclass(frozen=True, slots=True)
class Reading:
    """How documents are read."""

    fields: tuple[Field, ...]
    form: TimeFormat
    zone: ZoneInfo
    max_age_s: float | None
    """A document older than that says nothing of the present."""


class HttpReader:
    """Polls one document; see `facility.source.Reader`.

    Between two answers it is not known whether the server is there: a link that fails goes down at its last answer.
    """

    def __init__(
        self, endpoint: Endpoint, channels: Channels, reading: Reading, schedule: Schedule, clock: Clock,
        rng: random.Random,
    ) -> None:  # fmt: skip
        self.replayable = False
        self.notices: tuple[Notice, ...] = ()
        self._endpoint = endpoint
        self._channels = channels
        self._reading = reading
        self._schedule = schedule
        self._clock = clock
        self._rng = rng
        self._etag: str | None = None
        self._body = b""
        self._document: Any = MISSING
        self._first: Fetched | None = None
        self._answered_ns = clock()
        self._initial = InitialValues(channels.on_change)
        self._said: dict[int, tuple[int, object]] = {}
        """Of each signal with a time of its own: time and value that were delivered last."""
        self._renewed = True

    async def open(self) -> None:
        """Ask for the first time; raises `UnreachableError` if there is no answer."""
        self._first = await self._fetch()
        self._take(self._first)
        self.notices = self._missing()
        # It is read once more as the first item, its rejection included.
        self._document = MISSING

    async def items(self) -> AsyncIterator[Delivery | LinkReport | GapReport]:
        """Yield what each answer says."""
        fetched = self._first
        while True:
            if fetched is None:
                try:
                    fetched = await self._fetch()
                except UnreachableError:
                    yield LinkReport(self._answered_ns, "down", NOT_ANSWERED)
                    raise
            self._answered_ns = now = self._clock()
            try:
                reports, delivery = self._judged(self._take(fetched), now)
            except Exception as error:
                # What nobody foresaw of a document: its signals are unknown, and the next one is read.
                self._document = MISSING
                failed = set_aside("the document", self._endpoint.url, self._body, error, now)
                reports, delivery = self._judged([failed], now)
            for report in reports:
                yield report
            if delivery.batch is not None or delivery.rejected:
                yield delivery
            fetched = None
            await asyncio.sleep(self._schedule.wait_s(self._rng))

    def _judged(self, rejected: list[Rejection], now: int) -> tuple[list[LinkReport], Delivery]:
        """Return what the document says of the link, and of the signals."""
        page = read_page(self._document, self._reading.fields, self._reading.form, self._reading.zone, now)
        self.notices = self._missing()
        return self._watch(page, now), self._delivery(page, rejected, now)

    async def acknowledge(self, token: object) -> None:
        """Do nothing: the server keeps nothing for us."""

    async def _fetch(self) -> Fetched:
        ask: Callable[[], Fetched] = lambda: fetch(self._endpoint, self._etag)  # noqa: E731 - typed as the callable that a thread takes
        return await in_thread(ask, f"{self._endpoint.source_id}: fetch")

    def _missing(self) -> tuple[Notice, ...]:
        """Return the notices about keys that the document does not have."""
        pairs = zip(self._channels.addresses, self._reading.fields, strict=True)
        silent = [(a, f) for a, f in pairs if self._document is MISSING or follow(self._document, f.value) is MISSING]
        notices = silent_channels(self._endpoint.source_id, len(self._channels), tuple(at for at, _ in silent))
        if self._document is MISSING:
            return notices
        ends = dict.fromkeys(where_it_ends(self._document, field.value) for _, field in silent)
        hint = "; ".join([*ends][:NAMED])
        return tuple(replace(notice, text=f"{notice.text} {hint[:KEPT_HINT]}") for notice in notices)

    def _take(self, fetched: Fetched) -> list[Rejection]:
        """Keep the document of an answer; return it as rejected where it cannot be read."""
        if fetched.body is None:
            return []
        self._etag, self._body = fetched.etag, fetched.body
        try:
            self._document = json.loads(fetched.body)
        except (ValueError, RecursionError) as error:
            self._document = MISSING
            detail = f"{self._endpoint.url} is not JSON ({error}): all its signals are unknown until it is"
            now = self._answered_ns
            return [Rejection(Cause.BAD_JSON, self._endpoint.url, fetched.body[:KEPT_BYTES], detail, now)]
        return []

    def _watch(self, page: Page, now: int) -> list[LinkReport]:
        """Return the state of the link by the age of the document."""
        limit_s = self._reading.max_age_s
        if limit_s is None or page.newest_ns is None:
            return []
        renewed = now - page.newest_ns <= to_ns(limit_s)
        if renewed == self._renewed:
            return []
        self._renewed = renewed
        if not renewed:
            return [LinkReport(min(page.newest_ns, now), "down", NOT_RENEWED)]
        # What is sent on change only was cut with the link, and holds again from here on.
        self._initial = InitialValues(self._channels.on_change)
        self._said.clear()
        return [LinkReport(now, "up", NOT_RENEWED)]

    def _delivery(self, page: Page, rejected: list[Rejection], now: int) -> Delivery:
        signals, addresses = self._channels.signals, self._channels.addresses
        for code, value in page.strange:
            detail = f"{addresses[code]} is {value}, and signal {signals[code]!r} takes a number or a text"
            rejected.append(Rejection(Cause.WRONG_TYPE, addresses[code], value.encode(), detail, now))
        columns = page.columns
        fresh = np.ones(len(columns.code), np.bool_)
        codes: list[int] = columns.code.tolist()
        for row, code in enumerate(codes):
            if self._reading.fields[code].time is not None:
                text = None if columns.text is None else columns.text[row]
                said = (int(columns.time_ns[row]), text if text is not None else float(columns.number[row]))
                fresh[row] = self._said.get(code) != said
                self._said[code] = said
        columns = columns.take(np.flatnonzero(fresh).tolist())
        if not len(columns.code):
            return Delivery(None, tuple(rejected))
        batch, wrong = to_samples(self._channels, columns, now, initial=self._initial)
        return Delivery(batch, (*rejected, *wrong))
