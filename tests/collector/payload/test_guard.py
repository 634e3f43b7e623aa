"""A message on which the reader itself fails becomes a dead letter; the others are read."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pytest
from paho.mqtt.client import MQTTMessage

from collector.causes import Cause
from collector.payload.format import Message, Targets
from collector.payload.guard import decode_each
from collector.payload.json_samples import JsonFormat
from facility.batch import Batch
from facility.profile import load_profile
from facility.source import Rejection

NOW = 1_795_431_969_000_000_000
TOPIC = "ring/current"
FORMAT = JsonFormat(Targets.of(load_profile("nanoterasu_sim"), ["stored_current"]), {TOPIC: "stored_current"}, 2**20)


@dataclass(frozen=True)
class Sent:
    payload: bytes
    topic: str = TOPIC
    retain: bool = False
    dup: bool = False


class Failing:
    """JSON, with a defect that some payload sets off."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def decode(self, messages: Sequence[Message], arrival_ns: int) -> tuple[Batch | None, tuple[Rejection, ...]]:
        if any(b"boom" in m.payload for m in messages):
            raise self.error
        return FORMAT.decode(messages, arrival_ns)


def sample(i: int) -> Sent:
    return Sent(b'{"time": %d, "value": %d}' % (NOW + i, i))


@pytest.mark.parametrize("error", [ValueError("4,300 digits"), RecursionError(), KeyError(), MemoryError()])
@pytest.mark.parametrize("places", [[0], [6], [3, 4, 5], list(range(7))])
def test_each_message_that_fails_is_set_aside_and_the_others_are_read_in_order(
    error: Exception, places: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    messages = [Sent(b"boom %d" % i) if i in places else sample(i) for i in range(7)]
    with caplog.at_level(logging.ERROR):
        batch, rejected = decode_each(Failing(error), messages, NOW)
    assert ([] if batch is None else batch.value.tolist()) == [float(i) for i in range(7) if i not in places]
    assert [r.payload for r in rejected] == [b"boom %d" % i for i in places]
    assert {(r.cause, r.address, r.count) for r in rejected} == {(Cause.PROCESSING_FAILED, TOPIC, 1)}
    assert type(error).__name__ in rejected[0].detail
    assert "set aside as a dead letter" in caplog.text


def test_a_topic_that_is_not_utf8_is_a_dead_letter() -> None:
    odd = MQTTMessage(mid=1, topic=b"ring/\xff\xfe")
    odd.payload = b"200.1"
    messages = cast("list[Message]", [sample(0), odd, sample(2)])
    batch, (rejection,) = decode_each(FORMAT, messages, NOW)
    assert batch is not None
    assert batch.value.tolist() == [0.0, 2.0]
    assert (rejection.cause, rejection.address) == (Cause.PROCESSING_FAILED, "ring/\\xff\\xfe")


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 968 + b"]" * 968,
        b'{"time": 1795431969000000000, "value": ' + b"[" * 968 + b"]" * 968 + b"}",
        b'{"time": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b', "value": 1}',
        b'{"time": ' + b"9" * 4301 + b', "value": 1}',
        b'{"time": 1795431969000000000, "value": ' + b"9" * 4301 + b"}",
        b'{"time": 1795431969000000000, "value": "\\ud800"}',
        b'{"time": "\\ud800", "value": 1}',
        b"[" + b'{"time": 1795431969000000000, "value": ' + b"[" * 5000 + b"]" * 5000 + b"}]",
        b"\x00" * 100,
        b"\xed\xa0\x80",
    ],
)
def test_what_an_attack_sent_is_rejected_by_its_cause(payload: bytes) -> None:
    batch, (rejection,) = FORMAT.decode([sample(0), Sent(payload), sample(2)], NOW)
    assert batch is not None
    assert batch.value.tolist() == [0.0, 2.0]
    assert rejection.cause in {Cause.BAD_JSON, Cause.WRONG_TYPE, Cause.BAD_TIME, Cause.TIME_OUT_OF_RANGE}
