"""What a text file is, from its first bytes; options override what is found."""

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from collector.files.forms.annotated import HEADER as ANNOTATED_HEADER
from collector.files.forms.annotated import annotated, is_annotated
from collector.files.forms.data_browser import HEADER as BROWSER_HEADER
from collector.files.forms.data_browser import channels, data_browser, is_data_browser
from collector.files.forms.encodings import check_encoding, recognise_encoding
from collector.files.forms.epics_archiver import (
    CSV_HEADER,
    JSON_HEADER,
    archiver_csv,
    archiver_json,
    is_archiver_csv,
)
from collector.files.forms.form import PLAIN, Form
from collector.files.forms.streams import lines_of
from collector.files.layout import Layout
from collector.files.time_formats import TimeFormat, parse_time_format, recognise_time_format
from facility.errors import DataError, UsageError
from facility.sentence import Sentence

HEAD_BYTES = 64 << 10
"""Bytes of a file, decompressed: enough to recognise its form."""
_SAMPLE_LINES = 60
_DELIMITERS = (",", ";", "\t", "|")
_SEPARATOR_LINE = re.compile(r"sep=(.)")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
DELIMITER_WORDS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


def recognise(path: Path, head: bytes, layout: Layout, *, whole: bool) -> Form:
    """Return the form of a file.

    Parameters
    ----------
    path
        For messages.
    head
        Its first `HEAD_BYTES`, decompressed.
    layout
        Whose options are stronger than what is found.
    whole
        Whether `head` is all of it.

    Raises
    ------
    UsageError
        If an option cannot be right, or two readings are as likely.
    """
    encoding, note = recognise_encoding(head)
    if layout.encoding is not None:
        encoding, note = check_encoding(layout.encoding), None
    notes = () if note is None else (note,)
    text = head.decode(encoding, errors="replace").removeprefix("\ufeff")
    lines = list(islice(lines_of([text.encode(errors="replace")]), _SAMPLE_LINES + 40))
    if not whole and len(lines) > 1 and not lines[-1].endswith(b"\n"):
        lines.pop()  # Cut off by the end of the head.
    # The last line of a file that was cut off is not like the others.
    ended = [line for line in lines if line.strip() and line.endswith(b"\n")][:20]
    first = text.lstrip()[:1]
    if first in "[{" and first and layout.delimiter is None:
        form = _json(path, head)
    elif is_data_browser(text[:400].encode(errors="replace")):
        form = _translated(
            Form("Phoebus Data Browser export", translate=data_browser(layout.value_column), header=BROWSER_HEADER),
            lines,
            channels(lines),
        )
    elif is_annotated(lines):
        form = _translated(
            Form("InfluxDB annotated CSV", translate=annotated(layout.value_column), header=ANNOTATED_HEADER), lines
        )
    elif is_archiver_csv(ended) and layout.signal is not None:
        form = Form("EPICS Archiver Appliance CSV", translate=archiver_csv, header=CSV_HEADER, header_lines=0)
    elif is_archiver_csv(ended):
        raise UsageError(
            Sentence(
                "{path} is CSV of an EPICS Archiver Appliance, which names no signal: say --signal SIGNAL", path=path
            )
        )
    else:
        return replace(_table(path, lines, layout), encoding=encoding, notes=notes)
    form = replace(form, encoding=encoding, notes=notes)
    return form if layout.time_format is None else replace(form, time_format=parse_time_format(layout.time_format))


def _json(path: Path, head: bytes) -> Form:
    if b'"meta"' not in head or b'"data"' not in head:
        raise UsageError(
            Sentence(
                "{path} is JSON of a kind that kado does not read; it reads JSON of the EPICS "
                'Archiver Appliance ([{{"meta": {{...}}, "data": [...]}}]), CSV and Parquet',
                path=path,
            )
        )
    name = re.search(rb'"name"\s*:\s*"([^"]*)"', head)
    unit = re.search(rb'"EGU"\s*:\s*"([^"]*)"', head)
    return Form(
        "EPICS Archiver Appliance JSON",
        translate_stream=archiver_json,
        header=JSON_HEADER,
        header_lines=0,
        series=None if name is None else name[1].decode(errors="replace"),
        unit=None if unit is None else unit[1].decode(errors="replace") or None,
        row_word="sample",
    )


def _translated(form: Form, lines: Sequence[bytes], names: Sequence[str] = ()) -> Form:
    """Complete the form of a file whose lines are translated, from its first ones."""
    assert form.translate is not None
    rows = [row for row in (_split(line, ",") for line in form.translate(iter(lines))) if len(row) > 2]
    times = [row[0] for row in rows]
    series = rows[0][1] if rows else names[0] if names else None
    return replace(form, header_lines=0, series=series, time_format=recognise_time_format(times))


def _table(path: Path, lines: Sequence[bytes], layout: Layout) -> Form:
    """Return the form of a table with a header."""
    texts = [line.decode(errors="replace").rstrip("\r\n") for line in lines]
    skipped = 0
    name, stated = PLAIN.name, None
    if texts and (match := _SEPARATOR_LINE.fullmatch(texts[0].strip())):
        stated, skipped = match[1], 1
    while skipped < len(texts) and texts[skipped].startswith("#") and len(texts) > skipped + 1:
        skipped += 1
    rest = texts[skipped:]
    delimiter = DELIMITER_WORDS.get(layout.delimiter or "", layout.delimiter) or stated or _delimiter(rest)
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise UsageError(
            Sentence(
                "--delimiter {delimiter!r} is not one character, or one of {delimiter_words}",
                delimiter=layout.delimiter,
                delimiter_words=", ".join(DELIMITER_WORDS),
            )
        )
    table = [_split(line.encode(errors="replace"), delimiter) for line in rest if line.strip()][:_SAMPLE_LINES]
    if table and table[0][:1] == ["Time"] and rest[0].startswith('"Time"'):
        name = "Grafana CSV export"
    form = Form(name, delimiter=delimiter, header_lines=skipped + 1)
    header = [cell.strip() for cell in table[0]] if table else []
    columns = layout.found(header)
    samples = {role: [row[i] for row in table[1:] if i < len(row)] for role, i in columns.items()}
    decimal = layout.decimal or _decimal(samples.get("value", []), delimiter)
    if decimal not in (".", ","):
        raise UsageError(Sentence("--decimal {decimal!r} is neither '.' nor ','", decimal=decimal))
    if layout.time_format is not None:
        time_format = parse_time_format(layout.time_format)
    else:
        times = samples.get("time", [])
        if decimal == ",":
            times = [t.replace(",", ".") if _COMMA_NUMBER.fullmatch(t.strip()) else t for t in times]
        try:
            time_format: TimeFormat = recognise_time_format(times)
        except UsageError as error:
            raise UsageError(Sentence("{path}: {error}", path=path, error=error)) from error
    return replace(form, decimal=decimal, time_format=time_format)


def _delimiter(lines: Sequence[str]) -> str:
    """Return what separates the columns: what stands in the header, and as often in most of the lines below."""
    lines = [line for line in lines if line.strip()][:20]
    if not lines:
        return ","
    best, most = ",", 0
    for delimiter in _DELIMITERS:
        count = len(_split(lines[0].encode(errors="replace"), delimiter))
        alike = sum(len(_split(line.encode(errors="replace"), delimiter)) == count for line in lines)
        if count > 1 and alike * 2 > len(lines) and count * alike > most:
            best, most = delimiter, count * alike
    return best


def _decimal(values: Sequence[str], delimiter: str) -> str:
    if delimiter == ",":
        return "."
    commas = sum(_COMMA_NUMBER.match(value.strip()) is not None for value in values)
    points = sum(_POINT_NUMBER.match(value.strip()) is not None for value in values)
    return "," if commas > points else "."


def _split(line: bytes, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.decode(errors="replace").rstrip("\r\n")], delimiter=delimiter), list[str]())
    except (csv.Error, DataError):
        return []
