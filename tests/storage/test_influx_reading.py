"""Reading out of InfluxDB: with bounded memory, and never a short answer for a whole one."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from facility.batch import Batch
from facility.errors import DataError, KadoError, UnreachableError
from servers import Bucket, InfluxDB
from storage.influxdb.client import InfluxClient
from storage.influxdb.store import InfluxStore

T = 1_790_000_000_000_000_000
HEADING = b"name,tags,time,value,state,quality,reason\n"
END = b"\nname,tags,name\ndatabases,,kado\n"
ROOT = Path(__file__).parents[2]

Answers = Callable[[bytes], str]


@pytest.fixture
def answering() -> Iterator[Answers]:
    """Start a server that answers each query with these bytes of a chunked body, raw, and hangs up."""
    servers: list[tuple[http.server.HTTPServer, threading.Thread]] = []

    def start(body: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None: ...

            def do_GET(self) -> None:
                if not self.path.startswith("/query"):
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_kept_connection_that_the_server_closes_while_it_is_used_costs_no_answer() -> None:
    # As a proxy does whose time for idle connections is over in this moment.
    asked: list[int] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.answered = 0

        def log_message(self, format: str, *args: object) -> None: ...

        def do_GET(self) -> None:
            if not self.path.startswith("/query"):
                self.send_error(404)
                return
            asked.append(self.answered)
            if self.answered:
                self.close_connection = True
                return
            self.answered += 1
            body = HEADING + rows(3) + END
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    store = InfluxStore(f"http://127.0.0.1:{server.server_port}", "kado", "kado", "secret", "ring")
    try:
        for _ in range(3):
            assert store.read("current", 0, 10**9).value.tolist() == [2.0, 2.0, 2.0]
    finally:
        store.close()
        server.shutdown()
        server.server_close()
        thread.join()
    # First on a new connection, then on the kept one and again on a new one.
    assert asked[:3] == [0, 1, 0]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def rows(n: int) -> bytes:
    return b"".join(b"telemetry,,%d,2,,good,\n" % i for i in range(n))


def read(url: str) -> list[float]:
    store = InfluxStore(url, "kado", "kado", "secret", "ring")
    try:
        return store.read("current", 0, 10**9).value.tolist()
    finally:
        store.close()


def test_a_whole_answer_is_taken(answering: Answers) -> None:
    assert read(answering(chunk(HEADING + rows(3)) + chunk(END) + b"0\r\n\r\n")) == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "body",
    [
        b"%x\r\n%s" % (5000, HEADING + rows(100)),
        chunk(HEADING + rows(100)),
        chunk(HEADING + rows(100)[:-5]) + b"ffff\r\n",
        b"",
    ],
    ids=["in the middle of a chunk", "between two chunks", "in the middle of a row", "before the first"],
)
def test_a_connection_lost_half_way_is_an_error_and_no_short_result(answering: Answers, body: bytes) -> None:
    with pytest.raises(UnreachableError, match=r"does not answer|did not finish its answer"):
        read(answering(body))


@pytest.mark.parametrize("body", [HEADING + rows(100), HEADING + rows(100)[:-5], b""])
def test_an_answer_that_ends_in_order_but_early_is_no_short_result(answering: Answers, body: bytes) -> None:
    with pytest.raises(KadoError, match=r"did not finish its answer|does not answer as InfluxDB does|holds what kado"):
        read(answering((chunk(body) if body else b"") + b"0\r\n\r\n"))


def test_rows_out_of_order_are_refused(answering: Answers) -> None:
    # The first rows make more than one piece, and the others begin anew.
    url = answering(chunk(HEADING + rows(200_000)) + chunk(rows(200_000)) + chunk(END) + b"0\r\n\r\n")
    with pytest.raises(DataError, match=r"not in order of time|not strictly increasing"):
        read(url)


def series(n: int, *, partial: bool) -> bytes:
    one: dict[str, object] = {"columns": ["time", "value"], "values": [[i, 1] for i in range(n)]}
    result: dict[str, object] = {"statement_id": 0, "series": [one | ({"partial": True} if partial else {})]}
    return json.dumps({"results": [result | ({"partial": True} if partial else {})]}).encode() + b"\n"


def test_an_answer_that_the_server_calls_partial_is_an_error(answering: Answers) -> None:
    url = answering(chunk(series(5, partial=True)) + b"0\r\n\r\n")
    client = InfluxClient(url, "kado", "kado", "secret")
    with pytest.raises(UnreachableError, match="did not finish its answer"):
        client.query_json("SELECT value FROM telemetry")
    client.close()
    client = InfluxClient(
        answering(chunk(series(5, partial=True)) + chunk(series(2, partial=False)) + b"0\r\n\r\n"),
        "kado",
        "kado",
        "secret",
    )
    assert len(client.query_json("SELECT value FROM telemetry")[0]) == 7
    client.close()


def test_a_server_that_is_killed_while_it_answers_is_an_error(influxdb: InfluxDB) -> None:
    bucket = influxdb.create_bucket()
    store = InfluxStore(bucket.url, bucket.org, bucket.name, bucket.token, "ring", timeout_s=60.0)
    n = 400_000
    store.write(Batch.of_numbers("ring", "current", T + np.arange(n) * 1000, np.arange(n) % 977))
    pieces = store.read_chunks("current", T, T + n * 1000)
    assert len(next(pieces)) > 0
    influxdb.kill()
    with pytest.raises(UnreachableError, match=r"does not answer|did not finish"):
        for _ in pieces:
            pass
    store.close()


MEASURE = """
import resource, sys
from storage.influxdb.store import InfluxStore
url, org, bucket, token, start, middle, end = sys.argv[1:]
store = InfluxStore(url, org, bucket, token, "ring", 60.0)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
def look(until):
    n = sum(len(piece) for piece in store.read_chunks("current", int(start), int(until)))
    return n, len(store.buckets("current", int(start), int(until), 100).count)
look(middle)
before = peak()
print(*look(end), peak() - before)
"""


def test_memory_does_not_grow_with_what_is_read(influx_bucket: Bucket) -> None:
    n, words = 300_000, [f"{i} {'a long reason ' * 20}" for i in range(3)]
    store = InfluxStore(influx_bucket.url, influx_bucket.org, influx_bucket.name, influx_bucket.token, "ring", 60.0)
    times = T + np.arange(n) * 10**9
    for first in range(0, n, 100_000):
        some = slice(first, first + 100_000)
        reason = np.arange(n)[some] % 3
        store.write(
            Batch.build("ring", ["current"], np.zeros(100_000), times[some], value=reason, reason=reason, words=words)
        )
    store.close()
    at = (influx_bucket.url, influx_bucket.org, influx_bucket.name, influx_bucket.token)
    places = [str(T), str(T + n // 10 * 10**9), str(T + n * 10**9)]
    command = [sys.executable, "-c", MEASURE, *at, *places]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    samples, buckets, grown_mb = map(int, found.stdout.split())
    assert (samples, buckets) == (n, 100)
    # As text they are 95 MB, a tenth of which was read before; held at once they would show.
    assert grown_mb < 40
