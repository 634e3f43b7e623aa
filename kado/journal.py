"""Opens the journal: for what people recorded and published, for alarms, for accounts and shifts."""

from facility.time import Clock, system_clock
from kado.config import Configuration
from storage.data_dir import DataDir
from storage.journal.alarms import AlarmJournal
from storage.journal.journal import Journal
from storage.journal.mark import JournalMark
from storage.journal.people import PeopleJournal


def has_journal(configuration: Configuration) -> bool:
    """Whether anything was recorded yet; also where the file is gone, so that opening it says so."""
    path = DataDir(configuration.data_dir).journal
    return path.exists() or JournalMark(path).exists


def journal_problem(configuration: Configuration) -> str:
    """Return which records the journal held and lacks now, with the remedy; empty if it lacks none."""
    if not has_journal(configuration):
        return ""
    with open_journal(configuration) as journal:
        return journal.problem


def open_journal(configuration: Configuration) -> Journal:
    """Open the journal, making it if there is none; use it as a context manager."""
    return Journal.open(
        DataDir(configuration.data_dir).journal, facility=configuration.profile.id, zone=configuration.profile.zone
    )


def open_alarm_journal(configuration: Configuration, clock: Clock = system_clock) -> AlarmJournal:
    """Open the journal for alarms; use it as a context manager."""
    return AlarmJournal.open(DataDir(configuration.data_dir).journal, configuration.profile.id, clock)


def open_people(configuration: Configuration, clock: Clock = system_clock) -> PeopleJournal:
    """Open the journal for accounts and handovers; use it as a context manager."""
    profile = configuration.profile
    return PeopleJournal.open(DataDir(configuration.data_dir).journal, profile.id, clock, profile.zone)
