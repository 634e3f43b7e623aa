"""How long to wait before the same is tried again: full jitter, so that not all return at once."""

from collections.abc import Callable
from typing import Final

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
