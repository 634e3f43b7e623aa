"""When to try again what has failed: pure policies."""

import random
from collections.abc import Callable
from typing import Final


class Backoff:
    """Waits between attempts, drawn at random so that many collectors do not return at one instant.

    Parameters
    ----------
    rng
        Draws the waits.
    base_s
        Upper bound of the first wait, seconds; it doubles with each failure in a row (full jitter).
    cap_s
        Upper bound of all of them.
    healthy_s
        A connection that lasted so long starts the count again.
    """

    def __init__(
        self, rng: random.Random, *, base_s: float = 0.5, cap_s: float = 30.0, healthy_s: float = 60.0
    ) -> None:
        self._rng = rng
        self._base_s = base_s
        self._cap_s = cap_s
        self._healthy_s = healthy_s
        self._failures = 0

    def wait_s(self, lasted_s: float, *, retryable: bool) -> float:
        """Return how long to wait after an attempt that lasted so long; the longest wait if a person has to act."""
        if lasted_s >= self._healthy_s:
            self._failures = 0
        failures, self._failures = self._failures, self._failures + 1
        if not retryable:
            return self._rng.uniform(0.5, 1.0) * self._cap_s
        return full_jitter_s(lambda: self._rng.uniform(0.0, 1.0), self._base_s, self._cap_s, failures)


_MAX_DOUBLINGS: Final = 30


def full_jitter_s(chance: Callable[[], float], base_s: float, cap_s: float, failures: int) -> float:
    """Return a wait drawn evenly from zero to a bound that doubles with each failure in a row.

    Parameters
    ----------
    chance
        Returns a number in ``[0, 1)``.
    base_s
        The bound after the first failure, seconds.
    cap_s
        The largest bound, seconds.
    failures
        How many failures in a row there were before this one.
    """
    return chance() * min(cap_s, base_s * 2 ** min(failures, _MAX_DOUBLINGS))
