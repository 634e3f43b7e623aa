"""The seam between kado and an MQTT client library: one connection with a persistent session.

Two libraries implement it (`mqttium_client`, `aiomqtt_client`) and pass one contract suite.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from collector.payload.format import Message
from collector.sources.mqtt.granted import NOT_MQTT_5, SAYS_311, reason_name
from facility.errors import AuthorizationError, UnreachableError
from facility.sentence import Sentence
from facility.source import Notice

CONNECT_TIMEOUT_S: Final = 10.0
KEEPALIVE_S: Final = 30
"""A broker that says nothing for 1.5 times as long counts as gone."""
SUBSCRIBE_TIMEOUT_S: Final = 300.0
"""The answer comes after all messages that the session has kept for us."""

# A person has to put these right.
_CREDENTIALS: Final = (0x86, 0x87, 0x8A, 0x8C)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The broker, who we are there, and what we want."""

    source_id: str
    url: str
    host: str
    port: int
    tls: ssl.SSLContext | None
    username: str | None
    password: str | None = field(repr=False)
    client_id: str
    """The name of our session at the broker."""
    session_expiry_s: int
    topics: tuple[str, ...]

    def unreachable(self, why: object) -> UnreachableError:
        """Return the error of a broker that does not answer."""
        return UnreachableError(
            Sentence(
                "source {source_id}: MQTT broker {url} cannot be reached ({why}): is it running, and is url right?",
                source_id=self.source_id,
                url=self.url,
                why=why,
            )
        )

    def refused(self, code: int) -> UnreachableError:
        """Return the error of a broker that says no."""
        if code in (NOT_MQTT_5, SAYS_311):
            return UnreachableError(
                Sentence(
                    "{where} does not speak MQTT 5 (it answers 0x{code:02x}): update it (Mosquitto 1.6 "
                    "or newer), or bridge its topics to one that does",
                    where=self.where,
                    code=code,
                )
            )
        if code in _CREDENTIALS:
            return AuthorizationError(
                Sentence(
                    "{where} refuses user {username!r} ({reason_name}): check username and password_file "
                    "or password_env",
                    where=self.where,
                    username=self.username,
                    reason_name=reason_name(code),
                )
            )
        return UnreachableError(
            Sentence(
                "{where} refuses the connection ({reason_name}); see its log",
                where=self.where,
                reason_name=reason_name(code),
            )
        )

    def not_subscribed(self, codes: Sequence[int]) -> UnreachableError:
        """Return the error of topics that the broker does not let us read."""
        denied = [(topic, code) for topic, code in zip(self.topics, codes, strict=True) if code >= 0x80]
        names = ", ".join(dict.fromkeys(reason_name(code) for _, code in denied))
        return AuthorizationError(
            Sentence(
                "{where} does not let user {username!r} subscribe to {denied} ({names}): check its access rules",
                where=self.where,
                username=self.username,
                denied=", ".join((t for t, _ in denied)),
                names=names,
            )
        )

    @property
    def where(self) -> str:
        """Source and broker, as the beginning of a sentence."""
        return f"source {self.source_id}: MQTT broker {self.url}"

    def lost(self, why: object) -> UnreachableError:
        """Return the error of a connection that ended."""
        return UnreachableError(
            Sentence(
                "source {source_id}: connection to MQTT broker {url} lost ({why}): the broker or the "
                "network went away, or another client connected with our client id {client_id!r}",
                source_id=self.source_id,
                url=self.url,
                why=why,
                client_id=self.client_id,
            )
        )

    def unreadable(self, why: object) -> UnreachableError:
        """Return the error of a connection that the client ended, since it may not read a packet."""
        return UnreachableError(
            Sentence(
                "{where} sent a packet that MQTT does not allow ({why}), and mqttium ends the "
                "connection: the next one is held by aiomqtt, which sets such a message aside as a "
                "dead letter; find who publishes it",
                where=self.where,
                why=why,
            )
        )


class MqttConnection(Protocol):
    """One connection to a broker, open until its context is left; for one event loop."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Where the broker grants less than was asked for, as far as it has said so."""
        ...

    session_present: bool
    """Whether the broker still had our session, and with it what we had not acknowledged."""

    unreadable: bool
    """Whether it ended because of a packet that its library does not read; that packet will come again."""

    async def subscribe(self) -> None:
        """Subscribe to the endpoint's topics, QoS 1; retained messages come each time.

        Its answer may come after thousands of messages that the session kept: something must receive meanwhile.

        Raises
        ------
        UnreachableError
            If the broker does not let us (`AuthorizationError`), or is gone.
        """
        ...

    async def receive(self, at_most: int, linger_s: float) -> list[Message]:
        """Return the next messages in the order they came: at least one, and all that come within `linger_s`.

        Raises
        ------
        UnreachableError
            When the connection is lost and all that came before has been returned.
        """
        ...

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages that are durable; call in the order they came, for every one that came.

        Silent on a connection that is gone: the broker delivers them again.
        """
        ...

    def end(self, error: BaseException) -> None:
        """Let `receive` raise an error once all that came has been returned."""
        ...

    def take_dropped(self) -> int:
        """Return how many QoS 0 messages were dropped since the last call because we could not keep up."""
        ...
