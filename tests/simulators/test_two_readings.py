"""Two readings of the accounting rules, written apart: what analytics finds is what the answer key says."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from facility.batch import Samples
from facility.definition import EndLimit, load_definition
from facility.period import Period
from facility.profile import load_profile
from facility.schedule import Block, Category, ScheduleVersion, resolve
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from one_period import availability
from simulators.answers import DayTruth, answer

PROFILE = load_profile("nanoterasu_sim")
KADO = load_definition("nanoterasu")
WITNESS_NS = 10 * NS_PER_S
START = parse_time("2026-05-11T00:00:00Z")
# On every side of the limits of 400 mA: minimum 20, tolerance and recovered 390, nominal 398.
CURRENTS = [0.0, 19.0, 20.0, 300.0, 389.0, 390.0, 397.0, 398.0, 400.0]

runs = st.lists(
    st.tuples(st.sampled_from(CURRENTS), st.integers(1, 8), st.sampled_from([0, 0, 0, 0, 3, 9, 10, 25])),
    min_size=1,
    max_size=25,
)
blocks = st.lists(
    st.tuples(st.integers(5, 80), st.sampled_from([Category.USER, Category.USER, Category.RESERVE, Category.STUDY])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(
    runs=runs,
    blocks=blocks,
    late_s=st.sampled_from([0, 0, 4, 20]),
    end=st.sampled_from(list(EndLimit)),
    merge_gap_s=st.sampled_from([0.0, 5.0, 20.0, 3600.0]),
    min_samples=st.integers(1, 2),
    witness=st.lists(st.sampled_from([400.0, 400.0, 20.0, 19.0, 0.0, np.nan]), min_size=1, max_size=30),
)
def test_accounts_and_counts_agree_on_whatever_a_monitor_may_show(
    runs: list[tuple[float, int, int]],
    blocks: list[tuple[int, Category]],
    late_s: int,
    end: EndLimit,
    merge_gap_s: float,
    min_samples: int,
    witness: list[float],
) -> None:
    times: list[int] = []
    values: list[float] = []
    second = late_s
    for current, count, silence in runs:
        times += [START + (second + i) * NS_PER_S for i in range(count)]
        values += [current] * count
        second += count + silence
    stop = START + second * NS_PER_S
    planned: list[Block] = []
    edge = START
    for length, category in blocks:
        planned.append(Block(edge, edge + length * NS_PER_S, category))
        edge += length * NS_PER_S
    plan = resolve([ScheduleVersion.of(START - 90 * NS_PER_DAY, planned)])
    definition = KADO.model_copy(
        update={"no_beam_ends_at": end, "merge_gap_s": merge_gap_s, "min_samples": min_samples}
    )
    time_ns, value = np.array(times, np.int64), np.array(values, np.float64)
    seen_ns = np.arange(START, stop, WITNESS_NS, dtype=np.int64)
    # After the last one it reads the last of them.
    seen = np.array([witness[min(i, len(witness) - 1)] for i in range(len(seen_ns))], np.float64)
    seen_ns, seen = seen_ns[np.isfinite(seen)], seen[np.isfinite(seen)]
    days = [DayTruth(time_ns, value, time_ns, value, seen_ns, seen)]
    key = answer(PROFILE, definition, plan, (), days, (START, stop), scenario="any", seed=1)
    samples = Samples.sorted(PROFILE.id, "stored_current", time_ns, value)
    recorded = Samples.sorted(PROFILE.id, "stored_current_2", seen_ns, seen)
    found = availability(PROFILE, definition, plan, samples, Period("p", START, stop), now_ns=stop, witness=recorded)
    expected = key.accounts_ns()
    assert {name: getattr(found.accounts, name) for name in expected} == expected
    assert expected["user_time"] == expected["delivered"] + expected["no_beam"] + expected["unknown"]
    expected_counts = key.counts.model_dump(exclude={"mode_mismatches"})
    assert {name: getattr(found.counts, name) for name in expected_counts} == expected_counts
