"""Faults raise the alarms that they should: the answer key says which and when, and the engine finds the same."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from analytics.alarms.history import replay
from analytics.alarms.limits import limit_pieces
from facility.alarms import AlarmRules, SeriesTable
from facility.batch import NO_WORD, Batch, Samples
from facility.profile import load_profile
from facility.signals import link_signal
from facility.time import parse_time
from simulators.answer_key import AnswerKey, KeyAlarms
from simulators.machine import Machine
from simulators.scenario import load_scenario

WORDS = ("up", "down")


def spoken_of(key: AnswerKey) -> KeyAlarms:
    assert key.alarms is not None
    return key.alarms


def found_by_the_engine(machine: Machine, key: AnswerKey) -> list[tuple[int, str]]:
    """Replay the shipped rules on what the machine sent and its link reported."""
    start, end = key.period.start, key.period.end
    profile = machine.profile
    rules = AlarmRules.shipped(profile.id, SeriesTable.of(profile, {"ring": [s.id for s in profile.signals]}))
    assert rules.fingerprint == spoken_of(key).rules
    watched = [rule for rule in rules.rules if rule.id in spoken_of(key).watched]
    reports = machine.links(start, end)
    link = Batch.build(
        profile.id,
        (link_signal("ring"),),
        [0] * len(reports),
        [r.time_ns for r in reports],
        state=[WORDS.index(r.state) if reports else NO_WORD for r in reports],
        words=WORDS,
    )
    sent = [dict(batch.by_signal()) for batch in (*machine.history(start, end), link)]

    def history(series: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        # Days overlap where a clock was wrong or a broker gone.
        pieces = [day[series] for day in sent if series in day]
        if pieces:
            times = [ns for piece in pieces for ns in piece.time_ns.tolist()]
            in_order = all(a < b for a, b in pairwise(times))
            yield from (p.between(start_ns, end_ns) for p in (pieces if in_order else [Samples.joined(pieces)]))

    plan = machine.plan(start, end)
    limits = limit_pieces(profile, plan, start, end)
    rows = replay(AlarmRules.of(watched, rules.table), history, plan, limits, (), start, end)
    return [(row.time_ns, row.alarm) for row in rows if row.annunciated]


@pytest.mark.parametrize(
    ("facility", "scenario", "start", "end"),
    [
        ("nanoterasu_sim", "rf_discharges", "2026-11-10", "2026-11-13"),
        ("nanoterasu_sim", "injector_trip", "2026-11-10", "2026-11-13"),
        ("nanoterasu_sim", "dcct_dropout", "2026-11-10", "2026-11-13"),
        ("nanoterasu_sim", "broker_gone", "2026-11-10", "2026-11-13"),
        ("nanoterasu_sim", "loose_cable", "2026-11-11", "2026-11-12"),
        ("sacla_sim", "demo", "2026-10-12", "2026-10-16"),
        ("mlf_sim", "target_stop", "2026-10-12", "2026-10-16"),
    ],
)
def test_the_key_and_the_engine_name_the_same_alarms_at_the_same_instants(
    facility: str, scenario: str, start: str, end: str
) -> None:
    machine = Machine(load_profile(facility), load_scenario(scenario), 1)
    key = machine.answer_key(parse_time(f"{start}T00:00:00+09:00"), parse_time(f"{end}T00:00:00+09:00"))
    alarms = spoken_of(key)
    assert sorted((r.time, r.alarm) for r in alarms.raised) == sorted(found_by_the_engine(machine, key))
    assert {"beam_lost", "low_beam", "source_down"} <= set(alarms.watched)


def test_a_dump_raises_the_loss_of_beam_three_seconds_after_its_first_sample() -> None:
    machine = Machine(load_profile("nanoterasu_sim"), load_scenario("beam_dump"), 1)
    key = machine.answer_key(parse_time("2026-11-11T00:00:00+09:00"), parse_time("2026-11-14T00:00:00+09:00"))
    (dump,) = key.outages
    (raised,) = spoken_of(key).raised
    assert (raised.alarm, raised.time, raised.cause) == ("beam_lost", dump.start + 3 * 10**9, dump.cause)


def test_a_lost_link_is_one_alarm_and_its_silence_none_until_the_link_is_back() -> None:
    machine = Machine(load_profile("nanoterasu_sim"), load_scenario("storm"), 1)
    key = machine.answer_key(parse_time("2026-10-01T00:00:00+09:00"), parse_time("2026-10-04T00:00:00+09:00"))
    downs = [r.time_ns for r in machine.links(key.period.start, key.period.end) if r.state == "down"]
    raised = [r.time for r in spoken_of(key).raised if r.alarm == "source_down"]
    assert raised
    assert set(raised) <= {ns + 30 * 10**9 for ns in downs}
    assert {r.cause for r in spoken_of(key).raised if r.alarm == "source_down"} <= {"network", "broker_gone"}


def test_a_facility_without_shipped_rules_has_no_alarms_in_its_key() -> None:
    machine = Machine(load_profile("maxiv_sim"), load_scenario("quiet_week"), 1)
    assert machine.answer_key(parse_time("2026-11-11T00:00:00Z"), parse_time("2026-11-11T06:00:00Z")).alarms is None
