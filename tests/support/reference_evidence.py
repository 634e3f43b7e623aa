"""What else is known beside the delivery signal, tick by tick, laid over the reference of the beam state.

Like that one it knows nothing of `analytics`: corrections, flags of the definition, a witness.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from facility.batch import Samples
from facility.corrections import Assertion, Correction
from facility.time import NS_PER_S, to_ns
from reference_accounting import BAD, TICK, UNCERTAIN, Reference

VALUE = {"up": math.inf, "down": 0.0, "unknown": None}


class KnownBeside(Reference):
    def __init__(
        self, *of_beam: Any, witness: Samples | None = None, mode: Samples | None = None,
        flags: Mapping[str, Samples] | None = None, corrections: Sequence[Correction] = (),
        link_down: Sequence[tuple[int, int]] = ()) -> None:  # fmt: skip
        self.link_spans = link_down
        self.witness, self.mode, self.flags, self.corrections = witness, mode, flags or {}, corrections
        self.faults, self.silent, self.trusted, self.by_own_unit = [], [], [], []
        super().__init__(*of_beam)

    def spans(self, *assertions: Assertion) -> list[tuple[int, int]]:
        return [(self.tick(c.start_ns), self.tick(c.end_ns)) for c in self.corrections if c.assertion in assertions]

    def ticks(self, *assertions: Assertion) -> set[int]:
        return {k for a, b in self.spans(*assertions) for k in range(a, b)}

    def words(self, series: Samples | None) -> list[str | None]:
        """The state at each tick; it holds to the next one, and nothing is known before the first."""
        told = {} if series is None else dict(zip(series.time_ns.tolist(), series.state_words(), strict=True))
        result, word = [], None
        for ns in [t for t in told if t < self.first]:
            word = told[ns]
        for k in range(self.n):
            word = told.get(self.first + k * TICK, word)
            result.append(word)
        return result

    def accepted_limits(self) -> list:
        limits, lowered = super().accepted_limits(), {}
        for c in self.corrections:
            if c.limit is not None:
                for k in range(self.tick(c.start_ns), self.tick(c.end_ns)):
                    limits[k] = lowered.setdefault((limits[k], c.limit), limits[k].at_most(c.limit))
        return limits

    def good_samples(self, samples: Samples) -> dict[int, float]:
        faulty = self.ticks(Assertion.SENSOR_FAULT)
        return {k: v for k, v in super().good_samples(samples).items() if k not in faulty}

    def hold(self, good: dict[int, float], cuts: set[int]) -> tuple[list[float | None], list[bool]]:
        """Corrections go before flags, flags before the witness; what is said has (word, first tick of the saying)."""
        if self.signal.stale_after_ns is None:
            self.link_down = frozenset(k for a, b in self.link_spans for k in range(self.tick(a), self.tick(b)))
        held, said = super().hold(good, cuts), {}
        self.stated_down = self.ticks(Assertion.DOWN)
        for what in (Assertion.UP, Assertion.DOWN, Assertion.UNKNOWN):
            said |= {k: (what.value, a) for a, b in self.spans(what) for k in range(a, b)}
        alone = self.judge(*self.lay(held, said))[0]
        by_flag = {k: w for k, w in self.said_by_flags().items() if k not in said}
        for k, what in by_flag.items():
            if what == "down" or alone[k] != "down":
                before = said.get(k - 1, ("", 0)) if k - 1 in by_flag else ("", 0)
                said[k] = (what, before[1] if before[0] == what else k)
        self.by_flag = {k for k, w in by_flag.items() if w == "down" and k in said}
        said |= {k: ("unknown", k) for k in self.contradicted(*self.lay(held, said), said) if k not in said}
        return self.lay(held, said)

    def lay(self, held: tuple, said: dict[int, tuple[str, int]]) -> tuple[list[float | None], list[bool]]:
        """Behind what was said, the sample that stands there is seen anew."""
        (value, stamped), spacing = map(list, held), to_ns(self.signal.period_s or 1.0)
        self.momentary = {k: v for k, v in self.all_momentary.items() if k not in said}
        for k in range(self.n):
            if k in said:
                what, begin = said[k]
                value[k], stamped[k] = VALUE[what], what != "unknown" and (k - begin) * TICK % spacing == 0
            elif k - 1 in said:
                stamped[k] = value[k] is not None
        return value, stamped

    def said_by_flags(self) -> dict[int, str]:
        said: dict[int, str] = {}
        for names, bad in ((self.rules.requires, False), (self.rules.fails_on, True)):
            for name in names:
                for k, word in enumerate(self.words(self.flags[name]) if name in self.flags else ()):
                    if word is None:
                        said.setdefault(k, "unknown")
                    elif (word in self.profile.flags[name].when) == bad:
                        said[k] = "down"
        return said

    def contradicted(self, value: list, stamped: list[bool], said: dict) -> set[int]:
        if self.witness is None:
            return set()
        signal, told = self.profile.signal(self.signal.witness or ""), {}
        w, highest = self.witness, math.inf if signal.physical_max is None else signal.physical_max
        for ns, v, quality in zip(w.time_ns.tolist(), w.value.tolist(), w.quality.tolist(), strict=True):
            if quality in (0, UNCERTAIN) and quality != BAD and math.isfinite(v) and v <= highest:
                told[(ns - self.first) // TICK] = v
        width = max(5 * NS_PER_S, to_ns(signal.period_s or 0)) // TICK
        states, number, _, became = self.judge(value, stamped)
        found, sound = set(), self.ticks(Assertion.SENSOR_SOUND)
        for event in sorted(what[1] for what in became if isinstance(what, tuple) and what[0] == "began"):
            down = [k for k in range(self.n) if number[k] == event and states[k] == "down"]
            start, moment = became["began", event], became.get(("moment", event))
            if (not down and moment is None) or start in said:
                continue
            end, minimum = max([moment or 0, *(k + 1 for k in down)]), self.limits[start].minimum
            low = {k for k, v in told.items() if v < (signal.beam_above or minimum)}
            near = [k for k in range(start - width, start + width + 1) if k in told]
            self.by_own_unit += [start] if any((k in low) != (told[k] < minimum) for k in near) else []
            if any(k in low for k in near):
                continue
            if not any(k in told for k in range(start, min(start + width + 1, end))):
                self.silent.append(start)
            elif start in sound:
                self.trusted.append(start)
            else:
                self.faults.append(start)
                found |= set(range(start, min([end, *(k for k in low if k >= start)])))
        return found
