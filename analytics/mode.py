"""The machine's own mode: a record beside the plan, never the denominator."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD, Samples
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
    words = states.state_words()
    for i in np.flatnonzero(_doubted(states)).tolist():
        words[i] = None
    return words


def _doubted(states: Samples) -> NDArray[np.bool_]:
    doubted: NDArray[np.bool_] = states.quality == Quality.BAD
    return doubted | states.with_impossible_time()


def _spans(mode: Samples, stale_after_ns: int | None, end_ns: int) -> list[tuple[int, int, str]]:
    """Return (start, end, word) for each stretch of one state, repeated states joined."""
    if mode.state is None or not len(mode):
        return []
    start = mode.time_ns
    end = np.minimum(np.append(start[1:], end_ns), end_ns)
    if stale_after_ns is not None:
        end = np.minimum(end, start + stale_after_ns)
    stated = (end > start) & (mode.state != NO_WORD) & ~_doubted(mode)
    start, end, code = start[stated], end[stated], mode.state[stated]
    if not len(start):
        return []
    first = np.append(True, (start[1:] != end[:-1]) | (code[1:] != code[:-1]))
    last = np.append(first[1:], True)
    starts: list[int] = start[first].tolist()
    ends: list[int] = end[last].tolist()
    codes: list[int] = code[first].tolist()
    return [(a, b, mode.words[c]) for a, b, c in zip(starts, ends, codes, strict=True)]
