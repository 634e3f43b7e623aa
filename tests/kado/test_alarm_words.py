"""What people read about alarms is in words of their language, never in the keys of programs."""

import pytest

from facility.alarms import ActionKind, AlarmRules, AlarmState, Cause, RefusalReason, SeriesTable, leaves
from facility.profile import load_profile
from kado.cli.alarm_rule_words import condition_lines, rule_facts
from kado.language import in_language
from kado.language.alarm_words import alarm_action, alarm_cause, alarm_refusal, alarm_state, suppressors
from kado.language.choice import Language

KINDS = """
[[alarm]]
id = "a"
title = { en = "t", ja = "題" }
priority = "high"
class = "c"
consequence = { en = "c", ja = "結果" }
action = { en = "a", ja = "対応" }
respond_within_s = 5400
realarm_after_s = 90
in_plan = ["user", "unscheduled"]
inhibited_by = []
chatter_count = 0
latch = false
notify = []
when = { kind = "any", of = [
  { kind = "all", of = [
    { kind = "limit", signal = "vacuum_pressure", above = 500.0, ends_below = 300.0, below = 1.0 },
    { kind = "not", of = { kind = "state", signal = "machine_mode", words = ["study", "tuning"] } } ] },
  { kind = "rate", signal = "stored_current", window_s = 30, below = -0.2, ends_above = -0.05 },
  { kind = "limit", figure = "mtbf_h", period = "day", below = 9.0, min_user_time_h = 24, min_coverage_pct = 99 },
  { kind = "stale", signal = "stored_current", after_s = 15 },
  { kind = "no_data", signal = "stored_current", after_s = 3600 } ] }
"""


def every_word() -> list[str]:
    return [
        *map(alarm_state, AlarmState),
        *map(alarm_cause, Cause),
        *map(alarm_refusal, RefusalReason),
        *map(alarm_action, ActionKind),
    ]


def test_every_code_has_words_in_each_language() -> None:
    with in_language("en"):
        assert [word for word in every_word() if "_" in word] == []
    with in_language("ja"):
        assert [word for word in every_word() if word.isascii()] == []


def test_plan_and_mode_that_suppress_are_words_and_alarms_are_ids() -> None:
    with in_language("ja"):
        assert suppressors("plan,mode,beam_lost") == "計画, 運転モード, beam_lost"


def test_a_condition_is_said_part_by_part() -> None:
    table = SeriesTable.of(load_profile("nanoterasu_sim"), {})
    rule = AlarmRules.parse(KINDS, table).by_id["a"]
    with in_language("en"):
        assert condition_lines(rule.when, table.series) == [
            "at least one of:",
            "  all of:",
            "    vacuum_pressure above 500 nPa (ends at 300 nPa or below) or below 1 nPa",
            "    not:",
            "      machine_mode is study or tuning",
            "  change of stored_current over 30 s below -0.2 mA/s (ends at -0.05 mA/s or above)",
            "  mtbf_h (day) below 9 h, with at least 24 h of user time, with a coverage of at least 99 %",
            "  no good sample of stored_current for 15 s",
            "  no sample of stored_current for 1 h",
        ]
        said = dict(rule_facts(rule, table.series))
    assert said["time to respond"] == "90 min"
    assert said["reminder"] == "90 s after it was acknowledged"
    assert said["armed in plan"] == "user, unscheduled"
    assert (said["chattering"], said["once it is over"], said["notifies"]) == ("off", "leaves the list", "nobody")
    with in_language("ja"):
        lines = condition_lines(rule.when, table.series)
    assert lines[2] == "    vacuum_pressure 500 nPa 超（300 nPa 以下で復帰） または 1 nPa 未満"
    assert lines[5] == "  stored_current の 30 秒間の変化率 -0.2 mA/s 未満（-0.05 mA/s 以上で復帰）"


@pytest.mark.parametrize("profile", ["nanoterasu_sim", "spring8_sim", "sacla_sim", "mlf_sim"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_shipped_rule_is_said_without_its_keys(profile: str, language: Language) -> None:
    table = SeriesTable.of(load_profile(profile), {"ring": ()})
    for rule in AlarmRules.shipped(profile, table).rules:
        with in_language(language):
            text = "\n".join(text for _, text in rule_facts(rule, table.series))
        assert not [key for key in ("_s:", "kind", "ends_below", "{", "None") if key in text], text
        assert all((leaf.signal or leaf.fact or leaf.figure or "?") in text for leaf in leaves(rule.when))
