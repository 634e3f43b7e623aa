"""How the store will grow, in one line and in full."""

from typing import Any

from console.care.outlook import Outlook
from console.output import local
from console.rounding import count, size
from facility.profile import Profile
from facility.time import NS_PER_DAY, format_time
from storage.embedded.care.forecast import HORIZON_YEARS

_YEAR_DAYS = 365


def outlook_line(profile: Profile, outlook: Outlook, now_ns: int) -> str:
    """Return what is kept, how fast it grows and how long the disk takes it."""
    space = outlook.space
    kept = f"{size(space.database + space.log + space.journal + space.archive)} kept"
    growth, ahead = outlook.growth, outlook.forecast
    free = space.free if space.archive_free is None else space.archive_free
    if growth is None:
        return f"{kept}; {size(space.free)} free"
    if ahead is None or growth.bytes_a_day is None:
        samples = f"{count(round(growth.samples_a_day))} samples a day"
        if growth.bytes_a_day is not None:
            return f"{kept}, {size(growth.bytes_a_day)} more a day"
        return f"{kept}, {samples}; {size(free)} free; a forecast follows once a first day is sealed"
    more = f"{size(growth.bytes_a_day)} more a day"
    return f"{kept}, {more}; {size(ahead.bytes_in_a_year)} sealed in a year; {_room(profile, outlook, now_ns)}"


def outlook_document(profile: Profile, outlook: Outlook, now_ns: int) -> dict[str, Any]:
    """Return the same for programs."""
    space, growth, ahead = outlook.space, outlook.growth, outlook.forecast
    full_in_days = None if ahead is None else ahead.full_in_days
    return {
        "bytes": {
            "database": space.database,
            "reusable": space.reusable,
            "log": space.log,
            "journal": space.journal,
            "archive": space.archive,
            "free": space.free,
            "archive_free": space.archive_free,
        },
        "samples_a_day": None if growth is None else growth.samples_a_day,
        "bytes_a_day": None if growth is None else growth.bytes_a_day,
        "archive_in_a_year": None if ahead is None else ahead.bytes_in_a_year,
        "full_in_days": full_in_days,
        "full": None if full_in_days is None else _date(profile, now_ns, full_in_days, document=True),
    }


def _room(profile: Profile, outlook: Outlook, now_ns: int) -> str:
    ahead = outlook.forecast
    free = size(outlook.space.archive_free or 0)
    if ahead is None or ahead.full_in_days is None:
        return f"{free} free, enough for {HORIZON_YEARS} years"
    days = ahead.full_in_days
    if days > 2 * _YEAR_DAYS:
        return f"{free} free, enough for {days // _YEAR_DAYS} years"
    return f"{free} free, full about {_date(profile, now_ns, days)}"


def _date(profile: Profile, now_ns: int, days: int, *, document: bool = False) -> str | None:
    then = now_ns + days * NS_PER_DAY
    if then >= 2**63:
        return None
    return format_time(then, profile.zone)[:10] if document else local(then, profile.zone)[:10]
