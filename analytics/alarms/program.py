"""Rules made ready for deciding: conditions as flat lists, and who depends on whom."""

from dataclasses import dataclass
from functools import lru_cache

from facility.alarms import (
    AlarmRule,
    AlarmRules,
    AllCondition,
    AnyCondition,
    Condition,
    Leaf,
    LimitCondition,
    NoDataCondition,
    NotCondition,
    RateCondition,
    SeriesSpec,
    StaleCondition,
    StateCondition,
    leaves,
)
from facility.alarms.conditions import LimitValue


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A condition: a leaf, or several joined."""

    kind: str
    """``leaf``, ``all``, ``any`` or ``not``."""
    parts: "tuple[Tree, ...]" = ()
    leaf: int = -1
    """Index of the leaf."""


@dataclass(frozen=True, slots=True, eq=False)
class LeafCode:
    """A condition that reads one series."""

    alarm: int
    """Index of the alarm, in rank order."""
    series: int
    kind: str
    """``limit``, ``rate``, ``state``, ``stale`` or ``no_data``."""
    above: LimitValue | None = None
    below: LimitValue | None = None
    ends_below: LimitValue | None = None
    ends_above: LimitValue | None = None
    names: tuple[str, ...] = ()
    """Limits of the facility that it names."""
    words: frozenset[str] = frozenset()
    after_ns: int = 0
    window_ns: int = 0
    min_coverage_pct: float | None = None
    min_user_time_h: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """A series of numbers that is used for plain limits and silence only."""

    gap_ns: int | None
    """After a sample nothing changes by silence for so long; None: ever."""
    limits: tuple[tuple[int, float | None, float | None, float | None, float | None], ...]
    """(leaf, above, below, ends below, ends above)"""
    silences: tuple[int, ...]
    """Leaves that ask for silence."""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """The rules of a facility in rank order, with everything found that deciding needs."""

    rules: tuple[AlarmRule, ...]
    index: dict[str, int]
    """Each alarm's place in `rules`."""
    sources: tuple[tuple[int, ...], ...]
    """For each alarm those that inhibit it."""
    targets: tuple[tuple[int, ...], ...]
    """For each alarm those that it inhibits."""
    trees: tuple[Tree, ...]
    leaves: tuple[LeafCode, ...]
    leaves_of_alarm: tuple[tuple[int, ...], ...]
    series: tuple[SeriesSpec, ...]
    """Every series of the facility, whether a rule reads it or not: the next rules may."""
    series_index: dict[str, int]
    leaves_of_series: tuple[tuple[int, ...], ...]
    series_of_source: dict[str, tuple[int, ...]]
    """For each source the series that its link cuts."""
    windows: dict[int, int]
    """For each series with a rate: its longest window, ns."""
    by_limit: dict[str, tuple[int, ...]]
    """For each limit of the facility the leaves that name it."""
    planned: tuple[int, ...]
    """Alarms with ``in_plan``."""
    moded: tuple[int, ...]
    """Alarms with ``in_mode``."""
    mode_series: int
    """-1 without a mode signal."""
    links: frozenset[str]
    """Series that are links of sources."""
    plain: tuple[Plain | None, ...]
    """For each series what is asked of it, if that is plain."""


@lru_cache(maxsize=8)
def compiled(rules: AlarmRules) -> Program:
    """Make rules ready; the same object for the same rules."""
    ranked = rules.ranked
    index = {rule.id: i for i, rule in enumerate(ranked)}
    specs = dict(rules.table.series)
    for rule in ranked:
        for leaf in leaves(rule.when):
            if leaf.series not in specs:
                specs[leaf.series] = SeriesSpec.of_fact(leaf.series)
    series = tuple(specs.values())
    series_index = {spec.name: i for i, spec in enumerate(series)}
    codes: list[LeafCode] = []
    trees = tuple(_tree(rule.when, i, series_index, codes) for i, rule in enumerate(ranked))
    of_alarm: list[list[int]] = [[] for _ in ranked]
    of_series: list[list[int]] = [[] for _ in series]
    by_limit: dict[str, list[int]] = {}
    windows: dict[int, int] = {}
    for i, code in enumerate(codes):
        of_alarm[code.alarm].append(i)
        of_series[code.series].append(i)
        for name in code.names:
            by_limit.setdefault(name, []).append(i)
        if code.kind == "rate":
            windows[code.series] = max(code.window_ns, windows.get(code.series, 0))
    cut_by: dict[str, list[int]] = {}
    for i, spec in enumerate(series):
        for source in spec.sources:
            cut_by.setdefault(source, []).append(i)
    targets: list[list[int]] = [[] for _ in ranked]
    for i, rule in enumerate(ranked):
        for source in dict.fromkeys(rule.inhibited_by):
            targets[index[source]].append(i)
    mode = rules.table.mode_signal
    return Program(
        rules=ranked,
        index=index,
        sources=tuple(tuple(index[s] for s in dict.fromkeys(rule.inhibited_by)) for rule in ranked),
        targets=tuple(tuple(t) for t in targets),
        trees=trees,
        leaves=tuple(codes),
        leaves_of_alarm=tuple(tuple(found) for found in of_alarm),
        series=series,
        series_index=series_index,
        leaves_of_series=tuple(tuple(found) for found in of_series),
        series_of_source={source: tuple(found) for source, found in cut_by.items()},
        windows=windows,
        by_limit={name: tuple(found) for name, found in by_limit.items()},
        planned=tuple(i for i, rule in enumerate(ranked) if rule.in_plan is not None),
        moded=tuple(i for i, rule in enumerate(ranked) if rule.in_mode is not None),
        mode_series=-1 if mode is None else series_index.get(mode, -1),
        links=frozenset(spec.name for spec in series if spec.link_of is not None),
        plain=tuple(_plain(spec, [(k, codes[k]) for k in of_series[i]]) for i, spec in enumerate(series)),
    )


def _plain(spec: SeriesSpec, asked: list[tuple[int, LeafCode]]) -> Plain | None:
    if spec.kind != "number" or any(code.kind in ("rate", "state") or code.names for _, code in asked):
        return None
    gaps = [code.after_ns for _, code in asked if code.kind in ("stale", "no_data")]
    gaps += [] if spec.hold_ns is None else [spec.hold_ns]
    limits = tuple(
        (k, _number(c.above), _number(c.below), _number(c.ends_below), _number(c.ends_above))
        for k, c in asked
        if c.kind == "limit"
    )
    silences = tuple(k for k, code in asked if code.kind != "limit")
    return Plain(min(gaps, default=None), limits, silences)


def _number(limit: LimitValue | None) -> float | None:
    return limit if isinstance(limit, float) else None


def _tree(condition: Condition, alarm: int, series: dict[str, int], codes: list[LeafCode]) -> Tree:
    if isinstance(condition, AllCondition | AnyCondition):
        return Tree(condition.kind, tuple(_tree(part, alarm, series, codes) for part in condition.of))
    if isinstance(condition, NotCondition):
        return Tree("not", (_tree(condition.of, alarm, series, codes),))
    codes.append(_code(condition, alarm, series[condition.series]))
    return Tree("leaf", leaf=len(codes) - 1)


def _code(leaf: Leaf, alarm: int, series: int) -> LeafCode:
    minima = (leaf.min_coverage_pct, leaf.min_user_time_h)
    match leaf:
        case LimitCondition() | RateCondition():
            return LeafCode(
                alarm,
                series,
                leaf.kind,
                above=leaf.above,
                below=leaf.below,
                ends_below=leaf.above if leaf.ends_below is None else leaf.ends_below,
                ends_above=leaf.below if leaf.ends_above is None else leaf.ends_above,
                names=leaf.names,
                window_ns=leaf.window_ns if isinstance(leaf, RateCondition) else 0,
                min_coverage_pct=minima[0],
                min_user_time_h=minima[1],
            )
        case StateCondition():
            return LeafCode(alarm, series, "state", words=frozenset(leaf.words))
        case StaleCondition() | NoDataCondition():
            return LeafCode(alarm, series, leaf.kind, after_ns=leaf.after_ns)
