"""Calendar: a month as days by hours, a fiscal year as twelve small ones."""

from functools import partial
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from facility.period import Period, fiscal_year_of, month_of
from facility.time import NS_PER_H
from kado.language import term, tr
from kado.output import local
from kado.page.context import context_of
from kado.page.rendering import render
from kado.queries.calendar import OUTCOMES, Calendar, Day, Month, load_calendar
from kado.rounding import count, percent

RUNNING_S: Final = 60.0
PAST_S: Final = 900.0
"""So long a calendar of the past is shown again without being computed; what the page writes is seen at once."""
_WIDTH: Final = 960
_LEGEND: Final = ("delivered", "low_beam", "no_beam", "unknown", "planned")


async def show_now(request: Request) -> Response:
    """Show the running month, or the period that is asked for."""
    context = context_of(request)
    if asked := request.query_params.get("period"):
        return RedirectResponse(f"/calendar/{quote(asked, safe='')}", 303)
    return RedirectResponse(f"/calendar/{month_of(context.clock(), context.profile.zone).id}", 303)


async def show(request: Request) -> Response:
    """Show a month or a fiscal year."""
    context, period = context_of(request), request.path_params["period"]
    definition = request.query_params.get("definition")
    profile, now_ns = context.profile, context.clock()
    asked = profile.period(period)
    running = asked.end_ns > now_ns - 2 * 24 * NS_PER_H
    found = await context.reader.answer(
        ("calendar", asked.id, definition),
        partial(load_calendar, context.configuration, period, definition, clock=context.clock),
        fresh_s=RUNNING_S if running else PAST_S,
    )
    values = {
        **_around(found.period, found),
        "period": found.period.id,
        "definition": found.definition,
        "known": local(found.known_on_ns, profile.zone),
        "months": [_month(found, m, now_ns) for m in found.months],
        "legend": _LEGEND,
        "categories": _categories(found),
        "hours": list(range(0, 25, 3)),
        "width": _WIDTH,
        "today": local(now_ns, profile.zone)[:10],
    }
    return render(request, "calendar_year.html" if len(found.months) > 1 else "calendar.html", values)


def _around(period: Period, found: Calendar) -> dict[str, str]:
    profile = found.profile
    if len(found.months) == 1:
        before, after = month_of(period.start_ns - 1, profile.zone), month_of(period.end_ns, profile.zone)
    else:
        starts = profile.fiscal_year_starts_in
        before = fiscal_year_of(period.start_ns - 1, profile.zone, starts)
        after = fiscal_year_of(period.end_ns, profile.zone, starts)
    year = fiscal_year_of(period.start_ns, profile.zone, profile.fiscal_year_starts_in)
    return {"before": before.id, "after": after.id, "year": year.id}


def _categories(found: Calendar) -> list[str]:
    kinds = dict.fromkeys(s.kind for m in found.months for d in m.days for s in d.stretches)
    return [kind for kind in kinds if kind not in OUTCOMES]


def _month(found: Calendar, month: Month, now_ns: int) -> dict[str, Any]:
    profile = found.profile
    result = None if month.report is None else month.report.availability
    return {
        "id": month.period.id,
        "availability": "–" if result is None else f"{percent(result.figures.availability_pct, 1)} %",
        "failures": "–" if result is None else count(result.counts.failures),
        "user": _hours(sum(d.user_ns for d in month.days)),
        "lost": _hours(sum(d.lost_ns for d in month.days)),
        "unknown": _hours(sum(d.unknown_ns for d in month.days)),
        "days": [_day(d, now_ns) for d in month.days],
        "zone": profile.time_zone,
    }


def _day(day: Day, now_ns: int) -> dict[str, Any]:
    length = day.end_ns - day.start_ns

    def at(ns: int) -> float:
        return round(_WIDTH * (ns - day.start_ns) / length, 2)

    known = day.user_ns - day.unknown_ns - day.total("planned")
    bars = [
        {"kind": s.kind, "x": at(s.start_ns), "width": max(round(at(s.end_ns) - at(s.start_ns), 2), 1.5)}
        for s in day.stretches
    ]
    return {
        "id": day.day.isoformat(),
        "number": day.day.day,
        "weekday": _weekday(day),
        "is_weekend": day.day.weekday() >= 5,
        "bars": bars,
        "now": at(now_ns) if day.start_ns <= now_ns < day.end_ns else None,
        "user": _hours(day.user_ns),
        "lost": _hours(day.lost_ns) if day.lost_ns else "",
        "unknown": _hours(day.unknown_ns) if day.unknown_ns else "",
        "availability": f"{percent(100 * (known - day.lost_ns) / known, 1)} %" if known > 0 else "",
        "sentence": _sentence(day),
    }


def _sentence(day: Day) -> str:
    if not day.user_ns:
        kinds = dict.fromkeys(s.kind for s in day.stretches)
        return tr("no user time: {kinds}", kinds=", ".join(term(kind) for kind in kinds))
    return tr(
        "user time {user} h, lost {lost} h, unknown {unknown} h",
        user=_hours(day.user_ns),
        lost=_hours(day.lost_ns),
        unknown=_hours(day.unknown_ns),
    )


def _weekday(day: Day) -> str:
    names = (tr("Mon"), tr("Tue"), tr("Wed"), tr("Thu"), tr("Fri"), tr("Sat"), tr("Sun"))
    return names[day.day.weekday()]


def _hours(ns: int) -> str:
    # What is not nothing must not look like it.
    return "<0.01" if 0 < ns < NS_PER_H // 200 else f"{ns / NS_PER_H:,.2f}"


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/calendar", show_now, name="calendar"),
    Route("/calendar/{period}", show),
)
