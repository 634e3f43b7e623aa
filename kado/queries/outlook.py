"""How the store will grow, in what ``kado status`` and ``kado store status`` show."""

from contextlib import closing
from typing import Any

from facility.profile import Profile
from facility.time import MAX_NS, NS_PER_DAY, format_time
from kado.config import Configuration
from kado.output import local
from storage.inventory import Outlook
from storage.telemetry_db import open_reader


def load_outlook(configuration: Configuration, now_ns: int) -> Outlook:
    """Measure and look ahead, while another process may write; cheap.

    Raises
    ------
    ConfigError
        If nothing was collected yet.
    """
    with closing(open_reader(configuration.data_dir)) as connection:
        return configuration.backend.outlook(connection, now_ns)


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
        "full": None if full_in_days is None else date_after(profile, now_ns, full_in_days, document=True),
    }


def date_after(profile: Profile, now_ns: int, days: int, *, document: bool = False) -> str | None:
    """Return the date so many days later in the time zone of the facility; None past the end of time."""
    then = now_ns + days * NS_PER_DAY
    if then > MAX_NS:
        return None
    return format_time(then, profile.zone)[:10] if document else local(then, profile.zone)[:10]
