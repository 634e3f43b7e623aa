"""The operation calendar, and what changed in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from facility.period import Period
from facility.profile import Profile
from facility.schedule import Block, Plan, PlannedBlock, ScheduleVersion, resolve
from facility.time import format_time
from kado.queries.identity import identity


def calendar_document(profile: Profile, plan: Plan, period: Period | None) -> dict[str, Any]:
    """Return the blocks that touch `period` for programs."""
    zone = profile.zone
    return {
        **identity(profile),
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
            for p in blocks_within(plan, period)
        ],
        "warnings": list(plan.warnings),
    }


def changes_document(
    profile: Profile, versions: Sequence[ScheduleVersion], since_ns: int, until_ns: int | None
) -> dict[str, Any]:
    """Return the same for programs."""
    zone = profile.zone
    found = changes_between(
        resolve(versions, as_published_on_ns=since_ns), resolve(versions, as_published_on_ns=until_ns)
    )
    return {
        **identity(profile),
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
class Change:
    """An interval in which the calendar changed."""

    start_ns: int
    end_ns: int
    before: str
    after: str


def changes_between(before: Plan, after: Plan) -> list[Change]:
    """Return the stretches on which the plans differ, neighbours that changed alike joined."""
    edges = sorted({t for plan in (before, after) for b in plan.blocks for t in (b.start_ns, b.end_ns)})
    said = [_words_from(plan, edges) for plan in (before, after)]
    found: list[Change] = []
    for (start, end), old, new in zip(pairwise(edges), *said, strict=True):
        if old == new:
            continue
        if found and found[-1].end_ns == start and (found[-1].before, found[-1].after) == (old, new):
            start = found.pop().start_ns
        found.append(Change(start, end, old, new))
    return found


def _words_from(plan: Plan, edges: Sequence[int]) -> list[str]:
    """Return what is planned from each edge to the next."""
    blocks = iter(plan.blocks)
    block = next(blocks, None)
    words: list[str] = []
    for edge in edges[:-1]:
        while block is not None and block.end_ns <= edge:
            block = next(blocks, None)
        words.append(_words(block if block is not None and block.start_ns <= edge else None))
    return words


def _words(block: Block | None) -> str:
    if block is None:
        return "unscheduled"
    return " ".join(filter(None, [block.category.value, *block.tags, block.run]))


def blocks_within(plan: Plan, period: Period | None) -> list[PlannedBlock]:
    """Return the planned blocks that touch a period; None: all of them."""
    if period is None:
        return list(plan.planned)
    return [p for p in plan.planned if p.block.end_ns > period.start_ns and p.block.start_ns < period.end_ns]
