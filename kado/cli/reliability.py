"""``kado reliability``."""

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kado.cli.as_of import as_of
from kado.cli.command import (
    AsKnownOnOption,
    AsPublishedOnOption,
    ConfigOption,
    DefinitionOption,
    Format,
    FormatOption,
    PeriodOption,
)
from kado.config import load_configuration
from kado.language import tr, words
from kado.output import facts, print_json, show, span, table, title
from kado.progress import progress_bar
from kado.queries.reliability import ReliabilityReport, load_reliability, reliability_document
from kado.report.reliability_words import (
    group_word,
    grouping_words,
    in_reading_order,
    outlook_sentences,
    reliability_rows,
)
from kado.rounding import count, hours


def reliability(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    compare: Annotated[
        str | None,
        typer.Option("--compare", help="Period to compare the failure rate with; default: the previous one."),
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Report MTBF with its interval, trend, repair times, and the outlook for the year.

    \b
    Examples:
      kado reliability --period FY2026
      kado reliability --period 2026-10 --compare 2025-10 --format json
    """
    configuration = load_configuration(config)
    with progress_bar(tr("counting"), 1) as bar:
        found = load_reliability(
            configuration,
            period,
            definition,
            as_of(as_known_on, as_published_on),
            compare_with=compare,
            progress=bar.advance_through,
        )
    if output is Format.JSON:
        print_json(reliability_document(found))
    else:
        show(*reliability_tables(found))


def reliability_tables(found: ReliabilityReport) -> list[RenderableType]:
    """Return the statistics of a period as tables, in the words of the report."""
    loaded = found.loaded
    measures = Table.grid(padding=(0, 2, 0, 0))
    for measure, value, meaning in reliability_rows(found):
        measures.add_row(str(measure), str(value), str(meaning))
    period = loaded.availability.period
    head: list[tuple[str, RenderableType]] = [
        ("Period", span(period.start_ns, period.end_ns, loaded.profile.zone)),
        ("Definition", f"{loaded.definition.id}: {words(loaded.definition.title)}"),
    ]
    name = tr("reliability {period}", period=period.id)
    return [title(loaded.profile, name), facts(head), "", measures, *_groups(found), *_outlook(found)]


def _groups(found: ReliabilityReport) -> list[RenderableType]:
    if not found.failures:
        return []
    heads = ["failures", "downtime h", "median repair h"]
    rows = table(order=["grouped by", "group", *heads], right=heads)
    names = grouping_words()
    for kind, groups in found.groups.items():
        if [g.name for g in groups] == [None]:
            continue
        for i, g in enumerate(in_reading_order(kind, groups)):
            figures = count(g.failures), hours(g.downtime_h), hours(g.repair.median_h)
            rows.add_row(names[kind] if i == 0 else "", group_word(kind, g, found.loaded.profile), *figures)
    return ["", rows]


def _outlook(found: ReliabilityReport) -> list[RenderableType]:
    sentences = outlook_sentences(found)
    if found.year is None or not sentences:
        return []
    return ["", Text(tr("Outlook for {year}", year=found.year.year), style="bold"), *sentences]
