"""Loads a period and says of each second why it is in the account that it is in."""

from dataclasses import dataclass, replace

from analytics.evidence import Evidence, apply_evidence
from analytics.explain import Held, Instant, Segment, explain_further, explain_instant, explain_period, held_at
from analytics.gaps import Gap, find_gaps
from console.config import Configuration
from console.figures import AvailabilityReport, load_basis
from console.sources import delivers
from console.stores import open_store
from facility.definition import load_definition
from facility.errors import PeriodError
from facility.period import Period, day_of
from facility.signals import link_signal
from facility.time import Clock, format_time, parse_time, system_clock


@dataclass(frozen=True, slots=True)
class Explanation:
    """A period, interval by interval."""

    report: AvailabilityReport
    evidence: Evidence
    segments: tuple[Segment, ...]
    """Without gap or overlap; they add up to the accounts."""


@dataclass(frozen=True, slots=True)
class InstantExplanation:
    """An instant: what was known and what was decided."""

    report: AvailabilityReport
    instant: Instant
    links: dict[str, Held | None]
    """The newest word of the link of each source of the delivery signal."""


def load_explanation(
    configuration: Configuration, period: str, definition: str | None, as_known_on: str | None
) -> Explanation:
    """Explain a period; raises what `load_availability` raises, but not where all of it is unknown."""
    return _explain(configuration, period, definition, as_known_on)


def load_gaps(
    configuration: Configuration, period: str, definition: str | None, as_known_on: str | None
) -> tuple[AvailabilityReport, tuple[Gap, ...]]:
    """Return the unknown intervals of a period with what each could hide."""
    found = load_explanation(configuration, period, definition, as_known_on)
    r = found.report
    return r, find_gaps(found.segments, found.evidence, r.profile, r.definition, r.plan, r.part)


def load_instant(
    configuration: Configuration,
    at: str,
    definition: str | None,
    as_known_on: str | None,
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
        raise PeriodError(f"{format_time(ns, zone)} lies in the future: nothing can be known of it")
    found = _explain(configuration, day_of(ns, zone), definition, as_known_on, clock)
    r = found.report
    applied = apply_evidence(found.evidence, r.profile, r.definition, r.plan)
    instant = explain_instant(ns, found.segments, found.evidence, applied, r.plan)
    if instant is None:
        raise PeriodError(f"{format_time(ns, zone)} lies outside of what was counted of its day")
    instant = replace(instant, further=explain_further(ns, found.evidence, applied, r.profile, r.definition, r.plan))
    sources = [s.id for s in configuration.sources if delivers(s, configuration.profile.delivery_signal)]
    with open_store(configuration) as store:
        links = {id_: held_at(store.read(link_signal(id_), ns, ns + 1, hold=True), ns) for id_ in sources}
    return InstantExplanation(r, instant, links)


def _explain(
    configuration: Configuration,
    period: str | Period,
    definition: str | None,
    as_known_on: str | None,
    clock: Clock = system_clock,
) -> Explanation:
    chosen = load_definition(definition or configuration.profile.definition, configuration.folder)
    basis = load_basis(configuration, period, [chosen], as_known_on, clock=clock)
    report, evidence = basis.report(chosen), basis.known.evidence
    applied = apply_evidence(evidence, report.profile, chosen, report.plan)
    segments = explain_period(report.availability, evidence, applied, chosen, report.plan)
    return Explanation(report, evidence, segments)
