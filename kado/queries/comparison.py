"""Two definitions on the same period and the same evidence."""

from dataclasses import dataclass
from typing import Any, Final

from analytics.availability import Availability, conclude
from analytics.compare import Comparison, RuleStep, compare, way
from analytics.findings import Findings, examine, join
from facility.definition import Definition, load_definition
from facility.profile import Profile
from facility.time import Clock, format_time, system_clock, to_s
from kado.config import Configuration
from kado.language import in_language
from kado.queries.definitions import RULES
from kado.queries.identity import identity
from kado.queries.period_pieces import Progress, period_query, read_pieces
from kado.queries.record import AsOf


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """A comparison with the names it is printed with."""

    profile: Profile
    first: Definition
    second: Definition
    as_known_on_ns: int
    comparison: Comparison


def load_comparison(
    configuration: Configuration,
    period: str,
    first: str,
    second: str,
    as_known_on: str | AsOf | None = None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> ComparisonReport:
    """Count a period by two definitions and trace the difference; raises what `load_availability` raises."""
    a, b = load_definition(first, configuration.folder), load_definition(second, configuration.folder)
    query = period_query(configuration, period, a, as_known_on, clock)
    profile, stations = query.profile, way(a, b)
    plans = [query.plan(d) for d in stations]
    found: list[list[Findings]] = [[] for _ in stations]
    for piece, known in read_pieces(query, stations, progress):
        for i, (definition, plan) in enumerate(zip(stations, plans, strict=True)):
            # Bounds are shown of the two ends only.
            bounds = i in (0, len(stations) - 1)
            found[i].append(
                examine(known.evidence, profile, definition, plan, piece, settled=known.settled, bounds=bounds)
            )
    answers = [
        conclude(join(pieces, query.period.id), profile, definition, query.period)
        for pieces, definition in zip(found, stations, strict=True)
    ]

    def assess(definition: Definition) -> Availability:
        return answers[next(i for i, station in enumerate(stations) if station == definition)]

    return ComparisonReport(profile, a, b, query.as_known_on_ns, compare(a, b, assess))


ACCOUNTS: Final = ("user_time", "delivered", "no_beam", "unknown", "refill")
"""What a rule can move time between."""


def comparison_document(found: ComparisonReport) -> dict[str, Any]:
    """Return the same for programs; what rules move as whole nanoseconds, so that it adds up exactly."""
    result, zone = found.comparison, found.profile.zone
    period = result.first.period
    return {
        **identity(found.profile, period=period),
        "counted_until": format_time(result.first.counted_until_ns, zone),
        "as_known_on": format_time(found.as_known_on_ns, zone),
        "definitions": [_side_document(result.first), _side_document(result.second)],
        "difference": {
            **{f"{a}_ns": getattr(result.second.accounts, a) - getattr(result.first.accounts, a) for a in ACCOUNTS},
            "failures": result.second.counts.failures - result.first.counts.failures,
        },
        "rules": [_step_document(step, found) for step in result.steps],
    }


def moves(step: RuleStep, account: str) -> int:
    """Return by how many nanoseconds a rule moves an account."""
    return getattr(step, f"{account}_ns")


def _side_document(side: Availability) -> dict[str, Any]:
    f = side.figures
    return {
        "definition": side.definition,
        "provisional": side.provisional,
        "accounts_s": {name: to_s(getattr(side.accounts, name)) for name in (*ACCOUNTS, "low_beam")},
        "figures": {
            "availability_pct": f.availability_pct,
            "availability_lower_pct": f.availability_lower_pct,
            "availability_upper_pct": f.availability_upper_pct,
            "coverage_pct": f.coverage_pct,
            "mtbf_h": f.mtbf_h,
            "mttr_h": f.mttr_h,
            "longest_run_h": f.longest_run_h,
        },
        "counts": {
            "failures": side.counts.failures,
            "trips": side.counts.trips,
            "low_beam": side.counts.low_beam,
            "other_distortions": side.counts.other_distortions,
            "distortions": side.counts.distortions,
        },
    }


def _step_document(step: RuleStep, found: ComparisonReport) -> dict[str, Any]:
    words, choice = RULES[step.rule]
    with in_language("en"):
        before, after = choice(found.first), choice(found.second)
    return {
        "rule": step.rule,
        "name": {"en": words.en, "ja": words.ja},
        "before": before,
        "after": after,
        **{f"{a}_ns": moves(step, a) for a in ACCOUNTS},
        "failures": step.failures,
        "gone": list(step.gone),
        "come": list(step.come),
    }
