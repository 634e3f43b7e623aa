"""What stands beside a figure, for people."""

from decimal import Decimal
from textwrap import fill

from rich.console import RenderableType
from rich.text import Text

from analytics.effects import Effect
from facility.time import NS_PER_S
from kado.language import tr
from kado.output import local, stretch
from kado.queries.beside import warnings_of
from kado.queries.figures import AvailabilityReport
from kado.rounding import count, percent


def warning_lines(loaded: AvailabilityReport, digits: int = 1) -> list[RenderableType]:
    """Return a line for each thing that makes the figure less trustworthy than it looks."""
    lines: list[RenderableType] = []
    zone = loaded.profile.zone
    for late in loaded.without_back_dated:
        v = late.version
        found = late.availability
        if found is None:
            without = tr("without it nothing is scheduled")
        else:
            pct, n = percent(found.figures.availability_pct, digits), count(found.counts.failures)
            without = tr("without it {pct} %, failures {n}", pct=pct, n=n)
        lines.append(
            _wrapped(
                tr(
                    "Recorded late: the calendar version published {published} was recorded {recorded}, after time that"
                    " it changes; {without}",
                    published=local(v.published_at_ns, zone),
                    recorded=local(v.recorded_at_ns, zone),
                    without=without,
                )
            )
        )
    return [*lines, *(_wrapped(tr("Warning: {warning}", warning=warning)) for warning in warnings_of(loaded))]


def _wrapped(text: str) -> Text:
    return Text(fill(text, 79, subsequent_indent="  "), style="yellow")


def correction_table(loaded: AvailabilityReport) -> list[RenderableType]:
    """Return the corrections in force in the period, each with what it changes."""
    waiting = _awaiting(loaded)
    if not loaded.corrections:
        return waiting
    lines: list[RenderableType] = []
    for applied in loaded.corrections:
        c = applied.correction
        what = f"#{c.id} {c.assertion.value}" + (f" ({c.category.value})" if c.category else "")
        lines.append(Text(f"  {what}  {stretch(c.start_ns, c.end_ns, loaded.profile.zone)}"))
        for text in (effect_words(applied.effect), f"{c.author}: {c.reason}"):
            lines.append(Text(fill(text, 79, initial_indent="    ", subsequent_indent="    ")))
    return ["", tr("Corrections in force"), *lines, *waiting]


def _awaiting(loaded: AvailabilityReport) -> list[RenderableType]:
    if not loaded.awaiting:
        return []
    lines: list[RenderableType] = ["", Text(tr("Awaiting confirmation, not counted"), style="yellow")]
    for c in loaded.awaiting:
        what = f"#{c.id} {c.assertion.value}" + (f" ({c.category.value})" if c.category else "")
        lines.append(Text(f"  {what}  {stretch(c.start_ns, c.end_ns, loaded.profile.zone)}"))
        lines.append(Text(fill(f"{c.author}: {c.reason}", 79, initial_indent="    ", subsequent_indent="    ")))
    return lines


def effect_words(effect: Effect) -> str:
    """Return a change of accounts and counts in a few words.

    Examples
    --------
    >>> effect_words(Effect(delivered_ns=600 * 10**9, no_beam_ns=-600 * 10**9, failures=-1))
    'delivered +600 s, no beam -600 s, failures -1'
    """
    times = {
        tr("delivered"): effect.delivered_ns,
        tr("no beam"): effect.no_beam_ns,
        tr("unknown"): effect.unknown_ns,
        tr("low beam"): effect.low_beam_ns,
        tr("excluded"): effect.excluded_ns,
    }
    counts = {tr("failures"): effect.failures, tr("trips"): effect.trips, tr("low beams"): effect.low_beams}
    words = [f"{name} {_seconds(ns)}" for name, ns in times.items() if ns]
    words += [f"{name} {number:+d}" for name, number in counts.items() if number]
    return ", ".join(words) or tr("nothing")


def _seconds(ns: int) -> str:
    seconds = (Decimal(ns) / NS_PER_S).normalize()
    return f"{seconds:+,f} s"
