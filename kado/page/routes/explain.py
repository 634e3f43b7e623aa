"""Explain: why an instant counts as it does; a page of its own, and a part of History."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from analytics.explain import Held, Standing
from facility.definition import Definition
from facility.time import NS_PER_S, format_time
from kado.language import term, tr, words
from kado.language.assertions import assertion_word
from kado.output import age, local, stretch
from kado.page.context import PageContext, context_of
from kado.page.rendering import render
from kado.page.routes.now import chart_words
from kado.queries.correction_months import all_definitions
from kado.queries.explanation import Explanation, InstantExplanation, load_explanation, load_instant
from kado.rounding import duration

AROUND_NS: Final = 900 * NS_PER_S
BESIDE_NS: Final = 300 * NS_PER_S
LONGEST_NS: Final = 6 * 3600 * NS_PER_S
"""Intervals are listed and samples drawn at most so far around the instant."""
LISTED: Final = 60

_Loaded = tuple[InstantExplanation, Explanation, list[Definition]]


async def explain(request: Request) -> Response:
    """Explain the instant ``at``; with ``part=1`` without the page around it."""
    context = context_of(request)
    at, definition = request.query_params.get("at", ""), request.query_params.get("definition") or None
    found, around, definitions = await context.reader.answer(
        ("explain view", at, definition), lambda: _load(context, at, definition), fresh_s=10.0
    )
    values = _values(context, found, around) | {"definitions": definitions}
    # Where the page has forms for corrections.
    values["correct_path"] = "/record" if "/record" in request.app.state.paths else ""
    if request.query_params.get("part") == "1":
        values |= {"profile": context.profile, "part": True}
        return HTMLResponse(request.app.state.templates.get_template("history/explained.html").render(values))
    return render(request, "explain.html", values | {"part": False})


def _load(context: PageContext, at: str, definition: str | None) -> _Loaded:
    found = load_instant(context.configuration, at, definition, None, clock=context.clock)
    segment, ns, now_ns = found.instant.segment, found.instant.ns, context.clock()
    start, end = segment.start_ns - BESIDE_NS, segment.end_ns + BESIDE_NS
    if segment.end_ns - segment.start_ns > LONGEST_NS or segment.rule.name in ("DELIVERED", "PLAN"):
        start, end = ns - AROUND_NS, ns + AROUND_NS
    zone = context.profile.zone
    span = f"{format_time(start, zone)}/{format_time(min(end, now_ns), zone)}"
    around = load_explanation(context.configuration, span, definition, None, clock=context.clock)
    return found, around, all_definitions(context.configuration)


def _values(context: PageContext, found: InstantExplanation, around: Explanation) -> dict[str, Any]:
    profile, zone, i = context.profile, context.profile.zone, found.instant
    segment, limits = i.segment, i.thresholds
    part = around.report.part
    return {
        "at": local(i.ns, zone, offset=True),
        "at_iso": format_time(i.ns, zone),
        "start": format_time(part.start_ns, zone),
        "end": format_time(part.end_ns, zone),
        "account": segment.account,
        "account_words": term(segment.account),
        "reason": tr(segment.rule.value),
        "interval": stretch(segment.start_ns, segment.end_ns, zone),
        "length": duration(segment.end_ns - segment.start_ns),
        "interval_start": format_time(segment.start_ns, zone),
        "interval_end": format_time(segment.end_ns, zone),
        "definition": found.report.definition.id,
        "facts": _facts(context, found),
        "limits": [
            {"kind": "minimum", "value": limits.minimum, "label": tr("minimum")},
            {"kind": "tolerance", "value": limits.tolerance, "label": tr("tolerance")},
        ],
        "corrections": [
            {"id": c.id, "assertion": assertion_word(c.assertion), "author": c.author, "reason": c.reason}
            for c in i.corrections
        ],
        "around": [
            {
                "start": local(s.start_ns, zone),
                "length": duration(s.end_ns - s.start_ns),
                "account": s.account,
                "words": term(s.account),
                "rule": tr(s.rule.value),
                "here": s.start_ns <= i.ns < s.end_ns,
            }
            for s in around.segments.longest(LISTED)
        ],
        "signal": profile.delivery_signal,
        "zone_name": profile.time_zone,
        "chart_words": chart_words(),
    }


def _facts(context: PageContext, found: InstantExplanation) -> list[tuple[str, str]]:
    profile, zone, i = context.profile, context.profile.zone, found.instant
    unit = profile.delivery.unit
    label = profile.delivery.label
    rows = [(words(label) if label else profile.delivery_signal, _held(context, i.sample, i.ns, unit))]
    if profile.delivery.witness is not None:
        witness = profile.signal(profile.delivery.witness)
        name = words(witness.label) if witness.label else witness.id
        rows.append((name, _held(context, i.witness, i.ns, witness.unit)))
    for source, word in found.links.items():
        rows.append((tr("Link {source}", source=source), _held(context, word, i.ns, "")))
    if profile.mode_signal is not None:
        mode = profile.signal(profile.mode_signal)
        rows.append((words(mode.label) if mode.label else mode.id, term(i.mode) if i.mode else tr("not known")))
    rows.append((tr("Plan"), _planned(found)))
    t = i.thresholds
    text = tr(
        "no beam below {minimum:g}, until {ends:g}; low beam below {tolerance:g}, until {low_ends:g} {unit}",
        minimum=t.minimum,
        ends=t.no_beam_ends,
        tolerance=t.tolerance,
        low_ends=t.low_beam_ends,
        unit=unit,
    )
    rows.append((tr("Limits"), text))
    for further in i.further:
        d = further.distortion
        standing = tr(further.standing.value)
        if further.event is not None and further.standing not in (Standing.NO_BEAM, Standing.UNKNOWN):
            standing += tr(", from {time}", time=local(further.event.start_ns, zone))
        said = _held(context, further.sample, i.ns, profile.signal(d.signal).unit)
        rows.append((words(d.name), f"{said}: {standing}"))
    return rows


def _held(context: PageContext, held: Held | None, ns: int, unit: str) -> str:
    if held is None:
        return tr("nothing recorded")
    return tr(
        "{value}, {quality}, {time} ({age} before)",
        value=term(held.state) if held.state is not None else f"{held.value:zg} {unit}",
        quality=term(held.quality.name.lower()),
        time=local(held.time_ns, context.profile.zone),
        age=age(held.time_ns, ns),
    )


def _planned(found: InstantExplanation) -> str:
    planned = found.instant.planned
    if planned is None:
        return tr("nothing")
    block, zone = planned.block, found.report.profile.zone
    names = [term(block.category.value), *block.tags, *([tr("run {run}", run=block.run)] if block.run else [])]
    late = tr("; cancelled with too little notice") if planned.cancelled else ""
    published = local(planned.published_at_ns, zone)
    return tr("{block}, published {time}", block=" ".join(names), time=published) + late


ROUTES: Final[tuple[BaseRoute, ...]] = (Route("/explain", explain, name="explain"),)
