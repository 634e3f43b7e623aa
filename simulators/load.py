"""A load to try a pipeline with: many signals at a high rate, and beam that dips so that there is something to find.

Every 20 s, counted from 1970, the first signal is without beam for 4 s. All time is user time.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from facility.batch import Batch, Int64
from facility.definition import load_definition
from facility.documents import build
from facility.errors import ProfileError, ScenarioError
from facility.profile import Profile
from facility.schedule import Block, Category, Plan, ScheduleVersion, resolve
from facility.sentence import Sentence
from facility.source import LinkReport
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, Clock, to_ns
from simulators.answer_key import AnswerKey
from simulators.answers import DayTruth, answer
from simulators.faults import Fault
from simulators.scenario import Effect
from simulators.seeds import stream

DIP_EVERY_NS: Final = 20 * NS_PER_S
DIP_NS: Final = 4 * NS_PER_S
CURRENT_MA: Final = 200.0

_PROFILE: Final = """\
# A load of {signals} signals at {rate_hz:g} Hz.
id = "{facility}"
name = {{ en = "Load (simulated)", ja = "負荷（模擬）" }}
time_zone = "Asia/Tokyo"
delivery_signal = "load_00"
simulated = true

[[limits]]
from = 2000-01-01
nominal = 199.0
tolerance = 195.0
minimum = 10.0
"""
_SIGNAL: Final = """
[[signal]]
id = "{name}"
unit = "mA"
period_s = {period_s!r}
stale_after_s = 10.0
physical_max = 600.0
"""


@dataclass(frozen=True)
class Load:
    """`signals` number signals, ``load_00`` and on, each at `rate_hz`; seeded."""

    signals: int = 20
    rate_hz: float = 10.0
    seed: int = 1
    facility: str = "load_sim"

    def __post_init__(self) -> None:
        if not 1 <= self.signals <= 1000 or not 0.01 <= self.rate_hz <= 1000:
            raise ScenarioError(
                Sentence(
                    "a load of {signals} signals at {rate_hz:g} Hz: use 1 to 1000 signals at 0.01 to 1000 Hz",
                    signals=self.signals,
                    rate_hz=self.rate_hz,
                )
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The signals."""
        return tuple(f"load_{i:02}" for i in range(self.signals))

    @property
    def period_ns(self) -> int:
        """Time between samples of a signal."""
        return to_ns(1 / self.rate_hz)

    @property
    def profile_toml(self) -> str:
        """A facility profile for it, to be written to a file."""
        period_s = self.period_ns / NS_PER_S
        head = _PROFILE.format(signals=self.signals, rate_hz=self.rate_hz, facility=self.facility)
        return head + "".join(_SIGNAL.format(name=name, period_s=period_s) for name in self.names)

    @cached_property
    def profile(self) -> Profile:
        """That profile."""
        return build(Profile, tomllib.loads(self.profile_toml), "profile of the load", ProfileError)

    def history(self, start_ns: int, end_ns: int) -> Iterator[Batch]:
        """Yield the samples stamped in ``[start_ns, end_ns)``, in order of time, at most an hour at once."""
        for hour in range(start_ns // NS_PER_H, (end_ns - 1) // NS_PER_H + 1):
            # Everything of a second is made at once, so that it does not depend on what is asked for.
            since, until = max(start_ns, hour * NS_PER_H), min(end_ns, (hour + 1) * NS_PER_H)
            seconds = [self._second(s) for s in range(since // NS_PER_S, (until - 1) // NS_PER_S + 1)]
            times = np.concatenate([t for t, _ in seconds])
            value = np.concatenate([v for _, v in seconds])
            inside = (times >= since) & (times < until)
            times, value = times[inside], value[inside]
            if len(times):
                codes = np.tile(np.arange(self.signals), len(times))
                yield Batch.build(self.facility, self.names, codes, np.repeat(times, self.signals), value=value.ravel())

    def follow(self, now: Clock) -> None:
        """Nothing: a load takes no faults."""

    def release(self, end_ns: int) -> None:
        """Nothing: a load takes no faults."""

    def links(self, start_ns: int, end_ns: int) -> tuple[LinkReport, ...]:
        """Return nothing: the link of a load does not fail."""
        return ()

    def schedule(self, start_ns: int, end_ns: int) -> tuple[ScheduleVersion, ...]:
        """Return a calendar of nothing but user time around ``[start_ns, end_ns)``, published long before."""
        first, last = start_ns // NS_PER_DAY - 1, end_ns // NS_PER_DAY + 2
        block = Block(first * NS_PER_DAY, last * NS_PER_DAY, Category.USER)
        return (ScheduleVersion.of(block.start_ns - 60 * NS_PER_DAY, [block]),)

    def plan(self, start_ns: int, end_ns: int) -> Plan:
        """Return that calendar, resolved."""
        return resolve(self.schedule(start_ns, end_ns))

    def answer_key(self, start_ns: int, end_ns: int) -> AnswerKey:
        """Return what is to be found in the samples of ``[start_ns, end_ns)``."""
        dips = range(start_ns // DIP_EVERY_NS, (end_ns - 1) // DIP_EVERY_NS + 1)
        faults = [Fault(d * DIP_EVERY_NS, d * DIP_EVERY_NS + DIP_NS, "load", Effect.BEAM_DUMP) for d in dips]
        return answer(
            self.profile,
            load_definition(self.profile.definition),
            self.plan(start_ns, end_ns),
            tuple(f for f in faults if f.end_ns > start_ns),
            self._truth(start_ns, end_ns),
            (start_ns, end_ns),
            scenario="load",
            seed=self.seed,
        )

    def _truth(self, start_ns: int, end_ns: int) -> Iterator[DayTruth]:
        for batch in self.history(start_ns, end_ns):
            first = batch.signal == 0
            times, value = batch.time_ns[first], batch.value[first]
            yield DayTruth(times, value, times, value)

    def _second(self, second: int) -> tuple[Int64, np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
        """Return the stamps in one second, and a row of values for each."""
        first, last = -(-second * NS_PER_S // self.period_ns), -(-(second + 1) * NS_PER_S // self.period_ns)
        times = np.arange(first, last, dtype=np.int64) * self.period_ns
        noise = stream(self.seed, "load", second).standard_normal((len(times), self.signals))
        value = CURRENT_MA + 0.05 * noise
        value[times % DIP_EVERY_NS < DIP_NS, 0] = 0.0
        return times, np.round(value, 3)
