"""Charts as PNG, for forms that take no SVG: made from the same SVG, in the same type face."""

from pathlib import Path
from typing import Final

import vl_convert as vlc

from kado.report.typeface import find_typeface

PPI: Final = 144.0
"""Sharp on a page that is printed, and small enough to send: two picture elements a point."""


def to_png(svg: str, font_dir: Path | None = None) -> bytes:
    """Return a chart as PNG on white; the same SVG gives the same bytes.

    Parameters
    ----------
    svg
        The chart as `kado.report.charts` draws it.
    font_dir
        Where the type face lies; None: where systems keep fonts.

    Raises
    ------
    ConfigError
        If the type face is missing: Japanese text would become empty boxes.
    """
    for folder in find_typeface(font_dir):
        vlc.register_font_directory(str(folder.resolve()))
    head, bracket, rest = svg.partition(">")
    white = '<rect width="100%" height="100%" fill="white"/>'
    return vlc.svg_to_png(head + bracket + white + rest, ppi=PPI)


def png_height(png: bytes) -> int:
    """Return how many picture elements a PNG is high."""
    return int.from_bytes(png[20:24], "big")
