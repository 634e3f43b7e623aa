"""Worked cases for the figures of the alarm system."""

from collections.abc import Mapping
from typing import Any, cast

from analytics.alarms.figures import AlarmFigures, assess
from facility.alarms import AlarmState, Cause, Priority, Transition
from facility.errors import AlarmScenarioError
from facility.sentence import Sentence
from facility.time import NS_PER_S, to_ns


def run_kpi(raw: Mapping[str, Any]) -> tuple[str, str, str, int, tuple[Any, ...], tuple[Any, ...]] | None:
    """Return (name, mode, what, number, expected, got) of the first figure that differs, or None.

    Raises
    ------
    AlarmScenarioError
        If the case is not of the form.
    """
    name = str(raw.get("name", "figures"))
    try:
        rows = [_row(row, raw.get("priorities", {})) for row in raw["transitions"]]
        figures = as_document(assess(rows, to_ns(raw["start"]), to_ns(raw["end"]), raw.get("respond_within_s")))
        expected: Mapping[str, Any] = raw["expected"]
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise AlarmScenarioError(Sentence("figures {name}: {what}", name=name, what=what)) from error
    for number, (key, wanted) in enumerate(expected.items(), 1):
        if key not in figures:
            return name, "figures", "figure", number, (key, wanted), (key, "not a figure")
        if not _agrees(wanted, figures[key]):
            return name, "figures", "figure", number, (key, wanted), (key, figures[key])
    return None


def as_document(figures: AlarmFigures) -> dict[str, Any]:
    """Return figures as a scenario writes them: times in seconds."""
    return {
        "annunciated": figures.annunciated,
        "per_day": figures.per_day,
        "per_hour": figures.per_hour,
        "per_10min": figures.per_10min,
        "max_per_10min": figures.max_per_10min,
        "intervals_over_10_pct": figures.intervals_over_10_pct,
        "hours_over_30_pct": figures.hours_over_30_pct,
        "floods": [
            {"start": _s(f.start_ns), "alarms": f.alarms, "peak": f.peak, "end": _s(f.end_ns)} for f in figures.floods
        ],
        "flood_time_pct": figures.flood_time_pct,
        "top_ten": [{"alarm": f.alarm, "count": f.count, "share_pct": f.share_pct} for f in figures.top_ten],
        "top_ten_pct": figures.top_ten_pct,
        "chattering": [{"alarm": alarm} for alarm in figures.chattering],
        "standing": [{"alarm": s.alarm, "start": _s(s.start_ns), "end": _s(s.end_ns)} for s in figures.standing],
        "by_priority": dict(figures.by_priority),
        "acknowledged": figures.acknowledged,
        "never_acknowledged": figures.never_acknowledged,
        "ack_median_s": figures.ack_median_s,
        "answered_in_time_pct": figures.answered_in_time_pct,
        "suppressed_while_unacked": figures.suppressed_while_unacked,
    }


def _agrees(wanted: Any, got: Any) -> bool:
    """Whether a figure is as expected; of a table only the columns that are named, a bare name being the alarm."""
    if isinstance(wanted, list) and isinstance(got, list):
        mine, its = cast("list[Any]", wanted), cast("list[Any]", got)
        return len(mine) == len(its) and all(_agrees(a, b) for a, b in zip(mine, its, strict=True))
    if isinstance(got, dict):
        row = cast("dict[str, Any]", got)
        if isinstance(wanted, str):
            return wanted == row.get("alarm")
        if isinstance(wanted, dict):
            return all(key in row and _agrees(value, row[key]) for key, value in cast("dict[str, Any]", wanted).items())
    if isinstance(wanted, float) and isinstance(got, float | int):
        return abs(wanted - got) <= 1e-9 * max(1.0, abs(wanted))
    return bool(wanted == got)


def _row(row: list[Any], priorities: Mapping[str, str]) -> Transition:
    t, alarm, before, after, cause = row
    to_state, why = AlarmState(after), Cause(cause)
    return Transition(
        time_ns=to_ns(t),
        alarm=alarm,
        from_state=AlarmState(before),
        to_state=to_state,
        cause=why,
        seq=0,
        occurrence=0,
        priority=Priority(priorities.get(alarm, "low")),
        class_="",
        annunciated=to_state is AlarmState.UNACKED and why is not Cause.UNACKNOWLEDGED,
    )


def _s(ns: int) -> float | int:
    return ns // NS_PER_S if ns % NS_PER_S == 0 else ns / NS_PER_S
