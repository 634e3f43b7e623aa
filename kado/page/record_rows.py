"""Rows of the view Record: corrections, incidents, what awaits review, and effects, in words."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from analytics.availability import Availability
from facility.profile import Profile
from facility.time import NS_PER_S
from kado.language import term, tr, words
from kado.language.assertions import exclusion_word
from kado.output import local, stretch
from kado.page.forms import local_input
from kado.page.words import assertion_words, unknown_word
from kado.queries.awaiting_review import AwaitingReview
from kado.queries.correction_months import MonthEffect
from kado.queries.corrections import RecordedCorrection
from kado.queries.events import review_of
from kado.queries.incidents import RecordedIncident
from kado.rounding import count, duration, percent

DIGITS = 2


def correction_rows(profile: Profile, listed: Sequence[RecordedCorrection]) -> list[dict[str, Any]]:
    """Return what each correction states, by whom and why, and what became of it."""
    return [_correction(profile, said) for said in listed]


def _correction(profile: Profile, said: RecordedCorrection) -> dict[str, Any]:
    c, w, confirmed, zone = said.correction, said.withdrawal, said.confirmation, profile.zone
    states = assertion_words(c.assertion)
    if c.category is not None:
        states = tr("{states}: {category}", states=states, category=exclusion_word(c.category))
    if c.limit is not None:
        states = tr("{states}: {limit} {unit}", states=states, limit=f"{c.limit:g}", unit=profile.delivery.unit or "")
    return {
        "id": c.id,
        "states": states,
        "when": stretch(c.start_ns, c.end_ns, zone),
        "length": duration(c.end_ns - c.start_ns),
        "author": c.author,
        "recorded": local(c.recorded_at_ns, zone),
        "reason": c.reason,
        "evidence": c.evidence,
        "status": "withdrawn" if w is not None else "awaiting" if said.awaiting else "in force",
        "withdrawn": None
        if w is None
        else {"author": w.author, "reason": w.reason, "recorded": local(w.recorded_at_ns, zone)},
        "confirmed": None
        if confirmed is None
        else {
            "author": confirmed.author,
            "remark": confirmed.remark,
            "recorded": local(confirmed.recorded_at_ns, zone),
        },
    }


def incident_rows(profile: Profile, listed: Sequence[RecordedIncident]) -> list[dict[str, Any]]:
    """Return what was broken, as people recorded it."""
    zone = profile.zone
    return [
        {
            "id": n.incident.id,
            "what": f"{n.incident.system}, {n.incident.component}: {n.incident.title}",
            "when": stretch(n.incident.start_ns, n.incident.end_ns, zone),
            "length": duration(n.incident.end_ns - n.incident.start_ns),
            "author": n.incident.author,
            "recorded": local(n.incident.recorded_at_ns, zone),
            "root_cause": n.incident.root_cause,
            "cause": n.incident.cause_text,
            "resolution": n.incident.resolution,
            "withdrawn": None
            if n.withdrawal is None
            else {
                "author": n.withdrawal.author,
                "reason": n.withdrawal.reason,
                "recorded": local(n.withdrawal.recorded_at_ns, zone),
                "replaced_by": n.withdrawal.replaced_by,
            },
        }
        for n in listed
    ]


def awaiting_rows(found: AwaitingReview) -> dict[str, Any]:
    """Return what awaits review, each with the time that a form takes over."""
    profile, zone = found.report.profile, found.report.profile.zone
    return {
        "exclusions": correction_rows(profile, [RecordedCorrection(c, awaiting=True) for c in found.exclusions]),
        "exclusions_elsewhere": correction_rows(
            profile, [RecordedCorrection(c, awaiting=True) for c in found.exclusions_elsewhere]
        ),
        "outages": [
            {
                **_times(r.event.start_ns, r.event.end_ns, zone),
                "lost": duration(r.user_time_ns),
                "review": term(review_of(r) or ""),
                "open": r.event.open,
            }
            for r in found.outages
        ],
        "gaps": [
            {**_times(g.segment.start_ns, g.segment.end_ns, zone), "why": unknown_word(g.segment.rule)}
            for g in found.gaps
        ],
        "gaps_left_out": found.gaps_in_all - len(found.gaps),
        "sensor_faults": [_times(f.stretch.start_ns, f.stretch.end_ns, zone) for f in found.sensor_faults],
    }


def outages_of_interval(found: AwaitingReview) -> list[dict[str, Any]]:
    """Return every loss of beam of the period, to choose the time of a form from."""
    zone = found.report.profile.zone
    return [
        {**_times(r.event.start_ns, r.event.end_ns, zone), "kind": term(r.event.kind.value)}
        for r in found.report.availability.events
        if r.event.distortion is None
    ][::-1]


def _times(start_ns: int, end_ns: int, zone: ZoneInfo) -> dict[str, str]:
    # A form holds whole seconds: all of the interval lies inside them.
    last_ns = -(-end_ns // NS_PER_S) * NS_PER_S
    return {
        "when": stretch(start_ns, end_ns, zone),
        "start": local_input(start_ns, zone),
        "end": local_input(last_ns, zone),
        "length": duration(end_ns - start_ns),
    }


def effect_rows(effects: Sequence[MonthEffect]) -> list[dict[str, Any]]:
    """Return what changes in each month by each definition, such as ``99.43 % → 99.61 %``."""
    return [
        {
            "period": e.month.id,
            "definition": e.definition.id,
            "title": words(e.definition.title),
            "changed": e.is_changed,
            "availability": _change(_pct(e.before), _pct(e.after)),
            "bounds": _change(_bounds(e.before), _bounds(e.after)),
            "without": _change(_without(e.before), _without(e.after)),
            "failures": _change(_failures(e.before), _failures(e.after)),
            "coverage": _change(_coverage(e.before), _coverage(e.after)),
            "sentence": _sentence(e),
        }
        for e in effects
    ]


def _sentence(e: MonthEffect) -> str:
    if not e.is_changed:
        return tr("{month}: nothing changes", month=e.month.id)
    sentence = tr(
        "{month}: {availability}, failures {failures}",
        month=e.month.id,
        availability=_change(_pct(e.before), _pct(e.after)),
        failures=_change(_failures(e.before), _failures(e.after)),
    )
    if _without(e.before) == _without(e.after):
        return sentence
    without = _change(_without(e.before), _without(e.after))
    return tr("{sentence}, without exclusions {without}", sentence=sentence, without=without)


def _change(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _pct(found: Availability | None) -> str:
    return tr("no figure") if found is None else f"{percent(found.figures.availability_pct, DIGITS)} %"


def _bounds(found: Availability | None) -> str:
    if found is None:
        return "–"
    f = found.figures
    return f"{percent(f.availability_lower_pct, DIGITS)} – {percent(f.availability_upper_pct, DIGITS)} %"


def _without(found: Availability | None) -> str:
    if found is None or not found.accounts.excluded:
        return "–"
    return f"{percent(found.figures.availability_without_excluded_pct, DIGITS)} %"


def _failures(found: Availability | None) -> str:
    return "–" if found is None else count(found.counts.failures)


def _coverage(found: Availability | None) -> str:
    return "–" if found is None else f"{percent(found.figures.coverage_pct, DIGITS)} %"
