"""What a ``[[source]]`` table of kind ``epics_ca`` means."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import ClassVar, Literal

from pydantic import Field

from collector.sources.channels import Channels
from collector.sources.epics_ca.client import CaClient, decode, use_addresses
from collector.sources.mapping import SignalMapping
from collector.sources.monitor_reader import MonitorReader
from collector.sources.monitored_source import MonitoredSource
from collector.sources.update_queue import UpdateQueue
from facility.profile import Profile
from facility.time import Clock

DETECTS_LOSS_S = 30.0
"""EPICS_CA_CONN_TMO: a server that does not answer for so long is taken for gone."""


class PvMapping(SignalMapping):
    """One ``[[source.signal]]`` table: the PV of a signal."""

    address_fields: ClassVar[tuple[str, ...]] = ("pv",)

    pv: str = Field(min_length=1, description="The PV, with a field where it is not VAL.")


class EpicsCaSource(MonitoredSource):
    """One ``[[source]]`` table of kind ``epics_ca``; see README.md and sample.toml beside this file."""

    kind: Literal["epics_ca"] = "epics_ca"
    addresses: tuple[str, ...] = Field(
        default=(), strict=False, description="IOCs and gateways to ask, host or host:port; else EPICS_CA_ADDR_LIST."
    )
    heartbeat: str | None = Field(default=None, min_length=1, description="A PV that changes all the time.")
    mappings: tuple[PvMapping, ...] = Field(
        alias="signal", default=(), strict=False, description="Where each signal comes from."
    )

    @property
    def address(self) -> str:
        """Where PVs are looked for."""
        return " ".join(self.addresses) or "Channel Access"

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
        ConfigError
            If another source of this process has other addresses.
        MissingExtraError
            If aioca is not installed.
        """
        channels = Channels.of(profile, self.channels_mapped)
        use_addresses(self.id, self.addresses)
        queue = UpdateQueue(self.max_waiting)
        client = CaClient(self.id, channels, queue, clock, self.heartbeat)
        async with client.subscribed(self.connect_timeout_s):
            options = self.monitor_options(self.address, self.heartbeat, DETECTS_LOSS_S)
            yield MonitorReader(channels, queue, decode, clock, options, look=client.refused, silent=client.silent)
