"""What a ``[[source]]`` table of kind ``http`` means."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from collector.sources.channels import Channels
from collector.sources.http.fetch import Endpoint
from collector.sources.http.reader import HttpReader, Reading, Schedule
from collector.sources.json_pointer import parse_pointer
from collector.sources.json_values import Field as PageField
from collector.sources.json_values import TimeFormat
from collector.sources.mapping import SignalMapping
from collector.sources.monitored_source import MappedSource, TomlPath
from collector.sources.tls import tls_context
from facility.errors import ConfigError
from facility.profile import Profile
from facility.quality import Quality
from facility.sentence import Sentence
from facility.time import Clock


class PointerMapping(SignalMapping):
    """One ``[[source.signal]]`` table: where in the document a signal stands."""

    address_fields: ClassVar[tuple[str, ...]] = ("pointer",)

    pointer: str = Field(description="JSON Pointer of the value: /ring/current; '/' in a key is written '~1'.")
    time_pointer: str | None = Field(default=None, description="JSON Pointer of its time; else that of the source.")
    quality_pointer: str | None = Field(default=None, description="JSON Pointer of its quality; else it is good.")

    @model_validator(mode="after")
    def _pointers(self) -> Self:
        for pointer in (self.pointer, self.time_pointer, self.quality_pointer):
            if pointer is not None:
                parse_pointer(pointer)
        return self


class HttpSource(MappedSource):
    """One ``[[source]]`` table of kind ``http``; see README.md and sample.toml beside this file."""

    kind: Literal["http"] = "http"
    url: str = Field(description="The document: http:// or https://.")
    period_s: float = Field(default=60.0, gt=0, allow_inf_nan=False, description="Between two questions, seconds.")
    jitter: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        allow_inf_nan=False,
        description="Each wait is up to so much of it shorter or longer.",
    )
    timeout_s: float = Field(default=10.0, gt=0, allow_inf_nan=False, description="How long an answer may take.")
    max_bytes: int = Field(default=16 * 1024**2, gt=0, description="A larger document is not read.")
    token_env: str | None = Field(default=None, min_length=1, description="Environment variable that holds the token.")
    token_file: TomlPath | None = Field(default=None, description="File that holds the token.")
    token_header: str = Field(default="Authorization", min_length=1, description="Header in which the token is sent.")
    token_prefix: str = Field(default="Bearer ", description="Stands before the token in its header.")
    ca_file: TomlPath | None = Field(default=None, description="Certificate of the authority of an https:// server.")
    time_pointer: str | None = Field(default=None, description="JSON Pointer of the time of all signals.")
    time_format: TimeFormat = Field(default="iso8601", description="How the document writes times.")
    max_age_s: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="A document older than that means that the link is down."
    )
    qualities: dict[str, Literal["good", "uncertain", "bad"]] = Field(
        default={}, description="What stands at quality_pointer = quality; without it kado's own words."
    )
    mappings: tuple[PointerMapping, ...] = Field(
        alias="signal", default=(), strict=False, description="Where each signal stands."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(Sentence("url {url!r} is not a document: write https://host/path.json", url=self.url))
        if "@" in parts.netloc:
            raise ValueError(Sentence("url holds a user: use token_file or token_env"))
        if self.token_env is not None and self.token_file is not None:
            raise ValueError(Sentence("token_env and token_file are both given: use one of them"))
        has_token = self.token_env is not None or self.token_file is not None
        if has_token and parts.scheme == "http" and not _is_this_computer(parts.hostname):
            raise ValueError(
                Sentence("a token over http:// can be read by everybody on the way: use a url with https://")
            )
        if self.ca_file is not None and parts.scheme != "https":
            raise ValueError(Sentence("ca_file is for TLS: use a url that begins with https://"))
        if self.time_pointer is not None:
            parse_pointer(self.time_pointer)
        return self

    @property
    def address(self) -> str:
        """The document."""
        return self.url

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The file of the token."""
        return () if self.token_file is None else (self.token_file,)

    @classmethod
    def _mapping_type(cls) -> type[SignalMapping]:
        return PointerMapping

    @asynccontextmanager
    async def connect(self, profile: Profile, clock: Clock) -> AsyncGenerator[HttpReader]:
        """Ask for the document.

        Raises
        ------
        UnreachableError
            If there is no answer, or the token is refused (`AuthorizationError`).
        ConfigError
            If the token or the certificate cannot be read.
        """
        channels = Channels.of(profile, self.channels_mapped)
        reading = Reading(self._fields(), self.time_format, profile.zone, self.max_age_s)
        schedule = Schedule(self.period_s, self.jitter)
        endpoint = await asyncio.to_thread(self._endpoint)
        reader = HttpReader(endpoint, channels, reading, schedule, clock, random.Random())
        await reader.open()
        yield reader

    def _fields(self) -> tuple[PageField, ...]:
        qualities = tuple((text, Quality.from_word(word)) for text, word in self.qualities.items())

        def steps(pointer: str | None) -> tuple[str, ...] | None:
            return None if pointer is None else parse_pointer(pointer)

        mappings: tuple[PointerMapping, ...] = self.channels_mapped
        return tuple(
            PageField(
                parse_pointer(m.pointer),
                steps(m.time_pointer or self.time_pointer),
                steps(m.quality_pointer),
                qualities,
            )
            for m in mappings
        )

    def _endpoint(self) -> Endpoint:
        """Read the files that are named; they are small."""
        token = self._token()
        headers = {} if token is None else {self.token_header: self.token_prefix + token}
        tls = tls_context(self.id, self.ca_file) if self.url.startswith("https:") else None
        return Endpoint(self.id, self.url, headers, tls, self.timeout_s, self.max_bytes)

    def _token(self) -> str | None:
        if self.token_env is not None:
            text = os.environ.get(self.token_env, "")
            where = f"environment variable {self.token_env!r} (token_env)"
        elif self.token_file is not None:
            where = f"{self.token_file} (token_file)"
            try:
                text = self.token_file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(
                    Sentence("source {id}: {where} cannot be read: {error}", id=self.id, where=where, error=error)
                ) from error
        else:
            return None
        if not (token := text.strip()) or not token.isprintable():
            raise ConfigError(Sentence("source {id}: {where} holds no token", id=self.id, where=where))
        return token


def _is_this_computer(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
