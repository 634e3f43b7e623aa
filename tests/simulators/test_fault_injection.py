"""Faults injected while a machine runs: what is out stays as it was, and the session can be made again."""

import tomllib
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from facility.batch import Batch
from facility.definition import load_definition
from facility.errors import ScenarioError
from facility.period import Period
from facility.profile import load_profile
from facility.time import NS_PER_DAY, NS_PER_S, parse_time, to_ns
from one_period import availability
from simulators.fault_injection import FaultInjection
from simulators.machine import Machine
from simulators.scenario import READS, Effect, Repair, Scenario, load_scenario

START = parse_time("2026-11-11T15:00:00Z")
"""Midnight in Japan, in user time."""
MS = 1_000_000
FACILITIES = ("nanoterasu_sim", "sacla_sim", "mlf_sim")
QUIET = load_scenario("quiet_week")
STORM = load_scenario("storm")


def machine(facility: str = "nanoterasu_sim", scenario: Scenario = QUIET) -> Machine:
    return Machine(load_profile(facility), scenario, seed=3)


def sent(simulated: Machine, start_ns: int, end_ns: int) -> list[object]:
    """Everything that is sent in a period, and what the link reports, comparable bit by bit."""
    batches = list(simulated.history(start_ns, end_ns))
    return [*(columns(batch) for batch in batches), *simulated.links(start_ns, end_ns)]


def columns(batch: Batch) -> object:
    words = np.array([*batch.words, ""], object)[batch.state].tolist()
    arrays = (batch.signal, batch.time_ns, batch.value, batch.quality, batch.arrival_ns)
    return (batch.signals, words, *(array.tobytes() for array in arrays))


class Act(NamedTuple):
    """Something that an instructor does."""

    after_s: float
    effect: Effect
    length_s: float
    pick: int
    repair: bool


acts = st.lists(
    st.builds(
        Act,
        st.floats(0, 30_000).map(lambda s: round(s, 6)),
        st.sampled_from(Effect),
        st.floats(0.001, 20_000),
        st.integers(0, 2),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def perform(injection: FaultInjection, act: Act) -> None:
    if act.repair:
        injection.clear()
        return
    choices = READS.get(act.effect, ())
    injection.inject(
        act.effect,
        cause="rf",
        length_s=min(act.length_s, 2.0) if act.effect is Effect.MONITOR_GLITCH else act.length_s,
        reads=choices[act.pick % len(choices)] if choices else None,
    )


def pieces(simulated: Machine, now: int, acts: list[Act]) -> list[object]:
    """Everything that was sent, cut where somebody acted."""
    sent_so_far = list[object]()
    for act in acts:
        until = now + to_ns(act.after_s)
        sent_so_far += sent(simulated, now, until) if until > now else []
        now = until
    return sent_so_far


@pytest.mark.parametrize("facility", FACILITIES)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=acts)
@example(acts=[Act(5.0, effect, 900.0, 0, False) for effect in Effect])
@example(acts=[Act(40_000.0, Effect.BEAM_DUMP, 40_000.0, 0, False), Act(9_000.0, Effect.BEAM_DUMP, 1.0, 0, True)])
def test_whatever_is_injected_nothing_that_is_out_changes_and_the_session_can_be_made_again(
    facility: str, acts: list[Act]
) -> None:
    steered, now, out = machine(facility, STORM), START, list[object]()
    for act in acts:
        until = now + to_ns(act.after_s)
        steered.release(until)
        out += sent(steered, now, until) if until > now else []
        now = until
        try:
            perform(steered.injection, act)
        except ScenarioError:
            unseen = act.effect not in steered.injection.effects
            assert unseen or steered.injection.active(-(-now // MS) * MS), "only what is broken stands in the way"
    assert pieces(steered, START, acts) == out
    end = now + NS_PER_DAY
    again = machine(facility, steered.injection.scenario(STORM))
    assert sent(again, START, end) == sent(steered, START, end)
    assert again.faults(START, end) == steered.faults(START, end)


@pytest.mark.parametrize("facility", FACILITIES)
@pytest.mark.parametrize("effect", Effect)
def test_every_effect_shows_in_the_samples_from_the_instant_of_its_injection(facility: str, effect: Effect) -> None:
    untouched, steered = machine(facility), machine(facility)
    if effect not in steered.injection.effects:
        assert (facility, effect) == ("mlf_sim", Effect.MONITOR_GLITCH)
        return
    now = START + 3 * 3600 * NS_PER_S + 400 * MS
    end = START + NS_PER_DAY
    if effect is Effect.MODE_FORGOTTEN:
        now = parse_time("2026-11-15T00:00:00Z")  # an hour before users hand over to a study
        end = now + NS_PER_DAY
    steered.release(now)
    before = sent(steered, now - 3600 * NS_PER_S, now)
    fault = steered.injection.inject(effect)
    assert (fault.start_ns, fault.end_ns) == (now, now + to_ns(steered.injection.usual_s(effect)))
    assert sent(steered, now - 3600 * NS_PER_S, now) == before == sent(untouched, now - 3600 * NS_PER_S, now)
    assert sent(steered, now, end) != sent(untouched, now, end)


def test_a_fault_begins_at_the_first_whole_millisecond_that_is_not_out_yet() -> None:
    steered = machine()
    steered.release(START + 1)
    assert steered.injection.inject("beam_dump").start_ns == START + MS
    # Live, but nothing was taken for a while: what is past stays as it is, even where nobody has seen it yet.
    steered.follow(lambda: START + 5 * NS_PER_S)
    assert steered.injection.inject("link_outage").start_ns == START + 5 * NS_PER_S


def test_before_a_simulator_runs_nothing_can_be_injected() -> None:
    with pytest.raises(ScenarioError, match="does not run yet"):
        machine().injection.inject("beam_dump")


def test_a_repair_ends_what_is_broken_now_and_the_ring_is_filled_again() -> None:
    steered = machine()
    steered.release(START)
    steered.injection.inject("beam_dump", length_s=7200)
    steered.release(START + 600 * NS_PER_S)
    assert [f.effect for f in steered.injection.active()] == [Effect.BEAM_DUMP]
    (fault,) = steered.injection.repair("beam_dump")
    assert fault.end_ns == START + 7200 * NS_PER_S
    assert steered.injection.active() == ()
    (ended,) = steered.faults(START, START + NS_PER_DAY)
    assert ended.end_ns == START + 600 * NS_PER_S
    times, current = steered.stored_current(START // NS_PER_DAY)
    assert current[times == START + 599 * NS_PER_S] == 0.0
    assert current[times == START + 660 * NS_PER_S] > 0.0
    assert [(i.what, i.time_ns - START) for i in steered.injection.log] == [
        ("injected", 0),
        ("repaired", 600 * NS_PER_S),
    ]


def test_a_fault_of_the_scenario_can_be_repaired_too() -> None:
    steered = machine(scenario=load_scenario("beam_dump"))
    (fault,) = steered.faults(START - NS_PER_DAY, START + NS_PER_DAY)
    steered.release(fault.start_ns + 60 * NS_PER_S)
    assert steered.injection.clear() == (fault,)
    (ended,) = steered.faults(START - NS_PER_DAY, START + NS_PER_DAY)
    assert ended.end_ns - ended.start_ns == 60 * NS_PER_S
    assert steered.injection.scenario(load_scenario("beam_dump")).repairs[0].effect is Effect.BEAM_DUMP


def test_what_is_repaired_may_break_again_at_once() -> None:
    steered = machine()
    steered.release(START)
    steered.injection.inject("link_outage")
    steered.injection.repair("link_outage")
    again = steered.injection.inject("link_outage", length_s=60)
    assert steered.faults(START, START + NS_PER_DAY) == (again,)
    assert again.start_ns == START + MS


def test_where_nothing_has_the_effect_a_repair_says_what_is_broken_instead() -> None:
    steered = machine()
    steered.release(START)
    steered.injection.inject("link_outage")
    with pytest.raises(ScenarioError, match=r"no beam_dump to repair at 2026-11-12T00:00:00\+09:00; .*: link_outage"):
        steered.injection.repair("beam_dump")
    steered.injection.clear()
    with pytest.raises(ScenarioError, match="broken now: nothing"):
        steered.injection.repair("beam_dump")


@pytest.mark.parametrize(
    ("effect", "arguments", "message"),
    [
        ("beam_dumb", {}, "did you mean 'beam_dump'"),
        ("earthquake", {}, "known here: beam_dump, no_injection"),
        ("monitor_glitch", {"length_s": 3}, "0.001 to 2 s, not 3 s; use monitor_dropout"),
        ("beam_dump", {"length_s": 0}, "0.001 to 2592000 s, not 0 s"),
        ("beam_dump", {"length_s": float("nan")}, "not nan s"),
        ("beam_dump", {"length_s": 3e6}, "0.001 to 2592000 s"),
        ("beam_dump", {"reads": "zero"}, "leaves no choice"),
        ("monitor_dropout", {"reads": "stuck"}, "reads zero or bad, not 'stuck'"),
        ("beam_dump", {"shift_s": 3}, "only a clock_step shifts the clock"),
        ("clock_step", {"shift_s": 0}, "not by 0 s"),
        ("clock_step", {"shift_s": 50_000}, "0.001 to 43200 s"),
        ("beam_dump", {"cause": "the RF"}, "the cause of a fault: name 'the RF' is not a slug"),
    ],
)
def test_what_cannot_be_is_refused(effect: str, arguments: dict[str, object], message: str) -> None:
    steered = machine()
    steered.release(START)
    with pytest.raises(ScenarioError, match=message):
        steered.injection.inject(effect, **arguments)  # type: ignore[arg-type]  # arguments of any kind
    assert steered.injection.log == ()
    assert steered.faults(START, START + NS_PER_DAY) == ()


@pytest.mark.parametrize("effect", ["monitor_dropout", "clock_step", "beam_dump", "link_outage"])
def test_what_is_broken_already_does_not_break_again(effect: str) -> None:
    steered = machine()
    steered.release(START)
    steered.injection.inject(effect, length_s=600)
    with pytest.raises(
        ScenarioError, match=rf"a {effect} \(cause injected\) already, until 2026-11-12T00:10:00\+09:00"
    ):
        steered.injection.inject(effect)
    assert len(steered.injection.log) == 1


def test_two_faults_that_contradict_each_other_are_refused() -> None:
    steered = machine()
    steered.release(START)
    steered.injection.inject("monitor_freeze", cause="adc")
    with pytest.raises(
        ScenarioError, match=r"monitor_dropout .* contradicts monitor_freeze \(cause adc\), which lasts"
    ):
        steered.injection.inject("monitor_dropout")
    assert len(steered.injection.log) == 1


def test_the_beam_may_be_lost_for_two_causes_at_once() -> None:
    steered = machine()
    steered.release(START)
    steered.injection.inject("beam_dump", cause="grid")
    steered.injection.inject("beam_dump", cause="cooling", length_s=3600)
    assert [f.cause for f in steered.injection.active()] == ["grid", "cooling"]


def test_a_machine_without_a_witness_or_a_mode_cannot_lose_them() -> None:
    profile = load_profile("nanoterasu_sim")
    signals = tuple(s.model_copy(update={"witness": None}) for s in profile.signals)
    bare = profile.model_copy(update={"mode_signal": None, "signals": signals})
    steered = Machine(bare, QUIET)
    steered.release(START)
    assert "witness_fault" not in steered.injection.effects
    with pytest.raises(ScenarioError, match="no witness of its delivery signal"):
        steered.injection.inject("witness_fault")
    with pytest.raises(ScenarioError, match="no mode signal"):
        steered.injection.inject("mode_forgotten")


def test_where_a_value_comes_once_a_minute_nobody_would_see_a_glitch() -> None:
    steered = machine("mlf_sim")
    steered.release(START)
    with pytest.raises(ScenarioError, match="proton_power_mean is measured every 60 s: nobody would see it"):
        steered.injection.inject("monitor_glitch")
    spike = steered.injection.inject("monitor_spike")
    assert spike.end_ns - spike.start_ns == 60 * NS_PER_S


def test_a_repair_in_a_scenario_ends_what_it_finds_and_nothing_else() -> None:
    dumped = load_scenario("beam_dump")
    (fault,) = machine(scenario=dumped).faults(START - NS_PER_DAY, START + NS_PER_DAY)
    text = (
        '[[repair]]\neffect = "beam_dump"\nat = [2026-11-12T13:24:10.299+09:00, 2026-11-12T13:49:10.300+09:00]\n'
        '[[repair]]\neffect = "link_outage"\nat = [2026-11-12T13:30:00+09:00]\n'
    )
    repairs = tuple(Repair.model_validate(row) for row in tomllib.loads(text)["repair"])
    unharmed = dumped.model_copy(update={"repairs": repairs})
    assert machine(scenario=unharmed).faults(START - NS_PER_DAY, START + NS_PER_DAY) == (fault,)


@pytest.mark.parametrize("facility", FACILITIES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=acts)
@example(acts=[Act(3600.0, Effect.BEAM_DUMP, 1200.0, 0, False), Act(300.0, Effect.BROKER_OUTAGE, 3000.0, 0, False)])
@example(acts=[Act(60.0, Effect.BROKER_OUTAGE, 20_000.0, 0, False), Act(900.0, Effect.BROKER_OUTAGE, 1.0, 0, True)])
def test_kado_finds_in_a_session_what_its_answer_key_says(facility: str, acts: list[Act]) -> None:
    steered, now = machine(facility), START
    for act in acts:
        now += to_ns(act.after_s)
        steered.release(now)
        with suppress(ScenarioError):
            perform(steered.injection, act)
    end = -(-now // MS) * MS + 20 * 3600 * NS_PER_S
    profile, rules = steered.profile, load_definition("nanoterasu")
    key = machine(facility, steered.injection.scenario(QUIET)).answer_key(START, end, rules)
    recorded = dict(Batch.concat(list(steered.history(START, end))).by_signal())
    found = availability(
        profile,
        rules,
        steered.plan(START, end),
        recorded[profile.delivery_signal],
        Period("session", START, end),
        now_ns=end,
        cuts=np.array([r.time_ns for r in steered.links(START, end) if r.state == "down"], np.int64),
        witness=recorded.get(profile.delivery.witness or ""),
        mode=recorded.get(profile.mode_signal or ""),
    )
    accounts = key.accounts_ns()
    assert {name: getattr(found.accounts, name) for name in accounts} == accounts
    assert {name: getattr(found.counts, name) for name in key.counts.model_dump()} == key.counts.model_dump()
