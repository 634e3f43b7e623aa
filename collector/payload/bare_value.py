"""Bare payloads: a number such as ``200.1``, or a state's word, without time; stamped on arrival.

Only what comes live is taken (`collector.payload.pace`): of what was retained, delivered again, or waited in the
session, it is not known when it was measured.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from collector.causes import Cause
from collector.payload.format import Message, Rejected, Rows, Targets, to_batch
from collector.payload.pace import Pace
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
    pace
        Judges whether values come live, on this connection.
    """

    def __init__(self, targets: Targets, topics: Mapping[str, str], max_payload_bytes: int, pace: Pace) -> None:
        self._targets = targets
        self._limit = max_payload_bytes
        self._routes = {topic: targets.target(signal) for topic, signal in topics.items()}
        self._pace = pace

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
            if message.retain or message.dup:
                why = "retained" if message.retain else "delivered again"
                detail = f"{target.signal}: a bare value that is {why} may be of any age: send json"
                rejected.add(Cause.MISSING_TIME, message.topic, message.payload, detail)
                continue
            try:
                value = message.payload.decode().strip() if target.is_state else _NUMBER.decode(message.payload)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                wanted = "text in UTF-8" if target.is_state else "a number"
                detail = f"{target.signal}: {message.payload[:40]!r} is not {wanted}: {error}"
                rejected.add(Cause.WRONG_TYPE, message.topic, message.payload, detail)
                continue
            rows.codes.append(target.code)
            # Messages read at once get stamps a nanosecond apart: one stamp would make one sample of them.
            rows.times.append(arrival_ns + len(rows.times))
            rows.values.append(value)
            rows.qualities.append("good")
            rows.origins.append((message.topic, message.payload))
        if rows.codes and not self._pace.came(rows.codes):
            self._waited(rows, rejected)
            rows = Rows()
        return to_batch(self._targets, rows, rejected), rejected.all()

    def _waited(self, rows: Rows, rejected: Rejected) -> None:
        """Reject values that did not come live: one rejection for each signal, there is nothing to be replayed."""
        counts = Counter(rows.codes)
        for code, count in counts.items():
            topic, payload = rows.origins[rows.codes.index(code)]
            detail = (
                f"{self._targets.signals[code]}: values without a time that waited in the session, or come faster than"
                " their period: nobody knows when they were measured; send json, with the time"
            )
            rejected.add(Cause.WAITED, topic, payload, detail, count)
