"""Record: what awaits review, what people state, and the whole history of it."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from facility.accounts import Permission
from facility.corrections import Assertion, Exclusion
from facility.definition import load_definition
from facility.errors import PeriodError, ProfileError, UsageError
from facility.period import month_of
from kado.language import tr
from kado.language.assertions import exclusion_word
from kado.language.sentences import error_text
from kado.output import stretch
from kado.page.access.visitor import require
from kado.page.context import context_of
from kado.page.entries import (
    CORRECTION_FIELDS,
    INCIDENT_FIELDS,
    fields_of,
    read_correction,
    read_incident,
    read_number,
)
from kado.page.forms import text_of
from kado.page.once import done_of, redirect_done, show_once
from kado.page.previews import PreviewTooLongError
from kado.page.record_rows import (
    awaiting_rows,
    correction_rows,
    effect_rows,
    incident_rows,
    outages_of_interval,
)
from kado.page.refusals import status_of
from kado.page.rendering import render
from kado.page.words import assertion_hint, assertion_words
from kado.queries.awaiting_review import AwaitingReview, load_awaiting_review
from kado.queries.correction_effect import CorrectionPreview, preview_correction
from kado.queries.correction_months import (
    MonthEffect,
    all_definitions,
    effect_of_confirmation,
    effect_of_correction,
    effect_of_withdrawal,
    effects_document,
)
from kado.queries.corrections import RecordedCorrection, load_corrections
from kado.queries.incidents import load_incidents
from kado.queries.period_pieces import Progress
from kado.queries.record import load_plan
from kado.service.recording import (
    confirm_correction,
    record_incident,
    withdraw_correction,
    withdraw_incident,
    write_correction,
)

T = TypeVar("T")

FRESH_S: Final = 10.0
SHOWN: Final = 200
"""So many corrections and incidents the history shows at most, newest first."""


async def show_record(request: Request) -> Response:
    """Show what awaits review, the forms, and the history."""
    start, end = request.query_params.get("from", ""), request.query_params.get("to", "")
    given = {"start": start, "end": end, "assertion": request.query_params.get("state", "")}
    context = context_of(request)
    if name := request.query_params.get("period"):
        # What is no period is refused; one without a figure is shown with the reason.
        await context.reader.answer(
            ("period", name), lambda: context.profile.period(name, load_plan(context.configuration))
        )
    return await _record(request, correction=given, incident=dict(given))


async def correct(request: Request) -> Response:
    """Show what a correction will do, or write it."""
    visitor, context = require(request, Permission.CORRECT), context_of(request)
    form = await request.form()
    fields = fields_of(form, CORRECTION_FIELDS)
    assert visitor.name is not None
    try:
        new = read_correction(context.configuration, fields, visitor.name, context.clock)
        if text_of(form, "step") == "write":
            made = await _write(request, partial(write_correction, context.configuration, new))
            return _done(f"c{made.correction.id}", "correction")
        own = load_definition_of(request)

        def look(progress: Progress) -> tuple[CorrectionPreview, list[MonthEffect]]:
            options: dict[str, Any] = {"clock": context.clock, "progress": progress}
            around = preview_correction(context.configuration, new, **options)
            return around, effect_of_correction(context.configuration, new, [own], **options)

        preview, effects = await context.reader.previews.compute(look)
    except UsageError as error:
        return await _record(
            request, correction=fields, problem=error_text(error), where="correct", status=status_of(error)
        )
    values = {
        "fields": fields,
        "new": new,
        "when": stretch(new.start_ns, new.end_ns, context.profile.zone),
        "states": assertion_words(new.assertion),
        "category": None if new.category is None else exclusion_word(new.category),
        "effects": effect_rows(effects),
        "others": [d for d in all_definitions(context.configuration) if d.id != own.id],
        "warnings": preview.warnings,
        "needs_confirmation": new.assertion is Assertion.EXCLUDED,
        "author": visitor.name,
    }
    return render(request, "record_preview.html", values)


async def effects(request: Request) -> Response:
    """Return what a correction would do by one definition, for the rows that the preview fills in afterwards."""
    visitor, context = require(request, Permission.CORRECT), context_of(request)
    form = await request.form()
    assert visitor.name is not None
    definition = load_definition(text_of(form, "definition"), context.configuration.folder)
    number, action = text_of(form, "id"), text_of(form, "action")
    work: Callable[..., list[MonthEffect]]
    if action in _EFFECTS:
        work = partial(_EFFECTS[action], context.configuration, read_number(number), [definition], clock=context.clock)
    else:
        new = read_correction(context.configuration, fields_of(form, CORRECTION_FIELDS), visitor.name, context.clock)
        work = partial(effect_of_correction, context.configuration, new, [definition], clock=context.clock)
    found = await context.reader.previews.compute(lambda progress: work(progress=progress))
    return JSONResponse({"rows": effect_rows(found), "effects": effects_document(found)})


_EFFECTS: Final = {"withdraw": effect_of_withdrawal, "confirm": effect_of_confirmation}


async def ask_withdrawal(request: Request) -> Response:
    """Show what a withdrawal will do, before it is written."""
    require(request, Permission.WITHDRAW)
    return await _ask(request, "withdraw", read_number(request.query_params.get("id", "")), "", {})


async def ask_confirmation(request: Request) -> Response:
    """Show what a confirmation will do, before it is written."""
    require(request, Permission.CONFIRM)
    return await _ask(request, "confirm", read_number(request.query_params.get("id", "")), "", {})


async def _ask(request: Request, action: str, number: int, problem: str, fields: dict[str, str]) -> Response:
    context = context_of(request)
    listed = await context.reader.write(partial(load_corrections, context.configuration))
    said = next((s for s in listed if s.correction.id == number), None)
    if said is None:
        raise UsageError(tr("There is no correction #{number}.", number=number))
    if action == "confirm" and said.confirmation is not None and not problem:
        values = {"action": action, "rows": correction_rows(context.profile, [said]), "number": number, "settled": True}
        return render(request, "record_ask.html", values)
    own = load_definition_of(request)
    work = partial(_EFFECTS[action], context.configuration, number, [own], clock=context.clock)
    effects: list[MonthEffect] = []
    unknown = ""
    try:
        effects = await context.reader.previews.compute(lambda progress: work(progress=progress))
    except PreviewTooLongError as error:
        # A long correction can be withdrawn although its effect is not shown.
        unknown = tr("Not shown: it takes more than {limit} s to compute.", limit=f"{error.longest_s:g}")
    values = {
        "settled": False,
        "effects_unknown": unknown,
        "action": action,
        "rows": correction_rows(context.profile, [said]),
        "number": number,
        "effects": effect_rows(effects),
        "others": [d for d in all_definitions(context.configuration) if d.id != own.id] if effects else [],
        "problem": problem,
        "reason": fields.get("reason", ""),
    }
    return render(request, "record_ask.html", values, status=400 if problem else 200)


async def withdraw(request: Request) -> Response:
    """Withdraw a correction."""
    visitor, context = require(request, Permission.WITHDRAW), context_of(request)
    form = await request.form()
    number, reason = read_number(text_of(form, "id")), text_of(form, "reason").strip()
    work = partial(withdraw_correction, context.configuration, number, visitor.name or "", reason)
    return await _written(request, "withdraw", number, work, {"reason": reason})


async def confirm(request: Request) -> Response:
    """Confirm an exclusion as a second person."""
    visitor, context = require(request, Permission.CONFIRM), context_of(request)
    form = await request.form()
    number, remark = read_number(text_of(form, "id")), text_of(form, "reason").strip()
    work = partial(confirm_correction, context.configuration, number, visitor.name or "", remark)
    return await _written(request, "confirm", number, work, {"reason": remark})


async def _written(
    request: Request, action: str, number: int, work: Callable[[], RecordedCorrection], fields: dict[str, str]
) -> Response:
    try:
        await _write(request, work)
    except UsageError as error:
        return await _ask(request, action, number, error_text(error), fields)
    return _done(f"c{number}", action)


async def add_incident(request: Request) -> Response:
    """Show which outages an incident belongs to, or write it."""
    visitor, context = require(request, Permission.CORRECT), context_of(request)
    form = await request.form()
    fields = fields_of(form, INCIDENT_FIELDS)
    assert visitor.name is not None
    try:
        entry = read_incident(context.configuration, fields, visitor.name)
        if entry.replaces is not None:
            require(request, Permission.WITHDRAW)
        work = partial(
            record_incident,
            context.configuration,
            entry.incident,
            replaces=entry.replaces,
            reason=entry.reason,
            clock=context.clock,
        )
        made = await _write(request, work)
    except UsageError as error:
        return await _record(
            request, incident=fields, problem=error_text(error), where="incident", status=status_of(error)
        )
    return _done(f"i{made.incident.id}", "incident")


async def ask_about_incident(request: Request) -> Response:
    """Ask for the reason of a withdrawal."""
    require(request, Permission.WITHDRAW)
    return await _ask_incident(request, read_number(request.query_params.get("id", "")), "", "")


async def _ask_incident(request: Request, number: int, reason: str, problem: str) -> Response:
    context = context_of(request)
    listed = await context.reader.write(partial(load_incidents, context.configuration))
    noted = next((n for n in listed if n.incident.id == number), None)
    if noted is None:
        raise UsageError(tr("There is no incident #{number}.", number=number))
    values = {"rows": incident_rows(context.profile, [noted]), "number": number, "problem": problem, "reason": reason}
    return render(request, "incident_ask.html", values, status=400 if problem else 200)


async def take_incident_back(request: Request) -> Response:
    """Withdraw an incident."""
    visitor, context = require(request, Permission.WITHDRAW), context_of(request)
    form = await request.form()
    number, reason = read_number(text_of(form, "id")), text_of(form, "reason").strip()
    try:
        await _write(request, partial(withdraw_incident, context.configuration, number, visitor.name or "", reason))
    except UsageError as error:
        return await _ask_incident(request, number, reason, error_text(error))
    return _done(f"i{number}", "withdraw-incident")


async def _record(
    request: Request,
    *,
    correction: dict[str, str] | None = None,
    incident: dict[str, str] | None = None,
    problem: str = "",
    where: str = "",
    status: int = 200,
) -> Response:
    context = context_of(request)
    configuration, profile, now_ns = context.configuration, context.profile, context.clock()
    period = request.query_params.get("period") or month_of(now_ns, profile.zone).id
    awaiting: AwaitingReview | None = None
    no_figure = ""
    try:
        awaiting = await context.reader.answer(
            ("awaiting", period),
            partial(load_awaiting_review, configuration, period, clock=context.clock),
            fresh_s=FRESH_S,
        )
    except (PeriodError, ProfileError) as error:
        no_figure = error_text(error)
    corrections = await context.reader.write(partial(load_corrections, configuration))
    incidents = await context.reader.write(partial(load_incidents, configuration))
    values = {
        "period": period,
        "no_figure": no_figure,
        "awaiting": None if awaiting is None else awaiting_rows(awaiting),
        "awaiting_count": 0 if awaiting is None else len(awaiting),
        "corrections": correction_rows(profile, corrections[::-1][:SHOWN]),
        "corrections_in_all": len(corrections),
        "incidents": incident_rows(profile, incidents[::-1][:SHOWN]),
        "incidents_in_all": len(incidents),
        "outages": [] if awaiting is None else outages_of_interval(awaiting),
        "assertions": [(a.value, assertion_words(a), assertion_hint(a)) for a in Assertion],
        "categories": [(e.value, exclusion_word(e)) for e in Exclusion],
        "unit": profile.delivery.unit or "",
        "systems": sorted({i.incident.system for i in incidents}),
        "correction": dict.fromkeys(CORRECTION_FIELDS, "") | (correction or {}),
        "incident": dict.fromkeys(INCIDENT_FIELDS, "") | (incident or {}),
        "problem": problem,
        "where": where,
        "done": done_of(request),
    }
    return show_once(render(request, "record.html", values, status=status), request, "/record")


def load_definition_of(request: Request) -> Any:
    """Return the facility's own definition."""
    configuration = context_of(request).configuration
    return load_definition(configuration.profile.definition, configuration.folder)


async def _write(request: Request, work: Callable[[], T]) -> T:
    """Write, and let every view be computed again."""
    reader = context_of(request).reader
    made = await reader.write(work)
    reader.forget()
    return made


def _done(anchor: str, what: str) -> Response:
    return redirect_done("/record", f"/record#{anchor}", what)


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/record", show_record, name="record"),
    Route("/record/correct", correct, methods=["POST"]),
    Route("/record/effects", effects, methods=["POST"]),
    Route("/record/incident", add_incident, methods=["POST"]),
    Route("/record/withdraw-incident", ask_about_incident),
    Route("/record/withdraw-incident", take_incident_back, methods=["POST"]),
    Route("/record/withdraw", ask_withdrawal),
    Route("/record/withdraw", withdraw, methods=["POST"]),
    Route("/record/confirm", ask_confirmation),
    Route("/record/confirm", confirm, methods=["POST"]),
)
