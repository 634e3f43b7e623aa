"""A second reading of the alarm specification: slow, and nothing of the engine's.

At every instant at which anything could happen, everything is looked at anew: what holds is found from the list of all
samples that were ever accepted, each condition is evaluated, every alarm goes through every step.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from analytics.alarms import Feed
from facility.alarms import Action, AlarmRule, AlarmRules

SECOND = 1_000_000_000
LINK = 30 * SECOND
FAR = 2**62


@dataclass
class Given:
    """One sample as it came in."""

    stamp: int
    series: str
    value: Any
    good: bool


@dataclass
class Alarm:
    """One alarm, as the text names its parts."""

    rule: AlarmRule
    verdict: bool | None = None
    phase: str = "idle"
    counted: list[tuple[int, int | None]] = field(default_factory=list)
    """Stretches in which the running delay ran; the last one may be open."""
    hole_start: int | None = None
    condition_since: int | None = None
    inner: str = "normal"
    occurrence: int = 0
    raises: list[int] = field(default_factory=list)
    chattering: bool = False
    shelf: tuple[int, bool] | None = None
    out: bool = False
    plan: bool = False
    mode: bool = False
    inhibited: bool = False
    acked_at: int | None = None
    shown: str = "unknown"
    memory: dict[tuple[int, ...], bool] = field(default_factory=dict)

    def looks(self) -> str:
        if self.out:
            return "out_of_service"
        if self.plan or self.mode or self.inhibited:
            return "suppressed"
        if self.shelf is not None:
            return "shelved"
        if self.inner != "normal":
            return self.inner
        return "unknown" if self.verdict is None else "normal"

    @property
    def inhibits(self) -> bool:
        return self.phase in ("pending", "active", "clearing") or (self.inhibited and not self.out)

    def delay(self) -> int:
        if self.phase == "pending":
            return round(self.rule.on_delay_s * 1e9)
        off = round(self.rule.off_delay_s * 1e9)
        if self.chattering and self.rule.chatter_count > 0:
            return max(off, round(self.rule.chatter_within_s * 1e9))
        return off

    def elapsed(self, now: int) -> int:
        return sum((now if end is None else end) - start for start, end in self.counted)

    @property
    def runs(self) -> bool:
        return bool(self.counted) and self.counted[-1][1] is None

    def start_delay(self, phase: str, now: int) -> None:
        self.phase, self.counted, self.hole_start = phase, [(now, None)], None

    def stop_delay(self, phase: str) -> None:
        self.phase, self.counted, self.hole_start = phase, [], None
        if phase == "idle":
            self.condition_since = None

    def pause(self, now: int) -> None:
        self.counted[-1] = (self.counted[-1][0], now)
        self.hole_start = now


class SlowAlarms:
    """The alarms of one facility; `call` for `advance`, `resume` after a time without."""

    def __init__(self, rules: AlarmRules, at: int) -> None:
        self.table = rules.table
        self.alarms: dict[str, Alarm] = {rule.id: Alarm(rule) for rule in rules.rules}
        self.position = self.start = at
        self.accepted: dict[str, list[Given]] = {}
        self.withdrawn: set[str] = set()
        self.cuts: dict[str, set[int]] = {}
        self.queue: list[Given] = []
        self.actions: list[Action] = []
        self.reload: AlarmRules | None = None
        self.occurrences: dict[str, int] = {}
        self.rows: list[tuple[Any, ...]] = []
        self.refused: list[tuple[Any, ...]] = []
        self.late = self.ignored = 0

    # ------------------------------------------------------------------ calls

    def hand_over(self, feed: Feed) -> None:
        for batch in feed.batches:
            for i in range(len(batch)):
                name = batch.signals[batch.signal[i]]
                spec = self.table.series[name]
                reason = "" if batch.reason[i] < 0 else batch.words[batch.reason[i]]
                good = batch.quality[i] == 0 or (batch.quality[i] == 1 and reason != "clock")
                value: Any = float(batch.value[i])
                if batch.state[i] >= 0:
                    value = batch.words[batch.state[i]]
                    good = good and spec.kind != "number"
                else:
                    good = good and math.isfinite(value) and value <= spec.physical_max and spec.kind != "state"
                self.queue.append(Given(int(batch.time_ns[i]), name, value, bool(good)))
        for fact in feed.facts:
            value = float(fact.value) if isinstance(fact.value, int) else fact.value
            self.queue.append(Given(fact.time_ns, fact.series, value, value is not None))
        self.actions += feed.actions
        self.reload = feed.rules or self.reload

    def call(self, feed: Feed, until: int) -> None:
        self.hand_over(feed)
        if until <= self.position:
            return
        position = now = self.position
        first = True
        while now < until:
            here = [g for g in self.queue if max(g.stamp, position) <= now]
            self.queue = [g for g in self.queue if max(g.stamp, position) > now]
            acted = [a for a in self.actions if max(a.recorded_at_ns, position) <= now]
            self.actions = [a for a in self.actions if max(a.recorded_at_ns, position) > now]
            self.late += sum(g.stamp < position for g in here)
            self.instant(now, here, acted, feed, rules=self.reload if first else None)
            if first:
                self.reload = None
            first = False
            now = min(self.candidates(now, feed), default=until)
        self.position = until

    def resume(self, feed: Feed, at: int) -> None:
        before = self.position
        for alarm in self.alarms.values():
            if alarm.runs:
                full = alarm.elapsed(before) >= alarm.delay()
                alarm.pause(before)
                if full:
                    # It ended with the last instant before the hole, which was not decided any more.
                    alarm.counted.append((max(at, before), None))
                    alarm.hole_start = None
            if alarm.hole_start is not None and max(at, before) - alarm.hole_start > alarm.delay():
                alarm.stop_delay("idle") if alarm.phase == "pending" else alarm.stop_delay("active")
        if at < before:
            self.put_back(at)
        self.position = self.start = at
        self.hand_over(feed)

    def put_back(self, at: int) -> None:
        for name, given in self.accepted.items():
            bounded: dict[tuple[int, bool], Given] = {}
            for g in sorted(given, key=lambda g: g.stamp):
                bounded[min(g.stamp, at), g.good] = Given(min(g.stamp, at), g.series, g.value, g.good)
            number = self.table.series[name].kind == "number"
            newest = max((g.stamp for g in given), default=0)
            last = [g for g in given if g.stamp == newest]
            # Of a state the newest word alone counts; of a number the bad ones count for no_data only.
            self.accepted[name] = [g for g in bounded.values() if number or g.stamp < at or g.good == last[-1].good]
        self.cuts = {source: {min(c, at) for c in cuts} for source, cuts in self.cuts.items()}
        for alarm in self.alarms.values():
            alarm.raises = [min(t, at) for t in alarm.raises]
            alarm.acked_at = None if alarm.acked_at is None else min(alarm.acked_at, at)
            alarm.condition_since = None if alarm.condition_since is None else min(alarm.condition_since, at)
            alarm.hole_start = None if alarm.hole_start is None else min(alarm.hole_start, at)
            if alarm.runs:
                alarm.counted[-1] = (min(alarm.counted[-1][0], at), None)

    def candidates(self, now: int, feed: Feed) -> list[int]:
        """Every later instant at which anything could happen by what is known now."""
        found: list[int] = [g.stamp for g in self.queue]
        found += [a.recorded_at_ns for a in self.actions]
        found += [t for b in feed.plan.blocks for t in (b.start_ns, b.end_ns)]
        found += list(feed.limits.starts)
        for name, given in self.accepted.items():
            hold = self.table.series[name].hold_ns
            found += [g.stamp + hold for g in given if hold is not None]
            found += [g.stamp + LINK for g in given]
            found += [g.stamp + after for g in given for after in self.afters()]
        found += [self.start + after for after in self.afters()]
        for alarm in self.alarms.values():
            if alarm.runs:
                found.append(now + max(alarm.delay() - alarm.elapsed(now), 0))
            if alarm.hole_start is not None:
                found.append(alarm.hole_start + alarm.delay())
            if alarm.shelf is not None:
                found.append(alarm.shelf[0])
            if alarm.acked_at is not None and alarm.rule.realarm_after_s is not None:
                found.append(alarm.acked_at + round(alarm.rule.realarm_after_s * 1e9))
        # `until` is not among them: the caller stops there.
        return [t for t in found if t > now]

    def afters(self) -> set[int]:
        found: set[int] = set()

        def walk(condition: Any) -> None:
            if condition.kind in ("stale", "no_data"):
                found.add(round(condition.after_s * 1e9))
            elif condition.kind in ("all", "any"):
                for part in condition.of:
                    walk(part)
            elif condition.kind == "not":
                walk(condition.of)

        for alarm in self.alarms.values():
            walk(alarm.rule.when)
        return found

    # ------------------------------------------------------------------ one instant

    def in_order(self) -> list[Alarm]:
        def depth(name: str) -> int:
            sources = self.alarms[name].rule.inhibited_by
            return 0 if not sources else 1 + max(depth(s) for s in sources)

        return sorted(self.alarms.values(), key=lambda a: depth(a.rule.id))

    def instant(
        self, now: int, here: Sequence[Given], acted: Sequence[Action], feed: Feed, rules: AlarmRules | None
    ) -> None:
        # 1. Delays that end now.
        before = self.snapshot()
        for alarm in self.in_order():
            if alarm.runs and alarm.elapsed(now) >= alarm.delay():
                self.delay_over(alarm, now)
        self.write(now, before)
        # 2. Facts.
        if rules is not None:
            self.change(rules, now)
        self.take(now, here)
        # 3. Verdicts, then alarm after alarm.
        limits = {name: feed.limits.at(name, now) for name in feed.limits.values}
        for alarm in self.alarms.values():
            alarm.verdict = self.judge(alarm, alarm.rule.when, (), now, limits)
        self.category = feed.plan.category_at(now).value
        before = self.snapshot()
        self.third_step(now)
        self.write(now, before)
        # 4. Shelves, then re-alarms.
        before = self.snapshot()
        for alarm in self.in_order():
            if alarm.shelf is not None and alarm.shelf[0] <= now:
                self.off_the_shelf(alarm, "unacked")
        self.write(now, before, "shelf_expired")
        before = self.snapshot()
        for alarm in self.in_order():
            after = alarm.rule.realarm_after_s
            if alarm.looks() == "acked" and after is not None and alarm.acked_at is not None:
                if alarm.acked_at + round(after * 1e9) <= now:
                    alarm.inner = "unacked"
        self.write(now, before, "realarmed")
        # 5. People.
        for action in sorted(acted, key=lambda a: a.recorded_at_ns):
            before = self.snapshot()
            refused = self.refuse(action, now)
            if refused:
                self.refused.append((now, action.alarm, action.kind.value, refused))
                continue
            cause = self.do(self.alarms[action.alarm], action)
            self.third_step(now)
            self.write(now, before, cause, action.alarm)

    def snapshot(self) -> dict[str, tuple[str, int | None]]:
        return {name: (a.shown, a.condition_since) for name, a in self.alarms.items()}

    def write(
        self, now: int, before: dict[str, tuple[str, int | None]], cause: str | None = None, only: str | None = None
    ) -> None:
        for alarm in self.in_order():
            name, (old, since) = alarm.rule.id, before[alarm.rule.id]
            new = alarm.looks()
            if new == old:
                continue
            alarm.shown = new
            alarm.acked_at = now if new == "acked" else None
            why = cause if cause is not None and only in (None, name) else self.why(old, new)
            self.rows.append(
                (
                    now,
                    name,
                    old,
                    new,
                    why,
                    alarm.occurrence,
                    alarm.condition_since if alarm.condition_since is not None else since,
                    new == "unacked" and why != "unacknowledged",
                    alarm.verdict is not None,
                )
            )

    @staticmethod
    def why(old: str, new: str) -> str:
        table = {
            ("normal", "unknown"): "input_unknown",
            ("unknown", "normal"): "input_known",
            ("normal", "unacked"): "raised",
            ("unknown", "unacked"): "raised",
            ("rtn_unacked", "unacked"): "raised",
            ("unacked", "normal"): "cleared",
            ("unacked", "rtn_unacked"): "cleared",
            ("acked", "normal"): "cleared",
            ("shelved", "normal"): "shelf_done",
        }
        if new == "suppressed":
            return "suppressed"
        if old == "suppressed":
            return "released"
        return table[old, new]

    def third_step(self, now: int) -> None:
        mode_name = self.table.mode_signal
        mode = None if mode_name is None else self.held(mode_name, now)
        for alarm in self.in_order():
            rule = alarm.rule
            was = alarm.plan or alarm.mode or alarm.inhibited
            alarm.plan = rule.in_plan is not None and self.category not in [c.value for c in rule.in_plan]
            alarm.mode = rule.in_mode is not None and mode is not None and mode not in rule.in_mode
            alarm.inhibited = any(self.alarms[s].inhibits for s in rule.inhibited_by)
            suppressed = alarm.plan or alarm.mode or alarm.inhibited
            if suppressed and not was:
                alarm.stop_delay("idle")
                alarm.inner, alarm.raises, alarm.chattering = "normal", [], False
            if not suppressed and not alarm.out:
                self.phase_step(alarm, now)

    def phase_step(self, alarm: Alarm, now: int) -> None:
        verdict = alarm.verdict
        if verdict is None:
            if alarm.runs:
                alarm.pause(now)
            if alarm.hole_start is not None and now >= alarm.hole_start + alarm.delay():
                alarm.stop_delay("idle" if alarm.phase == "pending" else "active")
            return
        wanted = {"idle": None, "pending": True, "active": None, "clearing": False}[alarm.phase]
        if wanted is not None and wanted == verdict and alarm.hole_start is not None:
            alarm.hole_start = None
            alarm.counted.append((now, None))
        if alarm.phase == "pending" and not verdict:
            alarm.stop_delay("idle")
        if alarm.phase == "clearing" and verdict:
            alarm.stop_delay("active")
        if alarm.phase == "idle" and verdict:
            alarm.start_delay("pending", now)
            alarm.condition_since = now
        if alarm.phase == "active" and not verdict:
            alarm.start_delay("clearing", now)
        if alarm.phase in ("pending", "clearing") and alarm.elapsed(now) >= alarm.delay():
            self.delay_over(alarm, now)

    def delay_over(self, alarm: Alarm, now: int) -> None:
        rule = alarm.rule
        if alarm.phase == "pending":
            alarm.phase, alarm.counted, alarm.hole_start = "active", [], None
            alarm.occurrence += 1
            alarm.inner = "unacked"
            alarm.raises.append(now)
            within = round(rule.chatter_within_s * 1e9)
            recent = [t for t in alarm.raises if now - within < t <= now]
            if rule.chatter_count and len(recent) >= rule.chatter_count:
                alarm.chattering = True
            return
        alarm.stop_delay("idle")
        if alarm.chattering:
            alarm.chattering, alarm.raises = False, []
        if alarm.shelf is not None:
            alarm.inner = "normal"
            if alarm.shelf[1]:
                alarm.shelf = None
        else:
            alarm.inner = "rtn_unacked" if alarm.inner == "unacked" and rule.latch else "normal"

    @staticmethod
    def off_the_shelf(alarm: Alarm, inner: str) -> None:
        alarm.shelf = None
        alarm.inner = inner if alarm.phase in ("active", "clearing") else "normal"

    # ------------------------------------------------------------------ facts

    def take(self, now: int, here: Iterable[Given]) -> None:
        last: dict[tuple[str, int], Given] = {}
        for g in here:
            last[g.series, g.stamp] = g
        for g in sorted(last.values(), key=lambda g: g.stamp):
            self.accept(g)
        for name, spec in self.table.series.items():
            if spec.link_of is None:
                continue
            cuts = self.cuts.setdefault(spec.link_of, set())
            heard = sorted(g.stamp for g in self.accepted.get(name, []))
            cuts.update(g.stamp for g in self.accepted.get(name, []) if g.value == "down")
            for stamp, following in zip(heard, [*heard[1:], FAR][: len(heard)], strict=True):
                if following > stamp + LINK <= now:
                    cuts.add(stamp + LINK)

    def accept(self, g: Given) -> None:
        given = self.accepted.setdefault(g.series, [])
        number = self.table.series[g.series].kind == "number"
        counting = [x.stamp for x in given if x.good or not number]
        newest = max(counting, default=-FAR)
        if g.stamp < newest:
            self.ignored += 1
            return
        if number and not g.good:
            if g.stamp == newest:
                self.withdrawn.add(g.series)
                given[:] = [x for x in given if x.stamp != g.stamp]
            given.append(g)
            return
        given[:] = [x for x in given if x.stamp != g.stamp]
        given.append(g)
        self.withdrawn.discard(g.series)

    def newest(self, series: str, *, good: bool) -> int | None:
        stamps = [g.stamp for g in self.accepted.get(series, []) if g.good or not good]
        return max(stamps, default=None)

    def held(self, series: str, now: int) -> Any:
        spec = self.table.series[series]
        given = self.accepted.get(series, [])
        if spec.kind == "number":
            given = [g for g in given if g.good]
        if not given or series in self.withdrawn:
            return None
        newest = max(given, key=lambda g: g.stamp)
        if not newest.good or (spec.hold_ns is not None and now >= newest.stamp + spec.hold_ns):
            return None
        for source in spec.sources:
            if any(newest.stamp < cut <= now for cut in self.cuts.get(source, ())):
                return None
        return newest.value

    # ------------------------------------------------------------------ verdicts

    def judge(self, alarm: Alarm, condition: Any, path: tuple[int, ...], now: int, limits: dict[str, Any]) -> Any:
        kind = condition.kind
        if kind == "not":
            inner = self.judge(alarm, condition.of, (*path, 0), now, limits)
            return {True: False, False: True, None: None}[inner]
        if kind in ("all", "any"):
            found = [self.judge(alarm, c, (*path, i), now, limits) for i, c in enumerate(condition.of)]
            order = (False, None, True) if kind == "all" else (True, None, False)
            return next(v for v in order if v in found)
        if kind in ("stale", "no_data"):
            newest = self.newest(condition.series, good=kind == "stale")
            after = round(condition.after_s * 1e9)
            if newest is not None and now < newest + after:
                return False
            return None if now < self.start + after else True
        value = self.held(condition.series, now)
        if value is None:
            return None
        if kind == "state":
            return value in condition.words if isinstance(value, str) else None
        if not isinstance(value, float):
            return None
        if kind == "rate":
            value = self.slope(condition, now)
            if value is None:
                return None
        above, below = (self.number(x, limits) for x in (condition.above, condition.below))
        ends_below = above if condition.ends_below is None else self.number(condition.ends_below, limits)
        ends_above = below if condition.ends_above is None else self.number(condition.ends_above, limits)
        if "none" in (above, below, ends_below, ends_above):
            return None
        if (above is not None and value > above) or (below is not None and value < below):
            alarm.memory[path] = True
        elif (ends_below is None or value <= ends_below) and (ends_above is None or value >= ends_above):
            alarm.memory[path] = False
        return alarm.memory.get(path, False)

    @staticmethod
    def number(limit: Any, limits: dict[str, Any]) -> Any:
        if not isinstance(limit, str):
            return limit
        found = limits.get(limit)
        return "none" if found is None else found

    def slope(self, condition: Any, now: int) -> float | None:
        good = sorted((g.stamp, g.value) for g in self.accepted[condition.series] if g.good)
        window = round(condition.window_s * 1e9)
        t1, v1 = good[-1]
        old = [(t, v) for t, v in good if t <= t1 - window]
        if not old or t1 - old[-1][0] > 2 * window:
            return None
        return (v1 - old[-1][1]) / ((t1 - old[-1][0]) / 1e9)

    # ------------------------------------------------------------------ people

    def refuse(self, action: Action, now: int) -> str | None:
        alarm, kind = self.alarms.get(action.alarm), action.kind.value
        if alarm is None:
            return "unknown_alarm"
        if not action.author.strip():
            return "no_author"
        if kind in ("shelve", "out", "in", "unack") and not action.reason.strip():
            return "no_reason"
        shown = alarm.looks()
        until = action.until_ns
        checks: dict[str, list[tuple[bool, str]]] = {
            "ack": [
                (shown not in ("unacked", "rtn_unacked"), "nothing_to_acknowledge"),
                (action.occurrence not in (None, alarm.occurrence), "other_occurrence"),
            ],
            "unack": [(shown != "acked", "not_acknowledged")],
            "shelve": [
                (until is None or until <= now, "until_is_past"),
                (until is not None and until > now + round(alarm.rule.shelve_max_h * 3.6e12), "longer_than_allowed"),
                (alarm.out, "out_of_service"),
            ],
            "unshelve": [(alarm.shelf is None, "not_shelved")],
            "out": [(alarm.out, "out_of_service")],
            "in": [(not alarm.out, "in_service")],
        }
        return next((word for bad, word in checks[kind] if bad), None)

    def do(self, alarm: Alarm, action: Action) -> str:
        kind = action.kind.value
        if kind == "ack":
            alarm.inner = "acked" if alarm.inner == "unacked" else "normal"
            return "acknowledged"
        if kind == "unack":
            alarm.inner = "unacked"
            return "unacknowledged"
        if kind == "shelve":
            assert action.until_ns is not None
            alarm.shelf = (action.until_ns, action.once)
            return "shelved"
        if kind == "unshelve":
            self.off_the_shelf(alarm, "acked")
            return "unshelved"
        if kind == "out":
            alarm.out, alarm.shelf = True, None
            alarm.stop_delay("idle")
            alarm.inner, alarm.raises, alarm.chattering = "normal", [], False
            return "taken_out"
        alarm.out = False
        return "put_back"

    # ------------------------------------------------------------------ other rules

    def change(self, rules: AlarmRules, now: int) -> None:
        new = {rule.id: rule for rule in rules.rules}
        for alarm in self.in_order():
            name = alarm.rule.id
            if name in new:
                continue
            if alarm.shown not in ("normal", "unknown", "suppressed"):
                known = alarm.verdict is not None
                row = (now, name, alarm.shown, "normal", "rule_removed", alarm.occurrence, alarm.condition_since)
                self.rows.append((*row, False, known))
            self.occurrences[name] = alarm.occurrence
        kept: dict[str, Alarm] = {}
        for rule in rules.rules:
            alarm = self.alarms.get(rule.id)
            if alarm is None:
                alarm = Alarm(rule, occurrence=self.occurrences.get(rule.id, 0))
            elif alarm.rule.when != rule.when:
                if alarm.phase == "pending":
                    alarm.stop_delay("idle")
                elif alarm.phase == "clearing":
                    alarm.phase, alarm.counted, alarm.hole_start = "active", [], None
                alarm.memory = {} if alarm.phase == "idle" else _EverTrue()
            alarm.rule = rule
            if rule.chatter_count == 0:
                alarm.chattering = False
            kept[rule.id] = alarm
        self.alarms = kept
        self.table = rules.table


class _EverTrue(dict[tuple[int, ...], bool]):
    """Deadbands that remember *true*, wherever they are."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key, True)
