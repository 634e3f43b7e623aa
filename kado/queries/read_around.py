"""Reads each signal once for a stretch of time and a little around it, and answers from that."""

import numpy as np

from facility.batch import Samples
from kado.queries.evidence import Read


def read_around(read: Read, start_ns: int, end_ns: int) -> Read:
    """Return a reader that reads ``[start_ns, end_ns)`` of a signal when it is first asked for a part of it.

    The evidence of some days takes several looks at each signal: the days, the hour before, the hour after. Each look
    at the store costs the same few milliseconds, and decodes the same days again. What reaches further is read as it
    is asked for.

    Parameters
    ----------
    read
        The store's.
    """
    kept: dict[str, Samples] = {}

    def reading(signal: str, first_ns: int, last_ns: int, *, hold: bool = False) -> Samples:
        if first_ns < start_ns or end_ns < last_ns:
            return read(signal, first_ns, last_ns, hold=hold)
        if signal not in kept:
            kept[signal] = read(signal, start_ns, end_ns, hold=True)
        whole = kept[signal]
        if hold:
            before = int(np.searchsorted(whole.time_ns, first_ns)) - 1
            # Without a sample before it there is none in the store either.
            first_ns = int(whole.time_ns[before]) if before >= 0 else first_ns
        return whole.between(first_ns, last_ns)

    return reading
