"""Marks on days that are written to after they have ended, so that what was computed from them is not used.

A day (UTC) is aggregated when it is over. A later write to it, or a deletion, sends a mark with a token of its own. The
aggregation reads the token first, then the samples, and records which token it saw. So aggregates are valid only as
long as nothing was written since, also when both happened at once.
"""

import secrets
from collections.abc import Iterable

from facility.schema import MINUTES_TOUCHED, TELEMETRY
from facility.time import NS_PER_DAY

_HEAD = f"{TELEMETRY},".encode()


def touches(facility: str, days: Iterable[tuple[str, int]], now_ns: int) -> bytes:
    """Return lines that mark each signal and day (since 1970, UTC) that is over.

    They go into the same request as the samples, before them. All that is required of the two is that they
    arrive within minutes of each other.
    """
    today = now_ns // NS_PER_DAY
    return b"".join(
        b"%s,facility=%s,signal=%s token=%di,at=%di %d\n"
        % (
            MINUTES_TOUCHED.encode(),
            facility.encode(),
            signal.encode(),
            secrets.randbits(62),
            now_ns,
            (day + 1) * NS_PER_DAY - 1,
        )
        for signal, day in sorted(set(days))
        if day < today
    )


def days_of_lines(lines: Iterable[bytes]) -> set[tuple[str, int]]:
    """Return signal and day of each line of telemetry, as kado writes them."""
    found = {(line[: line.index(b" ")], int(line[line.rindex(b" ") :]) // NS_PER_DAY) for line in lines}
    return {(head[head.rindex(b"=") + 1 :].decode(), day) for head, day in found if head.startswith(_HEAD)}
