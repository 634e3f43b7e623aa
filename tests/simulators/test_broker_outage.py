"""The broker gone: what was measured meanwhile comes late, in order, and nothing of it is missing."""

from pathlib import Path

import numpy as np
import pytest

from facility.batch import Batch
from facility.profile import load_profile
from facility.source import LinkReport
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from simulators.machine import Machine
from simulators.scenario import load_scenario

PROFILE = load_profile("nanoterasu_sim")
HEAD = 'id = "own"\ntitle = { en = "Own", ja = "自作" }\n'


def at(text: str) -> int:
    return parse_time(f"2026-11-{text}+09:00")


def gone(folder: Path, *outages: tuple[str, float], more: str = "", facility: str = "nanoterasu_sim") -> Machine:
    faults = "".join(
        f'[[fault]]\ncause = "broker"\neffect = "broker_outage"\nat = [2026-11-{when}+09:00]\nlength_s = {length_s}\n'
        for when, length_s in outages
    )
    path = folder / "own.toml"
    path.write_text(HEAD + faults + more, encoding="utf-8")
    return Machine(load_profile(facility), load_scenario(str(path)))


def sent(machine: Machine, start_ns: int, end_ns: int) -> Batch:
    return Batch.concat(list(machine.history(start_ns, end_ns)))


def measured(batch: Batch) -> object:
    """What was measured, whenever it came."""
    order = np.lexsort((batch.signal, batch.time_ns))
    words = np.array([*batch.words, ""], object)[batch.state[order]].tolist()
    return (words, *(column[order].tobytes() for column in (batch.signal, batch.time_ns, batch.value, batch.quality)))


WHOLE = Machine(PROFILE, load_scenario("quiet_week"))


def test_nothing_comes_while_the_broker_is_gone_and_all_of_it_comes_at_once_afterwards(tmp_path: Path) -> None:
    machine = gone(tmp_path, ("12T13:00:00.500", 60))
    start, back, end = at("12T13:00:00.500"), at("12T13:01:00.500"), at("12T13:10:00")
    assert list(machine.history(start, back)) == []
    after = sent(machine, back, end)
    late = after.arrival_ns == back
    assert late.sum() == len(sent(WHOLE, start, back))
    assert (np.diff(after.time_ns) >= 0).all()  # in the order in which it was measured
    assert after.time_ns[late].min() == at("12T13:00:01")
    assert (after.arrival_ns >= after.time_ns).all()
    before = at("12T12:59:00")
    assert measured(sent(machine, before, end)) == measured(sent(WHOLE, before, end))


@pytest.mark.parametrize("length_s", [1800, 90_000, 200_000])
def test_over_midnight_nothing_is_lost_either(tmp_path: Path, length_s: int) -> None:
    # Midnight UTC is 9 o'clock in Japan.
    machine = gone(tmp_path, ("11T08:50:00", length_s))
    start, end = at("11T08:00:00"), at("11T08:50:00") + (length_s + 600) * NS_PER_S
    back = at("11T08:50:00") + length_s * NS_PER_S
    assert list(machine.history(at("11T08:50:00"), back)) == []
    assert measured(sent(machine, start, end)) == measured(sent(WHOLE, start, end))


def test_a_broker_that_comes_back_at_midnight_brings_everything_on_the_new_day(tmp_path: Path) -> None:
    machine = gone(tmp_path, ("11T08:50:00", 600))
    midnight = at("11T09:00:00")
    assert midnight % NS_PER_DAY == 0
    assert list(machine.history(at("11T08:50:00"), midnight)) == []
    assert measured(sent(machine, midnight, midnight + NS_PER_S)) == measured(
        sent(WHOLE, at("11T08:50:00"), midnight + NS_PER_S)
    )


def test_two_outages_that_overlap_are_one(tmp_path: Path) -> None:
    machine = gone(tmp_path, ("12T13:00:00", 100), ("12T13:01:00", 100))
    assert list(machine.history(at("12T13:00:00"), at("12T13:02:40"))) == []
    burst = sent(machine, at("12T13:02:40"), at("12T13:02:40") + 1)
    assert (burst.time_ns.min(), burst.time_ns.max()) == (at("12T13:00:00"), at("12T13:02:40"))


def test_the_link_is_reported_down_on_a_whole_minute_and_up_when_the_broker_is_back(tmp_path: Path) -> None:
    machine = gone(tmp_path, ("12T13:00:00.500", 600), ("12T14:00:00", 70))
    # 10 s until a sample is stale and 5 s to notice: not before 13:00:15.5 and 14:00:15.
    assert machine.links(at("12T12:00:00"), at("12T15:00:00")) == (
        LinkReport(at("12T13:01:00"), "down", "simulated outage"),
        LinkReport(at("12T13:10:00.500"), "up"),
        LinkReport(at("12T14:01:00"), "down", "simulated outage"),
        LinkReport(at("12T14:01:10"), "up"),
    )


@pytest.mark.parametrize("facility", ["nanoterasu_sim", "sacla_sim", "mlf_sim"])
def test_in_the_end_nothing_is_unknown_and_a_dump_meanwhile_is_found(tmp_path: Path, facility: str) -> None:
    dump = '[[fault]]\ncause = "rf"\neffect = "beam_dump"\nat = [2026-11-12T13:05:00+09:00]\nlength_s = 300\n'
    machine = gone(tmp_path, ("12T13:00:00.500", 1200), ("13T08:50:00", 1800), more=dump, facility=facility)
    period = at("12T00:00:00"), at("13T12:00:00")
    key = machine.answer_key(*period)
    without = gone(tmp_path, more=dump, facility=facility).answer_key(*period)
    assert key.unknown == ()
    assert [event.cause for event in key.outages] == ["rf"]
    assert (key.accounts_s, key.outages, key.counts) == (without.accounts_s, without.outages, without.counts)


def test_where_the_record_ends_before_the_broker_is_back_the_rest_is_unknown(tmp_path: Path) -> None:
    machine = gone(tmp_path, ("12T13:00:00", 1200))
    key = machine.answer_key(at("12T12:00:00"), at("12T13:10:00"))
    (unknown,) = key.unknown
    # The last sample, of 12:59:59, holds for 10 s.
    assert (unknown.start, unknown.end, unknown.cause) == (at("12T13:00:09"), at("12T13:10:00"), "broker")
