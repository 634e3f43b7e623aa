"""The load is what it says, and knows its answers."""

import tomllib

import numpy as np
import pytest

from facility.batch import Batch, Samples
from facility.definition import load_definition
from facility.errors import ScenarioError
from facility.period import Period
from facility.time import NS_PER_S, parse_time
from one_period import availability
from simulators.load import Load

START = parse_time("2026-11-12T12:00:10Z")


def test_every_signal_comes_at_its_rate() -> None:
    load = Load(20, 10.0)
    batch = Batch.concat(list(load.history(START, START + 30 * NS_PER_S)))
    assert np.bincount(batch.signal).tolist() == [300] * 20
    assert np.unique(np.diff(np.unique(batch.time_ns))).tolist() == [NS_PER_S // 10]


@pytest.mark.parametrize("rate_hz", [0.3, 3.0, 10.0])
def test_history_in_pieces_is_the_same_history(rate_hz: float) -> None:
    load = Load(3, rate_hz)
    end = START + 20 * NS_PER_S
    whole = Batch.concat(list(load.history(START, end)))
    pieces = [b for t in range(START, end, NS_PER_S // 4) for b in load.history(t, t + NS_PER_S // 4)]
    assert Batch.concat(pieces).value.tobytes() == whole.value.tobytes()
    assert Batch.concat(pieces).time_ns.tobytes() == whole.time_ns.tobytes()


def test_the_answers_are_the_dips_of_the_first_signal_and_kado_finds_them() -> None:
    load = Load()
    end = START + 60 * NS_PER_S
    key = load.answer_key(START, end)
    assert (key.counts.failures, key.accounts_s.no_beam, key.accounts_s.delivered) == (3, 12, 48)
    batch = Batch.concat(list(load.history(START, end)))
    first = batch.signal == 0
    samples = Samples.sorted(load.facility, "load_00", batch.time_ns[first], batch.value[first])
    plan = load.plan(START, end)
    definition = load_definition(key.definition)
    found = availability(load.profile, definition, plan, samples, Period("p", START, end), now_ns=end)
    assert {name: getattr(found.accounts, name) for name in key.accounts_ns()} == key.accounts_ns()


def test_its_profile_is_a_file_that_kado_reads_and_says_that_it_is_simulated() -> None:
    load = Load(2, 5.0)
    assert load.profile.simulated
    assert tomllib.loads(load.profile_toml)["signal"][1]["period_s"] == 0.2


@pytest.mark.parametrize(("signals", "rate_hz"), [(0, 10.0), (20, 0.0), (20, 1e6)])
def test_an_impossible_load_is_refused(signals: int, rate_hz: float) -> None:
    with pytest.raises(ScenarioError, match="use 1 to 1000 signals"):
        Load(signals, rate_hz)
