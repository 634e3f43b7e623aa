"""From held values to verdicts in three values: true, false, and None for unknown."""

import math
from collections.abc import Callable, Sequence

from analytics.alarms.program import Tree
from facility.alarms.conditions import LimitValue
from facility.time import NS_PER_S

History = tuple[tuple[int, float], ...]
"""Good samples of a series, in order of time: (stamp, value)."""


def beyond(
    value: float,
    above: float | None,
    below: float | None,
    ends_below: float | None,
    ends_above: float | None,
    was: bool,
) -> bool:
    """Return whether a value is beyond a limit; in the deadband it is as it was.

    Examples
    --------
    >>> beyond(9.0, above=10.0, below=None, ends_below=8.0, ends_above=None, was=True)
    True
    """
    if (above is not None and value > above) or (below is not None and value < below):
        return True
    over = (ends_below is None or value <= ends_below) and (ends_above is None or value >= ends_above)
    return False if over else was


def rate(history: History, window_ns: int) -> float | None:
    """Return the change per second from the newest sample at least a window old to the newest one.

    None without such a sample, or if it is more than two windows old.

    Examples
    --------
    >>> rate(((0, 200.0), (10_000_000_000, 195.0)), 10_000_000_000)
    -0.5
    """
    if not history:
        return None
    time_1, value_1 = history[-1]
    for time_0, value_0 in reversed(history):
        if time_0 <= time_1 - window_ns:
            span = time_1 - time_0
            return None if span > 2 * window_ns else (value_1 - value_0) / (span / NS_PER_S)
    return None


def silence(newest_ns: int | None, after_ns: int, start_ns: int, now_ns: int) -> bool | None:
    """Return whether nothing came for `after_ns`, counted from the newest stamp; None until that can be known."""
    if newest_ns is not None and now_ns < newest_ns + after_ns:
        return False
    return None if now_ns < start_ns + after_ns else True


def joined(tree: Tree, verdicts: Sequence[bool | None]) -> bool | None:
    """Join the verdicts of leaves as the condition says (Kleene's logic)."""
    if tree.kind == "leaf":
        return verdicts[tree.leaf]
    if tree.kind == "not":
        inner = joined(tree.parts[0], verdicts)
        return None if inner is None else not inner
    decisive = tree.kind == "any"
    result: bool | None = not decisive
    for part in tree.parts:
        found = joined(part, verdicts)
        if found is decisive:
            return decisive
        if found is None:
            result = None
    return result


def in_force(limit: LimitValue | None, value_of: Callable[[str], float | None]) -> float | None:
    """Return a limit as a number: itself, or what the facility's limit of that name is; NaN where it has none."""
    if not isinstance(limit, str):
        return limit
    value = value_of(limit)
    return math.nan if value is None else value
