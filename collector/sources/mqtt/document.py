"""JSON documents of any form: several signals a topic, each where its pointer leads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from collector.causes import Cause
from collector.payload.format import Message, Rejected
from collector.sources.channels import Channels
from collector.sources.json_pointer import MISSING, follow
from collector.sources.json_values import NULL, Field, TimeFormat, as_float, read_quality, read_time
from collector.sources.updates import NO_STAMP, Columns, to_samples
from facility.batch import Batch
from facility.quality import Quality
from facility.source import Rejection


@dataclass(slots=True)
class _Rows:
    """Updates while documents are read, still as lists; all of equal length."""

    code: list[int]
    time_ns: list[int]
    number: list[float]
    text: list[str | None]
    quality: list[int]
    reason: list[str | None]


class DocumentFormat:
    """Reads documents.

    A key that a document does not have is no sample: a publisher may send only what changed. A document that has none
    of the mapped keys is rejected, and so is a value without a time. ``null`` is a bad sample.

    Parameters
    ----------
    channels
        The source's signals, and how they are converted.
    topics
        For each topic the code of each signal, and where it stands.
    form, zone
        How documents write times, and where they are local.
    max_payload_bytes
        A larger payload is rejected without being read.
    """

    def __init__(
        self,
        channels: Channels,
        topics: Mapping[str, Sequence[tuple[int, Field]]],
        form: TimeFormat,
        zone: ZoneInfo,
        max_payload_bytes: int,
    ) -> None:
        self._channels = channels
        self._topics = topics
        self._form: TimeFormat = form
        self._zone = zone
        self._limit = max_payload_bytes

    def decode(self, messages: Sequence[Message], arrival_ns: int) -> tuple[Batch | None, tuple[Rejection, ...]]:
        """Return the samples of messages, in order, and what had to be rejected."""
        rejected = Rejected(arrival_ns)
        rows = _Rows([], [], [], [], [], [])
        for message in messages:
            fields = self._topics.get(message.topic)
            if fields is None:
                rejected.unknown_topic(message)
            elif len(message.payload) > self._limit:
                rejected.oversized(message, self._limit)
            else:
                try:
                    document: Any = json.loads(message.payload)
                except (ValueError, RecursionError) as error:
                    rejected.add(Cause.BAD_JSON, message.topic, message.payload, f"not JSON: {error}")
                    continue
                self._read(message, document, fields, rows, rejected)
        if not rows.code:
            return None, rejected.all()
        columns = Columns(
            np.array(rows.code, np.int32), np.array(rows.time_ns, np.int64), np.array(rows.number, np.float64),
            rows.text, np.array(rows.quality, np.uint8), rows.reason,
        )  # fmt: skip
        batch, wrong = to_samples(self._channels, columns, arrival_ns)
        return batch, (*rejected.all(), *wrong)

    def _read(
        self, message: Message, document: Any, fields: Sequence[tuple[int, Field]], rows: _Rows, rejected: Rejected
    ) -> None:
        some = False
        for code, field in fields:
            value = follow(document, field.value)
            if value is MISSING:
                continue
            some = True
            signal = self._channels.signals[code]
            stamp = NO_STAMP if field.time is None else read_time(follow(document, field.time), self._form, self._zone)
            if stamp == NO_STAMP:
                detail = f"{signal}: no time that can be read as {self._form}: see time_pointer and time_format"
                rejected.add(Cause.MISSING_TIME, message.topic, message.payload, detail, within=message.payload)
                continue
            if isinstance(value, list | dict):
                detail = f"{signal}: its value is a list or an object, wanted a number or a text"
                rejected.add(Cause.WRONG_TYPE, message.topic, message.payload, detail, within=message.payload)
                continue
            quality, reason = (Quality.BAD, NULL) if value is None else (Quality.GOOD, None)
            if field.quality is not None and value is not None:
                quality, reason = read_quality(follow(document, field.quality), field.qualities)
            number = value if isinstance(value, int | float) and not isinstance(value, bool) else np.nan
            rows.code.append(code)
            rows.time_ns.append(stamp)
            rows.number.append(as_float(number))
            rows.text.append(
                str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else None
            )
            rows.quality.append(int(quality))
            rows.reason.append(reason)
        if not some:
            first = self._channels.addresses[fields[0][0]]
            detail = f"it has none of the {len(fields)} keys that are mapped, such as {first}"
            rejected.add(Cause.MISSING_VALUE, message.topic, message.payload, detail)
