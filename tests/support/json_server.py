"""A real HTTP server with documents that a test changes, and a record of what it was asked."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


class JsonServer:
    """Serves one body at every path; stop and start again at the same port."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.body = b"{}"
        self.status = 200
        self.headers: dict[str, str] = {}
        self.etag: str | None = None
        self.token: str | None = None
        self.asked: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.port = 0
        self._certificate = certificate
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"{'http' if self._certificate is None else 'https'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
                status, body = outer.answer(self.path, dict(self.headers.items()))
                outer.answers.append(status)
                self.send_response(status)
                for name, text in outer.headers.items():
                    self.send_header(name, text)
                if outer.etag is not None:
                    self.send_header("ETag", outer.etag)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        if self._certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """Return status and body; a test may put another function here."""
        if self.token is not None and headers.get("Authorization") != f"Bearer {self.token}":
            return 401, b"{}"
        if self.etag is not None and headers.get("If-None-Match") == self.etag:
            return 304, b""
        return self.status, self.body

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()
