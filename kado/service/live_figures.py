"""Figures of the running day, month, quarter, run and years, from a store that grows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from analytics.availability import Availability
from analytics.events import Event
from facility.batch import Samples
from facility.definition import Definition
from facility.errors import PeriodError
from facility.interval import Intervals
from facility.period import Period, day_of, fiscal_year_of, month_of
from facility.time import NS_PER_DAY, NS_PER_S
from kado.config import Configuration
from kado.queries.availability import Budget
from kado.queries.beam import BeamState, beam_verdict
from kado.queries.evidence import Read
from kado.queries.findings_by_day import Days
from kado.queries.record import Record
from kado.service.running_periods import budget_to_date, figure_values, further_periods
from storage.store import TelemetryStore

_REREAD_NS: Final = 60 * NS_PER_S


YEAR_S: Final = 1.0
"""So long one call examines days of a long period that are not kept yet; at least one."""
FURTHER_EVERY_NS: Final = 30 * NS_PER_S
"""Quarter, calendar year and run are computed this often."""


@dataclass(frozen=True, slots=True)
class Recent:
    """User time of yesterday and today in which something was lost, or not known: for a chart."""

    since_ns: int
    no_beam: Intervals
    low_beam: Intervals
    unknown: Intervals


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """What is known right now of the running day, month and year."""

    now_ns: int
    state: BeamState
    since_ns: int | None
    """Since when the beam is in this state; None: since before the month, or never seen."""
    after_unknown: bool
    """Whether it is not known what the beam was before `since_ns`."""
    event: Event | None
    """The outage or low beam that is running in user time."""
    day: Availability | None
    """None where nothing is scheduled or known."""
    month: Availability | None
    year: Availability | None
    """The fiscal year; None also as long as its days are still being examined."""
    further: Mapping[str, Availability] = field(default_factory=dict[str, Availability])
    """Of ``quarter``, ``year`` (the calendar year) and ``run`` those that are running and known; up to 30 s old."""
    budget: Budget | None = None
    """The downtime that the fiscal year may still have; None without a target, or as long as `year` is None."""
    recent: Recent | None = None

    def by_period(self) -> dict[str, Availability]:
        """Return what is known of each running period: ``day``, ``month``, ``quarter``, ``year``..."""
        found = {"day": self.day, "month": self.month, **self.further, "fiscal_year": self.year}
        return {name: availability for name, availability in found.items() if availability is not None}

    def values(self, period: str) -> dict[str, float | None]:
        """Return the figures of a period of `by_period`, by the keys of ``figures`` in ``kado availability``."""
        return figure_values(self.by_period()[period], self.budget)


class GrowingSamples:
    """Samples of a store from some instant on, kept and read on as the store grows.

    The newest minute is read again each time; whatever else is late has to be given to `touched`.
    """

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self._kept: dict[str, tuple[int, int, Samples]] = {}
        self._held: dict[str, tuple[int, Samples]] = {}

    def read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        """Return the samples stamped in ``[start_ns, end_ns)``; with `hold`, also the last one before."""
        first, last, kept = self._kept.get(signal, (start_ns, start_ns, self._store.read(signal, start_ns, start_ns)))
        if start_ns < first:
            kept, first = Samples.joined([self._store.read(signal, start_ns, first), kept]), start_ns
        if end_ns > last:
            # What is newer may have been written since it was read.
            again = max(first, last - _REREAD_NS)
            kept, last = Samples.joined([kept.between(first, again), self._store.read(signal, again, end_ns)]), end_ns
        self._kept[signal] = (first, last, kept)
        part = kept.between(start_ns, end_ns)
        before = kept.between(first, start_ns) if hold else part
        if hold and not before:
            before = self._held_before(signal, first)
        if not hold or not before:
            return part
        return Samples.joined([before.between(int(before.time_ns[-1]), start_ns), part])

    def touched(self, signal: str, since_ns: int) -> None:
        """Read a signal again from an instant on, when it is asked for next."""
        self._held.pop(signal, None)
        if signal not in self._kept:
            return
        first, last, kept = self._kept[signal]
        if since_ns <= first:
            del self._kept[signal]
        elif since_ns < last:
            self._kept[signal] = (first, since_ns, kept.between(first, since_ns))

    def forget(self, before_ns: int) -> None:
        """Keep nothing that is stamped before an instant."""
        for signal, (first, last, kept) in list(self._kept.items()):
            if last <= before_ns:
                del self._kept[signal]
            elif first < before_ns:
                # A copy, so that what is left out takes no memory.
                self._kept[signal] = (before_ns, last, Samples.joined([kept.between(before_ns, last)]))

    def _held_before(self, signal: str, ns: int) -> Samples:
        """Return the last sample before an instant, looked up once."""
        if self._held.get(signal, (None,))[0] != ns:
            self._held[signal] = (ns, self._store.read(signal, ns, ns, hold=True))
        return self._held[signal][1]


class LiveCalculator:
    """Computes the running day, month, quarter, run and years again and again.

    Confined to the thread that made its store.

    Days that are over are examined once, and again when `touched` or `learn` had something new about them. The
    year is there as soon as its days are: some are examined at each call, newest first.
    """

    def __init__(
        self,
        configuration: Configuration,
        store: TelemetryStore,
        record: Record,
        definition: Definition,
        extent: tuple[int, int],
    ) -> None:
        self._profile = configuration.profile
        self._samples = GrowingSamples(store)
        self.days = Days(configuration, store, definition, extent, recent=self._samples.read)
        self.days.learn(record)
        self._further: dict[str, Availability] = {}
        self._further_again_ns = 0

    @property
    def read_recent(self) -> Read:
        """Reads samples of the last days, kept from one call to the next: for days counted by another definition."""
        return self._samples.read

    def learn(self, record: Record) -> None:
        """Take what people decided and published since."""
        self.days.learn(record)

    def touched(self, changes: Mapping[str, Intervals]) -> None:
        """Take notice of samples that came into the store, stamped in these stretches of time, by signal."""
        for signal, spans in changes.items():
            self._samples.touched(signal, int(spans.start[0]))
            self.days.touched(signal, spans)

    def compute(self, now_ns: int) -> LiveFigures:
        """Compute the figures as they stand at an instant."""
        profile = self._profile
        day, month = day_of(now_ns, profile.zone), month_of(now_ns, profile.zone)
        # At the very turn of a month nothing of the new one is over yet.
        found = self.days.findings(month_of(now_ns - 1, profile.zone), now_ns)
        verdict = beam_verdict(found, now_ns)
        fiscal = fiscal_year_of(now_ns - 1, profile.zone, profile.fiscal_year_starts_in)
        until = time.monotonic() + YEAR_S
        year = self._once_examined(fiscal, now_ns, until)
        if year is not None and now_ns >= self._further_again_ns:
            self._compute_further(now_ns, until)
        figures = LiveFigures(
            now_ns=now_ns,
            state=verdict.state,
            since_ns=verdict.since_ns,
            after_unknown=verdict.after_unknown,
            event=verdict.event,
            day=self._availability(day, now_ns),
            month=self._availability(month, now_ns),
            year=year,
            further=dict(self._further),
            budget=budget_to_date(profile, self.days.plan, year),
            recent=self._recent(day, now_ns),
        )
        # Of the days before yesterday nothing is read again.
        self._samples.forget(day.start_ns - NS_PER_DAY)
        return figures

    def _recent(self, day: Period, now_ns: int) -> Recent:
        yesterday = day_of(day.start_ns - 1, self._profile.zone)
        found = self.days.findings(Period("recent", yesterday.start_ns, day.end_ns), now_ns)
        return Recent(yesterday.start_ns, found.no_beam, found.low_beam_time, found.unknown)

    def _compute_further(self, now_ns: int, until: float) -> None:
        """Compute quarter, calendar year and run again; one whose days are not all examined is left out."""
        periods = further_periods(self._profile, self.days.plan, now_ns)
        found = {name: self._once_examined(period, now_ns, until) for name, period in periods.items()}
        self._further = {name: availability for name, availability in found.items() if availability is not None}
        if not any(self.days.missing(period, now_ns) for period in periods.values()):
            self._further_again_ns = now_ns + FURTHER_EVERY_NS

    def _once_examined(self, period: Period, now_ns: int, until: float) -> Availability | None:
        """Return the availability of a long period; None as long as days of it are not examined, by `until` at most."""
        for day in self.days.missing(period, now_ns):
            if time.monotonic() > until:
                return None
            self.days.examine(day, now_ns)
        return self._availability(period, now_ns)

    def _availability(self, period: Period, now_ns: int) -> Availability | None:
        try:
            return self.days.availability(period, now_ns)
        except PeriodError:
            return None
