"""``kado import``."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from collector.files.layout import Layout
from collector.files.preview import Preview
from collector.files.summary import ImportSummary
from facility.errors import KadoError, ProblemFoundError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import format_time, system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import Configuration, load_configuration
from kado.language import term, tr, words
from kado.output import local, print_json, show, span, table, title
from kado.queries.recent_samples import cadence_now
from kado.queries.warning_words import cadence_words
from kado.rounding import count
from kado.service.importing import import_samples as import_with_progress
from kado.service.importing import preview_document, preview_samples, summary_document
from kado.stores import open_store


def import_samples(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet, or another form; see above.")],
    signal: Annotated[str | None, typer.Option(help="Every row is a sample of this signal.")] = None,
    time_column: Annotated[
        str | None,
        typer.Option(help="Column with the time stamps; default: time, or the name that the exporting program uses."),
    ] = None,
    value_column: Annotated[
        str | None, typer.Option(help="Column with the values; default: value, or the only other column.")
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="NAME=SIGNAL", help="Name of a signal in the file; may be repeated."),
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of the values; must be the unit of the signal.")] = None,
    assume_offset: Annotated[
        str | None, typer.Option(help="Offset from UTC, such as +09:00, of times that state none.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Time zone, such as Europe/Berlin, of times that state no offset.")
    ] = None,
    time_format: Annotated[
        str | None,
        typer.Option(help="iso, s, ms, us, ns (since 1970), excel, or a pattern such as '%d.%m.%Y %H:%M:%S'."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as utf-8, cp932 or utf-16.")] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Separator of columns: one character, or comma, semicolon, tab, pipe.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark: '.' or ','.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show how the first rows are read; store nothing.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also if this file was imported before.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Import recorded samples from a file.

    The columns are time,signal,value[,quality,reason,arrival], or with --signal a time and a value. Recognised
    are CSV and Parquet, exports of Grafana and of the Phoebus Data Browser, CSV and JSON of the EPICS Archiver
    Appliance, and annotated CSV of InfluxDB; times as ISO 8601, numbers since 1970, Excel dates or dates as
    spreadsheets write them. The form that was recognised is printed; options override it. Can be repeated
    safely, and resumes after an interruption. Ends with 1 if rows were rejected.

    \b
    Examples:
      kado import samples.csv
      kado import beam.csv --signal stored_current --time-column time_utc --value-column beam_current_mA
      kado import export.csv --signal stored_current --time-zone Asia/Tokyo --dry-run
    """
    configuration = load_configuration(config)
    layout = Layout(
        signal,
        time_column,
        value_column,
        unit,
        assume_offset,
        time_zone=time_zone,
        time_format=time_format,
        encoding=encoding,
        delimiter=delimiter,
        decimal=decimal,
        names=tuple(_named(text) for text in names or ()),
    )
    if dry_run:
        found = preview_samples(configuration, file, layout)
        if output is Format.JSON:
            print_json(preview_document(configuration.profile, found))
        else:
            show(*first_rows(configuration.profile, found))
        return
    result = import_with_progress(configuration, file, layout, system_clock, again=again)
    if output is Format.JSON:
        print_json(summary_document(configuration.profile, result))
    else:
        show(*summary(configuration.profile, result), *_cadence(configuration, result))
    if result.rejected_rows:
        advice = f": {result.advice}" if result.advice else ""
        raise ProblemFoundError(
            Sentence(
                "rows rejected: {rejected_rows} of {read}{advice}",
                rejected_rows=result.rejected_rows,
                read=result.read,
                advice=advice,
            )
        )


def _named(text: str) -> tuple[str, str]:
    name, equals, signal = text.rpartition("=")
    if not equals or not name or not signal:
        raise UsageError(Sentence("--map {text!r} is not NAME=SIGNAL", text=text))
    return name, signal


def first_rows(profile: Profile, found: Preview) -> list[RenderableType]:
    """Return the first rows of a file as they are understood."""
    zone = profile.zone
    read = ", ".join(f"{role} from {name!r}" if name != role else role for role, name in found.columns.items())
    lines: list[RenderableType] = [
        title(profile, f"first rows of {found.file}"),
        f"form: {found.form}; {read}",
        *(f"note: {text}" for text in found.notes),
    ]
    rows = table(order=[found.row_word, "time", "signal", "value", "quality", "rejected"], right=[found.row_word])
    for row in found.rows:
        time = "" if row.time_ns is None else format_time(row.time_ns, zone).replace("T", " ")
        quality = "" if row.quality is None else row.quality.word
        rows.add_row(count(row.number), time, row.signal or "", row.value, quality, row.rejected or "")
    return [*lines, rows, "nothing was stored"]


def _cadence(configuration: Configuration, result: ImportSummary) -> list[RenderableType]:
    """Return that samples come too seldom for how long they hold, by the last hours that were imported."""
    if result.last_ns is None or not result.stored:
        return []
    found = None
    # What was imported is stored whether or not this can be said.
    with suppress(KadoError), open_store(configuration, patience_s=5.0) as store:
        found = cadence_now(configuration.profile, store, result.last_ns + 1)
    if found is None or not found.is_too_slow:
        return []
    return [Text(tr("Warning: {warning}", warning=cadence_words(found)), style="yellow")]


def summary(profile: Profile, result: ImportSummary) -> list[RenderableType]:
    """Return what was read, stored and rejected, with line numbers."""
    zone = profile.zone
    lines: list[RenderableType] = [
        title(profile, tr("import of {file}", file=result.file)),
        tr("form: {form}", form=result.form),
    ]
    lines += [tr("note: {text}", text=text) for text in result.notes]
    if result.finished_before_ns is not None:
        before = local(result.finished_before_ns, zone, offset=True)
        lines.append(tr("already imported on {time}; use --again to read it again", time=before))
    if result.resumed_after is not None:
        where = f"{tr(result.row_word)} {count(result.resumed_after)}"
        lines.append(tr("resumed after {row}, where it was interrupted", row=where))
    rows = table(order=["", "samples", "note"], right=["samples"])
    rows.add_row(tr("read"), count(result.read), "")
    first_ns, last_ns = result.first_ns, result.last_ns
    covered = "" if first_ns is None or last_ns is None or not result.stored else span(first_ns, last_ns, zone)
    rows.add_row(term("stored"), count(result.stored), covered)
    if result.rewritten:
        differing = tr("{n} with another value", n=count(result.conflicts)) if result.conflicts else ""
        rows.add_row(tr("  stored before"), count(result.rewritten), differing)
    if result.doubted:
        why = tr("in the future, or before operation began: kept as uncertain, part of no figure")
        rows.add_row(tr("  of doubtful time"), count(result.doubted), why)
    for rejected in result.rejected:
        places = ", ".join(count(n) for n in rejected.first)
        more = ", ..." if rejected.count > len(rejected.first) else ""
        note = f"{words(rejected.cause.words)} ({tr(result.row_word)} {places}{more})"
        rows.add_row(term("rejected"), count(rejected.count), note)
        if rejected.text:
            rows.add_row("", "", f"  {rejected.text.removesuffix(f': {rejected.cause.words.en}')}")
    return [*lines, rows]
