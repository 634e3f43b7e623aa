"""What has come into the store since the last question: for code that keeps results computed from it."""

import threading
from typing import Final

from facility.interval import Intervals
from facility.time import EARLIEST_NS

_MOST: Final = 200
"""Stretches that are kept apart; then the time between them counts as changed too."""


class Changes:
    """Collects stretches of time by signal; for any thread, and for one that asks.

    Parameters
    ----------
    earliest_ns
        What is stamped before this instant takes no part in anything, and is not noted.
    """

    def __init__(self, earliest_ns: int = EARLIEST_NS) -> None:
        self._earliest_ns = earliest_ns
        self._lock = threading.Lock()
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._branches: tuple[Changes, ...] = ()

    def note(self, signal: str, first_ns: int, last_ns: int) -> None:
        """Note that samples stamped from `first_ns` to `last_ns`, both included, may have come or changed."""
        if last_ns < self._earliest_ns:
            return
        with self._lock:
            spans = self._spans.setdefault(signal, [])
            spans.append((max(first_ns, self._earliest_ns), last_ns + 1))
            if len(spans) > _MOST:
                spans[:] = list(Intervals.of(spans))
            if len(spans) > _MOST:
                spans[:] = [(spans[0][0], spans[-1][1])]
        for branch in self._branches:
            branch.note(signal, first_ns, last_ns)

    def branch(self) -> "Changes":
        """Return another collection that notes the same from now on, for a second reader."""
        branch = Changes(self._earliest_ns)
        with self._lock:
            self._branches = (*self._branches, branch)
        return branch

    def take(self) -> dict[str, Intervals]:
        """Return what was noted since the last call; everything in it can be read from the store."""
        with self._lock:
            taken, self._spans = self._spans, {}
        return {signal: Intervals.of(spans) for signal, spans in taken.items()}
