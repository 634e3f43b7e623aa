"""How the alarms stand, and what they did: read beside the service, from what it has made durable."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from analytics.alarms import Engine
from analytics.alarms.describing import shown_value
from analytics.alarms.figures import FLOOD_ABOVE, INTERVAL_NS
from analytics.alarms.rows import ENGINE, from_rows
from facility.alarms import AlarmRule, AlarmState, Priority, Transition
from facility.errors import PeriodError, UnreachableError
from facility.sentence import Sentence
from facility.text import Text
from facility.time import format_time
from kado.config import Configuration
from kado.journal import open_alarm_journal
from kado.queries.alarm_rules import load_alarm_rules, series_table
from kado.queries.identity import identity
from storage.data_dir import DataDir
from storage.journal.alarms import Watch, read_transition
from storage.telemetry_db.alarms import Outgoing, read_alarm_state

_ORDER = (AlarmState.UNACKED, AlarmState.ACKED, AlarmState.RTN_UNACKED)


@dataclass(frozen=True, slots=True)
class AlarmStanding:
    """The alarms of a facility at one instant."""

    configuration: Configuration
    now_ns: int
    engine: Engine
    watching_since_ns: int | None
    """Since when they are watched without a hole; None: nobody watched yet."""
    annunciated: int
    """In the last ten minutes."""
    service: dict[str, Any] = field(default_factory=dict[str, Any])
    outgoing: tuple[Outgoing, ...] = ()

    @property
    def flood(self) -> bool:
        """Whether more than ten were annunciated in the last ten minutes."""
        return self.annunciated > FLOOD_ABOVE

    def listed(self) -> list[AlarmRule]:
        """Return the rules in the order in which people read them: unacked first, by priority, then newest."""
        priorities = list(Priority)

        def key(rule: AlarmRule) -> tuple[int, int, int]:
            record = self.engine.record(rule.id)
            state = _ORDER.index(record.shown) if record.shown in _ORDER else len(_ORDER) + record.shown.code
            return state, priorities.index(rule.priority), -(record.shown_since_ns or 0)

        return sorted(self.engine.rules.rules, key=key)


def load_alarms(configuration: Configuration, now_ns: int) -> AlarmStanding:
    """Return how the alarms stand.

    Raises
    ------
    ConfigError
        If there is no ``[alarms]``, or nothing was collected yet.
    UnreachableError
        If no service has watched them yet, or the journal cannot be read.
    """
    load_alarm_rules(configuration)
    rows, outgoing = read_alarm_state(configuration.data_dir, configuration.profile.id)
    if ENGINE not in rows:
        raise UnreachableError(
            Sentence(
                "no alarms were watched in {data_dir} yet: start `kado run` with [alarms]",
                data_dir=configuration.data_dir,
            )
        )
    engine = from_rows(rows, series_table(configuration))
    start = now_ns - INTERVAL_NS
    with open_alarm_journal(configuration) as journal:
        recent = journal.transitions(start, None)
        watches = journal.watches()
    recent = _with_outgoing(recent, outgoing)
    since = max((w.to_ns for w in watches if w.kind in ("start", "hole", "clock")), default=None)
    return AlarmStanding(
        configuration,
        now_ns,
        engine,
        since,
        sum(t.annunciated for t in recent if t.time_ns > start),
        json.loads(rows.get("service", "{}")),
        tuple(outgoing),
    )


def alarms_document(standing: AlarmStanding, shown: Sequence[AlarmRule] | None = None) -> dict[str, Any]:
    """Return how the alarms stand, for programs; `shown` are the alarms to list, None: all."""
    configuration, engine = standing.configuration, standing.engine
    zone = configuration.profile.zone
    counts = {state.value: 0 for state in reversed(AlarmState)}
    for record in engine.records:
        counts[record.shown.value] += 1
    return {
        **identity(configuration.profile),
        "at": format_time(standing.now_ns, zone),
        "watching_since": _time(standing.watching_since_ns, zone),
        "position": format_time(engine.position_ns, zone),
        "flood": standing.flood,
        "rules": {"fingerprint": engine.rules.fingerprint, "count": len(engine.rules)},
        "counts": counts,
        "alarms": [alarm_document(standing, rule) for rule in (standing.listed() if shown is None else shown)],
    }


def alarm_document(standing: AlarmStanding, rule: AlarmRule) -> dict[str, Any]:
    """Return one alarm, for programs."""
    engine, zone = standing.engine, standing.configuration.profile.zone
    record = engine.record(rule.id)
    value, word, limit, unit = shown_value(engine, rule.id)
    acknowledged = shelf = out = None
    if record.shown is AlarmState.ACKED:
        acknowledged = {
            "by": record.acked_by,
            "at": _time(record.acked_ns, zone),
            "comment": record.acked_comment or None,
        }
    if record.shelf_until_ns is not None:
        shelf = {
            "until": format_time(record.shelf_until_ns, zone),
            "once": record.shelf_once,
            "by": record.shelf_by,
            "reason": record.shelf_reason,
        }
    if record.out:
        out = {"by": record.out_by, "since": _time(record.out_since_ns, zone), "reason": record.out_reason}
    return {
        "id": rule.id,
        "title": text_document(rule.title),
        "priority": rule.priority.value,
        "class": rule.class_,
        "state": record.shown.value,
        "since": _time(record.shown_since_ns, zone),
        "occurrence": record.occurrence,
        "condition_since": _time(record.since_ns, zone),
        "value": value,
        "word": word,
        "unit": unit,
        "limit": limit,
        "input_known": record.verdict is not None,
        "chattering": record.chattering,
        "acknowledged": acknowledged,
        "shelf": shelf,
        "suppressed_by": list(record.suppressors),
        "out_of_service": out,
        "action": text_document(rule.action),
        "respond_within_s": rule.respond_within_s,
    }


def transition_document(row: Transition, zone: tzinfo) -> dict[str, Any]:
    """Return one row, for programs."""
    return {
        "time": format_time(row.time_ns, zone),
        "alarm": row.alarm,
        "from": row.from_state.value,
        "to": row.to_state.value,
        "cause": row.cause.value,
        "by": row.by,
        "since": _time(row.since_ns, zone),
        "occurrence": row.occurrence,
        "priority": row.priority.value,
        "class": row.class_,
        "annunciated": row.annunciated,
        "chattering": row.chattering,
        "input_known": row.input_known,
        "value": row.value,
        "word": row.word,
        "limit": row.limit_value,
    }


@dataclass(frozen=True, slots=True)
class AlarmHistory:
    """Rows of a stretch of time, and when nobody watched in it."""

    configuration: Configuration
    start_ns: int | None
    end_ns: int
    rows: tuple[Transition, ...]
    holes: tuple[tuple[int, int], ...]
    replayed: bool = False
    unknown: tuple[str, ...] = ()
    """For a replay: series without a history."""


def load_history(
    configuration: Configuration, start_ns: int | None, end_ns: int, alarm: str | None, *, most: int | None = None
) -> AlarmHistory:
    """Return the journaled rows of ``[start_ns, end_ns)``.

    Parameters
    ----------
    most
        More rows than this are refused before they are read; None: as many as there are.

    Raises
    ------
    PeriodError
        If there are more rows than `most`.
    UnreachableError
        If the journal cannot be read.
    """
    outgoing: list[Outgoing] = []
    if DataDir(configuration.data_dir).telemetry.exists():
        _, outgoing = read_alarm_state(configuration.data_dir, configuration.profile.id)
    with open_alarm_journal(configuration) as journal:
        if most is not None and (n := journal.count_transitions(start_ns, end_ns, alarm)) > most:
            raise PeriodError(
                Sentence(
                    "there are {n:,} rows of alarms in that time, more than the {most:,} that are given at once: ask"
                    " for a shorter time, or use the command, which has no limit",
                    n=n,
                    most=most,
                )
            )
        rows = journal.transitions(start_ns, end_ns, alarm)
        watches = journal.watches(start_ns, end_ns)
    rows = tuple(
        t
        for t in _with_outgoing(rows, outgoing)
        if (start_ns is None or t.time_ns >= start_ns) and t.time_ns < end_ns and alarm in (None, t.alarm)
    )
    return AlarmHistory(configuration, start_ns, end_ns, rows, not_watched(watches, start_ns, end_ns))


def not_watched(watches: Sequence[Watch], start_ns: int | None, end_ns: int) -> tuple[tuple[int, int], ...]:
    """Return the stretches of ``[start_ns, end_ns)`` in which nobody watched, as far as holes were recorded."""
    holes = [(w.from_ns, w.to_ns) for w in watches if w.kind == "hole" and w.to_ns > w.from_ns]
    clipped = [(a if start_ns is None else max(a, start_ns), min(b, end_ns)) for a, b in holes]
    return tuple((a, b) for a, b in clipped if b > a)


def history_document(history: AlarmHistory) -> dict[str, Any]:
    """Return rows for programs."""
    profile = history.configuration.profile
    zone = profile.zone
    return {
        **identity(profile),
        "replayed": history.replayed,
        "from": _time(history.start_ns, zone),
        "to": format_time(history.end_ns, zone),
        "not_watched": [[format_time(a, zone), format_time(b, zone)] for a, b in history.holes],
        **({"without_history": list(history.unknown)} if history.replayed else {}),
        "transitions": [transition_document(row, zone) for row in history.rows],
    }


def text_document(text: Text) -> dict[str, str]:
    """Return a text in both languages."""
    return {"en": text.en, "ja": text.ja}


def _with_outgoing(rows: tuple[Transition, ...], outgoing: Sequence[Outgoing]) -> tuple[Transition, ...]:
    """Add rows that are on their way to the journal and not there yet."""
    known = {(row.alarm, row.seq) for row in rows}
    waiting = [read_transition(o.text) for o in outgoing if o.kind == "transition"]
    return (*rows, *(row for row in waiting if (row.alarm, row.seq) not in known))


def _time(ns: int | None, zone: tzinfo) -> str | None:
    return None if ns is None else format_time(ns, zone)
