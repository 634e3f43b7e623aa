"""``kado import``."""

from pathlib import Path
from typing import Annotated

import typer

from console.command import ConfigOption, Format, FormatOption


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
    from collector.files.layout import Layout
    from console.config import load_configuration
    from console.filling import import_samples as import_with_progress
    from console.output import print_json, show
    from console.views.importing import summary, summary_document
    from facility.errors import ProblemFoundError
    from facility.time import system_clock

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
