"""Forms that people fill in on the page: each field as text, times in the facility's zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData, UploadFile

from facility.errors import TimeError, UsageError
from facility.time import from_datetime, parse_time, to_datetime
from kado.language import tr


def text_of(form: FormData, name: str) -> str:
    """Return a field of a form as it was entered; empty if it is not there.

    A browser sends the end of a line as carriage return and line feed; it is a line feed here.

    Raises
    ------
    UsageError
        If it is a file.
    """
    value = form.get(name, "")
    if isinstance(value, UploadFile):
        raise UsageError(tr("The field {name} is a file: enter a text.", name=name))
    return value.replace("\r\n", "\n")


def local_input(ns: int, zone: ZoneInfo) -> str:
    """Return an instant as `read_local` reads it, to the second: ``2026-10-03 09:00:00``."""
    return to_datetime(ns, zone).strftime("%Y-%m-%d %H:%M:%S")


def read_local(text: str, zone: ZoneInfo) -> int:
    """Read a time that somebody entered: local time of the facility, or ISO 8601 with an offset.

    Raises
    ------
    TimeError
        If it is not a time, or falls into the hour that a change of the clocks leaves out or repeats.
    """
    text = text.strip()
    if not text:
        raise TimeError(tr("Enter a time, such as 2026-10-03 09:00:00."))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TimeError(tr("{text} is not a time: write it like 2026-10-03 09:00:00.", text=text[:40])) from error
    if moment.tzinfo is not None:
        return parse_time(text)
    first, second = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if first.utcoffset() != second.utcoffset():
        raise TimeError(
            tr("{text} is not clear where the clocks change: write it with its offset from UTC.", text=text[:40])
        )
    return from_datetime(first)
