"""What the InfluxDB store does beyond the contract of every store; on a real server."""

import http.server
import json
import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import numpy as np
import pytest

from facility.batch import Batch
from facility.errors import AuthorizationError, DataError, UnreachableError
from facility.time import NS_PER_DAY, NS_PER_S
from servers import Bucket, InfluxDB
from storage.influxdb.administration import Administration, Found
from storage.influxdb.client import InfluxClient, MissingBucketError
from storage.influxdb.downsampling import Downsampler
from storage.influxdb.store import InfluxStore

T = 1_790_000_000_000_000_000


def open_store(at: Bucket, *, org: str = "", bucket: str = "", token: str = "") -> InfluxStore:
    names = (org or at.org, bucket or at.name, token or at.token)
    return InfluxStore(at.url, *names, "ring", token_source="KADO_TOKEN")


@pytest.fixture
def store(influx_bucket: Bucket) -> Iterator[InfluxStore]:
    opened = open_store(influx_bucket)
    yield opened
    opened.close()


@pytest.fixture
def bad_server() -> Iterator[str]:
    """Answers a query with part of a table, and ends as if that were all."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

        def do_GET(self) -> None:
            if not self.path.startswith("/query"):
                self.send_error(404)
                return
            table = b"name,tags,time,value,state,quality,reason\n" + b"telemetry,,1,2,,good,\n"
            body = b'{"results":[{"statement_id":0}]}\n' if "json" in self.headers["Accept"] else table
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_unreachable_server_is_named_with_what_to_check() -> None:
    store = InfluxStore("http://127.0.0.1:1", "kado", "kado", "secret", "ring")
    with pytest.raises(UnreachableError, match=r"http://127.0.0.1:1 does not answer .*check .*store.url"):
        store.read("stored_current", 0, 1)
    with pytest.raises(UnreachableError, match=r"http://127.0.0.1:1 does not answer"):
        store.write(Batch.of_numbers("ring", "stored_current", [1], [1.0]))
    store.close()


def test_a_wrong_token_is_told_by_where_it_came_from_and_not_printed(influx_bucket: Bucket) -> None:
    store = open_store(influx_bucket, token="wrong-secret")
    with pytest.raises(AuthorizationError, match="KADO_TOKEN") as refused:
        store.read("stored_current", 0, 1)
    assert "wrong-secret" not in str(refused.value)
    store.close()


@pytest.mark.parametrize("what", ["bucket", "org"])
def test_a_missing_bucket_or_organisation_is_named_with_the_way_to_make_it(influx_bucket: Bucket, what: str) -> None:
    store = open_store(influx_bucket, **{what: "nowhere"})
    with pytest.raises(UnreachableError, match=f"'nowhere' .*influx {what} create .*--name nowhere"):
        store.write(Batch.of_numbers("ring", "stored_current", [1], [1.0]))
    store.close()


def test_a_bucket_that_cannot_be_read_is_not_an_empty_one(influxdb: InfluxDB) -> None:
    bucket = influxdb.create_bucket()
    store = open_store(bucket, token=influxdb.create_token(bucket, actions=("write",)))
    with pytest.raises(UnreachableError, match="the token may see"):
        store.read("stored_current", 0, 1)
    store.close()


def test_a_token_for_this_bucket_alone_is_enough(influxdb: InfluxDB) -> None:
    bucket = influxdb.create_bucket()
    store = open_store(bucket, token=influxdb.create_token(bucket))
    store.write(Batch.of_numbers("ring", "stored_current", [T, T + 1], [1.0, 2.0]))
    assert store.read("stored_current", T + 1, T + 2, hold=True).value.tolist() == [1.0, 2.0]
    assert store.delete("stored_current", T + 1) == 1
    assert [s.samples for s in store.series()] == [1]
    store.close()


def test_an_answer_that_ends_early_is_not_taken_for_the_whole(bad_server: str) -> None:
    store = InfluxStore(bad_server, "kado", "kado", "secret", "ring")
    with pytest.raises(UnreachableError, match="did not finish its answer"):
        store.read("stored_current", 0, 10)
    store.close()


def test_a_point_of_another_writer_is_named_not_passed_over(influx_bucket: Bucket, store: InfluxStore) -> None:
    influx_bucket.write("telemetry,facility=ring,signal=stored_current value=1 1000000000")
    with pytest.raises(DataError, match=r"stored_current at 1970-01-01T00:00:01Z .*kado did not write it"):
        store.read("stored_current", 0, 2_000_000_000)


def test_samples_older_than_the_bucket_keeps_are_refused_with_the_servers_words(influxdb: InfluxDB) -> None:
    store = open_store(influxdb.create_bucket(retention_s=3600))
    with pytest.raises(DataError, match="retention policy"):
        store.write(Batch.of_numbers("ring", "stored_current", [1], [1.0]))
    store.close()


def test_a_rewritten_sample_keeps_no_field_of_its_predecessor(influx_bucket: Bucket, store: InfluxStore) -> None:
    columns = {"signals": ["stored_current"], "signal": [0, 0, 0], "time_ns": [T, T + 1, T + 2], "facility": "ring"}
    full = Batch.build(**columns, value=[1.0, 2.0, 3.0], arrival_ns=[0, 0, 0], reason=[0, 0, 0], words=["clock"])
    assert store.write(full).rewritten == 0
    # Between the first and the last, one that the new batch does not speak of.
    bare = Batch.build(**columns, value=[np.nan, 0.0, 3.0], quality=[2, 0, 0]).take(np.array([0, 2]))
    written = store.write(bare)
    assert (written.stored, written.rewritten, written.conflicts) == (2, 2, 2)
    points = influx_bucket.query("SELECT value, quality, reason, arrival FROM telemetry")
    assert points == [
        {"time": T, "value": None, "quality": "bad", "reason": None, "arrival": None},
        {"time": T + 1, "value": 2, "quality": "good", "reason": "clock", "arrival": 0},
        {"time": T + 2, "value": 3, "quality": "good", "reason": None, "arrival": None},
    ]


def test_a_rewrite_is_found_in_a_batch_spread_over_years(store: InfluxStore) -> None:
    year = 365 * 86_400 * 10**9
    times = np.sort(np.concatenate([T - k * year + np.arange(100) for k in range(40)]))
    batch = Batch.of_numbers("ring", "stored_current", times, np.zeros(len(times)))
    assert store.write(batch).rewritten == 0
    again = Batch.of_numbers("ring", "stored_current", times, np.arange(len(times)) % 2)
    written = store.write(again)
    assert (written.rewritten, written.conflicts) == (4000, 2000)
    assert store.write(again.take(np.arange(0, 4000, 7))).conflicts == 0


def test_every_float_comes_back_as_itself(store: InfluxStore) -> None:
    values = np.random.default_rng(1).integers(0, 2**64, 3000, dtype=np.uint64).view(np.float64)
    special = [0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, 1e22, 123456789012345678.0]
    values = np.concatenate([values[np.isfinite(values)], special])
    store.write(Batch.of_numbers("ring", "stored_current", T + np.arange(len(values)), values))
    read = store.read("stored_current", T, T + len(values))
    assert read.value.tobytes() == values.tobytes()


def test_words_keep_their_quotes_commas_and_backslashes(store: InfluxStore) -> None:
    words = ['a "b"', "c\\", "d, e", "利用 運転"]
    store.write(Batch.of_states("ring", "machine_mode", range(T, T + 4), words))
    assert store.read("machine_mode", T, T + 4).state_words() == words


def test_names_with_quotes_ask_for_nothing_but_themselves(store: InfluxStore) -> None:
    store.write(Batch.of_numbers("ring", "stored_current", [T], [1.0]))
    assert len(store.read("x' OR signal = 'stored_current", T, T + 1)) == 0


def test_pieces_of_a_long_read_follow_each_other(store: InfluxStore) -> None:
    n = 200_000
    times = T + np.arange(n) * 10**9
    store.write(Batch.of_numbers("ring", "stored_current", times, np.arange(n)))
    pieces = list(store.read_chunks("stored_current", T + 1, times[-1]))
    assert len(pieces) > 1
    assert np.concatenate([piece.value for piece in pieces]).tolist() == list(range(1, n - 1))
    assert store.read("stored_current", T + 1, times[-1], hold=True).time_ns.tolist() == times[:-1].tolist()


def test_a_read_that_is_given_up_leaves_the_store_usable(store: InfluxStore) -> None:
    n = 100_000
    store.write(Batch.of_numbers("ring", "stored_current", T + np.arange(n), np.arange(n)))
    pieces = store.read_chunks("stored_current", T, T + n)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]  # a generator
    assert store.series()[0].samples == n


def test_a_bucket_with_a_slash_in_its_name_is_written_read_counted_summed_and_deleted_from(
    influx_bucket: Bucket,
) -> None:
    server, name = influx_bucket.server, f"{influx_bucket.name}_v1/autogen"
    bucket, minutes = server.create_bucket(name=name), server.create_bucket(name=f"{name}_1m")
    store = open_store(influx_bucket, bucket=name)
    try:
        store.write(Batch.of_numbers("ring", "current", [T, T + 1], [1.5, -0.0]))
        found = store.read("current", T, T + 2)
        assert found.value.tobytes() == np.array([1.5, -0.0]).tobytes()
        assert [one.samples for one in store.series()] == [2]
        assert store.last(["current"])["current"].time_ns == T + 1
        samples = InfluxClient(server.url, server.org, bucket.name, server.token)
        of_minutes = InfluxClient(server.url, server.org, minutes.name, server.token)
        downsampler = Downsampler(samples, of_minutes, "ring", lambda: T + 3_650 * NS_PER_DAY)
        assert downsampler.signals() == ["current"]
        assert downsampler.run(["current"]).minutes == 1
        assert store.delete("current", T + 1) == 1
    finally:
        store.close()


def test_a_bucket_that_the_server_takes_another_one_for_is_never_read(influx_bucket: Bucket) -> None:
    server, plain = influx_bucket.server, influx_bucket.name
    slashed = server.create_bucket(name=f"{plain}/autogen")
    of_plain = open_store(influx_bucket)
    of_slashed = open_store(influx_bucket, bucket=slashed.name)
    alone = open_store(influx_bucket, bucket=slashed.name, token=server.create_token(slashed))
    try:
        of_plain.write(Batch.of_numbers("ring", "current", [T], [200.0]))
        with pytest.raises(MissingBucketError, match=r"from another bucket .* a token for this bucket alone"):
            of_slashed.read("current", T, T + 1)
        with pytest.raises(MissingBucketError):
            of_slashed.write(Batch.of_numbers("ring", "current", [T], [0.0]))
        assert len(alone.read("current", T, T + 1)) == 0
        assert of_plain.read("current", T, T + 1).value.tolist() == [200.0]
    finally:
        for store in (of_plain, of_slashed, alone):
            store.close()


def test_a_bucket_whose_database_is_mapped_to_another_one_is_never_read(influx_bucket: Bucket) -> None:
    server, name = influx_bucket.server, influx_bucket.name
    other = server.create_bucket()
    (found,) = json.loads(server.call("GET", f"/api/v2/buckets?{urlencode({'name': other.name})}"))["buckets"]
    mapping = {"orgID": server.org_id, "database": name, "retention_policy": "autogen", "bucketID": found["id"]}
    server.call("POST", "/api/v2/dbrps", {**mapping, "default": True})
    for token, says in (
        (server.token, "would answer queries to bucket .* from another bucket"),
        (server.create_token(influx_bucket), "answers no queries to bucket"),
    ):
        store = open_store(influx_bucket, token=token)
        try:
            with pytest.raises(MissingBucketError, match=f"{says}.*influx v1 dbrp delete"):
                store.read("current", T, T + 1)
        finally:
            store.close()


@pytest.mark.parametrize("name", ["/kado", "kado/"])
def test_a_bucket_whose_name_begins_or_ends_with_a_slash_is_refused(influx_bucket: Bucket, name: str) -> None:
    store = open_store(influx_bucket, bucket=name)
    try:
        with pytest.raises(MissingBucketError, match="begins or ends with '/'"):
            store.read("current", T, T + 1)
    finally:
        store.close()


@pytest.mark.parametrize(("before_s", "after_s"), [(0, 3_600), (365 * 86_400, 86_400), (86_400, 0)])
def test_a_bucket_is_made_to_keep_samples_for_less_or_more_than_before(
    influx_bucket: Bucket, before_s: int, after_s: int
) -> None:
    bucket = influx_bucket.server.create_bucket(retention_s=before_s)
    client = InfluxClient(bucket.url, bucket.org, bucket.name, bucket.token, token_source="KADO_TOKEN")
    try:
        wanted_ns = after_s * NS_PER_S or None
        outcome = Administration(client).ensure_bucket(bucket.name, wanted_ns, update=True, description="")
        assert outcome.found is Found.CHANGED
        assert client.bucket_info().retention_ns == wanted_ns
    finally:
        client.close()
