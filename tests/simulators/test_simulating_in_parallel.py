"""However the work is shared out, the samples are the same."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from itertools import pairwise

import pytest

from facility.batch import Batch
from facility.profile import load_profile
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S, parse_time
from simulators.machine import Machine
from simulators.scenario import load_scenario
from weeks_of_history import weeks

FACILITIES = ("nanoterasu_sim", "spring8_sim", "maxiv_sim", "sirius_sim", "sacla_sim", "mlf_sim")
STORM = load_scenario("storm")
START = parse_time("2026-10-16T05:00+09:00")


def digest(batches: list[Batch]) -> str:
    joined = Batch.concat(batches)
    found = sha256(" ".join(joined.words[code] for code in joined.state[joined.state >= 0].tolist()).encode())
    for column in ("signal", "time_ns", "arrival_ns", "value", "quality"):
        found.update(getattr(joined, column).tobytes())
    return found.hexdigest()


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_workers() -> None:
    profile, end = load_profile("nanoterasu_sim"), START + 20 * NS_PER_DAY
    alone = digest(list(Machine(profile, STORM, 7).history(START, end)))
    assert digest(list(weeks(map, profile, STORM, 7, START, end))) == alone
    by_signal = digest(list(Machine(profile, STORM, 7).history(START, end, by_signal=True)))
    assert digest(list(weeks(map, profile, STORM, 7, START, end, by_signal=True))) == by_signal != alone
    context = multiprocessing.get_context("spawn")
    for workers in (1, 3):
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            assert digest(list(weeks(pool.map, profile, STORM, 7, START, end))) == alone


@pytest.mark.parametrize("facility", FACILITIES)
def test_in_a_storm_history_in_any_pieces_is_the_same_history(facility: str) -> None:
    profile = load_profile(facility)
    end = START + 3 * NS_PER_DAY
    whole = digest(list(Machine(profile, STORM).history(START, end)))
    steps = [0, 1, NS_PER_S, 7 * NS_PER_S + 123, 3 * NS_PER_H, 25 * NS_PER_H + 1, 3 * NS_PER_DAY]
    stepped = Machine(profile, STORM)
    assert digest([b for a, z in pairwise(steps) for b in stepped.history(START + a, START + z)]) == whole
    backwards = Machine(profile, STORM)
    pieces = [list(backwards.history(START + a, START + z)) for a, z in reversed(list(pairwise(steps)))]
    assert digest([b for piece in reversed(pieces) for b in piece]) == whole
