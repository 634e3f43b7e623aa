"""Reading of scenarios: worked cases in JSON, with the rows that they must give, live and in replay.

``t`` is seconds from any instant. The format is described in ``docs/reference/alarm-scenarios.md``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from analytics.alarms.feed import LimitPieces
from facility.alarms import Action, ActionKind, AlarmRules, SeriesSpec, SeriesTable
from facility.errors import AlarmScenarioError
from facility.quality import Quality
from facility.schedule import Block, Category, Plan, PlannedBlock
from facility.sentence import Sentence
from facility.signals import LINK_HOLD_NS, LINK_WORDS
from facility.time import to_ns

Row = tuple[Any, ...]

_SAMPLE = ("t", "series", "value", "quality", "reason")


@dataclass(frozen=True, slots=True)
class Input:
    """One sample of a scenario."""

    time_ns: int
    series: str
    value: float | str | None
    quality: str
    reason: str | None
    arrives_ns: int
    in_call: int | None
    order: int


@dataclass(frozen=True, slots=True)
class Restart:
    """kado down from, and up again at."""

    down_ns: int
    up_ns: int
    backlog: bool


@dataclass(frozen=True, slots=True)
class Scenario:
    """One worked case."""

    name: str
    why: str
    modes: tuple[str, ...]
    until_ns: int
    settle_ns: int
    rules: AlarmRules
    inputs: tuple[Input, ...]
    actions: tuple[Action, ...]
    plan: Plan
    limits: LimitPieces
    restarts: tuple[Restart, ...]
    reloads: tuple[tuple[int, AlarmRules], ...]
    calls_ns: tuple[int, ...] | None
    tick_matters: bool
    expected: Mapping[str, tuple[Row, ...]]
    refusals: Mapping[str, tuple[Row, ...]]


def parse(raw: Mapping[str, Any], number: int = 1) -> Scenario:
    """Read one scenario.

    Raises
    ------
    AlarmScenarioError
        Naming the scenario and what is wrong in it.
    """
    name = str(raw.get("name", f"scenario {number}"))
    try:
        return _parse(raw, name)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise AlarmScenarioError(Sentence("scenario {name}: {what}", name=name, what=what)) from error


def _parse(raw: Mapping[str, Any], name: str) -> Scenario:
    inputs = tuple(_input(sample, i) for i, sample in enumerate(raw.get("samples", [])))
    table = _table(raw, inputs)
    modes = tuple(raw.get("modes", ("live", "replay")))
    if strange := [m for m in modes if m not in ("live", "replay")]:
        raise ValueError(f"mode {strange[0]!r} is neither 'live' nor 'replay'")
    actions = tuple(_action(a, i) for i, a in enumerate(raw.get("actions", []), 1))
    blocks = [Block(to_ns(a), to_ns(b), Category(category)) for a, b, category in raw.get("plan", [])]
    plan = Plan(tuple(PlannedBlock(b, b.start_ns) for b in sorted(blocks, key=lambda b: b.start_ns)))
    calls = raw.get("calls")
    return Scenario(
        name=name,
        why=str(raw.get("why", "")),
        modes=modes,
        until_ns=to_ns(raw["until"]),
        settle_ns=to_ns(raw.get("settle_s", 0)),
        rules=AlarmRules.parse(raw["rules"], table, f"rules of {name}"),
        inputs=inputs,
        actions=actions,
        plan=plan,
        limits=parse_limits(raw.get("limits")),
        restarts=tuple(
            Restart(to_ns(r["down"]), to_ns(r["up"]), bool(r.get("backlog", False))) for r in raw.get("restarts", [])
        ),
        reloads=tuple(
            (to_ns(t), AlarmRules.parse(text, table, f"rules of {name}"))
            for t, text in (_reload(r) for r in raw.get("reloads", []))
        ),
        calls_ns=None if calls is None else tuple(to_ns(c) for c in calls),
        tick_matters=bool(raw.get("tick_matters", False)),
        expected={mode: _rows(raw, "expected", mode) for mode in ("live", "replay")},
        refusals={mode: _rows(raw, "refusals", mode) for mode in ("live", "replay")},
    )


def _reload(raw: Any) -> tuple[float, str]:
    """Return (t, rules) of a reload, an object or a pair."""
    if isinstance(raw, dict):
        row = cast("dict[str, Any]", raw)
        return row["t"] if "t" in row else row["at"], row["rules"]
    t, text = raw
    return t, text


def _rows(raw: Mapping[str, Any], key: str, mode: str) -> tuple[Row, ...]:
    return tuple(tuple(row) for row in raw.get(f"{key}_{mode}", raw.get(key, [])))


def _input(raw: Any, order: int) -> Input:
    cells = cast("list[Any] | dict[str, Any]", raw)
    row: dict[str, Any] = cells if isinstance(cells, dict) else dict(zip(_SAMPLE, cells, strict=False))
    value = row["value"]
    if value in ("NaN", "nan", "inf", "-inf", "Infinity", "-Infinity"):
        value = float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = float(value)
    elif value is not None and not isinstance(value, str):
        raise ValueError(f"sample {order + 1}: {value!r} is no value: write a number, a word or null")
    quality = row.get("quality") or "good"
    Quality.from_word(quality)
    t = row["t"]
    return Input(
        to_ns(t),
        str(row["series"]),
        value,
        quality,
        row.get("reason"),
        to_ns(row.get("arrives", t)),
        row.get("in_call"),
        order,
    )


def _action(raw: Mapping[str, Any], number: int) -> Action:
    until = raw.get("until")
    return Action(
        alarm=raw["alarm"],
        kind=ActionKind(raw["do"]),
        author=raw.get("author", "") or "",
        recorded_at_ns=to_ns(raw["t"]),
        reason=raw.get("reason", raw.get("comment", "")) or "",
        occurrence=raw.get("occurrence"),
        until_ns=None if until is None else to_ns(until),
        once=bool(raw.get("once", False)),
        id=number,
    )


def _table(raw: Mapping[str, Any], inputs: Sequence[Input]) -> SeriesTable:
    specs: dict[str, SeriesSpec] = {}
    described = [dict(signal) for signal in raw.get("signals", [])]
    links = {s.series for s in inputs if s.series.endswith("_link")} | {
        d["id"] for d in described if str(d["id"]).endswith("_link")
    }
    by_source = any(key in d for d in described for key in ("source", "sources", "link"))
    for d in described:
        specs[d["id"]] = _spec(d, links, by_source)
    for sample in inputs:
        if sample.series not in specs:
            kind = "state" if isinstance(sample.value, str) else "number"
            kind = "fact" if sample.series.startswith(("fact:", "figure:")) else kind
            specs[sample.series] = _spec({"id": sample.series, "type": kind}, links, by_source)
    facts = tuple(name.removeprefix("fact:") for name in specs if name.startswith("fact:"))
    base = SeriesTable("scenario", {})
    return SeriesTable("scenario", specs, raw.get("mode_signal"), facts=(*base.facts, *facts))


def _spec(raw: Mapping[str, Any], links: set[str], by_source: bool) -> SeriesSpec:
    name, kind = raw["id"], raw.get("type", "number")
    if kind not in ("number", "state", "fact"):
        raise ValueError(f"signal {name!r}: type {kind!r} is not one of number, state, fact")
    if name in links and kind != "fact":
        spec = SeriesSpec.of_link(name.removesuffix("_link"))
        stale = raw.get("stale_after_s")
        return SeriesSpec(
            name,
            "state",
            LINK_HOLD_NS if stale is None else to_ns(stale),
            link_of=spec.link_of,
            words=tuple(raw.get("words", LINK_WORDS)),
        )
    stale, period = raw.get("stale_after_s"), raw.get("period_s")
    hold = None if stale is None else to_ns(stale)
    if hold is None and period is not None:
        hold = to_ns(max(5 * period, 10.0))
    if kind == "fact" and hold is None:
        hold = SeriesSpec.of_fact(name).hold_ns
    # Where no signal names its source and there is one link, it is the link of them all.
    sources = raw.get("sources", [raw["source"]] if raw.get("source") else [])
    if not sources and raw.get("link"):
        sources = [str(raw["link"]).removesuffix("_link")]
    if not by_source and len(links) == 1 and kind != "fact":
        sources = [next(iter(links)).removesuffix("_link")]
    maximum = raw.get("physical_max")
    return SeriesSpec(
        name,
        kind,
        hold,
        math.inf if maximum is None else float(maximum),
        tuple(sources),
        words=tuple(raw.get("words", ())),
        unit=raw.get("unit", ""),
    )


def parse_limits(raw: Any) -> LimitPieces:
    """Read limits: rows ``[start, {name: value}]``, ``[start, name, value]``, or a mapping of names.

    A piece ``[start, {…}]`` says all limits from there on; a row ``[start, name, value]`` changes one of them. A
    mapping gives each name one value for all time, or rows ``[start, value]``.
    """
    if not raw:
        return LimitPieces()
    rows: list[tuple[int, dict[str, float | None], bool]] = []
    if isinstance(raw, dict):
        table = cast("dict[str, Any]", raw)
        if "starts" in table:
            columns_given = table.get("values", {k: v for k, v in table.items() if k != "starts"})
            starts_given = tuple(to_ns(t) for t in table["starts"])
            return LimitPieces(starts_given, {name: tuple(found) for name, found in columns_given.items()})
        for name, found in table.items():
            pieces = cast("list[tuple[float, float | None]]", found if isinstance(found, list) else [(0, found)])
            for t, value in pieces:
                rows.append((to_ns(t), {name: value}, False))
    else:
        for item in cast("list[Any]", raw):
            rows += _pieces(item)
    # Where one piece ends and another starts, the other counts.
    rows.sort(key=lambda r: (r[0], bool(r[1])))
    names = list(dict.fromkeys(name for _, named, _ in rows for name in named))
    now: dict[str, float | None] = dict.fromkeys(names)
    starts: list[int] = []
    columns: dict[str, list[float | None]] = {name: [] for name in names}
    for start, named, whole in rows:
        now = {name: named.get(name) if whole else named.get(name, now[name]) for name in names}
        if starts and starts[-1] == start:
            for name in names:
                columns[name][-1] = now[name]
            continue
        starts.append(start)
        for name in names:
            columns[name].append(now[name])
    return LimitPieces(
        tuple(starts), {n: tuple(None if v is None else float(v) for v in c) for n, c in columns.items()}
    )


def _pieces(raw: Any) -> list[tuple[int, dict[str, float | None], bool]]:
    """Return (start, limits, whether these are all) for one row."""
    if isinstance(raw, dict):
        row = cast("dict[str, Any]", raw)
        start: float = row.get("t", row.get("start", row.get("from", 0)))
        end: float | None = row.get("end", row.get("to"))
        other = ("t", "start", "from", "end", "to")
        named: dict[str, float | None] = row.get("values", {k: v for k, v in row.items() if k not in other})
        piece: tuple[int, dict[str, float | None], bool] = (to_ns(start), named, True)
        return [piece] if end is None else [piece, _none_after(end)]
    cells = cast("list[Any]", raw)
    if isinstance(cells[-1], dict):
        piece = (to_ns(cells[0]), cast("dict[str, float | None]", cells[-1]), True)
        return [piece] if len(cells) == 2 else [piece, _none_after(cells[1])]
    return [(to_ns(cells[0]), {cells[-2]: cells[-1]}, False)]


def _none_after(end: float) -> tuple[int, dict[str, float | None], bool]:
    return to_ns(end), {}, True
