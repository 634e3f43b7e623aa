"""Notices of alarms for tests."""

from typing import Any

from facility.alarms import AlarmState, Priority
from facility.text import Text
from kado.service.notification.notice import Notice, NoticeKind

SECOND = 1_000_000_000
T0 = 1_790_000_000 * SECOND

STATES = {
    NoticeKind.RAISED: AlarmState.UNACKED,
    NoticeKind.CHANGED: AlarmState.ACKED,
    NoticeKind.OVER: AlarmState.NORMAL,
    NoticeKind.SHELVED: AlarmState.SHELVED,
    NoticeKind.SUPPRESSED: AlarmState.SUPPRESSED,
    NoticeKind.OUT_OF_SERVICE: AlarmState.OUT_OF_SERVICE,
}


def notice(kind: NoticeKind, at_s: float = 0.0, alarm: str = "beam_lost", **more: Any) -> Notice:
    """Return a notice `at_s` seconds after T0."""
    time_ns = T0 + round(at_s * SECOND)
    found: dict[str, Any] = {
        "kind": kind,
        "facility": "ring_sim",
        "facility_name": Text(en="Ring", ja="リング"),
        "simulated": True,
        "alarm": alarm,
        "seq": round(at_s) + 1,
        "time_ns": time_ns,
        "raised_ns": T0,
        "since_ns": T0 - 3 * SECOND,
        "occurrence": 1,
        "priority": Priority.CRITICAL,
        "class_": "beam",
        "title": Text(en=f"Title of {alarm}", ja=f"{alarm} の名称"),
        "action": Text(en="Call the shift leader", ja="当直長に連絡する"),
        "display": None,
        "state": STATES[kind],
        "value": 3.25,
        "word": None,
        "unit": "mA",
        "limit": 10.0,
        "by": None if kind in (NoticeKind.RAISED, NoticeKind.OVER) else "Mori",
    }
    return Notice(**(found | more))
