"""Makes the tables of a report: cells with full precision, and the same cells as people read them."""

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Final

from babel.dates import format_date, format_datetime

from facility.time import NS_PER_H, NS_PER_S, to_datetime
from kado.language import language, tr
from kado.report.model import Cell, Column, Kind, Table
from kado.rounding import NONE, count, duration, hours, percent

_RUN: Final = "run:"
"""The id of a run begins so, where its name could be read as another period."""
_REIWA: Final = date(2019, 5, 1)
_HEISEI: Final = date(1989, 1, 8)


def make_table(
    id: str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    printed: Sequence[Sequence[str]] | None = None,
    note: str = "",
    total: bool = False,
) -> Table:
    """Make a table; what is printed follows from the columns, unless it is given."""
    if printed is None:
        printed = [[printed_cell(cell, column) for cell, column in zip(row, columns, strict=True)] for row in rows]
    cells, texts = tuple(tuple(row) for row in rows), tuple(tuple(row) for row in printed)
    return Table(id, title, tuple(columns), cells, texts, note, total)


def printed_cell(cell: Cell, column: Column) -> str:
    """Write one cell as people read it; a dash where there is no value."""
    if cell is None:
        return NONE
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, str):
        return cell
    number = float(cell)
    match column.kind:
        case Kind.COUNT:
            return count(int(cell))
        case Kind.PERCENT:
            return percent(number, column.digits)
        case Kind.DURATION:
            return duration(round(number * NS_PER_H))
        case Kind.HOURS | Kind.NUMBER:
            return f"{cell:,}" if isinstance(cell, Decimal) else hours(number, column.digits)
        case _:
            return str(cell)


def local_time(ns: int, zone: tzinfo) -> datetime:
    """Return an instant in the facility's time, to the second."""
    return to_datetime(ns // NS_PER_S * NS_PER_S, zone)


def day_words(day: date) -> str:
    """Write a day in the language of now, such as ``14 October 2026``."""
    return format_date(day, "y年M月d日" if language() == "ja" else "d MMMM y", locale=language())


def time_words(at: datetime) -> str:
    """Write an instant in the language of now, to the minute."""
    form = "y年M月d日 H:mm" if language() == "ja" else "d MMMM y, H:mm"
    return format_datetime(at, form, locale=language())


def era_words(day: date) -> str:
    """Write the year of a day in the Japanese era: ``令和8年``.

    Examples
    --------
    >>> era_words(date(2026, 10, 1)), era_words(date(2019, 5, 1)), era_words(date(2019, 4, 30))
    ('令和8年', '令和元年', '平成31年')
    """
    for name, first in (("令和", _REIWA), ("平成", _HEISEI)):
        if day >= first:
            year = day.year - first.year + 1
            return f"{name}{'元' if year == 1 else year}年"
    return f"{day.year}年"


def period_name(period_id: str, start: datetime, end: datetime) -> str:
    """Return what a period is called in the head of each page: in short, a run by its name."""
    if period_id.startswith(_RUN):
        return tr("Run {name}", name=period_id.removeprefix(_RUN))
    return f"{start:%Y-%m-%d} – {end:%Y-%m-%d}" if "/" in period_id else period_id


def period_words(period_id: str, start: datetime, end: datetime) -> str:
    """Write a period as the title of a report: ``October 2026``, ``2026年10月（令和8年10月）``, ``FY2024``.

    `end` is the first instant after it.
    """
    japanese = language() == "ja"
    era = era_words(start.date())
    if len(period_id) == 7 and period_id[4] == "-":
        month = f"{start.year}年{start.month}月（{era}{start.month}月）"
        return month if japanese else format_date(start, "MMMM y", locale="en")
    span = f"{day_words(start.date())}{'から' if japanese else ' to '}{day_words(_last_day(start, end))}"
    span += "まで" if japanese else ""
    if period_id.startswith("FY"):
        # The fiscal year in which an era begins is called by the new one: 2019年度 is 令和元年度.
        era = era_words(date(start.year, 12, 31))
        fiscal = f"{start.year}年度（{era}度）" if japanese else tr("Fiscal year {year}", year=start.year)
        return f"{fiscal} {span}" if japanese else f"{fiscal}, {span}"
    if len(period_id) == 6 and period_id[4] == "Q":
        quarter = f"{start.year}年第{period_id[5]}四半期" if japanese else f"Q{period_id[5]} {start.year}"
        return f"{quarter} {span}" if japanese else f"{quarter}, {span}"
    if period_id.startswith(_RUN):
        run = period_name(period_id, start, end)
        return f"{run} {span}" if japanese else f"{run}, {span}"
    return span if "/" in period_id else f"{period_id} {span}"


def _last_day(start: datetime, end: datetime) -> date:
    before = datetime.fromtimestamp(end.timestamp() - 1, end.tzinfo).date()
    return max(start.date(), before)
