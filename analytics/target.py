"""Whether a block of the calendar was run at the current that the facility aims for."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analytics.availability import PROVISIONAL_BELOW_PCT
from analytics.conditions import scan
from analytics.figures import percentage
from analytics.rules import Rules, Thresholds
from facility.batch import Samples
from facility.definition import Definition
from facility.profile import Profile
from facility.schedule import Block, Category, Plan

TARGET_CATEGORIES = (Category.USER, Category.RESERVE, Category.STUDY, Category.TUNING)
"""Blocks in which a target may be reached: demonstrations are run outside user time."""


@dataclass(frozen=True, slots=True)
class TargetRun:
    """A block, measured against the target."""

    block: Block
    level: float
    """At or above this the beam is at the target."""
    at_target_ns: int
    """How long the beam was known to be at the target."""
    known_ns: int
    """How much of the block is known."""

    @property
    def length_ns(self) -> int:
        """The block's length."""
        return self.block.end_ns - self.block.start_ns

    @property
    def at_target_pct(self) -> float | None:
        """Known time at the target; None where nothing is known."""
        return percentage(self.at_target_ns, self.known_ns)

    @property
    def coverage_pct(self) -> float:
        """Known part of the block."""
        return percentage(self.known_ns, self.length_ns) or 0.0

    @property
    def surely_pct(self) -> float:
        """How much of the whole block the beam was known to be at the target."""
        return percentage(self.at_target_ns, self.length_ns) or 0.0

    def is_stable(self, stable_at_pct: float) -> bool:
        """Whether the block counts: at the target for at least `stable_at_pct`, and nearly all of it known."""
        known_well = self.coverage_pct >= PROVISIONAL_BELOW_PCT
        return known_well and self.at_target_pct is not None and self.at_target_pct >= stable_at_pct


def target_level(profile: Profile, target: float, block: Block) -> float:
    """Return the value from which on the beam of a block is at the target.

    The facility's own relative tolerance at that time: as far below the target as its ``recovered`` limit is below
    ``nominal``. (A target is mostly shown in study time, when the limits are still those of a lower current.)
    """
    limits = profile.limits.at(block.category, block.start_ns)
    return target if limits is None else target * limits.recovered / limits.nominal


def measure(
    profile: Profile,
    definition: Definition,
    plan: Plan,
    block: Block,
    level: float,
    delivery: Samples,
    cuts: NDArray[np.int64],
) -> TargetRun:
    """Measure a block against `level`, with the definition's glitches and the signal's holds.

    Parameters
    ----------
    delivery
        Samples of the delivery signal in the block, one held sample before it included.
    cuts
        (n,) int64 ns, increasing: where a hold ends because the link was lost.
    """
    start, end = block.start_ns, block.end_ns
    rules = replace(
        Rules.of(profile, definition, plan, start, end),
        starts=(start,),
        thresholds=(Thresholds(level, level, level, level),),
    )
    conditions = scan(delivery, rules, start, end, cuts=cuts)
    at_target = conditions.known - conditions.no_beams.intervals
    return TargetRun(block, level, at_target.total, conditions.known.total)
