"""Which alarms the faults of a simulated machine must raise, and when: a second reading of rules, delays and holds.

Written for clarity and on purpose without `analytics`, as `simulators.observer`, so that the two check each other. It
reads the rules that come with a facility as far as the truth of the machine decides them: limits on the delivery
signal, its silence, and the link to the machine. Nobody acknowledges, shelves or switches off.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from facility.alarms import AlarmRule, AlarmRules, LimitCondition, StaleCondition, StateCondition
from facility.batch import Float64, Int64
from facility.limits import Limits
from facility.schedule import Plan
from facility.signals import LINK_HOLD_NS

_NEVER: Final = 1 << 62
Verdict = bool | None


@dataclass(frozen=True, slots=True)
class Raise:
    """One entry of an alarm into *active*."""

    alarm: str
    time_ns: int
    since_ns: int
    """Since when its condition was true."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What there was to see of a machine in a period."""

    start_ns: int
    end_ns: int
    plan: Plan
    limits: list[tuple[int, Limits]]
    """(instant from which they hold, limits), in order of time."""
    stale_after_ns: int
    """How long a sample of the delivery signal holds."""
    links: tuple[tuple[int, str], ...]
    """(instant, word) that the link to the machine reported."""
    days: Iterable[tuple[Int64, Float64]]
    """Stamps and values of the good samples of the delivery signal, day by day."""


def decided_by_truth(rules: AlarmRules, delivery_signal: str) -> tuple[AlarmRule, ...]:
    """Return the rules that this module can read, sources of inhibition first."""
    found = {rule.id: rule for rule in rules.ranked if _is_readable(rule, delivery_signal)}
    while left := [r.id for r in found.values() if not set(r.inhibited_by) <= set(found)]:
        for alarm in left:
            del found[alarm]
    return tuple(found.values())


def watch(rules: Iterable[AlarmRule], watched: Watched) -> list[Raise]:
    """Return every raise of the rules in the period, in order of time."""
    alarms = [_Alarm(rule) for rule in rules]
    readings = _Readings(watched, [a.rule for a in alarms])
    changes = readings.changes()
    i, now = 0, watched.start_ns
    raised: list[Raise] = []
    by_id = {a.rule.id: a for a in alarms}
    while now < watched.end_ns:
        for alarm in alarms:
            alarm.end_delay(now)
        while i < len(changes) and changes[i][0] <= now:
            readings.take(changes[i])
            i += 1
        for alarm in alarms:
            planned = watched.plan.category_at(now)
            off_plan = alarm.rule.in_plan is not None and planned not in alarm.rule.in_plan
            sources = [by_id[s] for s in alarm.rule.inhibited_by]
            alarm.follow(now, readings.verdict(alarm.rule, now), off_plan, any(s.inhibits for s in sources))
        now = min([*(a.due() for a in alarms), changes[i][0] if i < len(changes) else _NEVER])
    for alarm in alarms:
        raised += alarm.raised
    return sorted((r for r in raised if r.time_ns < watched.end_ns), key=lambda r: r.time_ns)


@dataclass(slots=True)
class _Alarm:
    """One rule on its way through its delays."""

    rule: AlarmRule
    phase: Literal["idle", "pending", "active", "clearing"] = "idle"
    since_ns: int = 0
    elapsed_ns: int = 0
    runs_from_ns: int | None = None
    """From when the delay runs; None: it stands still, or there is none."""
    hole_ns: int | None = None
    off_plan: bool = False
    inhibited: bool = False
    entries: list[int] = field(default_factory=list[int])
    chattering: bool = False
    raised: list[Raise] = field(default_factory=list[Raise])

    @property
    def inhibits(self) -> bool:
        return self.phase != "idle" or self.inhibited

    def delay_ns(self) -> int:
        if self.phase == "pending":
            return self.rule.on_delay_ns
        quiet_ns = self.rule.chatter_within_ns if self.chattering else 0
        return max(self.rule.off_delay_ns, quiet_ns)

    def due(self) -> int:
        if self.runs_from_ns is not None:
            return self.runs_from_ns + self.delay_ns() - self.elapsed_ns
        return _NEVER if self.hole_ns is None else self.hole_ns + self.delay_ns()

    def end_delay(self, now: int) -> None:
        if self.runs_from_ns is None or self.due() > now:
            return
        if self.phase == "pending":
            within = now - self.rule.chatter_within_ns
            self.entries = [*(t for t in self.entries if t > within), now]
            self.chattering |= 0 < self.rule.chatter_count <= len(self.entries)
            self.raised.append(Raise(self.rule.id, now, self.since_ns))
            self._go("active")
        else:
            self.entries = [] if self.chattering else self.entries
            self.chattering = False
            self._go("idle")

    def follow(self, now: int, verdict: Verdict, off_plan: bool, inhibited: bool) -> None:
        self.off_plan, self.inhibited = off_plan, inhibited
        if off_plan or inhibited:
            self._go("idle")
            self.entries, self.chattering = [], False
            return
        if verdict is None:
            if self.runs_from_ns is not None:
                self.elapsed_ns += now - self.runs_from_ns
                self.runs_from_ns, self.hole_ns = None, now
            if self.hole_ns is not None and now - self.hole_ns >= self.delay_ns():
                self._go("idle" if self.phase == "pending" else "active")
        elif self.phase == "idle" and verdict:
            self._go("pending", now)
            self.since_ns = now
        elif self.phase == "pending" and not verdict:
            self._go("idle")
        elif self.phase == "active" and not verdict:
            self._go("clearing", now)
        elif self.phase == "clearing" and verdict:
            self._go("active")
        elif self.hole_ns is not None:
            self.runs_from_ns, self.hole_ns = now, None
        self.end_delay(now)

    def _go(self, phase: Literal["idle", "pending", "active", "clearing"], now: int | None = None) -> None:
        self.phase, self.elapsed_ns, self.runs_from_ns, self.hole_ns = phase, 0, now, None


_Change = tuple[int, int, str, float | str | None]
"""(instant, order, what, value): ``value`` of the delivery signal, ``silent``, ``link``, ``edge`` of plan or limits."""


class _Readings:
    """What holds at each instant: the few instants at which a comparison may come out differently, and between them."""

    def __init__(self, watched: Watched, rules: list[AlarmRule]) -> None:
        self._watched = watched
        self._rules = rules
        self._value: float | None = None
        self._word: str | None = None
        self._silent: dict[int, Verdict] = {r.when.after_ns: None for r in rules if isinstance(r.when, StaleCondition)}
        self._memory: dict[str, bool] = {}

    def changes(self) -> list[_Change]:
        """Return all that changes in the period, in order of time."""
        watched = self._watched
        edges = {b for block in watched.plan.blocks for b in (block.start_ns, block.end_ns)}
        edges |= {ns for ns, _ in watched.limits}
        found: list[_Change] = [(ns, 0, "edge", None) for ns in edges]
        for (ns, word), after in zip(watched.links, [*(t for t, _ in watched.links[1:]), _NEVER], strict=False):
            found.append((ns, 1, "link", word))
            if ns + LINK_HOLD_NS < after:
                found.append((ns + LINK_HOLD_NS, 1, "link", None))
        found += self._of_samples()
        return sorted(c for c in found if watched.start_ns <= c[0] < watched.end_ns)

    def _of_samples(self) -> Iterator[_Change]:
        watched = self._watched
        levels = sorted({n for rule in self._rules for n in _numbers(rule, watched.limits)})
        cuts = np.unique(np.array([*_cuts(watched.links)], np.int64))
        last: int | None = None
        for times, values in watched.days:
            if not len(times):
                continue
            place = np.searchsorted(levels, values, "left") + np.searchsorted(levels, values, "right")
            before = np.append(times[0] if last is None else last, times[:-1])
            ends = before + watched.stale_after_ns
            first_cut = np.append(cuts, _NEVER)[np.searchsorted(cuts, before, "right")]
            ends = np.minimum(ends, first_cut)
            gap = ends < times
            if last is None:
                gap[0] = False
            for i in np.flatnonzero(gap).tolist():
                yield int(ends[i]), 2, "value", None
            new = gap | (np.diff(place, prepend=-1) != 0)
            for i in np.flatnonzero(new).tolist():
                yield int(times[i]), 2, "value", float(values[i])
            for after in self._silent:
                late = (times - before) > after
                for i in np.flatnonzero(late).tolist():
                    yield int(before[i]) + after, 2, f"silent {after}", "yes"
                    yield int(times[i]), 3, f"silent {after}", "no"
                if last is None:
                    if watched.start_ns + after < times[0]:
                        yield watched.start_ns + after, 2, f"silent {after}", "yes"
                    yield int(times[0]), 3, f"silent {after}", "no"
            last = int(times[-1])
        if last is not None:
            end = min([last + watched.stale_after_ns, *cuts[cuts > last].tolist()])
            yield end, 2, "value", None
            for after in self._silent:
                yield last + after, 2, f"silent {after}", "yes"

    def take(self, change: _Change) -> None:
        """Take what changes at an instant."""
        _, _, what, value = change
        if what == "value":
            self._value = value if isinstance(value, float) else None
        elif what == "link":
            self._word = value if isinstance(value, str) else None
        elif what.startswith("silent"):
            self._silent[int(what.split()[1])] = value == "yes"

    def verdict(self, rule: AlarmRule, now: int) -> Verdict:
        """Return whether a rule's condition is true now; None: nobody knows."""
        when = rule.when
        if isinstance(when, StateCondition):
            return None if self._word is None else self._word in when.words
        if isinstance(when, StaleCondition):
            silent = self._silent[when.after_ns]
            return None if silent and now < self._watched.start_ns + when.after_ns else silent
        if self._value is None or not isinstance(when, LimitCondition):
            return None
        row = self._watched.limits[max(bisect_right(self._watched.limits, now, key=lambda r: r[0]) - 1, 0)][1]
        above, below = _number(when.above, row), _number(when.below, row)
        ends_below = above if when.ends_below is None else _number(when.ends_below, row)
        ends_above = below if when.ends_above is None else _number(when.ends_above, row)
        if (above is not None and self._value > above) or (below is not None and self._value < below):
            self._memory[rule.id] = True
        elif (ends_below is None or self._value <= ends_below) and (ends_above is None or self._value >= ends_above):
            self._memory[rule.id] = False
        return self._memory.get(rule.id, False)


def _cuts(links: tuple[tuple[int, str], ...]) -> Iterator[int]:
    """Yield where holds end because the link went down, or was not heard for 30 s."""
    for (ns, word), after in zip(links, [*(t for t, _ in links[1:]), _NEVER], strict=False):
        if word == "down":
            yield ns
        if after - ns > LINK_HOLD_NS:
            yield ns + LINK_HOLD_NS


def _number(limit: float | str | None, row: Limits) -> float | None:
    return getattr(row, limit) if isinstance(limit, str) else limit


def _numbers(rule: AlarmRule, limits: list[tuple[int, Limits]]) -> Iterator[float]:
    if isinstance(rule.when, LimitCondition):
        for limit in (rule.when.above, rule.when.below, rule.when.ends_below, rule.when.ends_above):
            for _, row in limits:
                number = _number(limit, row)
                if number is not None:
                    yield number


def _is_readable(rule: AlarmRule, delivery_signal: str) -> bool:
    if rule.in_mode is not None:
        return False
    when = rule.when
    if isinstance(when, StateCondition):
        return when.signal is not None and when.signal.endswith("_link")
    if not isinstance(when, LimitCondition | StaleCondition) or when.signal != delivery_signal:
        return False
    named = ("nominal", "recovered", "tolerance", "minimum")
    return isinstance(when, StaleCondition) or all(name in named for name in when.names)
