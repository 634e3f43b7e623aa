"""Findings by day, kept until something is learned that touches them.

A month is its days, a year is its days: each is examined once, by the same functions that serve a whole year in
one call, and again only if a sample, a correction or the calendar says something new about the time that it was
found from. The running day is never kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from analytics.availability import Availability, check_schedule, conclude, counted_part
from analytics.findings import Findings, examine, join
from facility.batch import Samples
from facility.definition import Definition
from facility.interval import Intervals
from facility.period import Period, day_of, month_of
from facility.schedule import Category, Plan, resolve
from facility.time import NS_PER_DAY, NS_PER_H, local_midnight, to_datetime
from kado.config import Configuration
from kado.queries.evidence import Known, Read, check_known, credible_extent, load_evidence, signals_of_evidence
from kado.queries.period_pieces import Progress, user_time_until
from kado.queries.read_around import read_around
from kado.queries.record import Record
from storage.store import TelemetryStore

_FOR_EVER: Final = 1 << 62
_AROUND_NS: Final = NS_PER_H + NS_PER_H // 10
"""So far around the days of a step nearly every look reaches: an hour, and what a witness needs before it."""
_BEFORE_ANY_NS: Final = 31 * NS_PER_DAY
"""So long before the first sample of any signal of evidence a day has none to look for, in it or around it."""

Look = Callable[[Period, Known, Findings], None]
"""Given a day, or days that are examined together, all that was read for it, and what was found."""


@dataclass(frozen=True, slots=True)
class _Day:
    """What was found in a day, or a part of one."""

    findings: Findings
    start_ns: int
    """From here to `end_ns` reaches all that it was found from, held samples before it left out."""
    end_ns: int
    depends_from_ns: Mapping[str, int]
    """The same for single signals, where earlier."""
    number: int = 0
    """Which examination found it."""


class Days:
    """Availability of any period from its days; confined to the thread that made the store.

    Contract: `learn` before anything else, and again whenever calendar or corrections may have changed; `touched`
    for whatever comes into the store. Then `availability` is what `assess` says of the whole period.

    Parameters
    ----------
    recent
        Reads the days that may still change; None: the store does, as for all others.
    days_together
        How many days are examined in one step, at most, from the first of each month on: with many it is quicker, and
        more is examined again when something new is learned.
    """

    def __init__(
        self,
        configuration: Configuration,
        store: TelemetryStore,
        definition: Definition,
        extent: tuple[int, int],
        *,
        recent: Read | None = None,
        days_together: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self._configuration = configuration
        self._profile = configuration.profile
        self._store = store
        self._definition = definition
        self._extent = extent
        self._recent = recent or store.read
        self._days_together = days_together
        self._progress = progress
        self._signals = signals_of_evidence(configuration)
        found = [credible_extent(store, self._profile, signal) for signal in self._signals]
        self._first_ns = min((one[0] for one in found if one is not None), default=extent[0])
        self._corrections = Record().corrections
        self._plan = resolve(())
        self._kept: dict[tuple[int, int], _Day] = {}
        self.examined = 0
        """How many days, or parts of one, were examined so far."""

    @property
    def plan(self) -> Plan:
        """The calendar, with the definition's notice."""
        return self._plan

    def learn(self, record: Record) -> None:
        """Take the calendar and the corrections in force, and forget what they change."""
        plan = resolve(record.versions, notice_ns=self._definition.notice_ns)
        said = {c.id: c for c in record.corrections}.items() ^ {c.id: c for c in self._corrections}.items()
        if plan.blocks != self._plan.blocks and self._definition.limits_frozen_in_runs:
            # Where a run begins decides on the limits of all of it.
            self._kept.clear()
        for category in Category:
            self._forget(_difference(plan.intervals(category), self._plan.intervals(category)))
        self._forget(_difference(plan.cancelled, self._plan.cancelled))
        self._forget([(c.start_ns, c.end_ns) for _, c in said])
        self._plan, self._corrections = plan, record.corrections

    def touched(self, signal: str, spans: Intervals) -> None:
        """Forget what was found from samples of a signal stamped in `spans`."""
        if signal not in self._signals:
            return
        delivery = signal == self._profile.delivery_signal
        if int(spans.start[0]) < (max(self._first_ns, self._extent[0]) if delivery else self._first_ns):
            self._began_earlier(signal, delivery)
        stale_ns = self._signals[signal]
        held = [(a, self._holds_until(signal, b) if stale_ns is None else b + stale_ns) for a, b in spans]
        self._forget(held, signal)

    def _began_earlier(self, signal: str, delivery: bool) -> None:
        """Look whether the samples of a signal begin earlier than they did; stamps that cannot be true do not count."""
        found = credible_extent(self._store, self._profile, signal)
        if found is None:
            return
        if found[0] < self._first_ns:
            self._kept = {key: day for key, day in self._kept.items() if not self._before_any(key[1])}
            self._first_ns = found[0]
        if delivery and found[0] < self._extent[0]:
            # How far back to look was decided by where the samples begin.
            self._extent = (found[0], self._extent[1])
            self._kept.clear()

    @property
    def since_ns(self) -> int:
        """Stamp of the first sample of the delivery signal."""
        return self._extent[0]

    def missing(self, period: Period, now_ns: int) -> list[Period]:
        """Return the days of a period that are over and not kept, newest first."""
        part = counted_part(self._profile, period, now_ns)
        days = [d for d in self._days_of(part) if (d.start_ns, d.end_ns) not in self._kept and d.end_ns < now_ns]
        return days[::-1]

    def revision(self, period: Period, now_ns: int) -> int | None:
        """Return a number that rises when a day of the period is examined again; None while one is not kept."""
        part = counted_part(self._profile, period, now_ns)
        keys = [(d.start_ns, d.end_ns) for d in self._days_of(part)]
        if any(key not in self._kept for key in keys):
            return None
        return max((self._kept[key].number for key in keys), default=0)

    def examine(self, day: Period, now_ns: int) -> Findings:
        """Return what is found in a day, or a part of one."""
        return self._day(day, now_ns).findings

    def availability(self, period: Period, now_ns: int) -> Availability:
        """Return the availability of a period as known at an instant.

        Raises
        ------
        PeriodError
            If the period lies in the future, has no schedule, or nothing is known of it.
        """
        part = counted_part(self._profile, period, now_ns)
        check_schedule(self._profile, self._plan, part)
        check_known(self._profile, part, self._extent, self._corrections)
        days = [self._day(day, now_ns) for day in self._one_by_one(part)]
        findings = join([day.findings for day in days], period.id)
        return conclude(findings, self._profile, self._definition, period)

    def look_at(self, period: Period, now_ns: int, look: Look) -> None:
        """Examine a period again, and give each of its steps, in order of time, to `look`.

        What is found is kept as always. Raises what `availability` raises.
        """
        part = counted_part(self._profile, period, now_ns)
        check_schedule(self._profile, self._plan, part)
        check_known(self._profile, part, self._extent, self._corrections)
        for day in self._one_by_one(part):
            self._examine(day, now_ns, look)

    def findings(self, period: Period, now_ns: int) -> Findings:
        """Return what is found in a period, whether anything is scheduled and known in it or not."""
        part = counted_part(self._profile, period, now_ns)
        return join([self._day(day, now_ns).findings for day in self._days_of(part)], period.id)

    def _one_by_one(self, part: Period) -> Iterator[Period]:
        """Yield the steps of a part of a period, and say how much of it is done."""
        for day in self._days_of(part):
            if self._progress is not None:
                self._progress(day.start_ns - part.start_ns, part.length_ns)
            yield day

    def _days_of(self, part: Period) -> list[Period]:
        days: list[Period] = []
        at = part.start_ns
        while at < part.end_ns:
            day = day_of(at, self._profile.zone)
            days.append(Period(day.id, at, min(self._end_of_step(day), part.end_ns)))
            at = days[-1].end_ns
        return days

    def _end_of_step(self, day: Period) -> int:
        """Return the end of the days that are examined together with `day`; steps start again with each month."""
        if self._days_together == 1:
            return day.end_ns
        zone, last = self._profile.zone, month_of(day.start_ns, self._profile.zone).end_ns
        first = to_datetime(day.start_ns, zone).date()
        left = self._days_together - (first.day - 1) % self._days_together
        return min(local_midnight(first + timedelta(days=left), zone), last)

    def _day(self, day: Period, now_ns: int) -> _Day:
        return self._kept.get((day.start_ns, day.end_ns)) or self._examine(day, now_ns)

    def _examine(self, day: Period, now_ns: int, look: Look | None = None) -> _Day:
        read = self._store.read if day.end_ns < now_ns - NS_PER_DAY else self._recent
        if self._before_any(day.end_ns):
            read = self._read_nothing
        elif self._days_together > 1:
            read = read_around(read, day.start_ns - _AROUND_NS, day.end_ns + _AROUND_NS)
        definition, plan = self._definition, self._plan
        counts_until_ns = user_time_until(plan, day)
        if counts_until_ns is None and day.end_ns >= now_ns:
            # What the beam is right now is asked for in a shutdown too.
            counts_until_ns = day.end_ns
        known = load_evidence(
            self._configuration,
            read,
            self._extent,
            [definition],
            day,
            self._corrections,
            now_ns,
            plan.cancelled,
            counts_until_ns=counts_until_ns,
        )
        evidence = known.evidence
        findings = examine(evidence, self._profile, definition, plan, day, settled=known.settled)
        self.examined += 1
        if look is not None:
            look(day, known, findings)
        found = _Day(
            findings,
            evidence.start_ns - known.reach_ns,
            evidence.end_ns,
            known.depends_from_ns,
            self.examined,
        )
        # What lies before all samples stays as it is until earlier ones come.
        final = (known.closed and known.whole) or self._before_any(day.end_ns)
        if final and day.end_ns < now_ns:
            self._kept[(day.start_ns, day.end_ns)] = found
        return found

    def _before_any(self, end_ns: int) -> bool:
        """Whether a day that ends then lies so long before all samples that it has none around it."""
        return end_ns < self._first_ns - _BEFORE_ANY_NS

    def _read_nothing(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        del start_ns, end_ns, hold
        return Samples.empty(self._profile.id, signal)

    def _forget(self, spans: Iterable[tuple[int, int]], signal: str = "") -> None:
        """Forget the days that were found from what was learned, of a signal or of the plan and corrections."""

        def found_from(day: _Day, start_ns: int, end_ns: int) -> bool:
            return start_ns < day.end_ns and min(day.start_ns, day.depends_from_ns.get(signal, day.start_ns)) < end_ns

        for start, end in spans:
            for key in [k for k, day in self._kept.items() if found_from(day, start, end)]:
                del self._kept[key]

    def _holds_until(self, signal: str, ns: int) -> int:
        """Return until when a sample stamped before `ns`, of a signal that is sent on change, may hold."""
        newest = self._store.last([signal]).get(signal)
        while newest is not None and ns <= newest.time_ns:
            following = self._store.read(signal, ns, ns + NS_PER_DAY)
            if following:
                return int(following.time_ns[0])
            ns += NS_PER_DAY
        return _FOR_EVER


def _difference(one: Intervals, other: Intervals) -> Intervals:
    return (one - other) | (other - one)
