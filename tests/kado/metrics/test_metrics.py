"""What Prometheus reads of a running kado: every metric documented, health and readiness told apart."""

import re
import runpy
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from facility.errors import ConfigError
from kado.service.metrics.names import METRICS
from kado.service.metrics.server import MetricsServer
from servers import free_port

ROOT = Path(__file__).parents[3]
WRITER = runpy.run_path(str(ROOT / "docs" / "reference" / "write_metrics.py"))


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=120) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_page_of_metrics_is_the_table() -> None:
    # After a change: python docs/reference/write_metrics.py
    assert (ROOT / "docs" / "reference" / "metrics.md").read_text() == WRITER["page"]()


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_a_metric_is_named_as_prometheus_asks(metric: object) -> None:
    from kado.service.metrics.names import Metric

    assert isinstance(metric, Metric)
    assert re.fullmatch(r"kado_[a-z][a-z0-9_]*[a-z0-9]", metric.name)
    assert not metric.name.endswith("_total")
    units = ("_seconds", "_bytes", "_samples", "_ratio", "_info")
    if "_timestamp_" in metric.name:
        assert metric.name.endswith("_timestamp_seconds")
    if metric.kind == "histogram":
        assert metric.name.endswith(units)
    assert metric.about.endswith(".")
    assert metric.labels[0] == "facility"


def test_no_two_metrics_share_a_name() -> None:
    assert len({m.exposed for m in METRICS}) == len(METRICS)


@pytest.fixture
def reasons() -> list[str]:
    return []


@pytest.fixture
def server(reasons: list[str]) -> Iterator[MetricsServer]:
    server = MetricsServer("127.0.0.1:0", CollectorRegistry(), lambda: reasons)
    server.start()
    yield server
    server.stop()


def test_kado_is_ready_until_there_is_a_reason_why_not(server: MetricsServer, reasons: list[str]) -> None:
    assert get(server.port, "/readyz") == (200, "ok\n")
    reasons += ["source ring is down: connection refused", "the figures are not computed yet"]
    status, text = get(server.port, "/readyz")
    assert (status, text.splitlines()) == (503, reasons)
    assert get(server.port, "/healthz")[0] == 200


def test_health_fails_when_the_event_loop_beats_no_more(server: MetricsServer) -> None:
    server.beat()
    assert get(server.port, "/healthz") == (200, "ok\n")
    server._beaten = time.monotonic() - 60
    status, text = get(server.port, "/healthz")
    assert (status, text) == (503, "the event loop is held up for 60 s\n")


def test_an_unknown_path_is_answered_with_those_that_there_are(server: MetricsServer) -> None:
    assert get(server.port, "/") == (404, "/metrics, /healthz, /readyz\n")


def test_metrics_are_in_the_format_of_prometheus(server: MetricsServer) -> None:
    status, text = get(server.port, "/metrics")
    assert status == 200
    assert list(text_string_to_metric_families(text)) == []


def test_an_address_that_is_taken_is_refused_with_the_key_to_change(server: MetricsServer) -> None:
    with pytest.raises(ConfigError, match=rf"metrics.listen is '127.0.0.1:{server.port}', which cannot be listened on"):
        MetricsServer(f"127.0.0.1:{server.port}", CollectorRegistry(), list)


def test_a_slow_client_does_not_hold_up_the_others(server: MetricsServer) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.send(b"GET /metr")
        assert get(server.port, "/healthz")[0] == 200


def test_a_free_port_can_be_asked_for() -> None:
    port = free_port()
    server = MetricsServer(f"127.0.0.1:{port}", CollectorRegistry(), list)
    assert server.port == port
    server.close()
