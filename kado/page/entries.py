"""What people enter on the page, read and checked: corrections and incidents."""

from dataclasses import dataclass

from starlette.datastructures import FormData

from facility.corrections import Assertion, Correction, Exclusion
from facility.errors import CorrectionError, IncidentError
from facility.incidents import Incident
from facility.time import Clock
from kado.config import Configuration
from kado.language import tr
from kado.page.forms import read_local, text_of
from kado.service.recording import make_correction

CORRECTION_FIELDS = ("assertion", "start", "end", "category", "limit", "reason", "evidence")
INCIDENT_FIELDS = (
    "start",
    "end",
    "system",
    "component",
    "title",
    "cause",
    "resolution",
    "root_cause",
    "replaces",
    "reason",
)


def fields_of(form: FormData, names: tuple[str, ...]) -> dict[str, str]:
    """Return the fields of a form as they were entered, to be shown again."""
    return {name: text_of(form, name) for name in names}


def read_correction(configuration: Configuration, fields: dict[str, str], author: str, clock: Clock) -> Correction:
    """Read the form of a correction.

    Raises
    ------
    CorrectionError
        If a field is missing or cannot be read, or the time lies in the future.
    TimeError
        If a time cannot be read.
    """
    try:
        assertion = Assertion(fields["assertion"])
    except ValueError as error:
        raise CorrectionError(tr("Choose a statement about the interval.")) from error
    zone = configuration.profile.zone
    interval = read_local(fields["start"], zone), read_local(fields["end"], zone)
    category, limit = None, None
    if assertion is Assertion.EXCLUDED:
        try:
            category = Exclusion(fields["category"])
        except ValueError as error:
            raise CorrectionError(tr("Choose where the cause lay.")) from error
    if assertion is Assertion.REDUCED:
        try:
            limit = float(fields["limit"])
        except ValueError as error:
            raise CorrectionError(tr("Enter the limit as a number.")) from error
        if limit != limit or limit in (float("inf"), float("-inf")):
            raise CorrectionError(tr("Enter the limit as a number."))
    if not fields["reason"].strip():
        raise CorrectionError(tr("Enter a reason, for later questions."))
    return make_correction(
        configuration,
        assertion,
        interval,
        author=author,
        reason=fields["reason"].strip(),
        evidence=fields["evidence"].strip(),
        category=category,
        limit=limit,
        clock=clock,
    )


@dataclass(frozen=True, slots=True)
class IncidentEntry:
    """An incident that is not written yet, and the one whose place it takes."""

    incident: Incident
    replaces: int | None
    reason: str


def read_incident(configuration: Configuration, fields: dict[str, str], author: str) -> IncidentEntry:
    """Read the form of an incident.

    Raises
    ------
    IncidentError
        If a number cannot be read.
    TimeError
        If a time cannot be read.
    """
    zone = configuration.profile.zone
    replaces = None
    if fields["replaces"].strip():
        replaces = read_number(fields["replaces"])
    return IncidentEntry(
        Incident(
            id=0,
            start_ns=read_local(fields["start"], zone),
            end_ns=read_local(fields["end"], zone),
            system=fields["system"].strip(),
            component=fields["component"].strip(),
            title=fields["title"].strip(),
            author=author,
            recorded_at_ns=0,
            root_cause=fields["root_cause"] == "yes",
            cause_text=fields["cause"].strip(),
            resolution=fields["resolution"].strip(),
        ),
        replaces,
        fields["reason"].strip(),
    )


def read_number(text: str) -> int:
    """Read the number of a record.

    Raises
    ------
    IncidentError
        If it is not one.
    """
    if not text.strip().isdecimal() or len(text.strip()) > 12:
        raise IncidentError(tr("{text} is not the number of a record.", text=text[:20]))
    return int(text)
