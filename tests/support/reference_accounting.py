"""A second reading of the accounting rules: half-second by half-second, slow, and meant to be obviously right.

It knows nothing of `analytics`; every time it is given lies on the half-second grid. Where the fast one waits
with a decision, this one looks ahead in the samples; where that one combines intervals, this one counts ticks.
"""

import math
from collections import Counter

from facility.batch import Samples
from facility.definition import Definition
from facility.period import Period
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import Category, Plan
from reference_bounds import Bounded
from reference_limits import TICK, limits_in_force, with_own_minimum

UNCERTAIN, BAD = Quality.UNCERTAIN.value, Quality.BAD.value


class Reference(Bounded):
    link_down: frozenset[int] = frozenset()
    """Ticks at which the source of a signal that is sent on change is down: a sample holds for no time."""

    def __init__(
        self, profile: Profile, rules: Definition, plan: Plan, samples: Samples, period: Period,
        window: tuple[int, int], cuts: list[int]) -> None:  # fmt: skip
        self.profile, self.rules, self.plan, self.signal = profile, rules, plan, profile.delivery
        self.first = min(window[0], *samples.time_ns[:1].tolist(), window[1])
        self.n = (window[1] - self.first) // TICK
        self.period = self.tick(period.start_ns), self.tick(period.end_ns)
        self.min_samples = max(rules.min_samples, self.signal.min_samples)
        self.category = [Category.UNSCHEDULED] * self.n
        for block in plan.blocks:
            a, b = self.tick(block.start_ns), self.tick(block.end_ns)
            self.category[a:b] = [block.category] * (b - a)
        start, asked = self.tick(window[0]), (Category.USER, Category.RESERVE)
        self.user = [k >= start and c in asked for k, c in enumerate(self.category)]
        self.limits = with_own_minimum(self.accepted_limits(), rules)
        self.stated_down, self.by_flag = set(), set()
        self.value, self.stamped = self.hold(self.good_samples(samples), {self.tick(t) for t in cuts})
        self.judged = self.judge(self.value, self.stamped)
        self.account, self.failures, self.low_beams = self.book(*self.judged)

    def tick(self, ns: int) -> int:
        return min(max((ns - self.first) // TICK, 0), self.n)

    def accepted_limits(self) -> list:
        return limits_in_force(self.profile, self.rules, self.plan, self.category, self.first)

    def good_samples(self, samples: Samples) -> dict[int, float]:
        """Bad: no finite number, above `physical_max`, of quality bad, or uncertain because of a clock."""
        good, highest = {}, math.inf if self.signal.physical_max is None else self.signal.physical_max
        codes = [-1] * len(samples) if samples.reason is None else samples.reason.tolist()
        columns = samples.time_ns.tolist(), samples.value.tolist(), samples.quality.tolist(), codes
        for ns, value, quality, code in zip(*columns, strict=True):
            clock, k = quality == UNCERTAIN and code >= 0 and samples.words[code] == "clock", self.tick(ns)
            if not (quality == BAD or clock or not math.isfinite(value) or value > highest or k == self.n):
                good[k] = value
        return good

    def hold(self, good: dict[int, float], cuts: set[int]) -> tuple[list[float | None], list[bool]]:
        """A good sample holds until the next one, at most `stale_after`, at most until the link is lost."""
        longest = self.n if self.signal.stale_after_ns is None else self.signal.stale_after_ns // TICK
        value, held, age = [], None, 0
        self.momentary = self.all_momentary = {k: v for k, v in good.items() if k in self.link_down}
        for k in range(self.n):
            age += 1
            if k in good:
                held, age = None if k in self.link_down else good[k], 0
            elif age >= longest or k in cuts:
                held = None
            value.append(held)
        return value, [k in good and k not in self.link_down for k in range(self.n)]

    def is_glitch(self, looks: list[tuple[int, float, bool]], i: int, limit: float) -> int:
        """Return the tick of the good sample that makes the low run from look `i` on a glitch; 0 if it is an event."""
        k, low = looks[i][0], self.weight(looks[i][0])
        for j, value, stamped in looks[i + 1 :] if k not in self.stated_down else ():
            if stamped:
                glitch = (j - k) * TICK < self.rules.min_duration_ns or low < self.min_samples
                if value >= limit or (j in self.anew and j > k) or not glitch:
                    return j if glitch else 0
                if j in self.stated_down:
                    return 0  # what a person states is never a glitch
                low += self.weight(j)
        return 0  # only a good sample ends a glitch, silence does not

    def weight(self, k: int) -> int:
        """For how many samples one counts: a flag is never a glitch by their number."""
        return self.min_samples if k in self.by_flag else 1

    def looks(self, value: list, stamped: list[bool]) -> list[tuple[int, float, bool]]:
        """What is looked at: samples, among them those that hold for no time, and held ones where limits change."""
        looks, before = [], None
        for k in range(self.n):
            looks += [(k, self.momentary[k], True)] if k in self.momentary else []
            looks += (
                [(k, value[k], stamped[k])]
                if value[k] is not None and (stamped[k] or self.limits[k] is not before)
                else []
            )
            before = self.limits[k]
        return looks

    def judge(self, value: list, stamped: list[bool]) -> tuple[list[str], list[int], list[int], dict]:
        """For each tick up, low, down or unknown, and the number of its event; glitches.

        And of events: low-beam -> the no-beam that it became; ("tail", low-beam) -> the no-beam that it follows;
        ("began", event) -> its first tick; ("moment", event) -> the last tick at which it was seen for no time.
        """
        state, event, opened, spared_low, spared_down = "up", 0, self.limits[0], 0, 0
        ends_at = self.rules.no_beam_ends_at.value
        states, number, glitches, became = [""] * self.n, [0] * self.n, [], {}
        looks, i = self.looks(value, stamped), 0
        for k in range(self.n):
            limits = self.limits[k]
            state = "up" if k in self.anew else state
            while i < len(looks) and looks[i][0] == k:  # else the state lives through the gap
                v, ended = looks[i][1], None
                end = getattr(opened, ends_at)
                if v >= (end if state == "down" else max(end, opened.tolerance)):
                    state, ended = "up", event if state == "down" else None
                if state == "up" and v < limits.tolerance and k >= spared_low:
                    spared_low = self.is_glitch(looks, i, limits.tolerance)
                    glitches += [k] if spared_low else []
                    if not spared_low:
                        state, opened, event = "low", limits, event + 1
                        became |= {("began", event): k} | ({("tail", event): ended} if ended else {})
                if state != "down" and v < limits.minimum and k >= spared_down:
                    spared_down = self.is_glitch(looks, i, limits.minimum)
                    glitches += [k] if spared_down and k >= spared_low else []  # one dip is one glitch
                    if not spared_down:
                        became |= {event: event + 1} if state == "low" else {}
                        state, opened, event = "down", limits, event + 1
                        became |= {("began", event): k}
                if state == "down" and k in self.momentary:
                    became |= {("moment", event): k}
                i += 1
            states[k], number[k] = ("unknown" if value[k] is None else state), event
        return states, number, glitches, became

    def book(self, states: list[str], number: list[int], _: list[int], became: dict) -> tuple[list[str], dict, dict]:
        """Merge. For each tick its account; {event: its first tick in user time} of no-beams and of low-beams."""
        one_event, failures, last, gap = list(range(max(number, default=0) + 2)), {}, -1, self.rules.merge_gap_ns
        account = [s if u else "" for s, u in zip(states, self.user, strict=True)]
        for k in range(self.n):
            if not self.user[k]:
                last = -1  # events are merged inside one stretch of user time
            elif states[k] == "down":
                if last >= 0 and (k - last - 1) * TICK < gap:
                    one_event[number[k]] = one_event[number[last]]
                    account[last:k] = ["down"] * (k - last)
                last = k
                failures.setdefault(one_event[number[k]], k)
        low_beams = {number[k]: k for k in reversed(range(self.n)) if account[k] == "low"}

        # Low-beam that became no-beam, or is the tail of its recovery, is one distortion with it, if that one touches
        # user time at all.
        def alone(e: int) -> bool:
            beside = [became[what] for what in (e, ("tail", e)) if what in became]
            return not any(one_event[b] in failures for b in beside)

        return account, failures, {e: k for e, k in low_beams.items() if alone(e)}

    def availability_pct(self, account: list[str]) -> float | None:
        time = Counter(account[slice(*self.period)])
        delivered = time["up"] + time["low"]
        return 100 * delivered / (delivered + time["down"]) if delivered + time["down"] else None
