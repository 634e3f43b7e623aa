"""What the tables of all sources that send updates by themselves have in common."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from collector.sources.mapping import SignalMapping, all_mappings
from collector.sources.monitor_reader import MonitorOptions
from collector.sources.updates import Stamp
from facility.slug import Slug

# From a TOML document a path is a string.
TomlPath = Annotated[Path, Field(strict=False)]


PROBE_S: Final = 5.0
"""How long a check of the configuration waits for the first channel."""


class MappedSource(BaseModel):
    """A source whose signals are mapped one by one, by templates over ports, or by a file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, populate_by_name=True, ignored_types=(cached_property,)
    )

    id: Slug = Field(description="Name of the source, in the ledger and as the series <id>_link.")
    mapping_file: TomlPath | None = Field(
        default=None, description="CSV file with further mappings; its first line names the columns."
    )

    @cached_property
    def channels_mapped(self) -> tuple[Any, ...]:
        """Every single mapping, those of the file included; reads the file.

        Raises
        ------
        ConfigError
            If the file cannot be read, or a signal or a channel is mapped twice.
        """
        lines: tuple[SignalMapping, ...] = getattr(self, "mappings", ())
        return all_mappings(self.id, lines, self.mapping_file, self._mapping_type())

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that it delivers."""
        return tuple(mapping.signal for mapping in self.channels_mapped)

    @property
    def address(self) -> str:
        """Where it is; the names of its channels say the rest."""
        return ""

    @property
    def live(self) -> bool:
        """Whether `kado run` reads it."""
        return True

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Files that hold its secrets."""
        return ()

    def probe(self) -> Self:
        """Return a source for a check beside a running service: this one, since each connection gets all updates."""
        return self

    @classmethod
    def _mapping_type(cls) -> type[SignalMapping]:
        raise NotImplementedError


class MonitoredSource(MappedSource):
    """A source that sends updates by itself."""

    stamp: Stamp = Field(default="source", description="Whose time stamp counts.")
    max_waiting: int = Field(
        default=200_000, gt=0, description="Updates that may wait in memory; what comes then is dropped, as a gap."
    )
    batch_delay_s: float = Field(
        default=0.2, ge=0, le=5, allow_inf_nan=False, description="How long a batch waits for more updates."
    )
    connect_timeout_s: float = Field(
        default=10.0, gt=0, allow_inf_nan=False, description="Within so long the first channel must answer."
    )
    heartbeat_timeout_s: float = Field(
        default=30.0, gt=0, allow_inf_nan=False, description="Without a change of the heartbeat for so long: down."
    )

    def monitor_options(self, place: str, heartbeat: str | None, detects_loss_s: float) -> MonitorOptions:
        """Return how its updates are read; `place` is named in messages."""
        return MonitorOptions(
            self.id,
            place,
            self.stamp,
            batch_delay_s=self.batch_delay_s,
            detects_loss_s=detects_loss_s,
            heartbeat=heartbeat,
            heartbeat_timeout_s=self.heartbeat_timeout_s,
        )

    def probe(self) -> Self:
        """Return the same source, with a shorter time limit, because a person waits for the answer."""
        return self.model_copy(update={"connect_timeout_s": min(self.connect_timeout_s, PROBE_S)})
