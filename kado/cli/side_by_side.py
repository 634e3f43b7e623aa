"""Figures of several periods or by several definitions: as a table, or as CSV."""

import csv
import sys
from collections.abc import Sequence

from rich.console import RenderableType

from facility.period import Period
from facility.profile import Profile
from kado.config import Configuration
from kado.language import marked, tr
from kado.output import table, title
from kado.queries.side_by_side import Row, documents
from kado.rounding import NONE, count, hours, percent


def print_csv(rows: Sequence[Row], configuration: Configuration) -> None:
    """Print a line for each row; cells are empty where there is no figure."""
    listed = documents(rows, configuration)
    writer = csv.DictWriter(sys.stdout, list(listed[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)


def side_by_side(rows: Sequence[Row], profile: Profile, digits: int) -> list[RenderableType]:
    """Return a table with a line for each row."""
    heads = [marked("availability %"), marked("between"), marked("coverage %"), "N", "MTBF h", marked("no beam h")]
    lines = table(order=["period", "definition", *heads], right=heads)
    for row in rows:
        if row.report is None:
            lines.add_row(_name(row.period), row.definition, *[NONE] * len(heads))
            continue
        result = row.report.availability
        f = result.figures
        between = f"{percent(f.availability_lower_pct, digits)}..{percent(f.availability_upper_pct, digits)}"
        lines.add_row(
            _name(row.period),
            row.definition,
            percent(f.availability_pct, digits),
            between,
            percent(f.coverage_pct, digits, below=99.0),
            count(result.counts.failures),
            hours(f.mtbf_h, 1),
            hours(result.accounts.no_beam / 3.6e12),
        )
    errors = list(dict.fromkeys(row.error for row in rows if row.error))
    return [title(profile, tr("availability side by side")), lines, *errors]


def _name(period: Period) -> str:
    return period.id
