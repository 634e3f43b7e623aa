"""The reference's bounds: what unknown time could make of the figure, tick by tick.

Like all of the reference it knows nothing of `analytics`.
"""

import math
from copy import copy
from functools import cached_property
from typing import Any

from facility.definition import Definition
from facility.signals import Signal
from facility.time import to_ns
from reference_limits import TICK


class Bounded:
    n: int
    value: list[float | None]
    stamped: list[bool]
    limits: list
    rules: Definition
    signal: Signal
    account: list[str]
    judge: Any
    momentary: dict[int, float]
    book: Any
    availability_pct: Any
    anew: frozenset[int] = frozenset()
    """Ticks of unknown time at which the beam came back and was lost again at once."""
    began_anew: frozenset[int] = frozenset()
    """Those of the lower bound."""

    @cached_property
    def bounds(self) -> tuple[float | None, float | None]:
        """All unknown time at nothing, with all that may begin anew in it, and at nominal; the answer lies within."""
        answers = [self.account, copy(self).book(*self.filled(math.inf))[0]]
        worse = copy(self)
        while True:
            judged = worse.filled(0.0)
            answers.append(copy(self).book(*judged)[0])
            more = self.later_ends(*judged[:2]) - worse.anew
            if not more:
                break
            worse.anew = self.began_anew = worse.anew | more
        known = [pct for pct in map(self.availability_pct, answers) if pct is not None]
        return min(known, default=None), max(known, default=None)

    def filled(self, fill: float) -> tuple[list[str], list[int], list[int], dict]:
        """Put samples at the signal's period into every unknown stretch, and judge again."""
        value, stamped, spacing, since = list(self.value), list(self.stamped), to_ns(self.signal.period_s or 1.0), 0
        for k, known in enumerate(self.value):
            begins = k in self.anew or k in self.momentary
            since = since + 1 if known is None and not begins else known is None
            if known is None:
                value[k], stamped[k] = fill, (since - 1) * TICK % spacing == 0
        return self.judge(value, stamped)

    def later_ends(self, states: list[str], number: list[int]) -> set[int]:
        """Of each no-beam the first tick, unknown or right behind, that would give it, begun there, the highest end."""
        found = set()
        events: dict[int, list[int]] = {}
        for k in range(self.n):
            if states[k] == "down":
                events.setdefault(number[k], []).append(k)
        ends = [getattr(limits, self.rules.no_beam_ends_at.value) for limits in self.limits]
        for ticks in events.values():
            unknown = [k for k in ticks if self.value[k] is None or (k > ticks[0] and self.value[k - 1] is None)]
            best = max(unknown, key=lambda k: (ends[k], -k), default=ticks[0])
            if ends[best] > ends[ticks[0]]:
                found.add(best)
        return found
