"""Whether values without a time come live, or waited somewhere: judged by how fast they come.

A value that is stamped on arrival is right only if it was measured just then. What a session kept while kado was away,
what a network or a publisher held back, comes in a burst; its values are true, and their times are lost.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

QUIET_S: Final = 1.0
"""A broker that has everything acknowledged and sends nothing for so long has nothing more that waited."""
IN_A_ROW: Final = 3
"""Values of one signal, each about a period behind the one before it, that show that they come live."""

_NS_PER_S: Final = 1_000_000_000
# Of a period: what comes live comes no faster than this, whatever the network does.
_LEAST_GAP: Final = 0.75
# Values may come in small bunches, and at most twice as fast as their period for long.
_BUNCH: Final = 4.0
_FASTEST: Final = 2.0
# Of a signal that is sent on change, or whose period the profile does not state.
_BUNCH_ON_CHANGE: Final = 20.0
_FASTEST_ON_CHANGE_PER_S: Final = 20.0


@dataclass(slots=True)
class _Signal:
    period_ns: int | None
    last_ns: int | None = None
    in_a_row: int = 0
    allowance: float = _BUNCH
    """How many values may still come at once; it fills up with time."""


@dataclass(slots=True)
class Pace:
    """Judges the values of one connection.

    A broker delivers in the order in which it received. So one signal that comes at its own pace shows that nothing of
    all others waits any more, and so does silence.

    Parameters
    ----------
    periods_ns
        Of each signal, by its code; None: it has none.
    resumed
        Whether the broker still had our session: then values may have waited there.
    monotonic
        A clock that is never set, ns.
    """

    periods_ns: Sequence[int | None]
    resumed: bool
    monotonic: Callable[[], int] = time.monotonic_ns
    live: bool = field(init=False)
    """Whether what comes now is live."""
    _signals: list[_Signal] = field(init=False)

    def __post_init__(self) -> None:
        self.live = not self.resumed
        self._signals = [_Signal(p, allowance=_BUNCH if p else _BUNCH_ON_CHANGE) for p in self.periods_ns]

    def quiet(self, seconds: float) -> None:
        """Take note that nothing came for so long although everything was acknowledged."""
        if seconds >= QUIET_S:
            self.live = True

    def came(self, codes: Sequence[int]) -> bool:
        """Return whether values that came just now, at once, are live; `codes` names the signal of each."""
        now = self.monotonic()
        counts = Counter(codes)
        steady = False
        for code, count in counts.items():
            signal = self._signals[code]
            gap_ns = None if signal.last_ns is None else now - signal.last_ns
            signal.last_ns = now
            if self._burst(signal, count, gap_ns):
                self.live = False
                for other in self._signals:
                    other.in_a_row = 0
            period = signal.period_ns
            if period is not None and count == 1 and gap_ns is not None and gap_ns >= _LEAST_GAP * period:
                signal.in_a_row += 1
                steady |= signal.in_a_row >= IN_A_ROW
            else:
                signal.in_a_row = 0
        self.live |= steady
        return self.live

    def _burst(self, signal: _Signal, count: int, gap_ns: int | None) -> bool:
        period = signal.period_ns
        most = _BUNCH if period else _BUNCH_ON_CHANGE
        per_ns = _FASTEST / period if period else _FASTEST_ON_CHANGE_PER_S / _NS_PER_S
        signal.allowance = min(most, signal.allowance + (gap_ns or 0) * per_ns) - count
        if signal.allowance >= 0:
            return False
        signal.allowance = 0.0
        return True
