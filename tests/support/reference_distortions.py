"""What further signals show, half-second by half-second: a second reading of the rules of distortions.

It stands on the reference of the beam, knows nothing of how `analytics` does it, and looks ahead in the samples.
"""

import math
from copy import copy
from dataclasses import dataclass, field

from facility.batch import Samples
from facility.distortion import Distortion
from reference_accounting import BAD, TICK, UNCERTAIN, Reference


@dataclass
class Disturbance:
    start: int
    end: int = 0
    cut_short_by: int | None = None
    """The tick at which the beam was lost while it was running."""
    open: bool = False
    time: list[int] = field(default_factory=list)
    """Ticks of user time that are known to be disturbed."""
    outcome: str = ""


class BeamReference:
    """Where there was no beam, whole outages with holes in them, and where there was beam for users."""

    def __init__(self, slow: Reference) -> None:
        states, number, account = *slow.judged[:2], slow.account
        self.outages: dict[int, range] = {}
        self.low_from: dict[int, int] = {}
        for k in range(slow.n):
            if states[k] == "down":
                self.outages[number[k]] = range(self.outages.get(number[k], range(k, k)).start, k + 1)
            elif states[k] == "low":
                self.low_from.setdefault(number[k], k)
        self.without = {k: e for e, whole in self.outages.items() for k in whole}
        if not slow.rules.trips_are_downtime:
            with_trips = copy(slow)
            with_trips.rules = slow.rules.model_copy(update={"trips_are_downtime": True})
            account = with_trips.book(*slow.judged)[0]
        down = [a == "down" for a in account]
        self.for_users = [slow.user[k] and states[k] != "unknown" and not down[k] for k in range(slow.n)]
        self.counted = {e for e, whole in self.outages.items() if any(down[k] for k in whole)}


class DistortionReference:
    """One distortion of a case; `slow` and `beam` are the reference of its beam."""

    def __init__(
        self, slow: Reference, beam: BeamReference, distortion: Distortion, samples: Samples | None, cuts: list[int]
    ) -> None:
        self.slow, self.what, self.signal = slow, distortion, slow.profile.signal(distortion.signal)
        self.without_beam, self.losses, self.beam = beam.without, beam, beam.for_users
        self.good = {} if samples is None else self.levels(samples)
        self.cuts = {(c - slow.first) // TICK for c in cuts}
        self.known = self.hold(self.cuts)
        self.found = self.disturbances()

    def levels(self, samples: Samples) -> dict[int, int]:
        """Return {tick of a good sample: 0 beyond a limit, 1 neither, 2 where a distortion is over}."""
        levels, words, d, signal = {}, samples.state_words(), self.what, self.signal
        highest = math.inf if signal.physical_max is None else signal.physical_max
        for i, ns in enumerate(samples.time_ns.tolist()):
            value, quality = float(samples.value[i]), int(samples.quality[i])
            code = -1 if samples.reason is None else int(samples.reason[i])
            if quality == BAD or (quality == UNCERTAIN and code >= 0 and samples.words[code] == "clock"):
                continue
            if signal.type == "state":
                level = 0 if words[i] in d.words else 2
            elif not math.isfinite(value) or value > highest:
                continue
            elif (d.above is not None and value > d.above) or (d.below is not None and value < d.below):
                level = 0
            else:
                still = (d.ends_below is not None and value > d.ends_below) or (
                    d.ends_above is not None and value < d.ends_above
                )
                level = 1 if still else 2
            levels[(ns - self.slow.first) // TICK] = level
        # Without beam a signal says nothing.
        return {k: level for k, level in levels.items() if k < self.slow.n and k not in self.without_beam}

    def hold(self, cuts: set[int]) -> list[bool]:
        stale, held, age, known = self.signal.stale_after_ns, False, 0, []
        for k in range(min([0, *self.good]), self.slow.n):
            age += 1
            if k in self.good:
                held, age = True, 0
            elif k in cuts or k in self.without_beam or (stale is not None and age * TICK >= stale):
                held = False
            if k >= 0:
                known.append(held)
        return known

    def is_nothing(self, k: int) -> int | None:
        """Return the tick of the good sample within the limits that ends too soon what begins at `k`."""
        count = 1
        for j in range(k + 1, self.slow.n):
            if j in self.without_beam:
                return None
            if j in self.good:
                short = (j - k) * TICK < self.what.delay_ns or count < self.signal.min_samples
                if self.good[j] > 0 or not short:
                    return j if short else None
                count += 1
        return None

    def disturbances(self) -> list[Disturbance]:
        found: list[Disturbance] = []
        running: Disturbance | None = None
        spared = last_known = min([0, *self.good])
        self.nothing = []
        for k in range(spared, self.slow.n):
            if running and (k in self.without_beam or self.good.get(k) == 2):
                running.end = last_known
                running.cut_short_by = k if k in self.without_beam else None
                running = None
            if not running and self.good.get(k) == 0 and k >= spared:
                until = self.is_nothing(k)
                if until is None:
                    running = Disturbance(k)
                    found.append(running)
                else:
                    spared = until
                    self.nothing.append(k)
            if k < 0 or self.known[k]:
                last_known = k + 1
        if running:
            running.end, running.open = last_known, True
        for d in found:
            d.time = [k for k in range(max(d.start, 0), d.end) if self.known[k] and self.beam[k]]
            d.outcome = self.outcome(d)
        return [d for d in found if d.end > d.start]

    def outcome(self, d: Disturbance) -> str:
        if not d.time:
            return "outside"
        if self.became(d) is not None:
            return "led on"
        return "counted" if len(d.time) * TICK >= self.what.min_length_ns else "too short"

    def became(self, d: Disturbance) -> str | None:
        if d.cut_short_by is not None and self.without_beam[d.cut_short_by] in self.losses.counted:
            return "no-beam"
        became = self.slow.judged[3]
        for low, start in self.losses.low_from.items():
            counted = low in self.slow.low_beams or became.get(low) in self.losses.counted
            if d.start <= start < d.end and counted:
                return "low-beam"
        return None

    def answers(self) -> dict[str, int]:
        first, last = self.slow.period
        inside = [d for d in self.found if d.time and first <= d.time[0] < last]
        beam = [k for k in range(first, last) if self.beam[k]]
        touched = [k for d in self.found if d.outcome == "counted" for k in d.time if first <= k < last]
        return {
            "distortions": sum(d.outcome == "counted" for d in inside),
            "excursions": sum(d.outcome == "too short" for d in inside),
            "beam": len(beam) * TICK,
            "unknown": sum(not self.known[k] for k in beam) * TICK,
            "distorted": len(touched) * TICK,
            "open": sum(d.open for d in inside if d.outcome == "counted"),
        }
