"""Shifts: which one an instant belongs to, in the facility's own time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from facility.sentence import Sentence
from facility.text import Text
from facility.time import from_datetime, to_datetime


class ShiftStart(BaseModel):
    """``[[shift]]`` of a profile: a shift, and when it begins; it ends when the next one begins."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    starts: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """Time of day, such as ``08:30``, in the facility's zone."""
    name: Text

    @property
    def time_of_day(self) -> time:
        """When it begins."""
        return time.fromisoformat(self.starts)


DEFAULT_SHIFTS: Final = (
    ShiftStart(starts="00:00", name=Text(en="night", ja="夜勤")),
    ShiftStart(starts="08:00", name=Text(en="day", ja="日勤")),
    ShiftStart(starts="16:00", name=Text(en="evening", ja="準夜勤")),
)
"""Three shifts of eight hours, where a profile names none."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One shift of one day."""

    name: Text
    start_ns: int
    end_ns: int


def check_shifts(shifts: Sequence[ShiftStart]) -> None:
    """Refuse shifts that begin together; raises `ValueError`."""
    begins = [s.starts for s in shifts]
    if twice := sorted({b for b in begins if begins.count(b) > 1}):
        raise ValueError(Sentence("two shifts begin at {twice}", twice=twice[0]))


def shift_at(ns: int, shifts: Sequence[ShiftStart], zone: ZoneInfo) -> Shift:
    """Return the shift that holds an instant.

    Examples
    --------
    >>> from facility.time import format_time, parse_time
    >>> tokyo = ZoneInfo("Asia/Tokyo")
    >>> found = shift_at(parse_time("2026-10-03T07:59:59+09:00"), DEFAULT_SHIFTS, tokyo)
    >>> found.name.en, format_time(found.end_ns, tokyo)
    ('night', '2026-10-03T08:00:00+09:00')
    """
    day = to_datetime(ns, zone).date()
    edges = sorted(
        (from_datetime(datetime.combine(day + timedelta(days=shift_days), s.time_of_day, zone)), i)
        for shift_days in (-1, 0, 1, 2)
        for i, s in enumerate(shifts)
    )
    for (start, i), (end, _) in pairwise(edges):
        if start <= ns < end:
            return Shift(shifts[i].name, start, end)
    raise AssertionError("a day before and two days after an instant hold its shift")


def shift_before(shift: Shift, shifts: Sequence[ShiftStart], zone: ZoneInfo) -> Shift:
    """Return the shift before another."""
    return shift_at(shift.start_ns - 1, shifts, zone)
