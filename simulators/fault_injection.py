"""Faults injected into a running machine and repaired by people, as on a training shift.

Everything in a machine follows from its faults, so an injected one is one fault more. It begins at the first
instant that is not yet out: what was released stays as it was, and a session is the history of a scenario that
lists the same faults and repairs.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Final, Literal

from facility.errors import ScenarioError, SlugError
from facility.nearest import nearest
from facility.profile import Profile
from facility.sentence import Sentence
from facility.slug import check_slug
from facility.time import NS_PER_S, Clock, format_time, to_datetime, to_s
from simulators.faults import MS, Fault, FaultProcess, Interventions
from simulators.scenario import MAX_GLITCH_S, MAX_LENGTH_S, READS, Effect, FaultKind, Length, Repair, Scenario

USUAL_S: Final[dict[Effect, float]] = {
    Effect.BEAM_DUMP: 1200,
    Effect.NO_INJECTION: 2400,
    Effect.MONITOR_GLITCH: 2,
    Effect.MONITOR_DROPOUT: 600,
    Effect.MONITOR_FREEZE: 1800,
    Effect.MONITOR_SPIKE: 5,
    Effect.WITNESS_FAULT: 1800,
    Effect.MODE_FORGOTTEN: 7200,
    Effect.LINK_OUTAGE: 600,
    Effect.BROKER_OUTAGE: 600,
    Effect.CLOCK_STEP: 1200,
    Effect.DUPLICATES: 1800,
    Effect.OUT_OF_ORDER: 1800,
}
"""How long an injected fault lasts by default, in seconds; assumed, near the medians of `storm`."""
USUAL_SHIFT_S: Final = -45.0
"""How wrong an injected ``clock_step`` makes the source's clock by default: behind."""

_ONE_AT_A_TIME: Final[tuple[frozenset[Effect], ...]] = (
    frozenset({Effect.MONITOR_GLITCH, Effect.MONITOR_DROPOUT, Effect.MONITOR_FREEZE, Effect.MONITOR_SPIKE}),
    *(
        frozenset({effect})
        for effect in (
            Effect.WITNESS_FAULT,
            Effect.MODE_FORGOTTEN,
            Effect.LINK_OUTAGE,
            Effect.BROKER_OUTAGE,
            Effect.CLOCK_STEP,
            Effect.DUPLICATES,
            Effect.OUT_OF_ORDER,
        )
    ),
)
"""Effects that one thing can have only once at a time; the beam may be lost for several causes at once."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """One action of a person on a machine."""

    time_ns: int
    """When it took effect."""
    what: Literal["injected", "repaired"]
    fault: Fault
    """As injected, or as it was before the repair ended it."""


class FaultInjection:
    """Injects faults into one machine and repairs them; safe to use from any thread.

    Contract: code that releases samples calls `release` before making them; nothing that happens here changes
    anything before that instant.

    Parameters
    ----------
    faults
        Of the machine; its `interventions` belong to the injection.
    repairs
        Those of the scenario: (instant, effect).
    """

    def __init__(self, faults: FaultProcess, profile: Profile, repairs: Iterable[tuple[int, Effect]] = ()) -> None:
        self._faults = faults
        self._profile = profile
        self._period_s = profile.delivery.period_s or 1.0
        self._lock = Lock()
        self._now: Clock | None = None
        self._released: int | None = None
        self._of_scenario = tuple(repairs)
        self._injected: list[Fault] = []
        self._repairs: list[tuple[int, Effect]] = []
        self._log: list[Intervention] = []

    @property
    def effects(self) -> tuple[str, ...]:
        """The effects that faults of this machine can have."""
        lacking: set[Effect] = set()
        if self._profile.delivery.witness is None:
            lacking.add(Effect.WITNESS_FAULT)
        if self._profile.mode_signal is None:
            lacking.add(Effect.MODE_FORGOTTEN)
        if self._period_s > MAX_GLITCH_S:
            lacking.add(Effect.MONITOR_GLITCH)
        return tuple(effect.value for effect in Effect if effect not in lacking)

    @property
    def log(self) -> tuple[Intervention, ...]:
        """Everything that was done, in order."""
        with self._lock:
            return tuple(self._log)

    def usual_s(self, effect: str) -> float:
        """Return how long an injected fault lasts by default: `USUAL_S`, but at least one sample."""
        kind = Effect(effect)
        return USUAL_S[kind] if kind is Effect.MONITOR_GLITCH else max(USUAL_S[kind], self._period_s)

    def follow(self, now: Clock) -> None:
        """Run live: the clock gives the simulated instant, before which nothing begins."""
        self._now = now

    def release(self, end_ns: int) -> None:
        """Take note that what comes before `end_ns` is out and can no longer change."""
        with self._lock:
            self._released = end_ns if self._released is None else max(self._released, end_ns)

    def inject(
        self,
        effect: str,
        *,
        cause: str = "injected",
        length_s: float | None = None,
        reads: str | None = None,
        shift_s: float | None = None,
    ) -> Fault:
        """Break something from the next instant on that is not out yet.

        Parameters
        ----------
        effect
            One of `effects`.
        cause
            What is to blame, a slug; ``rf`` and ``vacuum`` show in the RF voltage and the pressure of a ring too.
        length_s
            Until it is repaired, in whole ms; None: `usual_s`.
        reads
            What the instrument reads, where the effect leaves a choice (`scenario.READS`); None: the first.
        shift_s
            Of a ``clock_step``: how far the clock is ahead; None: `USUAL_SHIFT_S`.

        Returns
        -------
        Fault
            The planned end, if it is not repaired before.

        Raises
        ------
        ScenarioError
            If the machine has no such effect, an argument does not fit it, it contradicts what is broken already,
            or the machine is not running.
        """
        kind = self._effect(effect)
        length_ns = self._length_ns(kind, length_s)
        _check_cause(cause)
        fault = Fault(0, 0, cause, kind, _reading(kind, reads), _shift_ns(kind, shift_s))
        with self._lock:
            start = self._next_instant()
            fault = Fault(start, start + length_ns, cause, kind, fault.reads, fault.shift_ns)
            self._check_against(fault)
            self._injected.append(fault)
            self._apply(Intervention(start, "injected", fault))
        return fault

    def active(self, now_ns: int | None = None) -> tuple[Fault, ...]:
        """Return what is broken at an instant, by the scenario or injected; None: at the next that is not out yet."""
        if now_ns is None:
            with self._lock:
                now_ns = self._next_instant()
        return self._faults.between(now_ns, now_ns + 1)

    def repair(self, effect: str) -> tuple[Fault, ...]:
        """End whatever has an effect, by the scenario or injected, and return it.

        Raises
        ------
        ScenarioError
            If the machine has no such effect, or nothing has it now.
        """
        kind = self._effect(effect)
        with self._lock:
            now = self._next_instant()
            broken = self._faults.between(now, now + 1, kind)
            if not broken:
                others = ", ".join(dict.fromkeys(f.effect.value for f in self._faults.between(now, now + 1)))
                raise ScenarioError(
                    Sentence(
                        "there is no {kind} to repair at {now}; broken now: {others}",
                        kind=kind.value,
                        now=self._clock_time(now),
                        others=others or Sentence("nothing"),
                    )
                )
            self._end(now, broken)
        return broken

    def clear(self) -> tuple[Fault, ...]:
        """End everything that is broken, and return it."""
        with self._lock:
            now = self._next_instant()
            broken = self._faults.between(now, now + 1)
            self._end(now, broken)
        return broken

    def scenario(self, base: Scenario) -> Scenario:
        """Return the scenario that a machine follows, with everything that was done listed in it."""
        with self._lock:
            injected, repairs = tuple(self._injected), tuple(self._repairs)
        faults = tuple(
            FaultKind(
                cause=f.cause,
                effect=f.effect,
                at=(to_datetime(f.start_ns, self._profile.zone),),
                length_s=Length.fixed(to_s(f.end_ns - f.start_ns)),
                reads=f.reads or None,
                shift_s=to_s(f.shift_ns) or None,
                source="injected",
            )
            for f in injected
        )
        zone = self._profile.zone
        done = tuple(Repair(effect=effect, at=(to_datetime(ns, zone),)) for ns, effect in repairs)
        return base.model_copy(update={"faults": (*base.faults, *faults), "repairs": (*base.repairs, *done)})

    # ---------------------------------------------------------- with the lock

    def _next_instant(self) -> int:
        """Return the first whole ms at which nothing is out yet and that has come."""
        instants = [] if self._released is None else [self._released]
        if self._now is not None:
            instants.append(self._now())
        if not instants:
            raise ScenarioError(Sentence("the simulator does not run yet: nothing can be injected or repaired"))
        # What begins with a repair would be ended by it.
        instants += [ns + MS for ns, _ in self._repairs[-1:]]
        return -(-max(instants) // MS) * MS

    def _check_against(self, fault: Fault) -> None:
        around = next((group for group in _ONE_AT_A_TIME if fault.effect in group), frozenset[Effect]())
        for other in self._faults.between(fault.start_ns, fault.start_ns + 1):
            if other.effect is fault.effect and (around or other.cause == fault.cause):
                hint = "" if around else Sentence(", or name another cause")
                raise ScenarioError(
                    Sentence(
                        "there is a {effect} (cause {cause}) already, until {end_ns}: repair it first, or wait{hint}",
                        effect=other.effect.value,
                        cause=other.cause,
                        end_ns=self._clock_time(other.end_ns),
                        hint=hint,
                    )
                )
            if other.effect in around:
                raise ScenarioError(
                    Sentence(
                        "{effect} (cause {cause}) contradicts {other_effect} (cause {other_cause}), which lasts "
                        "until {end_ns}: repair that first, or wait",
                        effect=fault.effect.value,
                        cause=fault.cause,
                        other_effect=other.effect.value,
                        other_cause=other.cause,
                        end_ns=self._clock_time(other.end_ns),
                    )
                )

    def _end(self, now_ns: int, broken: tuple[Fault, ...]) -> None:
        self._repairs += [(now_ns, effect) for effect in dict.fromkeys(f.effect for f in broken)]
        self._apply(*(Intervention(now_ns, "repaired", fault) for fault in broken))

    def _apply(self, *done: Intervention) -> None:
        self._log += done
        self._faults.interventions = Interventions.of(self._injected, [*self._of_scenario, *self._repairs])

    # ------------------------------------------------------------ what is asked

    def _effect(self, name: str) -> Effect:
        if name in self.effects:
            return Effect(name)
        if name == Effect.MONITOR_GLITCH:
            signal = self._profile.delivery_signal
            raise ScenarioError(
                Sentence(
                    "a monitor_glitch lasts at most {max_glitch_s:g} s and {signal} is measured every "
                    "{period_s:g} s: nobody would see it; use monitor_dropout",
                    max_glitch_s=MAX_GLITCH_S,
                    signal=signal,
                    period_s=self._period_s,
                )
            )
        if name in list(Effect):
            lacking = "witness of its delivery signal" if name == Effect.WITNESS_FAULT else "mode signal"
            raise ScenarioError(
                Sentence(
                    "facility {profile} has no {lacking}, so there can be no {name}",
                    profile=self._profile.id,
                    lacking=lacking,
                    name=name,
                )
            )
        raise ScenarioError(
            Sentence("no fault has the effect {name!r}; {hint}", name=name, hint=nearest(name, self.effects))
        )

    def _length_ns(self, effect: Effect, length_s: float | None) -> int:
        longest = MAX_GLITCH_S if effect is Effect.MONITOR_GLITCH else MAX_LENGTH_S
        seconds = self.usual_s(effect) if length_s is None else length_s
        if not math.isfinite(seconds) or not 0.001 <= seconds <= longest:
            hint = Sentence("; use monitor_dropout") if effect is Effect.MONITOR_GLITCH else ""
            raise ScenarioError(
                Sentence(
                    "a {effect} lasts 0.001 to {longest:.0f} s, not {seconds:g} s{hint}",
                    effect=effect.value,
                    longest=longest,
                    seconds=seconds,
                    hint=hint,
                )
            )
        return round(seconds * 1000) * MS

    def _clock_time(self, ns: int) -> str:
        return format_time(ns // NS_PER_S * NS_PER_S, self._profile.zone)


def _check_cause(cause: str) -> None:
    try:
        check_slug(cause)
    except SlugError as error:
        raise ScenarioError(Sentence("the cause of a fault: {error}", error=error)) from error


def _reading(effect: Effect, reads: str | None) -> str:
    known = READS.get(effect, ())
    if reads is None:
        return known[0] if known else ""
    if not known:
        raise ScenarioError(
            Sentence(
                "a {effect} leaves no choice of what is read: leave reads = {reads!r} out",
                effect=effect.value,
                reads=reads,
            )
        )
    if reads not in known:
        raise ScenarioError(
            Sentence(
                "in a {effect} the instrument reads {known}, not {reads!r}",
                effect=effect.value,
                known=" or ".join(known),
                reads=reads,
            )
        )
    return reads


def _shift_ns(effect: Effect, shift_s: float | None) -> int:
    if effect is not Effect.CLOCK_STEP:
        if shift_s is not None:
            raise ScenarioError(
                Sentence("only a clock_step shifts the clock: leave shift_s = {shift_s:g} out", shift_s=shift_s)
            )
        return 0
    shift = USUAL_SHIFT_S if shift_s is None else shift_s
    if not math.isfinite(shift) or not 0.001 <= abs(shift) <= 43_200:
        raise ScenarioError(
            Sentence(
                "a clock_step shifts the clock by 0.001 to 43200 s, ahead or behind, not by {shift:g} s", shift=shift
            )
        )
    return round(shift * 1000) * MS
