"""How the machine stands right now, as one document for all viewers: the page, a wall display, a beamline's script."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from analytics.availability import Availability
from analytics.figures import downtime_budget_h
from collector.forwarder_status import ForwarderState
from collector.landing_status import LandingState
from collector.ledger import SourceTotals
from facility.alarms import LISTED_STATES
from facility.errors import KadoError
from facility.interval import Intervals
from facility.profile import Profile
from facility.schedule import Block, Category, Plan
from facility.signals import Signal
from facility.text import Text
from facility.time import NS_PER_H, NS_PER_S, format_time, to_s
from kado.config import Configuration
from kado.language.sentences import sentence_document
from kado.language.terms import LEDGER
from kado.page.ports import port_documents
from kado.queries.alarms import AlarmStanding, alarm_document
from kado.queries.beam import BeamState, since_document
from kado.queries.identity import identity, period_document
from kado.service.alarms import Alarms
from kado.service.application_status import ApplicationStatus
from kado.service.current_figures import Current
from kado.service.live_figures import LiveFigures
from kado.service.newest import Newest

CHART_NS: Final = 24 * NS_PER_H
AHEAD_NS: Final = 12 * NS_PER_H
"""So far ahead the plan is given."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a running kado found; the document is made of it alone."""

    configuration: Configuration
    now_ns: int
    status: ApplicationStatus
    current: Current | None
    newest: dict[str, Newest]
    alarms: Alarms | None
    totals: tuple[SourceTotals, ...]
    problems: tuple[str, ...] = ()
    """Of the ledger."""
    figures_problem: KadoError | None = None
    """Why the figures cannot be computed now."""


def now_document(look: Look) -> dict[str, Any]:
    """Return the document; what does not exist, or is not computed yet, is None."""
    profile, now_ns, current = look.configuration.profile, look.now_ns, look.current
    zone = profile.zone
    plan = Plan(()) if current is None else current.plan
    figures = None if current is None else current.figures
    return {
        **identity(profile, definition=profile.definition),
        "name": _text(profile.name),
        "time": format_time(now_ns // NS_PER_S * NS_PER_S, zone),
        "zone": profile.time_zone,
        "delivery": _delivery(look, plan),
        "beam": None if figures is None else _beam(figures, zone),
        "plan": _plan(plan, now_ns, zone),
        "mode": _mode(look, plan),
        "figures": None if figures is None else _figures(figures, profile, plan),
        "recent": None if figures is None or figures.recent is None else _recent(figures, now_ns, zone),
        "signals": [_signal(s, look.newest.get(s.id), now_ns, zone) for s in _further_signals(profile)],
        "ports": port_documents(profile, look.newest, now_ns),
        "sources": _sources(look, zone),
        "ledger": {name: sum(getattr(t, name) for t in look.totals) for name in LEDGER},
        "problems": _problems(look),
        "alarms": _alarms(look),
    }


def age_s(ns: int | None, now_ns: int) -> float | None:
    """Return how old something is, in seconds, never below 0; None for nothing."""
    return None if ns is None else max(0.0, round((now_ns - ns) / NS_PER_S, 1))


def is_stale(signal: Signal, newest: Newest | None, now_ns: int) -> bool:
    """Whether the newest good sample of a signal says nothing any more of what it is now."""
    if newest is None or newest.good_ns is None or not newest.known:
        return True
    return signal.stale_after_ns is not None and now_ns >= newest.good_ns + signal.stale_after_ns


def _delivery(look: Look, plan: Plan) -> dict[str, Any]:
    profile, now_ns = look.configuration.profile, look.now_ns
    signal = profile.delivery
    limits = profile.limits.at(plan.category_at(now_ns), now_ns)
    return {
        **_signal(signal, look.newest.get(signal.id), now_ns, profile.zone),
        "stale_after_s": None if signal.stale_after_ns is None else to_s(signal.stale_after_ns),
        "target": profile.target,
        "limits": None
        if limits is None
        else {
            "nominal": limits.nominal,
            "recovered": limits.recovered,
            "tolerance": limits.tolerance,
            "minimum": limits.minimum,
        },
    }


def _signal(signal: Signal, newest: Newest | None, now_ns: int, zone: tzinfo) -> dict[str, Any]:
    good_ns = None if newest is None else newest.good_ns
    value = None if newest is None or not math.isfinite(newest.value) else newest.value
    return {
        "id": signal.id,
        "label": _text(signal.label, signal.id),
        "type": signal.type,
        "unit": signal.unit,
        "value": None if newest is None else newest.word if signal.type == "state" else value,
        "time": None if good_ns is None else format_time(good_ns, zone),
        "age_s": age_s(good_ns, now_ns),
        "stale": is_stale(signal, newest, now_ns),
    }


def _further_signals(profile: Profile) -> Iterable[Signal]:
    """Yield what stands beside the delivery signal: all but the mode and the shutters."""
    shutters = {b.shutter for b in profile.beamlines}
    for signal in profile.signals:
        if signal.id in (profile.delivery_signal, profile.mode_signal) or signal.id in shutters:
            continue
        if not signal.id.startswith("shutter_"):
            yield signal


def _beam(figures: LiveFigures, zone: tzinfo) -> dict[str, Any]:
    since_ns = figures.since_ns
    return {
        "state": figures.state.value,
        "label": _text(figures.state.words),
        **since_document(since_ns, zone, after_unknown=figures.after_unknown),
        "since_s": None if since_ns is None else age_s(since_ns, figures.now_ns),
        "known": figures.state is not BeamState.UNKNOWN,
    }


def _plan(plan: Plan, now_ns: int, zone: tzinfo) -> dict[str, Any]:
    block = plan.block_at(now_ns)
    start_ns = now_ns if block is None else block.end_ns
    following = next((b for b in plan.blocks if b.start_ns >= start_ns), None)
    shown = [b for b in plan.blocks if b.end_ns > now_ns - CHART_NS and b.start_ns < now_ns + AHEAD_NS]
    return {
        "now": None if block is None else _block(block, now_ns, zone),
        "next": None if following is None else _block(following, now_ns, zone),
        "blocks": [_block(b, now_ns, zone) for b in shown],
    }


def _block(block: Block, now_ns: int, zone: tzinfo) -> dict[str, Any]:
    return {
        "category": block.category.value,
        "start": format_time(block.start_ns, zone),
        "end": format_time(block.end_ns, zone),
        "starts_in_s": max(0, (block.start_ns - now_ns) // NS_PER_S),
        "ends_in_s": max(0, (block.end_ns - now_ns) // NS_PER_S),
        "tags": list(block.tags),
        "run": block.run,
        "note": block.note,
    }


def _mode(look: Look, plan: Plan) -> dict[str, Any] | None:
    profile = look.configuration.profile
    if profile.mode_signal is None:
        return None
    signal = profile.signal(profile.mode_signal)
    found = _signal(signal, look.newest.get(signal.id), look.now_ns, profile.zone)
    planned = plan.category_at(look.now_ns)
    return {**found, "agrees": _agrees(found["value"], planned) if found["value"] and not found["stale"] else None}


def _agrees(mode: str, planned: Category) -> bool | None:
    """Whether the machine's own mode is what is planned; None where they cannot be compared."""
    meant = Category.USER if mode == "refill" else Category(mode) if mode in list(Category) else None
    if meant is None or planned is Category.UNSCHEDULED:
        return None
    return meant is planned or (meant.is_user_time and planned.is_user_time)


def _figures(figures: LiveFigures, profile: Profile, plan: Plan) -> dict[str, Any]:
    zone = profile.zone
    parts = {"day": figures.day, "month": figures.month, **figures.further, "fiscal_year": figures.year}
    return {
        "computed_at": format_time(figures.now_ns, zone),
        "periods": {name: None if part is None else _part(part, zone) for name, part in parts.items()},
        "target_availability_pct": profile.target_availability_pct,
        "downtime_budget": _budget(figures, plan),
    }


def _part(part: Availability, zone: tzinfo) -> dict[str, Any]:
    f, accounts, counts = part.figures, part.accounts, part.counts
    return {
        "period": period_document(part.period, zone),
        "provisional": part.provisional,
        "availability_pct": f.availability_pct,
        "availability_lower_pct": f.availability_lower_pct,
        "availability_upper_pct": f.availability_upper_pct,
        "coverage_pct": f.coverage_pct,
        "user_time_s": to_s(accounts.user_time),
        "no_beam_s": to_s(accounts.no_beam),
        "unknown_s": to_s(accounts.unknown),
        "low_beam_s": to_s(accounts.low_beam),
        "failures": counts.failures,
        "trips": counts.trips,
        "distortions": counts.distortions,
        "mtbf_h": f.mtbf_h,
        "mttr_h": f.mttr_h,
    }


def _budget(figures: LiveFigures, plan: Plan) -> dict[str, Any] | None:
    budget, year = figures.budget, figures.year
    if budget is None or year is None:
        return None
    planned = plan.user_time.clip(year.period.start_ns, year.period.end_ns).total
    return {
        "year": budget.year,
        "target_pct": budget.target_pct,
        "left_h": budget.left_h,
        "whole_h": downtime_budget_h(budget.target_pct, planned, 0),
        "unknown_h": budget.unknown_h,
    }


def _recent(figures: LiveFigures, now_ns: int, zone: tzinfo) -> dict[str, Any]:
    recent = figures.recent
    assert recent is not None
    start_ns = now_ns - CHART_NS

    def spans(found: Intervals) -> list[list[str]]:
        return [[format_time(a, zone), format_time(b, zone)] for a, b in found.clip(start_ns, now_ns)]

    return {
        "since": format_time(max(start_ns, recent.since_ns), zone),
        "no_beam": spans(recent.no_beam),
        "low_beam": spans(recent.low_beam),
        "unknown": spans(recent.unknown),
    }


def _sources(look: Look, zone: tzinfo) -> list[dict[str, Any]]:
    kinds = {source.id: source.kind for source in look.configuration.sources}
    return [
        {
            "id": name,
            "kind": kinds.get(name),
            "link": source.state.value,
            "label": _text(source.state.words),
            "since": format_time(source.since_ns, zone),
            "newest": None if source.newest_ns is None else format_time(source.newest_ns, zone),
            "age_s": age_s(source.newest_ns, look.now_ns),
            "reconnections": max(0, source.connects - 1),
            "error": source.last_error if source.state.value != "up" else "",
            "error_sentence": None if source.last_failure is None else sentence_document(source.last_failure),
            "notices": [text for text, _ in source.notices],
        }
        for name, source in look.status.sources.items()
    ]


def _problems(look: Look) -> list[dict[str, Any]]:
    """Return what keeps samples from being kept, or figures from being computed."""
    found: list[dict[str, Any]] = [{"about": "ledger", "text": text} for text in look.problems]
    landing, forwarder = look.status.landing, look.status.forwarder
    if landing.state is not LandingState.OPEN:
        found.append({"about": "landing", "text": landing.problem or landing.state.value})
    if forwarder is not None and forwarder.state in (ForwarderState.HOLDING, ForwarderState.RETRYING):
        found.append({"about": "store", "text": forwarder.problem or forwarder.state.value})
    if (error := look.figures_problem) is not None:
        found.append({"about": "figures", "text": str(error), "sentence": sentence_document(error)})
    return found


def _alarms(look: Look) -> dict[str, Any] | None:
    """Return the alarms on the list; None without ``[alarms]``, or before the first look at them."""
    if look.alarms is None or (engine := look.alarms.engine) is None:
        return None
    standing = AlarmStanding(look.configuration, look.now_ns, engine, None, 0)
    active = [rule for rule in standing.listed() if engine.record(rule.id).shown in LISTED_STATES]
    listed = [alarm_document(standing, rule) for rule in active]
    return {"unacknowledged": _unacknowledged(listed), "active": listed}


def _unacknowledged(alarms: Sequence[dict[str, Any]]) -> int:
    return sum(alarm["state"] != "acked" for alarm in alarms)


def _text(text: Text | None, otherwise: str = "") -> dict[str, str]:
    return {"en": otherwise, "ja": otherwise} if text is None else {"en": text.en, "ja": text.ja}
