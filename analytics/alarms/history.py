"""Replay: what the alarms would have been in a past stretch of time."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.alarms.edges import FOR_ALL, Event, number_events, rate_events, silence_events, word_events
from analytics.alarms.engine import advance, begin
from analytics.alarms.feed import FactSample, Feed, LimitPieces
from analytics.alarms.thinning import runs_of, thinned_events
from facility.alarms import (
    Action,
    AlarmRule,
    AlarmRules,
    AllCondition,
    AnyCondition,
    Condition,
    Leaf,
    LimitCondition,
    NotCondition,
    RateCondition,
    SeriesSpec,
    SeriesTable,
    StateCondition,
    Transition,
    fact_series,
    leaves,
)
from facility.batch import Samples
from facility.interval import Intervals
from facility.schedule import PLANNED_CATEGORIES, Category, Plan
from facility.signals import LINK_HOLD_NS, link_signal
from facility.time import NS_PER_DAY

Int64 = NDArray[np.int64]
MANY_EVENTS: Final = 20_000
"""With so many edges of a series, rules on it are looked at one by one."""
History = Callable[[str, int, int], Iterator[Samples]]
"""Gives the samples of a series in ``[start, end)`` in order, the one held at the start before them."""


def replay(
    rules: AlarmRules,
    history: History,
    plan: Plan,
    limits: LimitPieces,
    actions: Sequence[Action],
    start_ns: int,
    end_ns: int,
) -> Iterator[Transition]:
    """Yield the rows of ``[start_ns, end_ns)``, every sample taken at its own stamp.

    The same phases as live; the samples between two instants at which a condition can change are left out beforehand,
    so the value of a row is that of the sample with which the condition changed. Series for which `history` gives
    nothing (facts of kado itself) are unknown.
    """
    reduced = _Reduced(rules, history, plan, limits, start_ns, end_ns, acted_on={a.alarm for a in actions})
    events = sorted(reduced.events(), key=lambda e: e[0])
    engine, at, i = begin(reduced.rules(), start_ns), start_ns, 0
    first = True
    while at < end_ns:
        until = min(at + NS_PER_DAY, end_ns)
        k = i
        while k < len(events) and events[k][0] < until:
            k += 1
        facts = [FactSample(name, time, value) for time, name, value in events[i:k]]
        feed = Feed(facts=facts, plan=plan, limits=limits, actions=actions if first else ())
        engine, outcome = advance(engine, feed, until)
        yield from outcome.transitions
        at, i, first = until, k, False


class _Reduced:
    """The same rules on series of events."""

    def __init__(
        self,
        rules: AlarmRules,
        history: History,
        plan: Plan,
        limits: LimitPieces,
        start_ns: int,
        end_ns: int,
        *,
        acted_on: Collection[str],
    ) -> None:
        self._rules = rules
        self._history = history
        self._plan = plan
        self._limits = limits
        self._acted_on = acted_on
        self._start_ns, self._end_ns = start_ns, end_ns
        self._events: dict[str, list[Event]] = {}
        self._cuts: dict[str, Int64] = {}
        self._names: dict[tuple[str, str, int], str] = {}
        self._thinned: dict[str, str] = {}
        """By rule: the series of its own events, where its limit lies in the noise."""
        self._loud: set[tuple[str, str, int]] = set()
        """Series with very many edges."""
        self._thresholds = self._find_thresholds()

    def rules(self) -> AlarmRules:
        """Return the rules with their conditions on events; call `events` first."""
        table = self._rules.table
        specs = {name: SeriesSpec(name, "fact", None) for name in self._events}
        if table.mode_signal is not None and table.mode_signal not in specs:
            specs[table.mode_signal] = SeriesSpec(table.mode_signal, "fact", None)
        facts = tuple(name.removeprefix("fact:") for name in specs)
        reduced = SeriesTable(table.facility, specs, table.mode_signal, table.delivery_signal, facts=facts)
        return AlarmRules.of([self._rule(rule) for rule in self._rules.rules], reduced)

    def events(self) -> Iterator[tuple[int, str, float | str | None]]:
        """Yield (time, series, value) of all series that the rules read."""
        mode = self._rules.table.mode_signal
        if mode is not None and any(rule.in_mode is not None for rule in self._rules.rules):
            spec = self._spec(mode)
            self._events[mode] = word_events(self._pieces(mode), spec, self._cut(spec), self._end_ns)
        for rule in self._rules.rules:
            for leaf in leaves(rule.when):
                self._read(leaf, MANY_EVENTS)
        for rule in self._rules.rules:
            self._thin(rule)
        for rule in self._rules.rules:
            for leaf in leaves(rule.when) if rule.id not in self._thinned else ():
                self._read(leaf, FOR_ALL)
        for name, events in self._events.items():
            for time, value in events:
                yield time, name, value

    def _rule(self, rule: AlarmRule) -> AlarmRule:
        if rule.id in self._thinned:
            assert isinstance(rule.when, LimitCondition | RateCondition)
            return rule.model_copy(update={"when": _on_events(rule.when, self._thinned[rule.id])})
        return rule.model_copy(update={"when": self._condition(rule.when)})

    def _condition(self, condition: Condition) -> Condition:
        if isinstance(condition, AllCondition | AnyCondition):
            return condition.model_copy(update={"of": tuple(self._condition(part) for part in condition.of)})
        if isinstance(condition, NotCondition):
            return condition.model_copy(update={"of": self._condition(condition.of)})
        return self._leaf(condition)

    def _leaf(self, leaf: Leaf) -> Leaf:
        name = self._names[_key(leaf)]
        if isinstance(leaf, LimitCondition | RateCondition):
            return _on_events(leaf, name)
        words = leaf.words if isinstance(leaf, StateCondition) else ("stale",)
        return StateCondition(kind="state", fact=name.removeprefix("fact:"), words=words)

    def _thin(self, rule: AlarmRule) -> None:
        """Find the events of a rule again, only those that its delays let through, where there are very many.

        Left as it is where somebody else sees more of the rule than its rows: where it inhibits or is inhibited, where
        people act on it, and where its limits change in the time that is replayed.
        """
        leaf = rule.when
        if not isinstance(leaf, LimitCondition | RateCondition) or rule.id in self._acted_on:
            return
        if self._names[_key(leaf)] in self._events or leaf.signal is None:
            return
        if rule.inhibited_by or any(rule.id in other.inhibited_by for other in self._rules.rules):
            return
        numbers = self._as_numbers(leaf)
        if numbers is None:
            return
        spec = self._spec(leaf.series)
        runs = runs_of(self._pieces(leaf.series), spec, self._cut(spec), numbers, self._start_ns, self._end_ns)
        name = self._thinned[rule.id] = fact_series(f"t{len(self._thinned)}")
        self._events[name] = thinned_events(runs, rule, self._armed(rule), self._start_ns)

    def _as_numbers(self, leaf: LimitCondition | RateCondition) -> LimitCondition | RateCondition | None:
        """Return a condition with its named limits as numbers; None where one changes, or is missing."""
        changed: dict[str, float] = {}
        for key in ("above", "below", "ends_below", "ends_above"):
            limit = getattr(leaf, key)
            if not isinstance(limit, str):
                continue
            pieces = [self._start_ns, *self._limits.changes(self._start_ns, self._end_ns)]
            values = {self._limits.at(limit, start) for start in pieces}
            value = values.pop()
            if values or value is None:
                return None
            changed[key] = value
        return leaf.model_copy(update=changed)

    def _armed(self, rule: AlarmRule) -> Intervals:
        """Return where neither plan nor mode suppresses a rule."""
        whole = Intervals.of([(self._start_ns, self._end_ns)])
        armed = whole
        if rule.in_plan is not None:
            planned = [c for c in rule.in_plan if c is not Category.UNSCHEDULED]
            armed = self._plan.intervals(*planned).clip(self._start_ns, self._end_ns)
            if Category.UNSCHEDULED in rule.in_plan:
                armed |= whole - self._plan.intervals(*PLANNED_CATEGORIES)
        if rule.in_mode is not None and self._rules.table.mode_signal is not None:
            said = self._events[self._rules.table.mode_signal]
            ends = [*(max(t, self._start_ns) for t, _ in said[1:]), self._end_ns]
            other = [
                (max(t, self._start_ns), end)
                for (t, word), end in zip(said, ends, strict=False)
                if word is not None and word not in rule.in_mode and end > max(t, self._start_ns)
            ]
            armed -= Intervals.of(other)
        return armed

    def _read(self, leaf: Leaf, most: int) -> None:
        """Find the events of a condition; nothing is kept where there are more than `most`."""
        key = _key(leaf)
        name = self._names.setdefault(key, fact_series(f"e{len(self._names)}"))
        if name in self._events or (most < FOR_ALL and key in self._loud):
            return
        spec = self._spec(leaf.series)
        pieces, end = self._pieces(leaf.series), self._end_ns
        if isinstance(leaf, LimitCondition):
            events = number_events(pieces, spec, self._cut(spec), self._thresholds[key], end, most)
        elif isinstance(leaf, RateCondition):
            events = rate_events(pieces, spec, self._cut(spec), leaf.window_ns, self._thresholds[key], end, most)
        elif isinstance(leaf, StateCondition):
            events = word_events(pieces, spec, self._cut(spec), end)
        else:
            any_quality = leaf.kind == "no_data"
            events = silence_events(pieces, spec, leaf.after_ns, self._start_ns, end, any_quality=any_quality)
        if events is None:
            self._loud.add(key)
        else:
            self._events[name] = events

    def _pieces(self, series: str) -> Iterator[Samples]:
        return self._history(series, self._start_ns, self._end_ns)

    def _spec(self, series: str) -> SeriesSpec:
        spec = self._rules.table.series.get(series)
        return SeriesSpec.of_fact(series) if spec is None else spec

    def _cut(self, spec: SeriesSpec) -> Int64:
        """Return where the links of the sources of a series were lost."""
        for source in spec.sources:
            if source not in self._cuts:
                self._cuts[source] = link_losses(self._pieces(link_signal(source)), self._end_ns)
        found = [self._cuts[source] for source in spec.sources]
        return np.unique(np.concatenate([np.empty(0, np.int64), *found]))

    def _find_thresholds(self) -> Mapping[tuple[str, str, int], NDArray[np.float64]]:
        """Return for each series of limits, and each rate, every number that it is compared with."""
        found: dict[tuple[str, str, int], set[float]] = {}
        for rule in self._rules.rules:
            for leaf in leaves(rule.when):
                if not isinstance(leaf, LimitCondition | RateCondition):
                    continue
                numbers = found.setdefault(_key(leaf), set())
                for limit in (leaf.above, leaf.below, leaf.ends_below, leaf.ends_above):
                    if isinstance(limit, str):
                        numbers.update(v for v in self._limits.values.get(limit, ()) if v is not None)
                    elif limit is not None:
                        numbers.add(limit)
        return {key: np.array(sorted(numbers), np.float64) for key, numbers in found.items()}


def _on_events(leaf: LimitCondition | RateCondition, series: str) -> LimitCondition:
    """Return the same comparison of the values of events."""
    return LimitCondition(
        kind="limit",
        fact=series.removeprefix("fact:"),
        above=leaf.above,
        below=leaf.below,
        ends_below=leaf.ends_below,
        ends_above=leaf.ends_above,
    )


def link_losses(pieces: Iterator[Samples], end_ns: int) -> Int64:
    """Return where a source's link was lost: it went down, or no word of it was heard for 30 s."""
    found: list[Int64] = []
    last: int | None = None
    for samples in pieces:
        if not len(samples):
            continue
        down = samples.in_state("down")
        times = samples.time_ns if last is None else np.concatenate([[last], samples.time_ns])
        silent = times[:-1][np.diff(times) > LINK_HOLD_NS] + LINK_HOLD_NS
        found += [samples.time_ns[down], silent.astype(np.int64)]
        last = int(samples.time_ns[-1])
    if last is not None and last + LINK_HOLD_NS < end_ns:
        found.append(np.array([last + LINK_HOLD_NS], np.int64))
    return np.unique(np.concatenate([np.empty(0, np.int64), *found]))


def _key(leaf: Leaf) -> tuple[str, str, int]:
    """Return what tells series of events apart."""
    if isinstance(leaf, RateCondition):
        return leaf.series, "rate", leaf.window_ns
    if isinstance(leaf, LimitCondition | StateCondition):
        return leaf.series, leaf.kind, 0
    return leaf.series, leaf.kind, leaf.after_ns
