"""Tables and lines of the notes to a figure."""

from textwrap import fill

from rich.console import RenderableType
from rich.text import Text

from kado.language import tr, trn
from kado.language.assertions import correction_words
from kado.output import local, stretch
from kado.queries.availability import AvailabilityReport
from kado.queries.effect_words import effect_words
from kado.queries.figure_notes import warnings_of
from kado.rounding import count, percent


def warning_lines(loaded: AvailabilityReport, digits: int = 1) -> list[RenderableType]:
    """Return a line for each thing that makes the figure less trustworthy than it looks."""
    lines = [*_recorded_late(loaded, digits), *_late_samples(loaded)]
    return [*lines, *(_wrapped(tr("Warning: {warning}", warning=warning)) for warning in warnings_of(loaded))]


def _recorded_late(loaded: AvailabilityReport, digits: int) -> list[RenderableType]:
    """Return each calendar version that was recorded after time that it plans, with the figure without it."""
    if not loaded.without_back_dated:
        return []
    zone = loaded.profile.zone
    heading = trn(
        "Calendar: this version was recorded late, after time that it plans.",
        "Calendar: these {n} versions were recorded late, after time that they plan.",
        len(loaded.without_back_dated),
    )
    lines: list[RenderableType] = [_wrapped(heading)]
    for late in loaded.without_back_dated:
        v, found = late.version, late.availability
        if found is None:
            without = tr("without it nothing is planned")
        else:
            pct, failures = percent(found.figures.availability_pct, digits), count(found.counts.failures)
            without = tr("without it {pct} %, failures {n}", pct=pct, n=failures)
        published, recorded = local(v.published_at_ns, zone)[:10], local(v.recorded_at_ns, zone)[:10]
        line = tr(
            "published {published}, recorded {recorded}: {without}",
            published=published,
            recorded=recorded,
            without=without,
        )
        lines.append(_wrapped(f"  {line}"))
    return lines


def _late_samples(loaded: AvailabilityReport) -> list[RenderableType]:
    """Return that samples of the period came after the date that the figure is as known on."""
    found = loaded.late_samples
    if found is None or not found.late:
        return []
    text = tr(
        "Samples are those of today: {share} % of them in the period ({late} of {total}) arrived after {time}.",
        share=percent(found.share_pct),
        late=count(found.late),
        total=count(found.total),
        time=local(found.after_ns, loaded.profile.zone, offset=True),
    )
    return [_wrapped(text)]


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
        lines.append(Text(f"  {correction_words(c)}  {stretch(c.start_ns, c.end_ns, loaded.profile.zone)}"))
        for text in (effect_words(applied.effect), f"{c.author}: {c.reason}"):
            lines.append(Text(fill(text, 79, initial_indent="    ", subsequent_indent="    ")))
    return ["", tr("Corrections in force"), *lines, *waiting]


def _awaiting(loaded: AvailabilityReport) -> list[RenderableType]:
    if not loaded.awaiting:
        return []
    lines: list[RenderableType] = ["", Text(tr("Awaiting confirmation, not counted"), style="yellow")]
    for c in loaded.awaiting:
        lines.append(Text(f"  {correction_words(c)}  {stretch(c.start_ns, c.end_ns, loaded.profile.zone)}"))
        lines.append(Text(fill(f"{c.author}: {c.reason}", 79, initial_indent="    ", subsequent_indent="    ")))
    return lines
