"""What a target answers decides when it is tried again."""

import random
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from facility.errors import MissingExtraError
from kado.notification_settings import AlertmanagerTarget, AppriseTarget
from kado.service.notification.alertmanager import AlertmanagerClient
from kado.service.notification.apprise_sender import AppriseService
from kado.service.notification.delivery import Delivery
from kado.service.notification.sending import TargetRunner
from servers import free_port


class Answering:
    """A server that gives one answer to all."""

    status = 200
    headers: tuple[tuple[str, str], ...] = ()
    body = b"{}"
    ends = True
    """Otherwise the connection stays open after the body until the client closes it."""


@pytest.fixture
def answering() -> Iterator[tuple[Answering, str]]:
    found = Answering()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(found.status)
            for name, value in found.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.body)
            if not found.ends:
                self.wfile.flush()
                self.rfile.read(1)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def client(url: str) -> AlertmanagerClient:
    return AlertmanagerClient(AlertmanagerTarget(id="room", kind="alertmanager", url=url, timeout_s=2.0), None)


@pytest.mark.parametrize(
    ("status", "retry_after", "retryable", "wait_s"),
    [
        (503, "7", True, 7.0),
        (429, "99999", True, 3600.0),
        (500, "soon", True, None),
        (400, None, False, None),
        (503, "nan", True, None),
    ],
)
def test_an_answer_says_whether_and_when_to_try_again(
    answering: tuple[Answering, str], status: int, retry_after: str | None, retryable: bool, wait_s: float | None
) -> None:
    server, url = answering
    server.status, server.body = status, b"x" * 100_000
    server.headers = () if retry_after is None else (("Retry-After", retry_after),)
    found = client(url).post([{}])
    assert (found.taken, found.retryable, found.retry_after_s) == (False, retryable, wait_s)
    assert found.problem.startswith(f"it answered {status} xxx")
    assert len(found.problem) < 400


@pytest.mark.parametrize(("status", "problem"), [(500, "it answered 500 end"), (200, "")])
def test_of_a_reply_no_more_is_read_than_the_limit(answering: tuple[Answering, str], status: int, problem: str) -> None:
    server, url = answering
    server.status, server.ends = status, False
    server.headers = (("Content-Length", str(1 << 30)),)
    server.body = b" " * 4_093 + b"end" + b"more"
    target = AlertmanagerTarget(id="room", kind="alertmanager", url=url, timeout_s=60.0)
    found = AlertmanagerClient(target, None).post([{}])
    assert (found.taken, found.problem) == (status == 200, problem)


@pytest.mark.parametrize(("ahead_s", "wait_s"), [(90, 90.0), (-30, 0.0), (86_400, 3600.0)])
def test_a_date_to_try_again_at_is_by_the_servers_own_clock(
    answering: tuple[Answering, str], ahead_s: int, wait_s: float
) -> None:
    server, url = answering
    server.status = 503
    server.headers = (("Retry-After", formatdate(time.time() + ahead_s, usegmt=True)),)
    found = client(url).post([{}])
    assert found.retry_after_s is not None
    assert abs(found.retry_after_s - wait_s) <= 2.0


def test_nobody_there_is_tried_again() -> None:
    found = client(f"http://127.0.0.1:{free_port()}").post([{}])
    assert (found.taken, found.retryable) == (False, True)
    assert "it cannot be reached" in found.problem


class Outbox:
    """An outbox in which nothing waits."""

    def oldest_due_ns(self, target: str) -> int | None:
        del target
        return None


class Sender:
    """Gives one answer after the other."""

    def __init__(self, *answers: Delivery) -> None:
        self.answers = list(answers)

    def step(self, now_ns: int) -> Delivery | None:
        del now_ns
        return self.answers.pop(0) if self.answers else None


def test_the_wait_is_at_least_what_the_target_asks_for_and_never_ends_the_attempts() -> None:
    target = AlertmanagerTarget(id="room", kind="alertmanager", url="http://a")
    answers = [Delivery(False, "busy", retry_after_s=40.0), *[Delivery(False, "down")] * 50, Delivery(True)]
    runner = TargetRunner(target, Outbox(), Sender(*answers), lambda: 0, random.Random(1))  # type: ignore[arg-type]  # a stand-in with what is asked of it
    assert runner.step() >= 40.0
    waits = [runner.step() for _ in range(50)]
    assert max(waits) <= 300.0
    assert max(waits[10:]) > 150.0
    assert runner.step() == 0.0
    assert runner.step() == 1.0
    assert runner.results == {"sent": 1, "failed": 51}


def test_without_apprise_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    target = AppriseTarget(id="room", kind="apprise", url="mailto://a")
    with pytest.raises(MissingExtraError, match=r"room: .*pip install 'kado\[notify\]'"):
        AppriseService.open(target, "mailto://a")
