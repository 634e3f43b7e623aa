"""Shift handover: filled in by kado, signed by one person, countersigned by the next."""

from functools import partial
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from facility.accounts import Permission
from facility.errors import UsageError
from facility.sentence import Sentence
from facility.shifts import Shift, shift_at, shift_before
from facility.time import format_time
from facility.written_text import check_line
from kado.language import language, tr
from kado.language.sentences import error_text
from kado.page.access.visitor import require
from kado.page.api.endpoint import read_options
from kado.page.context import context_of
from kado.page.entries import read_number
from kado.page.forms import text_of
from kado.page.once import done_of, redirect_done, show_once
from kado.page.rendering import render
from kado.queries.shift import find_shift, handovers_document, load_handovers, shift_document
from kado.queries.shift_markdown import (
    alarm_words,
    beam_facts,
    correction_words,
    countersigned_words,
    event_words,
    incident_words,
    no_figure_words,
    open_questions,
    shift_markdown,
    signed_words,
    time_of,
)
from kado.service.handovers import add_remark, countersign, hand_over

FRESH_S: Final = 20.0
LISTED: Final = 200


async def show_shift(request: Request) -> Response:
    """Show a shift as it is known now, or as it was signed."""
    return await _shown(request, _shift_of(request, request.query_params.get("at", "")))


async def as_markdown(request: Request) -> Response:
    """Return the shift as Markdown."""
    context = context_of(request)
    document = await _document(request, _asked(request, "at", "lang"))
    text = shift_markdown(context.profile, document)
    name = f"shift-{document['shift']['start'][:16].replace(':', '')}.md"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/markdown; charset=utf-8", headers=headers)


async def as_json(request: Request) -> Response:
    """Return the shift for programs."""
    return JSONResponse(await _document(request, _asked(request, "at")))


async def list_shifts(request: Request) -> Response:
    """List the shifts that were handed over; ``?q=`` searches."""
    context, search = context_of(request), request.query_params.get("q", "")
    check_line(Sentence("the search"), search)
    found = await context.reader.write(partial(load_handovers, context.configuration, search))
    document = handovers_document(context.profile, found[:LISTED])
    values = {
        "search": search,
        "rows": [
            {
                **row,
                "name": row["shift"]["name"][language()],
                "at": row["shift"]["start"],
                "start": time_of(row["shift"]["start"])[:16],
                "facts": beam_facts({"beam": row["beam"]}),
                "signed": signed_words(row["handover"]),
                "countersigned": _countersigned(row["handover"]),
            }
            for row in document["handovers"]
        ],
        "in_all": len(found),
    }
    return render(request, "shift_list.html", values)


async def remark(request: Request) -> Response:
    """Add a remark to the log of a shift."""
    visitor, context = require(request, Permission.HAND_OVER), context_of(request)
    form = await request.form()
    shift, text = _shift_of(request, text_of(form, "at")), text_of(form, "text")
    work = partial(add_remark, context.configuration, shift, visitor.name or "", text, clock=context.clock)
    return await _written(request, shift, work, {"text": text}, "remark")


async def sign(request: Request) -> Response:
    """Hand over a shift."""
    visitor, context = require(request, Permission.HAND_OVER), context_of(request)
    form = await request.form()
    shift, remarks = _shift_of(request, text_of(form, "at")), text_of(form, "remarks")
    work = partial(hand_over, context.configuration, shift, visitor.name or "", remarks, clock=context.clock)
    return await _written(request, shift, work, {"remarks": remarks}, "sign")


async def sign_second(request: Request) -> Response:
    """Countersign a handover as the next shift."""
    visitor, context = require(request, Permission.HAND_OVER), context_of(request)
    form = await request.form()
    shift, number, text = _shift_of(request, text_of(form, "at")), text_of(form, "id"), text_of(form, "remark")
    work = partial(
        countersign, context.configuration, read_number(number), visitor.name or "", text, clock=context.clock
    )
    return await _written(request, shift, work, {"remark": text}, "countersign")


async def _written(request: Request, shift: Shift, work: Any, entered: dict[str, str], what: str) -> Response:
    reader = context_of(request).reader
    try:
        await reader.write(work)
    except UsageError as error:
        return await _shown(request, shift, problem=error_text(error), where=what, entered=entered)
    reader.forget()
    return redirect_done("/shift", _address(request, shift), what)


async def _document(request: Request, shift: Shift) -> dict[str, Any]:
    context = context_of(request)
    return await context.reader.answer(
        ("shift", shift.start_ns),
        partial(shift_document, context.configuration, shift, clock=context.clock),
        fresh_s=FRESH_S,
    )


async def _shown(
    request: Request, shift: Shift, *, problem: str = "", where: str = "", entered: dict[str, str] | None = None
) -> Response:
    context = context_of(request)
    profile, now_ns = context.profile, context.clock()
    document = await _document(request, shift)
    after = shift_at(shift.end_ns, profile.shifts, profile.zone)
    handover, previous = document["handover"], document["previous"]
    values = {
        "document": document,
        "name": document["shift"]["name"][language()],
        "start": time_of(document["shift"]["start"])[:16],
        "end": time_of(document["shift"]["end"])[:16],
        "at": document["shift"]["start"],
        "known": time_of(document["as_known_on"]),
        "facts": beam_facts(document),
        "no_figure": no_figure_words(document),
        "events": [event_words(e) for e in document["events"]],
        "alarms": [alarm_words(a) for a in document["alarms"]],
        "corrections": [correction_words(c) for c in document["corrections"]],
        "incidents": [incident_words(i) for i in document["incidents"]],
        "questions": open_questions(document),
        "remarks": [{**r, "time": time_of(r["recorded_at"])[5:16]} for r in document["remarks"]],
        "handover": handover,
        "signed": "" if handover is None else signed_words(handover),
        "countersigned": "" if handover is None else _countersigned(handover),
        "is_running": shift.start_ns <= now_ns < shift.end_ns,
        "previous": previous,
        "previous_name": previous["name"][language()],
        "before_address": _address(request, shift_before(shift, profile.shifts, profile.zone)),
        "after_address": _address(request, after) if after.start_ns <= now_ns else "",
        "problem": problem,
        "where": where,
        "entered": {"text": "", "remarks": "", "remark": "", **(entered or {})},
        "done": done_of(request),
    }
    return show_once(render(request, "shift.html", values, status=400 if problem else 200), request, "/shift")


def _countersigned(handover: dict[str, Any]) -> str:
    return "" if handover["countersigned"] is None else countersigned_words(handover)


def _asked(request: Request, *options: str) -> Shift:
    return _shift_of(request, read_options(request, options).get("at", ""))


def _shift_of(request: Request, at: str) -> Shift:
    context = context_of(request)
    shift = find_shift(context.configuration, at or None, clock=context.clock)
    if shift.start_ns > context.clock():
        raise HTTPException(404, tr("That shift has not begun."))
    return shift


def _address(request: Request, shift: Shift) -> str:
    # A plus sign in an address would be read as a space: UTC has none.
    del request
    return f"/shift?at={format_time(shift.start_ns)}"


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/shift", show_shift, name="shift"),
    Route("/shift.md", as_markdown),
    Route("/shift.json", as_json),
    Route("/shift/list", list_shifts),
    Route("/shift/remark", remark, methods=["POST"]),
    Route("/shift/sign", sign, methods=["POST"]),
    Route("/shift/countersign", sign_second, methods=["POST"]),
)
