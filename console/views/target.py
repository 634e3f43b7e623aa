"""How long it took to reach the target."""

from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from analytics.target import TargetRun
from console.output import local, title
from console.rounding import percent
from console.target import TimeToTarget
from facility.time import NS_PER_DAY, format_time, to_datetime


def time_to_target(found: TimeToTarget) -> list[RenderableType]:
    """Return when the target was first reached in a stable block, and how long that took."""
    profile, zone = found.profile, found.profile.zone
    rows = Table.grid(padding=(0, 2))
    rows.add_row("Target", "目標", f"{found.target:g} {profile.delivery.unit}")
    rows.add_row("Operation since", "運転開始", local(found.started_ns, zone)[:10])
    stable = f"{profile.stable_at_pct:g} % of a block"
    if found.first is None:
        rows.add_row("Reached", "達成", f"not yet for {stable}; {found.blocks} blocks looked at")
        if found.best is not None:
            rows.add_row("Nearest", "最高", _block(found, found.best))
    else:
        rows.add_row("Reached", "達成", Text(_length(found), style="bold"))
        rows.add_row("First block", "最初の達成", _block(found, found.first))
        rows.add_row("", "", f"at or above {found.first.level:g} {profile.delivery.unit} for at least {stable}")
    return [title(profile, "time to target 目標達成までの時間"), rows]


def target_document(found: TimeToTarget) -> dict[str, Any]:
    """Return the same for programs."""
    zone = found.profile.zone
    return {
        "facility": found.profile.id,
        "simulated": found.profile.simulated,
        "target": found.target,
        "unit": found.profile.delivery.unit,
        "stable_at_pct": found.profile.stable_at_pct,
        "operation_started": format_time(found.started_ns, zone),
        "time_to_target_days": None if found.length_ns is None else found.length_ns / NS_PER_DAY,
        "first": _document(found, found.first),
        "nearest": _document(found, found.best),
        "blocks": found.blocks,
    }


def _block(found: TimeToTarget, run: TargetRun) -> str:
    block, zone = run.block, found.profile.zone
    span = f"{local(block.start_ns, zone)[:16]} to {local(block.end_ns, zone)[:16]}"
    return f"{block.category.value} {span}, {percent(run.surely_pct)} % of it"


def _document(found: TimeToTarget, run: TargetRun | None) -> dict[str, Any] | None:
    if run is None:
        return None
    zone = found.profile.zone
    return {
        "start": format_time(run.block.start_ns, zone),
        "end": format_time(run.block.end_ns, zone),
        "category": run.block.category.value,
        "level": run.level,
        "at_target_pct": run.at_target_pct,
        "coverage_pct": run.coverage_pct,
    }


def _length(found: TimeToTarget) -> str:
    """Return the time as people say it: whole years, then days."""
    assert found.first is not None
    zone = found.profile.zone
    start, end = to_datetime(found.started_ns, zone), to_datetime(found.first.block.start_ns, zone)
    years = end.year - start.year - ((end.month, end.day) < (start.month, start.day))
    birthday = start.replace(year=start.year + years) if (start.month, start.day) != (2, 29) else start
    days = (end - birthday).days
    counted = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((years, "year"), (days, "day")) if n]
    return " ".join(counted) or "at once"
