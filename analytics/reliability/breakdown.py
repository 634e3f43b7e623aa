"""Failures and their repair, by what they have in common."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of a period, as reliability sees it."""

    start_ns: int
    """First instant inside user time."""
    downtime_h: float
    """User time that it cost."""
    repair_h: float
    """From its start to its end, in and out of user time."""
    open: bool
    """Not over yet: its length is a lower limit."""
    system: str | None = None
    """Of the incident marked as root cause; None if no root cause was recorded."""
    cause: str | None = None
    hour: int = 0
    """Hour of the day in the facility's zone, 0 to 23."""
    weekday: int = 0
    """0 is Monday."""
    running_h: float | None = None
    """Hours since the last start-up: since the present stretch of operating time began."""
    mode: str | None = None
    """The machine's own mode just before it, such as top-up or decay; None where it is not recorded."""


@dataclass(frozen=True, slots=True)
class RepairTimes:
    """The distribution of repair times; failures that are not over are left out."""

    count: int
    left_out: int
    """Failures not over yet."""
    mean_h: float | None
    median_h: float | None
    p90_h: float | None
    """90th percentile, linear between the order statistics (Hyndman and Fan, type 7)."""
    longest_h: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """The failures that share one property."""

    name: str | None
    """None: not recorded."""
    failures: int
    downtime_h: float
    repair: RepairTimes


def repair_times(failures: Iterable[Failure]) -> RepairTimes:
    """Return the distribution of repair times.

    Examples
    --------
    >>> times = repair_times([Failure(0, h, h, open=False) for h in (0.5, 1.0, 1.5, 10.0)])
    >>> times.median_h, round(times.p90_h, 2)
    (1.25, 7.45)
    """
    listed = list(failures)
    hours = np.array([f.repair_h for f in listed if not f.open], dtype=np.float64)
    left_out = len(listed) - len(hours)
    if not len(hours):
        return RepairTimes(0, left_out, None, None, None, None)
    median, p90 = (float(q) for q in np.quantile(hours, [0.5, 0.9]))
    return RepairTimes(len(hours), left_out, float(hours.mean()), median, p90, float(hours.max()))


def group_failures(failures: Sequence[Failure], key: Callable[[Failure], str | None]) -> list[Group]:
    """Return the failures grouped by `key`, most downtime first; those without a group come last."""
    groups: dict[str | None, list[Failure]] = {}
    for failure in failures:
        groups.setdefault(key(failure), []).append(failure)
    made = [
        Group(name, len(members), float(sum(f.downtime_h for f in members)), repair_times(members))
        for name, members in groups.items()
    ]
    return sorted(made, key=lambda g: (g.name is None, -g.downtime_h, g.name or ""))
