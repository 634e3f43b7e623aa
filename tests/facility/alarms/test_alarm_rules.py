"""Rules as data: strict, with the nearest right word in each error."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from facility.alarms import (
    FACTS,
    FIGURE_PERIODS,
    FIGURES,
    AlarmRule,
    AlarmRules,
    Condition,
    LimitCondition,
    NoDataCondition,
    Priority,
    RateCondition,
    SeriesTable,
    StaleCondition,
    StateCondition,
    review,
)
from facility.alarms import rules as alarm_rules
from facility.alarms.rules import shipped_rules
from facility.errors import AlarmRuleError
from facility.profile import load_profile, shipped_profiles
from facility.schedule import Category

PROFILE = load_profile("nanoterasu_sim")
TABLE = SeriesTable.of(PROFILE, {"ring": [s.id for s in PROFILE.signals]})
assert Condition is not None

RULE = {
    "id": '"a"',
    "title": '{ en = "A", ja = "あ" }',
    "priority": '"high"',
    "class": '"beam"',
    "cause": '{ en = "c", ja = "c" }',
    "consequence": '{ en = "c", ja = "c" }',
    "action": '{ en = "act", ja = "act" }',
    "respond_within_s": "600",
    "when": '{ kind = "limit", signal = "stored_current", below = 5.0 }',
}


def toml(**changes: str | None) -> str:
    keys: dict[str, Any] = {**RULE, **changes}
    return "[[alarm]]\n" + "".join(f"{k.rstrip('_')} = {v}\n" for k, v in keys.items() if v is not None)


def parse(*rules: str) -> AlarmRules:
    return AlarmRules.parse("\n".join(rules), TABLE, "alarms.toml")


def when(text: str) -> str:
    return toml(when=f"{{ {text} }}")


def test_the_shipped_rules_of_the_simulated_ring_are_the_fourteen_of_the_specification() -> None:
    rules = AlarmRules.shipped("nanoterasu_sim", TABLE)
    assert len(rules) == 14
    lost = rules.by_id["beam_lost"]
    assert (lost.priority, lost.class_, lost.on_delay_s, lost.off_delay_s) == (Priority.CRITICAL, "beam", 3.0, 10.0)
    assert lost.in_plan == (Category.USER, Category.RESERVE)
    assert rules.by_id["low_beam"].shelve_max_h == 2.0
    assert rules.by_id["beam_lost"].shelve_max_h == 1.0
    assert isinstance(lost.when, LimitCondition)
    assert (lost.when.below, lost.when.ends_above) == ("minimum", "recovered")


def test_a_rule_has_defaults() -> None:
    rule = parse(toml()).rules[0]
    assert (rule.on_delay_s, rule.off_delay_s, rule.latch, rule.realarm_after_s) == (0.0, 0.0, True, None)
    assert (rule.chatter_count, rule.chatter_within_s, rule.shelve_max_h, rule.notify) == (3, 60.0, 8.0, None)
    assert (rule.in_plan, rule.in_mode, rule.inhibited_by) == (None, None, ())


WRONG = [
    (toml(action=None), "'alarm[1].action' is missing"),
    (toml(consequence=None), "'alarm[1].consequence' is missing"),
    (toml(title=None), "'alarm[1].title' is missing"),
    (toml(respond_within_s=None), "'alarm[1].respond_within_s' is missing"),
    (toml(action='{ en = " ", ja = "あ" }'), "action: it is empty: write it in both languages"),
    (toml(action='{ en = "a" }'), "'alarm[1].action.ja' is missing"),
    (toml(on_dealy_s="1"), "unknown key 'alarm[1].on_dealy_s'; did you mean 'on_delay_s'?"),
    (toml(priority='"critcal"'), "'critcal' is not a priority; did you mean 'critical'?"),
    (toml(in_plan='["usr"]'), "'usr' is not a category of the plan; did you mean 'user'?"),
    (toml(in_plan="[]"), "in_plan"),
    (toml(in_mode='["refil"]'), "in_mode: 'refil' is not a word of 'machine_mode'; did you mean 'refill'?"),
    (toml(on_delay_s="-1"), "on_delay_s"),
    (toml(on_delay_s="inf"), "on_delay_s"),
    (toml(on_delay_s='"3"'), "on_delay_s"),
    (toml(chatter_count="101"), "chatter_count"),
    (toml(id='"Beam lost"'), "is not a slug"),
    (toml(inhibited_by='["a"]'), "is inhibited by itself"),
    (toml(inhibited_by='["beem"]'), "inhibited_by: no alarm 'beem'"),
    (toml() + toml(), "alarm 'a' is described 2 times"),
    (when('kind = "limit", signal = "stord_current", below = 1.0'), "did you mean 'stored_current'?"),
    (when('kind = "limit", fact = "disk_fre_pct", below = 1.0'), "did you mean 'disk_free_pct'?"),
    (
        when('kind = "limit", figure = "availability_pc", period = "month", below = 1.0'),
        "no figure 'availability_pc'; did you mean 'availability_pct'?",
    ),
    (when('kind = "limit", figure = "availability_pct", below = 1.0'), "needs a period"),
    (when('kind = "limit", figure = "availability_pct", period = "mnth", below = 1.0'), "did you mean 'month'?"),
    (when('kind = "limit", signal = "stored_current", below = "tolerence"'), "did you mean 'tolerance'?"),
    (when('kind = "limti", signal = "stored_current", below = 1.0'), "did you mean 'limit'?"),
    (when('kind = "limit", signal = "stored_current"'), "give above or below"),
    (when('kind = "limit", signal = "stored_current", above = 1.0, ends_above = 2.0'), "ends_above needs a below"),
    (when('kind = "limit", signal = "stored_current", below = 1.0, ends_below = 2.0'), "ends_below needs an above"),
    (when('kind = "limit", signal = "stored_current", above = 1.0, ends_below = 2.0'), "must not exceed above"),
    (when('kind = "limit", signal = "stored_current", below = 2.0, ends_above = 1.0'), "must not be less than below"),
    (when('kind = "limit", signal = "stored_current", above = 1.0, below = 2.0'), "it would never end"),
    (when('kind = "limit", signal = "stored_current", fact = "disk_free_pct", below = 1.0'), "reads one of signal"),
    (when('kind = "limit", below = 1.0'), "reads one of signal"),
    (when('kind = "limit", signal = "stored_current", below = 1.0, min_coverage_pct = 9.0'), "belongs to a figure"),
    (when('kind = "limit", signal = "machine_mode", below = 1.0'), "is a state: use kind = 'state'"),
    (when('kind = "state", signal = "stored_current", words = ["down"]'), "is a number: use kind = 'limit'"),
    (when('kind = "state", signal = "ring_link", words = ["dwn"]'), "did you mean 'down'?"),
    (when('kind = "rate", signal = "stored_current", below = 1.0'), "window_s' is missing"),
    (when('kind = "stale", signal = "stored_current"'), "after_s' is missing"),
    (when('kind = "all", of = []'), "of"),
    ("[[alarm]", "is not valid TOML"),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_rule_is_refused_with_the_nearest_right_word(text: str, message: str) -> None:
    with pytest.raises(AlarmRuleError) as error:
        parse(text)
    assert message in str(error.value)
    assert "alarm" in str(error.value)


def test_alarms_that_inhibit_each_other_in_a_circle_are_refused_with_the_circle() -> None:
    a, b = toml(inhibited_by='["b"]'), toml(id='"b"', inhibited_by='["a"]')
    with pytest.raises(AlarmRuleError, match="in a circle: a ← b ← a"):
        parse(a, b)


def test_sources_of_inhibition_are_ranked_first_and_else_the_file_decides() -> None:
    a, b, c, d = toml(inhibited_by='["c"]'), toml(id='"b"'), toml(id='"c"'), toml(id='"d"', inhibited_by='["a"]')
    assert [rule.id for rule in parse(a, b, c, d).ranked] == ["b", "c", "a", "d"]


def test_a_class_gives_defaults_and_the_rules_own_key_wins() -> None:
    table = '[[class]]\nid = "beam"\ntitle = { en = "Beam", ja = "ビーム" }\nshelve_max_h = 2.0\non_delay_s = 5.0\n'
    rule = parse(table, toml(on_delay_s="1.0")).rules[0]
    assert (rule.shelve_max_h, rule.on_delay_s, rule.title.en) == (2.0, 1.0, "A")


def test_an_unknown_key_of_a_class_is_refused() -> None:
    with pytest.raises(AlarmRuleError, match=r"unknown key 'class\[1\].shelve_max'; did you mean 'shelve_max_h'"):
        parse('[[class]]\nid = "beam"\nshelve_max = 2.0\n', toml())


def test_the_fingerprint_is_of_the_rules_and_not_of_how_they_are_written() -> None:
    one, other = parse(toml()), parse("# a comment\n" + toml(on_delay_s="0.0"))
    assert one.fingerprint == other.fingerprint
    assert parse(toml(on_delay_s="1.0")).fingerprint != one.fingerprint


def test_the_fingerprint_is_that_of_the_text_in_the_journal() -> None:
    rules = parse(toml(), toml(id='"b"'))
    assert len(rules.text.splitlines()) == 2
    assert rules.fingerprint == hashlib.sha256(rules.text.encode()).hexdigest()[:16]
    assert rules == parse(toml(), toml(id='"b"'))
    assert rules != parse(toml(), toml(id='"c"'))


def test_review_warns_where_the_time_to_respond_does_not_fit_the_priority() -> None:
    found = review(parse(toml(priority='"critical"', respond_within_s="600")))
    assert [f.code for f in found] == ["respond_within"]
    assert "it fits 'high'" in found[0].text
    assert review(parse(toml())) == []


def test_review_warns_where_the_delivery_signal_holds_for_less_than_the_delay() -> None:
    found = review(parse(toml(on_delay_s="60.0")))
    assert [f.code for f in found] == ["silence"]
    assert "holds 10 s and on_delay_s is 60" in found[0].text


def test_review_says_that_a_file_without_rules_watches_nothing() -> None:
    assert [(f.code, f.text) for f in review(AlarmRules.parse("", TABLE))] == [
        ("no_rules", "there is no rule: nothing is watched")
    ]


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(toml(), encoding="utf-8-sig")
    assert len(AlarmRules.load([tmp_path / "a.toml"], TABLE)) == 1


def test_review_warns_where_shares_of_priorities_are_far_from_those_recommended() -> None:
    rules = parse(*(toml(id=f'"a{i}"') for i in range(20)))
    assert {f.code for f in review(rules)} == {"share"}
    few = parse(*(toml(id=f'"a{i}"') for i in range(5)))
    assert review(few) == []


@pytest.mark.parametrize("name", ["nanoterasu", "nanoterasu_sim", "spring8_sim", "sacla_sim", "mlf_sim"])
def test_rules_come_with_each_machine_and_read_its_signals(name: str) -> None:
    profile = load_profile(name)
    table = SeriesTable.of(profile, {"ring": [s.id for s in profile.signals]})
    rules = AlarmRules.shipped(name, table)
    assert {"beam_lost", "low_beam", "source_down", "ledger_open"} <= set(rules.by_id)
    for rule in rules.rules:
        assert rule.cause is not None
        assert rule.action.en
        assert rule.action.ja


def test_every_set_of_rules_is_used_by_a_profile() -> None:
    profiles = {name.removesuffix("_sim") for name in shipped_profiles()}
    assert {name.removesuffix("_sim") for name in shipped_rules()} <= profiles


def test_a_profile_without_rules_says_which_have_some() -> None:
    with pytest.raises(AlarmRuleError, match="no alarm rules come with profile 'sirius_sim': they come with mlf, nano"):
        AlarmRules.shipped("sirius_sim", TABLE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = " + "[" * 5_000, "is not valid TOML"),
        ("a = " + "9" * 5_000, "is not valid TOML"),
        ("a = " + "[" * 50 + "]" * 50, "deep in each other"),
        ("# " + "x" * 20_000, "more than 10,000"),
        ("#" * 9 + "\n" * alarm_rules.MAX_BYTES, "larger than the 16,777,216 bytes that are read"),
    ],
)
def test_a_file_larger_or_deeper_than_any_rules_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "alarms.toml"
    path.write_text(text)
    with pytest.raises(AlarmRuleError, match=message):
        AlarmRules.load([path], TABLE)


def test_a_file_of_rules_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AlarmRuleError, match=r"does not exist: write it, or correct \[alarms\] rules"):
        AlarmRules.load([tmp_path / "alarms.toml"], TABLE)


def test_rules_of_equal_texts_and_keys_share_them_and_a_copy_is_changed_alone() -> None:
    first, second = parse(toml(), toml(id='"b"')).rules
    assert first.consequence is second.consequence
    changed = first.model_copy(update={"latch": False})
    assert "latch" in changed.model_fields_set
    assert "latch" not in second.model_fields_set
    assert second.model_dump(exclude_unset=True) == {**first.model_dump(exclude_unset=True), "id": "b"}


def test_the_reference_names_every_key_condition_fact_and_figure_in_both_languages() -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / "alarm-rules.md").read_text(encoding="utf-8")
    english, japanese = text.split("\n# 警報ルール\n")
    keys = {field.alias or name for name, field in AlarmRule.model_fields.items()}
    kinds = (LimitCondition, RateCondition, StateCondition, StaleCondition, NoDataCondition)
    read = {key for kind in kinds for key in kind.model_fields if key != "kind"}
    names = keys | read | {*FACTS, *FIGURES, *FIGURE_PERIODS} | {"limit", "rate", "state", "stale", "no_data"}
    for name in sorted(names | {"all", "any", "not", "settle_s"}):
        assert f"`{name}`" in english, name
        assert f"`{name}`" in japanese, name
