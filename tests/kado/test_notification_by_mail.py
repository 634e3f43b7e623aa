"""Alarms reach a real SMTP server by Apprise."""

import email
import email.policy
import random
import time
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from command_line import Kado
from facility.errors import ConfigError
from kado.config import Configuration, load_configuration
from kado.service.notification.notice import NoticeKind
from kado.service.notification.sending import Notifications
from notices import SECOND, T0, notice
from servers import free_port
from storage.telemetry_db.alarm_notifications import NewNotification

# Apprise imports it where it is still there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Box:
    """What a server has taken."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def port() -> int:
    return free_port()


def configure(kado: Kado, address: str) -> Configuration:
    assert kado("init").exit_code == 0
    with Path("kado.toml").open("a") as file:
        file.write('\n[alarms]\n[[alarms.target]]\nid = "room"\nkind = "apprise"\nurl_file = "mail.url"\nlang = "en"\n')
    Path("mail.url").write_text(address + "\n")
    Path("data").mkdir()
    return load_configuration()


def mail_address(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?from=kado@example.org&to=shift@example.org&mode=insecure&format=text"


def test_a_message_arrives_by_mail_after_the_server_is_back(kado: Kado, port: int) -> None:
    now = T0
    notifications = Notifications.open(configure(kado, mail_address(port)), lambda: now, random.Random(1))
    (runner,) = notifications.runners
    text = notice(NoticeKind.RAISED).to_json()
    runner.outbox.add([NewNotification("room", "beam_lost", 1, T0, T0, text)])
    assert runner.step() == 1.0
    now = T0 + 10 * SECOND
    runner.step()
    assert runner.results == {"sent": 0, "failed": 1}
    box = Box()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        runner.step()
    finally:
        server.stop()
    (mail,) = box.mails
    assert mail["Subject"] == "[SIMULATED] Ring: critical: Title of beam_lost: raised"
    assert mail["To"] == "shift@example.org"
    body = mail.get_body(("plain",)).get_content()
    for line in ("value: 3.25 mA (limit 10 mA)", "priority: critical", "action: Call the shift leader"):
        assert line in body
    assert runner.results == {"sent": 1, "failed": 1}
    assert runner.outbox.waiting("room") == []
    runner.close()


@pytest.mark.parametrize("address", ["nothing://like.this", "mailto://"])
def test_an_address_that_apprise_does_not_know_is_refused_without_showing_it(kado: Kado, address: str) -> None:
    configuration = configure(kado, address)
    with pytest.raises(ConfigError, match="room: Apprise does not know the address") as caught:
        Notifications.open(configuration, time.time_ns, random.Random(1))
    assert address not in str(caught.value)
