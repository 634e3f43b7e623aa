"""InfluxDB line protocol: ``measurement,tag=x field=200.1,other=1i 1795431969000000000``.

A signal is one field of one series; tags may come in any order. Fields that no signal is mapped to are ignored,
a line without a mapped field is rejected. Times are integer nanoseconds; a line without time is rejected.
A string field is a state, any number a number; a boolean is neither. What is written so is good.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from collector.causes import Cause
from collector.payload.format import Message, Rejected, Rows, Target, Targets, to_batch
from facility.batch import Batch
from facility.source import Rejection

# Backslash escapes a separator in names; inside quotes it escapes the quote and itself.
_NAME = r"(?:\\.|[^,= \\])+"
_SERIES = re.compile(rf"((?:\\.|[^, \\])+)((?:,{_NAME}={_NAME})*)", re.DOTALL)
_TAG = re.compile(rf"{_NAME}={_NAME}", re.DOTALL)
_FIELD = re.compile(rf'({_NAME})=("(?:\\.|[^"\\])*"|[^, "]+)', re.DOTALL)
_LINE = re.compile(
    rf"{_SERIES.pattern} +({_FIELD.pattern}(?:,{_FIELD.pattern})*)(?: +(?P<time>-?[0-9]+))? *", re.DOTALL
)
_TIME = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}i|\+?[0-9]{1,20}u")
# No time of this century or any other that kado holds has more digits; Python reads at most 4,300.
_MOST_DIGITS = 19
# A line ends at a line break outside the quotes of a string field; quotes in measurement and tags are plain letters.
_ONE_LINE = re.compile(rb'(?:[^ \n\\]|\\.)*(?: (?:[^"\n\\]|\\.|"(?:[^"\\]|\\.)*")*)?[^\n]*', re.DOTALL)

Field = tuple[str, str]
"""A series in its one spelling (tags in order of name) and a field of it."""


def series_key(text: str) -> str:
    """Return a series with its tags in order of name.

    Raises
    ------
    ValueError
        If the text is not a measurement with tags.
    """
    match = _SERIES.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a series: write a measurement and its tags, like beam,monitor=dcct1")
    tags = sorted(t[0] for t in _TAG.finditer(match[2]))
    return ",".join([match[1], *tags])


class LineFormat:
    """Reads line protocol.

    Parameters
    ----------
    targets
        The source's signals.
    topics
        For each topic the signal of each field.
    max_payload_bytes
        A larger payload is rejected without being read.
    """

    def __init__(self, targets: Targets, topics: Mapping[str, Mapping[Field, str]], max_payload_bytes: int) -> None:
        self._targets = targets
        self._limit = max_payload_bytes
        self._routes = {
            topic: {field: targets.target(signal) for field, signal in fields.items()}
            for topic, fields in topics.items()
        }

    def decode(self, messages: Sequence[Message], arrival_ns: int) -> tuple[Batch | None, tuple[Rejection, ...]]:
        """Return the samples of messages, in order, and what had to be rejected."""
        rejected = Rejected(arrival_ns)
        rows = Rows()
        for message in messages:
            fields = self._routes.get(message.topic)
            if fields is None:
                rejected.unknown_topic(message)
            elif len(message.payload) > self._limit:
                rejected.oversized(message, self._limit)
            else:
                for line in _lines(message.payload):
                    _read(message, line, fields, rows, rejected)
        return to_batch(self._targets, rows, rejected), rejected.all()


def _lines(payload: bytes) -> Iterator[bytes]:
    """Yield the lines of a payload, without those that are empty or a comment."""
    if b'"' not in payload:
        yield from _written(payload.split(b"\n"))
        return
    for match in _ONE_LINE.finditer(payload):
        line: bytes = match[0]
        if b"\n" in line and _LINE.fullmatch(line.decode(errors="replace").strip()) is None:
            # A quote that is never closed would take the lines behind it along.
            yield from _written(line.split(b"\n"))
        else:
            yield from _written([line])


def _written(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        if (bare := line.strip()) and not bare.startswith(b"#"):
            yield line.removesuffix(b"\r")


def _read(message: Message, line: bytes, fields: Mapping[Field, Target], rows: Rows, rejected: Rejected) -> None:
    topic, whole = message.topic, message.payload
    match, time = _match(line.decode(errors="replace"))
    if match is None:
        detail = f"{line[:80]!r} is not a line of line protocol"
        rejected.add(Cause.BAD_LINE, topic, line, detail, within=whole)
        return
    series = series_key(match[1] + match[2])
    found = [(t, v) for name, v in _FIELD.findall(match[3]) if (t := fields.get((series, _plain(name)))) is not None]
    if not found:
        known = "; ".join(sorted({f"{s} {f}" for s, f in fields}))
        detail = f"no signal is mapped to a field of {series}; mapped here: {known}"
        rejected.add(Cause.UNKNOWN_SIGNAL, topic, line, detail, within=whole)
        return
    if time is None:
        detail = f"{series}: the line has no time: send integer ns"
        rejected.add(Cause.MISSING_TIME, topic, line, detail, len(found), within=whole)
        return
    if _TIME.fullmatch(time) is None:
        detail = f"{series}: time {time[:40]!r} is not an integer of nanoseconds: send integer ns"
        rejected.add(Cause.BAD_TIME, topic, line, detail, len(found), within=whole)
        return
    if len(time.lstrip("-0")) > _MOST_DIGITS:
        detail = f"{series}: time {time[:25]}... ns lies outside the years 1678 to 2261"
        rejected.add(Cause.TIME_OUT_OF_RANGE, topic, line, detail, len(found), within=whole)
        return
    for target, text in found:
        value = _value(text, target)
        if value is None:
            wanted = "a string" if target.is_state else "a number"
            detail = f"{target.signal}: the field is {text[:40]}, wanted {wanted}"
            rejected.add(Cause.WRONG_TYPE, topic, line, detail, within=whole)
            continue
        rows.codes.append(target.code)
        rows.times.append(int(time))
        rows.values.append(value)
        rows.qualities.append("good")
        rows.origins.append((topic, line))


def _match(line: str) -> tuple[re.Match[str] | None, str | None]:
    """Return the parts of a line and its time, which may be any word: a wrong time is said by its cause."""
    match = _LINE.fullmatch(line)
    if match is not None:
        return match, match["time"]
    rest, _, word = line.rstrip(" ").rpartition(" ")
    if not word or "=" in word or '"' in word:
        return None, None
    match = _LINE.fullmatch(rest)
    return (None, None) if match is None or match["time"] is not None else (match, word)


def _value(text: str, target: Target) -> float | str | None:
    if text.startswith('"'):
        return re.sub(r'\\(["\\])', r"\1", text[1:-1]) if target.is_state else None
    if target.is_state:
        return None
    if _INTEGER.fullmatch(text):
        return float(text[:-1])
    return float(text) if _NUMBER.fullmatch(text) else None


def _plain(name: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", name)
