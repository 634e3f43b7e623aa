"""What one change of an alarm is for those who are notified: pure, complete in itself, kept as JSON in the outbox."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from analytics.alarms import Engine
from analytics.alarms.describing import shown_value
from facility.alarms import AlarmRule, AlarmState, Priority, Transition
from facility.profile import Profile
from facility.text import Text


class NoticeKind(StrEnum):
    """What happened, as far as somebody is notified of it."""

    RAISED = "raised"
    """Annunciated: unacknowledged now."""
    CHANGED = "changed"
    """Still active; who acknowledged has changed."""
    OVER = "over"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"


_ACTIVE: Final = (AlarmState.UNACKED, AlarmState.ACKED)
_ENDED: Final = {
    AlarmState.SHELVED: NoticeKind.SHELVED,
    AlarmState.SUPPRESSED: NoticeKind.SUPPRESSED,
    AlarmState.OUT_OF_SERVICE: NoticeKind.OUT_OF_SERVICE,
}
SUMMARISED: Final = (Priority.MEDIUM, Priority.LOW)
"""In a flood these become one summary."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of one alarm, with everything that a message says."""

    kind: NoticeKind
    facility: str
    facility_name: Text
    simulated: bool
    alarm: str
    seq: int
    time_ns: int
    raised_ns: int
    """When the alarm was raised."""
    since_ns: int | None
    """First instant of the condition."""
    occurrence: int
    priority: Priority
    class_: str
    title: Text
    action: Text
    display: str | None
    state: AlarmState
    value: float | None
    word: str | None
    unit: str
    limit: float | None
    by: str | None
    """Who, or what, changed it."""
    shelf_until_ns: int | None = None
    flood: bool = False
    """Whether it belongs to the summary of a flood."""

    @property
    def active(self) -> bool:
        """Whether the alarm is active after it."""
        return self.kind in (NoticeKind.RAISED, NoticeKind.CHANGED)

    @property
    def acknowledged_by(self) -> str | None:
        """Who acknowledged; None: nobody."""
        return self.by if self.state is AlarmState.ACKED else None

    def to_json(self) -> str:
        """Return it as it is kept."""
        return json.dumps(
            {k: v.model_dump() if isinstance(v, Text) else v for k, v in _shallow(self).items()}, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, text: str) -> "Notice":
        """Read what `to_json` wrote."""
        found: dict[str, Any] = json.loads(text)
        read = {"kind": NoticeKind, "priority": Priority, "state": AlarmState}
        found |= {name: kind(found[name]) for name, kind in read.items()}
        found |= {name: Text(**found[name]) for name in ("facility_name", "title", "action")}
        return cls(**found)


def _shallow(notice: Notice) -> dict[str, object]:
    return {name: getattr(notice, name) for name in Notice.__dataclass_fields__}


def kind_of(row: Transition) -> NoticeKind | None:
    """Return what a row is for those who are notified; None: nobody is.

    Nobody is notified of moves between normal, unknown and suppressed, of what happens on the shelf or out of
    service, nor of what follows after an alarm is over: only of what begins, changes or ends an active alarm.
    """
    if row.to_state in _ACTIVE:
        return NoticeKind.RAISED if row.annunciated else NoticeKind.CHANGED
    if row.from_state not in _ACTIVE:
        return None
    return _ENDED.get(row.to_state, NoticeKind.OVER)


def notices_of(rows: Sequence[Transition], before: Engine, after: Engine, profile: Profile) -> Iterator[Notice]:
    """Yield the notices of rows that are about to be committed, `after` being the engine with them."""
    for row in rows:
        kind = kind_of(row)
        engine = after if row.alarm in after.program.index else before
        if kind is None or row.alarm not in engine.program.index:
            continue
        rule: AlarmRule = engine.rules.by_id[row.alarm]
        record = engine.record(row.alarm)
        earlier = [t for t in record.raises if t <= row.time_ns]
        raised_ns = row.time_ns if kind is NoticeKind.RAISED or not earlier else earlier[-1]
        yield Notice(
            kind=kind,
            facility=profile.id,
            facility_name=profile.name,
            simulated=profile.simulated,
            alarm=row.alarm,
            seq=row.seq,
            time_ns=row.time_ns,
            raised_ns=raised_ns,
            since_ns=row.since_ns,
            occurrence=row.occurrence,
            priority=row.priority,
            class_=row.class_,
            title=rule.title,
            action=rule.action,
            display=rule.display,
            state=row.to_state,
            value=row.value,
            word=row.word,
            unit=shown_value(engine, row.alarm)[3],
            limit=row.limit_value,
            by=row.by,
            shelf_until_ns=record.shelf_until_ns if kind is NoticeKind.SHELVED else None,
        )


def in_flood(notice: Notice) -> Notice:
    """Return the notice as one of a flood: only medium and low ones become part of a summary."""
    return replace(notice, flood=notice.priority in SUMMARISED)
