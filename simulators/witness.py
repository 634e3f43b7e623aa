"""What else was recorded and what it says: the witness of the delivery signal, and the machine's mode.

Like `simulators.observer` a second reading of the accounting rules, on purpose without `analytics`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from facility.batch import Float64, Int64
from facility.schedule import Category, Plan
from facility.time import NS_PER_S
from simulators.observer import Low

AROUND_NS = 5 * NS_PER_S
"""A witness is asked so long before and after the start of an outage, or one of its own periods if that is more."""

_AS_USERS = {"refill": Category.USER, "reserve": Category.USER}


class Witness:
    """Takes a witness's good samples day by day, keeps those that may matter, and answers.

    Parameters
    ----------
    period_ns
        Time between its samples.
    highest_limit
        At or above this it surely sees beam; the limit below which it sees none is given with the question.
    """

    def __init__(self, period_ns: int, highest_limit: float) -> None:
        self._width = max(AROUND_NS, period_ns)
        self._highest = highest_limit
        self._was_low = False
        self._times: list[Int64] = []
        self._values: list[Float64] = []

    def see(self, times: Int64, values: Float64, around_ns: Int64) -> list[int]:
        """Take a day's good samples; return the stamps at which the witness stops seeing beam.

        Parameters
        ----------
        around_ns
            Increasing instants at which an outage may begin.
        """
        if not len(times):
            return []
        low = values < self._highest
        stops = low & ~np.append(self._was_low, low[:-1])
        self._was_low = bool(low[-1])
        keep = stops.copy()
        first = np.searchsorted(times, around_ns - self._width)
        last = np.searchsorted(times, around_ns + self._width, side="right")
        for start, end in zip(first.tolist(), last.tolist(), strict=True):
            keep[start:end] = True
        # The next day may ask about the last samples, and the day before about the first.
        keep[times <= times[0] + self._width] = True
        keep[times >= times[-1] - self._width] = True
        self._times.append(times[keep])
        self._values.append(values[keep])
        return times[stops].tolist()

    def contradictions(self, outages: Iterable[tuple[Low, float]]) -> list[tuple[int, int]]:
        """Return (start, end) of each time in which the signal saw no beam and the witness did.

        Parameters
        ----------
        outages
            What the signal shows, and below which value the witness sees no beam.
        """
        if not self._times:
            return []
        times, values = np.concatenate(self._times), np.concatenate(self._values)
        found: list[tuple[int, int]] = []
        for outage, limit in outages:
            start = outage.start_ns
            bounds = np.searchsorted(times, [start - self._width, start, outage.end_ns])
            first, at, until = bounds.tolist()
            last = int(np.searchsorted(times, start + self._width, side="right"))
            if at >= min(last, until) or (values[first:last] < limit).any():
                continue
            gone = times[at:until][values[at:until] < limit]
            found.append((start, int(gone[0]) if len(gone) else outage.end_ns))
        return found


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Planned time in which the machine said another mode."""

    start_ns: int
    end_ns: int
    planned: Category
    said: str


def disagreements(said: list[tuple[int, str]], plan: Plan, start_ns: int, end_ns: int) -> list[Disagreement]:
    """Return where the machine's mode and the plan disagree.

    Parameters
    ----------
    said
        (instant, word) at each change of the word, in order of time; the last holds to the end.
    """
    found: list[Disagreement] = []
    edges = [t for t, _ in said] + [end_ns]
    for block in plan.blocks:
        wanted = Category.USER if block.category.is_user_time else block.category
        for number, (_, word) in enumerate(said):
            meant = _AS_USERS.get(word, word)
            since = max(edges[number], block.start_ns, start_ns)
            until = min(edges[number + 1], block.end_ns, end_ns)
            if since < until and meant != wanted and meant in list(Category):
                same = found and (found[-1].end_ns, found[-1].planned, found[-1].said) == (since, block.category, word)
                found.append(Disagreement(found.pop().start_ns if same else since, until, block.category, word))
    return found
