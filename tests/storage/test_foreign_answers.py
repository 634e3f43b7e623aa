"""What answers need not be InfluxDB: each strange answer is an error of ours that is tried again, within bounds."""

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

import numpy as np
import pytest

from facility.batch import Batch
from facility.errors import AuthorizationError, DataError, KadoError, UnreachableError
from lying_influxdb import LIES, LyingInfluxDB
from servers import Bucket
from storage.influxdb import client as client_module
from storage.influxdb import exchange
from storage.influxdb.administration import Administration
from storage.influxdb.client import InfluxClient
from storage.influxdb.store import InfluxStore

T: Final = 1_790_000_000_000_000_000
SAMPLES: Final = Batch.of_numbers("ring", "current", T + np.arange(5) * 10**9, np.arange(5.0))

Ask = Callable[[InfluxClient, InfluxStore], object]

QUESTIONS: Final[dict[str, Ask]] = {
    "bucket_info": lambda client, _: client.bucket_info(),
    "query_json": lambda client, _: [r["value"] for r in client.query_json("SHOW TAG VALUES WITH KEY = signal")[0]],
    "delete": lambda client, _: client.delete({"signal": "other"}, T, T + 1),
    "ensure_bucket": lambda client, _: Administration(client).ensure_bucket("b", None, update=False, description=""),
    "make_token": lambda client, _: Administration(client).make_token(["b"], "kado"),
    "read": lambda _, store: store.read("current", T, T + 10**10),
    "last": lambda _, store: store.last(["current"]),
    "series": lambda _, store: store.series(),
    "extent": lambda _, store: store.extent("current"),
}
# What InfluxDB says too: a person has to put it right.
REFUSALS: Final[dict[str, type[KadoError]]] = {
    "401": AuthorizationError,
    "404 of a proxy": UnreachableError,
    "413": DataError,
}


# Only these keep a client waiting; with any other, a busy machine must not make an answer late.
SILENT: Final = "silence"
DRIPPING: Final = "a byte at a time"


@pytest.fixture(autouse=True)
def impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "QUERY_TIMEOUT_S", 0.3)
    if f"[{DRIPPING}]" in request.node.name:
        monkeypatch.setattr(exchange, "PATIENCE_S", 0.3)


@pytest.fixture
def start(influx_bucket: Bucket) -> Iterator[Callable[[str], LyingInfluxDB]]:
    started: list[LyingInfluxDB] = []

    def begin(lie: str) -> LyingInfluxDB:
        started.append(LyingInfluxDB(influx_bucket.server.port, (lie,)))
        return started[-1]

    yield begin
    for liar in started:
        liar.close()


def client_of(bucket: Bucket, url: str, timeout_s: float = 10.0) -> InfluxClient:
    return InfluxClient(url, bucket.org, bucket.name, bucket.token, timeout_s=timeout_s)


@pytest.mark.parametrize("lie", LIES)
def test_every_question_ends_in_an_error_that_is_tried_again(
    lie: str, influx_bucket: Bucket, start: Callable[[str], LyingInfluxDB]
) -> None:
    with closing(client_of(influx_bucket, influx_bucket.url)) as honest:
        assert honest.write(b'telemetry,facility=ring,signal=current value=1,quality="good" %d\n' % T).status == 204
    liar = start(lie)
    timeout_s = 0.3 if lie == SILENT else 10.0
    org, bucket, token = influx_bucket.org, influx_bucket.name, influx_bucket.token
    with (
        closing(client_of(influx_bucket, liar.url, timeout_s)) as client,
        closing(InfluxStore(liar.url, org, bucket, token, "ring", timeout_s=timeout_s)) as store,
    ):
        for name, ask in QUESTIONS.items():
            began = time.monotonic()
            with pytest.raises(REFUSALS.get(lie, UnreachableError)) as raised:
                ask(client, store)
            assert liar.url in str(raised.value), name
            assert raised.value.retryable or lie in REFUSALS, name
            assert time.monotonic() - began < 60, name
    assert liar.told


@pytest.mark.parametrize("lie", LIES)
def test_no_write_succeeds_and_the_next_one_does(
    lie: str, influx_bucket: Bucket, start: Callable[[str], LyingInfluxDB]
) -> None:
    liar = start(lie)
    line = b'telemetry,facility=ring,signal=current value=1,quality="good" %d\n' % T
    # Long enough for the honest answer that follows.
    with closing(client_of(influx_bucket, liar.url, 3.0 if lie == SILENT else 10.0)) as client:
        answer = client.write(line)
        assert answer.status != 204
        assert len(answer.message) <= 1_000
        assert isinstance(client.problem(answer), KadoError)
        assert answer.retry_after_s is None or 0 <= answer.retry_after_s < 1e9
        liar.honest = True
        assert client.write(line).status == 204


@pytest.mark.parametrize("lie", ["an error of 300 MB", "an answer of 300 MB"])
def test_a_body_without_end_takes_little_memory(
    lie: str, influx_bucket: Bucket, start: Callable[[str], LyingInfluxDB], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "PATIENCE_S", 60.0)
    liar = start(lie)
    with closing(client_of(influx_bucket, liar.url)) as client:
        client.write(b"")
        tracemalloc.start()
        for ask in (lambda: client.write(b"x"), client.bucket_info, lambda: client.query_json("SHOW DATABASES")):
            try:
                ask()
            except UnreachableError:
                pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    # A document of 64 MiB may come in pieces that are joined once.
    assert peak < 150e6


IMPORTED_AT_ONCE: Final = """
import threading
from storage.influxdb.client import InfluxClient

start, errors = threading.Barrier(8), []


def ask():
    client = InfluxClient("http://127.0.0.1:9", "kado", "kado", "secret", timeout_s=1.0)
    start.wait()
    try:
        assert client.write(b"x").status is None
    except BaseException as error:
        errors.append(repr(error))


threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(errors)
"""


def test_threads_that_talk_to_influxdb_for_the_first_time_at_once_do_not_disturb_each_other() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED_AT_ONCE], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
