"""Alarms reach a real Alertmanager and its receiver."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import notifying_until_killed
from command_line import Kado
from facility.errors import ConfigError
from kado.config import Configuration, load_configuration
from kado.service.notification.notice import NoticeKind
from kado.service.notification.sending import Notifications
from notices import SECOND, T0, notice
from servers import Server, free_port
from storage.telemetry_db.alarm_notifications import NewNotification, NotificationFile
from waiting import wait_for
from watchers import Alertmanager, Receiver

ROOT = Path(__file__).parents[2]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def alertmanager(tmp_path: Path, receiver: Receiver, servers: list[Server]) -> Iterator[Alertmanager]:
    configuration = {
        "route": {"receiver": "shift", "group_by": ["facility", "class"], "group_wait": "0s", "group_interval": "1s"},
        "receivers": [{"name": "shift", "webhook_configs": [{"url": f"{receiver.url}/shift", "send_resolved": True}]}],
    }
    server = Alertmanager(tmp_path / "am", json.dumps(configuration))
    servers.append(server)
    yield server
    server.stop()


def configure(kado: Kado, port: int) -> Configuration:
    assert kado("init").exit_code == 0
    with Path("kado.toml").open("a") as file:
        file.write(
            "\n[alarms]\n[[alarms.target]]\n"
            f'id = "room"\nkind = "alertmanager"\nurl = "http://127.0.0.1:{port}"\nlang = "en"\n'
        )
    Path("data").mkdir()
    return load_configuration()


def outbox(configuration: Configuration) -> NotificationFile:
    return NotificationFile.open(configuration.data_dir, configuration.profile.id, "embedded", T0)


def put(file: NotificationFile, kind: NoticeKind, seq: int, alarm: str = "beam_lost") -> None:
    now = time.time_ns()
    row = notice(kind, 0, alarm, seq=seq, time_ns=now, raised_ns=now - SECOND)
    file.add([NewNotification("room", alarm, seq, now, now, row.to_json())])


def test_an_alarm_and_its_end_reach_the_receiver(kado: Kado, alertmanager: Alertmanager, receiver: Receiver) -> None:
    alertmanager.start()
    configuration = configure(kado, alertmanager.port)
    notifications = Notifications.open(configuration, time.time_ns, random.Random(1))
    (runner,) = notifications.runners
    put(runner.outbox, NoticeKind.RAISED, 1)
    runner.step()
    wait_for(lambda: ("/shift", "firing", "beam_lost") in receiver.names())
    put(runner.outbox, NoticeKind.SHELVED, 2)
    runner.step()
    wait_for(lambda: ("/shift", "resolved", "beam_lost") in receiver.names())
    resolved = [a for _, _, body in receiver.received for a in body["alerts"] if a["status"] == "resolved"]
    assert resolved[0]["annotations"]["state"] == "shelved by Mori"
    assert resolved[0]["annotations"]["title"].startswith("[SIMULATED] ")
    assert runner.results == {"sent": 2, "failed": 0}
    assert notifications.oldest_s() == 0.0
    runner.close()


def test_a_target_that_is_down_gets_what_came_and_went_once_it_is_back(
    kado: Kado, alertmanager: Alertmanager, receiver: Receiver
) -> None:
    configuration = configure(kado, alertmanager.port)
    now = time.time_ns()
    notifications = Notifications.open(configuration, lambda: now, random.Random(1))
    (runner,) = notifications.runners
    put(runner.outbox, NoticeKind.RAISED, 1)
    put(runner.outbox, NoticeKind.OVER, 2)
    now = time.time_ns() + 50 * SECOND
    waits = [runner.step() for _ in range(8)]
    assert runner.results == {"sent": 0, "failed": 8}
    assert 45 < (notifications.oldest_s() or 0) < 51
    assert all(0 <= wait <= 2.0**i for i, wait in enumerate(waits))
    alertmanager.start()
    now = time.time_ns()
    runner.step()
    wait_for(lambda: ("/shift", "firing", "beam_lost") in receiver.names())
    assert runner.results["sent"] == 1
    assert runner.outbox.waiting("room") == []
    runner.close()


def test_what_was_posted_before_a_kill_is_posted_again_and_nothing_is_lost(
    kado: Kado, alertmanager: Alertmanager, receiver: Receiver
) -> None:
    alertmanager.start()
    configuration = configure(kado, alertmanager.port)
    file = outbox(configuration)
    for i in range(3):
        put(file, NoticeKind.RAISED, 1, f"a{i}")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])}
    command = [sys.executable, str(notifying_until_killed.__file__), str(Path.cwd())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == b"posted\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert len(file.waiting("room")) == 3
    wait_for(lambda: {("/shift", "firing", f"a{i}") for i in range(3)} <= receiver.names())
    (runner,) = Notifications.open(configuration, time.time_ns, random.Random(1)).runners
    runner.step()
    assert file.waiting("room") == []
    assert set(file.sent("room")) == {"a0", "a1", "a2"}
    runner.close()
    file.close()


def test_check_names_an_alertmanager_that_cannot_be_reached(kado: Kado, alertmanager: Alertmanager) -> None:
    configure(kado, alertmanager.port)
    answer = kado("check", "--format", "json")
    (found,) = [c for c in answer.document["checks"] if c["what"] == "target room"]
    assert not found["ok"]
    assert f"http://127.0.0.1:{alertmanager.port}: it cannot be reached" in found["detail"]
    alertmanager.start()
    (found,) = [c for c in kado("check", "--format", "json").document["checks"] if c["what"] == "target room"]
    assert (found["ok"], found["detail"]) == (True, f"http://127.0.0.1:{alertmanager.port}: reachable")


def test_rows_of_a_target_that_is_not_configured_any_more_go(kado: Kado) -> None:
    configuration = configure(kado, free_port())
    file = outbox(configuration)
    file.add([NewNotification("gone", "a", 1, 0, 0, "{}")])
    for runner in Notifications.open(configuration, time.time_ns, random.Random(1)).runners:
        runner.close()
    assert file.waiting("gone") == []
    file.close()


def test_a_full_outbox_gives_up_what_a_later_row_of_the_same_alarm_replaces(kado: Kado) -> None:
    file = outbox(configure(kado, free_port()))
    rows = [NewNotification("room", f"a{i % 3}", i, i, i, "{}") for i in range(9)]
    assert file.add(rows, most=5) == 4
    assert file.add(rows[-1:], most=5) == 0
    assert [row.created_ns for row in file.waiting("room")] == [4, 5, 6, 7, 8]
    file.add([NewNotification("room", f"b{i}", 1, 9, 9, "{}") for i in range(4)], most=5)
    assert [row.alarm for row in file.waiting("room")] == ["a0", "a1", "a2", "b0", "b1", "b2", "b3"]
    file.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[alarms]\nnotify = ["rom"]\n[[alarms.target]]\nid = "room"\nkind = "alertmanager"\nurl = "http://a"', "room"),
        ('[alarms]\n[[alarms.target]]\nid = "r"\nkind = "alertmanager"\nurl = "http://u:p@a"', "credentials"),
        ('[alarms]\n[[alarms.target]]\nid = "r"\nkind = "apprise"', "exactly one of url and url_file"),
        ('[alarms]\n[[alarms.target]]\nid = "r"\nkind = "apprise"\nurl = "mailto://u:p@a"', "password"),
    ],
)
def test_a_target_that_is_wrong_is_refused_with_what_to_do(kado: Kado, text: str, message: str) -> None:
    assert kado("init").exit_code == 0
    with Path("kado.toml").open("a") as file:
        file.write(f"\n{text}\n")
    with pytest.raises(ConfigError, match=message):
        load_configuration()
