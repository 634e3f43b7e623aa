"""Bare payloads: a number such as ``200.1``, or a state's word, without time; stamped on arrival.

At-least-once: what the broker delivers again after a reconnect gets a new stamp, and so counts as another sample.
"""

from collections.abc import Mapping, Sequence

import msgspec

from collector.causes import Cause
from collector.payload.format import Message, Rejected, Rows, Targets, to_batch
from facility.batch import Batch
from facility.source import Rejection

_NUMBER = msgspec.json.Decoder(float)


class ValueFormat:
    """Reads bare payloads.

    Parameters
    ----------
    targets
        The source's signals.
    topics
        The signal of each topic.
    max_payload_bytes
        A larger payload is rejected without being read.
    """

    def __init__(self, targets: Targets, topics: Mapping[str, str], max_payload_bytes: int) -> None:
        self._targets = targets
        self._limit = max_payload_bytes
        self._routes = {topic: targets.target(signal) for topic, signal in topics.items()}

    def decode(self, messages: Sequence[Message], arrival_ns: int) -> tuple[Batch | None, tuple[Rejection, ...]]:
        """Return the samples of messages, in order, and what had to be rejected."""
        rejected = Rejected(arrival_ns)
        rows = Rows()
        for message in messages:
            target = self._routes.get(message.topic)
            if target is None:
                rejected.unknown_topic(message)
                continue
            if len(message.payload) > self._limit:
                rejected.oversized(message, self._limit)
                continue
            if message.retain:
                detail = f"{target.signal}: a retained bare value may be of any age: send json, or do not retain it"
                rejected.add(Cause.MISSING_TIME, message.topic, message.payload, detail)
                continue
            try:
                value = message.payload.decode().strip() if target.is_state else _NUMBER.decode(message.payload)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                detail = f"{target.signal}: {message.payload[:40]!r} is not a number: {error}"
                rejected.add(Cause.WRONG_TYPE, message.topic, message.payload, detail)
                continue
            rows.codes.append(target.code)
            # Messages read at once get stamps a nanosecond apart: one stamp would make one sample of them.
            rows.times.append(arrival_ns + len(rows.times))
            rows.values.append(value)
            rows.qualities.append("good")
            rows.origins.append((message.topic, message.payload))
        return to_batch(self._targets, rows, rejected), rejected.all()
