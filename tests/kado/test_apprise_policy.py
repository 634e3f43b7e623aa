"""What a target of Apprise is sent."""

from zoneinfo import ZoneInfo

from facility.alarms import AlarmState, Priority
from kado.language import in_language
from kado.service.notification.apprise_policy import Message, Rhythm, SentAlarm, plan_message
from kado.service.notification.notice import Notice, NoticeKind
from notices import SECOND, T0, notice

TOKYO = ZoneInfo("Asia/Tokyo")
RHYTHM = Rhythm(link="https://kado.example.org/")


class Target:
    """What was sent, as the sender keeps it, and what waits."""

    def __init__(self) -> None:
        self.sent: dict[str, SentAlarm] = {}
        self.waiting: list[tuple[int, int, Notice]] = []
        self.ids = 0

    def put(self, *notices: Notice) -> None:
        for one in notices:
            self.ids += 1
            self.waiting.append((self.ids, one.time_ns, one))

    def plan(self, at_s: float) -> Message | None:
        """Return the next message, as sent and taken."""
        message = plan_message(self.waiting, self.sent, T0 + round(at_s * SECOND), TOKYO, RHYTHM)
        if message is not None:
            self.waiting = [row for row in self.waiting if row[0] not in message.ids]
            for alarm, one in message.sent.items():
                if one is None:
                    self.sent.pop(alarm, None)
                else:
                    self.sent[alarm] = SentAlarm.from_json(one.to_json())
        return message


def text(message: Message | None) -> str:
    assert message is not None
    return f"{message.subject}\n{message.body}"


def test_a_message_says_everything_that_a_person_needs() -> None:
    target = Target()
    target.put(notice(NoticeKind.RAISED))
    message = target.plan(10)
    assert message is not None
    assert message.subject == "[SIMULATED] Ring: critical: Title of beam_lost: raised"
    assert message.body.splitlines() == [
        "Title of beam_lost: raised (2026-09-21 23:13:20)",
        "priority: critical",
        "value: 3.25 mA (limit 10 mA)",
        "since: 2026-09-21 23:13:17",
        "action: Call the shift leader",
        "https://kado.example.org/",
    ]
    assert message.urgent


def test_a_message_is_in_one_language() -> None:
    target = Target()
    target.put(notice(NoticeKind.RAISED))
    with in_language("ja"):
        message = target.plan(10)
    assert message is not None
    assert message.subject == "[模擬データ] リング: 最高: beam_lost の名称: 発報"
    assert message.body.splitlines()[4] == "対応：当直長に連絡する"


def test_alarms_of_a_class_within_ten_seconds_are_one_message_and_others_another() -> None:
    target = Target()
    target.put(
        notice(NoticeKind.RAISED, 0, "a"),
        notice(NoticeKind.RAISED, 1, "v", class_="vacuum"),
        notice(NoticeKind.RAISED, 9, "b", priority=Priority.HIGH),
    )
    assert target.plan(9.9) is None
    message = target.plan(10)
    assert message is not None
    assert message.ids == (1, 3)
    assert "(and 1 more)" in message.subject
    assert target.plan(10.9) is None
    assert "Title of v" in text(target.plan(11))


def test_over_and_shelved_are_sent_for_what_was_sent_alone() -> None:
    target = Target()
    target.put(notice(NoticeKind.OVER, 0, "never_sent"), notice(NoticeKind.SHELVED, 0, "neither"))
    message = target.plan(10)
    assert message is not None
    assert message.subject == ""
    target.put(notice(NoticeKind.RAISED, 20))
    target.plan(30)
    target.put(notice(NoticeKind.SHELVED, 40, shelf_until_ns=T0 + 3600 * SECOND))
    assert "shelved by Mori until 2026-09-22 00:13:20" in text(target.plan(50))
    target.put(notice(NoticeKind.OVER, 60))
    assert text(target.plan(70)) == "\n"


def test_what_came_and_went_before_delivery_is_told_as_both() -> None:
    target = Target()
    target.put(notice(NoticeKind.RAISED), notice(NoticeKind.OVER, 3))
    body = text(target.plan(10))
    assert "Title of beam_lost: raised" in body
    assert "Title of beam_lost: over" in body
    assert target.sent == {}


def test_an_unacknowledged_critical_or_high_alarm_is_sent_again_each_repeat_time() -> None:
    target = Target()
    target.put(notice(NoticeKind.RAISED), notice(NoticeKind.RAISED, 0, "m", priority=Priority.MEDIUM))
    target.plan(10)
    assert target.plan(1809.9) is None
    message = target.plan(1810)
    assert "1 alarm is still not acknowledged" in text(message)
    assert "Title of m" not in text(message)
    assert target.plan(3609) is None
    assert target.plan(3610) is not None


def test_an_acknowledgement_ends_reminders_and_taking_it_back_begins_them_anew() -> None:
    target = Target()
    target.put(notice(NoticeKind.RAISED))
    target.plan(10)
    target.put(notice(NoticeKind.CHANGED, 100))
    assert text(target.plan(110)) == "\n"
    assert target.plan(9000) is None
    target.put(notice(NoticeKind.CHANGED, 9000, state=AlarmState.UNACKED))
    target.plan(9010)
    assert target.plan(10_809) is None
    assert "still not acknowledged" in text(target.plan(10_810))


def test_in_a_flood_medium_and_low_are_one_summary_in_ten_minutes_and_critical_goes_at_once() -> None:
    target = Target()
    for i in range(12):
        target.put(notice(NoticeKind.RAISED, 0, f"a{i}", priority=Priority.LOW, flood=True))
    target.put(notice(NoticeKind.OVER, 1, "a3", priority=Priority.LOW, flood=True))
    target.put(notice(NoticeKind.RAISED, 1, "grave"))
    assert "Title of grave" in text(target.plan(11))
    assert target.plan(599) is None
    message = target.plan(600)
    assert message is not None
    assert message.subject == "[SIMULATED] Ring: low: 12 alarms of priority medium and low in a flood"
    assert "Title of a3: over" in message.body
    assert len(message.ids) == 13
    assert target.plan(601) is None
