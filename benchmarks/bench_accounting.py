"""A year at 1 Hz through the accounting: as a multiple of one pass of `np.sum`, and memory beyond the samples.

Run with ``.venv/bin/python benchmarks/bench_accounting.py [--seconds N] [--repeat N]``.
"""

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import numpy as np

from analytics.accounts import Accounts, Side, book
from analytics.conditions import Conditions, scan
from analytics.events import Events, Grouping, find_events
from analytics.rules import Rules
from facility.batch import Samples
from facility.definition import load_definition
from facility.period import Period, month_of
from facility.profile import load_profile
from facility.schedule import Block, Category, Plan, ScheduleVersion, resolve
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, parse_time
from one_period import availability

START = parse_time("2024-07-08T00:00:00+09:00")
OUTAGES = 60


def year(seconds: int, seed: int = 1) -> Samples:
    """Return a year of top-up at 200 mA: noise, ripple, outages of 5 min to 6 h, glitches, gaps of 30 s."""
    rng = np.random.default_rng(seed)
    time_ns = START + NS_PER_S * np.arange(seconds, dtype=np.int64)
    value = 200.3 + 0.2 * rng.standard_normal(seconds)
    value += 0.3 * (np.arange(seconds) % 180) / 180  # decay and refill every three minutes
    for at in rng.integers(0, seconds, OUTAGES).tolist():
        value[at : at + int(rng.integers(300, 21_600))] = 0.01
    for at in rng.integers(0, seconds, 200).tolist():
        value[at : at + 2] = 0.0
    keep = np.ones(seconds, bool)
    for at in rng.integers(0, seconds, 50).tolist():
        keep[at : at + 30] = False
    return Samples.sorted("nanoterasu_sim", "stored_current", time_ns[keep], value[keep])


def calendar(end_ns: int) -> Plan:
    """Return five days of user time, one of study, one of maintenance, week by week."""
    blocks: list[Block] = []
    at = START
    while at < end_ns:
        for days, category in ((5, Category.USER), (1, Category.STUDY), (1, Category.MAINTENANCE)):
            blocks.append(Block(at, at + days * NS_PER_DAY, category))
            at += days * NS_PER_DAY
    return resolve([ScheduleVersion.of(START - 60 * NS_PER_DAY, blocks)])


def fastest(repeat: int, calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the shortest of several runs of each, in seconds; taken in turn, so that all see the same machine."""
    times: dict[str, float] = {}
    for _ in range(repeat):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name] = min(times.get(name, float("inf")), time.perf_counter() - start)
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=365 * 86_400, help="length of the data")
    parser.add_argument("--repeat", type=int, default=7, help="of so many runs the fastest is shown")
    arguments = parser.parse_args()
    samples = year(arguments.seconds)
    profile, definition = load_profile("nanoterasu_sim"), load_definition("sls")
    end = START + arguments.seconds * NS_PER_S
    plan, whole = calendar(end), Period("year", START, end)
    rules = Rules.of(profile, definition, plan, START, end)
    grouping = Grouping(merge_gap_ns=definition.merge_gap_ns)

    def chain() -> tuple[Conditions, Events, Accounts]:
        conditions = scan(samples, rules, START, end)
        events = find_events(conditions, plan.user_time, grouping)
        return conditions, events, book(conditions, events, plan, whole, Side())

    def figures() -> None:
        availability(profile, definition, plan, samples, whole, now_ns=end)

    month = month_of(START + 30 * NS_PER_DAY, profile.zone)
    of_month = samples.between(month.start_ns, month.end_ns)

    def month_figures() -> None:
        availability(profile, definition, plan, of_month, month, now_ns=end)

    conditions, events, accounts = chain()
    times = fastest(
        arguments.repeat,
        {
            "one np.sum over the values": lambda: np.sum(samples.value),
            "conditions, events, accounts": chain,
            "... with figures and both bounds": figures,
            "a month with figures and both bounds": month_figures,
        },
    )
    tracemalloc.start()
    figures()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(
        f"{len(samples):,} samples, {accounts.user_time / NS_PER_H:,.0f} h of user time, "
        f"{len(events.failures)} failures, {len(conditions.glitches)} glitches, {len(conditions.known) - 1} gaps"
    )
    one_sum = next(iter(times.values()))
    print(f"{'':38}{'seconds':>10}{'np.sum':>10}")
    for name, taken in times.items():
        print(f"{name:38}{taken:10.4f}{taken / one_sum:9.1f}x")
    print(f"memory beyond the samples, at most: {peak / 1e6:.1f} MB (the samples: {17 * len(samples) / 1e6:,.0f} MB)")


if __name__ == "__main__":
    main()
