"""What a report is made of, before it has a form: the same tables and charts go into PDF, HTML, XLSX, CSV and JSON."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kado.report.drawing import Drawn
from kado.report.stamp import Stamp

if TYPE_CHECKING:
    import pandas as pd

Cell = str | int | float | Decimal | datetime | None


class Kind(StrEnum):
    """What a column holds; decides how it is aligned, rounded and typed."""

    TEXT = "text"
    COUNT = "count"
    HOURS = "hours"
    PERCENT = "percent"
    NUMBER = "number"
    TIME = "time"
    DURATION = "duration"
    """Hours, as ``h:mm:ss`` where people read."""

    @property
    def numeric(self) -> bool:
        """Whether it stands at the right."""
        return self not in (Kind.TEXT, Kind.TIME)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    """Slug, the same in every language."""
    heading: str
    kind: Kind = Kind.TEXT
    digits: int = 1
    """Decimals, of HOURS, PERCENT and NUMBER."""
    width: float = 1.0
    """Share of the page's width among the columns of text."""


@dataclass(frozen=True, eq=False)
class Table:
    """One table: cells with their full precision, and what is printed for each."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    printed: tuple[tuple[str, ...], ...]
    """The same cells as people read them."""
    note: str = ""
    total: bool = False
    """Whether the last row is the sum of those above it."""

    @cached_property
    def frame(self) -> "pd.DataFrame":
        """The table as pandas has it: one row a row, columns by name; cells of dtype object."""
        # To import pandas takes a second, and PDF and HTML need what is printed alone.
        import pandas as pd

        return pd.DataFrame([list(row) for row in self.rows], columns=[c.name for c in self.columns], dtype=object)


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """One chart, drawn once and used as SVG."""

    id: str
    title: str
    description: str
    """In words, for people who cannot see it."""
    drawn: Drawn

    @property
    def svg(self) -> str:
        """The chart as SVG."""
        return self.drawn()


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One section of a report."""

    id: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Headline:
    """The figure that a manager reads first."""

    name: str
    """Such as "availability"."""
    value: str
    """Such as ``99.6 %``; the bounds where coverage is too low for one number."""
    bounds: str
    coverage: str
    provisional: tuple[str, ...] = ()
    """Why the figure may still change; empty where it is final."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A whole report in one language."""

    language: str
    title: str
    facility: str
    period: str
    watermark: str | None
    """Stands on every page of simulated data."""
    state: str
    """Draft, issued or revised, in the report's language."""
    head: tuple[tuple[str, str], ...]
    """The title block: labels and values."""
    headline: Headline
    summary: tuple[str, ...]
    """Plain sentences: what happened, in five lines."""
    sections: tuple[Section, ...]
    signatures: tuple[str, ...]
    """Names or offices with room to sign."""
    made_at: datetime
    """Stands in the files' metadata; the same inputs give the same bytes."""
    stamp: Stamp
    """How it was made; stands in every file."""
    logo: bytes | None = None
    """SVG or PNG."""
    words: dict[str, str] = field(default_factory=dict[str, str])
    """Words of the page itself: "page", "contents", ..."""
    document: dict[str, Any] = field(default_factory=dict[str, Any])
    """For programs: the documents that the report was made from."""

    def stamped(self, form: str) -> str:
        """Return the text of the stamp in a file of a form."""
        return replace(self.stamp, form=form).text()

    def tables(self) -> list[Table]:
        """Return every table in order."""
        return [table for section in self.sections for table in section.tables]
