"""Times and lengths as iCalendar writes them (RFC 5545, sections 3.3.4 to 3.3.6)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from facility.errors import ScheduleError, TimeError
from facility.ics.lines import Property
from facility.ics.zones import Zone, Zones
from facility.sentence import Sentence
from facility.time import NS_PER_S, from_datetime

_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z)?)?", re.ASCII)
_LENGTH = re.compile(
    r"\+?P(?:(\d{1,5})W|(?=[\dT])(?:(\d{1,5})D)?(?:T(?=\d)(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?)", re.ASCII
)


class Kind(StrEnum):
    """The form in which a time is written; its value is how messages name it."""

    DATE = "a date"
    FLOATING = "a time without a zone"
    UTC = "a time in UTC"
    ZONED = "a time in a zone"

    @property
    def words(self) -> Sentence:
        """The form, as messages name it."""
        return _KINDS[self]


_KINDS: Final = {
    Kind.DATE: Sentence("a date"),
    Kind.FLOATING: Sentence("a time without a zone"),
    Kind.UTC: Sentence("a time in UTC"),
    Kind.ZONED: Sentence("a time in a zone"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as written."""

    kind: Kind
    local: datetime
    """Naive: in its own zone; midnight of a date."""
    zone: Zone | None
    """Of a time in a zone."""

    def instant(self, own: tzinfo) -> int:
        """Return it in ns; dates and times without a zone are in the facility's `own` zone.

        Raises
        ------
        ScheduleError
            If it lies outside the years 1678 to 2261.
        """
        return self.at(self.local, own)

    def at(self, local: datetime, own: tzinfo) -> int:
        """Return another local time of the same kind and zone in ns."""
        try:
            if self.zone is not None:
                return self.zone.instant(local)
            return from_datetime(local.replace(tzinfo=UTC if self.kind is Kind.UTC else own))
        except (TimeError, OverflowError) as error:
            raise ScheduleError(
                Sentence("its time {local} lies outside the years 1678 to 2261", local=local)
            ) from error


@dataclass(frozen=True, slots=True)
class Length:
    """A ``DURATION``: days count by the calendar, hours exactly."""

    days: int
    exact_ns: int


def parse_moment(text: str, prop: Property, zones: Zones, own_name: str) -> Moment:
    """Read one time of a property; `own_name` is the facility's zone.

    Raises
    ------
    ScheduleError
        If it cannot be read, or contradicts itself.
    """
    what = f"{prop.name} {text[:40]!r}"
    match = _MOMENT.fullmatch(text.strip())
    stated = prop.params.get("VALUE", "").upper()
    if match is None or stated not in ("", "DATE", "DATE-TIME", "PERIOD"):
        raise ScheduleError(Sentence("its {what} is not a time such as 20260713T080000Z or 20260713", what=what))
    is_date = match[4] is None
    if (stated == "DATE") != is_date and stated != "":
        raise ScheduleError(Sentence("its {what} is not a {stated}, as it says", what=what, stated=stated))
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups()[:6])
    try:
        local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone stands beside it.
    except ValueError as error:
        raise ScheduleError(Sentence("its {what} does not exist: {error}", what=what, error=error)) from error
    if not 1678 <= year <= 2261:
        raise ScheduleError(Sentence("its {what} lies outside the years 1678 to 2261", what=what))
    name = prop.params.get("TZID")
    if is_date:
        if name is not None and name != own_name:
            raise ScheduleError(
                Sentence(
                    "its {what} is a whole day in the zone {name!r}: only the facility's can be meant",
                    what=what,
                    name=name,
                )
            )
        return Moment(Kind.DATE, local, None)
    if match[7]:
        if name is not None:
            raise ScheduleError(
                Sentence("its {what} is in UTC and in the zone {name!r} at once: remove one", what=what, name=name)
            )
        return Moment(Kind.UTC, local, None)
    if name is None:
        return Moment(Kind.FLOATING, local, None)
    return Moment(Kind.ZONED, local, zones.find(name))


def parse_length(text: str) -> Length:
    """Read a ``DURATION``.

    Raises
    ------
    ScheduleError
        If it is not one, or negative.
    """
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise ScheduleError(
            Sentence("its DURATION {text!r} is not a length such as PT8H or P1D, forward in time", text=text[:30])
        )
    weeks, days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return Length(7 * weeks + days, (hours * 3600 + minutes * 60 + seconds) * NS_PER_S)


def later_by_days(local: datetime, days: int) -> datetime:
    """Return a local time `days` later by the calendar.

    Raises
    ------
    ScheduleError
        If there is no such day.
    """
    try:
        return local + timedelta(days=days)
    except OverflowError as error:
        raise ScheduleError(
            Sentence("its end lies {days:,} days after its start, outside the years 1678 to 2261", days=days)
        ) from error
