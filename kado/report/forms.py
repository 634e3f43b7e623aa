"""The five forms of a report."""

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from facility.errors import MissingExtraError
from facility.sentence import Sentence
from kado.report.model import Report


class Form(StrEnum):
    """What file a report becomes."""

    PDF = "pdf"
    HTML = "html"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


def render(report: Report, form: Form, font_dir: Path | None = None) -> bytes:
    """Return a report in a form; the same report gives the same bytes.

    Raises
    ------
    MissingExtraError
        If a library of the extra ``report`` is missing.
    ConfigError
        If PDF or XLSX has no type face.
    """
    return _renderer(form, font_dir)(report)


def _renderer(form: Form, font_dir: Path | None) -> Callable[[Report], bytes]:
    try:
        match form:
            case Form.PDF:
                from kado.report.pdf import render_pdf

                return lambda report: render_pdf(report, font_dir)
            case Form.HTML:
                from kado.report.html import render_html

                return render_html
            case Form.XLSX:
                from kado.report.xlsx import render_xlsx

                return lambda report: render_xlsx(report, font_dir)
            case Form.CSV:
                from kado.report.csv_file import render_csv

                return render_csv
            case Form.JSON:
                return render_json
    except ImportError as error:
        raise MissingExtraError(
            Sentence(
                "{form} reports need {error}, which is not installed: pip install 'kado[report]'",
                form=form.value,
                error=error.name,
            )
        ) from error


def render_json(report: Report) -> bytes:
    """Return the documents that a report was made from, as JSON in UTF-8."""
    document = {**report.document, "stamp": report.stamped("json")}
    return (json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()
