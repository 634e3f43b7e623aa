"""What a target of Apprise is sent, where no Alertmanager groups and repeats: a pure policy.

Alarms of one class within a few seconds are one message. A critical or high alarm that nobody acknowledged is sent
again. That an alarm is over, shelved, suppressed or out of service is sent for what was sent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Final

from facility.alarms import AlarmState, Priority
from facility.time import to_ns
from kado.language import tr, trn, words
from kado.service.notification.flood import split_flood
from kado.service.notification.messages import head, lines, what_happened
from kado.service.notification.notice import Notice, NoticeKind

REMINDED: Final = (Priority.CRITICAL, Priority.HIGH)
_PRIORITIES: Final = list(Priority)
_MOST_LISTED: Final = 50
"""So many alarms of a summary are listed by name."""


@dataclass(frozen=True, slots=True)
class SentAlarm:
    """An alarm that was sent and is still active."""

    notice: Notice
    """Its last raise."""
    last_ns: int
    """When it was sent or reminded of last."""
    acknowledged: bool = False

    def to_json(self) -> str:
        """Return it as it is kept."""
        return json.dumps(
            {"notice": self.notice.to_json(), "last_ns": self.last_ns, "acknowledged": self.acknowledged},
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> "SentAlarm":
        """Read what `to_json` wrote."""
        found = json.loads(text)
        return cls(Notice.from_json(found["notice"]), found["last_ns"], found["acknowledged"])


@dataclass(frozen=True, slots=True)
class Message:
    """One message, and what is settled once it was taken."""

    subject: str
    """Empty: there is nothing to send, only to settle."""
    body: str
    urgent: bool
    """Whether something critical or high was raised in it, or is reminded of."""
    ids: tuple[int, ...]
    sent: dict[str, SentAlarm | None]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How messages are put together; see `kado.notification_settings.AppriseTarget`."""

    group_s: float = 10.0
    repeat_s: float = 1800.0
    link: str | None = None


def plan_message(
    waiting: Sequence[tuple[int, int, Notice]],
    sent: Mapping[str, SentAlarm],
    now_ns: int,
    zone: tzinfo,
    rhythm: Rhythm,
) -> Message | None:
    """Return the next message that is due; None: none is.

    Parameters
    ----------
    waiting
        Rows of the outbox in order: id, when it was written (ns), notice.
    sent
        What was sent and is active, by alarm.
    """
    single, summary = split_flood(waiting, now_ns, to_ns(rhythm.group_s), raised_only=False)
    if single:
        class_ = single[0][1].class_
        return _message([row for row in single if row[1].class_ == class_], sent, now_ns, zone, rhythm)
    if summary:
        return _summary(summary, sent, zone, rhythm)
    due = [s for s in sent.values() if _reminder_due(s, now_ns, rhythm)]
    if not due:
        return None
    class_ = due[0].notice.class_
    return _reminder([s for s in due if s.notice.class_ == class_], now_ns, zone, rhythm)


def _message(
    rows: Sequence[tuple[int, Notice]], sent: Mapping[str, SentAlarm], now_ns: int, zone: tzinfo, rhythm: Rhythm
) -> Message:
    kept: dict[str, SentAlarm | None] = {}
    said: list[Notice] = []
    for _, notice in rows:
        state = kept.get(notice.alarm, sent.get(notice.alarm))
        if notice.kind is NoticeKind.RAISED:
            said.append(notice)
            kept[notice.alarm] = SentAlarm(notice, now_ns)
        elif state is not None and notice.kind is NoticeKind.CHANGED:
            kept[notice.alarm] = replace(state, last_ns=now_ns, acknowledged=notice.state is AlarmState.ACKED)
        elif state is not None:
            said.append(notice)
            kept[notice.alarm] = None
    ids = tuple(i for i, _ in rows)
    if not said:
        return Message("", "", False, ids, kept)
    said.sort(key=lambda n: (_PRIORITIES.index(n.priority), n.time_ns))
    body = "\n\n".join("\n".join(lines(n, zone, rhythm.link)) for n in said)
    urgent = any(n.kind is NoticeKind.RAISED and n.priority in REMINDED for n in said)
    return Message(_subject(said, zone), body, urgent, ids, kept)


def _subject(said: Sequence[Notice], zone: tzinfo) -> str:
    first = said[0]
    subject = f"{head(first)}: {words(first.title)}: {what_happened(first, zone)}"
    more = len(said) - 1
    return subject if not more else f"{subject} {trn('(and {n} more)', '(and {n} more)', more)}"


def _summary(
    rows: Sequence[tuple[int, Notice]], sent: Mapping[str, SentAlarm], zone: tzinfo, rhythm: Rhythm
) -> Message:
    """Return the one message for the medium and low alarms of a flood; of each its last change is listed."""
    notices = [n for _, n in rows]
    kept: dict[str, SentAlarm | None] = {n.alarm: None for n in notices if not n.active and n.alarm in sent}
    raised = sum(n.kind is NoticeKind.RAISED for n in notices)
    last = {n.alarm: n for n in notices if n.kind is not NoticeKind.CHANGED}
    if not last:
        return Message("", "", False, tuple(i for i, _ in rows), kept)
    title = tr("{n} alarms of priority medium and low in a flood", n=raised)
    listed = [lines(n, zone, None)[0] for n in list(last.values())[:_MOST_LISTED]]
    more = len(last) - len(listed)
    listed += [trn("(and {n} more)", "(and {n} more)", more)] if more else []
    listed += [tr("look at the list of alarms (kado alarms)")] + ([rhythm.link] if rhythm.link else [])
    return Message(f"{head(notices[0])}: {title}", "\n".join(listed), False, tuple(i for i, _ in rows), kept)


def _reminder_due(alarm: SentAlarm, now_ns: int, rhythm: Rhythm) -> bool:
    waits = not alarm.acknowledged and alarm.notice.priority in REMINDED
    return waits and not 0 <= now_ns - alarm.last_ns < to_ns(rhythm.repeat_s)


def _reminder(alarms: Sequence[SentAlarm], now_ns: int, zone: tzinfo, rhythm: Rhythm) -> Message:
    notices = sorted((a.notice for a in alarms), key=lambda n: (_PRIORITIES.index(n.priority), n.time_ns))
    about = trn("{n} alarm is still not acknowledged", "{n} alarms are still not acknowledged", len(notices))
    body = "\n\n".join("\n".join(lines(n, zone, rhythm.link)) for n in notices)
    kept: dict[str, SentAlarm | None] = {a.notice.alarm: replace(a, last_ns=now_ns) for a in alarms}
    return Message(f"{head(notices[0])}: {about}", body, True, (), kept)
