"""Listens to a source for a while, and says what it hears: whether the mapping is right, before a service runs."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from collector.causes import Cause
from collector.intake import Intake
from collector.sources.updates import DISCONNECTED, INITIAL
from facility.batch import NO_WORD, Batch
from facility.errors import UnreachableError
from facility.profile import Profile
from facility.quality import QUALITY_WORDS, REASON_CLOCK, Quality
from facility.signals import Signal
from facility.source import Delivery, Reader, Rejection, SourceSpec
from facility.time import NS_PER_S, Clock, format_time, to_s
from kado.language import marked
from kado.queries.identity import identity

MOST_KEPT: Final = 2000
"""Updates of a signal from which dead band, period and clock offset are taken."""
FEWEST_UPDATES: Final = 5
"""Of a signal before its period is compared with that of the profile."""
MOST_REJECTED: Final = 20
"""Rejections that are shown."""
CLOCK_OFFSET_S: Final = 2.0
"""A clock that is off by more makes samples uncertain."""


@dataclass(frozen=True, slots=True)
class SignalHeard:
    """What was heard of one signal."""

    signal: Signal
    updates: int
    """Without what was said because of the connection."""
    rate_hz: float
    value: float | str | None
    """The newest; None where it has none, or nothing was heard."""
    quality: str
    """``good``, ``uncertain``, ``bad``; empty where nothing was heard."""
    reason: str
    stamp_ns: int | None
    """Of the newest."""
    dead_band: float | None
    """The smallest change between two updates; None where there was none."""
    period_s: float | None
    """Median time between stamps."""
    clock_offset_s: float | None
    """Median of arrival less stamp: transport, and how far the source's clock is behind."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of a source."""

    source: str
    kind: str
    address: str
    seconds: float
    problem: str
    """Why it could not be read, or not to the end; empty where it could."""
    notices: tuple[str, ...]
    signals: tuple[SignalHeard, ...]
    rejected: tuple[Rejection, ...]
    proposals: tuple["Proposal", ...]
    at_ns: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line for kado.toml or the profile, and what speaks for it."""

    place: str
    """The file and the table that the line belongs to; empty where there is no line."""
    line: str
    """As TOML; empty where something else than the configuration is wrong."""
    why: str
    """A text of the catalogue."""
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    """What the text has places for."""

    def text(self, say: Callable[..., str] = str.format) -> str:
        """Return it in one line; in English unless `say` is the catalogue's `tr`."""
        why = say(self.why, **self.values)
        return f"{self.place}: {self.line}   # {why}" if self.line else why


@dataclass(slots=True)
class _Kept:
    """What is kept of one signal while it is heard."""

    updates: int = 0
    times: list[int] = field(default_factory=list[int])
    arrivals: list[int] = field(default_factory=list[int])
    values: list[float] = field(default_factory=list[float])
    value: float | str | None = None
    quality: int | None = None
    reason: str = ""
    stamp_ns: int | None = None
    first: bool = True

    @property
    def is_good(self) -> bool:
        return self.quality == Quality.GOOD


class Listener:
    """Collects what a source delivers."""

    def __init__(self, source: SourceSpec, profile: Profile, clock: Clock) -> None:
        self._source = source
        self._profile = profile
        self._clock = clock
        self._intake = Intake(profile, [source.id], clock)
        self._started_ns = clock()
        self._kept: dict[str, _Kept] = {name: _Kept() for name in source.signals}
        self._rejected: dict[tuple[str, str], Rejection] = {}
        self._notices: tuple[str, ...] = ()
        self.problem = ""

    async def listen(
        self,
        seconds: float,
        look: Callable[[Heard], None] = lambda _: None,
        *,
        answer_s: float = 30.0,
        all_good_is_enough: bool = False,
    ) -> Heard:
        """Return what was heard in so many seconds; `look` gets it twice a second on the way.

        The source has `answer_s` to connect; for 0 s it is connected to and not read. With `all_good_is_enough`
        listening ends as soon as each mapped signal has a good value.
        """
        longest_s = seconds + answer_s
        try:
            async with (
                asyncio.timeout(longest_s),
                self._source.probe().connect(self._profile, self._clock) as reader,
            ):
                self._started_ns = self._clock()
                looking = asyncio.create_task(self._look(look), name="looking")
                try:
                    if seconds:
                        await self._read(reader, seconds, all_good_is_enough)
                finally:
                    looking.cancel()
                    self._notices = tuple(notice.text for notice in reader.notices)
        except UnreachableError as error:
            self.problem = str(error)
        except TimeoutError:
            self.problem = f"source {self._source.id} did not answer within {longest_s:g} s"
        return self.heard()

    async def _read(self, reader: Reader, seconds: float, all_good_is_enough: bool) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for item in reader.items():
                    if isinstance(item, Delivery):
                        self.take(item)
                        await reader.acknowledge(item.token)
                    if all_good_is_enough and all(kept.is_good for kept in self._kept.values()):
                        return

    def take(self, delivery: Delivery) -> None:
        """Take note of a delivery."""
        arrival = self._intake.check(self._source.id, delivery)
        for rejection in arrival.rejected:
            self._rejected.setdefault((rejection.cause, rejection.address), rejection)
        if arrival.batch is not None:
            for name, rows in _by_signal(arrival.batch):
                self._note(self._kept.setdefault(name, _Kept()), arrival.batch, rows)

    def heard(self) -> Heard:
        """Return what was heard until now."""
        now = self._clock()
        seconds = max(to_s(now - self._started_ns), 1e-3)
        signals = tuple(self._signal(name, kept, seconds) for name, kept in sorted(self._kept.items()))
        rejected = tuple(self._rejected.values())
        return Heard(
            self._source.id,
            self._source.kind,
            self._source.address,
            seconds,
            self.problem,
            self._notices,
            signals,
            rejected[:MOST_REJECTED],
            tuple(_proposals(self._source, signals, rejected)),
            now,
        )

    async def _look(self, look: Callable[[Heard], None]) -> None:
        while True:
            await asyncio.sleep(0.5)
            look(self.heard())

    def _note(self, kept: _Kept, batch: Batch, rows: list[int]) -> None:
        words = (*batch.words, "")
        for row in rows:
            reason = words[int(batch.reason[row])]
            state = int(batch.state[row])
            number = float(batch.value[row])
            time_ns = int(batch.time_ns[row])
            # The first is said because of the connection, and so is what is said again.
            live = not kept.first and reason not in (INITIAL, DISCONNECTED)
            kept.first = False
            if live:
                kept.updates += 1
                if len(kept.times) < MOST_KEPT and reason != REASON_CLOCK:
                    kept.times.append(time_ns)
                    kept.arrivals.append(int(batch.arrival_ns[row]))
                    kept.values.append(number)
            if kept.stamp_ns is None or time_ns >= kept.stamp_ns:
                kept.stamp_ns = time_ns
                kept.value = batch.words[state] if state != NO_WORD else None if np.isnan(number) else number
                kept.quality, kept.reason = int(batch.quality[row]), reason

    def _signal(self, name: str, kept: _Kept, seconds: float) -> SignalHeard:
        times = np.array(kept.times, np.int64)
        between = np.diff(np.unique(times))
        steps = np.abs(np.diff(np.array(kept.values, np.float64)))
        steps = steps[np.isfinite(steps) & (steps > 0)]
        offsets = np.array(kept.arrivals, np.int64) - times
        return SignalHeard(
            self._profile.signal(name),
            kept.updates,
            kept.updates / seconds,
            kept.value,
            "" if kept.quality is None else QUALITY_WORDS[kept.quality],
            kept.reason,
            kept.stamp_ns,
            float(steps.min()) if len(steps) else None,
            float(np.median(between)) / NS_PER_S if len(between) else None,
            float(np.median(offsets)) / NS_PER_S if len(offsets) else None,
        )


def probe(
    source: SourceSpec, profile: Profile, clock: Clock, seconds: float, look: Callable[[Heard], None] = lambda _: None
) -> Heard:
    """Listen to a source for so many seconds.

    Raises
    ------
    UsageError
        If its configuration is wrong, or its library is not installed.
    """
    return asyncio.run(Listener(source, profile, clock).listen(seconds, look))


def _by_signal(batch: Batch) -> Iterator[tuple[str, list[int]]]:
    codes: list[int] = np.unique(batch.signal).tolist()
    for code in codes:
        rows: list[int] = np.flatnonzero(batch.signal == code).tolist()
        yield batch.signals[code], rows


def _proposals(
    source: SourceSpec, signals: tuple[SignalHeard, ...], rejected: tuple[Rejection, ...]
) -> Iterator[Proposal]:
    place = f'kado.toml, [[source]] id = "{source.id}"'
    if names := ", ".join(s.signal.id for s in signals if s.reason == REASON_CLOCK and s.stamp_ns is not None):
        yield Proposal(
            place, 'stamp = "arrival"', marked("time stamps that cannot be true: {signals}"), {"signals": names}
        )
    for s in signals:
        of_profile = f'profile, [[signal]] id = "{s.signal.id}"'
        if s.period_s is not None and s.updates >= FEWEST_UPDATES and _differs(s.signal.period_s, s.period_s):
            line = f"period_s = {s.period_s:.3g}"
            was = {"stated": f"{s.signal.period_s:g}"}
            yield Proposal(of_profile, line, marked("measured; the profile states {stated}"), was)
        if s.clock_offset_s is not None and abs(s.clock_offset_s) > CLOCK_OFFSET_S:
            about: dict[str, object] = {"signal": s.signal.id, "seconds": abs(s.clock_offset_s)}
            behind = marked(
                "The clock of the source of {signal} is {seconds:.3g} s behind this computer's: set both by NTP."
            )
            ahead = marked(
                "The clock of the source of {signal} is {seconds:.3g} s ahead of this computer's: set both by NTP."
            )
            yield Proposal("", "", behind if s.clock_offset_s > 0 else ahead, about)
    for rejection in rejected:
        if rejection.cause == Cause.UNKNOWN_STATE:
            words = dict.fromkeys(str(sample["value"]) for sample in json.loads(rejection.payload))
            table = ", ".join(f'"{word}" = "?"' for word in words)
            where = f'{place}, [[source.signal]] signal = "{rejection.address}"'
            yield Proposal(where, f"words = {{ {table} }}", marked("map each to a word of the profile"))


def _differs(stated_s: float | None, heard_s: float) -> bool:
    return stated_s is not None and not 0.5 <= heard_s / stated_s <= 2.0


def heard_document(profile: Profile, heard: list[Heard]) -> dict[str, Any]:
    """Return what was heard, for programs."""
    zone = profile.zone
    return {
        **identity(profile),
        "sources": [
            {
                "source": one.source,
                "kind": one.kind,
                "address": one.address,
                "seconds": round(one.seconds, 3),
                "problem": one.problem or None,
                "notices": list(one.notices),
                "signals": [
                    {
                        "signal": s.signal.id,
                        "unit": s.signal.unit or None,
                        "updates": s.updates,
                        "rate_hz": round(s.rate_hz, 3),
                        "value": s.value,
                        "quality": s.quality or None,
                        "reason": s.reason or None,
                        "stamp": None if s.stamp_ns is None else format_time(s.stamp_ns, zone),
                        "age_s": None if s.stamp_ns is None else to_s(one.at_ns - s.stamp_ns),
                        "dead_band": s.dead_band,
                        "period_s": s.period_s,
                        "clock_offset_s": s.clock_offset_s,
                    }
                    for s in one.signals
                ],
                "rejected": [{"cause": r.cause, "address": r.address, "detail": r.detail} for r in one.rejected],
                "proposals": [proposal.text() for proposal in one.proposals],
            }
            for one in heard
        ],
    }
