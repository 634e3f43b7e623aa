"""Loads the calendar, the corrections and the incidents as known on a date."""

from dataclasses import dataclass

from facility.corrections import Correction
from facility.incidents import Incident
from facility.schedule import Plan, ScheduleVersion, resolve
from facility.time import parse_time
from kado.config import Configuration
from kado.journal import open_journal
from storage.data_dir import DataDir


@dataclass(frozen=True, slots=True)
class Record:
    """What people decided and published, as known at some time."""

    versions: tuple[ScheduleVersion, ...] = ()
    corrections: tuple[Correction, ...] = ()
    """Those in force."""
    incidents: tuple[Incident, ...] = ()


def load_record(configuration: Configuration, as_known_on_ns: int | None = None) -> Record:
    """Return what the journal holds; versions published, and all else recorded, after that instant left out."""
    if not DataDir(configuration.data_dir).journal.exists():
        return Record()
    with open_journal(configuration) as journal:
        versions = journal.schedule_versions()
        return Record(
            tuple(v for v in versions if as_known_on_ns is None or v.published_at_ns <= as_known_on_ns),
            journal.corrections_in_force(as_known_on_ns),
            journal.incidents(as_known_on_ns),
        )


def load_schedule_versions(configuration: Configuration) -> tuple[ScheduleVersion, ...]:
    """Return every version of the calendar that was ever imported."""
    return load_record(configuration).versions


def load_plan(configuration: Configuration, as_known_on: str | None = None, notice_ns: int | None = None) -> Plan:
    """Return the calendar, without the versions published after `as_known_on` (ISO 8601).

    With `notice_ns`, a definition's, user time that was cancelled later than that stays user time.
    """
    known_on_ns = None if as_known_on is None else parse_time(as_known_on)
    return resolve(load_record(configuration, known_on_ns).versions, notice_ns=notice_ns)
