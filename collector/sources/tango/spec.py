"""What a ``[[source]]`` table of kind ``tango`` means."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from collector.sources.channels import Channels
from collector.sources.mapping import SignalMapping
from collector.sources.monitor_reader import MonitorReader
from collector.sources.monitored_source import MonitoredSource
from collector.sources.tango.client import TangoClient, TangoPlace
from collector.sources.tango.values import decode
from collector.sources.update_queue import UpdateQueue
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import Clock

DETECTS_LOSS_S = 10.0
"""A device is asked every few seconds whether it is there, and may take a few to answer."""
_ATTRIBUTE = re.compile(r"[^/#\s]+/[^/#\s]+/[^/#\s]+/[^/#\s]+")


class AttributeMapping(SignalMapping):
    """One ``[[source.signal]]`` table: the attribute of a signal."""

    address_fields: ClassVar[tuple[str, ...]] = ("attribute",)

    attribute: str = Field(description="domain/family/member/attribute.")

    @model_validator(mode="after")
    def _whole_name(self) -> Self:
        if not _ATTRIBUTE.fullmatch(self.attribute):
            raise ValueError(
                Sentence(
                    "attribute {attribute!r} is not one: write domain/family/member/attribute, and the host in server",
                    attribute=self.attribute,
                )
            )
        return self


class TangoSource(MonitoredSource):
    """One ``[[source]]`` table of kind ``tango``; see README.md and sample.toml beside this file."""

    kind: Literal["tango"] = "tango"
    server: str | None = Field(
        default=None, pattern=r"^[^\s/:]+:\d+$", description="host:port of the database or device server."
    )
    database: bool = Field(default=True, description="Whether `server` is a database; else the device server itself.")
    events: Literal["auto", "change", "archive", "none"] = Field(
        default="auto", description="Which events are asked for."
    )
    poll_period_s: float = Field(
        default=1.0, gt=0, allow_inf_nan=False, description="How often attributes without events are read."
    )
    timeout_s: float = Field(
        default=3.0, gt=0, allow_inf_nan=False, description="How long a device may take to answer."
    )
    heartbeat: str | None = Field(
        default=None, pattern=_ATTRIBUTE.pattern, description="An attribute that changes all the time."
    )
    mappings: tuple[AttributeMapping, ...] = Field(
        alias="signal", default=(), strict=False, description="Where each signal comes from."
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.server is None and not self.database:
            raise ValueError(Sentence("database = false needs server, the host:port of the device server"))
        return self

    @property
    def address(self) -> str:
        """The database or device server."""
        return self.server or "Tango"

    @classmethod
    def _mapping_type(cls) -> type[SignalMapping]:
        return AttributeMapping

    @asynccontextmanager
    async def connect(self, profile: Profile, clock: Clock) -> AsyncGenerator[MonitorReader]:
        """Subscribe to all attributes; leaving the context ends that.

        Raises
        ------
        UnreachableError
            If no attribute can be read.
        MissingExtraError
            If pytango is not installed.
        """
        channels = Channels.of(profile, self.channels_mapped)
        place = TangoPlace(self.server, self.database, self.events, self.poll_period_s, self.timeout_s)
        queue = UpdateQueue(self.max_waiting)
        client = TangoClient(self.id, channels, queue, clock, place, self.heartbeat)
        async with client.subscribed(self.connect_timeout_s):
            options = self.monitor_options(self.address, self.heartbeat, DETECTS_LOSS_S)
            yield MonitorReader(channels, queue, decode, clock, options, look=client.refused, silent=client.silent)
