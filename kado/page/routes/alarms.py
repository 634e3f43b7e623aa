"""Alarms: the list with value, limit and what to do; operators acknowledge and shelve by their own name."""

from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from facility.accounts import Permission
from facility.alarms import LISTED_STATES, Action, ActionKind, AlarmRule, AlarmState
from facility.errors import KadoError, UnreachableError
from facility.sentence import Sentence
from facility.time import NS_PER_S, to_ns
from facility.written_text import check_line
from kado.language import tr, words
from kado.language.alarm_words import alarm_refusal
from kado.language.sentences import error_text
from kado.output import local
from kado.page.access.visitor import RefusedError, require
from kado.page.context import context_of
from kado.page.entries import read_number
from kado.page.forms import text_of
from kado.page.once import done_of, redirect_done, show_once
from kado.page.rendering import render
from kado.queries.alarm_words import state_text, value_text
from kado.queries.alarms import AlarmStanding, load_alarms
from kado.queries.simulator_faults import seconds_of
from kado.service.alarm_actions import Answer, act

_FRESH_S: Final = 1.0
_LATE_NS: Final = 60 * NS_PER_S
_FIELDS: Final = ("do", "alarm", "occurrence", "reason", "length")
_KINDS: Final = (ActionKind.ACK, ActionKind.SHELVE, ActionKind.UNSHELVE)


async def show_alarms(request: Request) -> Response:
    """Show all alarms that are not normal, most urgent first."""
    return await _shown(request)


async def do(request: Request) -> Response:
    """Acknowledge or shelve an alarm, or take it off the shelf, as the person who is logged in."""
    visitor, context = require(request, Permission.ACT), context_of(request)
    _require_alarms(request)
    form = await request.form()
    fields = {name: text_of(form, name).strip() for name in _FIELDS}
    try:
        action = _action(fields, visitor.name or "", context.clock())
        (answer,) = await context.reader.write(partial(act, context.configuration, [action]))
    except KadoError as error:
        return await _shown(request, error_text(error), fields)
    context.reader.forget()
    if answer.refused is not None:
        return await _shown(request, _refusal(answer), fields)
    return redirect_done("/alarms", "/alarms", action.kind.value if answer.answered else "recorded")


def _action(fields: dict[str, str], name: str, now_ns: int) -> Action:
    kind = next((k for k in _KINDS if k.value == fields["do"]), None)
    if kind is None:
        raise RefusedError(400, tr("There is no such action."), f"action {fields['do'][:40]!r}")
    check_line(Sentence("the reason"), fields["reason"])
    until_ns = None
    if kind is ActionKind.SHELVE:
        until_ns = now_ns + to_ns(seconds_of(tr("Duration"), fields["length"]))
    occurrence = read_number(fields["occurrence"]) if kind is ActionKind.ACK and fields["occurrence"] else None
    return Action(fields["alarm"], kind, name, 0, fields["reason"], occurrence, until_ns)


def _refusal(answer: Answer) -> str:
    reason = "" if answer.refused is None else alarm_refusal(answer.refused)
    return tr("{alarm} was not changed: {reason}.", alarm=answer.action.alarm, reason=reason)


async def _shown(request: Request, problem: str = "", fields: dict[str, str] | None = None) -> Response:
    context = context_of(request)
    _require_alarms(request)
    standing: AlarmStanding | None = None
    waits = ""
    try:
        work = partial(load_alarms, context.configuration, context.clock())
        standing = await context.reader.answer(("alarms view",), work, fresh_s=_FRESH_S)
    except UnreachableError as error:
        waits = error_text(error)
    values: dict[str, Any] = {
        "problem": problem,
        "waits": waits,
        "fields": dict.fromkeys(_FIELDS, "") | (fields or {}),
        "done": done_of(request),
        **({} if standing is None else _standing(standing)),
    }
    return show_once(render(request, "alarms.html", values, status=400 if problem else 200), request, "/alarms")


def _standing(standing: AlarmStanding) -> dict[str, Any]:
    engine, zone = standing.engine, standing.configuration.profile.zone
    shown = {rule.id: engine.record(rule.id).shown for rule in engine.rules.rules}
    rules = standing.listed()
    return {
        "at": local(engine.position_ns, zone),
        "late": standing.now_ns - engine.position_ns > _LATE_NS,
        "flood": standing.flood,
        "annunciated": standing.annunciated,
        "unknown": sum(state is AlarmState.UNKNOWN for state in shown.values()),
        "normal": sum(state is AlarmState.NORMAL for state in shown.values()),
        "count": len(shown),
        "listed": [_row(standing, rule) for rule in rules if shown[rule.id] in LISTED_STATES],
        "others": [_row(standing, rule) for rule in rules if shown[rule.id] not in (*LISTED_STATES, AlarmState.NORMAL)],
    }


def _row(standing: AlarmStanding, rule: AlarmRule) -> dict[str, Any]:
    record, zone = standing.engine.record(rule.id), standing.configuration.profile.zone
    return {
        "id": rule.id,
        "title": words(rule.title),
        "priority": rule.priority.value,
        "state": record.shown.value,
        "state_text": state_text(standing, rule),
        "since": "" if record.shown_since_ns is None else local(record.shown_since_ns, zone),
        "value": value_text(standing, rule),
        "action": words(rule.action),
        "display": rule.display if (rule.display or "").startswith(("https://", "http://")) else "",
        "occurrence": record.occurrence,
        "may_ack": record.shown in (AlarmState.UNACKED, AlarmState.RTN_UNACKED),
        "may_shelve": record.shown is not AlarmState.OUT_OF_SERVICE,
        "on_shelf": record.shelf_until_ns is not None,
        "shelve_max_h": f"{rule.shelve_max_h:g}",
    }


def _require_alarms(request: Request) -> None:
    if context_of(request).configuration.settings.alarms is None:
        raise RefusedError(404, tr("This kado has no alarms: kado.toml has no [alarms]."), "no [alarms]")


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/alarms", show_alarms, name="alarms"),
    Route("/alarms/do", do, methods=["POST"]),
)
