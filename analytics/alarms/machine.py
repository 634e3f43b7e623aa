"""The deciding of one stretch of time, instant by instant; see section "Order within one instant" of the docs.

Only what changed or is due is looked at: series with a new sample or a hold that ends, alarms whose verdict changed or
whose delay, shelf or re-alarm ends, and the alarms that they inhibit.
"""

import heapq
import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace

from analytics.alarms.calm import take_calm
from analytics.alarms.describing import describe, value_of
from analytics.alarms.feed import Feed, Outcome
from analytics.alarms.holdings import NEVER, Sample, samples_of
from analytics.alarms.people import apply_action
from analytics.alarms.phases import (
    Phase,
    Record,
    begin_suppression,
    change_condition,
    end_delay,
    end_shelf,
    follow,
    next_due,
)
from analytics.alarms.program import LeafCode, Program, compiled
from analytics.alarms.state import Engine
from analytics.alarms.verdicts import beyond, in_force, joined, silence
from facility.alarms import QUIET_STATES, Action, AlarmRules, AlarmState, Cause, Refusal, Transition
from facility.schedule import Category
from facility.signals import LINK_HOLD_NS
from facility.time import MAX_NS

_SERIES, _ALARM, _LINK = 0, 1, 2


class Machine:
    """One call of `advance`: works on copies of what it changes, and gives a new engine at the end."""

    def __init__(self, engine: Engine, feed: Feed, until_ns: int) -> None:
        self._engine = engine
        self._feed = feed
        self._until = until_ns
        self._program: Program = engine.program
        self._rules: AlarmRules = engine.rules
        self._start = engine.start_ns
        self._holdings = engine.holdings.copy()
        self._memory = engine.memory.copy()
        self._verdicts = engine.verdicts.copy()
        self._records = engine.records.copy()
        self._alarm_due = engine.alarm_due.copy()
        self._own: set[int] = set()
        self._retired = dict(engine.retired)
        self._category = engine.category
        self._limits = dict(engine.limits)
        self._mode = engine.mode
        self._fresh = engine.fresh
        self._heap: list[tuple[int, int, int | str]] = []
        self._rows: list[Transition] = []
        self._refusals: list[Refusal] = []
        self._late = self._ignored = 0

    def run(self) -> tuple[Engine, Outcome]:
        """Decide everything before `until_ns`."""
        position = self._engine.position_ns
        rules = self._feed.rules or self._engine.reload
        decided_delays = False
        if rules is not None:
            self._end_delays(position, [i for i, due in enumerate(self._alarm_due) if due <= position])
            self._change_rules(rules, position)
            decided_delays = True
        samples = self._queue_samples(position)
        actions = self._queue_actions()
        plan_edges = self._plan_edges(position)
        limit_edges = list(self._feed.limits.changes(position, self._until))
        edges = sorted({*plan_edges, *limit_edges})
        if not self._fresh:
            samples = self._take_calm(samples, actions, edges, position)
        self._push_all()
        now = position
        next_sample = next_action = next_edge = 0
        while now < self._until:
            here: list[Sample] = []
            while next_sample < len(samples) and max(samples[next_sample].time_ns, position) <= now:
                here.append(samples[next_sample])
                next_sample += 1
            acted: list[Action] = []
            while next_action < len(actions) and max(actions[next_action].recorded_at_ns, position) <= now:
                acted.append(actions[next_action])
                next_action += 1
            while next_edge < len(edges) and edges[next_edge] <= now:
                next_edge += 1
            self._instant(now, here, acted, delays=not decided_delays)
            decided_delays = False
            following = [self._until]
            if next_sample < len(samples):
                following.append(max(samples[next_sample].time_ns, position))
            if next_action < len(actions):
                following.append(max(actions[next_action].recorded_at_ns, position))
            if next_edge < len(edges):
                following.append(edges[next_edge])
            if self._heap:
                following.append(max(self._heap[0][0], now + 1))
            now = min(following)
        engine = replace(
            self._engine,
            rules=self._rules,
            position_ns=self._until,
            holdings=self._holdings,
            memory=self._memory,
            verdicts=self._verdicts,
            records=self._records,
            alarm_due=self._alarm_due,
            fresh=False,
            category=self._category,
            limits=self._limits,
            mode=self._mode,
            waiting=tuple(self._waiting),
            actions=self._waiting_actions,
            reload=None,
            retired=self._retired,
        )
        return engine, Outcome(tuple(self._rows), tuple(self._refusals), self._late, self._ignored)

    # ------------------------------------------------------------------ what comes in

    def _queue_samples(self, position: int) -> list[Sample]:
        """Sort what is to be taken: late ones at the position, by stamp, the last of a stamp winning."""
        came = [*self._engine.waiting, *samples_of(self._feed.batches, self._feed.facts, self._program)]
        self._waiting = [s for s in came if s.time_ns >= self._until]
        now = [s for s in came if s.time_ns < self._until and s.series in self._program.series_index]
        self._late = sum(s.time_ns < position for s in now)
        last: dict[tuple[int, str], int] = {(s.time_ns, s.series): i for i, s in enumerate(now)}
        kept = sorted((t, i) for (t, _), i in last.items())
        return [now[i] for _, i in kept]

    def _queue_actions(self) -> list[Action]:
        came = [*self._engine.actions, *self._feed.actions]
        self._waiting_actions = tuple(a for a in came if a.recorded_at_ns >= self._until)
        return sorted((a for a in came if a.recorded_at_ns < self._until), key=lambda a: (a.recorded_at_ns, a.id))

    def _plan_edges(self, position: int) -> list[int]:
        blocks = self._feed.plan.blocks
        self._plan_starts = [b.start_ns for b in blocks]
        self._blocks = blocks
        return [t for b in blocks for t in (b.start_ns, b.end_ns) if position < t < self._until]

    def _planned(self, now: int) -> Category:
        i = bisect_right(self._plan_starts, now) - 1
        if i >= 0 and now < self._blocks[i].end_ns:
            return self._blocks[i].category
        return Category.UNSCHEDULED

    def _take_calm(self, samples: list[Sample], actions: list[Action], edges: list[int], position: int) -> list[Sample]:
        program, holdings, until = self._program, self._holdings, self._until
        links = {program.series[program.series_index[s.series]].link_of for s in samples if s.series in program.links}
        shaky = {source for source, heard in holdings.heard.items() if heard + LINK_HOLD_NS < until} | links
        shaky_series = {i for source in shaky if source for i in program.series_of_source.get(source, ())}

        def may_write(loud: Iterable[int]) -> set[int]:
            alarms = {program.leaves[leaf].alarm for i in loud for leaf in program.leaves_of_series[i]}
            alarms.update(i for i, due in enumerate(self._alarm_due) if due < until)
            alarms.update(
                program.leaves[leaf].alarm
                for i, due in enumerate(holdings.due)
                if due < until
                for leaf in program.leaves_of_series[i]
            )
            alarms.update(program.index[a.alarm] for a in actions if a.alarm in program.index)
            if edges or self._planned(position) is not self._category:
                alarms.update(program.planned)
                alarms.update(program.leaves[leaf].alarm for found in program.by_limit.values() for leaf in found)
            if any(self._feed.limits.at(name, position) != self._limits.get(name) for name in program.by_limit):
                alarms.update(program.leaves[leaf].alarm for found in program.by_limit.values() for leaf in found)
            if program.mode_series in loud or holdings.due[program.mode_series] < until or shaky:
                alarms.update(program.moded)
            waiting = list(alarms)
            while waiting:
                for target in program.targets[waiting.pop()]:
                    if target not in alarms:
                        alarms.add(target)
                        waiting.append(target)
            return alarms

        return take_calm(program, holdings, self._verdicts, self._memory, samples, position, may_write, shaky_series)

    def _push_all(self) -> None:
        until = self._until
        self._heap = [(due, _SERIES, i) for i, due in enumerate(self._holdings.due) if due < until]
        self._heap += [(due, _ALARM, i) for i, due in enumerate(self._alarm_due) if due < until]
        for source, heard in self._holdings.heard.items():
            if heard + LINK_HOLD_NS < until:
                self._heap.append((heard + LINK_HOLD_NS, _LINK, source))
        heapq.heapify(self._heap)

    # ------------------------------------------------------------------ one instant

    def _instant(self, now: int, samples: list[Sample], actions: list[Action], *, delays: bool) -> None:
        series: set[int] = set()
        ended: set[int] = set()
        while self._heap and self._heap[0][0] <= now:
            _, kind, index = heapq.heappop(self._heap)
            if isinstance(index, str):
                continue
            if kind == _SERIES and self._holdings.due[index] <= now:
                series.add(index)
            elif kind == _ALARM and self._alarm_due[index] <= now:
                ended.add(index)
        due = sorted(ended)
        step: set[int] = set(due)
        if delays:
            step |= self._end_delays(now, due)
        leaves = self._take_facts(now, samples, series)
        alarms: set[int] = set()
        if self._fresh:
            leaves = set(range(len(self._program.leaves)))
            series = set(range(len(self._program.series)))
            step = set(range(len(self._program.rules)))
            due = sorted(step)
            alarms = set(step)
            self._fresh = False
        step |= self._evaluate(now, leaves, series, alarms)
        self._settle_all(now, step)
        self._end_shelves(now, due)
        self._realarm(now, due)
        for action in actions:
            self._act(now, action)

    def _end_delays(self, now: int, due: Iterable[int]) -> set[int]:
        """Step 1: delays that end now; return the alarms to look at again in step 3."""
        touched: set[int] = set()
        for i in due:
            old = self._records[i]
            if old.running_ns is None:
                continue
            record = self._touch(i)
            since, inhibited = record.since_ns, record.inhibits
            if end_delay(record, self._program.rules[i], now):
                self._show(i, now, since)
                touched.add(i)
                if record.inhibits != inhibited:
                    touched.update(self._program.targets[i])
        return touched

    def _take_facts(self, now: int, samples: list[Sample], series: set[int]) -> set[int]:
        """Step 2: take samples, cut holds, look at plan and limits; return the leaves to evaluate."""
        program, holdings = self._program, self._holdings
        cut_before = dict(holdings.cut)
        for sample in samples:
            i = program.series_index[sample.series]
            if not holdings.take(i, program.series[i], sample, program.windows.get(i)):
                self._ignored += 1
            series.add(i)
            source = program.series[i].link_of
            if source is not None and holdings.heard[source] + LINK_HOLD_NS < self._until:
                heapq.heappush(self._heap, (holdings.heard[source] + LINK_HOLD_NS, _LINK, source))
        holdings.silent(now)
        for source, cut in holdings.cut.items():
            if cut_before.get(source, NEVER) != cut:
                series.update(program.series_of_source.get(source, ()))
        leaves = {leaf for i in series for leaf in program.leaves_of_series[i]}
        for name, found in program.by_limit.items():
            value = self._feed.limits.at(name, now)
            if name not in self._limits or self._limits[name] != value:
                self._limits[name] = value
                leaves.update(found)
        return leaves

    def _evaluate(self, now: int, leaves: set[int], series: set[int], alarms: set[int]) -> set[int]:
        """Give verdicts to `leaves`, to `alarms` and to those whose leaves changed; return the alarms to look at."""
        program = self._program
        for leaf in leaves:
            code = program.leaves[leaf]
            verdict = self._leaf(leaf, code, now)
            if verdict is not self._verdicts[leaf]:
                self._verdicts[leaf] = verdict
                alarms.add(code.alarm)
        for i in series:
            self._set_series_due(i, now)
        step: set[int] = set()
        for i in alarms:
            verdict = joined(program.trees[i], self._verdicts)
            if verdict is not self._records[i].verdict:
                self._touch(i).verdict = verdict
                step.add(i)
        category = self._planned(now)
        if category is not self._category:
            self._category = category
            step.update(program.planned)
        if program.mode_series >= 0:
            held = self._holdings.holds(program.mode_series, program.series[program.mode_series], now)
            value = self._holdings.value[program.mode_series] if held else None
            mode = value if isinstance(value, str) else None
            if mode != self._mode:
                self._mode = mode
                step.update(program.moded)
        return step

    def _leaf(self, leaf: int, code: LeafCode, now: int) -> bool | None:
        holdings, i = self._holdings, code.series
        if code.kind == "stale" or code.kind == "no_data":
            newest = holdings.good[i] if code.kind == "stale" else holdings.newest[i]
            return silence(None if newest == NEVER else newest, code.after_ns, self._start, now)
        value = value_of(code, self._program, self._holdings, now)
        if value is None:
            return None
        if isinstance(value, str):
            return value in code.words if code.kind == "state" else None
        if code.kind == "state":
            return None
        limits = [
            in_force(x, self._limits.__getitem__) for x in (code.above, code.below, code.ends_below, code.ends_above)
        ]
        if any(x is not None and math.isnan(x) for x in limits):
            return None
        verdict = beyond(value, *limits, was=self._memory[leaf])
        self._memory[leaf] = verdict
        return verdict

    def _set_series_due(self, i: int, now: int) -> None:
        holdings, spec = self._holdings, self._program.series[i]
        found = self._program.leaves_of_series[i]
        if not found and i != self._program.mode_series:
            return
        candidates: list[int] = []
        if spec.hold_ns is not None and holdings.ok[i]:
            candidates.append(holdings.stamp[i] + spec.hold_ns)
        for leaf in found:
            code = self._program.leaves[leaf]
            if code.kind == "stale" or code.kind == "no_data":
                newest = holdings.good[i] if code.kind == "stale" else holdings.newest[i]
                candidates += [newest + code.after_ns, self._start + code.after_ns]
        due = min((t for t in candidates if t > now), default=MAX_NS)
        holdings.due[i] = due
        if due < self._until:
            heapq.heappush(self._heap, (due, _SERIES, i))

    # ------------------------------------------------------------------ alarms

    def _touch(self, i: int) -> Record:
        """Return the record for changing; its copy, the first time."""
        if i not in self._own:
            self._own.add(i)
            self._records[i] = self._records[i].copy()
        return self._records[i]

    def _settle_all(
        self,
        now: int,
        step: set[int],
        cause: Cause | None = None,
        action: Action | None = None,
        since: int | None = None,
    ) -> None:
        """Step 3 for the alarms given and for those that they inhibit, in rank order.

        With an action the first alarm, on which it was done, gets its cause; `since` is the first instant of the
        condition that it had before.
        """
        queue = list(step)
        heapq.heapify(queue)
        done = -1
        while queue:
            i = heapq.heappop(queue)
            if i == done:
                continue
            done = i
            record = self._touch(i)
            since, inhibited = record.since_ns if record.since_ns is not None else since, record.inhibits
            self._suppress(i, record)
            follow(record, self._program.rules[i], now)
            self._show(i, now, since, cause, action)
            cause = action = since = None
            if record.inhibits != inhibited:
                for target in self._program.targets[i]:
                    heapq.heappush(queue, target)

    def _suppress(self, i: int, record: Record) -> None:
        rule = self._program.rules[i]
        was = record.suppressed
        record.by_plan = rule.in_plan is not None and self._category not in rule.in_plan
        record.by_mode = rule.in_mode is not None and self._mode is not None and self._mode not in rule.in_mode
        record.by_alarms = tuple(
            self._program.rules[source].id for source in self._program.sources[i] if self._records[source].inhibits
        )
        if record.suppressed and not was:
            begin_suppression(record)

    def _end_shelves(self, now: int, due: Iterable[int]) -> None:
        for i in due:
            until = self._records[i].shelf_until_ns
            if until is not None and until <= now:
                record = self._touch(i)
                end_shelf(record, acknowledged=False)
                self._show(i, now, record.since_ns, Cause.SHELF_EXPIRED)

    def _realarm(self, now: int, due: Iterable[int]) -> None:
        for i in due:
            after, acked = self._program.rules[i].realarm_after_ns, self._records[i].acked_ns
            if after is not None and acked is not None and acked + after <= now:
                record = self._touch(i)
                record.inner = AlarmState.UNACKED
                self._show(i, now, record.since_ns, Cause.REALARMED)

    def _act(self, now: int, action: Action) -> None:
        i = self._program.index.get(action.alarm)
        record = None if i is None else self._records[i].copy()
        rule = None if i is None else self._program.rules[i]
        result = apply_action(action, record, rule, now)
        if isinstance(result, Refusal):
            self._refusals.append(result)
            return
        assert i is not None
        assert record is not None
        self._own.add(i)
        inhibited, since = self._records[i].inhibits, self._records[i].since_ns
        self._records[i] = record
        step = {i, *self._program.targets[i]} if record.inhibits != inhibited else {i}
        self._settle_all(now, step, result, action, since)

    def _show(
        self, i: int, now: int, since: int | None, cause: Cause | None = None, action: Action | None = None
    ) -> None:
        """Write a row if another word is to be shown than before; note what is due next."""
        record, rule = self._records[i], self._program.rules[i]
        before, after = record.shown, record.word()
        if after is not before:
            record.shown, record.shown_since_ns = after, now
            if after is AlarmState.ACKED:
                record.acked_ns = now
            else:
                record.acked_ns, record.acked_by, record.acked_comment = None, "", ""
            self._write(i, now, before, since, cause or _cause(before, after), action)
        self._alarm_due[i] = due = next_due(record, rule)
        if due < self._until:
            heapq.heappush(self._heap, (due, _ALARM, i))

    def _write(
        self, i: int, now: int, before: AlarmState, since: int | None, cause: Cause, action: Action | None
    ) -> None:
        record, rule = self._records[i], self._program.rules[i]
        by = None
        if action is not None:
            by = action.author
        elif cause is Cause.SUPPRESSED:
            by = ",".join(record.suppressors)
        value, word, limit = describe(
            i, self._program, self._holdings, self._verdicts, self._limits, record.verdict, now
        )
        row = Transition(
            time_ns=now,
            alarm=rule.id,
            from_state=before,
            to_state=record.shown,
            cause=cause,
            seq=0,
            occurrence=record.occurrence,
            priority=rule.priority,
            class_=rule.class_,
            annunciated=record.shown is AlarmState.UNACKED and cause is not Cause.UNACKNOWLEDGED,
            by=by,
            since_ns=since if record.since_ns is None else record.since_ns,
            value=value,
            word=word,
            limit_value=limit,
            input_known=record.verdict is not None,
            chattering=record.chattering,
            action_id=None if action is None else action.id,
        )
        if row.journaled:
            record.seq += 1
            row = replace(row, seq=record.seq)
        self._rows.append(row)

    # ------------------------------------------------------------------ other rules

    def _change_rules(self, rules: AlarmRules, now: int) -> None:
        """Put other rules in force: what is kept goes on under the same id."""
        old, new = self._program, compiled(rules)
        for i, rule in enumerate(old.rules):
            if rule.id not in new.index:
                record = self._touch(i)
                before = record.shown
                if before not in QUIET_STATES:
                    record.shown = AlarmState.NORMAL
                    self._write(i, now, before, record.since_ns, Cause.RULE_REMOVED, None)
                self._retired[rule.id] = (record.occurrence, record.seq)
        records: list[Record] = []
        memory, verdicts = [False] * len(new.leaves), list[bool | None]([None]) * len(new.leaves)
        for i, rule in enumerate(new.rules):
            k = old.index.get(rule.id)
            if k is None:
                occurrence, seq = self._retired.pop(rule.id, (0, 0))
                records.append(Record(occurrence=occurrence, seq=seq))
                continue
            record = self._records[k].copy()
            leaves = list(zip(new.leaves_of_alarm[i], old.leaves_of_alarm[k], strict=False))
            if rule.when == old.rules[k].when:
                for mine, its in leaves:
                    memory[mine], verdicts[mine] = self._memory[its], self._verdicts[its]
            else:
                change_condition(record)
                for mine in new.leaves_of_alarm[i]:
                    memory[mine] = record.phase is Phase.ACTIVE
            if not rule.chatter_count:
                record.chattering = False
            records.append(record)
        self._holdings = self._holdings.carried(old, new)
        self._program, self._rules = new, rules
        self._memory, self._verdicts, self._records = memory, verdicts, records
        self._alarm_due = [MAX_NS] * len(records)
        self._own = set(range(len(records)))
        self._limits = {}
        self._fresh = True


def _cause(before: AlarmState, after: AlarmState) -> Cause:
    """Return why the word changed by itself."""
    if after is AlarmState.SUPPRESSED:
        return Cause.SUPPRESSED
    if before is AlarmState.SUPPRESSED:
        return Cause.RELEASED
    if after is AlarmState.UNACKED:
        return Cause.RAISED
    if before is AlarmState.SHELVED:
        return Cause.SHELF_DONE
    if before in (AlarmState.UNACKED, AlarmState.ACKED):
        return Cause.CLEARED
    return Cause.INPUT_UNKNOWN if after is AlarmState.UNKNOWN else Cause.INPUT_KNOWN
