"""The machine's own mode: a record beside the plan, never the denominator."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from facility.batch import Samples
from facility.interval import Intervals
from facility.quality import Quality
from facility.schedule import Category, Plan

REFILL: Final = "refill"
"""The mode in which user beam is refilled: planned user time."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Time in which the mode signal and the plan disagree."""

    start_ns: int
    end_ns: int
    planned: Category
    mode: str


def intervals_in_mode(mode: Samples, word: str, stale_after_ns: int | None, end_ns: int) -> Intervals:
    """Return the time in which the mode signal is known to be in the state `word`.

    Parameters
    ----------
    mode
        States, one held sample before the window included.
    stale_after_ns
        How long a state holds; None: to the next one.
    end_ns
        The last state holds to here at most.
    """
    spans = _spans(mode, stale_after_ns, end_ns)
    return Intervals.of((start, end) for start, end, state in spans if state == word)


def find_mismatches(
    mode: Samples, plan: Plan, stale_after_ns: int | None, start_ns: int, end_ns: int
) -> tuple[Mismatch, ...]:
    """List where the mode signal and the plan disagree in ``[start_ns, end_ns)``.

    Only words that name a category are compared (``refill`` belongs to user time, reserve time looks like user
    time), and only where something is planned.
    """
    found: list[Mismatch] = []
    for start, end, state in _spans(mode, stale_after_ns, end_ns):
        meant = Category.USER if state == REFILL else Category(state) if state in list(Category) else None
        if meant is None:
            continue
        for block in plan.blocks:
            a, b = max(start, block.start_ns, start_ns), min(end, block.end_ns, end_ns)
            agrees = meant is block.category or (meant.is_user_time and block.category.is_user_time)
            if a < b and not agrees:
                found.append(Mismatch(a, b, block.category, state))
    return join_mismatches(found)


def join_mismatches(mismatches: Iterable[Mismatch]) -> tuple[Mismatch, ...]:
    """Return mismatches in order of time, those that continue each other joined."""
    joined: list[Mismatch] = []
    for m in sorted(mismatches, key=lambda m: m.start_ns):
        last = joined[-1] if joined else None
        if last is not None and last.end_ns == m.start_ns and (last.planned, last.mode) == (m.planned, m.mode):
            joined[-1] = Mismatch(last.start_ns, m.end_ns, m.planned, m.mode)
        else:
            joined.append(m)
    return tuple(joined)


def credible_words(states: Samples) -> list[str | None]:
    """Return each sample's word; None where it has none, or is not credible.

    A lost device goes on reporting its last word, marked bad: from there on nothing is known.
    """
    doubted = states.quality == Quality.BAD
    doubted |= states.with_impossible_time()
    words = states.state_words()
    for i in np.flatnonzero(doubted).tolist():
        words[i] = None
    return words


def _spans(mode: Samples, stale_after_ns: int | None, end_ns: int) -> list[tuple[int, int, str]]:
    """Return (start, end, word) for each stretch of one state, repeated states joined."""
    spans: list[tuple[int, int, str]] = []
    starts: list[int] = mode.time_ns.tolist()
    for start, following, state in zip(starts, [*starts[1:], end_ns], credible_words(mode), strict=False):
        end = min(following, end_ns, end_ns if stale_after_ns is None else start + stale_after_ns)
        if state is None or end <= start:
            continue
        if spans and spans[-1][1] == start and spans[-1][2] == state:
            spans[-1] = (spans[-1][0], end, state)
        else:
            spans.append((start, end, state))
    return spans
