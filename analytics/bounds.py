"""What unknown time can make of a figure, at worst and at best."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from analytics.accounts import Accounts
from analytics.evidence import AppliedEvidence
from analytics.rules import Rules
from analytics.stretches import Conditions
from facility.interval import Intervals

Count = Callable[[Conditions], Accounts]
"""Makes conditions into the accounts of a period."""

NOTHING: Final = 0.0
NOMINAL: Final = math.inf


def bounding_cases(applied: AppliedEvidence, known: Intervals, count: Count) -> tuple[Accounts, ...]:
    """Return the accounts for unknown time filled with as much beam as possible, and with as little as possible.

    With most beam that is nominal throughout, with least none at all, where limits do not rise. Where they do, an
    outage that is running keeps the lower end that it opened with; had the beam come back for an instant and been
    lost again by the limits in force then, it would have gone on for longer. So each outage without beam in unknown
    time begins once more where its end limit would be highest, until that changes nothing. Each of these cases might
    have happened, so the worst and the best among them are the bounds.
    """
    conditions = applied.conditions(NOTHING)
    cases = [count(applied.conditions(NOMINAL)), count(conditions)]
    restarts: set[int] = set()
    while more := _restart_candidates(conditions, known, applied.rules) - restarts:
        restarts |= more
        conditions = applied.conditions(NOTHING, restarts)
        cases.append(count(conditions))
    return tuple(cases)


def join_bounding_cases(listed: Sequence[tuple[Accounts, ...]]) -> tuple[Accounts, ...]:
    """Return the bounding cases of stretches that follow each other as those of the whole.

    Where outages have restarted as often as they can, nothing changes any more: the last case of a stretch stands for
    the further cases that another stretch has.
    """
    most = max(len(cases) for cases in listed)
    return tuple(Accounts.sum_of([cases[min(i, len(cases) - 1)] for cases in listed]) for i in range(most))


def _restart_candidates(conditions: Conditions, known: Intervals, rules: Rules) -> set[int]:
    """Return for each no-beam the first instant in unknown time, or at its end, that gives it the highest end limit."""
    found: set[int] = set()
    if len({t.no_beam_ends for t in rules.thresholds}) == 1:
        return found
    unknown = Intervals.of([(conditions.start_ns, conditions.end_ns)]) - known
    for stretch in conditions.no_beam:
        highest = rules.thresholds[rules.piece_at(stretch.start_ns)].no_beam_ends
        best: int | None = None
        for start, end in unknown.clip(stretch.start_ns, stretch.end_ns):
            # Also where it ends, if the outage goes on: it may have begun there.
            last = rules.piece_at(end if end < stretch.end_ns else end - 1)
            for piece in range(rules.piece_at(start), last + 1):
                if rules.thresholds[piece].no_beam_ends > highest:
                    highest, best = rules.thresholds[piece].no_beam_ends, max(start, rules.starts[piece])
        if best is not None:
            found.add(best)
    return found
