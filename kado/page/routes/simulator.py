"""Simulator: engineers break and repair a simulated machine while it runs, as `kado simulate inject` does."""

import logging
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from facility.accounts import Permission
from facility.errors import KadoError
from facility.time import NS_PER_S, parse_time
from kado.language import marked, tr
from kado.language.sentences import error_text
from kado.output import local
from kado.page.access.visitor import RefusedError, require
from kado.page.context import context_of
from kado.page.forms import text_of
from kado.page.once import done_of, redirect_done, show_once
from kado.page.rendering import render
from kado.queries.simulator_faults import effect_words, fault_detail, length_word, seconds_of
from simulators.answer_key import KeyFault
from simulators.control import Reply
from simulators.control import Request as Asked
from simulators.remote import ask, chosen_simulator, running_simulators

_LOG: Final = logging.getLogger(__name__)

DONE: Final = {"injected": marked("injected"), "repaired": marked("repaired")}
"""What was done to the machine, by the word of the simulator."""
FIELDS: Final = ("effect", "length", "cause", "reads", "shift")


async def show_simulator(request: Request) -> Response:
    """Show what is broken, what was done, and the form."""
    _require_simulated(request)
    return await _simulator(request, request.query_params.get("simulator", ""))


async def inject(request: Request) -> Response:
    """Inject a fault."""
    form = await request.form()
    _require_simulated(request)
    fields = {name: text_of(form, name).strip() for name in FIELDS}
    try:
        asked = Asked(
            do="inject",
            effect=fields["effect"],
            cause=fields["cause"] or "injected",
            length_s=seconds_of(tr("Duration"), fields["length"]) if fields["length"] else None,
            reads=fields["reads"] or None,
            shift_s=seconds_of(tr("Clock error"), fields["shift"]) if fields["shift"] else None,
        )
    except KadoError as error:
        return await _simulator(request, text_of(form, "simulator"), fields, error_text(error))
    return await _do(request, form, asked, fields)


async def repair(request: Request) -> Response:
    """End an effect, or all of them."""
    form = await request.form()
    _require_simulated(request)
    return await _do(request, form, Asked(do="repair", effect=text_of(form, "effect") or None), {})


async def _do(request: Request, form: FormData, asked: Asked, fields: dict[str, str]) -> Response:
    visitor, context = require(request, Permission.INJECT), context_of(request)
    name, data_dir = text_of(form, "simulator"), context.configuration.data_dir
    try:
        chosen = await context.reader.write(partial(chosen_simulator, data_dir, name or None))
        await context.reader.write(partial(ask, data_dir, chosen, asked))
    except KadoError as error:
        return await _simulator(request, name, fields, error_text(error))
    _LOG.info("%s: %s %s in simulator %s", visitor.name, asked.do, asked.effect or "all", chosen)
    return redirect_done("/simulator", f"/simulator?simulator={chosen}", asked.do)


async def _simulator(request: Request, name: str, fields: dict[str, str] | None = None, problem: str = "") -> Response:
    context = context_of(request)
    data_dir = context.configuration.data_dir
    running, reply = await context.reader.write(partial(_state, data_dir, name))
    values: dict[str, Any] = {
        "running": running,
        "simulator": None if reply is None else _standing(request, reply),
        "fields": dict.fromkeys(FIELDS, "") | (fields or {}),
        "problem": problem,
        "done": done_of(request),
    }
    return show_once(render(request, "simulator.html", values, status=400 if problem else 200), request, "/simulator")


def _state(data_dir: Path, name: str) -> tuple[tuple[str, ...], Reply | None]:
    running = running_simulators(data_dir)
    if not running:
        return running, None
    return running, ask(data_dir, name if name in running else running[0], Asked(do="status"))


def _standing(request: Request, reply: Reply) -> dict[str, Any]:
    zone = context_of(request).profile.zone

    def row(fault: KeyFault) -> dict[str, str]:
        return {
            "effect": fault.effect.value,
            "words": effect_words(fault.effect.value),
            "cause": fault.cause,
            "since": local(fault.start, zone),
            "until": local(fault.end, zone),
            "length": length_word((fault.end - fault.start) / NS_PER_S),
            "detail": fault_detail(fault),
        }

    return {
        "name": reply.name,
        "scenario": reply.scenario,
        "seed": reply.seed,
        "effects": [
            {"effect": e.effect, "words": effect_words(e.effect), "usual": length_word(e.usual_s)}
            for e in reply.effects
        ],
        "readings": sorted({reading for e in reply.effects for reading in e.reads}),
        "broken": [row(fault) for fault in reply.broken],
        "done": [
            {**row(d.fault), "time": local(parse_time(d.time), zone), "what": tr(DONE[d.what])}
            for d in reversed(reply.done)
        ],
    }


def _require_simulated(request: Request) -> None:
    """Refuse people who may not inject, and everybody where the facility is a real one.

    Who is trained does not see here what is broken: that is for engineers alone.
    """
    require(request, Permission.INJECT)
    if not context_of(request).profile.simulated:
        raise RefusedError(
            404, tr("This facility is not simulated: nothing can be injected."), "not a simulated facility"
        )


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/simulator", show_simulator, name="simulator"),
    Route("/simulator/inject", inject, methods=["POST"]),
    Route("/simulator/repair", repair, methods=["POST"]),
)
