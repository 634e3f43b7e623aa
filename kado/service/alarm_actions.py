"""Records what people do with alarms, and waits for the service's answer."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from analytics.alarms.rows import ENGINE, from_rows
from facility.alarms import Action, AlarmState, RefusalReason
from facility.errors import ConfigError
from facility.time import format_time
from kado.config import Configuration
from kado.journal import open_alarm_journal
from kado.queries.alarm_rules import series_table
from kado.service.alarms import SERVICE
from kado.stores import running_pid
from storage.telemetry_db.alarms import read_alarm_state

ANSWER_S: Final = 5.0
_LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one action."""

    action: Action
    answered: bool
    """False: it is recorded and takes effect when a service runs."""
    refused: RefusalReason | None = None
    state: AlarmState | None = None
    """What the alarm is shown as now; None for one that there is not, and where nobody answered."""


def act(configuration: Configuration, actions: Sequence[Action], patience_s: float = ANSWER_S) -> list[Answer]:
    """Record actions, all or none, and wait until the service has taken them.

    Raises
    ------
    UnreachableError
        If the journal cannot be written; then nothing is recorded.
    """
    with open_alarm_journal(configuration) as journal:
        recorded = journal.add_actions(actions)
    until = time.monotonic() + (patience_s if running_pid(configuration) is not None else 0.0)
    while True:
        answers = _look(configuration, recorded)
        if answers is not None:
            return answers
        if time.monotonic() >= until:
            return [Answer(action, answered=False) for action in recorded]
        time.sleep(_LOOK_S)


def answer_document(configuration: Configuration, answer: Answer) -> dict[str, Any]:
    """Return what became of an action, for programs."""
    return {
        "alarm": answer.action.alarm,
        "action": answer.action.kind.value,
        "accepted": answer.answered and answer.refused is None,
        "refused": None if answer.refused is None else answer.refused.value,
        "state": None if answer.state is None else answer.state.value,
        "recorded_at": format_time(answer.action.recorded_at_ns, configuration.profile.zone),
    }


def _look(configuration: Configuration, recorded: Sequence[Action]) -> list[Answer] | None:
    """Return the answers, or None as long as one is missing."""
    try:
        rows, outgoing = read_alarm_state(configuration.data_dir, configuration.profile.id)
    except ConfigError:
        return None
    if ENGINE not in rows or json.loads(rows.get(SERVICE, "{}")).get("last_action", 0) < recorded[-1].id:
        return None
    engine = from_rows(rows, series_table(configuration))
    waiting = {action.id for action in engine.actions}
    if any(action.id in waiting for action in recorded):
        return None
    with open_alarm_journal(configuration) as journal:
        refused = journal.refusals(action.id for action in recorded)
    for row in outgoing:
        if row.kind == "refusal":
            refusal = json.loads(row.text)
            refused.setdefault(refusal["action_id"], RefusalReason(refusal["reason"]))
    index = engine.program.index
    return [
        Answer(a, True, refused.get(a.id), engine.records[index[a.alarm]].shown if a.alarm in index else None)
        for a in recorded
    ]
