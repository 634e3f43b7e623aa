"""Conditions on further signals: the beam is there, and its orbit, lifetime, size or filling is not as promised.

A distortion is no downtime. It moves no account and no availability; it is counted beside failures, trips and
low-beams, in the mean time between distortions. The automaton is that of the delivery signal: each sample gets a
score of how far it is within the limits, and a low score is to it what a low current is to the beam.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.conditions import Conditions, Kind, Stretch, is_good, scan
from analytics.events import Event, Events, counted_low_beams
from analytics.rules import Rules, Thresholds
from facility.batch import Float64, Samples
from facility.definition import Definition
from facility.distortion import Distortion
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.signals import Signal
from facility.time import MIN_NS, NS_PER_S

Int64 = NDArray[np.int64]

BEYOND: Final = 0.0
"""The score of a sample beyond a limit: disturbed."""
BETWEEN: Final = 1.0
"""Neither beyond a limit nor back where a distortion ends."""
WITHIN: Final = 2.0
"""Where a distortion ends."""


@dataclass(frozen=True, slots=True)
class Series:
    """What was recorded of a further signal."""

    samples: Samples
    """One held sample before the window included."""
    cuts: Int64
    """Instants at which a hold ends because the link of its source was lost."""
    link_down: Intervals = field(default_factory=Intervals.empty)
    """Where that link is not known to be up: a signal that is sent on change holds nothing there."""


class Outcome(Enum):
    """What becomes of a disturbance."""

    COUNTED = "distorted, and counted as a distortion"
    TOO_SHORT = "an excursion that is too short in user time to be counted"
    LED_ON = "distorted, and led to a loss of beam or low beam: counted with it as one"
    OUTSIDE = "distorted, but not in known user time with beam"


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A stretch in which a further signal was beyond its limits."""

    event: Event
    """With the user time that is known to be disturbed: the signal and the beam are known, and the beam is there."""
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Watched:
    """The result of one further signal in a window."""

    distortion: Distortion
    disturbances: tuple[Disturbance, ...]
    """In order of time."""
    known: Intervals
    """Where a good sample, taken of a beam that was there, holds; in user time or not."""
    beam: Intervals
    """User time with known beam: only there the signal can show a distortion."""


@dataclass(frozen=True, slots=True)
class FurtherFindings:
    """The result of one further signal in a part of a window."""

    distortion: Distortion
    events: tuple[Event, ...]
    """Distortions whose user time touches the part, whole, in order of time."""
    excursions: tuple[Event, ...]
    """The same of those that are too short to be counted."""
    beam_ns: int
    """Known user time with beam."""
    unknown_ns: int
    """That part of it in which the signal is not known: more distortions may hide there."""

    @classmethod
    def of(cls, watched: Watched, part: Period) -> "FurtherFindings":
        """Cut what was found in a window to a part of it."""
        beam = watched.beam.clip(part.start_ns, part.end_ns)

        def touching(outcome: Outcome) -> tuple[Event, ...]:
            events = (d.event for d in watched.disturbances if d.outcome is outcome)
            return tuple(e for e in events if e.user_time.clip(part.start_ns, part.end_ns))

        return cls(
            watched.distortion,
            touching(Outcome.COUNTED),
            touching(Outcome.TOO_SHORT),
            beam.total,
            (beam - watched.known).total,
        )


def join_further(findings: Sequence[Sequence[FurtherFindings]]) -> tuple[FurtherFindings, ...]:
    """Join findings of stretches that follow each other; each has the same signals in the same order."""

    def once(listed: Iterable[Event]) -> tuple[Event, ...]:
        return tuple({e.start_ns: e for e in listed}.values())

    return tuple(
        FurtherFindings(
            distortion=of_signal[0].distortion,
            events=once(e for f in of_signal for e in f.events),
            excursions=once(e for f in of_signal for e in f.excursions),
            beam_ns=sum(f.beam_ns for f in of_signal),
            unknown_ns=sum(f.unknown_ns for f in of_signal),
        )
        for of_signal in zip(*findings, strict=True)
    )


class Standing(StrEnum):
    """A further signal at one instant, and the result."""

    WITHIN = "within its limits, or beyond them for less than its delay"
    COUNTED = Outcome.COUNTED.value
    TOO_SHORT = Outcome.TOO_SHORT.value
    LED_ON = Outcome.LED_ON.value
    OUTSIDE = Outcome.OUTSIDE.value
    NO_BEAM = "not evaluated while there is no beam"
    UNKNOWN = "not known, as no good sample holds"


def standing_at(ns: int, watched: Watched, no_beam: Intervals) -> Standing:
    """Return how a further signal stood at an instant; `no_beam`: where there was none."""
    if no_beam.contains(ns):
        return Standing.NO_BEAM
    if not watched.known.contains(ns):
        return Standing.UNKNOWN
    disturbed = (d for d in watched.disturbances if d.event.start_ns <= ns < d.event.end_ns)
    return next((Standing[d.outcome.name] for d in disturbed), Standing.WITHIN)


def watched_by(profile: Profile, definition: Definition) -> tuple[Distortion, ...]:
    """Return the distortions of the facility that the definition counts."""
    return tuple(d for d in profile.distortions if definition.counts(d.id))


def watch(
    further: Mapping[str, Series],
    profile: Profile,
    definition: Definition,
    conditions: Conditions,
    events: Events,
    user_time: Intervals,
) -> tuple[Watched, ...]:
    """Find the distortions in the window of `conditions`, by each further signal that the definition counts.

    Without beam a signal says nothing: a sample stamped in a no-beam is passed over, and the loss of the beam ends
    what was running and what was held. What runs when a no-beam or a low-beam that counts begins is one distortion
    with that.

    Parameters
    ----------
    further
        The series of the further signals, by signal. One that is not given was never recorded: all is unknown.
    conditions, events
        What the delivery signal says, by the same definition.
    user_time
        Of the plan.
    """
    beam = (conditions.known & user_time) - events.in_events
    found: list[Watched] = []
    for distortion in watched_by(profile, definition):
        series = further.get(distortion.signal)
        if series is None:
            found.append(Watched(distortion, (), Intervals.empty(), beam))
            continue
        pieces = _scan(distortion, profile.signal(distortion.signal), series, conditions)
        known = Intervals.of(pair for piece in pieces for pair in piece.known)
        signal_known = known & beam
        disturbances = tuple(
            _disturbance(distortion, stretch, piece, signal_known, conditions, events, user_time)
            for piece in pieces
            for stretch in piece.no_beam
        )
        found.append(Watched(distortion, disturbances, known, beam))
    return tuple(found)


def scores(samples: Samples, distortion: Distortion, signal: Signal) -> Samples:
    """Return the good samples with how far each is within the limits in place of its value.

    A value equal to a limit is not beyond it; one equal to the limit of the end has reached it.
    """
    if signal.type == "state":
        signal_known = np.full(len(samples), -1, np.int32) if samples.state is None else samples.state
        good = (signal_known >= 0) & is_good(_with_values(samples, np.zeros(len(samples))), 0.0)
        bad_words = [i for i, word in enumerate(samples.words) if word in distortion.words]
        score = np.where(np.isin(signal_known, bad_words), BEYOND, WITHIN)
    else:
        good = is_good(samples, sys.float_info.max if signal.physical_max is None else signal.physical_max)
        low, high = distortion.within
        score, value = np.full(len(samples), WITHIN), samples.value
        for off, beyond in (
            (value > high, None if distortion.above is None else value > distortion.above),
            (value < low, None if distortion.below is None else value < distortion.below),
        ):
            if beyond is not None and off.any():
                score[off] = BETWEEN
                score[beyond] = BEYOND
    neutral = np.zeros(len(samples), np.uint8)
    if good.all():
        return Samples(samples.facility, samples.signal, samples.time_ns, score, neutral)
    return Samples(samples.facility, samples.signal, samples.time_ns[good], score[good], neutral[good])


def _with_values(samples: Samples, values: Float64) -> Samples:
    return Samples(
        samples.facility, samples.signal, samples.time_ns, values, samples.quality, None, samples.reason, samples.words
    )


def _scan(distortion: Distortion, signal: Signal, series: Series, conditions: Conditions) -> list[Conditions]:
    """Look for disturbances between the no-beams; each stretch with beam is looked at afresh."""
    limits = Thresholds(tolerance=BETWEEN, minimum=BETWEEN, no_beam_ends=WITHIN, low_beam_ends=WITHIN)
    start, end = conditions.start_ns, conditions.end_ns
    rules = Rules(
        starts=(start,),
        thresholds=(limits,),
        stale_after_ns=signal.stale_after_ns,
        physical_max=WITHIN,
        min_duration_ns=distortion.delay_ns,
        min_samples=signal.min_samples,
        sample_period_ns=NS_PER_S,  # only for samples in place of unknown time, and there are none here
    )
    scored = scores(series.samples, distortion, signal)
    without_beam = conditions.no_beams.intervals
    silent = series.link_down if signal.stale_after_ns is None else Intervals.empty()
    return [
        scan(scored.between(MIN_NS if a == start else a, b), rules, a, b, cuts=series.cuts, silent=silent)
        for a, b in Intervals.of([(start, end)]) - without_beam
    ]


def _disturbance(
    distortion: Distortion,
    stretch: Stretch,
    piece: Conditions,
    signal_known: Intervals,
    conditions: Conditions,
    events: Events,
    user_time: Intervals,
) -> Disturbance:
    time = signal_known.clip(stretch.start_ns, stretch.end_ns)
    event = Event(
        kind=Kind.DISTORTION,
        start_ns=stretch.start_ns,
        end_ns=stretch.end_ns,
        user_time=time,
        parts=1,
        blocks=len({int(user_time.start.searchsorted(a, side="right")) for a, _ in time}),
        open=stretch.open and piece.end_ns == conditions.end_ns,
        distortion=distortion.id,
    )
    if not time:
        outcome = Outcome.OUTSIDE
    elif _led_on(stretch, piece.end_ns, conditions, events):
        outcome = Outcome.LED_ON
    elif time.total < distortion.min_length_ns:
        outcome = Outcome.TOO_SHORT
    else:
        outcome = Outcome.COUNTED
    return Disturbance(event, outcome)


def _led_on(stretch: Stretch, beam_until_ns: int, conditions: Conditions, events: Events) -> bool:
    """Whether the disturbance was running when a no-beam or a low-beam began that counts."""
    if stretch.open and beam_until_ns < conditions.end_ns:
        no_beams = conditions.no_beams
        following = int(np.searchsorted(no_beams.start_ns, beam_until_ns, side="left"))
        lost = slice(following, following + 1)
        if events.in_events.touch(no_beams.start_ns[lost], no_beams.end_ns[lost]).any():
            return True
    counted = counted_low_beams(conditions, events)
    return bool(((stretch.start_ns <= counted) & (counted < stretch.end_ns)).any())
