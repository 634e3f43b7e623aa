"""Every error that kado raises on purpose.

::

    KadoError                    exit 1
    ├── AccountsError            accounts that do not close
    ├── ArchiveError             a sealed file that is missing, damaged or cannot be written
    │   └── ArchiveAwayError     exit 3: where the sealed files lie cannot be reached
    ├── DamagedDataError         a file of the data directory that is damaged, or lacks a part
    ├── ProblemFoundError             a check ran and found a problem that it reports
    ├── DataError                a sample, row or payload that cannot be accepted
    ├── UsageError               exit 2: wrong use or configuration
    │   ├── TimeError            a time that cannot be read, or a naive one
    │   ├── SlugError            a name that is not a slug
    │   ├── ConfigError          kado.toml
    │   ├── ProfileError         a facility profile
    │   ├── DefinitionError      an accounting definition
    │   ├── AlarmRuleError       an alarm rule that is wrong, or reads what does not exist
    │   ├── AlarmScenarioError   a worked case of alarms that cannot be read
    │   ├── ScenarioError        a simulated machine that cannot be
    │   ├── ScheduleError        blocks that overlap, rows that cannot be read
    │   ├── CorrectionError      a correction that says nothing or contradicts another
    │   ├── IncidentError        an incident that says nothing
    │   ├── AccountError         an account of the page that does not fit the others
    │   ├── HandoverError        a shift that cannot be handed over
    │   ├── PeriodError          a period that is not one, or holds nothing to count
    │   ├── ReportError          a report that cannot be issued or verified
    │   ├── FormatVersionError   a file of another version
    │   └── MissingExtraError    an optional dependency that is not installed
    └── UnreachableError         exit 3: something needed cannot be reached
        ├── AuthorizationError   it was reached and refuses our credentials
        ├── DiskError            the disk does not take what is written, or does not give what is read
        └── LockedError          another process holds the data directory

The type carries the decision (``exit_code``, ``retryable``); the text is for people and says what
happened, to which named thing, with the value and the limit, and what to do next.
"""

from typing import ClassVar


class KadoError(Exception):
    """Root of all errors that kado raises on purpose."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False


class AccountsError(KadoError):
    """The accounts of a period do not add up: a defect in kado, never to be hidden."""


class ArchiveError(KadoError):
    """A sealed file of the embedded store that is missing, damaged or cannot be written."""


class ArchiveAwayError(ArchiveError):
    """The folder or object store in which sealed files lie cannot be reached, or refuses."""

    exit_code = 3
    retryable = True


class DamagedDataError(KadoError):
    """A database or file of the data directory that is damaged, or lacks a part."""


class ProblemFoundError(KadoError):
    """A command ran to its end and found a problem that it reports."""


class DataError(KadoError):
    """A sample, row or payload that cannot be accepted."""


class UsageError(KadoError):
    """Wrong use or configuration."""

    exit_code = 2


class TimeError(UsageError, ValueError):
    """A time that cannot be read, or one without an offset."""


class SlugError(UsageError, ValueError):
    """A facility, signal or source name that is not a slug."""


class ConfigError(UsageError):
    """Something in ``kado.toml`` or in the environment that overrides it."""


class ProfileError(UsageError):
    """A facility profile that contradicts itself, or lacks what is asked of it."""


class DefinitionError(UsageError):
    """An accounting definition that contradicts itself or does not exist."""


class AlarmRuleError(UsageError):
    """An alarm rule that is wrong, or reads what does not exist."""


class AlarmScenarioError(UsageError):
    """A worked case of alarms that cannot be read."""


class ScenarioError(UsageError):
    """A scenario of a simulator that contradicts itself, or does not fit the facility."""


class ScheduleError(UsageError):
    """Schedule blocks that overlap, or rows that cannot be read."""


class CorrectionError(UsageError):
    """A correction that says nothing, or contradicts one in force."""


class IncidentError(UsageError):
    """An incident that says nothing."""


class AccountError(UsageError):
    """An account of the page that is there already, is missing, or has no usable name or password."""


class HandoverError(UsageError):
    """A shift that cannot be handed over or countersigned."""


class PeriodError(UsageError, ValueError):
    """A period that is not one, or holds nothing that could be counted."""


class ReportError(UsageError):
    """A report that cannot be issued, or a file that is not a report."""


class FormatVersionError(UsageError):
    """A file of kado's written by another version."""


class MissingExtraError(UsageError):
    """A feature whose optional dependency is not installed."""


class UnreachableError(KadoError):
    """A server or device that is needed cannot be reached."""

    exit_code = 3
    retryable = True


class AuthorizationError(UnreachableError):
    """The server was reached and refuses our credentials."""

    retryable = False


class DiskError(UnreachableError):
    """A file of the data directory cannot be read or written at the moment: no space, no right, in use."""


class LockedError(UnreachableError):
    """Another process holds the data directory."""

    retryable = False
