"""``kado import``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from collector.files.layout import Layout
from collector.files.summary import ImportSummary
from facility.errors import ProblemFoundError
from facility.profile import Profile
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.output import local, print_json, show, table, title
from kado.rounding import count
from kado.service.importing import import_samples as import_with_progress
from kado.service.importing import summary_document


def import_samples(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet.")],
    signal: Annotated[str | None, typer.Option(help="Every row is a sample of this signal.")] = None,
    time_column: Annotated[str, typer.Option(help="Column with the time stamps.")] = "time",
    value_column: Annotated[str, typer.Option(help="Column with the values.")] = "value",
    unit: Annotated[str | None, typer.Option(help="What the values are in; must be the signal's own unit.")] = None,
    assume_offset: Annotated[
        str | None, typer.Option(help="Offset from UTC, such as +09:00, of times that state none.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also if this very file was imported before.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Import recorded samples from a CSV or Parquet file.

    The columns are time,signal,value[,quality,reason,arrival], or with --signal any two that you name. Times are
    ISO 8601 with an offset, or whole nanoseconds since 1970. Harmless when done twice, and resumed where it was
    interrupted. Ends with 1 if rows were rejected.

    \b
    Examples:
      kado import samples.csv
      kado import beam.csv --signal stored_current --time-column time_utc --value-column beam_current_mA
    """
    configuration = load_configuration(config)
    layout = Layout(signal, time_column, value_column, unit, assume_offset)
    result = import_with_progress(configuration, file, layout, system_clock, again=again)
    if output is Format.JSON:
        print_json(summary_document(configuration.profile, result))
    else:
        show(*summary(configuration.profile, result))
    if result.rejected_rows:
        advice = f": {result.advice}" if result.advice else ""
        raise ProblemFoundError(f"{result.rejected_rows} of {result.read} rows were rejected{advice}")


def summary(profile: Profile, result: ImportSummary) -> list[RenderableType]:
    """Return what was read, stored and rejected, with line numbers."""
    zone = profile.zone
    lines: list[RenderableType] = [title(profile, f"import of {result.file}")]
    if result.finished_before_ns is not None:
        lines.append(f"imported before, {local(result.finished_before_ns, zone, offset=True)}; --again reads it anew")
    if result.resumed_after is not None:
        lines.append(f"went on after {result.row_word} {count(result.resumed_after)}, where it was interrupted")
    rows = table(order=["", "samples", "note"], right=["samples"])
    rows.add_row("read", count(result.read), "")
    span = f"{local(result.first_ns, zone)} to {local(result.last_ns, zone, offset=True)}" if result.stored else ""
    rows.add_row("stored", count(result.stored), span)
    if result.rewritten:
        differing = f"{count(result.conflicts)} of them said something different"
        rows.add_row("  known already", count(result.rewritten), differing if result.conflicts else "")
    for rejected in result.rejected:
        places = ", ".join(count(n) for n in rejected.first)
        more = ", ..." if rejected.count > len(rejected.first) else ""
        rows.add_row("rejected", count(rejected.count), f"{rejected.cause.words.en} ({result.row_word} {places}{more})")
    return [*lines, rows]
