"""Records corrections and incidents in the journal, and withdraws them."""

from facility.corrections import CONFIRMED_BY_A_SECOND_PERSON, Assertion, Correction, Exclusion
from facility.errors import CorrectionError, IncidentError
from facility.incidents import Incident
from facility.sentence import Sentence
from facility.time import Clock, format_second, system_clock
from kado.config import Configuration
from kado.journal import open_journal
from kado.queries.corrections import RecordedCorrection, load_corrections
from kado.queries.incidents import RecordedIncident, load_incidents


def make_correction(
    configuration: Configuration,
    assertion: Assertion,
    interval: tuple[int, int],
    *,
    author: str,
    reason: str,
    evidence: str = "",
    category: Exclusion | None = None,
    limit: float | None = None,
    clock: Clock = system_clock,
) -> Correction:
    """Return a correction that is not written yet.

    Raises
    ------
    CorrectionError
        If it lies wholly in the future.
    """
    now_ns, (start_ns, end_ns) = clock(), interval
    if start_ns >= now_ns:
        zone = configuration.profile.zone
        raise CorrectionError(
            Sentence(
                "a correction is about the past: {start} lies in the future (it is {now} now)",
                start=format_second(start_ns, zone),
                now=format_second(now_ns, zone),
            )
        )
    return Correction(0, start_ns, end_ns, assertion, author, reason, now_ns, evidence, category, limit)


def write_correction(configuration: Configuration, new: Correction) -> RecordedCorrection:
    """Write a correction.

    Raises
    ------
    CorrectionError
        If it says nothing, or contradicts one in force; then nothing is written.
    """
    with open_journal(configuration) as journal:
        recorded = journal.add_correction(new)
    return RecordedCorrection(recorded, awaiting=recorded.assertion in CONFIRMED_BY_A_SECOND_PERSON)


def confirm_correction(
    configuration: Configuration, correction_id: int, author: str, remark: str = ""
) -> RecordedCorrection:
    """Confirm a correction as a second person; from then on it counts.

    Raises
    ------
    CorrectionError
        If there is none of that id, it needs no confirmation or has one, was withdrawn, or `author` recorded it.
    """
    with open_journal(configuration) as journal:
        journal.confirm(correction_id, author, remark)
    return next(s for s in load_corrections(configuration) if s.correction.id == correction_id)


def withdraw_correction(
    configuration: Configuration, correction_id: int, author: str, reason: str
) -> RecordedCorrection:
    """Take a correction back; it stays on record.

    Raises
    ------
    CorrectionError
        If there is none of that id, or it was withdrawn before.
    """
    with open_journal(configuration) as journal:
        journal.withdraw(correction_id, author, reason)
    return next(s for s in load_corrections(configuration) if s.correction.id == correction_id)


def record_incident(
    configuration: Configuration,
    new: Incident,
    *,
    replaces: int | None = None,
    reason: str = "",
    clock: Clock = system_clock,
) -> RecordedIncident:
    """Record what was broken, in place of the incident `replaces` if one is named.

    Raises
    ------
    IncidentError
        If it lies wholly in the future, or says nothing, or there is none to replace; then nothing is written.
    """
    now_ns, zone = clock(), configuration.profile.zone
    if new.start_ns >= now_ns:
        raise IncidentError(
            Sentence(
                "an incident is about the past: {start} lies in the future (it is {now} now)",
                start=format_second(new.start_ns, zone),
                now=format_second(now_ns, zone),
            )
        )
    with open_journal(configuration) as journal:
        return RecordedIncident(journal.add_incident(new, replaces=replaces, reason=reason))


def withdraw_incident(configuration: Configuration, incident_id: int, author: str, reason: str) -> RecordedIncident:
    """Take an incident back; it stays on record.

    Raises
    ------
    IncidentError
        If there is none of that id, or it was withdrawn before.
    """
    with open_journal(configuration) as journal:
        journal.withdraw_incident(incident_id, author, reason)
    return next(n for n in load_incidents(configuration) if n.incident.id == incident_id)
