"""Periods of a report, cut in the facility's own time zone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

from facility.errors import PeriodError, TimeError
from facility.sentence import Sentence
from facility.time import local_midnight, parse_time, to_datetime

_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_QUARTER = re.compile(r"(\d{4})Q([1-4])", re.ASCII)
_YEAR = re.compile(r"(\d{4})", re.ASCII)
_FISCAL = re.compile(r"FY(\d{4})", re.ASCII)
_CALENDAR_FORMS = (_DAY, _MONTH, _QUARTER, _YEAR, _FISCAL)
_LIKE_ONE = re.compile(r"\d{4}(-\d{1,2}){0,2}|\d{4}Q\d|FY\d{2,4}", re.ASCII | re.IGNORECASE)
_RUN = "run:"


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time that figures are given for."""

    id: str
    """As people write it: ``2025-05``, ``FY2024``, a run's name."""
    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        """Its length; 8,784 h for a fiscal year with 29 February in it."""
        return self.end_ns - self.start_ns


def parse_period(
    text: str,
    zone: tzinfo,
    *,
    fiscal_year_starts_in: int = 4,
    runs: Mapping[str, tuple[int, int]] | None = None,
) -> Period:
    """Read a period as people write it.

    Parameters
    ----------
    text
        ``2025-05`` (month), ``2025-05-13`` (day), ``2025Q2``, ``2025`` (calendar year), ``FY2024``,
        ``START/END`` (ISO 8601 with offsets), the name of a run, or ``run:NAME``. A name that is also one of the
        other forms, such as ``2026-10``, is that form; ``run:2026-10`` is the run.
    zone
        The facility's; days begin at its midnight.
    fiscal_year_starts_in
        Month, 1 to 12.
    runs
        Named runs of the schedule: start and end in ns.

    Raises
    ------
    PeriodError
        If it has none of these forms, or does not end after its start.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> parse_period("FY2023", ZoneInfo("Asia/Tokyo")).length_ns // 3_600_000_000_000
    8784
    """
    text = text.strip()
    if text.startswith(_RUN):
        name = text.removeprefix(_RUN).strip()
        if not runs or name not in runs:
            raise PeriodError(
                Sentence(
                    "the schedule has no run {name!r}; its runs are {runs}", name=name, runs=", ".join(sorted(runs))
                )
                if runs
                else Sentence("the schedule has no run {name!r}: it names no runs", name=name)
            )
        return Period(text, *runs[name])
    if runs and text in runs and not is_calendar_form(text):
        if looks_like_calendar_form(text):
            raise PeriodError(
                Sentence(
                    "{text!r} looks like a date and is a run of the schedule: write run:{text} for the run, or a date"
                    " such as 2025-05",
                    text=text,
                )
            )
        return Period(text, *runs[text])
    if "/" in text:
        return _explicit(text)
    first, last = _days(text, fiscal_year_starts_in, sorted(runs or ()))
    try:
        return Period(text, local_midnight(first, zone), local_midnight(last, zone))
    except TimeError as error:
        raise PeriodError(Sentence("period {text!r} does not exist: {reason}", text=text, reason=error)) from error


def is_calendar_form(text: str) -> bool:
    """Whether a period is written as a day, month, quarter or year, which a run of that name does not replace."""
    return any(form.fullmatch(text) for form in _CALENDAR_FORMS)


def looks_like_calendar_form(text: str) -> bool:
    """Whether a person could read the text, such as ``2026-5``, for a day, month, quarter or year."""
    return _LIKE_ONE.fullmatch(text) is not None


def month_of(ns: int, zone: tzinfo) -> Period:
    """Return the month that holds an instant."""
    return parse_period(to_datetime(ns, zone).strftime("%Y-%m"), zone)


def day_of(ns: int, zone: tzinfo) -> Period:
    """Return the day that holds an instant."""
    return parse_period(to_datetime(ns, zone).strftime("%Y-%m-%d"), zone)


def fiscal_year_of(ns: int, zone: tzinfo, starts_in: int) -> Period:
    """Return the fiscal year that holds an instant; `starts_in` is its first month, 1 to 12."""
    day = to_datetime(ns, zone)
    year = day.year if day.month >= starts_in else day.year - 1
    return parse_period(f"FY{year:04d}", zone, fiscal_year_starts_in=starts_in)


def _explicit(text: str) -> Period:
    first, _, last = text.partition("/")
    try:
        start, end = parse_time(first), parse_time(last)
    except TimeError as error:
        raise PeriodError(Sentence("period {text!r} is not START/END: {reason}", text=text, reason=error)) from error
    if end <= start:
        raise PeriodError(Sentence("period {text!r} does not end after its start", text=text))
    return Period(text, start, end)


def _days(text: str, fiscal_year_starts_in: int, runs: list[str]) -> tuple[date, date]:
    try:
        if match := _DAY.fullmatch(text):
            first = date(*(int(g) for g in match.groups()))
            return first, first + timedelta(days=1)
        if match := _MONTH.fullmatch(text):
            first = date(int(match[1]), int(match[2]), 1)
            return first, _months_later(first, 1)
        if match := _QUARTER.fullmatch(text):
            first = date(int(match[1]), 3 * int(match[2]) - 2, 1)
            return first, _months_later(first, 3)
        if match := _FISCAL.fullmatch(text):
            first = date(int(match[1]), fiscal_year_starts_in, 1)
            return first, _months_later(first, 12)
        if match := _YEAR.fullmatch(text):
            first = date(int(match[1]), 1, 1)
            return first, _months_later(first, 12)
    except ValueError as error:
        raise PeriodError(
            Sentence("period {text!r} does not exist: check its year, month and day", text=text)
        ) from error
    if runs:
        raise PeriodError(
            Sentence(
                "{text!r} is not a period: write 2025-05, 2025-05-13, 2025Q2, 2025, FY2024, START/END with offsets,"
                " or a run of the schedule ({runs})",
                text=text,
                runs=", ".join(runs),
            )
        )
    raise PeriodError(
        Sentence(
            "{text!r} is not a period: write 2025-05, 2025-05-13, 2025Q2, 2025, FY2024, START/END with offsets",
            text=text,
        )
    )


def _months_later(first: date, months: int) -> date:
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
