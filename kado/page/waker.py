"""Wakes the page when something has landed."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from collector.arrival import Arrival


class Waker:
    """Called by the landing after each commit; wakes the board's event loop, once until it has looked."""

    def __init__(self) -> None:
        self._wake: Callable[[], None] | None = None
        self._woken = False

    def landed(self, arrivals: Sequence[Arrival], took_s: float) -> None:
        """Take notice of a commit; see `collector.landing_observer`."""
        del arrivals, took_s
        wake = self._wake
        if wake is not None and not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop of the page is closed
                wake()

    def wakes(self, wake: Callable[[], None] | None) -> None:
        """Set what is called, from the landing's thread; None: nothing."""
        self._wake = wake
        self._woken = False

    def looked(self) -> None:
        """Wake again with the next commit."""
        self._woken = False
