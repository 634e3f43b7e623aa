"""A report as CSV: one file, one line a number, for programs that read no JSON."""

import csv
import io
from datetime import datetime
from typing import Final

from kado.report.model import Cell, Report

HEAD: Final = ("section", "table", "row", "label", "column", "value")


def render_csv(report: Report) -> bytes:
    """Return every cell of every table as one line, with full precision, in UTF-8.

    Columns: section, table, row (from 1), label (the row's first cell), column, value. Times are ISO 8601 with an
    offset; what does not exist is empty. The first line after the head states whether the data are simulated.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEAD)
    for name in ("facility", "simulated", "definition"):
        writer.writerow(["", "identity", 1, name, name, _text(report.document.get(name))])
    writer.writerow(["", "identity", 1, "stamp", "stamp", report.stamped("csv")])
    for section in report.sections:
        for table in section.tables:
            for y, row in enumerate(table.frame.to_numpy(dtype=object).tolist(), 1):
                for column, cell in zip(table.columns, row, strict=True):
                    writer.writerow([section.id, table.id, y, _text(row[0]), column.name, _text(cell)])
    return file.getvalue().encode()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    return cell.isoformat() if isinstance(cell, datetime) else str(cell)
