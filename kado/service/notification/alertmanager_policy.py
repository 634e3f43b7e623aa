"""What an Alertmanager is sent: a pure policy.

Labels are the identity of an alert and do not change with what happens to it. An active alert is sent again each
minute with an end a day ahead, so that nobody reads "resolved" because kado is down. One that is over is sent for a
quarter of an hour more. One that came and went before it could be delivered is sent as active for a minute: an alert
that is over when it first arrives is never notified.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from facility.text import SIMULATED
from facility.time import NS_PER_S
from kado.language import tr, words
from kado.service.notification.flood import SUMMARY, split_flood
from kado.service.notification.messages import clock, value_words, what_happened
from kado.service.notification.notice import Notice, NoticeKind

REPEAT_NS: Final = 60 * NS_PER_S
ACTIVE_FOR_NS: Final = 24 * 3600 * NS_PER_S
RESOLVED_FOR_NS: Final = 15 * 60 * NS_PER_S
BRIEF_NS: Final = 60 * NS_PER_S


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert as it was sent last, or is to be sent."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_ns: int
    ends_ns: int | None = None
    """None: active."""
    posted_ns: int = 0
    ended_ns: int | None = None
    """When it was first sent with its end: repeats stop a quarter of an hour later."""
    link: str = ""
    summarised: bool = False
    """It was part of a summary only: nothing is sent of its end."""

    def to_json(self) -> str:
        """Return it as it is kept."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "SentAlert":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))

    def document(self, now_ns: int) -> dict[str, Any]:
        """Return it in the form of the API."""
        ends = now_ns + ACTIVE_FOR_NS if self.ends_ns is None else self.ends_ns
        found: dict[str, Any] = {
            "labels": self.labels,
            "annotations": self.annotations,
            "startsAt": _rfc3339(min(self.starts_ns, ends)),
            "endsAt": _rfc3339(ends),
        }
        if self.link:
            found["generatorURL"] = self.link
        return found


@dataclass(frozen=True, slots=True)
class Post:
    """What is to be posted now, and what is settled once it was taken."""

    alerts: tuple[dict[str, Any], ...]
    ids: tuple[int, ...]
    """Rows of the outbox that it covers."""
    sent: dict[str, SentAlert | None]
    """What is kept of each alarm then; None: nothing."""


def plan_post(
    waiting: Sequence[tuple[int, int, Notice]],
    sent: Mapping[str, SentAlert],
    now_ns: int,
    zone: tzinfo,
    link: str | None = None,
) -> Post:
    """Return what an Alertmanager is to be sent now.

    Parameters
    ----------
    waiting
        Rows of the outbox in order: id, when it was written (ns), notice.
    sent
        What was sent last, by alarm.
    link
        Address of the page with the alarms.
    """
    taken, summary = split_flood(waiting, now_ns, 0, raised_only=True)
    kept: dict[str, SentAlert | None] = {}
    alerts: list[dict[str, Any]] = []
    summarised = {id(n) for _, n in summary}
    for _, notice in sorted([*taken, *summary], key=lambda pair: pair[0]):
        last = sent.get(notice.alarm)
        state = kept.get(notice.alarm, last)
        known = last is not None and last.ends_ns is None and not last.summarised
        after = _after(notice, state, id(notice) in summarised, known, now_ns, zone, link)
        if known and last is not None and after is not None and after.labels != last.labels:
            alerts.append(replace(last, ends_ns=notice.time_ns).document(now_ns))
        kept[notice.alarm] = after
    for alarm, alert in sent.items():
        if alarm not in kept and (changed := _repeated(alert, now_ns)) is not alert:
            kept[alarm] = changed
    if summary:
        kept[SUMMARY] = _summary([n for _, n in summary], now_ns, zone, link)
    for alarm, alert in kept.items():
        if alert is not None and not alert.summarised and alert is not sent.get(alarm):
            kept[alarm] = posted = replace(
                alert, posted_ns=now_ns, ended_ns=None if alert.ends_ns is None else alert.ended_ns or now_ns
            )
            alerts.append(posted.document(now_ns))
    return Post(tuple(alerts), tuple(i for i, _ in (*taken, *summary)), kept)


def _after(
    notice: Notice, state: SentAlert | None, summarised: bool, known: bool, now_ns: int, zone: tzinfo, link: str | None
) -> SentAlert | None:
    """Return how the alert stands after a notice; `known`: the server has it as active."""
    marker = state is not None and state.summarised
    if notice.active:
        if summarised or (marker and notice.kind is NoticeKind.CHANGED):
            return SentAlert({}, {}, notice.raised_ns, summarised=True)
        going_on = state is not None and state.ends_ns is None and not marker
        starts = state.starts_ns if going_on and state is not None else notice.raised_ns
        return _alert(notice, starts, None, zone, link)
    if marker:
        return None
    if state is not None and state.ends_ns is not None:
        return state
    starts = notice.raised_ns if state is None else state.starts_ns
    return _alert(notice, starts, notice.time_ns if known else now_ns + BRIEF_NS, zone, link)


def _repeated(alert: SentAlert, now_ns: int) -> SentAlert | None:
    """Return a renewed alert if it is to be sent again, the same if not, None if it is to be forgotten."""
    if alert.summarised:
        return alert
    if alert.ends_ns is not None and now_ns >= max(alert.ended_ns or 0, alert.ends_ns) + RESOLVED_FOR_NS:
        return None
    return alert if 0 <= now_ns - alert.posted_ns < REPEAT_NS else replace(alert)


def _alert(notice: Notice, starts_ns: int, ends_ns: int | None, zone: tzinfo, link: str | None) -> SentAlert:
    labels = {
        "alertname": notice.alarm,
        "facility": notice.facility,
        "class": notice.class_,
        "priority": notice.priority.value,
        "simulated": str(notice.simulated).lower(),
    }
    mark = f"[{words(SIMULATED)}] " if notice.simulated else ""
    annotations = {
        "title": mark + words(notice.title),
        "facility_name": words(notice.facility_name),
        "action": words(notice.action),
        "value": value_words(notice),
        "since": clock(notice.since_ns if notice.since_ns is not None else starts_ns, zone),
        "occurrence": str(notice.occurrence),
        "acknowledged_by": notice.acknowledged_by or "",
        "state": what_happened(notice, zone),
    }
    annotations = {key: text for key, text in annotations.items() if text}
    return SentAlert(labels, annotations, starts_ns, ends_ns, link=notice.display or link or "")


def _summary(notices: Sequence[Notice], now_ns: int, zone: tzinfo, link: str | None) -> SentAlert:
    """Return one alert for the medium and low alarms of a flood; it ends by itself after ten minutes."""
    first = notices[0]
    titles = list(dict.fromkeys(words(n.title) for n in notices))
    mark = f"[{words(SIMULATED)}] " if first.simulated else ""
    alert = _alert(first, first.raised_ns, now_ns + 600 * NS_PER_S, zone, link)
    title = tr("{n} alarms of priority medium and low in a flood", n=len(notices))
    labels = alert.labels | {"alertname": SUMMARY, "class": "kado", "priority": "medium"}
    annotations = {"title": mark + title, "facility_name": words(first.facility_name), "alarms": "; ".join(titles[:50])}
    annotations["action"] = tr("look at the list of alarms (kado alarms)")
    annotations["since"] = clock(first.raised_ns, zone)
    return replace(alert, labels=labels, annotations=annotations, link=link or "")


def _rfc3339(ns: int) -> str:
    seconds, rest = divmod(ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
