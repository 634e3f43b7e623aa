"""Figures of many facilities, a line each."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from console.fleet import Outcome
from console.output import simulated_mark, table
from console.rounding import NONE, count, hours, percent


def fleet(outcomes: Sequence[Outcome], digits: int = 1) -> list[RenderableType]:
    """Return a line for each outcome, and the errors below."""
    simulated = [o.availability["simulated"] for o in outcomes if o.availability is not None]
    lines: list[RenderableType] = []
    if any(simulated):
        some = "" if all(simulated) else ": those with a *"
        lines.append(Text(f" {simulated_mark()} ", style="bold black on yellow") + Text(some, style="none"))
    numbers = ["%", "from", "to", "known", "N", "MTBF h"]
    rows = table(order=["facility 施設", "period 期間", "definition", *numbers], right=numbers)
    for outcome in outcomes:
        rows.add_row(*_row(outcome, digits, mark=any(simulated) and not all(simulated)))
    lines.append(rows)
    failed = [o for o in outcomes if o.availability is None]
    if failed:
        lines.append("")
    return [*lines, *(Text(f"{o.piece.name}: {o.error}") for o in failed)]


def _row(outcome: Outcome, digits: int, *, mark: bool) -> list[str | Text]:
    piece, found = outcome.piece, outcome.availability
    if found is None:
        return [str(piece.configuration), piece.period, piece.definition or NONE, Text("failed", style="red")]
    figures = found["figures"]
    shown = ("availability_pct", "availability_lower_pct", "availability_upper_pct", "coverage_pct")
    return [
        found["facility"] + (" *" if mark and found["simulated"] else ""),
        piece.period + (" 暫定" if found["provisional"] else ""),
        found["definition"],
        *(percent(figures[name], digits) for name in shown),
        count(found["counts"]["failures"]),
        hours(figures["mtbf_h"], 1),
    ]
