"""What a row says beside its states, what holdings keep, and what goes on over a reload, a resume and its rows."""

from dataclasses import replace
from typing import Any

import numpy as np

from alarm_cases import SECOND, TABLE, make_set
from analytics.alarms import FactSample, Feed, LimitPieces, advance, begin, resume
from analytics.alarms.edges import good_of
from analytics.alarms.holdings import NEVER, Holdings, Sample
from analytics.alarms.program import compiled
from analytics.alarms.rows import from_rows, to_rows
from facility.alarms import (
    Action,
    ActionKind,
    AlarmRule,
    AlarmRules,
    AlarmState,
    Priority,
    SeriesSpec,
    SeriesTable,
    Transition,
)
from facility.batch import Batch, Samples
from facility.quality import REASON_CLOCK, Quality
from facility.schedule import Block, Category, Plan, PlannedBlock

TEXT = {"en": "t", "ja": "t"}
HIGH = {"kind": "limit", "signal": "y", "above": 10.0, "ends_below": 8.0}
NUMBER = SeriesSpec("n", "number", 8 * SECOND, physical_max=50.0)
WORD = SeriesSpec("w", "state", None)


def rules(*made: dict[str, Any]) -> AlarmRules:
    keys = {"title": TEXT, "priority": "medium", "class": "beam", "consequence": TEXT, "action": TEXT}
    return make_set([{**keys, "respond_within_s": 600.0, "when": HIGH, **rule} for rule in made])


def sent(*samples: tuple[float, str, float | str]) -> Feed:
    names, words = tuple(TABLE.series), ("user", "study", "a", "b", "up", "down")
    state = [words.index(v) if isinstance(v, str) else -1 for _, _, v in samples]
    batch = Batch.build(
        "made_up",
        names,
        [names.index(s) for _, s, _ in samples],
        [round(t * SECOND) for t, _, _ in samples],
        value=[v if isinstance(v, float) else np.nan for _, _, v in samples],
        state=state,
        words=words,
    )
    return Feed(batches=(batch,))


def act(at_s: float, kind: ActionKind, number: int = 1, **more: Any) -> Action:
    return Action("a", kind, "mori", round(at_s * SECOND), "test", id=number, **more)


def test_a_row_bears_value_limit_priority_class_and_the_action_that_made_it() -> None:
    feed = replace(sent((0, "y", 3.0), (5, "y", 11.5)), actions=(act(7, ActionKind.ACK, 4),))
    _, outcome = advance(begin(rules({"id": "a", "on_delay_s": 1.0}), 0), feed, 10 * SECOND)
    first, raised, acked = outcome.transitions
    assert (first.value, first.limit_value, first.by, first.action_id, first.seq) == (3.0, 10.0, None, None, 0)
    assert (raised.value, raised.limit_value, raised.word) == (11.5, 10.0, None)
    assert (raised.priority, raised.class_, raised.chattering, raised.seq) == (Priority.MEDIUM, "beam", False, 1)
    assert (raised.time_ns, raised.since_ns, raised.occurrence) == (6 * SECOND, 5 * SECOND, 1)
    assert (acked.by, acked.action_id, acked.seq, acked.since_ns) == ("mori", 4, 2, 5 * SECOND)


def test_a_row_of_a_state_bears_its_word_and_one_of_silence_its_length() -> None:
    made = rules(
        {"id": "a", "when": {"kind": "state", "signal": "s", "words": ["b"]}},
        {"id": "b", "when": {"kind": "stale", "signal": "y", "after_s": 5.0}},
    )
    _, outcome = advance(begin(made, 0), sent((0, "y", 3.0), (1, "s", "b")), 10 * SECOND)
    of = {t.alarm: t for t in outcome.transitions if t.to_state is AlarmState.UNACKED}
    assert (of["a"].word, of["a"].value, of["a"].limit_value) == ("b", None, None)
    assert (of["b"].word, of["b"].value, of["b"].limit_value) == (None, 5.0, 5.0)


def test_who_took_an_alarm_out_when_and_why_is_kept_until_it_is_back() -> None:
    feed = replace(sent((0, "y", 11.0)), actions=(act(3, ActionKind.OUT),))
    engine, _ = advance(begin(rules({"id": "a"}), 0), feed, 5 * SECOND)
    a = engine.record("a")
    assert (a.out, a.out_since_ns, a.out_by, a.out_reason) == (True, 3 * SECOND, "mori", "test")
    engine, _ = advance(engine, Feed(actions=(act(7, ActionKind.IN),)), 9 * SECOND)
    a = engine.record("a")
    assert (a.out, a.out_since_ns, a.out_by, a.out_reason) == (False, None, "", "")


def test_a_refusal_bears_the_number_of_its_action() -> None:
    feed = Feed(actions=(act(3, ActionKind.ACK, 17), replace(act(4, ActionKind.ACK, 18), alarm="none")))
    _, outcome = advance(begin(rules({"id": "a"}), 0), feed, 5 * SECOND)
    assert [(r.action_id, r.time_ns, r.alarm) for r in outcome.refusals] == [
        (17, 3 * SECOND, "a"),
        (18, 4 * SECOND, "none"),
    ]


def test_what_suppresses_stands_in_the_row_in_the_order_plan_mode_alarms() -> None:
    made = rules(
        {"id": "s1"},
        {"id": "s2"},
        {"id": "a", "in_plan": ["user"], "in_mode": ["user"], "inhibited_by": ["s1", "s2"]},
    )
    _, outcome = advance(begin(made, 0), sent((0, "y", 11.0), (0, "m", "study")), 5 * SECOND)
    (row,) = (t for t in outcome.transitions if t.alarm == "a")
    assert row.by == "plan,mode,s1,s2"


def test_a_raise_of_a_chattering_alarm_and_its_re_alarm_say_so() -> None:
    flicker = [(float(t), "y", 11.0 if t % 2 else 1.0) for t in range(7)]
    made = rules({"id": "a", "realarm_after_s": 10.0, "chatter_within_s": 20.0})
    feed = replace(sent(*flicker, (7, "y", 11.0)), actions=(act(7.5, ActionKind.ACK),))
    _, outcome = advance(begin(made, 0), feed, 20 * SECOND)
    raised = [t for t in outcome.transitions if t.annunciated]
    assert [(t.time_ns // SECOND, t.chattering) for t in raised] == [(1, False), (3, False), (5, True), (17, True)]
    assert raised[-1].since_ns == 5 * SECOND


def test_an_alarm_whose_rule_goes_and_comes_back_counts_on() -> None:
    made, other = rules({"id": "a"}), rules({"id": "z"})
    engine, first = advance(begin(made, 0), sent((0, "y", 11.0)), 2 * SECOND)
    engine, second = advance(engine, Feed(rules=other), 4 * SECOND)
    engine, third = advance(engine, Feed(rules=made), 6 * SECOND)

    def of_a(transitions: tuple[Transition, ...]) -> list[tuple[str, int, int]]:
        return [(t.cause.value, t.occurrence, t.seq) for t in transitions if t.alarm == "a" and t.journaled]

    assert of_a(first.transitions) == [("raised", 1, 1)]
    assert of_a(second.transitions) == [("rule_removed", 1, 2)]
    assert of_a(third.transitions) == [("raised", 2, 3)]
    assert engine.retired == {"z": (1, 2)}
    assert [t.since_ns for t in second.transitions if t.alarm == "a"] == [0]


def test_other_rules_that_come_with_a_resume_take_effect_at_the_position_and_survive_a_kill() -> None:
    engine, _ = advance(begin(rules({"id": "a"}), 0), sent((0, "y", 11.0)), 2 * SECOND)
    engine, _ = resume(engine, Feed(rules=rules({"id": "b"})), 4 * SECOND)
    again = from_rows(to_rows(engine), TABLE)
    assert again.reload == engine.reload
    for kept in (engine, again):
        after, outcome = advance(kept, Feed(), 5 * SECOND)
        assert [(t.alarm, t.cause.value, t.time_ns) for t in outcome.transitions] == [
            ("a", "rule_removed", 4 * SECOND),
            ("b", "raised", 4 * SECOND),
        ]
        assert after.reload is None


def test_a_clock_that_is_put_back_takes_what_was_acknowledged_and_what_runs_with_it() -> None:
    made = rules({"id": "a", "realarm_after_s": 10.0}, {"id": "b", "on_delay_s": 15.0})
    feed = replace(sent((0, "y", 11.0)), actions=(act(9, ActionKind.ACK),))
    engine, _ = advance(begin(made, 0), feed, 12 * SECOND)
    engine, _ = resume(engine, Feed(), 2 * SECOND)
    a, b = engine.record("a"), engine.record("b")
    assert (a.acked_ns, a.shown_since_ns, a.since_ns, a.raises) == (2 * SECOND, 2 * SECOND, 0, (0,))
    # Twelve seconds of its delay are over; the rest is counted from where the clock is now.
    assert (b.elapsed_ns, b.running_ns, b.hole_ns) == (12 * SECOND, None, 2 * SECOND)
    _, outcome = advance(engine, Feed(), 13 * SECOND)
    assert [(t.alarm, t.cause.value, t.time_ns // SECOND) for t in outcome.transitions] == [
        ("b", "raised", 5),
        ("a", "realarmed", 12),
    ]


def test_figures_with_less_coverage_or_user_time_than_a_rule_asks_for_are_unknown_also_after_a_kill() -> None:
    when = {"kind": "limit", "figure": "availability_pct", "period": "month", "below": 99.0}
    made = rules({"id": "a", "when": {**when, "min_user_time_h": 24.0, "min_coverage_pct": 90.0}})
    series = "figure:availability_pct:month"
    for coverage, user_time, shown in (
        (90.0, 24.0, AlarmState.UNACKED),
        (89.9, 24.0, AlarmState.UNKNOWN),
        (90.0, 23.9, AlarmState.UNKNOWN),
        (None, 24.0, AlarmState.UNACKED),
        (90.0, None, AlarmState.UNACKED),
        (None, 23.9, AlarmState.UNKNOWN),
        (89.9, None, AlarmState.UNKNOWN),
    ):
        fact = FactSample(series, SECOND, 50.0, coverage, user_time)
        engine, _ = advance(begin(made, 0), Feed(facts=(fact,)), 2 * SECOND)
        assert engine.record("a").shown is shown, (coverage, user_time)
        assert from_rows(to_rows(engine), TABLE).holdings == engine.holdings
        # Stated no more: only the value counts.
        engine, _ = advance(engine, Feed(facts=(FactSample(series, 3 * SECOND, 50.0),)), 4 * SECOND)
        assert engine.record("a").shown is AlarmState.UNACKED


def test_a_bad_number_of_the_stamp_of_the_newest_good_one_takes_it_back_and_no_other_does() -> None:
    held = Holdings.empty(1)
    assert held.take(0, NUMBER, Sample(10, "n", 1.0, True), None)
    assert held.take(0, NUMBER, Sample(20, "n", 2.0, True), None)
    assert not held.take(0, NUMBER, Sample(19, "n", 9.0, True), None)
    assert held.take(0, NUMBER, Sample(21, "n", 9.0, False), None)
    assert (held.good, held.older, held.newest, held.value, held.ok) == ([20], [10], [21], [2.0], [True])
    # Once more the same stamp: corrected, and the one before it stays the one before.
    assert held.take(0, NUMBER, Sample(20, "n", 3.0, True), None)
    assert (held.good, held.older, held.value) == ([20], [10], [3.0])
    assert held.take(0, NUMBER, Sample(20, "n", 3.0, False), None)
    assert (held.good, held.stamp, held.older, held.value, held.ok) == ([10], [10], [NEVER], [None], [False])


def test_a_bad_number_before_any_good_one_takes_nothing_back() -> None:
    held = Holdings.empty(1)
    held.take(0, NUMBER, Sample(5, "n", None, False), None)
    assert (held.good, held.stamp, held.newest, held.ok) == ([NEVER], [NEVER], [5], [False])


def test_a_bad_word_makes_it_unknown_at_once_and_keeps_the_stamp_of_the_good_one_unless_it_is_the_same() -> None:
    held = Holdings.empty(1)
    held.take(0, WORD, Sample(10, "w", "a", True), None)
    held.take(0, WORD, Sample(20, "w", "b", True), None)
    held.take(0, WORD, Sample(30, "w", None, False), None)
    assert (held.stamp, held.good, held.older, held.ok) == ([30], [20], [10], [False])
    assert not held.take(0, WORD, Sample(25, "w", "a", True), None)
    held.take(0, WORD, Sample(40, "w", "b", True), None)
    held.take(0, WORD, Sample(40, "w", "a", True), None)
    held.take(0, WORD, Sample(40, "w", None, False), None)
    assert (held.stamp, held.good, held.older, held.ok) == ([40], [20], [NEVER], [False])


def test_a_rate_that_a_reload_asks_for_begins_with_what_holds() -> None:
    falling = {"kind": "rate", "signal": "y", "window_s": 2.0, "below": -0.5}
    engine, _ = advance(begin(rules({"id": "a"}), 0), sent((0, "y", 5.0), (1, "y", 5.0)), 2 * SECOND)
    feed = replace(sent((3, "y", 1.0)), rules=rules({"id": "a", "when": falling}))
    engine, outcome = advance(engine, feed, 4 * SECOND)
    assert [(t.cause.value, t.time_ns // SECOND, t.value) for t in outcome.transitions] == [
        ("input_unknown", 2, None),
        ("raised", 3, -2.0),
    ]


def test_in_a_history_too_a_sample_of_a_wrong_clock_is_not_good_and_one_at_the_physical_maximum_is() -> None:
    quality = [Quality.GOOD, Quality.UNCERTAIN, Quality.UNCERTAIN, Quality.BAD, Quality.GOOD, Quality.GOOD]
    samples = Samples(
        "made_up",
        "n",
        np.arange(6, dtype=np.int64),
        np.array([1.0, 1.0, 1.0, 1.0, 50.0, 50.1]),
        np.array(quality, np.uint8),
        None,
        np.array([-1, 1, 0, 1, -1, -1], np.int32),
        ("limit", REASON_CLOCK),
    )
    good = good_of(samples, NUMBER)
    assert good is not None
    assert good.tolist() == [True, False, True, False, True, False]
    assert good_of(samples.between(0, 1), NUMBER) is None
    # A number is no word.
    nothing = good_of(samples, WORD)
    assert nothing is not None
    assert not nothing.any()


def test_late_and_ignored_samples_are_counted() -> None:
    engine, _ = advance(begin(rules({"id": "a"}), 0), sent((1, "y", 5.0), (4, "y", 5.0)), 5 * SECOND)
    engine, outcome = advance(engine, sent((2, "y", 9.0), (3, "y", 9.0), (4, "y", 6.0)), 6 * SECOND)
    assert (outcome.late, outcome.ignored) == (3, 2)
    same, outcome = advance(engine, Feed(), 6 * SECOND)
    assert (same.position_ns, outcome.clock_back) == (6 * SECOND, 0)
    same, outcome = advance(engine, Feed(), 6 * SECOND - 1)
    assert (same.position_ns, outcome.clock_back) == (6 * SECOND, 1)


def test_a_limit_in_force_that_changes_at_the_end_of_a_call_counts_in_the_next() -> None:
    made = rules({"id": "a", "when": {"kind": "limit", "signal": "y", "below": "tolerance"}})
    limits = LimitPieces((0, 5 * SECOND), {"tolerance": (1.0, 9.0)})
    engine, outcome = advance(begin(made, 0), replace(sent((0, "y", 5.0)), limits=limits), 5 * SECOND)
    assert [t.cause.value for t in outcome.transitions] == ["input_known"]
    _, outcome = advance(engine, Feed(limits=limits), 6 * SECOND)
    assert [(t.cause.value, t.time_ns // SECOND, t.limit_value) for t in outcome.transitions] == [("raised", 5, 9.0)]


def test_a_clock_that_is_put_back_leaves_the_last_of_the_samples_that_then_have_one_stamp() -> None:
    held = Holdings.empty(1)
    for stamp, value in ((1, 10.0), (3, 15.0), (5, 20.0), (7, 30.0), (9, 40.0)):
        held.take(0, NUMBER, Sample(stamp, "n", value, True), 100)
    held.heard, held.cut = {"ring": 8, "other": 2}, {"ring": 6, "other": 1}
    held.set_back(5)
    assert held.history == {0: ((1, 10.0), (3, 15.0), (5, 40.0))}
    assert (held.stamp, held.good, held.older, held.newest, held.value) == ([5], [5], [5], [5], [40.0])
    assert (held.heard, held.cut) == ({"ring": 5, "other": 2}, {"ring": 5, "other": 1})


def test_samples_that_a_rate_needs_are_kept_and_older_ones_are_not() -> None:
    held = Holdings.empty(1)
    for stamp in (0, 10, 25, 30, 50, 60):
        held.take(0, NUMBER, Sample(stamp, "n", 5.0, True), 10)
    # Two windows before the one before the newest, which a correction of the newest would need.
    assert [t for t, _ in held.history[0]] == [30, 50, 60]
    held.take(0, NUMBER, Sample(60, "n", 61.0, True), 10)
    assert held.history[0][-1] == (60, 61.0)
    held.take(0, NUMBER, Sample(60, "n", 61.0, False), 10)
    assert [t for t, _ in held.history[0]] == [30, 50]


def test_a_link_is_cut_where_it_went_down_or_thirty_seconds_after_it_was_heard_last() -> None:
    link = SeriesSpec.of_link("ring")
    held = Holdings.empty(1)
    held.take(0, link, Sample(0, link.name, "up", True), None)
    held.take(0, link, Sample(30 * SECOND, link.name, "up", True), None)
    assert held.cut == {}
    held.take(0, link, Sample(60 * SECOND + 1, link.name, "up", True), None)
    assert (held.cut, held.heard) == ({"ring": 60 * SECOND}, {"ring": 60 * SECOND + 1})
    held.take(0, link, Sample(70 * SECOND, link.name, "down", True), None)
    assert held.cut == {"ring": 70 * SECOND}
    assert held.silent(100 * SECOND - 1) == []
    assert held.silent(100 * SECOND) == ["ring"]
    assert held.silent(101 * SECOND) == []
    # A late word of the link moves no cut back, and one of the same stamp is the same word corrected.
    held.take(0, link, Sample(90 * SECOND, link.name, "down", True), None)
    assert held.cut == {"ring": 100 * SECOND}
    held.take(0, link, Sample(110 * SECOND, link.name, "up", True), None)
    held.take(0, link, Sample(110 * SECOND, link.name, "down", True), None)
    assert held.cut == {"ring": 110 * SECOND}


def test_words_for_numbers_and_numbers_for_words_are_not_good_and_series_of_nobody_are_passed_over() -> None:
    made = rules(
        {"id": "a", "when": {"kind": "stale", "signal": "y", "after_s": 5.0}},
        {"id": "b", "when": {"kind": "state", "signal": "s", "words": ["b"]}},
        {"id": "c"},
        {"id": "d", "when": {"kind": "stale", "signal": "s", "after_s": 5.0}},
    )
    names = ("nobody", "y", "s")
    batch = Batch.build(
        "made_up",
        names,
        [0, 1, 1, 2, 1, 2],
        [SECOND * t for t in (1, 1, 3, 3, 4, 5)],
        value=[1.0, 3.0, np.nan, 1.0, np.nan, np.nan],
        state=[-1, -1, 0, -1, -1, -1],
        words=("b",),
    )
    engine, outcome = advance(begin(made, 0), Feed(batches=(batch,)), 10 * SECOND)
    found = [(t.alarm, t.cause.value, t.time_ns // SECOND) for t in outcome.transitions]
    assert found == [("a", "input_known", 1), ("c", "input_known", 1), ("d", "raised", 5), ("a", "raised", 6)]
    assert engine.record("b").verdict is None
    assert from_rows(to_rows(engine), TABLE) == engine


def test_bad_samples_stay_bad_beside_those_of_a_wrong_clock() -> None:
    batch = Batch.build(
        "made_up",
        ("y",),
        [0, 0, 0],
        [SECOND, 2 * SECOND, 3 * SECOND],
        value=[11.0, 11.0, 1.0],
        quality=[Quality.BAD, Quality.UNCERTAIN, Quality.GOOD],
        reason=[-1, 0, 0],
        words=(REASON_CLOCK,),
    )
    _, outcome = advance(begin(rules({"id": "a"}), 0), Feed(batches=(batch,)), 10 * SECOND)
    assert [(t.cause.value, t.time_ns // SECOND) for t in outcome.transitions] == [("input_known", 3)]


def test_the_row_of_joined_conditions_bears_the_value_of_the_one_that_decides() -> None:
    parts = [{"kind": "limit", "signal": "x", "above": 20.0}, HIGH]
    made = rules({"id": "a", "when": {"kind": "any", "of": parts}})
    _, outcome = advance(begin(made, 0), sent((0, "x", 1.0), (0, "y", 3.0), (2, "y", 12.0)), 5 * SECOND)
    assert [(t.cause.value, t.value, t.limit_value) for t in outcome.transitions] == [
        ("input_known", 1.0, 20.0),
        ("raised", 12.0, 10.0),
    ]


def test_where_nothing_is_decided_what_came_in_waits_also_other_rules() -> None:
    engine, _ = advance(begin(rules({"id": "a"}), 0), sent((0, "y", 11.0)), 5 * SECOND)
    feed = replace(sent((4, "y", 1.0)), actions=(act(3, ActionKind.ACK),))
    engine, outcome = advance(engine, feed, 5 * SECOND)
    assert outcome.transitions == ()
    engine, _ = advance(engine, Feed(rules=rules({"id": "a"}, {"id": "b"})), 5 * SECOND)
    engine, _ = advance(engine, Feed(), 5 * SECOND)
    engine, outcome = advance(engine, Feed(), 6 * SECOND)
    assert outcome.late == 1
    # A late action, as a late sample, takes effect at the position; the sample comes first.
    assert [(t.alarm, t.cause.value, t.time_ns // SECOND) for t in outcome.transitions] == [
        ("a", "cleared", 5),
        ("b", "input_known", 5),
        ("a", "acknowledged", 5),
    ]


def test_a_fact_that_only_the_next_rules_read_is_kept_for_them() -> None:
    when = {"kind": "limit", "figure": "availability_pct", "period": "month", "below": 99.0}
    engine, _ = advance(begin(rules({"id": "a"}), 0), Feed(), 5 * SECOND)
    fact = FactSample("figure:availability_pct:month", 6 * SECOND, 50)
    engine, _ = resume(engine, Feed(facts=(fact,), rules=rules({"id": "b", "when": when})), 8 * SECOND)
    _, outcome = advance(engine, Feed(), 9 * SECOND)
    assert [(t.alarm, t.cause.value, t.time_ns // SECOND) for t in outcome.transitions] == [("b", "raised", 8)]
    assert isinstance(outcome.transitions[0].value, float)


def test_a_delay_that_had_passed_ends_at_once_where_the_clock_is_put_back_to() -> None:
    made = rules({"id": "a", "on_delay_s": 5.0}, {"id": "b"})
    feed = replace(sent((5, "y", 11.0)), actions=(replace(act(8, ActionKind.OUT), alarm="b"),))
    engine, _ = advance(begin(made, 0), feed, 10 * SECOND)
    engine, _ = resume(engine, Feed(), 2 * SECOND)
    assert engine.record("b").out_since_ns == 2 * SECOND
    _, outcome = advance(engine, Feed(), 3 * SECOND)
    assert [(t.alarm, t.cause.value, t.time_ns // SECOND) for t in outcome.transitions] == [("a", "raised", 2)]


def test_without_a_chatter_count_nothing_chatters_and_a_reload_that_takes_it_away_ends_it() -> None:
    flicker = [(float(t), "y", 11.0 if t % 2 else 1.0) for t in range(6)]
    _, outcome = advance(begin(rules({"id": "a", "chatter_count": 0}), 0), sent(*flicker), 6 * SECOND)
    assert not any(t.chattering for t in outcome.transitions)
    engine, _ = advance(begin(rules({"id": "a"}), 0), sent(*flicker), 6 * SECOND)
    assert engine.record("a").chattering is True
    engine, _ = advance(engine, Feed(rules=rules({"id": "a", "chatter_count": 0})), 7 * SECOND)
    assert engine.record("a").chattering is False


def test_an_engine_on_which_nothing_came_has_no_rows_of_series_and_one_that_waits_on_a_shelf_comes_back() -> None:
    made = rules({"id": "a"})
    engine = begin(made, 0)
    assert set(to_rows(engine)) == {"engine", "rules", "alarm a"}
    assert from_rows(to_rows(engine), TABLE) == engine
    shelve = act(1, ActionKind.SHELVE, until_ns=50 * SECOND)
    engine, _ = advance(engine, replace(sent((0, "y", 11.0), (3, "y", 1.0)), actions=(shelve,)), 5 * SECOND)
    assert engine.record("a").inner is AlarmState.NORMAL
    assert from_rows(to_rows(engine), TABLE) == engine


def test_the_engine_keeps_plan_mode_and_limits_of_the_last_instant() -> None:
    made = rules({"id": "a", "when": {"kind": "limit", "signal": "y", "below": "tolerance"}})
    limits = LimitPieces((0, 5 * SECOND), {"tolerance": (1.0, 9.0)})
    plan = Plan((PlannedBlock(Block(3 * SECOND, 20 * SECOND, Category.STUDY), 0),))
    feed = replace(sent((0, "y", 5.0), (4, "m", "study")), limits=limits, plan=plan)
    engine, _ = advance(begin(made, 0), feed, 10 * SECOND)
    assert (engine.category, engine.mode, engine.limits) == (Category.STUDY, "study", {"tolerance": 9.0})
    assert engine.fresh is False


def test_an_acknowledgement_that_is_taken_back_leaves_no_name() -> None:
    actions = (act(2, ActionKind.ACK, 1), act(4, ActionKind.UNACK, 2))
    engine, _ = advance(begin(rules({"id": "a"}), 0), replace(sent((0, "y", 11.0)), actions=actions[:1]), 3 * SECOND)
    assert (engine.record("a").acked_by, engine.record("a").acked_comment) == ("mori", "test")
    engine, _ = advance(engine, Feed(actions=actions[1:]), 5 * SECOND)
    a = engine.record("a")
    assert (a.acked_ns, a.acked_by, a.acked_comment) == (None, "", "")


def test_what_is_held_is_carried_to_other_rules_by_name() -> None:
    falling = {"kind": "rate", "signal": "y", "window_s": 2.0, "below": -0.5}
    month, year = (
        {"kind": "limit", "figure": "availability_pct", "period": p, "below": 9.0} for p in ("month", "year")
    )
    first = rules(*({"id": n, "when": w} for n, w in (("g", month), ("a", falling), ("f", year))))
    other = rules(*({"id": n, "when": w} for n, w in (("f", year), ("b", HIGH), ("a", falling))))
    facts = tuple(FactSample(f"figure:availability_pct:{p}", SECOND, 50.0, 90.0, 24.0) for p in ("month", "year"))
    feed = replace(sent((0, "y", 5.0), (1, "y", 4.0), (2, "x", 7.0), (2, "ring_link", "up")), facts=facts)
    engine, _ = advance(begin(first, 0), feed, 3 * SECOND)
    before, old, new = engine.holdings, engine.program, compiled(other)
    after = before.carried(old, new)
    assert "figure:availability_pct:month" not in new.series_index
    for name, k in new.series_index.items():
        i = old.series_index[name]
        for column in ("stamp", "value", "ok", "good", "older", "newest"):
            assert getattr(after, column)[k] == getattr(before, column)[i], (name, column)
        assert after.minima.get(k) == before.minima.get(i), name
        assert after.history.get(k) == before.history.get(i), name
    assert (after.heard, after.cut) == (before.heard, before.cut)
    assert len(after.history[new.series_index["y"]]) == 2
    assert after.minima[new.series_index["figure:availability_pct:year"]] == (90.0, 24.0)


def test_a_rate_that_a_reload_asks_for_does_not_begin_with_a_value_that_does_not_count() -> None:
    falling = {"kind": "rate", "signal": "y", "window_s": 2.0, "below": -0.5}
    engine, _ = advance(begin(rules({"id": "a"}), 0), sent((1, "y", 5.0)), 2 * SECOND)
    engine.holdings.ok[engine.program.series_index["y"]] = False
    new = compiled(rules({"id": "a", "when": falling}))
    assert engine.holdings.carried(engine.program, new).history == {new.series_index["y"]: ()}


def test_a_delay_that_ends_where_the_rules_change_counts_though_a_shelf_ends_in_the_same_call() -> None:
    made = rules({"id": "a", "on_delay_s": 5.0})
    other = rules({"id": "a", "on_delay_s": 5.0, "when": {**HIGH, "above": 20.0, "ends_below": 15.0}})
    feed = replace(sent((0, "y", 11.0)), actions=(act(1, ActionKind.SHELVE, until_ns=8 * SECOND),))
    engine, _ = advance(begin(made, 0), feed, 5 * SECOND)
    engine, outcome = advance(engine, Feed(rules=other), 10 * SECOND)
    assert [(t.time_ns // SECOND, t.cause.value) for t in outcome.transitions] == [(8, "shelf_expired")]
    assert (engine.record("a").occurrence, engine.record("a").shown) == (1, AlarmState.NORMAL)


def test_a_delay_ends_at_an_instant_at_which_a_shelf_of_another_alarm_ends() -> None:
    made = rules({"id": "a"}, {"id": "b", "on_delay_s": 5.0})
    feed = replace(sent((0, "y", 11.0), (5, "y", 1.0)), actions=(act(1, ActionKind.SHELVE, until_ns=5 * SECOND),))
    _, outcome = advance(begin(made, 0), feed, 10 * SECOND)
    assert [(t.time_ns // SECOND, t.cause.value) for t in outcome.transitions if t.alarm == "b"] == [
        (0, "input_known"),
        (5, "raised"),
        (5, "cleared"),
    ]


def test_the_row_of_an_alarm_that_is_taken_out_bears_the_beginning_of_its_condition() -> None:
    feed = replace(sent((2, "y", 11.0)), actions=(act(6, ActionKind.OUT),))
    _, outcome = advance(begin(rules({"id": "a"}), 0), feed, 8 * SECOND)
    assert [(t.cause.value, t.since_ns) for t in outcome.transitions] == [
        ("raised", 2 * SECOND),
        ("taken_out", 2 * SECOND),
    ]


def test_the_deadband_of_a_rule_that_is_new_remembers_nothing_and_those_behind_it_go_on() -> None:
    engine, _ = advance(begin(rules({"id": "a"}), 0), sent((0, "y", 11.0), (1, "y", 9.0)), 2 * SECOND)
    engine, outcome = advance(engine, Feed(rules=rules({"id": "new"}, {"id": "a"})), 4 * SECOND)
    assert [(t.alarm, t.cause.value) for t in outcome.transitions] == [("new", "input_known")]
    assert (engine.record("new").shown, engine.record("a").shown) == (AlarmState.NORMAL, AlarmState.UNACKED)


def test_the_mode_may_be_the_first_series_of_all_and_a_link_may_belong_to_a_source_without_series() -> None:
    specs = [SeriesSpec("m", "state", None), SeriesSpec.of_link("gate"), SeriesSpec("y", "number", None)]
    table = SeriesTable("made_up", {spec.name: spec for spec in specs}, mode_signal="m")
    keys = {"title": TEXT, "priority": "medium", "class": "beam", "consequence": TEXT, "action": TEXT}
    rule = {**keys, "id": "a", "respond_within_s": 600.0, "when": HIGH, "in_mode": ["user"]}
    down = {**rule, "id": "down", "in_mode": None}
    down["when"] = {"kind": "state", "signal": "gate_link", "words": ["down"]}
    made = AlarmRules.of([AlarmRule.model_validate(r) for r in (rule, down)], table)
    words = ("user", "study", "up", "down")
    batch = Batch.build(
        "made_up",
        ("m", "gate_link", "y"),
        [0, 1, 2, 0, 1],
        [0, 0, 0, 5 * SECOND, 6 * SECOND],
        value=[np.nan, np.nan, 11.0, np.nan, np.nan],
        state=[0, 2, -1, 1, 3],
        words=words,
    )
    _, outcome = advance(begin(made, 0), Feed(batches=(batch,)), 8 * SECOND)
    assert [(t.alarm, t.cause.value, t.by) for t in outcome.transitions] == [
        ("a", "raised", None),
        ("down", "input_known", None),
        ("a", "suppressed", "mode"),
        ("down", "raised", None),
    ]
