"""History that is taken apart by signal says the same, however it was put together."""

import numpy as np
import pytest

from facility.batch import Batch
from facility.profile import load_profile
from facility.time import NS_PER_DAY, NS_PER_H, parse_time
from simulators.machine import Machine
from simulators.scenario import load_scenario

FACILITIES = ("nanoterasu_sim", "spring8_sim", "maxiv_sim", "sirius_sim", "sacla_sim", "mlf_sim")
START, END = parse_time("2026-10-16T05:00+09:00"), parse_time("2026-10-24T17:00+09:00")


def apart(batch: Batch) -> dict[str, tuple[bytes, bytes, bytes, tuple[str | None, ...]]]:
    return {
        name: (s.time_ns.tobytes(), s.value.tobytes(), s.quality.tobytes(), tuple(s.state_words()))
        for name, s in batch.by_signal()
    }


def is_in_order_of_sending(batch: Batch) -> bool:
    return bool(np.all(np.diff(batch.arrival_ns) >= 0))


def is_signal_by_signal(batch: Batch) -> bool:
    return bool(np.all(np.diff(batch.signal) >= 0))


@pytest.mark.parametrize("facility", FACILITIES)
def test_in_a_storm_it_has_the_same_bytes_as_history_in_order(facility: str) -> None:
    profile, storm = load_profile(facility), load_scenario("storm")
    in_order = list(Machine(profile, storm, 5).history(START, END))
    by_signal = list(Machine(profile, storm, 5).history(START, END, by_signal=True))
    assert [apart(batch) for batch in by_signal] == [apart(batch) for batch in in_order]
    assert [len(batch) for batch in by_signal] == [len(batch) for batch in in_order]
    assert all(map(is_in_order_of_sending, in_order))
    # Both ways were taken.
    assert {is_signal_by_signal(batch) for batch in by_signal} == {True, False}


@pytest.mark.parametrize("effect", ["link_outage", "broker_outage", "clock_step", "duplicates", "out_of_order"])
def test_a_day_on_which_something_befalls_samples_on_their_way_is_told_in_order(effect: str) -> None:
    storm = load_scenario("storm")
    alone = storm.model_copy(update={"faults": tuple(f for f in storm.faults if f.effect == effect)})
    machine = Machine(load_profile("nanoterasu_sim"), alone, 5)
    for batch in machine.history(START, END, by_signal=True):
        first = int(batch.arrival_ns.min()) // NS_PER_DAY * NS_PER_DAY
        # One that is over at midnight has its samples on the day that begins then.
        touched = (
            machine.faults(first - 1, first + NS_PER_DAY)
            if effect == "broker_outage"
            else machine.faults(first, first + NS_PER_DAY)
        )
        assert is_signal_by_signal(batch) == (not touched)
    assert machine.faults(START, END)


def test_it_begins_and_ends_where_it_is_asked_to() -> None:
    machine = Machine(load_profile("nanoterasu_sim"), load_scenario("quiet_week"))
    start, end = parse_time("2026-11-10T00:00Z") + 3 * NS_PER_H + 1, parse_time("2026-11-10T00:00Z") + 5 * NS_PER_H
    (batch,) = machine.history(start, end, by_signal=True)
    current = dict(batch.by_signal())["stored_current"]
    assert (len(current), int(current.time_ns[0]), int(current.time_ns[-1])) == (7199, start - 1 + 10**9, end - 10**9)
    assert is_signal_by_signal(batch)
    assert not is_in_order_of_sending(batch)
