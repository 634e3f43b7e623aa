"""A report as HTML: one file, no link to the outside, made to be printed too."""

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined

from kado.report.model import Report


def render_html(report: Report) -> bytes:
    """Return the report as one HTML file in UTF-8; every text in it is escaped."""
    environment = Environment(
        loader=PackageLoader("kado.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    logo = None
    if report.logo is not None:
        kind = "svg+xml" if report.logo.lstrip()[:1] == b"<" else "png"
        logo = f"data:image/{kind};base64,{base64.b64encode(report.logo).decode()}"
    return (
        environment.get_template("report.html")
        .render(report=report, words=report.words, logo=logo, stamp=report.stamped("html"))
        .encode()
    )
