"""The facility's limits over time, as rules name them: the numbers of the accounting."""

from collections.abc import Sequence

from analytics.alarms.feed import LimitPieces
from analytics.rules import Reduced
from facility.corrections import Assertion, Correction
from facility.profile import Profile
from facility.schedule import Category, Plan


def limit_pieces(
    profile: Profile, plan: Plan, start_ns: int, end_ns: int, reduced: Sequence[Reduced] = ()
) -> LimitPieces:
    """Return what ``nominal``, ``recovered``, ``tolerance``, ``minimum`` and the target are in ``[start_ns, end_ns)``.

    The mode is the plan's; before the profile's first limits those first ones are used; in `reduced` stretches no limit
    is above what was accepted there: as in the accounting. Before `start_ns` there are none.
    """
    edges = {start_ns, *profile.limits.changes(start_ns, end_ns)}
    spans = [(b.start_ns, b.end_ns) for b in plan.blocks] + [(r.start_ns, r.end_ns) for r in reduced]
    edges.update(t for span in spans for t in span if start_ns < t < end_ns)
    first = min((rows[0] for rows in profile.limits.by_mode.values()), key=lambda row: row[0])[1]
    starts: list[int] = []
    columns: dict[str, list[float | None]] = {n: [] for n in ("nominal", "recovered", "tolerance", "minimum")}
    blocks = plan.blocks
    k = 0
    for edge in sorted(edges):
        while k < len(blocks) and blocks[k].end_ns <= edge:
            k += 1
        inside = k < len(blocks) and blocks[k].start_ns <= edge
        category = blocks[k].category if inside else Category.UNSCHEDULED
        limits = profile.limits.at(category, edge) or first
        for accepted in reduced:
            if accepted.start_ns <= edge < accepted.end_ns:
                limits = limits.at_most(accepted.limit)
        values = [limits.nominal, limits.recovered, limits.tolerance, limits.minimum]
        if starts and [c[-1] for c in columns.values()] == values:
            continue
        starts.append(edge)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    pieces: dict[str, tuple[float | None, ...]] = {name: tuple(c) for name, c in columns.items()}
    pieces["target_availability_pct"] = (profile.target_availability_pct,) * len(starts)
    return LimitPieces(tuple(starts), pieces)


def reduced_of(corrections: Sequence[Correction]) -> tuple[Reduced, ...]:
    """Return the stretches in which a lower delivery was accepted."""
    return tuple(
        Reduced(c.start_ns, c.end_ns, c.limit)
        for c in corrections
        if c.assertion is Assertion.REDUCED and c.limit is not None
    )
