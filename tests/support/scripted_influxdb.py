"""An HTTP server that answers as InfluxDB does, except where a test tells it to misbehave."""

import http.server
import json
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """How one write request is answered."""

    status: int | None = 204
    """None: no answer at all."""
    headers: dict[str, str] = field(default_factory=dict)
    keep: bool = False
    """Whether the points are stored although the answer does not say so."""
    delay_s: float = 0.0


class ScriptedInfluxDB:
    """Takes writes; follows `script` first, then takes everything but the lines that hold `refused`."""

    def __init__(self, *script: Step, refused: bytes | None = None, max_lines: int | None = None) -> None:
        self.script = deque(script)
        self.refused = refused
        self.max_lines = max_lines
        self.lines: list[bytes] = []
        """Every line that was taken, in order, canaries included, marks on days that are over left out."""
        self.touches: list[bytes] = []
        """Those marks."""
        self.writes: list[float] = []
        """When each write request came, by the monotonic clock."""
        scripted = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None: ...

            def do_GET(self) -> None:
                if self.path.startswith("/api/v2/buckets"):
                    self.answer(200, {}, {"buckets": [{"id": "b", "retentionRules": []}]})
                else:
                    self.answer(200, {}, {"results": [{"statement_id": 0}]})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                scripted.writes.append(time.monotonic())
                touches = [line for line in body.splitlines() if line.startswith(b"minutes_touched,")]
                lines = body.splitlines()[len(touches) :]
                step = scripted.script.popleft() if scripted.script else scripted.judge(lines)
                if step.keep or step.status == 204:
                    scripted.lines += lines
                    scripted.touches += touches
                time.sleep(step.delay_s)
                if step.status is None:
                    # A reset instead of an orderly end.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                else:
                    self.answer(step.status, step.headers, {"message": f"scripted {step.status}"})

            def answer(self, status: int, headers: dict[str, str], document: object) -> None:
                body = b"" if status == 204 else json.dumps(document).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def judge(self, lines: list[bytes]) -> Step:
        if self.max_lines is not None and len(lines) > self.max_lines:
            return Step(413)
        if self.refused is not None and any(self.refused in line for line in lines):
            return Step(422)
        return Step()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
