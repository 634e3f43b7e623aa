"""Observers of what has landed, at once and in memory: newest values, metrics, alarms."""

from collections.abc import Sequence
from typing import Protocol

from collector.arrival import Arrival


class LandingObserver(Protocol):
    """Called by the landing's writer thread after each commit.

    Must be quick, and must not raise: every caller that waits for an acknowledgement waits for it too.
    """

    def landed(self, arrivals: Sequence[Arrival], took_s: float) -> None:
        """Take notice of arrivals that are durable now, in the order in which they came.

        Parameters
        ----------
        took_s
            How long it took to make them durable.
        """
        ...


class LandingObservers:
    """Several observers in one; add them before anything lands."""

    def __init__(self) -> None:
        self._observers: list[LandingObserver] = []

    def add(self, observer: LandingObserver) -> None:
        """Add another observer."""
        self._observers.append(observer)

    def landed(self, arrivals: Sequence[Arrival], took_s: float) -> None:
        """Call every observer."""
        for observer in self._observers:
            observer.landed(arrivals, took_s)
