"""Whatever a payload holds, it is accepted or rejected by a cause: kept payloads, and generated ones."""

import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest

from collector.causes import Cause
from collector.intake import Intake
from collector.payload.bare_value import ValueFormat
from collector.payload.format import PayloadFormat, Targets
from collector.payload.guard import decode_each
from collector.payload.json_samples import JsonFormat
from collector.payload.line_protocol import LineFormat, series_key
from collector.payload.pace import Pace
from collector.sources.mqtt.spec import MqttSource
from facility.profile import load_profile
from facility.source import Delivery
from payload_corpus import JSON, LINES, STATES, VALUES, generated
from storage.influxdb.line_protocol import decode, encode

NOW: Final = 1_795_431_969_000_000_000
PROFILE: Final = load_profile("nanoterasu_sim")
TARGETS: Final = Targets.of(PROFILE, ["stored_current", "machine_mode"])
TOPICS: Final = {"number": "stored_current", "state": "machine_mode"}
FIELDS: Final = {(series_key("beam,monitor=dcct1"), "current"): "stored_current", ("mode", "value"): "machine_mode"}
RIGHT_JSON: Final = [
    b'{"time": "2026-11-23T03:00:00.123456789Z", "value": 200.1, "quality": "good"}',
    b'[{"time": 1795431969000000002, "value": 7}, {"time": 1795431969000000003, "value": null, "quality": "bad"}]',
    b'{"time": 1795431969000000002, "value": "user"}',
]
DOCUMENT: Final = MqttSource.model_validate(
    {
        "id": "ring",
        "url": "mqtt://localhost",
        "format": "document",
        "time_pointer": "/time",
        "signal": [
            {"topic": topic, "signal": signal, "pointer": "/value", "quality_pointer": "/quality"}
            for topic, signal in TOPICS.items()
        ],
    }
)
FORMATS: Final[dict[str, tuple[Callable[[], PayloadFormat], list[bytes]]]] = {
    "json": (lambda: JsonFormat(TARGETS, TOPICS, 2**20), [*RIGHT_JSON, *JSON.values(), *STATES.values()]),
    "document": (lambda: DOCUMENT.payload_format(PROFILE), [*RIGHT_JSON, *JSON.values(), *STATES.values()]),
    "influx": (lambda: LineFormat(TARGETS, dict.fromkeys(TOPICS, FIELDS), 2**20), list(LINES.values())),
    "value": (lambda: ValueFormat(TARGETS, TOPICS, 2**20, Pace([None, None], resumed=False)), list(VALUES.values())),
}


@dataclass(frozen=True)
class Sent:
    payload: bytes
    topic: str
    retain: bool = False
    dup: bool = False


def check(format_name: str, messages: list[Sent]) -> None:
    """Take messages through format and intake, into the form of both stores."""
    reader = FORMATS[format_name][0]()
    # Each by itself in the end: a defect is told by the message that sets it off.
    batch, rejected = decode_each(reader, messages, NOW)
    arrival = Intake(PROFILE, [], lambda: NOW).check("ring", Delivery(batch, rejected))
    assert {r.cause for r in arrival.rejected} <= set(Cause) - {Cause.PROCESSING_FAILED}
    for rejection in arrival.rejected:
        f"{rejection.address}{rejection.detail}".encode()
        assert rejection.count > 0
        assert len(rejection.payload) <= 70_000
    if arrival.batch is not None:
        again = decode(encode(arrival.batch))
        assert len(again) == len(arrival.batch)
        assert again.time_ns.tolist() == arrival.batch.time_ns.tolist()


@pytest.mark.parametrize("format_name", FORMATS)
def test_kept_payloads_are_accepted_or_rejected_by_a_cause(format_name: str) -> None:
    for payload in FORMATS[format_name][1]:
        for topic in TOPICS:
            check(format_name, [Sent(payload, topic)])


def run(format_name: str, cases: int, seed: int) -> None:
    rng = random.Random(seed)
    seeds = FORMATS[format_name][1]
    for first in range(0, cases, 50):
        messages = [Sent(generated(rng, seeds), rng.choice(("number", "state"))) for _ in range(min(50, cases - first))]
        try:
            check(format_name, messages)
        except BaseException:
            print([m for m in messages if _fails(format_name, m)], file=sys.stderr)
            raise


def _fails(format_name: str, message: Sent) -> bool:
    try:
        check(format_name, [message])
    except Exception:
        return True
    return False


@pytest.mark.parametrize("format_name", FORMATS)
def test_generated_payloads_are_accepted_or_rejected_by_a_cause(format_name: str) -> None:
    run(format_name, 5_000, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_million_generated_payloads_are_accepted_or_rejected_by_a_cause(format_name: str) -> None:
    run(
        format_name,
        int(os.environ.get("KADO_PAYLOADS", "1000000")) // len(FORMATS),
        seed=int(os.environ.get("KADO_SEED", "2")),
    )
