"""``kado store export`` and ``import``."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from collector.files.layout import Layout
from facility.errors import ProblemFoundError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.cli.import_samples import summary
from kado.config import load_configuration
from kado.language import tr
from kado.output import local, print_json, show, table, title
from kado.rounding import count
from kado.service.exporting import ExportedFile, export_signals, exported_document
from kado.service.importing import import_samples, summary_document


class FileKind(StrEnum):
    """Of the files that are written."""

    PARQUET = "parquet"
    CSV = "csv"


def store_export(
    signals: Annotated[list[str], typer.Argument(metavar="SIGNAL...", help="Names of signals, or all.")],
    out: Annotated[Path, typer.Option(help="A folder; or for one signal a file ending in .parquet or .csv.")],
    start: Annotated[str | None, typer.Option("--from", help="Start; default: the first sample.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End, not included; default: the last sample.")] = None,
    kind: Annotated[
        FileKind | None, typer.Option("--as", help="Format of the files in a folder; default: Parquet.")
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Export samples to files that kado import reads.

    Exact: columns time,signal,value,quality,reason,arrival, one file for each signal. Works while kado runs,
    with either store, and never overwrites a file.

    \b
    Examples:
      kado store export all --out everything
      kado store export stored_current --from 2026-10-01T00:00:00+09:00 --out october.csv
    """
    configuration = load_configuration(config)
    files = export_signals(configuration, signals, out, start=start, end=end, kind=None if kind is None else kind.value)
    if output is Format.JSON:
        print_json(exported_document(configuration.profile, files))
    else:
        show(*exported_lines(configuration.profile, files))


def store_import(
    path: Annotated[Path, typer.Argument(help="A file, or a folder of files, written by kado store export.")],
    again: Annotated[bool, typer.Option("--again", help="Also files that were imported before.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Import files written by kado store export.

    Like kado import, for a whole folder. Can be repeated safely, and resumes after an interruption. Ends with 1
    if rows were rejected.

    \b
    Examples:
      kado store import everything
      kado store import october.csv
    """
    configuration = load_configuration(config)
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in (".parquet", ".csv") and file.name[0] != ".")
        if not files:
            raise UsageError(Sentence("{path} holds no .parquet and no .csv file", path=path))
    results = [import_samples(configuration, file, Layout(), system_clock, again=again) for file in files]
    profile = configuration.profile
    if output is Format.JSON:
        print_json([summary_document(profile, result) for result in results])
    else:
        for result in results:
            show(*summary(profile, result))
    if rejected := sum(result.rejected_rows for result in results):
        advice = next((f": {result.advice}" for result in results if result.advice), "")
        raise ProblemFoundError(
            Sentence(
                "rows rejected: {rejected} of {results}{advice}",
                rejected=rejected,
                results=sum(result.read for result in results),
                advice=advice,
            )
        )


def exported_lines(profile: Profile, files: Sequence[ExportedFile]) -> list[RenderableType]:
    """Return a row for each file."""
    if not files:
        return [title(profile, tr("export")), tr("no samples in that interval: no file was written")]
    rows = table(order=["file", "samples", "first", "last"], right=["samples"])
    for file in files:
        times = (local(file.first_ns, profile.zone), local(file.last_ns, profile.zone))
        rows.add_row(str(file.path), count(file.samples), *times)
    return [title(profile, tr("export")), rows]
