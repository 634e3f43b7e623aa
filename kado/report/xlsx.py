"""A report as XLSX: a sheet a table, real numbers and dates, ready to sort; its charts as pictures on a sheet."""

# xlsxwriter comes without annotations.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import io
import math
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import xlsxwriter

from kado.report.model import Cell, Chart, Column, Kind, Report, Table
from kado.report.pictures import PPI, png_height, to_png

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_HOURS_PER_DAY: Final = 24.0
_LONGEST_NAME: Final = 31
"""Excel allows no longer name of a sheet."""


_POINTS_PER_INCH: Final = 72.0
_PIXELS_PER_INCH: Final = 96.0
"""As Excel shows pictures."""
_PIXELS_PER_ROW: Final = 20
"""Height of a row that nobody changed."""
_CHART_TITLE_ROWS: Final = 2
"""The title, and a row of room above the next one."""


def render_xlsx(report: Report, font_dir: Path | None = None) -> bytes:
    """Return the report as one workbook; the same report gives the same bytes.

    Text that begins like a formula stays text. Times are the facility's local time, as the heading says.

    Raises
    ------
    ConfigError
        If it has charts and their type face is missing.
    """
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties(
        {
            "title": f"{report.title} {report.period}",
            "author": report.facility,
            "comments": report.watermark or "",
            "keywords": report.stamped("xlsx"),
            "created": report.made_at.replace(tzinfo=None),
        }
    )
    styles = _Styles(book)
    _front(book.add_worksheet(_sheet_name(report.title, set())), report, styles)
    taken = {_sheet_name(report.title, set()).lower()}
    charts = [chart for section in report.sections for chart in section.charts]
    if charts:
        name = _sheet_name(report.words["charts"], taken)
        taken.add(name.lower())
        _charts(book.add_worksheet(name), report, charts, styles, font_dir)
    for section in report.sections:
        for table in section.tables:
            name = _sheet_name(table.title or section.title, taken)
            taken.add(name.lower())
            _sheet(book.add_worksheet(name), report, table, styles)
    book.close()
    return file.getvalue()


class _Styles:
    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._add = book.add_format
        self.title = self._add({"bold": True, "font_size": 14})
        self.head = self._add({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.quiet = self._add({"font_color": "#5B6875"})
        self.simulated = self._add({"bold": True, "bg_color": "#FFD966"})
        self.wrap = self._add({"text_wrap": True, "valign": "top"})
        self._made: dict[tuple[str, bool], Format] = {}

    def of(self, column: Column, *, bold: bool) -> "Format":
        """Return the format of a column's cells."""
        decimals = "0" * column.digits
        number = {
            Kind.COUNT: "#,##0",
            Kind.HOURS: f"#,##0.{decimals}" if decimals else "#,##0",
            Kind.NUMBER: f"#,##0.{decimals}" if decimals else "#,##0",
            Kind.PERCENT: f"0.{decimals}" if decimals else "0",
            Kind.DURATION: "[h]:mm:ss",
            Kind.TIME: "yyyy-mm-dd hh:mm:ss",
            Kind.TEXT: "@",
        }[column.kind]
        if (number, bold) not in self._made:
            self._made[(number, bold)] = self._add({"num_format": number, "bold": bold, "valign": "top"})
        return self._made[(number, bold)]


def _front(sheet: "Worksheet", report: Report, styles: _Styles) -> None:
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 90)
    sheet.write_string(0, 0, report.title, styles.title)
    row = 1
    if report.watermark:
        sheet.write_string(row, 0, report.watermark, styles.simulated)
        row += 1
    h = report.headline
    for label, value in (
        *report.head,
        (h.name, h.value),
        ("", h.bounds),
        ("", h.coverage),
        *(("", reason) for reason in h.provisional),
        *((report.words["summary"] if i == 0 else "", s) for i, s in enumerate(report.summary)),
    ):
        sheet.write_string(row, 0, label, styles.quiet)
        sheet.write_string(row, 1, value, styles.wrap)
        row += 1
    sheet.write_string(row + 1, 0, report.words["footer"], styles.quiet)


def _charts(
    sheet: "Worksheet", report: Report, charts: Sequence[Chart], styles: _Styles, font_dir: Path | None
) -> None:
    """Place the charts below each other, each with its title and, for people who cannot see it, its description."""
    sheet.hide_gridlines(2)
    row = 0
    if report.watermark:
        sheet.write_string(row, 0, report.watermark, styles.simulated)
        row += 1
    for chart in charts:
        sheet.write_string(row, 0, chart.title, styles.title)
        png = to_png(chart.svg, font_dir)
        scale = _POINTS_PER_INCH / _PIXELS_PER_INCH  # a point of the chart becomes a pixel of the sheet
        sheet.insert_image(
            row + 1,
            0,
            f"{chart.id}.png",
            {
                "image_data": io.BytesIO(png),
                "x_scale": scale,
                "y_scale": scale,
                "description": chart.description,
                "object_position": 3,  # neither moved nor stretched with the cells
            },
        )
        row += _CHART_TITLE_ROWS + math.ceil(png_height(png) * _POINTS_PER_INCH / PPI / _PIXELS_PER_ROW)


def _sheet(sheet: "Worksheet", report: Report, table: Table, styles: _Styles) -> None:
    first = 1 if report.watermark else 0
    if report.watermark:
        sheet.write_string(0, 0, report.watermark, styles.simulated)
    for x, column in enumerate(table.columns):
        sheet.write_string(first, x, column.heading, styles.head)
        longest = max([len(row[x]) for row in table.printed], default=0)
        wide = sum(ord(c) > 0x2E80 for c in column.heading) + len(column.heading)
        sheet.set_column(x, x, min(60, max(longest + 2, wide + 2, 20 if column.kind is Kind.TIME else 8)))
    rows = table.frame.to_numpy(dtype=object).tolist()
    for y, row in enumerate(rows, first + 1):
        bold = table.total and y == first + len(rows)
        for x, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
            _write(sheet, y, x, cell, styles.of(column, bold=bold), column)
    sheet.freeze_panes(first + 1, 0)
    if rows:
        last = first + len(rows) - (1 if table.total else 0)
        sheet.autofilter(first, 0, last, len(table.columns) - 1)
    if table.note:
        sheet.write_string(first + len(rows) + 2, 0, table.note, styles.quiet)


def _write(sheet: "Worksheet", y: int, x: int, cell: Cell, style: "Format", column: Column) -> None:
    if cell is None:
        return
    if isinstance(cell, datetime):
        sheet.write_datetime(y, x, cell.replace(tzinfo=None), style)
    elif isinstance(cell, int | float | Decimal):
        value = float(cell)
        sheet.write_number(y, x, value / _HOURS_PER_DAY if column.kind is Kind.DURATION else value, style)
    else:
        sheet.write_string(y, x, cell, style)


def _sheet_name(title: str, taken: set[str]) -> str:
    """Return a name that Excel accepts and that no other sheet has; one that is too long loses whole words."""
    base = re.sub(r"[\[\]:*?/\\]", " ", title).strip().strip("'") or "kado"
    name, n = _shortened(base, _LONGEST_NAME), 2
    while name.lower() in taken:
        suffix = f" {n}"
        name, n = _shortened(base, _LONGEST_NAME - len(suffix)) + suffix, n + 1
    return name


def _shortened(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    # A text without spaces, such as a Japanese one, is cut where it has to be.
    return text[: longest + 1].rpartition(" ")[0].rstrip() or text[:longest]
