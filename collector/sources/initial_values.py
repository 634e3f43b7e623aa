"""The value that a control system delivers on connecting, which may have been measured days ago.

Of a signal that is sent on change only, that value holds from the moment of connection: nothing is known of the time
before, when the link was down. So it is stored twice: under its own stamp, and under that moment.
"""

import numpy as np
from numpy.typing import NDArray

from facility.batch import Int32, Int64


class InitialValues:
    """Decides which updates are said again, and under which stamp.

    Parameters
    ----------
    on_change
        (n,) whether a channel's signal is sent on change only.
    """

    def __init__(self, on_change: NDArray[np.bool_]) -> None:
        self._awaited = on_change.copy()
        """(n,) whether the next update of a channel is the one that comes because of the connection."""
        self._on_change = on_change
        self._said_ns = np.zeros(len(on_change), np.int64)
        """(n,) the stamp under which a channel's initial value was said again; 0 for none."""

    def lost(self, code: int) -> None:
        """Take note that a channel was disconnected."""
        self._awaited[code] = self._on_change[code]

    def again(self, code: Int32, time_ns: Int64, arrival_ns: int) -> tuple[Int64, Int64] | None:
        """Return the rows of updates to say again, and their stamps; at most one row of each channel.

        Parameters
        ----------
        code, time_ns
            (n,) channels and stamps of updates in order of arrival.

        Notes
        -----
        A source whose clock is behind this computer's stamps the first change after the connection before it. That
        change is then said again under the stamp of the initial value, which it replaces.
        """
        candidates = self._awaited[code] | (time_ns <= self._said_ns[code])
        if not bool(candidates.any()):
            return None
        rows: dict[int, int] = {}
        for row in np.flatnonzero(candidates).tolist():
            channel = int(code[row])
            if self._awaited[channel]:
                self._awaited[channel] = False
                self._said_ns[channel] = arrival_ns
            if time_ns[row] <= self._said_ns[channel]:
                rows[channel] = row
        rows = {channel: row for channel, row in rows.items() if time_ns[row] < self._said_ns[channel]}
        if not rows:
            return None
        return np.array(list(rows.values()), np.int64), self._said_ns[np.array(list(rows), np.int64)]
