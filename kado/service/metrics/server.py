"""A small HTTP server in threads of its own: it answers also while the event loop is held up, and says so then."""

import logging
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import prometheus_client
from prometheus_client import CollectorRegistry

from facility.errors import ConfigError
from facility.sentence import Sentence
from kado.service.metrics.readiness import LOOP_FRESH_S

_LOG: Final = logging.getLogger(__name__)

Environment = dict[str, Any]
Respond = Callable[[str, list[tuple[str, str]]], Any]


class MetricsServer:
    """Serves ``/metrics``, ``/healthz`` and ``/readyz``.

    Contract: `start`, then `beat` about each second from the event loop, then `stop`. Nothing that it serves touches
    the event loop.

    Parameters
    ----------
    listen
        Address and port; port 0 takes a free one, see `port`.
    registry
        What is exposed.
    reasons
        What keeps kado from being ready; asked in a thread of the server.
    """

    def __init__(self, listen: str, registry: CollectorRegistry, reasons: Callable[[], Sequence[str]]) -> None:
        host, _, port = listen.rpartition(":")
        library: Any = prometheus_client
        self._metrics: Any = library.make_wsgi_app(registry)
        self._reasons = reasons
        self._beaten = time.monotonic()
        try:
            self._server = make_server(host, int(port), self._answer, server_class=_Server, handler_class=_Handler)
        except OSError as error:
            raise ConfigError(
                Sentence(
                    "metrics.listen is {listen!r}, which cannot be listened on ({reason}): choose "
                    "another address or port",
                    listen=listen,
                    reason=error.strerror or error,
                )
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._server.server_port

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def beat(self) -> None:
        """Say that the event loop runs."""
        self._beaten = time.monotonic()

    def stop(self) -> None:
        """End; waits for the thread."""
        self._server.shutdown()
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Give the port back; harmless when done twice."""
        self._server.server_close()

    def _answer(self, environment: Environment, respond: Respond) -> Iterable[bytes]:
        path = str(environment.get("PATH_INFO", ""))
        if path == "/metrics":
            return self._metrics(environment, respond)
        if path == "/healthz":
            held_s = time.monotonic() - self._beaten
            return _text(respond, [] if held_s < LOOP_FRESH_S else [f"the event loop is held up for {held_s:.0f} s"])
        if path == "/readyz":
            return _text(respond, self._reasons())
        respond("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"/metrics, /healthz, /readyz\n"]


def _text(respond: Respond, reasons: Sequence[str]) -> Iterable[bytes]:
    status = "503 Service Unavailable" if reasons else "200 OK"
    respond(status, [("Content-Type", "text/plain; charset=utf-8")])
    return ["".join(f"{line}\n" for line in reasons or ["ok"]).encode()]


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = 10.0

    def log_message(self, format: str, *args: Any) -> None:
        """Log requests quietly."""
        _LOG.debug(format, *args)
