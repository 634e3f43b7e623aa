"""How fast an archive may be asked: a pure policy."""


class Rate:
    """Spreads samples over time, so that no more than so many come in a second on average.

    Parameters
    ----------
    per_s
        Samples a second.
    """

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._free_at_s = 0.0

    def wait_s(self, samples: int, now_s: float) -> float:
        """Return how long to wait after so many samples have come, before anything is asked again."""
        self._free_at_s = max(self._free_at_s, now_s) + samples / self._per_s
        return self._free_at_s - now_s
