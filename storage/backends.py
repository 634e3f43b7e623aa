"""Makes the backend of a configuration: one function for each kind, which imports that kind alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from facility.profile import Profile
from storage.backend import StoreBackend


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """What is configured for an embedded store."""

    archive: str | None
    """Folder or URI of the sealed files; None: in the data directory."""
    seal_after_days: int
    keep_days: Callable[[str], int | None]
    """Returns for how many days a signal is kept; None: without limit."""
    deletes: bool
    """Whether `keep_days` has a limit at all."""


@dataclass(frozen=True, slots=True)
class InfluxOptions:
    """What is configured for a store in InfluxDB."""

    url: str
    org: str
    bucket: str
    token: Callable[[], str]
    """Reads the secret.

    Raises
    ------
    ConfigError
        If there is no token.
    """
    token_source: str
    """Where it comes from, for messages."""
    token_file: Path | None
    """Where a new token is written; None: it comes from the environment."""
    timeout_s: float
    retention_days: int | None
    """Of the bucket of samples when it is made; None: without limit."""
    minutes_retention_days: int | None
    derived: bool
    """Whether there is a bucket for derived series."""


def embedded_backend(profile: Profile, data_dir: Path, options: EmbeddedOptions) -> StoreBackend:
    """Return the backend of a store in the data directory."""
    from storage.embedded.backend import EmbeddedBackend

    return EmbeddedBackend(profile, data_dir, options)


def influxdb_backend(profile: Profile, data_dir: Path, options: InfluxOptions, configured_in: Path) -> StoreBackend:
    """Return the backend of a store in InfluxDB; `configured_in` is named in messages."""
    from storage.influxdb.backend import InfluxBackend

    return InfluxBackend(profile, data_dir, options, configured_in)
