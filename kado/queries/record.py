"""Loads the calendar, the corrections and the incidents as known on a date."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from facility.corrections import Confirmation, Correction
from facility.incidents import Incident
from facility.schedule import Plan, ScheduleVersion, resolve
from facility.time import parse_time
from kado.config import Configuration
from kado.journal import has_journal, open_journal


@dataclass(frozen=True, slots=True)
class Record:
    """What people decided and published, as known at some time."""

    versions: tuple[ScheduleVersion, ...] = ()
    corrections: tuple[Correction, ...] = ()
    """Those that count."""
    incidents: tuple[Incident, ...] = ()
    awaiting: tuple[Correction, ...] = ()
    """Exclusions that do not count, because no second person has confirmed them."""
    confirmations: Mapping[int, Confirmation] = field(default_factory=dict[int, Confirmation])
    """By the id of the correction."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """Which of the things that people recorded count."""

    known_on_ns: int
    """What was recorded later is left out."""
    is_now: bool = False
    """Whether nobody asked for a date: then every calendar version counts that there is."""
    published_on_ns: int | None = None
    """For history that was imported later: calendar versions by their stated publication, whenever recorded."""


def read_as_of(as_known_on: "str | AsOf | None", now_ns: int) -> AsOf:
    """Return a date that people write (ISO 8601) as `AsOf`; None: now.

    Raises
    ------
    TimeError
        If it cannot be read.
    """
    if isinstance(as_known_on, AsOf):
        return as_known_on
    return AsOf(now_ns, is_now=True) if as_known_on is None else AsOf(parse_time(as_known_on))


def published_by(date: str, now_ns: int) -> AsOf:
    """Return the record of now with the calendar as it was published on a date (ISO 8601)."""
    return AsOf(now_ns, published_on_ns=parse_time(date))


def load_record(configuration: Configuration, as_of: AsOf | int | None = None) -> Record:
    """Return what the journal holds, as recorded by an instant; None: all of it."""
    if not has_journal(configuration):
        return Record()
    if isinstance(as_of, int):
        as_of = AsOf(as_of)
    known_on_ns = None if as_of is None else as_of.known_on_ns
    with open_journal(configuration) as journal:
        versions = journal.schedule_versions()
        counting, awaiting = journal.corrections_by_standing(known_on_ns)
        confirmations = journal.confirmations()
        return Record(
            tuple(v for v in versions if as_of is None or _counts(v, as_of)),
            counting,
            journal.incidents(known_on_ns),
            awaiting,
            {c.correction_id: c for c in confirmations if known_on_ns is None or c.recorded_at_ns <= known_on_ns},
        )


def _counts(version: ScheduleVersion, as_of: AsOf) -> bool:
    if as_of.published_on_ns is not None:
        return version.published_at_ns <= as_of.published_on_ns
    return as_of.is_now or version.known_from_ns <= as_of.known_on_ns


def load_schedule_versions(configuration: Configuration) -> tuple[ScheduleVersion, ...]:
    """Return every version of the calendar that was ever imported."""
    return load_record(configuration).versions


def load_plan(
    configuration: Configuration, as_known_on: str | AsOf | None = None, notice_ns: int | None = None
) -> Plan:
    """Return the calendar, without the versions recorded after `as_known_on` (ISO 8601).

    With `notice_ns`, a definition's, user time that was cancelled later than that stays user time.
    """
    as_of = None if as_known_on is None else read_as_of(as_known_on, 0)
    return resolve(load_record(configuration, as_of).versions, notice_ns=notice_ns)
