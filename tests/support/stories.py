"""Short stories of the beam of the made-up ring, told in seconds, and what the accounting makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analytics.availability import Availability, counted_part
from analytics.evidence import Evidence
from facility.batch import Samples
from facility.corrections import Assertion, Correction
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Block, Category, Plan, ScheduleVersion, resolve
from facility.time import NS_PER_DAY, NS_PER_S
from made_up_ring import SIGNAL, T0, at, ring, step
from made_up_ring import rules as definition
from one_period import assess

GAP = None
"""In a story: no samples."""

Beam = Sequence[tuple[float, float | None]]
"""A beam told as (seconds, value)."""


def profile(**changes: Any) -> Profile:
    """The made-up ring with limits a little lower, a witness and a mode; changed as asked."""
    limits = step(-2e8, nominal=200.0, recovered=190.0, tolerance=180.0, minimum=20.0)
    document = ring(limits, witness="second_monitor").model_dump(by_alias=True)
    return Profile.model_validate(document | {"mode_signal": "mode"} | changes, strict=False)


def told(signal: str, segments: Beam, step_s: float = 1.0) -> Samples:
    """Return numbers told as (seconds, value): a sample each step, none where the value is GAP."""
    times: list[int] = []
    values: list[float] = []
    second = 0.0
    for length, value in segments:
        if value is not None:
            here = np.arange(0, length, step_s)
            times += [at(second + s) for s in here.tolist()]
            values += [value] * len(here)
        second += length
    return Samples.sorted("ring", signal, times, values)


def states(signal: str, changes: Mapping[float, str]) -> Samples:
    """Return a state told as {second: word}, sent on change."""
    words = tuple(dict.fromkeys(changes.values()))
    codes = [words.index(w) for w in changes.values()]
    times = [at(s) for s in changes]
    return Samples.sorted("ring", signal, times, [np.nan] * len(times), state=codes, words=words)


def said(assertion: Assertion, start: float, end: float, **more: Any) -> Correction:
    """Return a correction of a stretch of the story."""
    return Correction(1, at(start), at(end), assertion, "Operator", "it was so", at(end), **more)


@dataclass(frozen=True)
class Story:
    """A beam, and all that was recorded beside it; `count` says what the accounting makes of it."""

    beam: Beam
    user: Sequence[tuple[float, float]] = ()
    """User blocks in seconds; the whole story if none is given."""
    rules: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    plan: Plan | None = None
    profile: Profile = field(default_factory=profile)
    step_s: float = 1.0
    """Between two samples."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return sum(length for length, _ in self.beam)

    def planned(self) -> Plan:
        """Return its calendar, published two months ahead."""
        if self.plan is not None:
            return self.plan
        blocks = [Block(at(a), at(b), Category.USER) for a, b in self.user or [(0, self.seconds)]]
        return resolve([ScheduleVersion.of(T0 - 60 * NS_PER_DAY, blocks)])

    def all_evidence(self) -> Evidence:
        """Return what was recorded."""
        return Evidence(told(SIGNAL, self.beam, self.step_s), at(0), at(self.seconds), **self.evidence)

    def count(self, start: float = 0, end: float | None = None, **rules: Any) -> Availability:
        """Count seconds `start` to `end` by the story's rules, changed as asked."""
        period = Period("story", at(start), at(self.seconds if end is None else end))
        part = counted_part(self.profile, period, at(self.seconds))
        counted = definition(**{**self.rules, **rules})
        return assess(self.all_evidence(), self.profile, counted, self.planned(), period, part)


def seconds(ns: int) -> float:
    """Return a length as seconds, for asserting."""
    return ns / NS_PER_S
