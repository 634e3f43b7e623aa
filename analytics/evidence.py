"""Everything that is known of a window, and what it makes of the delivery signal's samples."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.conditions import Conditions, is_good, scan
from analytics.distortions import Series
from analytics.mode import REFILL, intervals_in_mode
from analytics.overrides import Combined, Overridden, Override, apply_overrides
from analytics.rules import Reduced, Rules
from analytics.witness import CrossCheck, Verdict, cross_check, window_ns
from facility.batch import Samples
from facility.corrections import BEAM_ASSERTIONS, Assertion, Correction
from facility.definition import Definition
from facility.interval import Intervals
from facility.profile import Profile
from facility.schedule import Plan

Int64 = NDArray[np.int64]

_BY_ASSERTION = {
    Assertion.UP: Override.UP,
    Assertion.DOWN: Override.DOWN,
    Assertion.UNKNOWN: Override.UNKNOWN,
    Assertion.SENSOR_FAULT: Override.SAMPLES_BAD,
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was recorded of ``[start_ns, end_ns)``, beside the plan."""

    delivery: Samples
    """The delivery signal; one held sample before the window included."""
    start_ns: int
    end_ns: int
    cuts: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    """Instants at which a hold ends because the delivery signal's link was lost."""
    witness: Samples | None = None
    """The signal that the profile names as the delivery signal's witness."""
    mode: Samples | None = None
    """The machine's own mode."""
    flags: Mapping[str, Samples] = field(default_factory=dict[str, Samples])
    """The series behind the profile's flags, by flag."""
    corrections: Sequence[Correction] = ()
    """Those in force."""
    further: Mapping[str, Series] = field(default_factory=dict[str, Series])
    """The series behind the profile's distortions, by signal."""
    link_down: Intervals = field(default_factory=Intervals.empty)
    """Where the link of the delivery signal's source is not known to be up; see `analytics.links`."""

    @property
    def span(self) -> Intervals:
        """The window."""
        return Intervals.of([(self.start_ns, self.end_ns)])

    def asserted(self, *assertions: Assertion) -> Intervals:
        """Return the time for which corrections assert any of `assertions`."""
        return Intervals.of((c.start_ns, c.end_ns) for c in self.corrections if c.assertion in assertions)

    @property
    def refill(self) -> Intervals:
        """Where the machine's mode says ``refill``."""
        if self.mode is None:
            return Intervals.empty()
        return intervals_in_mode(self.mode, REFILL, None, self.end_ns)


@dataclass(frozen=True, slots=True)
class AppliedEvidence:
    """Evidence under one definition: one stream of samples that all later steps see."""

    rules: Rules
    combined: Combined
    cross_checks: tuple[CrossCheck, ...]
    """The witness's verdict on each outage that the samples show."""
    flagged: tuple[Overridden, ...]
    """Where flags that the definition asks for mean no beam, or are not known."""
    start_ns: int
    end_ns: int

    @property
    def samples(self) -> Samples:
        """The samples that count."""
        return self.combined.samples

    def conditions(self, fill: float | None = None, restarts: Collection[int] = ()) -> Conditions:
        """Find the conditions, with unknown time filled by samples at `fill` if one is given; see `Scanner`."""
        return scan(
            self.samples,
            self.rules,
            self.start_ns,
            self.end_ns,
            cuts=self.combined.cuts,
            fill=fill,
            restarts=restarts,
            certainty=self.combined.certainty,
            silent=self.combined.silent,
        )


def apply_evidence(evidence: Evidence, profile: Profile, definition: Definition, plan: Plan) -> AppliedEvidence:
    """Apply corrections, flags and the witness to the delivery signal's samples.

    A person's correction goes before a flag, a flag before the witness.
    """
    reduced = [
        Reduced(c.start_ns, c.end_ns, c.limit)
        for c in evidence.corrections
        if c.assertion is Assertion.REDUCED and c.limit is not None
    ]
    rules = Rules.of(profile, definition, plan, evidence.start_ns, evidence.end_ns, reduced)
    overrides = [
        Overridden(c.start_ns, c.end_ns, _BY_ASSERTION[c.assertion])
        for c in evidence.corrections
        if c.assertion in _BY_ASSERTION
    ]
    corrected = _decided(overrides)
    flagged = _flagged(evidence, profile, definition, _applied(evidence, rules, overrides, (), []), corrected)
    overrides += flagged
    taken = _decided(overrides)
    applied = _applied(evidence, rules, overrides, (), flagged)
    cross_checks = _cross_check(evidence, profile, rules, applied, taken)
    faults = Intervals.of((h.stretch.start_ns, h.fault_end_ns or 0) for h in cross_checks) - taken
    if not faults:
        return _applied(evidence, rules, overrides, cross_checks, flagged)
    overrides += [Overridden(start, end, Override.UNKNOWN) for start, end in faults]
    return _applied(evidence, rules, overrides, cross_checks, flagged)


def _decided(overrides: list[Overridden]) -> Intervals:
    """Return where corrections or flags state the beam; bad samples leave that open."""
    return Intervals.of((o.start_ns, o.end_ns) for o in overrides if o.what is not Override.SAMPLES_BAD)


def breaks(evidence: Evidence, profile: Profile, definitions: Sequence[Definition], cancelled: Intervals) -> Intervals:
    """Return where good samples at nominal do not yet show that nothing earlier or later can matter.

    That is where a hold may have been cut, where a correction or a flag may have made it no-beam or unknown, where
    user time was cancelled too late, and where a correction makes the outages on both sides one event. It serves
    `analytics.window`, which reads no samples through it: `evidence` may come without them.
    """
    found = Intervals.of((cut, cut + 1) for cut in evidence.cuts.tolist())
    found |= evidence.asserted(*BEAM_ASSERTIONS, Assertion.ONE_EVENT) | cancelled
    for definition in definitions:
        down, unsure = _flag_intervals(evidence, profile, definition)
        found |= down | unsure
    return found.clip(evidence.start_ns, evidence.end_ns)


def _applied(
    evidence: Evidence,
    rules: Rules,
    overrides: list[Overridden],
    cross_checks: tuple[CrossCheck, ...],
    flagged: list[Overridden],
) -> AppliedEvidence:
    silent = evidence.link_down if rules.stale_after_ns is None else Intervals.empty()
    start, end = evidence.start_ns, evidence.end_ns
    combined = apply_overrides(evidence.delivery, overrides, rules, evidence.cuts, silent, (start, end))
    return AppliedEvidence(rules, combined, cross_checks, tuple(flagged), start, end)


def _flagged(
    evidence: Evidence, profile: Profile, definition: Definition, plain: AppliedEvidence, corrected: Intervals
) -> list[Overridden]:
    """Return where flags that the definition asks for say that there was no beam, or leave it open.

    A facility without such a flag is counted by its delivery signal alone.
    """
    down, unsure = _flag_intervals(evidence, profile, definition)
    if not down and not unsure:
        return []
    # Where the current itself is down, an unknown flag cannot make it anything else.
    alone = plain.conditions()
    surely_down = alone.no_beams.intervals & alone.known
    down -= corrected
    unsure = unsure - down - corrected - surely_down
    return [
        *(
            Overridden(start, end, Override.DOWN, by_flag=True)
            for start, end in down.clip(evidence.start_ns, evidence.end_ns)
        ),
        *(Overridden(start, end, Override.UNKNOWN) for start, end in unsure),
    ]


def _flag_intervals(evidence: Evidence, profile: Profile, definition: Definition) -> tuple[Intervals, Intervals]:
    """Return where flags that the definition asks for mean no beam, and where they are not known."""
    down, unsure = Intervals.empty(), Intervals.empty()
    for names, fatal_when_set in ((definition.requires, False), (definition.fails_on, True)):
        for name in names:
            series, flag = evidence.flags.get(name), profile.flags.get(name)
            if series is None or flag is None:
                continue
            in_word = [
                intervals_in_mode(series, word, None, evidence.end_ns) for word in profile.signal(flag.signal).words
            ]
            known = Intervals.of(pair for intervals in in_word for pair in intervals)
            set_ = Intervals.of(
                pair for word in flag.when for pair in intervals_in_mode(series, word, None, evidence.end_ns)
            )
            down |= set_ if fatal_when_set else known - set_
            unsure |= evidence.span - known
    return down, unsure


def _cross_check(
    evidence: Evidence, profile: Profile, rules: Rules, applied: AppliedEvidence, decided: Intervals
) -> tuple[CrossCheck, ...]:
    """Compare the outages that the samples show with the witness; corrections and flags are not questioned."""
    if evidence.witness is None or profile.delivery.witness is None:
        return ()
    witness = profile.signal(profile.delivery.witness)
    sound = evidence.asserted(Assertion.SENSOR_SOUND)
    width_ns = window_ns(witness)
    highest = sys.float_info.max if witness.physical_max is None else witness.physical_max
    good = is_good(evidence.witness, highest)
    times, values = evidence.witness.time_ns[good], evidence.witness.value[good]
    cross_checks: list[CrossCheck] = []
    for stretch in applied.conditions().no_beam:
        if decided.contains(stretch.start_ns):
            continue
        minimum = rules.thresholds[rules.piece_at(stretch.start_ns)].minimum
        low_below = minimum if witness.beam_above is None else witness.beam_above
        answer = cross_check(stretch, times, values, low_below, width_ns)
        if answer.verdict is Verdict.CONTRADICTED and sound.contains(stretch.start_ns):
            answer = CrossCheck(stretch, Verdict.CONFIRMED)
        cross_checks.append(answer)
    return tuple(cross_checks)
