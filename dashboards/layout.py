"""Where panels stand: rows of a grid of 24 columns, filled from edge to edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.sdk import dashboard

COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Column:
    """Panels above each other, in a part of a row."""

    width: int
    panels: tuple[tuple[dashboard.Panel, int], ...]
    """Each with its height; together as high as the row."""


@dataclass(frozen=True, slots=True)
class Row:
    """Columns beside each other."""

    height: int
    columns: tuple[Column, ...]


def row(height: int, *panels: tuple[dashboard.Panel, int]) -> Row:
    """Return a row of panels, each with its width, all of the same height."""
    return Row(height, tuple(Column(width, ((panel, height),)) for panel, width in panels))


def place(rows: Sequence[Row]) -> list[dashboard.Panel]:
    """Give each panel its place and number.

    Raises
    ------
    ValueError
        If a row is not as wide as the grid, or a column not as high as its row.
    """
    placed: list[dashboard.Panel] = []
    top = 0
    for number, line in enumerate(rows, start=1):
        if (width := sum(column.width for column in line.columns)) != COLUMNS:
            raise ValueError(f"row {number} is {width} columns wide: make it {COLUMNS}")
        left = 0
        for column in line.columns:
            y = top
            for panel, height in column.panels:
                panel.id_val = len(placed) + 1
                panel.grid_pos = dashboard.GridPos(h=height, w=column.width, x=left, y=y)
                placed.append(panel)
                y += height
            if y != top + line.height:
                raise ValueError(f"row {number}: a column is {y - top} high in a row of {line.height}")
            left += column.width
        top += line.height
    return placed
