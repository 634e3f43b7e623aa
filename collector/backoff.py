"""When to try a source again: a pure policy."""

import random
from typing import Final

_MAX_DOUBLINGS: Final = 30


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
        """Return how long to wait after an attempt that lasted so long; as long as ever if a person has to mend it."""
        if lasted_s >= self._healthy_s:
            self._failures = 0
        bound_s = min(self._cap_s, self._base_s * 2 ** min(self._failures, _MAX_DOUBLINGS))
        self._failures += 1
        if not retryable:
            return self._rng.uniform(0.5, 1.0) * self._cap_s
        return self._rng.uniform(0.0, bound_s)
