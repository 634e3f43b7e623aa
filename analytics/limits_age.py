"""Whether a facility's limits still fit its beam."""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np

from analytics.conditions import is_good
from facility.batch import Samples
from facility.period import Period
from facility.profile import Milestone, Profile
from facility.schedule import Category
from facility.time import NS_PER_DAY, local_midnight, to_datetime

FAR_ABOVE: Final = 1.2
"""So many times ``nominal`` is far above it."""
FOR_LONG_NS: Final = 2 * NS_PER_DAY
"""After so long far above the limit a person should look at it."""


@dataclass(frozen=True, slots=True)
class AboveNominal:
    """How long the beam was far above the limits, in a stretch of time."""

    time_ns: int = 0
    highest: float = 0.0
    nominal: float = 0.0

    def __add__(self, other: "AboveNominal") -> "AboveNominal":
        more = other if other.highest > self.highest else self
        return AboveNominal(self.time_ns + other.time_ns, more.highest, more.nominal)


def above_nominal(samples: Samples, profile: Profile, part: Period) -> AboveNominal:
    """Return how long the delivery signal was far above ``nominal`` of user time in a stretch.

    The time is the share of samples that are, by the limits of their own time.
    """
    edges = sorted({part.start_ns, *profile.limits.changes(part.start_ns, part.end_ns), part.end_ns})
    pieces = (_above_limits_at_start(samples, profile, start, end) for start, end in pairwise(edges))
    return sum(pieces, AboveNominal())


def _above_limits_at_start(samples: Samples, profile: Profile, start_ns: int, end_ns: int) -> AboveNominal:
    limits = profile.limits.at(Category.USER, start_ns)
    inside = samples.between(start_ns, end_ns)
    if limits is None or not len(inside):
        return AboveNominal()
    highest = np.inf if profile.delivery.physical_max is None else profile.delivery.physical_max
    good = is_good(inside, float(highest))
    far = inside.value[good] > FAR_ABOVE * limits.nominal
    if not far.any():
        return AboveNominal()
    time_ns = round((end_ns - start_ns) * int(np.count_nonzero(far)) / len(inside))
    return AboveNominal(time_ns, float(inside.value[good][far].max()), limits.nominal)


@dataclass(frozen=True, slots=True)
class FarAboveLimits:
    """The beam was far above its limits for days: a beam of much less counts as full."""

    signal: str
    unit: str
    time_ns: int
    highest: float
    nominal: float


@dataclass(frozen=True, slots=True)
class LimitsBeforeMilestone:
    """The limits are older than the profile's last milestone."""

    limits_from: date
    milestone: Milestone
    unit: str


LimitWarning = FarAboveLimits | LimitsBeforeMilestone


def limit_warnings(profile: Profile, above: AboveNominal, until_ns: int) -> tuple[LimitWarning, ...]:
    """Return the reasons to doubt the limits of a facility, as known at an instant."""
    found: list[LimitWarning] = []
    unit = profile.delivery.unit
    if above.time_ns >= FOR_LONG_NS:
        found.append(FarAboveLimits(profile.delivery_signal, unit, above.time_ns, above.highest, above.nominal))
    newest = max(
        (since for rows in profile.limits.by_mode.values() for since, _ in rows if since < until_ns), default=None
    )
    if newest is None:
        return tuple(found)
    later = [m for m in profile.milestones if newest < local_midnight(m.since, profile.zone) < until_ns]
    if later:
        last = max(later, key=lambda m: m.since)
        found.append(LimitsBeforeMilestone(to_datetime(newest, profile.zone).date(), last, unit))
    return tuple(found)
