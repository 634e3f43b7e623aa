"""A simulated machine as a source, in this process: what ``kind = "simulator"`` means."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final, Literal, Self, cast

import numpy as np
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    WithJsonSchema,
    field_validator,
)

from facility.batch import Batch
from facility.errors import ScenarioError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.slug import Slug
from facility.source import Delivery, GapReport, LinkReport, Notice
from facility.time import Clock, from_datetime
from simulators.control import ControlDesk
from simulators.feed import Feed
from simulators.machine import Machine
from simulators.scenario import load_scenario

MAX_UNACKNOWLEDGED: Final = 16
"""Deliveries that may wait to become durable; then the reader stops."""


def _file(value: object) -> object:
    """Distinguish a path, which starts from the folder of ``kado.toml``, from the name of a shipped scenario."""
    return Path(value) if isinstance(value, str) and value.endswith(".toml") else cast("object", value)


class SimulatorSource(BaseModel):
    """One ``[[source]]`` table of kind ``simulator``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["simulator"] = "simulator"
    id: Slug
    scenario: Annotated[str | Path, BeforeValidator(_file), WithJsonSchema({"type": "string"})] = "demo"
    """A shipped one, or the path of your own ``.toml`` file, relative to the folder of ``kado.toml``."""
    seed: int = Field(default=1, ge=0)
    """Another seed, another history."""
    speed: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Other than 1: how fast simulated time runs from `start` until it meets the present."""
    start: AwareDatetime | None = None
    """The first instant to deliver; None: the moment of connecting. What has passed already comes at once."""
    signals: tuple[Slug, ...] = Field(default=(), strict=False)
    """Those of the profile's signals to deliver; none named: all that the machine has."""
    _desk: ControlDesk | None = PrivateAttr(default=None)

    @field_validator("signals")
    @classmethod
    def _named(cls, signals: tuple[str, ...]) -> tuple[str, ...]:
        if not signals:
            raise ValueError(Sentence("name at least one signal, or leave `signals` out to get all of them"))
        return signals

    @property
    def address(self) -> str:
        """Nowhere: it runs in this process."""
        return ""

    @property
    def live(self) -> bool:
        """`kado run` reads it."""
        return True

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """None."""
        return ()

    def probe(self) -> Self:
        """Return the same source: each connection has a machine of its own."""
        return self

    def with_injection_by(self, desk: ControlDesk) -> Self:
        """Return the same source, whose machine takes injected faults while it runs."""
        source = self.model_copy()
        source._desk = desk  # noqa: SLF001 - a copy of its own class
        return source

    def machine(self, profile: Profile) -> Machine:
        """Return the machine that is simulated.

        Raises
        ------
        ScenarioError
            If the facility is not a simulated one, the scenario cannot be or does not fit it, or the machine lacks a
            signal.
        """
        machine = Machine(profile, load_scenario(str(self.scenario)), self.seed)
        if unknown := [s for s in self.signals if s not in machine.signals]:
            raise ScenarioError(
                Sentence(
                    "source {id}: the simulated {profile} has no signal {unknown!r}; it has {signals}",
                    id=self.id,
                    profile=profile.id,
                    unknown=unknown[0],
                    signals=", ".join(machine.signals),
                )
            )
        return machine

    @asynccontextmanager
    async def connect(self, profile: Profile, clock: Clock) -> AsyncGenerator["SimulatorReader"]:
        """Start the machine.

        Raises
        ------
        ScenarioError
            As `machine` does.
        """
        machine = await asyncio.to_thread(self.machine, profile)
        signals = self.signals or machine.signals
        start_ns = None if self.start is None else from_datetime(self.start)
        feed = Feed(machine, clock, start_ns=start_ns, speed=self.speed)
        reader = SimulatorReader(feed, machine, signals)
        if self._desk is None:
            yield reader
            return
        async with self._desk.accept_faults(self.id, machine, feed.start_ns, reader.arrived_ns):
            yield reader


class SimulatorReader:
    """Delivers what the machine does; ends only by being cancelled."""

    replayable = False
    notices: tuple[Notice, ...] = ()

    def __init__(self, feed: Feed, machine: Machine, signals: tuple[str, ...]) -> None:
        self._feed = feed
        self._machine = machine
        self._signals = signals
        self._room = asyncio.Semaphore(MAX_UNACKNOWLEDGED)
        self._delivered = 0
        self._acknowledged = 0
        self._arrived = feed.start_ns

    def arrived_ns(self) -> int:
        """Return the instant before which everything is durable."""
        return self._feed.done_ns if self._acknowledged == self._delivered else self._arrived

    async def items(self) -> AsyncGenerator[Delivery | LinkReport | GapReport]:
        """Yield the link's state, then samples and what the link reports, as time passes."""
        yield self._first_report()
        async for item in self._feed.items():
            if isinstance(item, LinkReport):
                yield item
            elif len(batch := self._chosen(item)):
                await self._room.acquire()
                self._delivered += 1
                yield Delivery(batch, token=self._feed.done_ns)

    async def acknowledge(self, token: object) -> None:
        """Make room for another delivery."""
        # What was delivered before it was acknowledged before it.
        self._arrived = cast("int", token)
        self._acknowledged += 1
        self._room.release()

    def _first_report(self) -> LinkReport:
        now = self._feed.now()
        if self._machine.link_is_lost(now):
            return LinkReport(now, "down", "simulated outage")
        return LinkReport(now, "up")

    def _chosen(self, batch: Batch) -> Batch:
        chosen = [code for code, name in enumerate(batch.signals) if name in self._signals]
        return batch if len(chosen) == len(batch.signals) else batch.take(np.isin(batch.signal, chosen))
