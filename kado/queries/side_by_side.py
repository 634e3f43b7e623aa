"""Figures of several periods or by several definitions, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from facility.definition import own_definitions, shipped_definitions
from facility.errors import PeriodError, ProfileError
from facility.period import Period, day_of, month_of
from facility.schedule import resolve
from facility.time import Clock, system_clock, to_s
from kado.config import Configuration
from kado.queries.availability import AvailabilityReport, load_availability
from kado.queries.identity import identity
from kado.queries.period_pieces import Progress
from kado.queries.record import AsOf, load_record, read_as_of

ALL: Final = "all"
"""In place of a definition's id: each one that there is."""


class Each(StrEnum):
    """How a period is cut."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Row:
    """One period by one definition."""

    period: Period
    definition: str
    report: AvailabilityReport | None
    error: str = ""
    """Why there is no figure."""


def load_side_by_side(
    configuration: Configuration,
    period: str,
    definition: str | None,
    as_known_on: str | AsOf | None = None,
    *,
    each: Each | None = None,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> list[Row]:
    """Return a row for each part of a period and each definition; a part without a figure says why.

    `progress` is called with how much of all rows is done.
    """
    profile = configuration.profile
    record = load_record(configuration, read_as_of(as_known_on, clock()))
    whole = profile.period(period, resolve(record.versions))
    names = [definition or profile.definition]
    if definition == ALL:
        names = sorted({*shipped_definitions(), *own_definitions(configuration.folder)})
    rows: list[Row] = []
    parts = _parts(whole, each, configuration)
    total = len(parts) * len(names)
    for part in parts:
        for name in names:
            of_row = None if progress is None else _within(progress, len(rows), total)
            try:
                report = load_availability(configuration, part, name, as_known_on, clock=clock, progress=of_row)
                rows.append(Row(part, name, report))
            except (PeriodError, ProfileError) as error:
                rows.append(Row(part, name, None, str(error)))
    return rows


def _within(progress: Progress, row: int, rows: int) -> Progress:
    """Return what takes the progress of one row, and gives that of all."""
    return lambda done, total: progress(row * total + done, rows * total)


def _parts(whole: Period, each: Each | None, configuration: Configuration) -> list[Period]:
    if each is None:
        return [whole]
    zone, parts, at = configuration.profile.zone, list[Period](), whole.start_ns
    while at < whole.end_ns:
        part = (month_of if each is Each.MONTH else day_of)(at, zone)
        parts.append(Period(part.id, at, min(part.end_ns, whole.end_ns)))
        at = part.end_ns
    return parts


def row_document(row: Row, configuration: Configuration) -> dict[str, Any]:
    """Return one row for programs: full precision, None for what does not exist."""
    report = row.report
    found = identity(configuration.profile, definition=row.definition, period=row.period)
    figures = report.availability.figures if report else None
    names = ("availability_pct", "availability_lower_pct", "availability_upper_pct", "coverage_pct", "mtbf_h", "mttr_h")
    found |= {name: None if figures is None else getattr(figures, name) for name in names}
    counts = report.availability.counts if report else None
    found |= {name: None if counts is None else getattr(counts, name) for name in ("failures", "trips", "distortions")}
    accounts = report.availability.accounts if report else None
    for name in ("user_time", "delivered", "no_beam", "unknown", "low_beam"):
        found[f"{name}_s"] = None if accounts is None else to_s(getattr(accounts, name))
    found["provisional"] = None if report is None else report.availability.provisional
    found["corrections"] = None if report is None else len(report.corrections)
    return {**found, "error": row.error or None}


def documents(rows: Sequence[Row], configuration: Configuration) -> list[dict[str, Any]]:
    """Return all rows for programs."""
    return [row_document(row, configuration) for row in rows]
