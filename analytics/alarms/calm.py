"""Samples that change nothing: taken in one go, before anything is decided instant by instant.

Of ten thousand signals that are read every second a handful changes a verdict. A sample is calm if it comes in order
while the one before it still holds, and gives every condition of its series the verdict that it has already. Series of
alarms that may write a row meanwhile are left out, so that the row shows the value of its own instant.
"""

from collections.abc import Callable, Iterable, Sequence

from analytics.alarms.holdings import Holdings, Sample
from analytics.alarms.program import Program
from analytics.alarms.verdicts import beyond
from facility.time import MAX_NS


def take_calm(
    program: Program,
    holdings: Holdings,
    verdicts: Sequence[bool | None],
    memory: Sequence[bool],
    samples: list[Sample],
    position_ns: int,
    loud_alarms: Callable[[Iterable[int]], set[int]],
    loud_series: set[int],
) -> list[Sample]:
    """Take calm samples into `holdings`; return those that are left, in their order.

    Parameters
    ----------
    samples
        In order of time, each series and stamp once; all before the end of what is to be decided.
    loud_alarms
        Gives all alarms that may write a row, once the series that are not calm are known.
    loud_series
        Series whose samples must all be evaluated.
    """
    loud = set(loud_series)
    newest: dict[int, tuple[int, int, float]] = {}
    index, plain, stamps, ok = program.series_index, program.plain, holdings.stamp, holdings.ok
    for time_ns, series, value, good, _, _ in samples:
        i = index[series]
        if i in loud:
            continue
        code = plain[i]
        known = newest.get(i)
        last = stamps[i] if known is None else known[0]
        if (
            code is None
            or not good
            or time_ns < position_ns
            or (known is None and (not ok[i] or time_ns <= holdings.newest[i]))
            or (code.gap_ns is not None and time_ns - last > code.gap_ns)
            or not isinstance(value, float)
        ):
            loud.add(i)
            continue
        for leaf, above, below, ends_below, ends_above in code.limits:
            verdict = verdicts[leaf]
            if verdict is None or beyond(value, above, below, ends_below, ends_above, memory[leaf]) is not verdict:
                loud.add(i)
                break
        else:
            if known is None and any(verdicts[leaf] is not False for leaf in code.silences):
                loud.add(i)
            else:
                newest[i] = (time_ns, last, value)
    if not newest:
        return samples
    rows = loud_alarms(loud)
    loud.update(program.leaves[leaf].series for i in rows for leaf in program.leaves_of_alarm[i])
    for i, (time_ns, before, value) in newest.items():
        if i in loud:
            continue
        code = plain[i]
        holdings.stamp[i] = holdings.good[i] = holdings.newest[i] = time_ns
        holdings.older[i], holdings.value[i] = before, value
        silent = code is None or code.gap_ns is None or not program.leaves_of_series[i]
        holdings.due[i] = MAX_NS if silent or code is None or code.gap_ns is None else time_ns + code.gap_ns
    return [s for s in samples if index[s.series] in loud]
