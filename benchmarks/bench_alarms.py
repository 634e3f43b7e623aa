"""Alarms: what a second of 10,000 rules costs, and how long a year of 50 rules takes to replay.

Aims, on one core: 100 ms of CPU a second and 100 MB for 10,000 rules at 1 Hz; 30 s for a year of 1 Hz and 50 rules.
"""

import gc
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from analytics.alarms import Engine, Feed, LimitPieces, advance, begin
from analytics.alarms.history import replay
from facility.alarms import AlarmRule, AlarmRules, SeriesSpec, SeriesTable
from facility.batch import Batch, Samples
from facility.schedule import Plan
from facility.time import NS_PER_DAY, NS_PER_S

T0 = 1_790_000_000 * NS_PER_S
TEXT = {"en": "as its class", "ja": "クラスと同じ"}


def rule(name: str, when: dict[str, object], **more: object) -> AlarmRule:
    """Make a rule."""
    keys = {"title": {"en": f"rule {name}", "ja": f"規則 {name}"}, "consequence": TEXT, "action": TEXT}
    keys |= {"priority": "low", "class": "bench"}
    return AlarmRule.model_validate({"id": name, "respond_within_s": 600.0, "when": when, **keys, **more})


def live_rules(count: int) -> AlarmRules:
    """One signal a rule; limits, with a tenth of staleness and a hundredth of rates."""
    specs = {f"x{i}": SeriesSpec(f"x{i}", "number", 10 * NS_PER_S) for i in range(count)}
    rules: list[AlarmRule] = []
    for i in range(count):
        when: dict[str, object] = {"kind": "limit", "signal": f"x{i}", "above": 10.0, "ends_below": 9.0}
        if i % 10 == 1:
            when = {"kind": "stale", "signal": f"x{i}", "after_s": 15.0}
        if i % 100 == 2:
            when = {"kind": "rate", "signal": f"x{i}", "window_s": 10.0, "above": 1.0}
        rules.append(rule(f"a{i}", when, on_delay_s=3.0))
    return AlarmRules.of(rules, SeriesTable("bench", specs))


def _memory_mb() -> float:
    """Return the memory of this process now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def bench_live(count: int = 10_000, seconds: int = 30) -> None:
    """Time a call of `advance` a second: every signal once, one in a thousand beyond its limit."""
    imported_mb = _memory_mb()
    rules = live_rules(count)
    rules_mb = _memory_mb() - imported_mb
    names = tuple(f"x{i}" for i in range(count))
    rng = np.random.default_rng(1)
    engine: Engine = begin(rules, T0)
    costs: list[float] = []
    for second in range(seconds):
        stamps = T0 + second * NS_PER_S + rng.integers(0, NS_PER_S, count)
        values = rng.normal(5.0, 1.0, count)
        values[rng.integers(0, count, count // 1000)] = 11.0
        batch = Batch.build("bench", names, np.arange(count, dtype=np.int32), stamps, value=values)
        began = time.process_time()
        engine, _ = advance(engine, Feed(batches=(batch,)), T0 + (second + 1) * NS_PER_S)
        costs.append(time.process_time() - began)
    late = sorted(costs[5:])
    print(
        f"live: {count} rules, 1 Hz: {1000 * late[len(late) // 2]:.0f} ms CPU a second (median), "
        f"{1000 * late[-1]:.0f} ms worst"
    )
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"memory: {most_mb:.0f} MB at most; of it Python with its imports {imported_mb:.0f}, the rules as data "
        f"{rules_mb:.0f}, the engine with a second of samples {most_mb - imported_mb - rules_mb:.0f}"
    )


def bench_replay(rules_count: int = 50, days: int = 365, *, noisy: bool = False) -> None:
    """Time the replay of a year of 1 Hz on ten signals; with `noisy` the limits of one signal lie in its noise."""
    signals = [f"s{i}" for i in range(10)]
    specs = {s: SeriesSpec(s, "number", 10 * NS_PER_S) for s in signals}
    rules: list[AlarmRule] = []
    for i in range(rules_count):
        signal = signals[i % len(signals)]
        below = 150.0 + i / 10 if signal != "s9" else 199.0
        kind: dict[str, object] = {"kind": "limit", "signal": signal, "below": below, "ends_above": below + 5}
        if noisy and signal == "s9":
            kind = {"kind": "limit", "signal": signal, "below": 200.0 - i / 100}
        if i % 10 == 8:
            kind = {"kind": "stale", "signal": signal, "after_s": 15.0}
        rules.append(rule(f"r{i}", kind, on_delay_s=10.0, off_delay_s=5.0))
    loaded = AlarmRules.of(rules, SeriesTable("bench", specs))
    rng = np.random.default_rng(2)
    day = rng.normal(200.0, 0.3, 86_400)
    quality = np.zeros(86_400, np.uint8)

    def history(name: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        for number in range(days):
            values = day
            if number % 7 == int(name[1:]):
                values = day.copy()
                values[40_000:40_600] = 0.0
            times = T0 + number * NS_PER_DAY + np.arange(86_400, dtype=np.int64) * NS_PER_S
            yield Samples("bench", name, times, values, quality)

    began = time.process_time()
    rows = sum(1 for _ in replay(loaded, history, Plan(()), LimitPieces(), (), T0, T0 + days * NS_PER_DAY))
    took = time.process_time() - began
    what = "limits of 5 rules in the noise" if noisy else "quiet"
    print(f"replay, {what}: {rules_count} rules, {days} days of 1 Hz on 10 signals: {took:.1f} s of CPU, {rows} rows")


if __name__ == "__main__":
    bench_live()
    bench_replay()
    bench_replay(noisy=True)
