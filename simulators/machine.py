"""A simulated machine: everything that it does follows from profile, scenario and seed.

The unit of the profile's delivery signal says what it is: mA a storage ring, mJ a free-electron laser, kW a
spallation source. History and live use are the same arrays, made a UTC day at a time; any day can be made alone.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from facility.batch import NO_WORD, Batch, Float64, Int64, Samples
from facility.definition import Definition, load_definition
from facility.errors import ScenarioError
from facility.interval import Intervals
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import Plan, ScheduleVersion
from facility.sentence import Sentence
from facility.signals import LINK_HEARTBEAT_NS
from facility.source import LinkReport
from facility.time import NS_PER_DAY, NS_PER_S, Clock, format_time, to_ns
from simulators import monitors
from simulators.answer_key import AnswerKey
from simulators.answers import DayTruth, answer
from simulators.calendar import Calendar
from simulators.fault_injection import FaultInjection
from simulators.faults import Fault, FaultProcess, Interventions, repairs_of
from simulators.free_electron_laser import FreeElectronLaser
from simulators.plant import Plant
from simulators.scenario import Effect, Scenario
from simulators.spallation_source import SpallationSource
from simulators.storage_ring import StorageRing
from simulators.transport import ON_THE_WAY, hold_back, send

_PLANTS: Final[dict[str, type[Plant]]] = {
    "mA": StorageRing,
    "mJ": FreeElectronLaser,
    "kW": SpallationSource,
}
"""By the unit of the delivery signal."""
LINK_TIMEOUT_S: Final = 5.0
"""A lost link is noticed this long after the last sample's hold has run out, as a keep-alive would."""
NOTICED_EVERY_NS: Final = 60 * NS_PER_S
"""A broker that is gone is noticed on a whole multiple of this."""


class Machine:
    """A machine with its calendar, its faults and its instruments.

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
                Sentence(
                    "facility {profile} is a real one: a simulator writes only to a profile with "
                    "simulated = true, such as nanoterasu_sim",
                    profile=profile.id,
                )
            )
        if seed < 0:
            raise ScenarioError(Sentence("seed {seed} is negative: use 0, 1, 2, ...", seed=seed))
        self.profile = profile
        self.scenario = scenario
        self.seed = seed
        kind = _PLANTS.get(profile.delivery.unit)
        if kind is None:
            raise ScenarioError(
                Sentence(
                    "facility {profile}: no model delivers {delivery_signal} in {unit!r}; there are "
                    "models for {plants}",
                    profile=profile.id,
                    delivery_signal=profile.delivery_signal,
                    unit=profile.delivery.unit,
                    plants=", ".join(_PLANTS),
                )
            )
        self.calendar = Calendar.of(
            profile,
            long_shutdowns=scenario.calendar.long_shutdowns,
            shutdowns=tuple((s.start, s.end) for s in scenario.calendar.shutdowns),
            beamlines=kind.beamlines,
        )
        repairs = repairs_of(scenario.repairs)
        self._faults = FaultProcess(scenario.faults, seed, self.calendar, Interventions.of((), repairs))
        self._plant = kind(profile, scenario, self._faults, self.calendar, seed)
        self._last_day: tuple[int, Interventions, Batch] | None = None
        self.injection = FaultInjection(self._faults, profile, repairs)
        self._check_mode_words()

    @property
    def signals(self) -> tuple[str, ...]:
        """The profile's signals that the machine delivers, in its order."""
        known = {self.profile.delivery_signal, self.profile.delivery.witness, self.profile.mode_signal}
        return tuple(s.id for s in self.profile.signals if s.id in known or self._plant.knows(s.id))

    def schedule(self, start_ns: int, end_ns: int) -> tuple[ScheduleVersion, ...]:
        """Return the calendars of the fiscal years that touch ``[start_ns, end_ns)``."""
        return self.calendar.versions(start_ns, end_ns)

    def plan(self, start_ns: int, end_ns: int) -> Plan:
        """Return what is planned in those fiscal years."""
        return self.calendar.plan(start_ns, end_ns)

    def faults(self, start_ns: int, end_ns: int) -> tuple[Fault, ...]:
        """Return everything that is broken in ``[start_ns, end_ns)``, uncut, in order of time."""
        return self._faults.between(start_ns, end_ns)

    def history(self, start_ns: int, end_ns: int, *, by_signal: bool = False) -> Iterator[Batch]:
        """Yield the samples sent in ``[start_ns, end_ns)``, in that order, at most a UTC day at once.

        A sample is sent at its stamp, and `Batch.arrival_ns` says so, but for faults of clock and order.

        Parameters
        ----------
        by_signal
            For callers that split each batch by signal, which then takes half the time: the same samples,
            one signal's after the other's, but on days on which something befalls them on their way.
        """
        for day in range(start_ns // NS_PER_DAY, (end_ns - 1) // NS_PER_DAY + 1):
            batch = self._untouched_day(day) if by_signal else None
            batch = cut(self.day(day), start_ns, end_ns) if batch is None else _within(batch, start_ns, end_ns)
            if len(batch):
                yield batch

    def follow(self, now: Clock) -> None:
        """Run live: the clock gives the simulated instant."""
        self.injection.follow(now)

    def release(self, end_ns: int) -> None:
        """Take note that what comes before `end_ns` is out and can no longer change."""
        self.injection.release(end_ns)

    def links(self, start_ns: int, end_ns: int) -> tuple[LinkReport, ...]:
        """Return what the link to the machine reports in ``[start_ns, end_ns)``.

        A loss is noticed once the last sample's hold has run out, so that it makes nothing unknown which was
        not so already; an outage shorter than that is not noticed. That a broker is gone is noticed on a whole
        minute, at a stamp of every signal, since what is stamped meanwhile comes in the end.
        """
        reports: list[LinkReport] = []
        for down, up in self._lost_links(start_ns, end_ns):
            reports += [LinkReport(down, "down", "simulated outage"), LinkReport(up, "up")]
        return tuple(r for r in reports if start_ns <= r.time_ns < end_ns)

    def heartbeats(self, start_ns: int, end_ns: int) -> Int64:
        """Return when the link, being up, says so again in ``[start_ns, end_ns)``: (n,) UTC ns, increasing.

        Without them a signal that is sent on change would hold no longer than `facility.signals.LINK_HOLD_NS`.
        """
        times = np.arange(-(-start_ns // LINK_HEARTBEAT_NS) * LINK_HEARTBEAT_NS, end_ns, LINK_HEARTBEAT_NS)
        lost = self._lost_links(start_ns, end_ns)
        return times[~lost.cover(times)]

    def link_is_lost(self, ns: int) -> bool:
        """Whether the link is reported down at an instant."""
        return self._lost_links(ns, ns + 1).contains(ns)

    def _lost_links(self, start_ns: int, end_ns: int) -> Intervals:
        """Return when the link is reported down, uncut, near ``[start_ns, end_ns)``."""
        notice = (self.profile.delivery.stale_after_ns or 0) + to_ns(LINK_TIMEOUT_S)
        faults = self._faults.between(start_ns - 1, end_ns + 1, Effect.LINK_OUTAGE)
        silent = Intervals.of((f.start_ns, f.end_ns) for f in faults)
        lost = [(start + notice, end) for start, end in silent]
        for start, end in self._broker_outages(start_ns - 1, end_ns + 1):
            noticed = -(-(start + notice) // NOTICED_EVERY_NS) * NOTICED_EVERY_NS
            lost.append((noticed, end))
        return Intervals.of((down, up) for down, up in lost if down < up)

    def _broker_outages(self, start_ns: int, end_ns: int) -> Intervals:
        """Return when the broker is gone, uncut, near ``[start_ns, end_ns)``."""
        while faults := self._faults.between(start_ns, end_ns, Effect.BROKER_OUTAGE):
            first, last = min(start_ns, faults[0].start_ns), max(end_ns, *(f.end_ns + 1 for f in faults))
            if (first, last) == (start_ns, end_ns):
                break
            # Another one may begin before these are over.
            start_ns, end_ns = first, last
        return Intervals.of((f.start_ns, f.end_ns) for f in faults)

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
            raise ScenarioError(
                Sentence(
                    "the period of an answer key ends at {end_ns}, not after its start", end_ns=format_time(end_ns)
                )
            )
        return answer(
            self.profile,
            definition or load_definition(self.profile.definition),
            self.plan(start_ns, end_ns),
            self.faults(start_ns, end_ns),
            self._truth(start_ns, end_ns),
            (start_ns, end_ns),
            scenario=self.scenario.id,
            seed=self.seed,
            links=tuple((r.time_ns, r.state) for r in self.links(start_ns, end_ns)),
        )

    def _truth(self, start_ns: int, end_ns: int) -> Iterator[DayTruth]:
        profile = self.profile
        mode, witness = profile.mode_signal, profile.delivery.witness
        for day in range(start_ns // NS_PER_DAY, (end_ns - 1) // NS_PER_DAY + 1):
            times, beam = self.stored_current(day)
            inside = slice(*np.searchsorted(times, [start_ns, end_ns]).tolist())
            seen = dict(self._stamped_on(day, start_ns, end_ns).by_signal())
            good_ns, good_ma = self._good(seen.get(profile.delivery_signal))
            witness_ns, witness_value = self._good(None if witness is None else seen.get(witness))
            said = None if mode is None else seen.get(mode)
            yield DayTruth(
                times[inside],
                beam[inside],
                good_ns,
                good_ma,
                witness_ns,
                witness_value,
                () if said is None else tuple(zip(said.time_ns.tolist(), said.state_words(), strict=True)),
            )

    def _good(self, samples: Samples | None) -> tuple[Int64, Float64]:
        """Return stamps and values of the samples that are good and can be true."""
        if samples is None:
            return np.empty(0, np.int64), np.empty(0)
        highest = self.profile.signal(samples.signal).physical_max
        good = (samples.quality == Quality.GOOD) & (samples.value <= (np.inf if highest is None else highest))
        return samples.time_ns[good], samples.value[good]

    def _stamped_on(self, day: int, start_ns: int, end_ns: int) -> Batch:
        """Return what is sent in ``[start_ns, end_ns)`` and stamped in it on a UTC day, in the order of sending."""
        batches = [cut(self.day(day), start_ns, end_ns)]
        days = {
            beside
            for beside in (day - 1, day + 1)
            if self._faults.between(beside * NS_PER_DAY, (beside + 1) * NS_PER_DAY, Effect.CLOCK_STEP)
        }
        # What was held back is out on the day on which the broker came back.
        for around in (day - 1, day, day + 1):
            days |= {b // NS_PER_DAY for _, b in self._broker_outages(around * NS_PER_DAY, (around + 1) * NS_PER_DAY)}
        for beside in sorted(days - {day}):
            batches.insert(len(batches) if beside > day else 0, cut(self.day(beside), start_ns, end_ns))
        joined = Batch.concat(batches)
        since, until = max(start_ns, day * NS_PER_DAY), min(end_ns, (day + 1) * NS_PER_DAY)
        wanted = (self.profile.delivery_signal, self.profile.delivery.witness, self.profile.mode_signal)
        chosen = np.array([name in wanted for name in joined.signals])[joined.signal]
        return joined.take(chosen & (joined.time_ns >= since) & (joined.time_ns < until))

    def day(self, day: int) -> Batch:
        """Return all samples that are sent on a UTC day, counted from 1970, in that order."""
        interventions, known = self._faults.interventions, self._last_day
        if known is None or known[0] != day or known[1] is not interventions:
            known = (day, interventions, self._make_day(day))
            self._last_day = known
        return known[2]

    def stored_current(self, day: int) -> tuple[Int64, Float64]:
        """Return what is truly delivered at the delivery signal's stamps of a UTC day, whatever was seen of it."""
        times = monitors.stamps(day, self.profile.delivery.period_s or 1.0)
        return times, self._plant.delivered(day, times)

    # --------------------------------------------------------- the instruments

    def _make_day(self, day: int) -> Batch:
        """Return what is out on a UTC day, what a broker that was gone held back until then included."""
        start, end = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
        outages = self._broker_outages(start - 1, end)
        if not outages:
            return self._send_day(day)
        waiting = [
            _within(self._send_day(earlier), a, b)
            for a, b in outages
            if a < start <= b < end
            for earlier in range(a // NS_PER_DAY, day)
        ]
        return hold_back(Batch.concat([*waiting, self._send_day(day)]), outages, end)

    def _send_day(self, day: int) -> Batch:
        """Return what is sent on a UTC day, whether or not there is a broker to take it."""
        faults = self.faults(day * NS_PER_DAY, (day + 1) * NS_PER_DAY)
        measured = self._measured(day, faults)
        # In order of time; at equal times in the profile's order.
        in_order = np.argsort(measured.time_ns, kind="stable").astype(np.int64, copy=False)
        return send(self.seed, day, measured.take(in_order), faults)

    def _untouched_day(self, day: int) -> Batch | None:
        """Return what is sent on a UTC day, signal by signal; None if it may not be what was measured."""
        start, end = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
        faults = self.faults(start, end)
        if any(fault.effect in ON_THE_WAY for fault in faults) or self._broker_outages(start - 1, end):
            return None
        return self._measured(day, faults)

    def _measured(self, day: int, faults: tuple[Fault, ...]) -> Batch:
        """Return what the instruments measure on a UTC day: one signal after the other, each in order of time."""
        numbers: list[tuple[int, monitors.Readings]] = []
        states: list[tuple[int, Int64, list[str]]] = []
        delivered: dict[float, tuple[Int64, Float64]] = {}
        for code, name in enumerate(self.signals):
            if self.profile.signal(name).type == "state":
                told = self._mode(day, faults) if name == self.profile.mode_signal else self._plant.state(name, day)
                states.append((code, *told))
                continue
            period_s = self.profile.signal(name).period_s or 1.0
            if period_s not in delivered:
                times = monitors.stamps(day, period_s)
                delivered[period_s] = (times, self._plant.delivered(day, times))
            numbers.append((code, self._number(name, day, *delivered[period_s], faults)))
        return self._batch(numbers, states)

    def _number(self, name: str, day: int, times: Int64, beam: Float64, faults: tuple[Fault, ...]) -> monitors.Readings:
        delivery, plant = self.profile.delivery, self._plant
        if name == delivery.id:
            readings = monitors.good(times, plant.monitor(name, day, beam))
            if not faults:
                return readings
            zero = plant.monitor(name, day, np.zeros(len(times)))
            return monitors.delivery_faults(readings, zero, self._delivered_at, delivery.physical_max, faults)
        if name != delivery.witness:
            return plant.number(name, day, times, beam)
        readings = monitors.good(times, plant.witness(name, day, beam))

        def stuck(ns: int) -> float:
            return float(plant.witness(name, ns // NS_PER_DAY, np.array([self._delivered_at(ns)]))[0])

        return monitors.witness_faults(readings, stuck, faults) if faults else readings

    def _delivered_at(self, ns: int) -> float:
        times = np.array([ns // NS_PER_S * NS_PER_S], np.int64)
        return round(float(self._plant.delivered(int(times[0]) // NS_PER_DAY, times)[0]), 3)

    def _mode(self, day: int, faults: tuple[Fault, ...]) -> tuple[Int64, list[str]]:
        forgotten = [
            (f.start_ns, f.end_ns, monitors.MODE_WORDS[self.calendar.blocks(f.start_ns, f.start_ns + 1)[0].category])
            for f in faults
            if f.effect is Effect.MODE_FORGOTTEN
        ]
        blocks = self.calendar.blocks(day * NS_PER_DAY, (day + 1) * NS_PER_DAY)
        return monitors.machine_mode(day, blocks, forgotten)

    def _batch(self, numbers: list[tuple[int, monitors.Readings]], states: list[tuple[int, Int64, list[str]]]) -> Batch:
        words = tuple(dict.fromkeys(word for _, _, said in states for word in said))
        code_of = {word: code for code, word in enumerate(words)}
        columns = [
            (code, r.time_ns, r.value, r.quality, np.full(len(r.time_ns), NO_WORD, np.int32)) for code, r in numbers
        ]
        for code, times, said in states:
            none, good = np.full(len(times), np.nan), np.full(len(times), Quality.GOOD, np.uint8)
            columns.append((code, times, none, good, np.array([code_of[word] for word in said], np.int32)))
        columns.sort(key=lambda column: column[0])
        codes = np.array([column[0] for column in columns], np.int32)
        signal = np.repeat(codes, [len(column[1]) for column in columns])
        times, value, quality, state = (np.concatenate(parts) for parts in list(zip(*columns, strict=True))[1:])
        return Batch.build(
            self.profile.id, self.signals, signal, times, value=value, state=state, quality=quality, words=words
        )

    def _check_mode_words(self) -> None:
        if self.profile.mode_signal is None:
            return
        known = self.profile.signal(self.profile.mode_signal).words
        if missing := sorted(set(monitors.MODE_WORDS.values()) - set(known)):
            raise ScenarioError(
                Sentence(
                    "facility {profile}: {mode_signal} has no word {missing!r}, which the simulated "
                    "machine says; add it to words",
                    profile=self.profile.id,
                    mode_signal=self.profile.mode_signal,
                    missing=missing[0],
                )
            )


def _within(batch: Batch, start_ns: int, end_ns: int) -> Batch:
    """Return the samples of a batch that are sent in ``[start_ns, end_ns)``."""
    inside = (batch.arrival_ns >= start_ns) & (batch.arrival_ns < end_ns)
    return batch if bool(inside.all()) else batch.take(inside)


def cut(batch: Batch, start_ns: int, end_ns: int) -> Batch:
    """Return the samples of a batch, in the order in which they are sent, that are sent in ``[start_ns, end_ns)``."""
    first, last = np.searchsorted(batch.arrival_ns, [start_ns, end_ns]).tolist()
    if (first, last) == (0, len(batch)):
        return batch
    return batch.take(np.arange(first, last, dtype=np.int64))
