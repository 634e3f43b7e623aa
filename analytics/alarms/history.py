"""Replay: what the alarms would have been in a past stretch of time."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from analytics.alarms.edges import Event, number_events, rate_events, silence_events, word_events
from analytics.alarms.engine import advance, begin
from analytics.alarms.feed import FactSample, Feed, LimitPieces
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
from facility.schedule import Plan
from facility.signals import LINK_HOLD_NS, link_signal
from facility.time import NS_PER_DAY

Int64 = NDArray[np.int64]
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
    so the value of a row is that of the sample with which the condition changed. Series of which `history` gives
    nothing (facts of kado itself) are unknown.
    """
    reduced = _Reduced(rules, history, limits, start_ns, end_ns)
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

    def __init__(self, rules: AlarmRules, history: History, limits: LimitPieces, start_ns: int, end_ns: int) -> None:
        self._rules = rules
        self._history = history
        self._limits = limits
        self._start_ns, self._end_ns = start_ns, end_ns
        self._events: dict[str, list[Event]] = {}
        self._cuts: dict[str, Int64] = {}
        self._names: dict[tuple[str, str, int], str] = {}
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
        for rule in self._rules.rules:
            for leaf in leaves(rule.when):
                self._read(leaf)
        mode = self._rules.table.mode_signal
        if mode is not None and any(rule.in_mode is not None for rule in self._rules.rules):
            spec = self._spec(mode)
            self._events[mode] = word_events(self._pieces(mode), spec, self._cut(spec), self._end_ns)
        for name, events in self._events.items():
            for time, value in events:
                yield time, name, value

    def _rule(self, rule: AlarmRule) -> AlarmRule:
        return rule.model_copy(update={"when": self._condition(rule.when)})

    def _condition(self, condition: Condition) -> Condition:
        if isinstance(condition, AllCondition | AnyCondition):
            return condition.model_copy(update={"of": tuple(self._condition(part) for part in condition.of)})
        if isinstance(condition, NotCondition):
            return condition.model_copy(update={"of": self._condition(condition.of)})
        return self._leaf(condition)

    def _leaf(self, leaf: Leaf) -> Leaf:
        name = self._names[_key(leaf)].removeprefix("fact:")
        if isinstance(leaf, LimitCondition | RateCondition):
            return LimitCondition(
                kind="limit",
                fact=name,
                above=leaf.above,
                below=leaf.below,
                ends_below=leaf.ends_below,
                ends_above=leaf.ends_above,
            )
        words = leaf.words if isinstance(leaf, StateCondition) else ("stale",)
        return StateCondition(kind="state", fact=name, words=words)

    def _read(self, leaf: Leaf) -> None:
        key = _key(leaf)
        if key in self._names:
            return
        name = self._names[key] = fact_series(f"e{len(self._names)}")
        spec = self._spec(leaf.series)
        pieces, end = self._pieces(leaf.series), self._end_ns
        if isinstance(leaf, LimitCondition):
            events = number_events(pieces, spec, self._cut(spec), self._thresholds[key], end)
        elif isinstance(leaf, RateCondition):
            events = rate_events(pieces, spec, self._cut(spec), leaf.window_ns, self._thresholds[key], end)
        elif isinstance(leaf, StateCondition):
            events = word_events(pieces, spec, self._cut(spec), end)
        else:
            any_quality = leaf.kind == "no_data"
            events = silence_events(pieces, spec, leaf.after_ns, self._start_ns, end, any_quality=any_quality)
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


def link_losses(pieces: Iterator[Samples], end_ns: int) -> Int64:
    """Return where a source's link was lost: it went down, or no word of it was heard for 30 s."""
    found: list[Int64] = []
    last: int | None = None
    for samples in pieces:
        if not len(samples):
            continue
        down = np.array([word == "down" for word in samples.state_words()], bool)
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
