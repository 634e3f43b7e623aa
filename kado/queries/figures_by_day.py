"""Availability of many periods at once: each day is examined once, however many periods it lies in."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import numpy as np

from analytics.availability import Availability, counted_part
from analytics.evidence import Evidence
from analytics.findings import Findings
from facility.batch import Samples
from facility.definition import Definition, load_definition
from facility.errors import PeriodError, ProfileError
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Plan
from facility.time import Clock, system_clock
from kado.config import Configuration
from kado.queries.availability import AvailabilityReport, Examined, Tally, awaiting_in
from kado.queries.evidence import Known, extent_of
from kado.queries.findings_by_day import Days
from kado.queries.period_pieces import PeriodQuery, Progress, check_calendar
from kado.queries.record import AsOf, Record, load_record, read_as_of
from kado.stores import open_store
from storage.store import TelemetryStore

DAYS_TOGETHER: Final = 8
"""Days that are examined in one step; their samples fit into little memory."""


class FiguresByDay:
    """The availability of any period by one definition, as known on one date.

    Contract: made by `open_figures`; used on the thread that opened it, while it is open.
    """

    def __init__(
        self,
        configuration: Configuration,
        store: TelemetryStore,
        definition: Definition,
        record: Record,
        as_of: AsOf,
        now_ns: int,
        progress: Progress | None = None,
    ) -> None:
        self.configuration = configuration
        self.store = store
        self.definition = definition
        self.record = record
        self.as_of = as_of
        self.now_ns = now_ns
        self.extent = extent_of(store, configuration.profile)
        """Stamps of the delivery signal's first and last sample."""
        self._days = Days(configuration, store, definition, self.extent, days_together=DAYS_TOGETHER, progress=progress)
        self._days.learn(record)
        self._kept: dict[Period, AvailabilityReport] = {}

    @property
    def known_on_ns(self) -> int:
        """The date that the figures are as known on."""
        return self.as_of.known_on_ns

    @property
    def profile(self) -> Profile:
        """The facility's."""
        return self.configuration.profile

    @property
    def plan(self) -> Plan:
        """The calendar, with the definition's notice."""
        return self._days.plan

    def period(self, text: str) -> Period:
        """Read a period as people write it; raises `PeriodError`."""
        return self.profile.period(text, self.plan)

    def learn(self, record: Record) -> None:
        """Take another record of people's; only days that differ by it are counted again."""
        self.record = record
        self._days.learn(record)
        self._kept.clear()

    def availability(self, period: Period) -> Availability:
        """Return the availability of a period alone; raises what `report` raises."""
        self._check_calendar(period)
        return self._days.availability(period, self.now_ns)

    def report(self, period: Period) -> AvailabilityReport:
        """Return the availability of a period; what stands beside it is left out, unless `look_at` came before.

        Raises
        ------
        PeriodError
            If the period lies in the future, has no schedule, or nothing is known of it.
        ProfileError
            If there is user time before the profile's first limits.
        """
        if period not in self._kept:
            availability = self.availability(period)
            self._kept[period] = AvailabilityReport(
                self.profile,
                self.definition,
                self.known_on_ns,
                availability,
                self.plan,
                self._refill(period.start_ns, availability.counted_until_ns),
                self.record.incidents,
                awaiting=awaiting_in(self.record, period),
            )
        return self._kept[period]

    def look_at(self, period: Period, look: Callable[[Examined], None]) -> AvailabilityReport:
        """Return the availability of a period with everything that stands beside it, as `load_availability` does.

        Parameters
        ----------
        look
            Given each piece of the period with all that decided on it.

        Raises
        ------
        PeriodError, ProfileError
            As `report`.
        """
        part = self._check_calendar(period)
        # Samples that came after the date are not counted one by one: that reads the whole period once more.
        as_of = AsOf(self.known_on_ns, is_now=True)
        query = PeriodQuery(self.configuration, self.record, as_of, self.now_ns, period, part)
        tally = Tally(query, self.definition, self.plan)

        def add(piece: Period, known: Known, found: Findings) -> None:
            tally.add(piece, known, found)
            look(tally.examined(known, found))

        self._days.look_at(period, self.now_ns, add)
        self._kept[period] = tally.report()
        return self._kept[period]

    def _check_calendar(self, period: Period) -> Period:
        """Refuse a period in which nothing is scheduled, and return what of it is over."""
        part = counted_part(self.profile, period, self.now_ns)
        query = PeriodQuery(self.configuration, self.record, self.as_of, self.now_ns, period, part)
        check_calendar(query, self.plan)
        return part

    def report_or_none(self, period: Period) -> AvailabilityReport | None:
        """Return the same; None where the period has no figure."""
        try:
            return self.report(period)
        except (PeriodError, ProfileError):
            return None

    def _refill(self, start_ns: int, end_ns: int) -> Intervals:
        profile = self.profile
        if profile.mode_signal is None:
            return Intervals.empty()
        mode = self.store.read(profile.mode_signal, start_ns, end_ns, hold=True)
        empty = Samples.empty(profile.id, profile.delivery_signal)
        return Evidence(empty, start_ns, end_ns, np.empty(0, np.int64), mode=mode or None).refill


@contextmanager
def open_figures(
    configuration: Configuration,
    definition: str | None = None,
    as_known_on: str | AsOf | None = None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> Generator[FiguresByDay]:
    """Open the store for the figures of many periods.

    `progress` is called with how much of each period is done, from its start for each.

    Raises
    ------
    DefinitionError
        If there is no such definition.
    PeriodError
        If there is no sample of the delivery signal at all.
    """
    now_ns = clock()
    chosen = load_definition(definition or configuration.profile.definition, configuration.folder)
    as_of = read_as_of(as_known_on, now_ns)
    record = load_record(configuration, as_of)
    with open_store(configuration) as store:
        yield FiguresByDay(configuration, store, chosen, record, as_of, now_ns, progress)
