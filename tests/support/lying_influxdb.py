"""A server that lies, in front of a real InfluxDB: what proxies, other programs and broken networks answer.

Each lie is a way to answer one request. `LyingInfluxDB` passes requests on to the real server, except those that
it lies about: all, or a share that a seeded chance draws. No lie says that a write succeeded which did not.
"""

import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

HUGE_BYTES: Final = 300_000_000
_PIECE: Final = b"x" * 65_536


class Exchanged(BaseHTTPRequestHandler):
    """One request, and what a lie may do with it."""

    protocol_version = "HTTP/1.1"
    body: bytes
    liar: "LyingInfluxDB"

    def log_message(self, format: str, *args: object) -> None: ...

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        lie = self.liar.draw(self.command, self.path)
        try:
            if lie is None:
                self.say(*self.forward())
            else:
                lie(self)
        except OSError:
            # Whom we lie to may hang up.
            self.close_connection = True

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815  # the library's names

    def forward(self) -> tuple[int, bytes, dict[str, str]]:
        """Ask the real server, and return what it says."""
        connection = HTTPConnection("127.0.0.1", self.liar.port_behind, timeout=120)
        kept = {n: v for n, v in self.headers.items() if n.lower() not in ("host", "content-length", "connection")}
        try:
            connection.request(self.command, self.path, self.body, kept)
            answer = connection.getresponse()
            return answer.status, answer.read(), {"Content-Type": answer.headers.get("Content-Type", "")}
        finally:
            connection.close()

    def say(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Answer in good form."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def raw(self, data: bytes) -> None:
        """Answer with bytes of any form, and hang up."""
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    def reset(self) -> None:
        """Break the connection off."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def stream(self, status: int, size: int, *, chunked: bool) -> None:
        """Answer with a body without end."""
        self.send_response(status)
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))))
        self.end_headers()
        self.close_connection = True
        sent = 0
        while sent < size and not self.liar.closing.is_set():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE) if chunked else _PIECE)
            sent += len(_PIECE)
        self.liar.streamed.append(sent)


Lie = Callable[[Exchanged], None]

PAGE: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


def _says(status: int, body: bytes, **headers: str) -> Lie:
    return lambda e: e.say(status, body, {n.replace("_", "-"): v for n, v in headers.items()})


def _drip(e: Exchanged) -> None:
    e.send_response(200)
    e.send_header("Content-Length", "1000000")
    e.end_headers()
    e.close_connection = True
    while not e.liar.closing.is_set():
        e.wfile.write(b"x")
        e.wfile.flush()
        time.sleep(0.02)


def _silent(e: Exchanged) -> None:
    e.close_connection = True
    e.liar.closing.wait(e.liar.silence_s)


def _after(end: Lie) -> Lie:
    """Pass the request on first: the points are there, and the answer does not say so."""

    def lie(e: Exchanged) -> None:
        e.forward()
        end(e)

    return lie


def _cut(e: Exchanged) -> None:
    status, body, headers = e.forward()
    if status == 204:
        e.reset()
        return
    head = "".join(f"{n}: {v}\r\n" for n, v in headers.items())
    e.raw(f"HTTP/1.1 {status} OK\r\n{head}Content-Length: {len(body) + 100}\r\n\r\n".encode() + body[: len(body) // 2])


LIES: Final[dict[str, Lie]] = {
    "nothing": _says(200, b""),
    "a page": _says(200, PAGE, Content_Type="text/html"),
    "a page as JSON": _says(200, PAGE, Content_Type="application/json"),
    "another JSON": _says(200, b'{"status": "ok"}', Content_Type="application/json"),
    "a list": _says(200, b"[]"),
    "null": _says(200, b"null"),
    "a number": _says(200, b"42"),
    "JSON nested deep": _says(200, b"[" * 100_000),
    "a number of 5,000 digits": _says(200, b'{"results": ' + b"9" * 5_000 + b"}"),
    "lists that are texts": _says(200, b'{"results": "none", "buckets": "none", "orgs": "none"}'),
    "lists of texts": _says(200, b'{"results": ["none"], "buckets": ["none"], "orgs": ["none"]}'),
    "results without a number": _says(200, b'{"results": [{}], "buckets": [{}], "orgs": [{}]}'),
    "a bucket without rules": _says(200, b'{"buckets": [{"id": "b"}], "results": []}'),
    "rules that are none": _says(
        200,
        b'{"buckets": [{"id": "b", "retentionRules": [{"type": "expire", "everySeconds": "soon"}]}], "results": []}',
    ),
    "rows that do not fit": _says(
        200,
        b'{"results": [{"statement_id": 0, "series": [{"name": "t", "columns": ["time"], "values": [[1, 2], 3]}]}]}',
    ),
    "times that are none": _says(
        200,
        b'{"results": [{"statement_id": 0, "series": [{"name": "t", "columns":'
        b' ["time", "signal"], "values": [["now", "x"]]}]}]}',
    ),
    "columns of another table": _says(
        200,
        b'{"results": [{"statement_id": 0, "series": [{"name": "t", "columns": ["time", "x"], "values": [[1, 2]]}]}]}',
    ),
    "parts without end": _says(200, b'{"results": [{"statement_id": 0, "partial": true}]}'),
    "not UTF-8": _says(200, b"\xff\xfe\x00{}"),
    "compressed, and not": _says(200, b'{"results": []}', Content_Encoding="gzip"),
    "204 to everything that reads": lambda e: e.say(204) if e.command == "GET" else e.say(202, b"later"),
    "half of it": _cut,
    "a bad chunk": lambda e: e.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
    "no HTTP": lambda e: e.raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a status that is none": lambda e: e.raw(b"HTTP/1.1 fine OK\r\n\r\n"),
    "a header without end": lambda e: e.raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"),
    "headers without end": lambda e: e.raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5_000 + b"\r\n"),
    "hung up": lambda e: e.raw(b""),
    "reset": lambda e: e.reset(),
    "taken, then reset": _after(lambda e: e.reset()),
    "taken, then a page": _after(_says(200, PAGE)),
    "taken, then 502": _after(_says(502, b"<html>Bad Gateway</html>")),
    "silence": _silent,
    "a byte at a time": _drip,
    "an error of 300 MB": lambda e: e.stream(500, HUGE_BYTES, chunked=False),
    "an answer of 300 MB": lambda e: e.stream(200, HUGE_BYTES, chunked=True),
    "a redirection to itself": lambda e: e.say(302, b"", {"Location": e.path}),
    "a redirection elsewhere": _says(301, b"", Location="http://127.0.0.1:9/"),
    "401": _says(401, PAGE, WWW_Authenticate="Basic"),
    "404 of a proxy": _says(404, PAGE),
    "413": _says(413, PAGE),
    "429, again soon": _says(429, b"", Retry_After="soon"),
    "503, again never": _says(503, b"", Retry_After="1e9999"),
    "503, again at no time": _says(503, b"null", Retry_After="nan"),
}
"""Each lie by its name."""


@dataclass
class LyingInfluxDB:
    """A server on a port of its own, in front of the InfluxDB at `port_behind`; to be closed.

    Parameters
    ----------
    port_behind
        Of the real server.
    lies
        Names of lies; one is drawn for each request that is lied about.
    share
        Of requests that are lied about; 1 is all.
    seed
        Of the draw.
    only
        Part of the path of requests that are lied about.
    silence_s
        How long the silent lie is silent.
    """

    port_behind: int
    lies: tuple[str, ...] = tuple(LIES)
    share: float = 1.0
    seed: int = 0
    only: str = ""
    silence_s: float = 30.0
    told: list[str] = field(default_factory=list[str])
    """The lies told, in their order."""
    streamed: list[int] = field(default_factory=list[int])
    """Bytes of bodies without end that somebody took."""
    honest: bool = False
    """Set it to pass everything on from now on."""

    def __post_init__(self) -> None:
        self.closing = threading.Event()
        self._chance = random.Random(self.seed)
        self._lock = threading.Lock()
        liar = self

        class Handler(Exchanged):
            def setup(self) -> None:
                self.liar = liar
                super().setup()

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None: ...

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def draw(self, method: str, path: str) -> Lie | None:
        """Return the lie for a request; None to pass it on."""
        with self._lock:
            if self.honest or self.only not in path or self._chance.random() >= self.share:
                return None
            name = self._chance.choice(self.lies)
            self.told.append(name)
        return LIES[name]

    def close(self) -> None:
        """Stop answering."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
