"""Periods to compare a period with: the one before, and the same one a year earlier."""

import re
from datetime import tzinfo
from typing import Final

from facility.period import Period, day_of, fiscal_year_of, month_of, parse_period
from facility.time import to_datetime

_QUARTER: Final = re.compile(r"(\d{4})Q([1-4])", re.ASCII)
_MONTH: Final = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FISCAL: Final = re.compile(r"FY(\d{4})", re.ASCII)
_YEAR: Final = re.compile(r"(\d{4})", re.ASCII)


def period_before(period: Period, zone: tzinfo, fiscal_year_starts_in: int) -> Period | None:
    """Return the period of the same kind that ends where `period` begins.

    Of a period that is given by its ends, or of a run, the stretch of the same length before it.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> tokyo = ZoneInfo("Asia/Tokyo")
    >>> period_before(parse_period("2026-01", tokyo), tokyo, 4).id
    '2025-12'
    """
    last = period.start_ns - 1
    if _MONTH.fullmatch(period.id):
        return month_of(last, zone)
    if _DAY.fullmatch(period.id):
        return day_of(last, zone)
    if _FISCAL.fullmatch(period.id):
        return fiscal_year_of(last, zone, fiscal_year_starts_in)
    if _QUARTER.fullmatch(period.id):
        day = to_datetime(last, zone)
        return parse_period(f"{day.year}Q{(day.month + 2) // 3}", zone)
    if _YEAR.fullmatch(period.id):
        return parse_period(f"{to_datetime(last, zone).year:04d}", zone)
    start = period.start_ns - period.length_ns
    first, end = (to_datetime(ns, zone).isoformat() for ns in (start, period.start_ns))
    return Period(f"{first}/{end}", start, period.start_ns)


def same_period_last_year(period: Period, zone: tzinfo) -> Period | None:
    """Return the same month or quarter of the year before; None for what has none, such as a day, a year or a run."""
    if match := _MONTH.fullmatch(period.id):
        return parse_period(f"{int(match[1]) - 1:04d}-{match[2]}", zone)
    if match := _QUARTER.fullmatch(period.id):
        return parse_period(f"{int(match[1]) - 1:04d}Q{match[2]}", zone)
    return None
