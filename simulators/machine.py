"""A simulated storage ring: everything that it does follows from profile, scenario and seed.

History and live use are the same arrays, made a UTC day at a time; any day can be made alone.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from facility.batch import NO_WORD, Batch, Float64, Int32, Int64
from facility.definition import Definition, load_definition
from facility.errors import ScenarioError
from facility.interval import Intervals
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import Plan, ScheduleVersion
from facility.source import LinkReport
from facility.time import NS_PER_DAY, format_time, to_ns
from simulators import monitors
from simulators.answer_key import AnswerKey
from simulators.answers import DayTruth, answer
from simulators.calendar import Calendar
from simulators.faults import Fault, FaultProcess
from simulators.operation import Operation
from simulators.ring import Decay
from simulators.scenario import Effect, Scenario
from simulators.targets import Targets

LIFETIME_SIGNAL: Final = "beam_lifetime"
LINK_TIMEOUT_S: Final = 5.0
"""A lost link is noticed this long after the last sample's hold has run out, as a keep-alive would."""


class Machine:
    """A storage ring with its calendar, its faults and its instruments.

    Parameters
    ----------
    profile
        Of a simulated facility: signals, limits, zone.
    scenario
        What goes wrong, and how often.
    seed
        Not negative; the same seed gives the same bytes.

    Raises
    ------
    ScenarioError
        If the facility is not a simulated one, or the scenario does not fit it.
    """

    def __init__(self, profile: Profile, scenario: Scenario, seed: int = 1) -> None:
        if not profile.simulated:
            raise ScenarioError(
                f"facility {profile.id} is a real one: a simulator writes only to a profile with simulated = true, "
                "such as nanoterasu_sim"
            )
        if seed < 0:
            raise ScenarioError(f"seed {seed} is negative: use 0, 1, 2, ...")
        self.profile = profile
        self.scenario = scenario
        self.seed = seed
        self.calendar = Calendar.of(profile, long_shutdowns=scenario.calendar.long_shutdowns)
        self._faults = FaultProcess(scenario.faults, seed, self.calendar)
        targets = Targets.of(profile, scenario)
        self._operation = Operation(scenario.ring, targets, self._faults, self.calendar, seed)
        self._decay = Decay.of(scenario.ring)
        self._last_day: tuple[int, Batch] | None = None
        self._check_mode_words()

    @property
    def signals(self) -> tuple[str, ...]:
        """The profile's signals that the machine delivers, in its order."""
        known = {self.profile.delivery_signal, self.profile.delivery.witness, self.profile.mode_signal, LIFETIME_SIGNAL}
        return tuple(s.id for s in self.profile.signals if s.id in known)

    def schedule(self, start_ns: int, end_ns: int) -> tuple[ScheduleVersion, ...]:
        """Return the calendars of the fiscal years that touch ``[start_ns, end_ns)``."""
        return self.calendar.versions(start_ns, end_ns)

    def plan(self, start_ns: int, end_ns: int) -> Plan:
        """Return what is planned in those fiscal years."""
        return self.calendar.plan(start_ns, end_ns)

    def faults(self, start_ns: int, end_ns: int) -> tuple[Fault, ...]:
        """Return everything that is broken in ``[start_ns, end_ns)``, uncut, in order of time."""
        return self._faults.between(start_ns, end_ns)

    def history(self, start_ns: int, end_ns: int) -> Iterator[Batch]:
        """Yield the samples stamped in ``[start_ns, end_ns)`` in order of time, at most a UTC day at once."""
        for day in range(start_ns // NS_PER_DAY, (end_ns - 1) // NS_PER_DAY + 1):
            batch = cut(self.day(day), start_ns, end_ns)
            if len(batch):
                yield batch

    def links(self, start_ns: int, end_ns: int) -> tuple[LinkReport, ...]:
        """Return what the link to the machine reports in ``[start_ns, end_ns)``.

        A loss is noticed once the last sample's hold has run out, so that it makes nothing unknown which was
        not so already; an outage shorter than that is not noticed.
        """
        reports: list[LinkReport] = []
        for down, up in self._lost_links(start_ns, end_ns):
            reports += [LinkReport(down, "down", "simulated link outage"), LinkReport(up, "up")]
        return tuple(r for r in reports if start_ns <= r.time_ns < end_ns)

    def link_is_lost(self, ns: int) -> bool:
        """Whether the link is reported down at an instant."""
        return self._lost_links(ns, ns + 1).contains(ns)

    def _lost_links(self, start_ns: int, end_ns: int) -> Intervals:
        """Return when the link is reported down, uncut, near ``[start_ns, end_ns)``."""
        notice = (self.profile.delivery.stale_after_ns or 0) + to_ns(LINK_TIMEOUT_S)
        faults = self._faults.between(start_ns - 1, end_ns + 1, Effect.LINK_OUTAGE)
        silent = Intervals.of((f.start_ns, f.end_ns) for f in faults)
        return Intervals.of((start + notice, end) for start, end in silent)

    def answer_key(self, start_ns: int, end_ns: int, definition: Definition | None = None) -> AnswerKey:
        """Return what truly happened in ``[start_ns, end_ns)``, and what is to be found in its samples alone.

        Parameters
        ----------
        definition
            Whose rules to count by; None: the profile's.

        Raises
        ------
        ScenarioError
            If the period begins before the profile's first limits, or is empty.
        """
        if end_ns <= start_ns:
            raise ScenarioError(f"the period of an answer key ends at {format_time(end_ns)}, not after its start")
        return answer(
            self.profile,
            definition or load_definition(self.profile.definition),
            self.plan(start_ns, end_ns),
            self.faults(start_ns, end_ns),
            self._truth(start_ns, end_ns),
            (start_ns, end_ns),
            scenario=self.scenario.id,
            seed=self.seed,
        )

    def _truth(self, start_ns: int, end_ns: int) -> Iterator[DayTruth]:
        delivery = self.profile.delivery_signal
        for day in range(start_ns // NS_PER_DAY, (end_ns - 1) // NS_PER_DAY + 1):
            times, beam = self.stored_current(day)
            inside = slice(*np.searchsorted(times, [start_ns, end_ns]).tolist())
            batch = cut(self.day(day), start_ns, end_ns)
            good = (batch.signal == batch.signals.index(delivery)) & (batch.quality == Quality.GOOD)
            yield DayTruth(times[inside], beam[inside], batch.time_ns[good], batch.value[good])

    def day(self, day: int) -> Batch:
        """Return all samples of a UTC day, counted from 1970, in order of time."""
        if self._last_day is None or self._last_day[0] != day:
            self._last_day = (day, self._make_day(day))
        return self._last_day[1]

    def stored_current(self, day: int) -> tuple[Int64, Float64]:
        """Return the true current in mA at the delivery signal's stamps of a UTC day, whatever was seen of it."""
        times = monitors.stamps(day, self.profile.delivery.period_s or 1.0)
        return times, self._operation.current(day, times)

    # --------------------------------------------------------- the instruments

    def _make_day(self, day: int) -> Batch:
        profile, ring, seed = self.profile, self.scenario.ring, self.seed
        faults = self.faults(day * NS_PER_DAY, (day + 1) * NS_PER_DAY)
        readings: dict[str, monitors.Readings] = {}
        words: tuple[str, ...] = ()
        codes: Int32 = np.empty(0, np.int32)
        for name in self.signals:
            if name == profile.mode_signal:
                times, said = monitors.machine_mode(day, self.calendar.blocks(day * NS_PER_DAY, (day + 1) * NS_PER_DAY))
                words = tuple(dict.fromkeys(said))
                codes = np.array([words.index(word) for word in said], np.int32)
                good = np.full(len(times), Quality.GOOD, np.uint8)
                readings[name] = monitors.Readings(times, np.full(len(times), np.nan), good)
                continue
            times = monitors.stamps(day, profile.signal(name).period_s or 1.0)
            beam = self._operation.current(day, times)
            if name == profile.delivery_signal:
                seen = monitors.current_monitor(seed, name, day, times, beam, ring)
                readings[name] = monitors.with_faults(seed, name, day, times, seen, faults, ring)
            elif name == LIFETIME_SIGNAL:
                readings[name] = monitors.lifetime_monitor(seed, name, day, times, beam, self._decay)
            else:
                readings[name] = monitors.second_monitor(seed, name, day, times, beam, ring)
        return self._batch(readings, codes, words, faults)

    def _batch(
        self, readings: dict[str, monitors.Readings], mode: Int32, words: tuple[str, ...], faults: tuple[Fault, ...]
    ) -> Batch:
        names = list(readings)
        lengths = [len(r.time_ns) for r in readings.values()]
        state = [
            mode if name == self.profile.mode_signal else np.full(length, NO_WORD, np.int32)
            for name, length in zip(names, lengths, strict=True)
        ]
        batch = Batch.build(
            self.profile.id,
            names,
            np.repeat(np.arange(len(names)), lengths),
            np.concatenate([r.time_ns for r in readings.values()]),
            value=np.concatenate([r.value for r in readings.values()]),
            state=np.concatenate(state),
            quality=np.concatenate([r.quality for r in readings.values()]),
            words=words,
        )
        order: Int64 = np.argsort(batch.time_ns, kind="stable").astype(np.int64, copy=False)
        if any(f.effect is Effect.LINK_OUTAGE for f in faults):
            silent = monitors.inside(batch.time_ns[order], faults, Effect.LINK_OUTAGE)
            order = np.compress(~silent, order)
        return batch.take(order)

    def _check_mode_words(self) -> None:
        if self.profile.mode_signal is None:
            return
        known = self.profile.signal(self.profile.mode_signal).words
        if missing := sorted(set(monitors.MODE_WORDS.values()) - set(known)):
            raise ScenarioError(
                f"facility {self.profile.id}: {self.profile.mode_signal} has no word {missing[0]!r}, which the "
                f"simulated machine says; add it to words"
            )


def cut(batch: Batch, start_ns: int, end_ns: int) -> Batch:
    """Return the samples of a batch in order of time that are stamped in ``[start_ns, end_ns)``."""
    first, last = np.searchsorted(batch.time_ns, [start_ns, end_ns]).tolist()
    if (first, last) == (0, len(batch)):
        return batch
    return batch.take(np.arange(first, last, dtype=np.int64))
