"""Real servers for tests, each in a folder of its own, on a free loopback port, stopped by its own pid.

Use them through the fixtures in ``tests/conftest.py``. Nothing here goes through kado, so that a test
can compare what kado says with what the server holds.
"""

import getpass
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0


def built_programs() -> Path:
    """Folder into which ``make services`` builds what Debian does not carry."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("KADO_CACHE") or cache_home / "kado") / "bin"


def require(program: str) -> str:
    """Path of a server's program; where it is missing, skip the test and say how to get it.

    With ``KADO_REQUIRE_SERVICES=1``, as in CI, a missing program is a failure.
    """
    places = os.pathsep.join([str(built_programs()), os.environ.get("PATH", ""), "/usr/sbin"])
    if path := shutil.which(program, path=places):
        return path
    message = f"{program} is not installed; get it with: make services"
    if os.environ.get("KADO_REQUIRE_SERVICES") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def free_port() -> int:
    """Loopback port that nobody listens on right now, and that no connection gets as its own end.

    Systems give connections ports from 32768 on. A server on one of those may find it taken when it starts again, even
    by a client that tried to reach it meanwhile and reached itself.
    """
    chance = random.SystemRandom()
    for _ in range(1_000):
        port = chance.randrange(20_000, 32_768)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("1,000 ports of the loopback were tried between 20000 and 32767, and each is in use")


class Server(ABC):
    """One server process; its port, folder and data outlive a restart.

    ``start`` returns once the server answers. ``stop`` (SIGTERM) and ``kill`` (SIGKILL) return once it is
    gone, and may be called when it is gone already. Its output of all runs is in ``output()``.
    """

    program: str

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = free_port()
        self._path = require(self.program)
        self._log = directory / f"{self.program}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._process is not None, f"{self.program} is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and wait until it answers."""
        assert not self.running, f"{self.program} is running already"
        environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.directory)} | self._environment()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._path, *self._arguments()],
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if not self.running:
                pytest.fail(f"{self.program} ended while starting:\n{self.output()}", pytrace=False)
            if time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"{self.program} does not answer:\n{self.output()}", pytrace=False)
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask the server to end, and wait until it has."""
        self._end(subprocess.Popen[bytes].terminate)

    def kill(self) -> None:
        """End the server as a power cut would (kill -9)."""
        self._end(subprocess.Popen[bytes].kill)

    def restart(self) -> None:
        """Stop, then start on the same port with the same data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let the server hang: it keeps its connections and answers nobody (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)
        # On a busy machine it may answer a little longer.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def output(self) -> str:
        """Return the last lines that the server wrote."""
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-200:])

    def _end(self, how: Any) -> None:
        if self._process is None:
            return
        how(self._process)
        # Also one that a failed test left frozen ends.
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            pytest.fail(f"{self.program} had to be killed:\n{self.output()}", pytrace=False)
        finally:
            self._process = None

    @abstractmethod
    def _arguments(self) -> list[str]: ...

    def _environment(self) -> dict[str, str]:
        return {}

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            return False
        return True


class Mosquitto(Server):
    """An MQTT broker without limits on its queues, so that a loss is never the broker's.

    Parameters
    ----------
    directory
        Where its configuration, log and database go.
    persistence
        Keep sessions and queued messages over ``restart()``. (A broker that is killed loses what it
        took since it started, with or without: it writes its database when it stops.)
    password
        When given, clients must log in as user ``kado`` with it.
    log_packets
        Log every packet, so that a test can count what the broker sent twice.
    """

    program = "mosquitto"
    username = "kado"

    def __init__(
        self,
        directory: Path,
        *,
        persistence: bool = False,
        password: str | None = None,
        log_packets: bool = False,
    ) -> None:
        super().__init__(directory)
        self.password = password
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"user {getpass.getuser()}",  # started by root it would become a user who cannot write here
            f"allow_anonymous {'true' if password is None else 'false'}",
            "max_queued_messages 0",
            "max_inflight_messages 2000",
            "set_tcp_nodelay true",
            "log_dest stderr",
        ]
        if log_packets:
            lines.append("log_type all")
        if persistence:
            lines += ["persistence true", f"persistence_location {directory}/"]
        if password is not None:
            lines.append(f"password_file {self._password_file(password)}")
        self._configuration = directory / "mosquitto.conf"
        self._configuration.write_text("\n".join(lines) + "\n")

    @property
    def host(self) -> str:
        """Address to connect to."""
        return "127.0.0.1"

    @property
    def url(self) -> str:
        """Address as kado's configuration takes it."""
        return f"mqtt://{self.host}:{self.port}"

    def packets(self, text: str) -> int:
        """Count the logged packets that contain `text`; needs ``log_packets``."""
        with self._log.open(errors="replace") as log:
            return sum(text in line for line in log)

    def in_flight(self, client: str) -> set[int]:
        """Return the packets with QoS 1 that a client was sent and has not acknowledged; needs ``log_packets``."""
        waiting: set[int] = set()
        sent = re.compile(rf"Sending PUBLISH to {re.escape(client)} \(d\d, q1, r\d, m(\d+),")
        acknowledged = re.compile(rf"Received PUBACK from {re.escape(client)} \(Mid: (\d+),")
        with self._log.open(errors="replace") as log:
            for line in log:
                if found := sent.search(line):
                    waiting.add(int(found[1]))
                elif found := acknowledged.search(line):
                    waiting.discard(int(found[1]))
        return waiting

    def _password_file(self, password: str) -> Path:
        path = self.directory / "passwords"
        path.touch(mode=0o600)
        command = [require("mosquitto_passwd"), "-b", str(path), self.username, password]
        subprocess.run(command, check=True, capture_output=True)
        return path

    def _arguments(self) -> list[str]:
        return ["-c", str(self._configuration)]


class InfluxDB(Server):
    """An InfluxDB 2 with one organisation; ``token`` may do everything."""

    program = "influxd"
    org = "kado"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.token = uuid.uuid4().hex
        self.org_id = ""

    @property
    def url(self) -> str:
        """Address as kado's configuration takes it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; the first time, create the organisation and the token."""
        super().start()
        if not self.org_id:
            first = {"username": "kado", "password": uuid.uuid4().hex, "org": self.org, "bucket": "first"}
            answer = self.call("POST", "/api/v2/setup", first | {"token": self.token})
            self.org_id = json.loads(answer)["org"]["id"]

    def create_bucket(self, *, retention_s: int = 0, name: str = "") -> "Bucket":
        """Make an empty bucket, with a name of its own unless one is given; zero retention keeps for ever."""
        name = name or f"test_{uuid.uuid4().hex[:12]}"
        rules = [{"type": "expire", "everySeconds": retention_s}] if retention_s else []
        self.call("POST", "/api/v2/buckets", {"orgID": self.org_id, "name": name, "retentionRules": rules})
        return Bucket(self, name)

    def create_token(self, bucket: "Bucket", *, actions: tuple[str, ...] = ("read", "write")) -> str:
        """Make a token that may do only these actions, only on this bucket."""
        found = json.loads(self.call("GET", f"/api/v2/buckets?{urlencode({'name': bucket.name})}"))
        resource = {"type": "buckets", "id": found["buckets"][0]["id"], "orgID": self.org_id}
        permissions = [{"action": action, "resource": resource} for action in actions]
        answer = self.call("POST", "/api/v2/authorizations", {"orgID": self.org_id, "permissions": permissions})
        return json.loads(answer)["token"]

    def call(self, method: str, path: str, body: bytes | dict[str, Any] | None = None, **headers: str) -> str:
        """Return the body of the answer; an answer that is not 2xx fails the test."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60.0)
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        try:
            connection.request(method, path, data, {"Authorization": f"Token {self.token}"} | headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        assert 200 <= response.status < 300, f"{method} {path}: {response.status} {text}"
        return text

    def _arguments(self) -> list[str]:
        return []

    def _environment(self) -> dict[str, str]:
        return {
            "INFLUXD_BOLT_PATH": str(self.directory / "influxd.bolt"),
            "INFLUXD_SQLITE_PATH": str(self.directory / "influxd.sqlite"),
            "INFLUXD_ENGINE_PATH": str(self.directory / "engine"),
            "INFLUXD_HTTP_BIND_ADDRESS": f"127.0.0.1:{self.port}",
            "INFLUXD_REPORTING_DISABLED": "true",
        }

    def _answers(self) -> bool:
        if not super()._answers():
            return False
        try:
            self.call("GET", "/health")
        except (AssertionError, OSError, http.client.HTTPException):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of a running InfluxDB, and how to reach it."""

    server: InfluxDB
    name: str

    @property
    def url(self) -> str:
        """Address of the server."""
        return self.server.url

    @property
    def org(self) -> str:
        """Name of the organisation."""
        return self.server.org

    @property
    def token(self) -> str:
        """Token that may do everything."""
        return self.server.token

    def write(self, lines: str) -> None:
        """Write line protocol with times in nanoseconds."""
        query = urlencode({"org": self.org, "bucket": self.name, "precision": "ns"})
        self.server.call("POST", f"/api/v2/write?{query}", lines.encode())

    def query(self, influxql: str) -> list[dict[str, Any]]:
        """Rows of an InfluxQL answer, tags beside columns, times as integer nanoseconds.

        Asked for as JSON: as CSV, InfluxDB answers an unknown bucket or a token without the right to read
        with 200 and nothing.
        """
        query = urlencode({"db": self.name, "q": influxql, "epoch": "ns"})
        (result,) = json.loads(self.server.call("GET", f"/query?{query}"))["results"]
        assert "error" not in result, f"{influxql}: {result['error']}"
        return [
            series.get("tags", {}) | dict(zip(series["columns"], row, strict=True))
            for series in result.get("series", [])
            for row in series["values"]
        ]


class ObjectStore(Server):
    """An S3-compatible server (versitygw), which keeps each object as a file that a test may look at or damage."""

    program = "versitygw"
    region = "us-east-1"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.access_key = uuid.uuid4().hex
        self.secret_key = uuid.uuid4().hex
        for name in ("buckets", "metadata"):
            (directory / name).mkdir()
        self._requests = directory / "requests.log"

    @property
    def credentials(self) -> dict[str, str]:
        """Return the environment in which a client may do everything; it looks for no others."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def create_bucket(self) -> "ObjectBucket":
        """Make an empty bucket with a name of its own."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        (self.directory / "buckets" / name).mkdir()
        return ObjectBucket(self, name)

    def requests(self, bucket: str) -> list[str]:
        """Return what was asked for in a bucket: ``s3_GetObject prefix/name`` and the like, oldest first."""
        lines = [line.split() for line in self._requests.read_text().splitlines()]
        return [f"{words[7]} {words[8]}" for words in lines if len(words) > 8 and words[1] == bucket]

    def _arguments(self) -> list[str]:
        return [
            "--port", f"127.0.0.1:{self.port}", "--region", self.region, "--quiet", "--access-log", str(self._requests),
            "posix", "--sidecar", str(self.directory / "metadata"), str(self.directory / "buckets"),
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return {"ROOT_ACCESS_KEY": self.access_key, "ROOT_SECRET_KEY": self.secret_key}


@dataclass(frozen=True, slots=True)
class ObjectBucket:
    """A bucket of a running object store, and how to reach it."""

    server: ObjectStore
    name: str

    @property
    def folder(self) -> Path:
        """Where its objects lie, as files."""
        return self.server.directory / "buckets" / self.name

    def uri(self, prefix: str = "kado", *, port: int | None = None) -> str:
        """Address of a prefix as kado's configuration takes it; by way of another port, if one is given."""
        options = {
            "endpoint_override": f"127.0.0.1:{port or self.server.port}",
            "scheme": "http",
            "region": self.server.region,
        }
        return f"s3://{self.name}/{prefix}?{urlencode(options)}"
