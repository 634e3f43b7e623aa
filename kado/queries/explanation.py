"""Loads a period and says of each second why it is in the account that it is in."""

from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Final

from analytics.explain import FurtherInstant, Held, Instant, explain_further, explain_instant, explain_part, held_at
from analytics.gaps import Gaps, find_gaps
from analytics.segments import Segment, Segments
from facility.errors import PeriodError
from facility.period import Period, day_of
from facility.profile import Profile
from facility.sentence import Sentence
from facility.signals import link_signal
from facility.time import Clock, format_second, format_time, parse_time, system_clock, to_s
from kado.config import Configuration
from kado.queries.availability import AvailabilityReport, Examined, load_availability
from kado.queries.identity import identity
from kado.queries.period_pieces import Progress
from kado.queries.record import AsOf
from kado.source_kinds import delivers
from kado.stores import open_store

LISTED: Final = 10_000
"""So many intervals a document lists at most, the longest ones; sums are always of all."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A period, interval by interval."""

    report: AvailabilityReport
    segments: Segments
    """Without gap or overlap; they add up to the accounts."""


@dataclass(frozen=True, slots=True)
class InstantExplanation:
    """An instant: what was known and what was decided."""

    report: AvailabilityReport
    instant: Instant
    links: dict[str, Held | None]
    """The newest word of the link of each source of the delivery signal."""


def load_explanation(
    configuration: Configuration,
    period: str | Period,
    definition: str | None,
    as_known_on: str | AsOf | None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> Explanation:
    """Explain a period; raises what `load_availability` raises."""
    explained: list[Segments] = []

    def look(piece: Examined) -> None:
        explained.append(explain_part(piece.findings, piece.evidence, piece.applied, piece.plan))

    report = load_availability(
        configuration, period, definition, as_known_on, clock=clock, progress=progress, look=look
    )
    return Explanation(report, Segments.joined(explained))


def load_gaps(
    configuration: Configuration,
    period: str | Period,
    definition: str | None,
    as_known_on: str | AsOf | None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> tuple[AvailabilityReport, Gaps]:
    """Return the unknown intervals of a period with what each could hide."""
    gaps: list[Gaps] = []
    report = load_availability(
        configuration,
        period,
        definition,
        as_known_on,
        clock=clock,
        progress=progress,
        look=lambda piece: gaps.append(gaps_in(piece, configuration.profile)),
    )
    return report, Gaps.joined(gaps)


def gaps_in(piece: Examined, profile: Profile) -> Gaps:
    """Return the unknown intervals of a piece of a period."""
    if not piece.findings.accounts.unknown:
        return Gaps.joined([])
    segments = explain_part(piece.findings, piece.evidence, piece.applied, piece.plan)
    return find_gaps(
        segments, piece.evidence, piece.applied, profile, piece.definition, piece.plan, piece.findings.part
    )


def load_instant(
    configuration: Configuration,
    at: str,
    definition: str | None,
    as_known_on: str | AsOf | None,
    *,
    clock: Clock = system_clock,
) -> InstantExplanation:
    """Explain an instant (ISO 8601), as a part of its day.

    Raises
    ------
    PeriodError
        If it lies in the future, or nothing is scheduled on its day.
    """
    ns, zone = parse_time(at), configuration.profile.zone
    if ns >= clock():
        raise PeriodError(Sentence("{time} lies in the future: there is no data yet", time=format_second(ns, zone)))
    pieces: list[Examined] = []
    day = day_of(ns, zone)
    report = load_availability(configuration, day, definition, as_known_on, clock=clock, look=pieces.append)
    (piece,) = pieces
    segments = explain_part(piece.findings, piece.evidence, piece.applied, piece.plan)
    instant = explain_instant(ns, segments, piece.evidence, piece.applied, piece.plan)
    if instant is None:
        raise PeriodError(Sentence("{time} lies outside the counted part of its day", time=format_second(ns, zone)))
    profile, chosen = report.profile, report.definition
    further = explain_further(ns, piece.evidence, piece.applied, profile, chosen, piece.plan)
    instant = replace(instant, further=further)
    sources = [s.id for s in configuration.sources if delivers(s, configuration.profile.delivery_signal)]
    with open_store(configuration) as store:
        links = {id_: held_at(store.read(link_signal(id_), ns, ns + 1, hold=True), ns) for id_ in sources}
    return InstantExplanation(report, instant, links)


def explanation_document(found: Explanation) -> dict[str, Any]:
    """Return the intervals for programs: the sums of all of them, and the longest `LISTED` one by one."""
    listed = found.segments.longest(LISTED)
    return {
        **_identity(found.report),
        "rules": [
            {"account": account, "rule": rule.name.lower(), "duration_s": to_s(ns), "segments": count}
            for (account, rule), (ns, count) in found.segments.totals().items()
        ],
        "segments_left_out": len(found.segments) - len(listed),
        "segments": [_segment_document(s, found.report.profile.zone) for s in listed],
    }


def gaps_document(report: AvailabilityReport, gaps: Gaps) -> dict[str, Any]:
    """Return the same for programs, in seconds; the longest `LISTED` one by one."""
    zone, listed = report.profile.zone, gaps.longest(LISTED)
    return {
        **_identity(report),
        "unknown_s": to_s(report.availability.accounts.unknown),
        "gaps_left_out": len(gaps) - len(listed),
        "gaps": [
            {
                **_segment_document(gap.segment, zone),
                "could_hide_downtime_s": None if gap.downtime_ns is None else to_s(gap.downtime_ns),
                "could_hide_failures": gap.failures,
            }
            for gap in listed
        ],
    }


def instant_document(found: InstantExplanation) -> dict[str, Any]:
    """Return the same for programs."""
    report, i = found.report, found.instant
    zone = report.profile.zone
    t = i.thresholds
    return {
        **identity(report.profile, definition=report.definition.id),
        "as_known_on": format_time(report.as_known_on_ns, zone),
        "at": format_time(i.ns, zone),
        "decided": _segment_document(i.segment, zone),
        "sample": _held_document(i.sample, zone),
        "witness": _held_document(i.witness, zone),
        "links": {source: _held_document(word, zone) for source, word in found.links.items()},
        "further_signals": [_further_document(f, zone) for f in i.further],
        "mode": i.mode,
        "plan": None
        if i.planned is None
        else {
            "category": i.planned.block.category.value,
            "start": format_time(i.planned.block.start_ns, zone),
            "end": format_time(i.planned.block.end_ns, zone),
            "published_at": format_time(i.planned.published_at_ns, zone),
            "cancelled": i.planned.cancelled,
        },
        "limits": {
            "no_beam_below": t.minimum,
            "no_beam_until": t.no_beam_ends,
            "low_beam_below": t.tolerance,
            "low_beam_until": t.low_beam_ends,
        },
        "corrections": [
            {"id": c.id, "assertion": c.assertion.value, "author": c.author, "reason": c.reason} for c in i.corrections
        ],
    }


def _identity(report: AvailabilityReport) -> dict[str, Any]:
    part, zone = report.part, report.profile.zone
    return {
        **identity(report.profile, definition=report.definition.id, period=part),
        "as_known_on": format_time(report.as_known_on_ns, zone),
    }


def _further_document(further: FurtherInstant, zone: tzinfo) -> dict[str, Any]:
    d, event = further.distortion, further.event
    return {
        "id": d.id,
        "signal": d.signal,
        "sample": _held_document(further.sample, zone),
        "standing": further.standing.name.lower(),
        "meaning": further.standing.value,
        "since": None if event is None else format_time(event.start_ns, zone),
        "until": None if event is None or event.open else format_time(event.end_ns, zone),
    }


def _held_document(held: Held | None, zone: tzinfo) -> dict[str, Any] | None:
    if held is None:
        return None
    return {
        "time": format_time(held.time_ns, zone),
        "value": None if held.state is not None or held.value != held.value else held.value,
        "state": held.state,
        "quality": held.quality.name.lower(),
    }


def _segment_document(segment: Segment, zone: tzinfo) -> dict[str, Any]:
    return {
        "start": format_time(segment.start_ns, zone),
        "end": format_time(segment.end_ns, zone),
        "duration_s": to_s(segment.end_ns - segment.start_ns),
        "account": segment.account,
        "rule": segment.rule.name.lower(),
        "meaning": segment.rule.value,
    }
