"""JSON payloads: a sample as an object, or an array of them.

``{"time": "2026-11-23T03:00:00.123456789Z", "value": 200.1, "quality": "good"}``. `time` may be integer
nanoseconds; `value` is a number, for a state signal one of its words, and null only where `quality` is ``bad``;
without `quality` a sample is good. Keys besides these three are ignored: a publisher may send more than
kado needs. Nothing is converted: ``"200.1"`` and ``true`` are no numbers.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, cast

import msgspec

from collector.causes import Cause
from collector.payload.format import Message, Rejected, Rows, Target, Targets, to_batch
from facility.batch import Batch
from facility.quality import QUALITY_WORDS
from facility.source import Rejection

QualityWord = Literal["good", "uncertain", "bad"]


class NumberSample(msgspec.Struct, gc=False):
    """A sample of a number signal."""

    time: int | str
    value: float | None
    quality: QualityWord = "good"


class StateSample(msgspec.Struct, gc=False):
    """A sample of a state signal."""

    time: int | str
    value: str | None
    quality: QualityWord = "good"


Sample = NumberSample | StateSample
_Decode = Callable[[bytes], Sample | list[Sample]]

_DECODERS: dict[bool, _Decode] = {
    False: msgspec.json.Decoder(NumberSample | list[NumberSample]).decode,
    True: msgspec.json.Decoder(StateSample | list[StateSample]).decode,
}
# What msgspec raises on input that is not what was asked for.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class JsonFormat:
    """Reads JSON payloads.

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
        self._routes: dict[str, tuple[Target, _Decode]] = {}
        for topic, signal in topics.items():
            target = targets.target(signal)
            self._routes[topic] = (target, _DECODERS[target.is_state])

    def decode(self, messages: Sequence[Message], arrival_ns: int) -> tuple[Batch | None, tuple[Rejection, ...]]:
        """Return the samples of messages, in order, and what had to be rejected."""
        rejected = Rejected(arrival_ns)
        codes: list[int] = []
        samples: list[Sample] = []
        origins: list[tuple[str, bytes]] = []
        for message in messages:
            topic, payload = message.topic, message.payload
            route = self._routes.get(topic)
            if route is None:
                rejected.unknown_topic(message)
                continue
            if len(payload) > self._limit:
                rejected.oversized(message, self._limit)
                continue
            target, decode = route
            try:
                found = decode(payload)
            except _UNREADABLE:
                found = _readable_part(topic, payload, target, decode, rejected)
            if isinstance(found, list):
                samples += found
                codes += [target.code] * len(found)
                origins += [(topic, payload)] * len(found)
            else:
                samples.append(found)
                codes.append(target.code)
                origins.append((topic, payload))
        rows = Rows(codes, [s.time for s in samples], [s.value for s in samples], [s.quality for s in samples], origins)
        return to_batch(self._targets, rows, rejected), rejected.all()


def _readable_part(topic: str, payload: bytes, target: Target, decode: _Decode, rejected: Rejected) -> list[Sample]:
    """Name what is wrong in a payload that cannot be read as a whole; return the samples that are right."""
    elements = array_elements(payload)
    if elements is None:
        # One object, or not JSON at all.
        cause, detail = _fault(payload, target)
        rejected.add(cause, topic, payload, detail)
        return []
    samples: list[Sample] = []
    for element in elements:
        try:
            sample = decode(element)
            if isinstance(sample, list):
                raise msgspec.DecodeError
            samples.append(sample)
        except _UNREADABLE:
            cause, detail = _fault(element, target)
            rejected.add(cause, topic, element, detail, within=payload)
    return samples


def _fault(text: bytes, target: Target) -> tuple[Cause, str]:
    """Return why a text is not a sample."""
    try:
        document = msgspec.json.decode(text)
    except _UNREADABLE as error:
        return _not_json(text, target, error)
    name = target.signal
    if not isinstance(document, dict):
        return Cause.BAD_JSON, f"{name}: a sample is an object with time and value, this is {_cut(document)}"
    sample = cast("dict[str, object]", document)
    time, value, quality = sample.get("time"), sample.get("value"), sample.get("quality", "good")
    if time is None:
        return Cause.MISSING_TIME, f'{name}: a sample needs "time", with offset or in integer ns'
    if isinstance(time, bool) or not isinstance(time, int | str):
        return Cause.BAD_TIME, f"{name}: time is {_cut(time)}, wanted ISO 8601 text or integer ns"
    if "value" not in sample:
        return Cause.MISSING_VALUE, f'{name}: a sample needs "value"'
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (isinstance(value, str) if target.is_state else number):
        wanted = "one of its states as text" if target.is_state else "a number"
        return Cause.WRONG_TYPE, f"{name}: value is {_cut(value)}, wanted {wanted}"
    if quality not in QUALITY_WORDS:
        return Cause.UNKNOWN_QUALITY, f"{name}: quality is {_cut(quality)}: use {', '.join(QUALITY_WORDS)}"
    return Cause.BAD_JSON, f"{name}: {_cut(sample)} is not a sample"


def _not_json(text: bytes, target: Target, error: Exception) -> tuple[Cause, str]:
    """Distinguish NaN and infinity, which JSON does not have and some publishers write, from other defects."""
    constants: list[str] = []
    try:
        json.loads(text, parse_constant=constants.append)
    except (ValueError, RecursionError):
        constants.clear()
    if constants:
        detail = f"{target.signal}: {constants[0]} is not JSON: send null and quality bad where there is no number"
        return Cause.NOT_FINITE, detail
    return Cause.BAD_JSON, f"{target.signal}: not JSON: {error}"


def _cut(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (RecursionError, ValueError):
        # Nested deeper than Python writes, or an integer with more digits than it writes.
        return "too deep or too long to show"
    return text if len(text) <= 80 else text[:77] + "..."


# A string, a bracket, a comma, or a stretch without any of them.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]|[^"\[\]{},]+', re.DOTALL)


def array_elements(payload: bytes) -> list[bytes] | None:
    """Split the text of an array at its commas.

    Some publishers write NaN, which is no JSON: then no JSON reader gives the array's other elements.

    Returns
    -------
    list of bytes or None
        The text of each element, without white space around it; None if the text is not an array whose brackets
        and quotes are in pairs.

    Examples
    --------
    >>> array_elements(b'[1, {"a": [NaN, 2]}]')
    [b'1', b'{"a": [NaN, 2]}']
    >>> array_elements(b'[1, 2')
    """
    text = payload.strip()
    if not text.startswith(b"[") or not text.endswith(b"]"):
        return None
    elements: list[bytes] = []
    depth, start, position = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        token, position = match[0], match.end()
        if token in b"[{":
            depth += 1
        elif token in b"]}":
            depth -= 1
            if depth == 0:
                break
        elif token == b"," and depth == 1:
            elements.append(text[start : match.start()].strip())
            start = position
    if depth or position != len(text):
        return None
    last = text[start:-1].strip()
    return [*elements, last] if last or elements else []
