"""What a condition looks at: its value, word and limit, for rows and for people."""

import math
from collections.abc import Mapping, Sequence

from analytics.alarms.holdings import NEVER, Holdings
from analytics.alarms.program import LeafCode, Program
from analytics.alarms.state import Engine
from analytics.alarms.verdicts import in_force, rate
from facility.time import to_s


def value_of(code: LeafCode, program: Program, holdings: Holdings, now_ns: int) -> float | str | None:
    """Return what a limit, a rate or a state looks at; None where nothing good holds."""
    i = code.series
    if not holdings.holds(i, program.series[i], now_ns):
        return None
    if i in holdings.minima:
        coverage, user_time = holdings.minima[i]
        if coverage is not None and code.min_coverage_pct is not None and coverage < code.min_coverage_pct:
            return None
        if user_time is not None and code.min_user_time_h is not None and user_time < code.min_user_time_h:
            return None
    if code.kind == "rate":
        return rate(holdings.history.get(i, ()), code.window_ns)
    return holdings.value[i]


def deciding_leaf(i: int, program: Program, verdicts: Sequence[bool | None], verdict: bool | None) -> LeafCode:
    """Return the first condition of an alarm whose verdict is the alarm's, else its first one."""
    found = program.leaves_of_alarm[i]
    return program.leaves[next((k for k in found if verdicts[k] is verdict), found[0])]


def describe(
    i: int,
    program: Program,
    holdings: Holdings,
    verdicts: Sequence[bool | None],
    limits: Mapping[str, float | None],
    verdict: bool | None,
    now_ns: int,
) -> tuple[float | None, str | None, float | None]:
    """Return value, word and limit of the condition that decides; for silence its length and its limit in s."""
    code = deciding_leaf(i, program, verdicts, verdict)
    if code.kind == "stale" or code.kind == "no_data":
        newest = holdings.good[code.series] if code.kind == "stale" else holdings.newest[code.series]
        return (None if newest == NEVER else to_s(now_ns - newest)), None, to_s(code.after_ns)
    value = value_of(code, program, holdings, now_ns)
    if isinstance(value, str) or code.kind == "state":
        return None, value if isinstance(value, str) else None, None
    above, below = (in_force(x, limits.__getitem__) for x in (code.above, code.below))
    limit = below if above is None or (value is not None and below is not None and value < below) else above
    return value, None, None if limit is None or math.isnan(limit) else limit


def shown_value(engine: Engine, alarm: str) -> tuple[float | None, str | None, float | None, str]:
    """Return value, word, limit and unit of an alarm as they are at the engine's position."""
    program = engine.program
    i = program.index[alarm]
    record = engine.records[i]
    code = deciding_leaf(i, program, engine.verdicts, record.verdict)
    unit = program.series[code.series].unit
    if code.kind == "stale" or code.kind == "no_data":
        unit = "s"
    elif code.kind == "rate":
        unit = f"{unit}/s"
    limits = {name: engine.limits.get(name) for name in program.by_limit}
    at_ns = engine.position_ns
    if code.kind not in ("stale", "no_data") and _known(i, engine, code):
        # An engine out of rows may hold an older number than the one that was judged: what is known holds.
        at_ns = min(at_ns, engine.holdings.stamp[code.series])
    value, word, limit = describe(i, program, engine.holdings, engine.verdicts, limits, record.verdict, at_ns)
    return value, word, limit, unit


def _known(i: int, engine: Engine, code: LeafCode) -> bool:
    """Whether the verdict of a condition of an alarm is known."""
    program = engine.program
    return any(program.leaves[k] is code and engine.verdicts[k] is not None for k in program.leaves_of_alarm[i])
