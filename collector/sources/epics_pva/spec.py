"""What a ``[[source]]`` table of kind ``epics_pva`` means."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

from pydantic import Field

from collector.sources.channels import Channels
from collector.sources.epics_ca.spec import PvMapping
from collector.sources.epics_pva.client import PvaClient, PvaPlace, decode
from collector.sources.mapping import SignalMapping
from collector.sources.monitor_reader import MonitorReader
from collector.sources.monitored_source import MonitoredSource
from collector.sources.update_queue import UpdateQueue
from facility.profile import Profile
from facility.time import Clock

DETECTS_LOSS_S = 40.0
"""The time limit of pvAccess (EPICS_PVA_CONN_TMO, 30 s, and a third of it): a server silent for so long is gone."""


class EpicsPvaSource(MonitoredSource):
    """One ``[[source]]`` table of kind ``epics_pva``; see README.md and sample.toml beside this file."""

    kind: Literal["epics_pva"] = "epics_pva"
    addresses: tuple[str, ...] = Field(
        default=(), strict=False, description="Servers and gateways to ask by UDP, host or host:port."
    )
    name_servers: tuple[str, ...] = Field(
        default=(), strict=False, description="Servers and gateways to ask over TCP, host or host:port."
    )
    server_queue: int = Field(
        default=1000, ge=4, le=100_000, description="Updates of one PV that the server keeps for a slow reader."
    )
    heartbeat: str | None = Field(default=None, min_length=1, description="A PV that changes all the time.")
    mappings: tuple[PvMapping, ...] = Field(
        alias="signal", default=(), strict=False, description="Where each signal comes from."
    )

    @property
    def address(self) -> str:
        """Where PVs are looked for."""
        return " ".join((*self.addresses, *self.name_servers)) or "pvAccess"

    @classmethod
    def _mapping_type(cls) -> type[SignalMapping]:
        return PvMapping

    @asynccontextmanager
    async def connect(self, profile: Profile, clock: Clock) -> AsyncGenerator[MonitorReader]:
        """Subscribe to all PVs; leaving the context ends that.

        Raises
        ------
        UnreachableError
            If no PV answers.
        MissingExtraError
            If p4p is not installed.
        """
        channels = Channels.of(profile, self.channels_mapped)
        place = PvaPlace(self.addresses, self.name_servers, self.server_queue)
        queue = UpdateQueue(self.max_waiting)
        client = PvaClient(self.id, channels, queue, clock, place, self.heartbeat)
        async with client.subscribed(self.connect_timeout_s):
            options = self.monitor_options(str(place), self.heartbeat, DETECTS_LOSS_S)
            yield MonitorReader(channels, queue, decode, clock, options, look=client.refused, silent=client.silent)
