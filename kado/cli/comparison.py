"""Two definitions side by side, and the rules that make the difference."""

from decimal import Decimal
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from analytics.compare import RuleStep
from kado.language import marked, term, tr, trn, words
from kado.output import facts, local, span, table, title
from kado.queries.comparison import ACCOUNTS, ComparisonReport, moves
from kado.queries.definitions import RULES
from kado.rounding import NONE, duration, hours, percent

EVENTS_SHOWN: Final = 6
"""Events of a rule that are listed when not all are asked for."""


def comparison(found: ComparisonReport, *, whole: bool) -> list[RenderableType]:
    """Return accounts and figures side by side, then each rule with what it moves; `whole`: with every event."""
    zone, result = found.profile.zone, found.comparison
    period, until = result.first.period, result.first.counted_until_ns
    lines: list[RenderableType] = [
        title(found.profile, tr("definitions {first} and {second}", first=found.first.id, second=found.second.id)),
        facts(
            [
                ("Period", span(period.start_ns, until, zone)),
                ("As known on", local(found.as_known_on_ns, zone, offset=True)),
            ]
        ),
        "",
        _side_by_side(found),
        "",
    ]
    if not result.steps:
        return [*lines, tr("Both definitions have the same rules.")]
    lines += [_steps(found), ""]
    for step in result.steps:
        lines.append(_choice(step, found, whole=whole))
    return lines


def _side_by_side(found: ComparisonReport) -> RenderableType:
    a, b = found.comparison.first, found.comparison.second
    rows = table(
        order=["", found.first.id, found.second.id, "difference"],
        right=[found.first.id, found.second.id, "difference"],
    )

    # Differences of what is printed, so that nobody finds a hundredth missing.
    for name, figure in ((marked("Availability %"), "availability_pct"), (marked("Coverage %"), "coverage_pct")):
        x, y = getattr(a.figures, figure), getattr(b.figures, figure)
        rows.add_row(tr(name), percent(x, 3), percent(y, 3), _difference(percent(x, 3), percent(y, 3)))
    counted = ((marked("Failures N"), "failures"), (marked("Trips"), "trips"), (marked("Low beam"), "low_beam"))
    for name, count in (*counted, *_further(found)):
        x, y = getattr(a.counts, count), getattr(b.counts, count)
        rows.add_row(tr(name), f"{x:,}", f"{y:,}", f"{y - x:+,}")
    for name, figure in (("MTBF h", "mtbf_h"), ("MTTR h", "mttr_h"), (marked("Longest run h"), "longest_run_h")):
        x, y = hours(getattr(a.figures, figure)), hours(getattr(b.figures, figure))
        rows.add_row(tr(name), x, y, _difference(x, y))
    for account in ACCOUNTS:
        x, y = getattr(a.accounts, account), getattr(b.accounts, account)
        if x or y:
            moved = f"{'-' if y < x else '+'}{duration(abs(y - x))}"
            rows.add_row(term(account), duration(x), duration(y), moved)
    return rows


def _further(found: ComparisonReport) -> list[tuple[str, str]]:
    watched = found.comparison.first.further or found.comparison.second.further
    return [(marked("Further distortions"), "other_distortions")] if watched else []


def _difference(x: str, y: str) -> str:
    if NONE in (x, y):
        return NONE
    return f"{Decimal(y.replace(',', '')) - Decimal(x.replace(',', '')):+,}"


def _steps(found: ComparisonReport) -> RenderableType:
    """Return what each rule moves, in seconds, and their sums, which are the differences."""
    result = found.comparison
    moved = [account for account in ACCOUNTS if any(moves(step, account) for step in result.steps)] or ["no_beam"]
    heads = [f"{term(account)} s" for account in moved]
    rows = table(order=["rule", *heads, "N"], right=[*heads, "N"])
    for step in result.steps:
        rows.add_row(_label(step.rule), *(_signed(moves(step, a)) for a in moved), f"{step.failures:+d}")
    sums = [sum(moves(step, a) for step in result.steps) for a in moved]
    rows.add_row(tr("= total"), *map(_signed, sums), f"{sum(s.failures for s in result.steps):+d}")
    return rows


def _choice(step: RuleStep, found: ComparisonReport, *, whole: bool) -> RenderableType:
    choice = RULES[step.rule][1]
    text = Text(f"{_label(step.rule)}: ", style="bold")
    text.append(f"{choice(found.first)} → {choice(found.second)}", style="not bold")
    events = [
        *(tr("  only by the first: {event}", event=e) for e in step.gone),
        *(tr("  only by the second: {event}", event=e) for e in step.come),
    ]
    shown = events if whole else events[:EVENTS_SHOWN]
    for line in shown:
        text.append(f"\n{line}", style="not bold")
    if len(shown) < len(events):
        left = len(events) - len(shown)
        more = trn("  {n} more event, shown with --all", "  {n} more events, shown with --all", left)
        text.append(f"\n{more}", style="not bold dim")
    return text


def _label(rule: str) -> str:
    return words(RULES[rule][0])


def _signed(ns: int) -> str:
    """Write a difference in seconds, exactly."""
    if ns == 0:
        return "0"
    seconds, rest = divmod(abs(ns), 1_000_000_000)
    digits = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{'-' if ns < 0 else '+'}{seconds:,}{digits}"
