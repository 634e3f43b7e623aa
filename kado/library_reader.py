"""What the library shows of one configuration: the answers of `kado.queries`, and samples."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from analytics.availability import ReportedEvent
from analytics.gaps import Gap
from facility.batch import Samples
from facility.profile import Profile
from facility.schedule import Plan
from facility.time import from_datetime
from kado.config import Configuration, load_configuration
from kado.queries.availability import AvailabilityReport, load_availability
from kado.queries.corrections import RecordedCorrection, load_corrections
from kado.queries.downtime_budget import with_budget
from kado.queries.explanation import Explanation, load_explanation, load_gaps
from kado.queries.incidents import RecordedIncident, load_incidents
from kado.queries.record import load_plan

if TYPE_CHECKING:
    from storage.store import TelemetryStore


class Reader:
    """Reads the store and the journal of one configuration; nothing is written.

    Contract: use it in one thread, as a context manager or with `close` at the end. The store is opened by the first
    call of `samples`.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._store: TelemetryStore | None = None

    @property
    def profile(self) -> Profile:
        """The facility: its signals, limits and time zone."""
        return self._configuration.profile

    def availability(
        self, period: str, definition: str | None = None, as_known_on: str | None = None
    ) -> AvailabilityReport:
        """Return the availability of a period, as ``kado availability`` shows it.

        Raises
        ------
        PeriodError
            If the period cannot be read, lies in the future, has no schedule, or no samples.
        DefinitionError
            If there is no such definition.
        """
        return with_budget(self._configuration, load_availability(self._configuration, period, definition, as_known_on))

    def events(
        self, period: str, definition: str | None = None, as_known_on: str | None = None
    ) -> tuple[ReportedEvent, ...]:
        """Return the losses of beam and the distortions in user time; raises as `availability`."""
        return load_availability(self._configuration, period, definition, as_known_on).availability.events

    def gaps(self, period: str, definition: str | None = None, as_known_on: str | None = None) -> Sequence[Gap]:
        """Return the unknown intervals of user time; raises as `availability`."""
        return load_gaps(self._configuration, period, definition, as_known_on)[1]

    def explanation(self, period: str, definition: str | None = None, as_known_on: str | None = None) -> Explanation:
        """Return every interval of a period with its account and its rule; raises as `availability`."""
        return load_explanation(self._configuration, period, definition, as_known_on)

    def calendar(self, as_known_on: str | None = None) -> Plan:
        """Return the operation calendar."""
        return load_plan(self._configuration, as_known_on)

    def corrections(self, as_known_on: str | None = None) -> list[RecordedCorrection]:
        """Return all corrections in the order recorded, those withdrawn too."""
        return load_corrections(self._configuration, as_known_on)

    def incidents(self, as_known_on: str | None = None) -> list[RecordedIncident]:
        """Return all incidents in the order recorded, those withdrawn too."""
        return load_incidents(self._configuration, as_known_on)

    def samples(self, signal: str, start: datetime, end: datetime, *, hold: bool = False) -> Samples:
        """Return the samples of a signal stamped in ``[start, end)``.

        Parameters
        ----------
        start, end
            Datetimes with a time zone.
        hold
            Whether to return the last sample before `start` as well, whose value holds at `start`.

        Raises
        ------
        TimeError
            If a datetime has no time zone.
        ProfileError
            If the facility has no such signal.
        """
        self.profile.signal(signal)
        if self._store is None:
            self._store = self._configuration.backend.open()
        return self._store.read(signal, from_datetime(start), from_datetime(end), hold=hold)

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_reader(config: str | os.PathLike[str]) -> Reader:
    """Read a configuration and return its reader; see `kado.library.open`."""
    return Reader(load_configuration(Path(config)))
