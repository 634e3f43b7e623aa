"""Files that nobody wrote: good ones changed at random, from a seed, and the corpus of those that found faults."""

import io
import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable

EVENT = "BEGIN:VEVENT\r\nUID:{}\r\n{}\r\nEND:VEVENT\r\n"
ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:own\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\n"
    "TZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\n"
    "DTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRDATE:20260329T020000\r\nEND:DAYLIGHT\r\n"
    "END:VTIMEZONE\r\n"
)
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n"
    + ZONE
    + EVENT.format(
        1,
        "DTSTART;TZID=own:20260413T080000\r\nDTEND;TZID=own:20260413T160000\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=9\r\n"
        "EXDATE;TZID=own:20260420T080000\r\nCATEGORIES:user,shared\r\nSUMMARY:Run\\, 1",
    )
    + EVENT.format(
        1,
        "RECURRENCE-ID;TZID=own:20260421T080000\r\nDTSTART:20260421T100000Z\r\nDURATION:PT4H\r\nCATEGORIES:study",
    )
    + EVENT.format(2, "DTSTART;VALUE=DATE:20260501\r\nRDATE;VALUE=DATE:20260503\r\nCATEGORIES:maintenance")
    + EVENT.format(3, "DTSTART:20260601T080000\r\nDURATION:P1D\r\nSTATUS:CANCELLED\r\nCATEGORIES:tuning")
    + "END:VCALENDAR\r\n"
).encode()

PROFILE = b"""id = "ring"
name = { en = "Ring", ja = "\xe3\x83\xaa\xe3\x83\xb3\xe3\x82\xb0" }
time_zone = "Asia/Tokyo"
delivery_signal = "stored_current"
operation_started = 2024-04-01
target = 400.0

[[signal]]
id = "stored_current"
type = "number"
unit = "mA"
period_s = 1.0

[[signal]]
id = "machine_mode"
type = "state"
words = ["user", "study"]

[[limits]]
from = 2024-04-01
mode = "user"
nominal = 159.0
tolerance = 156.0
minimum = 8.0
"""

LONG = (
    b"time,signal,value,quality,reason\r\n2026-04-01T00:00:00Z,stored_current,200.1,good,\r\n"
    b'2026-04-01T09:00:01+09:00,machine_mode,"user",,\r\n1775001602000000000,stored_current,,bad,MAJOR\r\n'
)
SEMICOLONS = "Zeit;Wert\n01.04.2026 09:00:00;200,1 mA\n01.04.2026 09:00:01,5;200,25 mA\n".encode("cp1252")
JAPANESE = "日時,値\r\n2026/4/1 9:00,200.1\r\n2026/4/1 9:00:01,200.2\r\n".encode("cp932")
UTF_16 = "time\tvalue\r\n1775001600.5\t200.1\r\n1775001601\t200.2\r\n".encode("utf-16")
ARCHIVER = b"1775001600,200.1,0,0,123456789\n1775001601,200.2,2,3,5\n\n"
ARCHIVER_JSON = (
    b'[ \n{ "meta": { "name": "SR:I" , "EGU": "mA" },\n"data": [ \n{ "secs": 1775001600, "val": 200.1, "nanos": 1,'
    b' "severity":0, "status":0 },\n{ "secs": 1775001601, "val": 1.0, "nanos": 5, "severity":2, "status":3 }\n] }\n ]\n'
)
BROWSER = (
    b"# Created by CS-Studio Data Browser\n# \n# Start Time : 2026-04-01 09:00:00.000\n\n# Channel: SR:I\n#\n"
    b"# Time\tValue\tSeverity\tStatus\n2026-04-01 09:00:00.123\t200.1\tNONE\tNO_ALARM\n"
    b"2026-04-01 09:00:01.005\t#N/A\t#N/A\t#N/A\n"
)
ANNOTATED = (
    b"#group,false,false,true\n#datatype,string,long,dateTime:RFC3339,double,string\n#default,_result,,,,\n"
    b",result,table,_time,_value,_field\n,,0,2026-04-01T00:00:00Z,200.1,current\n\n"
)
TABLES = (LONG, SEMICOLONS, JAPANESE, UTF_16, ARCHIVER, ARCHIVER_JSON, BROWSER, ANNOTATED)

TOKENS = tuple(
    token.encode()
    for token in [
        "DTSTART", "DTEND", "RRULE", "FREQ=SECONDLY", "FREQ=YEARLY", "UNTIL=99991231T235959Z", "COUNT=999999", "TZID=",
        "../../etc/passwd", "localtime", "BYDAY=53SU", "BYMONTHDAY=-31", "DURATION:P9W", "DURATION:-PT1S", "VALUE=DATE",
        "VALUE=PERIOD", "RDATE", "BEGIN:VEVENT", "END:VEVENT", "END:VCALENDAR", "99999999T999999", "00000101T000000",
        "9" * 400, "-0", "NaN", "inf", "1e999", "0x10", "1_000", "٣", "\N{BYTE ORDER MARK}", "\0", "\n", "\r", "\t",
        ";", ",", "\"", "'", "[", "]", "{", "}", "[[", "]]", ".", "=", "#", "\\", "true", "1979-05-27T07:32:00Z",
        "9999-12-31",
        "Europe/Berlin", "time", "value", "signal", "sep=;", "46113.5", "1775001600", "2026-10-25 02:30:00", "mA", "%",
    ]
)  # fmt: skip
"""Pieces that mean something in one form or another."""


def changed(good: bytes, random_: random.Random) -> bytes:
    """Return a good file with one to six changes."""
    data = bytearray(good)
    for _ in range(random_.choice((1, 1, 1, 2, 3, 6))):
        place = random_.randrange(len(data) + 1)
        length = random_.choice((1, 1, 2, 5, 20, 80))
        match random_.randrange(7):
            case 0:
                del data[place : place + length]
            case 1:
                data[place:place] = data[place : place + length] * random_.choice((1, 2, 50))
            case 2 if data:
                data[place % len(data)] = random_.randrange(256)
            case 3:
                data[place:place] = random_.choice(TOKENS)
            case 4:
                data[place : place + length] = random_.choice(TOKENS)
            case 5:
                lines = bytes(data).split(b"\n")
                i, j = random_.randrange(len(lines)), random_.randrange(len(lines))
                lines[i], lines[j] = lines[j], lines[i] if random_.random() < 0.5 else lines[j]
                data = bytearray(b"\n".join(lines))
            case _ if random_.random() < 0.2:
                del data[place:]
            case _:
                data[place:place] = bytes(random_.randrange(256) for _ in range(length))
    return bytes(data)


def made_parquet(random_: random.Random) -> bytes:
    """Return a Parquet file with columns of any type and values at the edges of it."""
    rows = random_.choice((0, 1, 3, 40))
    integers = [0, 1, -1, 2**31, 2**53 + 1, 2**62, -(2**63), 2**63 - 1, 1_775_001_600 * 10**9]
    words = ["", "user", "stored_current", "2026-04-01T00:00:00Z", "1775001600", "x" * 5000, "\0", "good", "\u2028"]

    def integer(kind: pa.DataType) -> pa.Array:
        values = [random_.choice(integers) for _ in range(rows)]
        low, high = (-(2**63), 2**63 - 1) if kind in (pa.int64(),) or pa.types.is_timestamp(kind) else (0, 2**31 - 1)
        whole = pa.array([min(max(v, low), high) for v in values], pa.int64())
        return whole.cast(pa.int32()).cast(kind) if pa.types.is_date(kind) else whole.cast(kind)

    def text(kind: pa.DataType) -> pa.Array:
        return pa.array([random_.choice([*words, None]) for _ in range(rows)], pa.string()).cast(kind)

    def floats() -> pa.Array:
        return pa.array(
            [random_.choice([0.0, -0.0, 1e308, float("nan"), float("inf"), None, 1.5]) for _ in range(rows)]
        )

    zones: tuple[Any, ...] = (None, "UTC", "Asia/Tokyo", "+09:00", "Atlantis/Poseidonis", "../../etc/passwd", "")
    makers: list[Callable[[], pa.Array]] = [
        *(lambda u=unit, z=zone: integer(pa.timestamp(u, z)) for unit in ("s", "ms", "us", "ns") for zone in zones[:6]),
        *(lambda k=kind: integer(k) for kind in (pa.int64(), pa.int32(), pa.uint32(), pa.date32(), pa.time64("ns"))),
        *(lambda k=kind: text(k) for kind in (pa.string(), pa.large_string(), pa.binary())),
        lambda: text(pa.string()).dictionary_encode(),
        floats,
        lambda: pa.array([[1, 2]] * rows, pa.list_(pa.int64())),
        lambda: pa.array([{"a": 1}] * rows, pa.struct([("a", pa.int64())])),
        lambda: pa.nulls(rows),
    ]
    names = ["time", "signal", "value", "quality", "reason", "arrival", "time"]
    chosen = names[: random_.choice((2, 3, 3, 3, 4, 6, 7))]
    likely = {"time": makers[random_.randrange(24)], "signal": makers[29], "value": floats}
    columns = [(likely.get(name) if random_.random() < 0.6 else None) or random_.choice(makers) for name in chosen]
    sink = io.BytesIO()
    table = pa.Table.from_arrays([column() for column in columns], names=chosen)
    try:
        pq.write_table(
            table,
            sink,
            row_group_size=random_.choice((1, 7, 1000)),
            use_deprecated_int96_timestamps=random_.random() < 0.2,
        )
    except pa.ArrowInvalid:  # Not every value can be written in every unit.
        return made_parquet(random_)
    return sink.getvalue()


def _in_calendar(lines: str) -> bytes:
    event = "BEGIN:VEVENT\r\n" + lines.replace("\n", "\r\n") + "\r\nEND:VEVENT\r\n"
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{event}END:VCALENDAR\r\n".encode()


CALENDAR_CORPUS = (
    # Each of these once ended in an exception of a library, in a wrong time, or never.
    _in_calendar("DTSTART;TZID=a;TZID=b:20260413T080000\nDURATION:PT1H\nCATEGORIES:user"),
    _in_calendar("DTSTART;TZID=../../etc/passwd:20260413T080000\nDURATION:PT1H\nCATEGORIES:user"),
    _in_calendar("DTSTART;TZID=Europe:20260413T080000\nDURATION:PT1H\nCATEGORIES:user"),
    _in_calendar("DTSTART:20260413T080000Z\nDTSTART:20260414T080000Z\nDURATION:PT1H\nCATEGORIES:user"),
    _in_calendar("DTSTART:20260413T080000Z\nDTEND:20260413T090000Z\nDTEND:20260413T100000Z\nCATEGORIES:user"),
    _in_calendar("DTSTART:20260413T080000Z\nDURATION:PT1H\nCATEGORIES:user\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
    _in_calendar("DTSTART:20260413T080000Z\nDURATION:PT1H\nCATEGORIES:user\nRRULE:FREQ=SECONDLY"),
    _in_calendar("DTSTART:20260413T080000Z\nDURATION:P99999W\nCATEGORIES:user"),
    _in_calendar("DTSTART:20260413T080000Z\nDURATION:PT1H\nCATEGORIES:user\nRRULE:UNTIL=20260501;FREQ=DAILY"),
    _in_calendar("DTSTART:22611231T235959Z\nDURATION:PT999999999S\nCATEGORIES:user"),
    _in_calendar("DTSTART:00010101T000000Z\nDURATION:PT1H\nCATEGORIES:user\nRRULE:FREQ=DAILY"),
    b"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n",
    b"BEGIN:VCALENDAR\r\n" * 2000,
)
TOML_CORPUS = (
    b"x = " + b"[" * 5000,
    b"x = " + b"9" * 5000,
    b".".join([b"a"] * 3000) + b" = 1",
    b"x = " + b"{a=" * 2000,
    b'id = "a"\nid = "b"',
    b"[[signal]]\n" * 5000,
    b"x = 1979-05-27T25:61:00Z",
    b"\xff\xfe",
)
TABLE_CORPUS = (
    b'[{"meta": {"name": "a"}, "data": ' + b"[" * 3000,
    b'[{"meta": {"name": "a"}, "data": [{"secs": ' + b"9" * 5000 + b"}]}]",
    b'[{"meta": {"name": "a"}, "data": [{"secs": 1, "val": {"a": 1}}]}]',
    b"sep=\n",
    b"sep=,",
    b'time,"value\n',
    b"\xff\xfe",
    b"\0" * 500,
    b"time;value\n" + b";" * 5000,
    b"# Created by CS-Studio Data Browser\n# Time\t\n1\t2\n",
    b"#group,\n,result,table,_value\n1\n",
    b"time,value\n" + b"9" * 4000 + b",1\n",
    b"time,value\n1e400,1\n1775001600,1\n1775001600,1\n",
    b"%PDF-1.4\n",
)
