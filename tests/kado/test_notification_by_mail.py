"""Alarms reach a real SMTP server by Apprise."""

import email
import email.policy
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import mailing_until_killed
from command_line import Kado
from facility.errors import ConfigError
from kado.config import Configuration, load_configuration
from kado.service.notification.notice import NoticeKind
from kado.service.notification.sending import Notifications
from mail_server import MailServer
from notices import SECOND, T0, notice
from servers import free_port
from storage.telemetry_db.alarm_notifications import NewNotification, NotificationFile
from waiting import wait_for

ROOT = Path(__file__).parents[2]

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
    with MailServer(box, port):
        runner.step()
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


def test_check_names_a_mail_server_that_cannot_be_reached_and_sends_it_nothing(kado: Kado, port: int) -> None:
    configure(kado, mail_address(port))

    def found() -> dict[str, Any]:
        (check,) = [c for c in kado("check", "--format", "json").document["checks"] if c["what"] == "target room"]
        return check

    assert not found()["ok"]
    assert f"127.0.0.1:{port} cannot be reached" in found()["detail"]
    box = Box()
    with MailServer(box, port):
        assert found() == {
            "what": "target room",
            "ok": True,
            "detail": f"127.0.0.1:{port}: reachable",
            "warning": False,
        }
    assert box.mails == []


def test_check_does_not_claim_to_have_reached_a_service_that_only_a_message_would_reach(kado: Kado) -> None:
    configure(kado, "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ring")
    (check,) = [c for c in kado("check", "--format", "json").document["checks"] if c["what"] == "target room"]
    assert check["ok"]
    assert "only a message would show" in check["detail"]


def test_over_several_kills_each_message_is_sent_and_none_more_than_once_for_each_kill(kado: Kado, port: int) -> None:
    configuration = configure(kado, mail_address(port))
    file = NotificationFile.open(configuration.data_dir, configuration.profile.id, "embedded", T0)
    # Of a class each, so that each is a message of its own; written so long ago that none waits for others.
    alarms = [f"a{i}" for i in range(6)]
    rows = [
        NewNotification("room", alarm, 1, T0, T0, notice(NoticeKind.RAISED, 0, alarm, class_=f"c{alarm}").to_json())
        for alarm in alarms
    ]
    box = Box()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])}
    command = [sys.executable, str(mailing_until_killed.__file__), str(Path.cwd())]
    kills = 3
    with MailServer(box, port):
        for kill in range(kills):
            file.add(rows[kill * 2 : kill * 2 + 2])
            # Killed once the server has one more: before or after that is settled. Apprise waits seconds for the next.
            wanted = len(box.mails) + 1
            process = subprocess.Popen(command, env=environment)
            wait_for(lambda wanted=wanted: len(box.mails) >= wanted)
            process.send_signal(signal.SIGKILL)
            process.wait()
        (runner,) = Notifications.open(configuration, time.time_ns, random.Random(1)).runners
        while file.waiting("room"):
            runner.step()
        runner.close()
    times = Counter(mail["Subject"].split("Title of ")[1].split(":")[0] for mail in box.mails)
    assert set(times) == set(alarms)
    assert max(times.values()) <= 1 + kills
    assert times.total() - len(alarms) <= kills
    assert set(file.sent("room")) == set(alarms)
    file.close()
