"""Payloads that once stopped something, or could: kept, and the seeds of generated ones."""

import random
from typing import Final

T0: Final = 1_795_000_000_000_000_000
_T: Final = b'"time": %d' % T0

JSON: Final[dict[str, bytes]] = {
    "nothing": b"",
    "no JSON": b"\x00\xff",
    "968 lists deep": b"[" * 968 + b"]" * 968,
    "a value 968 lists deep": b'{%s, "value": %s}' % (_T, b"[" * 968 + b"]" * 968),
    "objects 10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a time of 4,301 digits": b'{"time": ' + b"9" * 4301 + b', "value": 1}',
    "a value of 4,301 digits": b'{%s, "value": %s}' % (_T, b"9" * 4301),
    "a value of 10^400": b'{%s, "value": 1e400}' % _T,
    "half a surrogate pair": b'{"time": "\\ud800", "value": "\\udfff"}',
    "NUL in a time": b'{"time": "\\u0000", "value": 1}',
    "the edge of int64": b'{"time": 9223372036854775807, "value": 1}',
    "before int64": b'{"time": -9223372036854775809, "value": 1}',
    "the year 0": b'{"time": "0000-01-01T00:00:00Z", "value": 1}',
    "the year 2262": b'{"time": "2262-05-01T00:00:00Z", "value": 1}',
    "Arabic digits": '{"time": "٢٠٢٦-11-23T03:00:00Z", "value": 1}'.encode(),
    "a quality that is a list": b'{%s, "value": 1, "quality": [[]]}' % _T,
    "keys twice": b'{%s, "value": 1, "value": "x"}' % _T,
    "an array cut off": b"[{%s" % _T,
    "100,000 ones": b"[" + b",".join([b"1"] * 100_000) + b"]",
    "too large": b" " * 1_100_000,
}
STATES: Final[dict[str, bytes]] = {
    "an empty word beside a right one": b'[{%s, "value": ""}, {"time": %d, "value": "study"}]' % (_T, T0 + 1),
    "a line break beside a right one": b'[{%s, "value": "a\\nb"}, {"time": %d, "value": "study"}]' % (_T, T0 + 1),
    "a NUL": b'{%s, "value": "\\u0000"}' % _T,
    "a long word": b'{%s, "value": "%s"}' % (_T, b"x" * 900_000),
    "10,000 words": b"[" + b",".join(b'{"time": %d, "value": "w%d"}' % (T0 + i, i) for i in range(10_000)) + b"]",
    "line protocol in a word": b'{%s, "value": "x\\",quality=\\"good\\" 1\\ntelemetry,a=b c=1"}' % _T,
}
LINES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "a line": b"beam,monitor=dcct1 current=200.1 %d" % T0,
    "a state": b'mode value="user" %d' % T0,
    "a line break in a string": b'beam,monitor=dcct1 note="a\nb",current=1 %d\nmode value="study" %d' % (T0, T0),
    "a quote that is never closed": b'beam,monitor=dcct1 note="a,current=1 %d\nmode value="study" %d' % (T0, T0),
    "an escaped line break in a measurement": b'beam\\\nmode value="study" %d' % T0,
    "an escaped line break in a tag": b"beam,monitor=d\\\nct1 current=1 %d" % T0,
    "an escaped line break in a string": b'beam,monitor=dcct1 note="a\\\nb",current=1 %d' % T0,
    "a time of 4,301 digits": b"beam,monitor=dcct1 current=1 " + b"9" * 4301,
    "a number of 4,301 digits": b"beam,monitor=dcct1 current=" + b"9" * 4301 + b"i %d" % T0,
    "Arabic digits": "beam,monitor=dcct1 current=٢٠٠ ١٧٩٥".encode(),
    "below zero without a sign": b"beam,monitor=dcct1 current=-5u %d" % T0,
    "escapes without end": b"beam\\" * 1000,
    "commas without end": b"beam," * 10_000,
    "equals without end": b"beam a=" + b"=" * 10_000,
    "quotes without end": b'beam a="' + b'"\n' * 10_000,
    "not UTF-8": b"beam,monitor=\xff current=1 %d" % T0,
}
VALUES: Final[dict[str, bytes]] = {
    "nothing": b"", "a number": b"200.1", "a word": b"user", "NaN": b"nan", "a list": b"[1]", "deep": b"[" * 5000,
    "4,301 digits": b"9" * 4301, "not UTF-8": b"\xff", "a line break": b"us\ner", "Arabic digits": "٢٠٠".encode(),
}  # fmt: skip

_PIECES: Final = (
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\n", b" ", b"=", b"\x00", b"\xff", b"\xed\xa0\x80", b"NaN",
    b"null", b"true", b"-", b"0", b"1e999", b"9" * 25, b"i", b"u", b'"time"', b'"value"', b'"quality"', b"%d" % T0,
    b"\\u0000", b"\\ud800", b"2026-11-23T03:00:00Z", b"1970-01-01T00:00:00Z", b"+24:00", b"user", b"good", b"bad",
)  # fmt: skip


def generated(rng: random.Random, seeds: list[bytes]) -> bytes:
    """Return a payload that is made of a seed by a few changes: pieces put in, taken out, doubled, put elsewhere."""
    payload = bytearray(rng.choice(seeds)[:2_000])
    for _ in range(rng.randrange(1, 6)):
        at, length = rng.randrange(len(payload) + 1), rng.randrange(1, 12)
        match rng.randrange(5):
            case 0:
                payload[at:at] = rng.choice(_PIECES)
            case 1:
                del payload[at : at + length]
            case 2:
                payload[at:at] = payload[at : at + length] * rng.randrange(1, 4)
            case 3:
                payload[at : at + 1] = bytes([rng.randrange(256)])
            case _:
                payload = bytearray(rng.choice(seeds)[:at]) + payload[at:]
    return bytes(payload)
