"""Documents of any form over MQTT: several signals a topic, their own keys, times and words, and conversion."""

from dataclasses import dataclass
from typing import Any

import pytest

from collector.causes import Cause
from collector.sources.mqtt.spec import MqttSource
from facility.batch import Batch
from facility.profile import load_profile
from facility.source import Rejection

NOW = 1_795_431_969_000_000_000
PROFILE = load_profile("nanoterasu_sim")


@dataclass(frozen=True)
class Sent:
    payload: bytes
    topic: str = "ring/dcct"
    retain: bool = False
    dup: bool = False


def read(*messages: Sent, **options: Any) -> tuple[list[tuple[str, int, object, int, str | None]], list[Rejection]]:
    table = {"id": "ring", "url": "mqtt://localhost", "client_id": "x", **options}
    batch, rejected = MqttSource.model_validate(table).payload_format(PROFILE).decode(messages, NOW)
    return rows(batch), list(rejected)


def rows(batch: Batch | None) -> list[tuple[str, int, object, int, str | None]]:
    if batch is None:
        return []
    return [
        (
            batch.signals[batch.signal[i]],
            int(batch.time_ns[i]),
            batch.words[batch.state[i]] if batch.state[i] >= 0 else None if (v := batch.value[i]) != v else float(v),
            int(batch.quality[i]),
            batch.words[batch.reason[i]] if batch.reason[i] >= 0 else None,
        )
        for i in range(len(batch))
    ]


DOCUMENT: dict[str, Any] = {
    "format": "document",
    "time_pointer": "/ts",
    "time_format": "ms",
    "qualities": {"NO_ALARM": "good", "MINOR": "uncertain", "INVALID": "bad"},
    "signal": [
        {"topic": "ring/dcct", "signal": "stored_current", "pointer": "/current/A", "scale": 1000.0,
         "quality_pointer": "/current/severity"},
        {"topic": "ring/dcct", "signal": "beam_lifetime", "pointer": "/lifetime", "time_pointer": "/lifetime_ts"},
        {"topic": "ring/mode", "signal": "machine_mode", "pointer": "/mode",
         "words": {"USER OP": "user", "3": "study"}},
    ],
}  # fmt: skip
T = 1_795_000_000_123


def test_several_signals_of_a_document_with_their_own_times_units_and_words() -> None:
    samples, rejected = read(
        Sent(b'{"ts": %d, "current": {"A": 0.2, "severity": "MINOR"}, "lifetime": 7, "lifetime_ts": %d}' % (T, T + 5)),
        Sent(b'{"ts": %d, "current": {"A": 0.3, "severity": "NO_ALARM"}}' % (T + 1)),
        Sent(b'{"ts": %d, "current": {"A": null}}' % (T + 2)),
        Sent(b'{"ts": %d, "current": {"A": 1, "severity": "odd"}}' % (T + 3)),
        Sent(b'{"ts": %d, "mode": "USER OP"}' % T, "ring/mode"),
        Sent(b'{"ts": %d, "mode": 3}' % (T + 1), "ring/mode"),
        **DOCUMENT,
    )
    assert rejected == []
    ms = 1_000_000
    assert samples == [
        ("stored_current", T * ms, 200.0, 1, "MINOR"),
        ("beam_lifetime", (T + 5) * ms, 7.0, 0, None),
        ("stored_current", (T + 1) * ms, 300.0, 0, None),
        ("stored_current", (T + 2) * ms, None, 2, "null"),
        ("stored_current", (T + 3) * ms, 1000.0, 1, "quality odd"),
        ("machine_mode", T * ms, "user", 0, None),
        ("machine_mode", (T + 1) * ms, "study", 0, None),
    ]


@pytest.mark.parametrize(
    ("payload", "cause"),
    [
        (b"{", Cause.BAD_JSON),
        (b"[" * 5000, Cause.BAD_JSON),
        (b"{}", Cause.MISSING_VALUE),
        (b"[1, 2]", Cause.MISSING_VALUE),
        (b'{"current": {"A": 0.2}}', Cause.MISSING_TIME),
        (b'{"ts": "soon", "current": {"A": 0.2}}', Cause.MISSING_TIME),
        (b'{"ts": %d, "current": {"A": [1]}}' % T, Cause.WRONG_TYPE),
        (b'{"ts": %d, "current": {"A": "high"}}' % T, Cause.WRONG_TYPE),
        (b" " * 2**20 + b"1", Cause.OVERSIZED),
    ],
)
def test_a_document_that_is_wrong_is_rejected_and_the_others_are_kept(payload: bytes, cause: Cause) -> None:
    right = Sent(b'{"ts": %d, "current": {"A": 0.2, "severity": "NO_ALARM"}}' % T)
    samples, (rejection,) = read(right, Sent(payload), right, **DOCUMENT)
    assert len(samples) == 2
    assert rejection.cause == cause


def test_units_and_words_are_converted_in_every_format() -> None:
    signals = [
        {"topic": "ring/dcct", "signal": "stored_current", "scale": 1000.0, "offset": -1.0},
        {"topic": "ring/mode", "signal": "machine_mode", "words": {"USER OP": "user"}},
    ]
    samples, rejected = read(
        Sent(b'[{"time": %d, "value": 0.2}, {"time": %d, "value": null, "quality": "bad"}]' % (NOW, NOW + 1)),
        Sent(b'{"time": %d, "value": "USER OP"}' % NOW, "ring/mode"),
        Sent(b'{"time": %d, "value": "study"}' % (NOW + 1), "ring/mode"),
        signal=signals,
    )
    assert rejected == []
    assert [(name, value) for name, _, value, _, _ in samples] == [
        ("stored_current", 199.0), ("stored_current", None), ("machine_mode", "user"), ("machine_mode", "study"),
    ]  # fmt: skip
