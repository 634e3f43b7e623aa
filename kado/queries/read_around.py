"""Reads each signal once for a stretch of time and a little around it, and answers from that."""

import numpy as np

from facility.batch import Samples
from kado.queries.evidence import Read


def read_around(read: Read, from_ns: int, to_ns: int) -> Read:
    """Return a reader that reads ``[from_ns, to_ns)`` of a signal when it is first asked for a part of it.

    The evidence of some days takes several looks at each signal: the days, the hour before, the hour after. Each look
    at the store costs the same few milliseconds, and decodes the same days again. What reaches further is read as it
    is asked for.

    Parameters
    ----------
    read
        The store's.
    """
    kept: dict[str, Samples] = {}

    def reading(signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        if start_ns < from_ns or to_ns < end_ns:
            return read(signal, start_ns, end_ns, hold=hold)
        if signal not in kept:
            kept[signal] = read(signal, from_ns, to_ns, hold=True)
        whole = kept[signal]
        if hold:
            before = int(np.searchsorted(whole.time_ns, start_ns)) - 1
            # Without a sample before it there is none in the store either.
            start_ns = int(whole.time_ns[before]) if before >= 0 else start_ns
        return whole.between(start_ns, end_ns)

    return reading
