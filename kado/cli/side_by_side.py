"""Figures of several periods or by several definitions: as a table, or as CSV."""

import csv
import sys
from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table

from facility.period import Period
from facility.profile import Profile
from kado.config import Configuration
from kado.language import marked, tr
from kado.output import facts, table, title
from kado.queries.side_by_side import Row, documents
from kado.rounding import NONE, count, hours, percent


def print_csv(rows: Sequence[Row], configuration: Configuration) -> None:
    """Print a line for each row; cells are empty where there is no figure."""
    listed = [
        {**row, "period": row["period"]["id"], "start": row["period"]["start"], "end": row["period"]["end"]}
        for row in documents(rows, configuration)
    ]
    writer = csv.DictWriter(sys.stdout, list(listed[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)


def side_by_side(rows: Sequence[Row], profile: Profile, digits: int) -> list[RenderableType]:
    """Return a line for each row: a table of periods, or of definitions, or one of definitions for each period."""
    errors = list(dict.fromkeys(row.error for row in rows if row.error))
    lines: list[RenderableType] = [title(profile, tr("availability side by side"))]
    definitions = list(dict.fromkeys(row.definition for row in rows))
    if len(definitions) == 1:
        lines += [facts([("Definition", definitions[0])]), _table(rows, digits, by_period=True)]
        return [*lines, *errors]
    for period in dict.fromkeys(_name(row.period) for row in rows):
        of_period = [row for row in rows if _name(row.period) == period]
        lines += [facts([("Period", period)]), _table(of_period, digits, by_period=False), ""]
    return [*lines[:-1], *errors]


def _table(rows: Sequence[Row], digits: int, *, by_period: bool) -> Table:
    heads = [marked("availability %"), marked("between"), marked("coverage %"), "N", "MTBF h", marked("no beam h")]
    lines = table(order=["period" if by_period else "definition", *heads], right=heads)
    for row in rows:
        name = _name(row.period) if by_period else row.definition
        if row.report is None:
            lines.add_row(name, *[NONE] * len(heads))
            continue
        result = row.report.availability
        f = result.figures
        between = f"{percent(f.availability_lower_pct, digits)}..{percent(f.availability_upper_pct, digits)}"
        lines.add_row(
            name,
            percent(f.availability_pct, digits),
            between,
            percent(f.coverage_pct, digits, below=99.0),
            count(result.counts.failures),
            hours(f.mtbf_h, 1),
            hours(result.accounts.no_beam / 3.6e12),
        )
    return lines


def _name(period: Period) -> str:
    return period.id
