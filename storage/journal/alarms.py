"""Alarms in the journal: what changed, what people did, and when alarms were not evaluated."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from facility.alarms import (
    Action,
    ActionKind,
    AlarmState,
    Cause,
    Priority,
    Refusal,
    RefusalReason,
    Transition,
    check_action,
)
from facility.time import Clock, system_clock
from storage.journal.connection import Database
from storage.journal.open_journal import OpenJournal
from storage.journal.schema import ALARM_ACTION, ALARM_REFUSAL, ALARM_RULES, ALARM_TRANSITION, ALARM_WATCH


@dataclass(frozen=True, slots=True)
class Watch:
    """A stretch about which it is known whether alarms were watched."""

    kind: str
    """``start`` and ``stop`` (of no length), ``hole`` (not watched), ``clock`` (the clock was put back)."""
    from_ns: int
    to_ns: int


_LASTING = tuple(
    state.value for state in (AlarmState.UNACKED, AlarmState.ACKED, AlarmState.SHELVED, AlarmState.OUT_OF_SERVICE)
)


class AlarmJournal(OpenJournal):
    """The alarms of one facility in the journal; several processes may write to it at once.

    Use `open`, and close it or use it as a context manager.
    """

    def __init__(self, database: Database, facility: str, clock: Clock) -> None:
        super().__init__(database, clock)
        self._facility = facility

    @classmethod
    def open(cls, where: Path | str, facility: str, clock: Clock = system_clock) -> Self:
        """Open the journal, making it or bringing its schema up to date.

        Raises
        ------
        FormatVersionError
            If it is of a newer revision, or not kado's.
        UnreachableError
            If it cannot be opened.
        """
        return cls(Database(where), facility, clock)

    def add_actions(self, actions: Sequence[Action]) -> list[Action]:
        """Record what a person does, all or none; ids and time of record are given here.

        Raises
        ------
        UsageError
            If a text is too long, or holds characters that are no text.
        """
        for action in actions:
            check_action(action)
        recorded: list[Action] = []
        with self._database.writing() as connection:
            now_ns = self._clock()
            for action in actions:
                made = connection.execute(
                    sa.insert(ALARM_ACTION).values(
                        facility=self._facility,
                        alarm=action.alarm,
                        kind=action.kind.value,
                        occurrence=action.occurrence,
                        until_ns=action.until_ns,
                        once=action.once,
                        author=action.author,
                        reason=action.reason,
                        recorded_at_ns=now_ns,
                    )
                )
                (number,) = made.inserted_primary_key or (0,)
                recorded.append(replace(action, id=number, recorded_at_ns=now_ns))
        return recorded

    def actions(self, after_id: int = 0) -> tuple[Action, ...]:
        """Return the actions recorded after that one, in the order of their record."""
        c = ALARM_ACTION.c
        query = sa.select(ALARM_ACTION).where(c.facility == self._facility, c.id > after_id).order_by(c.id)
        with self._database.reading() as connection:
            return tuple(_action(row) for row in connection.execute(query))

    def refusals(self, action_ids: Iterable[int]) -> dict[int, RefusalReason]:
        """Return why actions were refused, those that were."""
        query = sa.select(ALARM_REFUSAL).where(ALARM_REFUSAL.c.action_id.in_(list(action_ids)))
        with self._database.reading() as connection:
            return {row.action_id: RefusalReason(row.reason) for row in connection.execute(query)}

    def add_rules(self, fingerprint: str, text: str) -> int:
        """Record a set of rules, once; return its id."""
        c = ALARM_RULES.c
        with self._database.writing() as connection:
            found = connection.execute(sa.select(c.id).where(c.fingerprint == fingerprint)).scalar_one_or_none()
            if found is not None:
                return found
            made = connection.execute(
                sa.insert(ALARM_RULES).values(fingerprint=fingerprint, text=text, recorded_at_ns=self._clock())
            )
            (number,) = made.inserted_primary_key or (0,)
            return int(number)

    def add_rows(self, rows: Iterable[tuple[str, str]]) -> None:
        """Copy outgoing rows (kind, JSON); one that is there already is passed over."""
        now_ns = self._clock()
        with self._database.writing() as connection:
            for kind, text in rows:
                _ADD[kind](connection, self._facility, json.loads(text), now_ns)

    def transitions(
        self, from_ns: int | None = None, to_ns: int | None = None, alarm: str | None = None
    ) -> tuple[Transition, ...]:
        """Return the rows of ``[from_ns, to_ns)``, in order of time, then of record."""
        c = ALARM_TRANSITION.c
        query = sa.select(ALARM_TRANSITION).where(*self._between(from_ns, to_ns, alarm))
        with self._database.reading() as connection:
            return tuple(_transition(row) for row in connection.execute(query.order_by(c.time_ns, c.id)).mappings())

    def count_transitions(self, from_ns: int | None = None, to_ns: int | None = None, alarm: str | None = None) -> int:
        """Return how many rows `transitions` returns."""
        query = sa.select(sa.func.count()).select_from(ALARM_TRANSITION).where(*self._between(from_ns, to_ns, alarm))
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def _between(self, from_ns: int | None, to_ns: int | None, alarm: str | None) -> list[sa.ColumnElement[bool]]:
        c = ALARM_TRANSITION.c
        wanted = [c.facility == self._facility]
        wanted += [] if from_ns is None else [c.time_ns >= from_ns]
        wanted += [] if to_ns is None else [c.time_ns < to_ns]
        return wanted if alarm is None else [*wanted, c.alarm == alarm]

    def lasting(self, at_ns: int) -> tuple[Transition, ...]:
        """Return the rows before an instant since when each alarm has been in alarm, shelved or out of service there.

        Nothing for an alarm that was not; in order of time, then of record.
        """
        c, rested = ALARM_TRANSITION.c, ALARM_TRANSITION.alias("rested")
        last_rest = (
            sa.select(sa.func.max(rested.c.seq))
            .where(rested.c.facility == self._facility, rested.c.alarm == c.alarm, rested.c.time_ns < at_ns)
            .where(rested.c.to_state.not_in(_LASTING))
            .scalar_subquery()
        )
        query = (
            sa.select(ALARM_TRANSITION)
            .where(c.facility == self._facility, c.time_ns < at_ns)
            .where(c.seq > sa.func.coalesce(last_rest, 0))
            .order_by(c.time_ns, c.id)
        )
        with self._database.reading() as connection:
            return tuple(_transition(row) for row in connection.execute(query).mappings())

    def watches(self, from_ns: int | None = None, to_ns: int | None = None) -> tuple[Watch, ...]:
        """Return what is known of watching in ``[from_ns, to_ns)``, in order of record."""
        c = ALARM_WATCH.c
        query = sa.select(ALARM_WATCH).where(c.facility == self._facility)
        if from_ns is not None:
            query = query.where(c.to_ns >= from_ns)
        if to_ns is not None:
            query = query.where(c.from_ns < to_ns)
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(c.id))
            return tuple(Watch(row.kind, row.from_ns, row.to_ns) for row in found)


def transition_row(row: Transition, fingerprint: str) -> str:
    """Return a transition as JSON on its way to the journal."""
    return json.dumps(
        {
            "alarm": row.alarm,
            "seq": row.seq,
            "time_ns": row.time_ns,
            "from_state": row.from_state.value,
            "to_state": row.to_state.value,
            "cause": row.cause.value,
            "by": row.by,
            "since_ns": row.since_ns,
            "occurrence": row.occurrence,
            "priority": row.priority.value,
            "class": row.class_,
            "annunciated": row.annunciated,
            "chattering": row.chattering,
            "input_known": row.input_known,
            "value": row.value,
            "word": row.word,
            "limit_value": row.limit_value,
            "action_id": row.action_id,
            "rules": fingerprint,
        },
        ensure_ascii=False,
    )


def refusal_row(refusal: Refusal) -> str:
    """Return a refusal as JSON on its way to the journal."""
    return json.dumps({"action_id": refusal.action_id, "time_ns": refusal.time_ns, "reason": refusal.reason.value})


def watch_row(watch: Watch) -> str:
    """Return a watch as JSON on its way to the journal."""
    return json.dumps({"kind": watch.kind, "from_ns": watch.from_ns, "to_ns": watch.to_ns})


def read_transition(text: str) -> Transition:
    """Read a transition back from its JSON."""
    return _transition(json.loads(text))


def _add_transition(connection: sa.Connection, facility: str, row: dict[str, Any], now_ns: int) -> None:
    c = ALARM_TRANSITION.c
    key = (c.facility == facility, c.alarm == row["alarm"], c.seq == row["seq"])
    if connection.execute(sa.select(c.id).where(*key)).first() is not None:
        return
    rules = sa.select(ALARM_RULES.c.id).where(ALARM_RULES.c.fingerprint == row.pop("rules"))
    rules_id = connection.execute(rules).scalar_one_or_none()
    values = {**row, "facility": facility, "recorded_at_ns": now_ns, "rules_id": rules_id}
    connection.execute(sa.insert(ALARM_TRANSITION).values(values))


def _add_refusal(connection: sa.Connection, facility: str, row: dict[str, Any], now_ns: int) -> None:
    del facility, now_ns
    known = sa.select(ALARM_REFUSAL.c.action_id).where(ALARM_REFUSAL.c.action_id == row["action_id"])
    if connection.execute(known).first() is None:
        connection.execute(sa.insert(ALARM_REFUSAL).values(row))


def _add_watch(connection: sa.Connection, facility: str, row: dict[str, Any], now_ns: int) -> None:
    del now_ns
    c = ALARM_WATCH.c
    key = (c.facility == facility, *(c[name] == value for name, value in row.items()))
    if connection.execute(sa.select(c.id).where(*key)).first() is None:
        connection.execute(sa.insert(ALARM_WATCH).values(facility=facility, **row))


_ADD = {"transition": _add_transition, "refusal": _add_refusal, "watch": _add_watch}


def _action(row: Any) -> Action:
    return Action(
        alarm=row.alarm,
        kind=ActionKind(row.kind),
        author=row.author,
        recorded_at_ns=row.recorded_at_ns,
        reason=row.reason,
        occurrence=row.occurrence,
        until_ns=row.until_ns,
        once=row.once,
        id=row.id,
    )


def _transition(row: Mapping[Any, Any]) -> Transition:
    return Transition(
        time_ns=row["time_ns"],
        alarm=row["alarm"],
        from_state=AlarmState(row["from_state"]),
        to_state=AlarmState(row["to_state"]),
        cause=Cause(row["cause"]),
        seq=row["seq"],
        occurrence=row["occurrence"],
        priority=Priority(row["priority"]),
        class_=row["class"],
        annunciated=row["annunciated"],
        by=row["by"],
        since_ns=row["since_ns"],
        value=row["value"],
        word=row["word"],
        limit_value=row["limit_value"],
        input_known=row["input_known"],
        chattering=row["chattering"],
        action_id=row["action_id"],
    )
