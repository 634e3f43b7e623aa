"""Archives that others keep: an Archiver Appliance, PostgreSQL, InfluxDB; and filling kado's own gaps from them."""

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from archiver_appliance import Archived, ArchiverAppliance
from collector.landing import Landing
from collector.sources.archiver import spec as archiver_spec
from collector.sources.archiver.archive import Recorded, read_all
from collector.sources.archiver.backfill import BackfillProgress, Rate, SignalFilled, backfill
from collector.sources.archiver.pb import read_chunks
from collector.sources.archiver.spec import ArchiverSource
from facility.errors import AuthorizationError, DataError, UnreachableError
from facility.interval import Intervals
from facility.profile import load_profile
from facility.time import MAX_NS, MIN_NS, NS_PER_H, NS_PER_S, parse_time, system_clock
from postgresql import PASSWORD, PostgreSQL
from servers import Bucket
from storage.embedded.store import EmbeddedStore

PROFILE = load_profile("nanoterasu_sim")
T0 = parse_time("2025-05-13T00:00:00+09:00")
CURRENT = {"channel": "ACC:DCCT", "signal": "stored_current"}
NO_TAG = {"channel": "m,t", "signal": "x"}
MODE = {"channel": "ACC:MODE", "signal": "machine_mode", "words": {"0": "user", "1": "study"}}


def source(url: str, *mappings: dict[str, Any], **options: Any) -> ArchiverSource:
    options.setdefault("archive", "appliance")
    return ArchiverSource.model_validate(
        {"id": "archive", "kind": "archiver", "url": url, "signal": list(mappings or [CURRENT]), **options}
    )


def read(spec: ArchiverSource, start_ns: int, end_ns: int, which: int = 0) -> list[tuple[int, Any, int, str | None]]:
    """Return (time_ns, value, quality, reason) of a channel."""
    archive = spec.open(PROFILE)
    try:
        mapping = spec.channels_mapped[which]
        return [row for part in archive.read(mapping.channel, mapping.field, start_ns, end_ns) for row in rows(part)]
    finally:
        archive.close()


def checked(spec: ArchiverSource) -> str:
    archive = spec.open(PROFILE)
    try:
        return archive.check()
    finally:
        archive.close()


def rows(part: Recorded) -> Iterator[tuple[int, Any, int, str | None]]:
    for i, time_ns in enumerate(part.time_ns.tolist()):
        text = None if part.text is None else part.text[i]
        value = float(part.number[i]) if text is None else text
        yield (
            time_ns,
            None if value != value else value,
            0 if part.quality is None else int(part.quality[i]),
            None if part.reason is None else part.reason[i],
        )


# --- Archiver Appliance


@pytest.fixture
def appliance() -> Iterator[ArchiverAppliance]:
    with ArchiverAppliance() as server:
        server.pvs = {
            "ACC:DCCT": Archived([(T0 + i * NS_PER_S + 123_456_789, 200.0 + i, 0, 0) for i in range(-2, 100)]),
            "ACC:MODE": Archived([(T0 - NS_PER_H, 0, 0, 0), (T0 + 50 * NS_PER_S, 1, 0, 0)], "SCALAR_ENUM"),
        }
        yield server


@pytest.mark.parametrize("form", ["appliance", "appliance_pb"])
def test_an_appliance_gives_the_samples_of_a_range_and_the_one_before(appliance: ArchiverAppliance, form: str) -> None:
    spec = source(appliance.retrieval, archive=form)
    found = read(spec, T0, T0 + 10 * NS_PER_S)
    assert found == [(T0 + i * NS_PER_S + 123_456_789, 200.0 + i, 0, None) for i in range(-1, 10)]
    assert appliance.questions[0] == {
        "pv": "ACC:DCCT",
        "from": "2025-05-12T15:00:00Z",
        "to": "2025-05-12T15:00:10Z",
    }


@pytest.mark.parametrize("form", ["appliance", "appliance_pb"])
def test_severity_and_status_are_quality_and_reason(appliance: ArchiverAppliance, form: str) -> None:
    alarms = [(0, 0), (1, 6), (2, 5), (3, 9)]
    appliance.pvs["ACC:DCCT"] = Archived([(T0 + i, 1.0, s, t) for i, (s, t) in enumerate(alarms)])
    found = read(source(appliance.retrieval, archive=form), T0, T0 + 10)
    assert [f[2:] for f in found] == [(0, None), (1, "MINOR LOW"), (1, "MAJOR LOLO"), (2, "INVALID COMM")]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("SCALAR_DOUBLE", [0.0, -1.5, 1e300, 27.0, float("inf")]),
        ("SCALAR_FLOAT", [0.5, -0.25]),
        ("SCALAR_INT", [0, -1, 2**31 - 1, 27 * 2**24 + 10 * 2**16 + 13 * 2**8]),
        ("SCALAR_SHORT", [0, -1, 32767, -32768]),
        ("SCALAR_ENUM", [0, 1, 15]),
        ("SCALAR_STRING", ["open", "a\nb\rc\x1bd", "蓄積", ""]),
    ],
)
def test_every_scalar_type_of_the_binary_form_is_read_as_it_was_written(
    appliance: ArchiverAppliance, kind: str, values: list[Any]
) -> None:
    # Seconds and nanoseconds with every byte that the form escapes, over the end of a year.
    start = parse_time("2024-12-31T23:59:58Z")
    samples = [(start + i * NS_PER_S + 0x1B0A0D, value, 0, 0) for i, value in enumerate(values)]
    appliance.pvs["ACC:DCCT"] = Archived(samples, kind)
    found = read(source(appliance.retrieval, archive="appliance_pb"), start, start + 100 * NS_PER_S)
    assert [(f[0], f[1]) for f in found] == [(s[0], s[1]) for s in samples]


def test_any_bytes_survive_the_binary_form(appliance: ArchiverAppliance) -> None:
    rng = random.Random(7)
    samples = [(T0 + i * NS_PER_S + rng.randrange(NS_PER_S), rng.uniform(-1e6, 1e6), 0, 0) for i in range(3000)]
    appliance.pvs["ACC:DCCT"] = Archived(samples)
    found = read(source(appliance.retrieval, archive="appliance_pb"), T0, T0 + NS_PER_H)
    assert [(f[0], f[1]) for f in found] == [(s[0], s[1]) for s in samples]


@pytest.mark.parametrize("body", [b"\xff\xff", b"\x08\x06\x12\x01A\x18\xe9\x0f\n\x09", b"<html>"])
def test_what_is_not_the_binary_form_is_refused(body: bytes) -> None:
    with pytest.raises(DataError, match="is the url that of the retrieval"):
        list(read_chunks(body))


def test_what_is_not_the_json_of_an_appliance_is_refused(appliance: ArchiverAppliance) -> None:
    appliance.answer = lambda path, headers: (200, b'{"something": "else"}')  # type: ignore[method-assign]  # replaced on purpose
    with pytest.raises(DataError, match="is the url that of the retrieval"):
        read(source(appliance.retrieval), T0, T0 + 1)


LIES: dict[str, bytes] = {
    "nothing": b"",
    "a page": b"<html>Please sign in.</html>",
    "nested deep": b"[" * 100_000,
    "null": b"null",
    "a number": b"42",
    "numbers": b"[1, 2]",
    "a list of lists": b'[{"data": [[1, 2]]}]',
    "data that is a text": b'[{"data": "none"}]',
    "a time without end": b'[{"data": [{"secs": 1e999, "val": 1}]}]',
    "a time that no clock has": b'[{"data": [{"secs": 999999999999999999999, "val": 1}]}]',
    "a severity that is none": b'[{"data": [{"secs": 1795431969, "val": 1, "severity": 99999999999999999999}]}]',
    "a number of 400 digits": b'[{"data": [{"secs": 1795431969, "val": ' + b"9" * 400 + b"}]}]",
    "results that are a list": b'{"results": [[]]}',
    "series without values": b'{"results": [{"series": [{}]}]}',
    "rows that do not fit": b'{"results": [{"series": [{"values": [[1]]}]}]}',
    "times that are none": b'{"results": [{"series": [{"values": [["now", 1]]}]}]}',
    "rows that are numbers": b'{"results": [{"series": [{"values": [1, 2]}]}]}',
    "a text of a billion bytes": b"\x08\x00\x12\x01A\x18\xea\x0f\n\x08\x01\x18\x80\x94\xeb\xdc\x03",
    "a message that ends": b"\x08\x06\x12\x01A\x18\xea\x0f\n\x08\x01\x19\x00",
}


@pytest.mark.parametrize("archive", ["appliance", "appliance_pb", "influxdb"])
@pytest.mark.parametrize("lie", LIES)
def test_an_answer_of_any_form_is_an_error_of_the_data_or_holds_no_samples(
    appliance: ArchiverAppliance, archive: str, lie: str
) -> None:
    appliance.answer = lambda path, headers: (200, LIES[lie])  # type: ignore[method-assign]  # replaced on purpose
    options: dict[str, Any] = {"bucket": "b"} if archive == "influxdb" else {}
    opened = source(appliance.retrieval, {"channel": "m,t=x", "signal": "stored_current"}, archive=archive, **options)
    found: list[Recorded] = []
    with suppress(DataError):
        opened.open(PROFILE).check()
    with suppress(DataError):
        found = read_all(opened.open(PROFILE), "m,t=x", "value", T0, T0 + 1)
    assert all(len(part) <= 1 for part in found)


def test_an_answer_that_is_too_large_says_to_ask_for_less(
    appliance: ArchiverAppliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiver_spec, "MAX_BYTES", 1_000)
    appliance.answer = lambda path, headers: (200, b" " * 1_001)  # type: ignore[method-assign]  # replaced on purpose
    with pytest.raises(UnreachableError, match="larger than the 1,000 bytes that are read: lower chunk_h"):
        read(source(appliance.retrieval), T0, T0 + 1)


def test_a_pv_that_is_not_archived_and_a_server_that_is_gone_are_named(appliance: ArchiverAppliance) -> None:
    spec = source(appliance.retrieval, {"channel": "NO:SUCH", "signal": "stored_current"})
    with pytest.raises(DataError, match="no PV 'NO:SUCH'"):
        read(spec, T0, T0 + 1)
    appliance.stop()
    with pytest.raises(UnreachableError):
        read(spec, T0, T0 + 1)


# --- PostgreSQL


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    pytest.importorskip("psycopg", reason='no psycopg: pip install "kado[archiver]"')
    server = PostgreSQL()
    server.start()
    server.execute(
        """
        CREATE TABLE channel (channel_id bigint PRIMARY KEY, name text);
        CREATE TABLE severity (severity_id bigint PRIMARY KEY, name text);
        CREATE TABLE status (status_id bigint PRIMARY KEY, name text);
        CREATE TABLE sample (channel_id bigint, smpl_time timestamp, nanosecs bigint, severity_id bigint,
            status_id bigint, num_val int, float_val double precision, str_val varchar(120));
        INSERT INTO channel VALUES (1, 'ACC:DCCT'), (2, 'ACC:MODE');
        INSERT INTO severity VALUES (1, 'NONE'), (2, 'MINOR'), (3, 'INVALID');
        INSERT INTO status VALUES (1, 'NONE'), (2, 'LOW'), (3, 'COMM');
        CREATE TABLE own (at timestamptz, who text, what double precision, how text);
        """
    )
    # A time without zone, in the clock of the facility.
    insert = "INSERT INTO sample VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
    server.execute(
        insert, [(1, f"2025-05-13 00:00:{i:02}", 123_456_789, 1, 1, None, 200.0 + i, None) for i in range(60)]
    )
    server.execute(
        insert,
        [(1, "2025-05-13 00:01:00", 5, 2, 2, 7, None, None), (1, "2025-05-13 00:01:01", 0, 3, 3, None, None, None)],
    )
    server.execute(insert, [(2, "2025-05-13 00:00:30", 0, 1, 1, None, None, "study")])
    server.execute(
        "INSERT INTO own VALUES (%s, %s, %s, %s)", [("2025-05-13 00:00:01.5+09", "dcct", 199.5, "uncertain")]
    )
    yield server
    server.remove()


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("ARCHIVE_PASSWORD", PASSWORD)
    return {"secret_env": "ARCHIVE_PASSWORD"}


def test_the_tables_of_cs_studio_give_exact_stamps_qualities_and_texts(
    postgresql: PostgreSQL, secret: dict[str, str]
) -> None:
    mode = {"channel": "ACC:MODE", "signal": "machine_mode"}
    spec = source(postgresql.url, CURRENT, mode, archive="postgresql", **secret)
    assert "PostgreSQL" in checked(spec)
    found = read(spec, T0 + 10 * NS_PER_S, T0 + 20 * NS_PER_S)
    assert found == [(T0 + i * NS_PER_S + 123_456_789, 200.0 + i, 0, None) for i in range(10, 20)]
    assert read(spec, T0 + 60 * NS_PER_S, T0 + 70 * NS_PER_S) == [
        (T0 + 60 * NS_PER_S + 5, 7.0, 1, "MINOR LOW"),
        (T0 + 61 * NS_PER_S, None, 2, "INVALID COMM"),
    ]
    assert read(spec, T0, T0 + NS_PER_H, which=1) == [(T0 + 30 * NS_PER_S, "study", 0, None)]


def test_any_table_is_read_by_a_query_of_ones_own(postgresql: PostgreSQL, secret: dict[str, str]) -> None:
    query = """SELECT at AS time, what AS value, how AS quality FROM own
               WHERE who = %(channel)s AND at >= %(start)s AND at < %(end)s"""
    spec = source(
        postgresql.url, {"channel": "dcct", "signal": "stored_current"}, archive="postgresql", query=query, **secret
    )
    assert read(spec, T0, T0 + NS_PER_H) == [(T0 + 1_500_000_000, 199.5, 1, "uncertain")]


def test_a_query_that_writes_or_lacks_a_column_a_wrong_password_and_a_server_that_is_gone_are_named(
    postgresql: PostgreSQL, secret: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_query(query: str) -> ArchiverSource:
        return source(postgresql.url, archive="postgresql", query=query, **secret)

    with pytest.raises(DataError, match="refuses the query"):
        read(with_query("DELETE FROM own RETURNING at AS time, what AS value"), T0, T0 + 1)
    assert postgresql.execute("SELECT count(*) FROM own") == [(1,)]
    with pytest.raises(DataError, match="no column 'value' but time"):
        read(with_query("SELECT at AS time FROM own"), T0, T0 + 1)
    monkeypatch.setenv("ARCHIVE_PASSWORD", "wrong")
    with pytest.raises(AuthorizationError, match="password"):
        checked(source(postgresql.url, archive="postgresql", **secret))
    with pytest.raises(UnreachableError, match="cannot be read"):
        checked(source("postgresql://kado@127.0.0.1:1/x", archive="postgresql", **secret))


# --- InfluxDB


def test_a_bucket_that_others_wrote_is_read_by_influxql(influx_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"beam,monitor=dcct\\ 1,ring=sr current={200 + i},ok=true {T0 + i * NS_PER_S + 1}" for i in range(120)]
    lines += [f"beam,monitor=dcct2,ring=sr current=1 {T0}", f'state mode="study" {T0 + 5}']
    influx_bucket.write("\n".join(lines))
    monkeypatch.setenv("BUCKET_TOKEN", influx_bucket.token)
    mappings = (
        {"channel": "beam,ring=sr,monitor=dcct 1", "field": "current", "signal": "stored_current"},
        {"channel": "state", "field": "mode", "signal": "machine_mode"},
    )
    options = {"archive": "influxdb", "bucket": influx_bucket.name, "secret_env": "BUCKET_TOKEN"}
    spec = source(influx_bucket.url, *mappings, **options)
    monkeypatch.setattr("collector.sources.archiver.influxdb._AT_ONCE", 50)
    found = read(spec, T0 + 10 * NS_PER_S, T0 + 119 * NS_PER_S)
    assert found == [(T0 + i * NS_PER_S + 1, 200.0 + i, 0, None) for i in range(10, 119)]
    assert read(spec, T0, T0 + NS_PER_S, which=1) == [(T0 + 5, "study", 0, None)]
    monkeypatch.setenv("BUCKET_TOKEN", "wrong")
    with pytest.raises(AuthorizationError):
        read(spec, T0, T0 + 1)


# --- Filling


class Filled:
    """A data directory, and what was fetched into it."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.slept: list[float] = []
        self.seen: list[BackfillProgress] = []

    def fill(self, spec: ArchiverSource, *ranges: tuple[int, int], **options: Any) -> tuple[SignalFilled, ...]:
        with Landing.open(self.data_dir, PROFILE.id, "embedded") as landing:
            return backfill(
                spec, PROFILE, Intervals.of(ranges), landing, self.data_dir, system_clock,
                progress=self.seen.append, sleep=self.slept.append, **options,
            )  # fmt: skip

    def stored(self, signal: str = "stored_current") -> list[tuple[int, Any]]:
        store = EmbeddedStore(self.data_dir, PROFILE.id, read_only=True)
        try:
            samples = store.read(signal, MIN_NS, MAX_NS)
            words = samples.state_words()
            return [
                (t, w if w is not None else v)
                for t, v, w in zip(samples.time_ns.tolist(), samples.value.tolist(), words, strict=True)
            ]
        finally:
            store.close()


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    return Filled(tmp_path)


def test_just_the_ranges_are_filled_and_once_more_changes_nothing(appliance: ArchiverAppliance, filled: Filled) -> None:
    spec = source(appliance.retrieval)
    ranges = ((T0 + 10 * NS_PER_S, T0 + 20 * NS_PER_S), (T0 + 40 * NS_PER_S, T0 + 41 * NS_PER_S))
    (result,) = filled.fill(spec, *ranges)
    expected = [(T0 + i * NS_PER_S + 123_456_789, 200.0 + i) for i in (*range(10, 20), 40)]
    assert filled.stored() == expected
    assert (result.samples, result.filled, result.problem) == (11, list(ranges), "")
    asked = len(appliance.questions)
    assert filled.fill(spec, *ranges)[0].samples == 0
    assert len(appliance.questions) == asked
    assert filled.fill(spec, *ranges, again=True)[0].samples == 11
    assert filled.stored() == expected


def test_a_state_is_known_from_the_beginning_of_the_range_on(appliance: ArchiverAppliance, filled: Filled) -> None:
    filled.fill(source(appliance.retrieval, MODE), (T0, T0 + NS_PER_H))
    assert filled.stored("machine_mode") == [(T0, "user"), (T0 + 50 * NS_PER_S, "study")]


def test_what_was_interrupted_goes_on_where_it_was(appliance: ArchiverAppliance, filled: Filled) -> None:
    appliance.pvs["ACC:DCCT"] = Archived([(T0 + i * 60 * NS_PER_S, float(i), 0, 0) for i in range(24 * 60)])
    spec = source(appliance.retrieval, chunk_h=1.0)
    appliance.fails_after = 10
    with pytest.raises(UnreachableError, match="answers 503"):
        filled.fill(spec, (T0, T0 + 24 * NS_PER_H))
    assert len(filled.stored()) == 600
    appliance.fails_after = None
    appliance.questions.clear()
    (result,) = filled.fill(spec, (T0, T0 + 24 * NS_PER_H))
    assert len(appliance.questions) == 14
    assert result.samples == 840
    assert [v for _, v in filled.stored()] == list(map(float, range(24 * 60)))
    assert filled.seen[-1].done == 1.0


def test_an_archive_is_asked_no_faster_than_allowed(appliance: ArchiverAppliance, filled: Filled) -> None:
    appliance.pvs["ACC:DCCT"] = Archived([(T0 + i * NS_PER_S, float(i), 0, 0) for i in range(7200)])
    filled.fill(source(appliance.retrieval, chunk_h=1.0, max_samples_per_s=1000.0), (T0, T0 + 2 * NS_PER_H))
    assert sum(filled.slept) >= 3.5


def test_the_rate_is_an_average() -> None:
    rate = Rate(100.0)
    assert rate.wait_s(50, 10.0) == pytest.approx(0.5)
    assert rate.wait_s(50, 10.5) == pytest.approx(0.5)
    # What was not used is not saved up.
    assert rate.wait_s(100, 100.0) == pytest.approx(1.0)


def test_a_signal_that_the_archive_does_not_have_does_not_keep_the_others_waiting(
    appliance: ArchiverAppliance, filled: Filled
) -> None:
    spec = source(appliance.retrieval, {"channel": "NO:SUCH", "signal": "rf_voltage"}, CURRENT)
    missing, found = filled.fill(spec, (T0, T0 + 10 * NS_PER_S))
    assert "NO:SUCH" in missing.problem
    assert found.samples == 10


def test_stamps_that_cannot_be_true_are_not_taken_for_the_time_of_fetching(
    appliance: ArchiverAppliance, filled: Filled
) -> None:
    appliance.pvs["ACC:DCCT"] = Archived([(631_152_000 * NS_PER_S, 1.0, 0, 0), (T0 + 5, 2.0, 0, 0)])
    filled.fill(source(appliance.retrieval), (T0, T0 + 10))
    assert filled.stored() == [(T0 + 5, 2.0)]


def test_units_are_converted_and_bad_numbers_are_bad(appliance: ArchiverAppliance, filled: Filled) -> None:
    appliance.pvs["ACC:DCCT"] = Archived([(T0 + 1, 0.2, 0, 0), (T0 + 2, float("nan"), 0, 0)])
    filled.fill(source(appliance.retrieval, CURRENT | {"scale": 1000.0}), (T0, T0 + 10))
    (_, first), (_, second) = filled.stored()
    assert first == pytest.approx(200.0)
    assert np.isnan(second)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"url": "postgresql://x/y"}, "needs http://"),
        ({"url": "http://x", "archive": "postgresql"}, "needs postgresql://"),
        ({"url": "postgresql://a:b@x/y", "archive": "postgresql"}, "holds a password"),
        ({"url": "http://x", "archive": "influxdb"}, "bucket is needed"),
        ({"url": "http://x", "query": "SELECT 1"}, "query and time_zone"),
        ({"url": "postgresql://x/y", "archive": "postgresql", "time_zone": "JST+9"}, "not an IANA zone"),
        ({"url": "http://x", "archive": "influxdb", "bucket": "b", "signal": [NO_TAG]}, "is not a tag"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        source(**({"url": "http://x"} | options))
