"""Prometheus and Alertmanager for tests, and a receiver of notifications."""

import json
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from servers import Server, free_port


class _Ready(Server):
    """A server that says itself when it is ready."""

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


class Prometheus(_Ready):
    """A Prometheus that scrapes as job ``kado``.

    Parameters
    ----------
    directory
        Where its configuration and data go.
    target
        Host and port to scrape; several separated by a space.
    rules
        Text of a rule file; empty: none.
    alertmanager
        Host and port of an Alertmanager; empty: none.
    every
        Scrape and evaluation interval.
    """

    program = "prometheus"

    def __init__(
        self, directory: Path, target: str, *, rules: str = "", alertmanager: str = "", every: str = "1s"
    ) -> None:
        super().__init__(directory)
        configuration: dict[str, Any] = {
            "global": {"scrape_interval": every, "evaluation_interval": every, "scrape_timeout": every},
            "scrape_configs": [{"job_name": "kado", "static_configs": [{"targets": target.split()}]}],
        }
        if rules:
            (directory / "rules.yml").write_text(rules)
            configuration["rule_files"] = ["rules.yml"]
        if alertmanager:
            configuration["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
        # YAML takes JSON.
        (directory / "prometheus.yml").write_text(json.dumps(configuration))

    @property
    def url(self) -> str:
        """Address of its API."""
        return f"http://127.0.0.1:{self.port}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the answer to an instant query; an error fails the test."""
        with urllib.request.urlopen(
            f"{self.url}/api/v1/query?{urlencode({'query': expression})}", timeout=120
        ) as answer:
            document = json.loads(answer.read())
        assert document["status"] == "success", document
        return document["data"]["result"]

    def wait_for(self, expression: str, timeout_s: float = 120.0) -> list[dict[str, Any]]:
        """Return the first answer that is not empty."""
        deadline = time.monotonic() + timeout_s
        while not (found := self.query(expression)):
            assert time.monotonic() < deadline, f"no answer to {expression}"
            time.sleep(0.2)
        return found

    def _arguments(self) -> list[str]:
        return [
            f"--config.file={self.directory}/prometheus.yml",
            f"--storage.tsdb.path={self.directory}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]


class Alertmanager(_Ready):
    """An Alertmanager with a configuration of its own."""

    program = "prometheus-alertmanager"

    def __init__(self, directory: Path, configuration: str) -> None:
        super().__init__(directory)
        (directory / "alertmanager.yml").write_text(configuration)
        self._peers = free_port()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def post(self, *alerts: dict[str, Any]) -> None:
        """Hand alerts in, as Prometheus does."""
        request = urllib.request.Request(
            f"http://{self.address}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            assert answer.status == 200

    def state_of(self, name: str) -> str | None:
        """Return ``active``, ``suppressed`` or ``unprocessed`` of an alert; None where there is none."""
        with urllib.request.urlopen(f"http://{self.address}/api/v2/alerts", timeout=120) as answer:
            found = [a for a in json.loads(answer.read()) if a["labels"]["alertname"] == name]
        return found[0]["status"]["state"] if found else None

    def _arguments(self) -> list[str]:
        return [
            f"--config.file={self.directory}/alertmanager.yml",
            f"--storage.path={self.directory}/data",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]


class _Served:
    """Answers HTTP requests in a thread; a context manager."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Writes no log."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Receiver(_Served):
    """Takes webhooks of Alertmanager."""

    def __init__(self) -> None:
        self.received: list[tuple[float, str, dict[str, Any]]] = []
        """When, on which path, and what."""
        receiver = self

        class Handler(_Handler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.received.append((time.time(), self.path, body))
                self.send_response(200)
                self.end_headers()

        super().__init__(Handler)

    def names(self) -> set[tuple[str, str, str]]:
        """Return path, status and name of every alert that was received."""
        return {
            (path, alert["status"], alert["labels"]["alertname"])
            for _, path, body in self.received
            for alert in body["alerts"]
        }


class Exposed(_Served):
    """Serves metrics that a test sets."""

    def __init__(self) -> None:
        self.text = ""
        """What is answered; empty: an error."""
        exposed = self

        class Handler(_Handler):
            def do_GET(self) -> None:
                body = exposed.text.encode()
                self.send_response(200 if body else 503)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

        super().__init__(Handler)
