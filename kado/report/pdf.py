"""A report as PDF: PDF/A-2a, which is tagged, set by typst."""

import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any, cast

import typst

from facility.errors import KadoError
from facility.sentence import Sentence
from kado.report.model import Kind, Report, Table
from kado.report.typeface import FAMILY, find_typeface


def render_pdf(report: Report, font_dir: Path | None = None) -> bytes:
    """Return the report as one PDF file; the same report gives the same bytes.

    Raises
    ------
    ConfigError
        If the type face is missing.
    KadoError
        If typst refuses what it was given, such as a logo that is no picture.
    """
    folders = find_typeface(font_dir)
    files: dict[str, bytes] = {
        "main.typ": resources.files("kado.report").joinpath("templates/report.typ").read_bytes(),
    }
    data = _data(report, files)
    files["data.json"] = json.dumps(data, ensure_ascii=False).encode()
    try:
        made = typst.compile(
            cast("Any", files),  # a file name to its bytes, which the annotations of typst leave out
            font_paths=[str(folder) for folder in folders],
            ignore_system_fonts=True,
            pdf_standards=["a-2a"],
            timestamp=int(report.made_at.timestamp()),
        )
    except typst.TypstError as error:
        raise KadoError(
            Sentence(
                "the PDF of {title} {period} could not be set: {error}",
                title=report.title,
                period=report.period,
                error=error,
            )
        ) from error
    return made


def _data(report: Report, files: dict[str, bytes]) -> dict[str, Any]:
    logo = None
    if report.logo is not None:
        logo = "logo.svg" if report.logo.lstrip()[:1] == b"<" else "logo.png"
        files[logo] = report.logo
    sections: list[dict[str, Any]] = []
    for section in report.sections:
        charts: list[dict[str, str]] = []
        for chart in section.charts:
            name = f"{section.id}-{chart.id}.svg"
            files[name] = chart.svg.encode()
            charts.append({"file": name, "title": chart.title, "description": chart.description})
        sections.append(
            {
                "title": section.title,
                "paragraphs": section.paragraphs,
                "charts": charts,
                "tables": [_table(table) for table in section.tables],
            }
        )
    at = report.made_at
    return {
        "language": report.language,
        "stamp": report.stamped("pdf"),
        "title": report.title,
        "facility": report.facility,
        "period": report.period,
        "period_words": report.words["period"],
        "footer": report.words["footer"],
        "watermark": report.watermark,
        "made": {name: getattr(at, name) for name in ("year", "month", "day", "hour", "minute", "second")},
        "fonts": [FAMILY],
        "headline": asdict(report.headline),
        "summary": report.summary,
        "head": report.head,
        "signatures": report.signatures,
        "sections": sections,
        "words": report.words,
        "logo": logo,
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "columns": [
            {"heading": c.heading, "numeric": c.kind.numeric, "time": c.kind is Kind.TIME, "width": c.width}
            for c in table.columns
        ],
        "rows": table.printed,
        "note": table.note,
        "total": table.total,
    }
