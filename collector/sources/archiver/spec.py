"""What a ``[[source]]`` table of kind ``archiver`` means."""

import os
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from collector.sources.archiver.appliance import FORMS, Appliance
from collector.sources.archiver.archive import Archive
from collector.sources.archiver.influxdb import InfluxArchive, parse_series
from collector.sources.archiver.reader import ArchiveReader
from collector.sources.blocking import in_thread
from collector.sources.channels import Channels
from collector.sources.http.fetch import Endpoint
from collector.sources.mapping import SignalMapping
from collector.sources.monitored_source import MappedSource, TomlPath
from collector.sources.tls import tls_context
from facility.errors import ConfigError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import Clock

MAX_BYTES = 64 * 1024**2
"""A larger answer of an archive is not read; half a million samples as JSON. They take ten times that in memory."""


class ChannelMapping(SignalMapping):
    """One ``[[source.signal]]`` table: the channel of a signal."""

    address_fields: ClassVar[tuple[str, ...]] = ("channel", "field")

    channel: str = Field(min_length=1, description="The PV; for InfluxDB measurement,tag=value.")
    field: str = Field(default="value", min_length=1, description="For InfluxDB: the field that holds the value.")


class ArchiverSource(MappedSource):
    """One ``[[source]]`` table of kind ``archiver``; see README.md and sample.toml beside this file."""

    kind: Literal["archiver"] = "archiver"
    archive: Literal["appliance", "appliance_pb", "postgresql", "influxdb"] = Field(
        description="What keeps the history."
    )
    url: str = Field(
        description="Where it is: http(s)://host:port/retrieval, postgresql://user@host/db, http(s)://host."
    )
    bucket: str | None = Field(default=None, min_length=1, description="For InfluxDB: bucket or database.")
    query: str | None = Field(
        default=None, min_length=1, description="For PostgreSQL: SQL instead of CS-Studio's tables."
    )
    time_zone: str | None = Field(default=None, description="For PostgreSQL: zone of its times; else the facility's.")
    secret_env: str | None = Field(
        default=None, min_length=1, description="Environment variable with the token or password."
    )
    secret_file: TomlPath | None = Field(default=None, description="File with the token or password.")
    ca_file: TomlPath | None = Field(default=None, description="Certificate of the authority of an https:// server.")
    timeout_s: float = Field(default=60.0, gt=0, allow_inf_nan=False, description="How long an answer may take.")
    chunk_h: float = Field(default=6.0, gt=0, le=8784, allow_inf_nan=False, description="Hours asked for at once.")
    max_samples_per_s: float = Field(
        default=50_000.0, gt=0, allow_inf_nan=False, description="On average no more are fetched, to spare the archive."
    )
    mappings: tuple[ChannelMapping, ...] = Field(
        alias="signal", default=(), strict=False, description="Where each signal comes from."
    )

    @property
    def live(self) -> bool:
        """`kado run` does not read it: its history is fetched by `kado backfill`."""
        return False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        parts = urlsplit(self.url)
        schemes = ("postgresql",) if self.archive == "postgresql" else ("http", "https")
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(
                Sentence(
                    "url {url!r}: archive {archive!r} needs {schemes}://host/...",
                    url=self.url,
                    archive=self.archive,
                    schemes=schemes[0],
                )
            )
        if parts.password is not None:
            raise ValueError(Sentence("url holds a password: use secret_file or secret_env"))
        if self.secret_env is not None and self.secret_file is not None:
            raise ValueError(Sentence("secret_env and secret_file are both given: use one of them"))
        if (self.bucket is None) == (self.archive == "influxdb"):
            raise ValueError(Sentence("bucket is needed for archive = 'influxdb', and for no other"))
        if self.archive != "postgresql" and (self.query is not None or self.time_zone is not None):
            raise ValueError(Sentence("query and time_zone are for archive = 'postgresql'"))
        if self.time_zone is not None:
            try:
                ZoneInfo(self.time_zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(
                    Sentence(
                        "time_zone {time_zone!r} is not an IANA zone such as 'Asia/Tokyo'", time_zone=self.time_zone
                    )
                ) from error
        if self.archive == "influxdb":
            for mapping in self.mappings:
                parse_series(mapping.channel)
        return self

    @property
    def address(self) -> str:
        """The archive."""
        return self.url

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The file of the token or password."""
        return () if self.secret_file is None else (self.secret_file,)

    @classmethod
    def _mapping_type(cls) -> type[SignalMapping]:
        return ChannelMapping

    def open(self, profile: Profile) -> Archive:
        """Return the archive; nothing is asked of it yet. Blocks: reads the files that are named.

        Raises
        ------
        ConfigError
            If the secret or the certificate cannot be read.
        MissingExtraError
            If its library is not installed.
        """
        secret = self._secret()
        if self.archive == "postgresql":
            from collector.sources.archiver.postgresql import CS_STUDIO, PostgresArchive

            zone = profile.zone if self.time_zone is None else ZoneInfo(self.time_zone)
            return PostgresArchive(self.id, self.url, secret, self.query or CS_STUDIO, zone, self.timeout_s)
        prefix = "Token " if self.archive == "influxdb" else "Bearer "
        headers = {} if secret is None else {"Authorization": prefix + secret}
        remedy = "lower chunk_h, so that less is asked for at once"
        endpoint = Endpoint(self.id, self.url, headers, self._tls(), self.timeout_s, MAX_BYTES, remedy)
        if self.archive == "influxdb":
            return InfluxArchive(endpoint, str(self.bucket))
        return Appliance(endpoint, FORMS[self.archive])

    @asynccontextmanager
    async def connect(self, profile: Profile, clock: Clock) -> AsyncGenerator[ArchiveReader]:
        """Ask whether the archive answers; the reader yields the newest of what it has.

        Raises
        ------
        UnreachableError
            If it does not answer, or refuses us (`AuthorizationError`).
        """
        channels = Channels.of(profile, self.channels_mapped)
        fields = tuple((m.channel, m.field) for m in self.channels_mapped)
        archive = await in_thread(lambda: self.open(profile), f"{self.id}: open")
        try:
            await in_thread(archive.check, f"{self.id}: check")
            yield ArchiveReader(self.id, archive, channels, fields, clock)
        finally:
            await in_thread(archive.close, f"{self.id}: close")

    def _secret(self) -> str | None:
        if self.secret_env is not None:
            text, where = os.environ.get(self.secret_env, ""), f"environment variable {self.secret_env!r} (secret_env)"
        elif self.secret_file is not None:
            where = f"{self.secret_file} (secret_file)"
            try:
                text = self.secret_file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(
                    Sentence("source {id}: {where} cannot be read: {error}", id=self.id, where=where, error=error)
                ) from error
        else:
            return None
        if not (secret := text.strip()) or not secret.isprintable():
            raise ConfigError(Sentence("source {id}: {where} holds no token or password", id=self.id, where=where))
        return secret

    def _tls(self) -> ssl.SSLContext | None:
        if not self.url.startswith("https:"):
            return None
        return tls_context(self.id, self.ca_file)
