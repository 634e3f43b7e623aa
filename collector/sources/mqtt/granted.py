"""What an MQTT broker answers to what we ask for: refusals by their names, and promises that are smaller."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from facility.source import Notice

NOT_MQTT_5: Final = 0x84
"""Unsupported protocol version; brokers that know only 3.1.1 answer 0x01."""
SAYS_311: Final = 0x01

# MQTT 5.0, sections 3.2.2.2 (CONNACK) and 3.9.3 (SUBACK).
REASONS: Final = {
    0x80: "unspecified error",
    0x81: "malformed packet",
    0x82: "protocol error",
    0x83: "implementation specific error",
    0x84: "unsupported protocol version",
    0x85: "client identifier not valid",
    0x86: "bad user name or password",
    0x87: "not authorized",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x8C: "bad authentication method",
    0x8F: "topic filter invalid",
    0x90: "topic name invalid",
    0x91: "packet identifier in use",
    0x95: "packet too large",
    0x97: "quota exceeded",
    0x99: "payload format invalid",
    0x9A: "retain not supported",
    0x9B: "QoS not supported",
    0x9C: "use another server",
    0x9D: "server moved",
    0x9E: "shared subscriptions not supported",
    0x9F: "connection rate exceeded",
    0xA1: "subscription identifiers not supported",
    0xA2: "wildcard subscriptions not supported",
}


def reason_name(code: int) -> str:
    """Return the protocol's own words for a reason code."""
    return f"{REASONS.get(code, 'unknown reason')}, code 0x{code:02x}"


@dataclass(frozen=True, slots=True)
class Granted:
    """What the broker said when we connected."""

    session_expiry_s: int | None = None
    """For how long it keeps the session; None: as long as we asked for."""
    maximum_qos: int = 2


def notices_of(
    where: str, asked_expiry_s: int, granted: Granted, topics: Sequence[str], qos: Sequence[int]
) -> tuple[Notice, ...]:
    """Say what a broker grants less than what was asked for.

    Parameters
    ----------
    where
        Source and broker, as the beginning of a sentence.
    asked_expiry_s
        For how long it was to keep the session.
    granted
        What it said when we connected.
    topics
        What we subscribed to.
    qos
        What it granted each of these; empty as long as that is not known.
    """
    found: list[Notice] = []
    without = [topic for topic, level in zip(topics, qos, strict=False) if level == 0]
    if without or (granted.maximum_qos == 0 and not qos):
        which = (
            f"for {len(without)} of {len(topics)} topics, the first is {without[0]}" if without else "for all topics"
        )
        found.append(
            Notice(
                "qos_not_granted",
                f"{where} grants QoS 0 and not 1 {which}: what is published while kado is away, or lost on the way,"
                " does not come again, and cannot be counted; allow QoS 1 at the broker (Mosquitto: max_qos)",
            )
        )
    expiry_s = granted.session_expiry_s
    if expiry_s is not None and expiry_s < asked_expiry_s:
        found.append(
            Notice(
                "session_expiry_shortened",
                f"{where} keeps the session for {expiry_s} s and not for session_expiry_s = {asked_expiry_s}: what is"
                " published while kado is away for longer is lost; raise it at the broker (Mosquitto:"
                " persistent_client_expiration)",
            )
        )
    return tuple(found)
