"""What an Alertmanager is sent."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from facility.alarms import AlarmState, Priority
from kado.language import in_language
from kado.service.notification.alertmanager_policy import Post, SentAlert, plan_post
from kado.service.notification.notice import Notice, NoticeKind
from notices import SECOND, T0, notice

TOKYO = ZoneInfo("Asia/Tokyo")


class Server:
    """What a target was sent, as the sender keeps it."""

    def __init__(self) -> None:
        self.sent: dict[str, SentAlert] = {}

    def post(self, at_s: float, *notices: Notice) -> Post:
        rows = [(i + 1, n.time_ns, n) for i, n in enumerate(notices)]
        post = plan_post(rows, self.sent, T0 + round(at_s * SECOND), TOKYO)
        for alarm, alert in post.sent.items():
            if alert is None:
                self.sent.pop(alarm)
            else:
                self.sent[alarm] = SentAlert.from_json(alert.to_json())
        return post


def seconds(text: str) -> float:
    return datetime.fromisoformat(text[:26] + "+00:00").timestamp() - T0 / SECOND


def times(alert: dict[str, Any]) -> tuple[float, float]:
    return seconds(alert["startsAt"]), seconds(alert["endsAt"])


def test_an_active_alarm_starts_at_its_raise_and_ends_a_day_after_now() -> None:
    (alert,) = Server().post(5, notice(NoticeKind.RAISED)).alerts
    assert times(alert) == (0.0, 5.0 + 86_400.0)
    assert alert["labels"] == {
        "alertname": "beam_lost",
        "facility": "ring_sim",
        "class": "beam",
        "priority": "critical",
        "simulated": "true",
    }
    assert alert["annotations"] == {
        "title": "[SIMULATED] Title of beam_lost",
        "facility_name": "Ring",
        "action": "Call the shift leader",
        "value": "3.25 mA (limit 10 mA)",
        "since": datetime.fromtimestamp(T0 / SECOND - 3, TOKYO).strftime("%Y-%m-%d %H:%M:%S"),
        "occurrence": "1",
        "state": "raised",
    }


def test_messages_are_in_the_language_of_the_target() -> None:
    with in_language("ja"):
        (alert,) = Server().post(5, notice(NoticeKind.RAISED)).alerts
    assert alert["annotations"]["title"] == "[模擬データ] beam_lost の名称"
    assert alert["annotations"]["action"] == "当直長に連絡する"
    assert alert["annotations"]["value"] == "3.25 mA（しきい値 10 mA）"


def test_an_active_alarm_is_sent_again_each_minute_and_not_before() -> None:
    server = Server()
    server.post(0, notice(NoticeKind.RAISED))
    assert server.post(59.9).alerts == ()
    (alert,) = server.post(60).alerts
    assert times(alert) == (0.0, 60.0 + 86_400.0)
    assert server.post(119.9).alerts == ()
    assert len(server.post(120).alerts) == 1


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        (NoticeKind.OVER, {}, "over"),
        (NoticeKind.SHELVED, {"shelf_until_ns": T0 + 7200 * SECOND}, "shelved by Mori until "),
        (NoticeKind.SUPPRESSED, {"by": "plan"}, "suppressed by plan"),
        (NoticeKind.OUT_OF_SERVICE, {}, "taken out of service by Mori"),
    ],
)
def test_an_end_bears_its_time_and_reason_and_is_repeated_for_fifteen_minutes(
    kind: NoticeKind, more: dict[str, Any], words: str
) -> None:
    server = Server()
    server.post(0, notice(NoticeKind.RAISED))
    (alert,) = server.post(30, notice(kind, 29, **more)).alerts
    assert times(alert) == (0.0, 29.0)
    assert alert["annotations"]["state"].startswith(words)
    repeats = [at for at in range(31, 2000) if server.post(at).alerts]
    assert repeats == [*range(90, 930, 60)]
    assert server.sent == {}


def test_an_alarm_that_came_and_went_before_delivery_is_first_sent_as_active_for_a_minute() -> None:
    server = Server()
    (alert,) = server.post(300, notice(NoticeKind.RAISED), notice(NoticeKind.OVER, 20)).alerts
    assert times(alert) == (0.0, 360.0)
    (again,) = server.post(360).alerts
    assert times(again) == (0.0, 360.0)


def test_one_that_was_raised_again_before_its_end_was_delivered_stays_active() -> None:
    server = Server()
    server.post(0, notice(NoticeKind.RAISED))
    second = notice(NoticeKind.RAISED, 25, occurrence=2, raised_ns=T0 + 25 * SECOND)
    (alert,) = server.post(30, notice(NoticeKind.OVER, 20), second).alerts
    assert times(alert) == (25.0, 30.0 + 86_400.0)
    assert alert["annotations"]["occurrence"] == "2"


def test_an_acknowledgement_is_an_annotation_and_changes_no_label() -> None:
    server = Server()
    (first,) = server.post(0, notice(NoticeKind.RAISED)).alerts
    (second,) = server.post(9, notice(NoticeKind.CHANGED, 8)).alerts
    assert second["labels"] == first["labels"]
    assert second["annotations"]["acknowledged_by"] == "Mori"
    assert times(second) == (0.0, 9.0 + 86_400.0)
    (third,) = server.post(12, notice(NoticeKind.CHANGED, 11, state=AlarmState.UNACKED)).alerts
    assert "acknowledged_by" not in third["annotations"]


def test_a_changed_priority_ends_the_alert_of_the_old_one() -> None:
    server = Server()
    server.post(0, notice(NoticeKind.RAISED))
    old, new = server.post(9, notice(NoticeKind.CHANGED, 8, priority=Priority.HIGH)).alerts
    assert (old["labels"]["priority"], times(old)) == ("critical", (0.0, 8.0))
    assert (new["labels"]["priority"], times(new)) == ("high", (0.0, 9.0 + 86_400.0))


def test_rows_are_settled_with_the_post_that_holds_them() -> None:
    post = Server().post(0, notice(NoticeKind.RAISED), notice(NoticeKind.RAISED, 0, "vacuum_high"))
    assert post.ids == (1, 2)
    assert [a["labels"]["alertname"] for a in post.alerts] == ["beam_lost", "vacuum_high"]


def test_in_a_flood_medium_and_low_are_one_summary_after_ten_minutes_and_high_goes_at_once() -> None:
    server = Server()
    held = [(i + 1, T0, notice(NoticeKind.RAISED, 0, f"a{i}", priority=Priority.LOW, flood=True)) for i in range(12)]
    high = (13, T0, notice(NoticeKind.RAISED, 0, "grave"))
    post = plan_post([*held, high], server.sent, T0 + 599 * SECOND, TOKYO)
    assert [a["labels"]["alertname"] for a in post.alerts] == ["grave"]
    assert post.ids == (13,)
    post = plan_post(held, server.sent, T0 + 600 * SECOND, TOKYO)
    (summary,) = post.alerts
    assert summary["labels"]["alertname"] == "alarm_flood"
    assert summary["annotations"]["title"] == "[SIMULATED] 12 alarms of priority medium and low in a flood"
    assert times(summary)[1] == 1200.0
    assert post.ids == tuple(range(1, 13))


def test_of_an_alarm_that_was_in_a_summary_no_end_is_sent_and_the_next_raise_is() -> None:
    server = Server()
    server.post(600, notice(NoticeKind.RAISED, 0, "a", priority=Priority.LOW, flood=True))
    post = server.post(610, notice(NoticeKind.OVER, 605, "a", priority=Priority.LOW))
    assert (post.alerts, post.ids) == ((), (1,))
    later = notice(NoticeKind.RAISED, 700, "a", priority=Priority.LOW, raised_ns=T0 + 700 * SECOND)
    names = [a["labels"]["alertname"] for a in server.post(700, later).alerts]
    assert "a" in names


def test_a_clock_that_was_put_back_does_not_hold_up_repeats() -> None:
    server = Server()
    server.post(10_000, notice(NoticeKind.RAISED))
    assert len(server.post(0).alerts) == 1


def test_a_notice_is_read_as_it_was_written() -> None:
    one = notice(NoticeKind.SHELVED, 5, shelf_until_ns=T0)
    assert Notice.from_json(one.to_json()) == one
