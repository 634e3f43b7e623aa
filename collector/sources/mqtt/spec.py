"""What a ``[[source]]`` table of kind ``mqtt`` means."""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, Self, cast
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, model_validator

from collector.payload.bare_value import ValueFormat
from collector.payload.conversion import ConvertedFormat
from collector.payload.format import PayloadFormat, Targets
from collector.payload.json_samples import JsonFormat
from collector.payload.line_protocol import LineFormat, series_key
from collector.payload.pace import Pace
from collector.sources.channels import Channels
from collector.sources.json_pointer import parse_pointer
from collector.sources.json_values import Field as DocumentField
from collector.sources.json_values import TimeFormat
from collector.sources.mapping import SignalMapping
from collector.sources.monitored_source import MappedSource, TomlPath
from collector.sources.mqtt.connection import Endpoint, MqttConnection
from collector.sources.mqtt.document import DocumentFormat
from collector.sources.mqtt.reader import MqttReader
from collector.sources.tls import tls_context
from facility.errors import ConfigError
from facility.profile import Profile
from facility.quality import Quality
from facility.sentence import Sentence
from facility.time import Clock, to_ns

_PORTS = {"mqtt": 1883, "mqtts": 8883}


class TopicMapping(SignalMapping):
    """One ``[[source.signal]]`` table: where a signal comes from."""

    address_fields: ClassVar[tuple[str, ...]] = ("topic", "series")

    topic: str = Field(min_length=1, description="The whole topic, without wildcards; {port} with ports.")
    series: str | None = Field(default=None, description="Format influx: measurement and tags, beam,monitor=dcct1.")
    field: str = Field(default="value", description="Format influx: the field that holds the value.")
    pointer: str | None = Field(
        default=None, description="Format document: JSON Pointer of the value; several signals may share a topic."
    )
    time_pointer: str | None = Field(default=None, description="Format document: JSON Pointer of its time.")
    quality_pointer: str | None = Field(default=None, description="Format document: JSON Pointer of its quality.")

    @model_validator(mode="after")
    def _exact(self) -> Self:
        if "+" in self.topic or "#" in self.topic:
            raise ValueError(
                Sentence(
                    "topic {topic!r} has a wildcard: a signal has exactly one topic; for many ports "
                    "write {{port}} in topic and signal, and ports",
                    topic=self.topic,
                )
            )
        if self.topic.startswith("$share/"):
            raise ValueError(
                Sentence(
                    "topic {topic!r} is a shared subscription: each kado needs all samples, in order", topic=self.topic
                )
            )
        if self.series is not None:
            series_key(self.series)
        for pointer in (self.pointer, self.time_pointer, self.quality_pointer):
            if pointer is not None:
                parse_pointer(pointer)
        return self

    @property
    def address(self) -> str:
        """Topic, and the place in its payload."""
        inside = f"{self.series} {self.field}" if self.series is not None else self.pointer or ""
        return f"{self.topic} {inside}".strip()


class MqttSource(MappedSource):
    """One ``[[source]]`` table of kind ``mqtt``; see README.md and sample.toml beside this file."""

    kind: Literal["mqtt"] = "mqtt"
    url: str = Field(description="The broker: mqtt://host:1883, or mqtts://host:8883 for TLS.")
    username: str | None = Field(default=None, description="User at the broker; without it anonymous.")
    password_env: str | None = Field(default=None, description="Environment variable that holds the password.")
    password_file: TomlPath | None = Field(default=None, description="File that holds the password.")
    ca_file: TomlPath | None = Field(
        default=None, description="Certificate of the authority that signed the broker's, PEM; for mqtts://."
    )
    client: Literal["mqttium", "aiomqtt"] = Field(default="mqttium", description="The library that speaks MQTT.")
    client_id: str | None = Field(
        default=None, min_length=1, description="Name of the session at the broker; default kado-<facility>-<id>."
    )
    session_expiry_s: int = Field(
        default=7 * 86_400, gt=0, lt=2**32, description="How long the broker keeps the session while kado is away."
    )
    format: Literal["json", "value", "influx", "document"] = Field(default="json", description="What a payload holds.")
    time_pointer: str = Field(default="/time", description="Format document: JSON Pointer of the time of all signals.")
    time_format: TimeFormat = Field(default="iso8601", description="Format document: how it writes times.")
    qualities: dict[str, Literal["good", "uncertain", "bad"]] = Field(
        default={}, description="Format document: what stands at quality_pointer = quality; else kado's own words."
    )
    max_payload_bytes: int = Field(default=1024 * 1024, gt=0, description="A larger payload is rejected.")
    batch_size: int = Field(
        default=2_000, gt=0, le=10_000, description="Messages that become durable together, at most."
    )
    batch_delay_s: float = Field(
        default=0.01, ge=0, le=1, allow_inf_nan=False, description="How long a batch waits for more messages."
    )
    mappings: tuple[TopicMapping, ...] = Field(
        alias="signal", default=(), strict=False, description="Where each signal comes from."
    )
    # Whether the next connection is held by aiomqtt, whatever `client` is: mqttium did not read a packet of the last.
    _read_by_aiomqtt: bool = PrivateAttr(default=False)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(
                Sentence(
                    "url {url!r} is not a broker: write mqtt://host:1883, or mqtts://host:8883 for TLS", url=self.url
                )
            )
        if "@" in parts.netloc:
            raise ValueError(Sentence("url holds a user: use username, and password_file or password_env"))
        try:
            _ = parts.port
        except ValueError as error:
            raise ValueError(Sentence("url {url!r}: {error}", url=self.url, error=error)) from error
        if self.password_env is not None and self.password_file is not None:
            raise ValueError(Sentence("password_env and password_file are both given: use one of them"))
        if self.username is None and (self.password_env is not None or self.password_file is not None):
            raise ValueError(Sentence("a password is given and no username: add username"))
        if self.ca_file is not None and parts.scheme != "mqtts":
            raise ValueError(Sentence("ca_file is for TLS: use a url that begins with mqtts://"))
        self._check_mappings()
        return self

    def _check_mappings(self) -> None:
        if not self.mappings and self.mapping_file is None:
            raise ValueError(Sentence("no signal is mapped: add a [[source.signal]] table, or mapping_file"))
        parse_pointer(self.time_pointer)
        lines = [one for line in self.mappings for one in line.expanded()]
        signals = [m.signal for m in lines]
        if twice := sorted({s for s in signals if signals.count(s) > 1}):
            raise ValueError(
                Sentence("signal {twice!r} is mapped twice: a signal comes from one place", twice=twice[0])
            )
        for m in lines:
            self._check_place(m)
        places = [(m.topic, series_key(m.series) if m.series else m.pointer or "", m.field) for m in lines]
        if taken := [p for p in places if places.count(p) > 1]:
            raise ValueError(
                Sentence("topic {taken!r} is mapped to two signals: one sample would count twice", taken=taken[0][0])
            )

    def _check_place(self, mapping: TopicMapping) -> None:
        influx, document = self.format == "influx", self.format == "document"
        if influx != (mapping.series is not None):
            wanted = (
                Sentence("needs series, the measurement and tags")
                if influx
                else Sentence("takes no series, which is for influx")
            )
            raise ValueError(
                Sentence(
                    "signal {signal!r}: format {format!r} {wanted}",
                    signal=mapping.signal,
                    format=self.format,
                    wanted=wanted,
                )
            )
        pointers = (mapping.pointer, mapping.time_pointer, mapping.quality_pointer)
        if document and mapping.pointer is None:
            raise ValueError(
                Sentence(
                    "signal {signal!r}: format 'document' needs pointer, where the value stands", signal=mapping.signal
                )
            )
        if not document and any(pointer is not None for pointer in pointers):
            raise ValueError(
                Sentence(
                    "signal {signal!r}: format {format!r} takes no pointer, which is for document",
                    signal=mapping.signal,
                    format=self.format,
                )
            )

    @classmethod
    def _mapping_type(cls) -> type[SignalMapping]:
        return TopicMapping

    @property
    def address(self) -> str:
        """The broker."""
        return self.url

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The file of the password."""
        return () if self.password_file is None else (self.password_file,)

    def probe(self) -> Self:
        """Return a source with a session of its own, so that the one of a running service stays there."""
        return self.model_copy(update={"client_id": f"kado-check-{os.getpid()}", "session_expiry_s": 1})

    @property
    def _topics(self) -> tuple[TopicMapping, ...]:
        """Every single mapping; those of the file are looked at here, the others when the configuration is read."""
        mappings = cast("tuple[TopicMapping, ...]", self.channels_mapped)
        try:
            for mapping in mappings:
                self._check_place(mapping)
        except ValueError as error:
            raise ConfigError(Sentence("source {id}: {error}", id=self.id, error=error)) from error
        return mappings

    @asynccontextmanager
    async def connect(self, profile: Profile, clock: Clock) -> AsyncGenerator[MqttReader]:
        """Connect, resume the session and subscribe; leaving the context disconnects, the session stays.

        Raises
        ------
        UnreachableError
            If the broker cannot be reached, or refuses us (`AuthorizationError`).
        ProfileError
            If the profile lacks a signal that is mapped.
        ConfigError
            If the password or the certificate cannot be read.
        """
        # What is wrong with the mapping is said before anything is connected.
        mappings = await asyncio.to_thread(lambda: self._topics)
        targets = Targets.of(profile, self.signals)
        periods_ns = [None if (s := profile.signal(i).period_s) is None else to_ns(s) for i in self.signals]
        endpoint = await asyncio.to_thread(self._endpoint, profile.id, mappings)
        async with self._open(endpoint) as connection:
            subscribing = asyncio.create_task(connection.subscribe(), name=f"{self.id}: subscribe")
            try:
                if connection.session_present:
                    # The answer comes behind all that the session has kept, which must be read meanwhile.
                    subscribing.add_done_callback(partial(_end_if_failed, connection))
                else:
                    await subscribing
                pace = Pace(periods_ns, connection.session_present)
                payload = self._payload_format(profile, targets, pace)
                yield MqttReader(connection, payload, clock, self.batch_size, self.batch_delay_s, pace)
            finally:
                subscribing.cancel()
                await asyncio.wait([subscribing])
                # Both libraries share the session: what one does not read, the other takes and acknowledges.
                self._read_by_aiomqtt = connection.unreadable

    def _open(self, endpoint: Endpoint) -> AbstractAsyncContextManager[MqttConnection]:
        # Only the library that is used is imported.
        if self.client == "aiomqtt" or self._read_by_aiomqtt:
            from collector.sources.mqtt.aiomqtt_client import connect_aiomqtt

            return connect_aiomqtt(endpoint)
        from collector.sources.mqtt.mqttium_client import connect_mqttium

        return connect_mqttium(endpoint)

    def payload_format(self, profile: Profile) -> PayloadFormat:
        """Return what reads payloads that were received earlier; bare values among them are no longer live."""
        targets = Targets.of(profile, self.signals)
        return self._payload_format(profile, targets, Pace([None] * len(self.signals), resumed=True))

    def _payload_format(self, profile: Profile, targets: Targets, pace: Pace) -> PayloadFormat:
        mappings = self._topics
        channels = Channels.of(profile, mappings)
        if self.format == "document":
            return self._document_format(profile, channels)
        reader: PayloadFormat
        topics = {m.topic: m.signal for m in mappings}
        if self.format == "influx":
            fields: defaultdict[str, dict[tuple[str, str], str]] = defaultdict(dict)
            for m in mappings:
                fields[m.topic][series_key(m.series or ""), m.field] = m.signal
            reader = LineFormat(targets, fields, self.max_payload_bytes)
        elif self.format == "value":
            reader = ValueFormat(targets, topics, self.max_payload_bytes, pace)
        else:
            reader = JsonFormat(targets, topics, self.max_payload_bytes)
        if channels.converts or any(channels.words):
            return ConvertedFormat(reader, channels.scale, channels.offset, channels.words)
        return reader

    def _document_format(self, profile: Profile, channels: Channels) -> DocumentFormat:
        qualities = tuple((text, Quality.from_word(word)) for text, word in self.qualities.items())
        topics: defaultdict[str, list[tuple[int, DocumentField]]] = defaultdict(list)
        for code, m in enumerate(self._topics):
            quality = None if m.quality_pointer is None else parse_pointer(m.quality_pointer)
            time = parse_pointer(self.time_pointer if m.time_pointer is None else m.time_pointer)
            topics[m.topic].append((code, DocumentField(parse_pointer(m.pointer or ""), time, quality, qualities)))
        return DocumentFormat(channels, topics, self.time_format, profile.zone, self.max_payload_bytes)

    def _endpoint(self, facility: str, mappings: Sequence[TopicMapping] | None = None) -> Endpoint:
        """Read the files that are named; blocks."""
        parts = urlsplit(self.url)
        return Endpoint(
            source_id=self.id,
            url=self.url,
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            tls=tls_context(self.id, self.ca_file) if parts.scheme == "mqtts" else None,
            username=self.username,
            password=self._password(),
            client_id=self.client_id or f"kado-{facility}-{self.id}",
            session_expiry_s=self.session_expiry_s,
            topics=tuple(dict.fromkeys(m.topic for m in (self._topics if mappings is None else mappings))),
        )

    def _password(self) -> str | None:
        if self.password_env is not None:
            if self.password_env not in os.environ:
                raise ConfigError(
                    Sentence(
                        "source {id}: environment variable {password_env!r} (password_env) is not set",
                        id=self.id,
                        password_env=self.password_env,
                    )
                )
            return os.environ[self.password_env]
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                Sentence("source {id}: password_file cannot be read: {error}", id=self.id, error=error)
            ) from error


def _end_if_failed(connection: MqttConnection, subscribing: "asyncio.Task[None]") -> None:
    error = None if subscribing.cancelled() else subscribing.exception()
    if error is not None:
        connection.end(error)
