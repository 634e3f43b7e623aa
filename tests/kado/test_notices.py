"""Which transitions somebody is notified of, and that the outbox is filled with the transitions."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from collector.arrival import Arrival
from command_line import Kado
from facility.alarms import AlarmState, Cause, Priority, Transition
from facility.batch import Batch
from facility.errors import UnreachableError
from kado.config import AlarmSettings, Configuration, load_configuration
from kado.notification_settings import AlertmanagerTarget
from kado.service.alarm_facts import FactSources
from kado.service.alarms import Alarms
from kado.service.notification.flood import FloodWatch
from kado.service.notification.notice import Notice, NoticeKind, kind_of
from kado.service.notification.outbox import Outbox
from kado.service.notification.routing import targets_of
from kado.service.notification.sending import Notifications
from notices import SECOND, T0
from storage.telemetry_db.alarm_notifications import NotificationFile

S, K = AlarmState, NoticeKind
RULE = """
[[alarm]]
id = "low"
title = { en = "Low", ja = "低" }
priority = "high"
class = "beam"
consequence = { en = "c", ja = "c" }
action = { en = "a", ja = "a" }
respond_within_s = 600
notify = ["room"]
when = { kind = "limit", signal = "stored_current", below = 10.0 }
"""


@pytest.mark.parametrize(
    ("from_state", "to_state", "annunciated", "kind"),
    [
        (S.NORMAL, S.UNACKED, True, K.RAISED),
        (S.UNKNOWN, S.UNACKED, True, K.RAISED),
        (S.RTN_UNACKED, S.UNACKED, True, K.RAISED),
        (S.ACKED, S.UNACKED, True, K.RAISED),
        (S.SHELVED, S.UNACKED, True, K.RAISED),
        (S.SUPPRESSED, S.UNACKED, True, K.RAISED),
        (S.OUT_OF_SERVICE, S.UNACKED, True, K.RAISED),
        (S.ACKED, S.UNACKED, False, K.CHANGED),
        (S.UNACKED, S.ACKED, False, K.CHANGED),
        (S.SHELVED, S.ACKED, False, K.CHANGED),
        (S.UNACKED, S.RTN_UNACKED, False, K.OVER),
        (S.UNACKED, S.NORMAL, False, K.OVER),
        (S.ACKED, S.NORMAL, False, K.OVER),
        (S.UNACKED, S.SHELVED, False, K.SHELVED),
        (S.ACKED, S.SUPPRESSED, False, K.SUPPRESSED),
        (S.UNACKED, S.OUT_OF_SERVICE, False, K.OUT_OF_SERVICE),
        (S.NORMAL, S.UNKNOWN, False, None),
        (S.UNKNOWN, S.NORMAL, False, None),
        (S.NORMAL, S.SUPPRESSED, False, None),
        (S.UNKNOWN, S.SHELVED, False, None),
        (S.RTN_UNACKED, S.NORMAL, False, None),
        (S.RTN_UNACKED, S.SHELVED, False, None),
        (S.RTN_UNACKED, S.SUPPRESSED, False, None),
        (S.SHELVED, S.NORMAL, False, None),
        (S.OUT_OF_SERVICE, S.NORMAL, False, None),
    ],
)
def test_only_what_begins_changes_or_ends_an_active_alarm_is_notified(
    from_state: AlarmState, to_state: AlarmState, annunciated: bool, kind: NoticeKind | None
) -> None:
    row = Transition(T0, "a", from_state, to_state, Cause.RAISED, 1, 1, Priority.HIGH, "beam", annunciated)
    assert kind_of(row) is kind


def test_a_flood_begins_with_the_eleventh_annunciation_in_ten_minutes() -> None:
    watch = FloodWatch()
    for i in range(10):
        watch.note(T0 + i * SECOND, "a", i)
    watch.note(T0, "a", 0)
    assert not watch.flood(T0 + 10 * SECOND)
    watch.note(T0 + 10 * SECOND, "b", 1)
    assert watch.flood(T0 + 10 * SECOND)
    assert not watch.flood(T0 + 600 * SECOND)


Start = Callable[..., tuple[Configuration, Alarms, list[int]]]


@pytest.fixture
def start(kado: Kado) -> Iterator[Start]:
    """Start the alarms of a service, whose targets are 'room' and 'other'; they are closed in the end."""
    with ExitStack() as opened:

        def started(notify: str = "room") -> tuple[Configuration, Alarms, list[int]]:
            configuration, alarms, now = begin(kado, notify)
            opened.callback(alarms.close)
            return configuration, alarms, now

        yield started


def begin(kado: Kado, notify: str) -> tuple[Configuration, Alarms, list[int]]:
    assert kado("init").exit_code == 0
    with Path("kado.toml").open("a") as file:
        file.write('\n[alarms]\nrules = ["alarms.toml"]\nsettle_s = 0.0\n')
        for name in ("room", "other"):
            file.write(f'[[alarms.target]]\nid = "{name}"\nkind = "alertmanager"\nurl = "http://127.0.0.1:1"\n')
    Path("alarms.toml").write_text(RULE.replace('"room"', f'"{notify}"'))
    Path("data").mkdir()
    now = [T0]

    def status() -> None:
        raise UnreachableError("no service around it")

    configuration = load_configuration()
    alarms = Alarms(configuration, lambda: now[0], FactSources(status, lambda: None))  # type: ignore[arg-type]  # a stand-in with what is asked of it
    assert configuration.settings.alarms is not None
    alarms.outbox = Outbox(configuration, configuration.settings.alarms)
    return configuration, alarms, now


def look(alarms: Alarms, now: list[int], at_s: float, value: float) -> None:
    batch = Batch.of_numbers("nanoterasu_sim", "stored_current", [T0 + round(at_s * SECOND)], [value])
    alarms.inbox.landed([Arrival("ring", batch)], 0.0)
    now[0] = T0 + round((at_s + 0.5) * SECOND)
    alarms.look()


def test_the_outbox_is_filled_together_with_the_transitions(start: Start) -> None:
    configuration, alarms, now = start()
    alarms.look()
    for at_s, value in ((1, 200.0), (2, 3.0), (3, 200.0)):
        look(alarms, now, at_s, value)
    file = NotificationFile.open(configuration.data_dir, configuration.profile.id, "embedded", T0)
    notices = [Notice.from_json(row.text) for row in file.waiting("room")]
    assert [(n.kind, n.seq, n.time_ns - T0) for n in notices] == [(K.RAISED, 1, 2 * SECOND), (K.OVER, 2, 3 * SECOND)]
    assert (notices[0].value, notices[0].unit, notices[0].limit) == (3.0, "mA", 10.0)
    assert notices[1].raised_ns == T0 + 2 * SECOND
    assert file.waiting("other") == []
    file.close()


def test_a_commit_that_fails_leaves_nothing_in_the_outbox_and_the_next_one_writes_it_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration, alarms, now = start()
    alarms.look()
    look(alarms, now, 1, 200.0)
    file = NotificationFile.open(configuration.data_dir, configuration.profile.id, "embedded", T0)

    def full(*_: object, **__: object) -> None:
        raise UnreachableError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("storage.telemetry_db.alarms.AlarmStateFile.commit", full)
        look(alarms, now, 2, 3.0)
    assert file.waiting("room") == []
    look(alarms, now, 3, 3.0)
    assert [row.alarm for row in file.waiting("room")] == ["low"]
    file.close()


def test_an_alarm_whose_targets_are_all_misspelt_goes_to_those_of_the_configuration(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    configuration, alarms, now = start(notify="rom")
    alarms.look()
    look(alarms, now, 1, 200.0)
    look(alarms, now, 2, 3.0)
    runners = Notifications.open(configuration, lambda: T0, random.Random(1)).runners
    assert [len(runner.outbox.waiting(runner.target.id)) for runner in runners] == [1, 1]
    assert caplog.text.count("alarm low: notify names 'rom', and no [[alarms.target]] has that id") == 1
    for runner in runners:
        runner.close()


def test_a_target_takes_the_priorities_and_classes_that_it_names(start: Start) -> None:
    _, alarms, _ = start()
    alarms.look()
    assert alarms.engine is not None
    (rule,) = alarms.engine.rules.rules

    def goes(**more: object) -> bool:
        target = AlertmanagerTarget(id="room", kind="alertmanager", url="http://a", **more)  # type: ignore[arg-type]  # options of any kind
        return bool(targets_of(rule, AlarmSettings(target=(target,))))

    assert goes()
    assert goes(priorities=("high",), classes=("beam",))
    assert not goes(priorities=("critical",))
    assert not goes(classes=("vacuum",))
