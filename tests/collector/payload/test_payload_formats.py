"""Payloads become samples exactly, or are rejected with a cause and a text that says what to do."""

from dataclasses import dataclass

import pytest

from collector.causes import Cause
from collector.payload.bare_value import ValueFormat
from collector.payload.format import Targets
from collector.payload.json_samples import JsonFormat
from collector.payload.line_protocol import LineFormat, series_key
from collector.payload.pace import Pace
from facility.batch import Batch
from facility.profile import load_profile
from facility.source import Rejection

NOW = 1_795_431_969_000_000_000
SIGNALS = ("stored_current", "machine_mode", "beam_lifetime")
TARGETS = Targets.of(load_profile("nanoterasu_sim"), SIGNALS)
TOPICS = {"ring/current": "stored_current", "ring/mode": "machine_mode", "ring/lifetime": "beam_lifetime"}


@dataclass(frozen=True)
class Sent:
    payload: bytes
    topic: str = "ring/current"
    retain: bool = False
    dup: bool = False


Row = tuple[str, int, float | str | None, str]


def rows(batch: Batch | None) -> list[Row]:
    if batch is None:
        return []
    quality = ["good", "uncertain", "bad"]
    return [
        (
            batch.signals[batch.signal[i]],
            int(batch.time_ns[i]),
            batch.words[batch.state[i]] if batch.state[i] >= 0 else None if (v := batch.value[i]) != v else float(v),
            quality[batch.quality[i]],
        )
        for i in range(len(batch))
    ]


def read_json(*messages: Sent, limit: int = 1024) -> tuple[list[Row], tuple[Rejection, ...]]:
    batch, rejected = JsonFormat(TARGETS, TOPICS, limit).decode(messages, NOW)
    return rows(batch), rejected


# --- json


def test_objects_and_arrays_of_several_topics_keep_their_order() -> None:
    samples, rejected = read_json(
        Sent(b'{"time": "2026-11-23T03:00:00.123456789Z", "value": 200.1, "quality": "good"}'),
        Sent(b' {"value": "user", "time": 1795431969000000001}', "ring/mode"),
        Sent(b'[{"time": 1795431969000000002, "value": 7}, {"time": 1795431969000000003, "value": null,'
             b' "quality": "bad"}]', "ring/lifetime"),
        Sent(b"[]"),
        Sent(b'{"time": "2026-11-23T12:00:00+09:00", "value": -1e-3, "quality": "uncertain", "unit": "mA"}'),
    )  # fmt: skip
    assert rejected == ()
    assert samples == [
        ("stored_current", 1_795_402_800_123_456_789, 200.1, "good"),
        ("machine_mode", NOW + 1, "user", "good"),
        ("beam_lifetime", NOW + 2, 7.0, "good"),
        ("beam_lifetime", NOW + 3, None, "bad"),
        ("stored_current", 1_795_402_800_000_000_000, -0.001, "uncertain"),
    ]


def test_samples_are_stamped_by_their_source_and_arrive_now() -> None:
    batch, _ = JsonFormat(TARGETS, TOPICS, 1024).decode([Sent(b'{"time": 1795431960000000000, "value": 1}')], NOW)
    assert batch is not None
    assert (batch.time_ns.tolist(), batch.arrival_ns.tolist()) == ([1795431960000000000], [NOW])


T = b'"time": 1795431969000000000'


@pytest.mark.parametrize(
    ("payload", "cause", "detail"),
    [
        (b"{%s, 'value': 1}" % T, Cause.BAD_JSON, "stored_current: not JSON: JSON is malformed"),
        (b'{%s, "value": 1} {}' % T, Cause.BAD_JSON, "not JSON"),
        (b"", Cause.BAD_JSON, "not JSON"),
        (b"\xff\xfe", Cause.BAD_JSON, "not JSON"),
        (b"[" * 200, Cause.BAD_JSON, "not JSON"),
        (b"200.1", Cause.BAD_JSON, "a sample is an object with time and value, this is 200.1"),
        (b'{%s, "value": NaN}' % T, Cause.NOT_FINITE, "NaN is not JSON: send null and quality bad"),
        (b'{%s, "value": -Infinity}' % T, Cause.NOT_FINITE, "-Infinity is not JSON"),
        (b'{%s, "value": 1e999}' % T, Cause.BAD_JSON, "out of range"),
        (b'{"value": 1}', Cause.MISSING_TIME, 'a sample needs "time", with offset or in integer ns'),
        (b'{"time": null, "value": 1}', Cause.MISSING_TIME, 'needs "time"'),
        (b'{"time": true, "value": 1}', Cause.BAD_TIME, "time is true, wanted ISO 8601 text or integer ns"),
        (b'{"time": 1.5, "value": 1}', Cause.BAD_TIME, "time is 1.5"),
        (b'{"time": "2026-11-23T03:00:00", "value": 1}', Cause.NAIVE_TIME, "append 'Z' or an offset such as '+09:00'"),
        (b'{"time": "soon", "value": 1}', Cause.BAD_TIME, "'soon' is not an ISO 8601 time"),
        (b'{"time": 1795431969, "value": 1}', Cause.BAD_TIME, "not in seconds"),
        (b'{"time": 99999999999999999999, "value": 1}', Cause.TIME_OUT_OF_RANGE, "outside the years"),
        (b"{%s}" % T, Cause.MISSING_VALUE, 'a sample needs "value"'),
        (b'{%s, "value": null}' % T, Cause.MISSING_VALUE, "null is for a sample of quality bad only"),
        (b'{%s, "value": true}' % T, Cause.WRONG_TYPE, "stored_current: value is true, wanted a number"),
        (b'{%s, "value": "200.1"}' % T, Cause.WRONG_TYPE, 'stored_current: value is "200.1", wanted a number'),
        (b'{%s, "value": [1]}' % T, Cause.WRONG_TYPE, "value is [1], wanted a number"),
        (b'{%s, "value": 1, "quality": "fine"}' % T, Cause.UNKNOWN_QUALITY, 'is "fine": use good, uncertain, bad'),
        (b'{%s, "value": 1, "quality": null}' % T, Cause.UNKNOWN_QUALITY, "quality is null"),
    ],
)
def test_a_wrong_payload_is_rejected_with_what_is_wrong(payload: bytes, cause: Cause, detail: str) -> None:
    right = Sent(b'{%s, "value": 1}' % T)
    samples, (rejection,) = read_json(right, Sent(payload), right)
    assert len(samples) == 2
    assert (rejection.cause, rejection.address, rejection.payload) == (cause, "ring/current", payload)
    assert detail in rejection.detail
    assert (rejection.count, rejection.arrival_ns) == (1, NOW)


@pytest.mark.parametrize("value", [b"1", b"true", b'["user"]'])
def test_a_state_is_text(value: bytes) -> None:
    _, (rejection,) = read_json(Sent(b'{%s, "value": %s}' % (T, value), "ring/mode"))
    assert rejection.cause == Cause.WRONG_TYPE
    assert rejection.detail.endswith("wanted one of its states as text")


def test_in_an_array_each_sample_stands_for_itself() -> None:
    good = b'{"time": 1795431969000000000, "value": 1}'
    naive = b'{"time": "2026-11-23T03:00:00", "value": 2.5, "quality": "good"}'
    parts = [good, b'{"time": 1795431969000000000, "value": "x"}', b"[]", naive.replace(b" ", b""), b"{}", good]
    samples, rejected = read_json(Sent(b"[" + b",".join(parts) + b"]"))
    assert len(samples) == 2
    assert {r.payload: Cause(r.cause) for r in rejected} == {
        parts[1]: Cause.WRONG_TYPE,
        parts[2]: Cause.BAD_JSON,
        parts[3]: Cause.NAIVE_TIME,
        parts[4]: Cause.MISSING_TIME,
    }


def test_one_nan_in_an_array_of_a_thousand_is_rejected_alone() -> None:
    parts = [b'{"time": %d, "value": %d, "note": "a, [b] \\" {"}' % (NOW + i, i) for i in range(1000)]
    parts[500] = b'{"time": %d, "value": NaN}' % (NOW + 500)
    samples, (rejection,) = read_json(Sent(b" [" + b" ,\n".join(parts) + b"]\n"), limit=1024 * 1024)
    assert [value for _, _, value, _ in samples] == [float(i) for i in range(1000) if i != 500]
    assert (rejection.cause, rejection.count, rejection.payload) == (Cause.NOT_FINITE, 1, parts[500])


def test_many_faults_in_one_payload_are_counted_and_some_are_kept() -> None:
    samples, rejected = read_json(Sent(b"[" + b",".join([b"1"] * 5000) + b"]"), limit=1024 * 1024)
    assert (samples, len(rejected), sum(r.count for r in rejected)) == ([], 100, 5000)
    assert rejected[-1].detail.endswith("; and 4900 more")


def test_an_oversized_payload_is_not_read_and_kept_cut() -> None:
    samples, (rejection,) = read_json(Sent(b"[" * 10_000_000), limit=1024 * 1024)
    assert samples == []
    assert rejection.cause == Cause.OVERSIZED
    assert rejection.detail.startswith("10000000 bytes, and max_payload_bytes = 1048576")
    assert len(rejection.payload) == 64 * 1024


def test_a_topic_without_a_signal_is_rejected() -> None:
    samples, (rejection,) = read_json(Sent(b'{%s, "value": 1}' % T, "ring/other"))
    assert samples == []
    assert (rejection.cause, rejection.address) == (Cause.UNKNOWN_TOPIC, "ring/other")
    assert "add a [[source.signal]] for it" in rejection.detail


# --- value


def test_bare_values_are_stamped_on_arrival_each_with_a_stamp_of_its_own() -> None:
    pace = Pace([10**9, None, None], resumed=False)
    batch, rejected = ValueFormat(TARGETS, TOPICS, 64, pace).decode(
        [Sent(b"200.1"), Sent(b" 5\n"), Sent(b"user", "ring/mode"), Sent(b"nan"), Sent(b"true"), Sent(b"1_0"),
         Sent(b'"1"'), Sent(b"7", retain=True), Sent(b"7", dup=True), Sent(b"1" * 65)], NOW
    )  # fmt: skip
    assert rows(batch) == [
        ("stored_current", NOW, 200.1, "good"),
        ("stored_current", NOW + 1, 5.0, "good"),
        ("machine_mode", NOW + 2, "user", "good"),
    ]
    assert [Cause(r.cause) for r in rejected] == [Cause.WRONG_TYPE] * 4 + [Cause.MISSING_TIME] * 2 + [Cause.OVERSIZED]
    assert "b'nan' is not a number" in rejected[0].detail
    assert "a bare value that is retained may be of any age" in rejected[4].detail
    assert "a bare value that is delivered again" in rejected[5].detail


def test_bare_values_that_waited_are_rejected_and_counted_by_signal() -> None:
    reader = ValueFormat(TARGETS, TOPICS, 64, Pace([10**9, None, None], resumed=True))
    batch, rejected = reader.decode([Sent(b"1"), Sent(b"user", "ring/mode"), Sent(b"2"), Sent(b"3")], NOW)
    assert batch is None
    assert [(Cause(r.cause), r.address, r.payload, r.count) for r in rejected] == [
        (Cause.WAITED, "ring/current", b"1", 3), (Cause.WAITED, "ring/mode", b"user", 1),
    ]  # fmt: skip
    assert "nobody knows when they were measured" in rejected[0].detail


# --- influx

LINES = LineFormat(
    TARGETS,
    {
        "ring/lines": {
            (series_key("beam,monitor=dcct1,ring=main"), "current"): "stored_current",
            (series_key("beam,monitor=dcct1,ring=main"), "life time"): "beam_lifetime",
            ("mode", "value"): "machine_mode",
        }
    },
    16_384,
)


def read_lines(*lines: bytes) -> tuple[list[Row], tuple[Rejection, ...]]:
    batch, rejected = LINES.decode([Sent(b"\n".join(lines), "ring/lines")], NOW)
    return rows(batch), rejected


def test_lines_give_the_mapped_fields_of_the_mapped_series() -> None:
    samples, rejected = read_lines(
        b"# a comment",
        b'beam,ring=main,monitor=dcct1 current=200.1,life\\ time=5i,other=t,note="a b, c=1" 1795431969000000000',
        b"",
        b'mode value="user" 1795431969000000001 ',
        b"beam,monitor=dcct1,ring=main current=-1e-3 1795431969000000002",
    )
    assert rejected == ()
    assert samples == [
        ("stored_current", NOW, 200.1, "good"),
        ("beam_lifetime", NOW, 5.0, "good"),
        ("machine_mode", NOW + 1, "user", "good"),
        ("stored_current", NOW + 2, -0.001, "good"),
    ]


@pytest.mark.parametrize(
    ("line", "cause", "detail"),
    [
        (b"nonsense", Cause.BAD_LINE, "b'nonsense' is not a line of line protocol"),
        (b"beam current= 1", Cause.BAD_LINE, "is not a line"),
        (b"\xff\xfe", Cause.BAD_LINE, "is not a line"),
        (b'beam\\\nmode value="study" 1795431969000000000', Cause.UNKNOWN_SIGNAL, "no signal is mapped to a field of"),
        (b'mode value="never closed 1795431969000000000', Cause.BAD_LINE, "is not a line"),
        (b'mode value="user" ' + b"1" * 4301, Cause.TIME_OUT_OF_RANGE, "lies outside the years 1678 to 2261"),
        ('mode value="user" ١٧٩٥٤٣١٩٦٩٠٠٠٠٠٠٠٠٠'.encode(), Cause.BAD_TIME, "is not an integer of nanoseconds"),
        (b'mode value="user" 2026-11-23T12:00:00Z', Cause.BAD_TIME, "time '2026-11-23T12:00:00Z' is not an integer"),
        (b'mode value="user" 1.795431969e18', Cause.BAD_TIME, "time '1.795431969e18' is not an integer"),
        (b'mode value="user" +1795431969000000000', Cause.BAD_TIME, "is not an integer of nanoseconds"),
        (b'mode value="user" 1795431969000000000 x', Cause.BAD_LINE, "is not a line"),
        (b'mode value="user" other=1', Cause.BAD_LINE, "is not a line"),
        (b"beam current=1 tomorrow", Cause.UNKNOWN_SIGNAL, "no signal is mapped to a field of beam; mapped"),
        (
            "beam,monitor=dcct1,ring=main current=٢٠٠ 1795431969000000000".encode(),
            Cause.WRONG_TYPE,
            "the field is ٢٠٠, wanted a number",
        ),
        (
            b"beam,monitor=dcct1,ring=main current=-5u 1795431969000000000",
            Cause.WRONG_TYPE,
            "the field is -5u, wanted a number",
        ),
        (b"beam current=1 1795431969000000000", Cause.UNKNOWN_SIGNAL, "no signal is mapped to a field of beam; mapped"),
        (b"mode other=1 1795431969000000000", Cause.UNKNOWN_SIGNAL, "no signal is mapped to a field of mode"),
        (b'mode value="user"', Cause.MISSING_TIME, "mode: the line has no time: send integer ns"),
        (b'mode value="user" 1795431969', Cause.BAD_TIME, "not in seconds"),
        (b"mode value=1 1795431969000000000", Cause.WRONG_TYPE, "machine_mode: the field is 1, wanted a string"),
        (
            b"beam,monitor=dcct1,ring=main current=true 1795431969000000000",
            Cause.WRONG_TYPE,
            "stored_current: the field is true, wanted a number",
        ),
        (
            b"beam,monitor=dcct1,ring=main current=NaN 1795431969000000000",
            Cause.WRONG_TYPE,
            "stored_current: the field is NaN, wanted a number",
        ),
        (
            b'beam,monitor=dcct1,ring=main current="1" 1795431969000000000',
            Cause.WRONG_TYPE,
            'stored_current: the field is "1", wanted a number',
        ),
    ],
)
def test_a_wrong_line_is_rejected_and_the_others_are_kept(line: bytes, cause: Cause, detail: str) -> None:
    right = b'mode value="user" 1795431969000000000'
    samples, (rejection,) = read_lines(right, line, right)
    assert len(samples) == 2
    assert (rejection.cause, rejection.payload) == (cause, line)
    assert detail in rejection.detail


def test_a_line_break_in_a_string_field_does_not_end_the_line() -> None:
    samples, rejected = read_lines(
        b'beam,monitor=dcct1,ring=main note="first\nsecond \\"quoted\\" line",current=200.1 1795431969000000000',
        b'beam,monitor=dcct1,ring=main current=200.2,note="an escaped\\\nline break" 1795431969000000000',
        b'mode value="user" 1795431969000000001',
        b'mode value="never closed 1795431969000000002',
        b'mode value="study" 1795431969000000003\r',
    )
    assert [(row[0], row[2]) for row in samples] == [
        ("stored_current", 200.1), ("stored_current", 200.2), ("machine_mode", "user"), ("machine_mode", "study"),
    ]  # fmt: skip
    assert [Cause(r.cause) for r in rejected] == [Cause.BAD_LINE]


def test_a_series_is_a_measurement_with_tags() -> None:
    assert series_key("beam,b=2,a=1") == "beam,a=1,b=2"
    with pytest.raises(ValueError, match="is not a series"):
        series_key("beam, a=1")
