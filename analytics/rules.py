"""What decides on a sample: the facility's limits over time and the definition's rules, joined."""

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from facility.definition import Definition, EndLimit
from facility.limits import Limits
from facility.profile import Profile
from facility.schedule import Category, Plan
from facility.signals import Signal


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The limits of one stretch of time, with the definition's choice of an end."""

    tolerance: float
    """Below: low-beam."""
    minimum: float
    """Below: no-beam."""
    no_beam_ends: float
    """At or above: a no-beam is over."""
    low_beam_ends: float
    """At or above: a low-beam is over; the higher of `no_beam_ends` and `tolerance`."""

    @classmethod
    def of(cls, limits: Limits, definition: Definition) -> "Thresholds":
        """Choose the start and the end that the definition names."""
        fraction = definition.no_beam_below_fraction
        minimum = limits.minimum if fraction is None else fraction * limits.nominal
        ends = {
            EndLimit.NOMINAL: limits.nominal,
            EndLimit.RECOVERED: max(limits.recovered, minimum),
            EndLimit.MINIMUM: minimum,
        }[definition.no_beam_ends_at]
        tolerance = max(limits.tolerance, minimum)
        return cls(tolerance, minimum, ends, max(ends, tolerance))


@dataclass(frozen=True, slots=True)
class Reduced:
    """A stretch in which a lower delivery was accepted."""

    start_ns: int
    end_ns: int
    limit: float
    """What counted as full delivery, in the delivery signal's unit."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that turns the delivery signal's samples into conditions."""

    starts: tuple[int, ...]
    """Instants from which `thresholds` hold, ns, strictly increasing; the first covers all time before it."""
    thresholds: tuple[Thresholds, ...]
    stale_after_ns: int | None
    """How long a good sample holds; None: until the link is cut."""
    physical_max: float
    """Above: the sample is bad."""
    min_duration_ns: int
    min_samples: int
    sample_period_ns: int
    """Spacing of samples that stand for unknown time when bounds are computed."""

    @classmethod
    def of(
        cls,
        profile: Profile,
        definition: Definition,
        plan: Plan,
        start_ns: int,
        end_ns: int,
        reduced: Sequence[Reduced] = (),
    ) -> "Rules":
        """Join limits, plan and definition for ``[start_ns, end_ns)``.

        The mode is the plan's. Before the profile's first limits those first ones are used. In `reduced` stretches
        no limit is above what was accepted there.
        """
        signal = profile.delivery
        edges = {start_ns, *profile.limits.changes(start_ns, end_ns)}
        for block in plan.blocks:
            edges.update(t for t in (block.start_ns, block.end_ns) if start_ns < t < end_ns)
        for accepted in reduced:
            edges.update(t for t in (accepted.start_ns, accepted.end_ns) if start_ns < t < end_ns)
        first = min((rows[0] for rows in profile.limits.by_mode.values()), key=lambda row: row[0])[1]
        starts: list[int] = []
        thresholds: list[Thresholds] = []
        for edge, category in _categories(plan, sorted(edges)):
            since = _run_start(plan, edge) if definition.limits_frozen_in_runs else edge
            limits = profile.limits.at(category, since) or first
            for accepted in reduced:
                if accepted.start_ns <= edge < accepted.end_ns:
                    limits = limits.at_most(accepted.limit)
            chosen = Thresholds.of(limits, definition)
            if not thresholds or thresholds[-1] != chosen:
                starts.append(edge)
                thresholds.append(chosen)
        return cls(
            starts=tuple(starts),
            thresholds=tuple(thresholds),
            stale_after_ns=signal.stale_after_ns,
            physical_max=sys.float_info.max if signal.physical_max is None else signal.physical_max,
            min_duration_ns=definition.min_duration_ns,
            min_samples=max(definition.min_samples, signal.min_samples),
            sample_period_ns=_period_ns(signal),
        )

    def piece_at(self, ns: int) -> int:
        """Return the index of the thresholds that hold at an instant."""
        return max(bisect_right(self.starts, ns) - 1, 0)


def _categories(plan: Plan, edges: list[int]) -> list[tuple[int, Category]]:
    """Return each edge with the category planned from there on."""
    blocks = plan.blocks
    starts = [b.start_ns for b in blocks]
    result: list[tuple[int, Category]] = []
    for edge in edges:
        i = bisect_right(starts, edge) - 1
        inside = i >= 0 and edge < blocks[i].end_ns
        result.append((edge, blocks[i].category if inside else Category.UNSCHEDULED))
    return result


def _run_start(plan: Plan, ns: int) -> int:
    """Return the start of the run that an instant belongs to; the instant itself outside runs."""
    return next((start for start, end in plan.runs.values() if start <= ns < end), ns)


def _period_ns(signal: Signal) -> int:
    return round(1e9 * (signal.period_s or 1.0))
