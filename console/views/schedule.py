"""The operation calendar, and what changed in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rich.console import RenderableType

from console.output import local, offsets_of, table, title
from console.rounding import hours
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Block, Plan, PlannedBlock, ScheduleVersion, resolve
from facility.time import NS_PER_H, format_time


def calendar(profile: Profile, plan: Plan, period: Period | None) -> list[RenderableType]:
    """Return the blocks that touch `period` as a table."""
    zone = profile.zone
    lines: list[RenderableType] = [title(profile, "operation calendar 運転計画")]
    lines += [f"warning: {warning}" for warning in plan.warnings]
    planned = _within(plan, period)
    if not planned:
        where = f" in {period.id}" if period else ""
        return [*lines, f"nothing is planned{where}; import a schedule with: kado schedule import FILE"]
    offset = offsets_of((p.block.start_ns for p in planned), zone)
    rows = table(order=[f"start ({offset})", "end", "h", "category", "run", "published", "note"], right=["h"])
    for p in planned:
        b = p.block
        words = " ".join(filter(None, [*b.tags, b.note]))
        published = local(p.published_at_ns, zone)[:10]
        start, end = local(b.start_ns, zone)[:16], local(b.end_ns, zone)[5:16]
        rows.add_row(start, end, _hours(b.start_ns, b.end_ns), b.category.value, b.run or "", published, words)
    return [*lines, rows]


def calendar_document(profile: Profile, plan: Plan, period: Period | None) -> dict[str, Any]:
    """Return the blocks that touch `period` for programs."""
    zone = profile.zone
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "blocks": [
            {
                "start": format_time(p.block.start_ns, zone),
                "end": format_time(p.block.end_ns, zone),
                "category": p.block.category.value,
                "tags": list(p.block.tags),
                "run": p.block.run,
                "note": p.block.note,
                "published_at": format_time(p.published_at_ns, zone),
            }
            for p in _within(plan, period)
        ],
        "warnings": list(plan.warnings),
    }


def changes(
    profile: Profile, versions: Sequence[ScheduleVersion], since_ns: int, until_ns: int | None
) -> list[RenderableType]:
    """Return what the versions published in ``(since_ns, until_ns]`` changed, as a table."""
    zone = profile.zone
    found = _changes(resolve(versions, as_published_on_ns=since_ns), resolve(versions, as_published_on_ns=until_ns))
    until = "now" if until_ns is None else local(until_ns, zone, offset=True)
    heading = title(profile, f"calendar changes 計画変更, as known {local(since_ns, zone, offset=True)} and {until}")
    if not found:
        return [heading, "no change"]
    offset = offsets_of((c.start_ns for c in found), zone)
    rows = table(order=[f"start ({offset})", "end", "h", "before", "after"], right=["h"])
    for c in found:
        start, end = local(c.start_ns, zone)[:16], local(c.end_ns, zone)[:16]
        rows.add_row(start, end, _hours(c.start_ns, c.end_ns), c.before, c.after)
    return [heading, rows]


def changes_document(
    profile: Profile, versions: Sequence[ScheduleVersion], since_ns: int, until_ns: int | None
) -> dict[str, Any]:
    """Return the same for programs."""
    zone = profile.zone
    found = _changes(resolve(versions, as_published_on_ns=since_ns), resolve(versions, as_published_on_ns=until_ns))
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "since": format_time(since_ns, zone),
        "until": None if until_ns is None else format_time(until_ns, zone),
        "changes": [
            {
                "start": format_time(c.start_ns, zone),
                "end": format_time(c.end_ns, zone),
                "before": c.before,
                "after": c.after,
            }
            for c in found
        ],
    }


@dataclass(frozen=True, slots=True)
class _Change:
    start_ns: int
    end_ns: int
    before: str
    after: str


def _changes(before: Plan, after: Plan) -> list[_Change]:
    """Return the stretches on which the plans differ, neighbours that changed alike joined."""
    edges = sorted({t for plan in (before, after) for b in plan.blocks for t in (b.start_ns, b.end_ns)})
    found: list[_Change] = []
    for start, end in pairwise(edges):
        old, new = _words(before.block_at(start)), _words(after.block_at(start))
        if old == new:
            continue
        if found and found[-1].end_ns == start and (found[-1].before, found[-1].after) == (old, new):
            start = found.pop().start_ns
        found.append(_Change(start, end, old, new))
    return found


def _words(block: Block | None) -> str:
    if block is None:
        return "unscheduled"
    return " ".join(filter(None, [block.category.value, *block.tags, block.run]))


def _within(plan: Plan, period: Period | None) -> list[PlannedBlock]:
    if period is None:
        return list(plan.planned)
    return [p for p in plan.planned if p.block.end_ns > period.start_ns and p.block.start_ns < period.end_ns]


def _hours(start_ns: int, end_ns: int) -> str:
    return hours((end_ns - start_ns) / NS_PER_H)
