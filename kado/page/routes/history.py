"""History: signals over any period, with what was lost and why."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from facility.errors import PeriodError
from facility.period import Period, fiscal_year_of, month_of
from facility.time import NS_PER_DAY, NS_PER_S, format_time, parse_time, to_s
from kado.language import term, tr, words
from kado.language.assertions import exclusion_note
from kado.language.sentences import error_text
from kado.output import local
from kado.page.api.answers import loaded
from kado.page.api.endpoint import Options, read_options
from kado.page.context import PageContext, context_of
from kado.page.rendering import render
from kado.page.routes.now import chart_words
from kado.queries.availability import AvailabilityReport
from kado.queries.events import event_documents, exclusions_of, incidents_behind, review_of
from kado.queries.record import load_plan
from kado.rounding import duration, percent

SHOWN: Final = 500
"""So many events of a period are listed, the newest ones."""
MOST_SIGNALS: Final = 8


async def history(request: Request) -> Response:
    """Show signals over the period that is asked for by name, or by its ends; the last day without."""
    context = context_of(request)
    profile, now_ns = context.profile, context.clock()
    asked, problem = request.query_params, ""
    period = Period("", now_ns - NS_PER_DAY, now_ns)
    try:
        if asked.get("start") and asked.get("end"):
            period = Period("", parse_time(asked["start"]), parse_time(asked["end"]))
            if period.end_ns <= period.start_ns:
                raise PeriodError(tr("the end must be after the start"))
        elif name := asked.get("period", "").strip():
            period = await context.reader.answer(("period", name), lambda: _named(context, name))
    except PeriodError as error:
        problem = error_text(error)
    known = {signal.id for signal in profile.signals}
    chosen = [s for s in asked.getlist("signal") if s in known][:MOST_SIGNALS] or [profile.delivery_signal]
    zone = profile.zone
    values: dict[str, Any] = {
        "asked_period": asked.get("period", ""),
        "problem": problem,
        "start": format_time(period.start_ns // NS_PER_S * NS_PER_S, zone),
        "end": format_time(period.end_ns // NS_PER_S * NS_PER_S, zone),
        "chosen": chosen,
        "right": [s for s in asked.getlist("right") if s in chosen],
        "numbers": [s for s in profile.signals if s.type == "number"],
        "states": [s for s in profile.signals if s.type == "state"],
        "quick": _quick(context, now_ns),
        "most_signals": MOST_SIGNALS,
        "chart_words": chart_words(),
    }
    return render(request, "history.html", values, status=400 if problem else 200)


async def events(request: Request) -> Response:
    """Return the figures and events of a period as a part of the view."""
    context = context_of(request)
    options = Options(read_options(request, ("period", "definition")))
    found = await loaded(context, options)
    return HTMLResponse(_events_html(request, context, found))


def _events_html(request: Request, context: PageContext, found: AvailabilityReport) -> str:
    zone, f = context.profile.zone, found.availability.figures
    accounts = found.availability.accounts
    names = {further.distortion.id: further.distortion.name for further in found.availability.further}
    rows: list[dict[str, Any]] = []
    listed = list(zip(found.availability.events, event_documents(found), strict=True))
    for reported, document in listed[::-1][:SHOWN]:
        e = reported.event
        named = names.get(e.distortion or "")
        marks = [term("trip")] if reported.trip else []
        marks += [tr("carried over")] if reported.carried_over else []
        marks += [exclusion_note(category) for category in exclusions_of(reported, found)]
        marks += [i.system for i in incidents_behind(reported, found)]
        rows.append(
            {
                "id": document["id"],
                "start": document["start"],
                "end": document["end"],
                "kind": "distortion" if e.distortion else e.kind.value,
                "what": term(e.kind.value) if named is None else words(named),
                "from": local(e.start_ns, zone),
                "until": tr("still open") if e.open else local(e.end_ns, zone)[5:],
                "length": duration(e.duration_ns),
                "lost": duration(reported.user_time_ns),
                "review": term(review_of(reported) or ""),
                "marks": marks,
            }
        )
    figures = {
        "availability": percent(f.availability_pct, 2),
        "bounds": f"{percent(f.availability_lower_pct, 2)} – {percent(f.availability_upper_pct, 2)}",
        "coverage": percent(f.coverage_pct),
        "no_beam": duration(accounts.no_beam),
        "unknown": duration(accounts.unknown),
        "failures": found.availability.counts.failures,
        "user_time_h": to_s(accounts.user_time) / 3600,
        "definition": f"{found.definition.id}: {words(found.definition.title)}",
    }
    template = request.app.state.templates.get_template("history/events.html")
    left_out = max(0, len(listed) - SHOWN)
    return template.render(figures=figures, rows=rows, left_out=left_out)


def _named(context: PageContext, name: str) -> Period:
    return context.profile.period(name, load_plan(context.configuration))


def _quick(context: PageContext, now_ns: int) -> list[dict[str, str]]:
    """Return periods that are often asked for."""
    profile = context.profile
    zone = profile.zone
    month = month_of(now_ns, zone)
    before = month_of(month.start_ns - 1, zone)
    year = fiscal_year_of(now_ns, zone, profile.fiscal_year_starts_in)
    found = [
        {"words": tr("24 hours"), "last_s": "86400", "period": ""},
        {"words": tr("7 days"), "last_s": "604800", "period": ""},
    ]
    return found + [{"words": p.id, "last_s": "", "period": p.id} for p in (month, before, year)]


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/history", history, name="history"),
    Route("/history/events", events, name="history events"),
)
