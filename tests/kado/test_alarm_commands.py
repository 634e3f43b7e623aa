"""The commands of alarms that need no running service."""

import json
from pathlib import Path

import pytest

from command_line import Kado
from facility.time import parse_time
from kado.config import load_configuration
from kado.queries.alarm_replay import load_replay

FROM, TO = "2026-11-12T00:00:00+09:00", "2026-11-14T00:00:00+09:00"


@pytest.fixture
def alarmed(simulated: Kado) -> Kado:
    with Path("kado.toml").open("a") as file:
        file.write("\n[alarms]\n")
    return simulated


def test_replay_raises_the_alarm_of_the_dump_within_the_delay_of_its_rule(alarmed: Kado) -> None:
    answer = alarmed("alarms", "replay", "--from", FROM, "--to", TO, "--alarm", "beam_lost", "--format", "json")
    assert answer.exit_code == 0, answer.err
    document = answer.document
    raised = [t for t in document["transitions"] if t["cause"] == "raised"]
    assert len(raised) == 1
    (event,) = alarmed("events", "--period", f"{FROM}/{TO}", "--format", "json").document["events"][:1]
    assert raised[0]["since"] == event["start"]
    assert (document["replayed"], document["simulated"]) == (True, True)
    assert "fact:ledger_difference" in document["without_history"]


def test_replay_against_a_journal_that_watched_nothing_differs(alarmed: Kado) -> None:
    answer = alarmed("alarms", "replay", "--from", FROM, "--to", TO, "--alarm", "beam_lost", "--against-journal")
    assert answer.exit_code == 1
    assert answer.out.splitlines()[-1] == "2 rows differ"


def test_a_replay_says_how_far_it_is(alarmed: Kado) -> None:
    steps: list[tuple[int, int]] = []
    configuration = load_configuration(Path("kado.toml"))
    load_replay(
        configuration, parse_time(FROM), parse_time(TO), progress=lambda done, whole: steps.append((done, whole))
    )
    assert steps == sorted(steps)
    assert 0 < len({done for done, _ in steps})
    (whole,) = {whole for _, whole in steps}
    assert steps[-1] == (whole, whole)


@pytest.mark.parametrize("words", [("replay",), ("replay", "--rules", "nowhere.toml")])
def test_a_replay_of_more_than_ten_years_is_refused_with_the_limit(alarmed: Kado, words: tuple[str, ...]) -> None:
    answer = alarmed("alarms", *words, "--from", "1926-11-12T00:00:00+09:00", "--to", TO)
    assert answer.exit_code == 2
    assert "is longer than 3,653 days, the most that is replayed" in answer.err
    tuned = alarmed("alarms", "tune", "beam_lost", "--period", f"1976-11-12T00:00:00+09:00/{TO}")
    assert "is longer than 3,653 days" in tuned.err


def test_replay_of_an_alarm_that_there_is_not_is_wrong_use(alarmed: Kado) -> None:
    answer = alarmed("alarms", "replay", "--from", FROM, "--to", TO, "--alarm", "nope")
    assert answer.exit_code == 2
    assert "no alarm 'nope'" in answer.err


def test_rules_are_listed_explained_and_checked(alarmed: Kado) -> None:
    assert "beam_lost" in alarmed("alarms", "rules").out
    assert alarmed("alarms", "rules", "beam_lost", "--format", "json").document["rules"][0]["priority"] == "critical"
    checked = alarmed("alarms", "rules", "--check", "--format", "json")
    assert checked.exit_code == 1
    assert {f["code"] for f in checked.document["findings"]} == {"silence", "respond_within"}


def test_tuning_says_how_often_and_what_would_have_been_missed(alarmed: Kado) -> None:
    words = ("alarms", "tune", "beam_lost", "--period", f"{FROM}/{TO}", "--on-delays", "3,36000", "--format", "json")
    answer = alarmed(*words)
    assert answer.exit_code == 0, answer.err
    as_it_is, longer = answer.document["settings"]
    assert (as_it_is["annunciations"], as_it_is["missed_events"]) == (1, 0)
    assert (longer["annunciations"], longer["missed_events"], longer["on_delay_s"]) == (0, 1, 36000.0)
    assert alarmed("alarms", "tune", "orbit_out", "--period", "2026-11", "--limits", "2").exit_code == 2


def test_the_report_of_a_period_without_alarms_has_zeros(alarmed: Kado) -> None:
    answer = alarmed("alarms", "report", f"{FROM}/{TO}", "--format", "json")
    assert answer.exit_code == 0, answer.err
    assert answer.document["figures"]["annunciated"] == 0
    assert answer.document["figures"]["ack_median_s"] is None


def test_an_action_without_a_service_is_recorded_and_ends_with_3(alarmed: Kado) -> None:
    answer = alarmed("alarms", "ack", "beam_lost", "--author", "mori", "--format", "json")
    assert answer.exit_code == 3
    assert answer.document["accepted"] is False
    assert "recorded; no service answered" in answer.err


def test_wrong_use_of_actions_is_refused_before_anything_is_recorded(alarmed: Kado) -> None:
    assert alarmed("alarms", "ack", "--author", "mori").exit_code == 2
    assert alarmed("alarms", "shelve", "beam_lost", "--reason", "r", "--author", "a").exit_code == 2
    assert alarmed("alarms", "shelve", "beam_lost", "--for", "soon", "--reason", "r", "--author", "a").exit_code == 2
    assert alarmed("alarms", "unack", "beam_lost", "--author", "a").exit_code == 2


def test_without_a_table_of_alarms_the_command_says_what_to_add(simulated: Kado) -> None:
    answer = simulated("alarms")
    assert answer.exit_code == 2
    assert "has no [alarms]" in answer.err
    assert simulated("alarms", "reload").exit_code == 2


def test_before_anything_was_watched_the_list_says_so(alarmed: Kado) -> None:
    answer = alarmed("alarms")
    assert answer.exit_code == 3
    assert "no alarms were watched" in answer.err


def test_check_reads_the_rules_and_names_what_is_wrong_in_them(alarmed: Kado) -> None:
    assert "14 rules, 2 doubtful" in alarmed("check").out
    Path("wrong.toml").write_text('[[alarm]]\nid = "a"\n')
    text = Path("kado.toml").read_text().replace("\n[alarms]\n", '\n[alarms]\nrules = ["wrong.toml"]\n')
    Path("kado.toml").write_text(text)
    answer = alarmed("check")
    assert answer.exit_code == 1
    assert "'alarm[1].action' is missing" in answer.out.replace("\n", " ")


def test_the_report_says_how_long_each_rule_was_unknown(alarmed: Kado) -> None:
    answer = alarmed("alarms", "report", f"{FROM}/{TO}", "--unknown", "--format", "json")
    assert answer.exit_code == 0, answer.err
    unknown = answer.document["unknown_s"]
    assert unknown["ledger_open"] == 2 * 86_400
    assert unknown["current_stale"] < 60


def test_verify_names_an_alarm_that_the_key_and_the_replay_do_not_share(simulated: Kado) -> None:
    assert "alarms: 4, raises: 1" in simulated("verify", "key.json").out
    key = json.loads(Path("key.json").read_text())
    (raised,) = key["alarms"]["raised"]
    key["alarms"]["raised"] = [{**raised, "alarm": "low_beam"}]
    Path("key.json").write_text(json.dumps(key))
    answer = simulated("verify", "key.json", "--format", "json")
    assert answer.exit_code == 1
    assert [(d["what"], d["expected"], d["found"]) for d in answer.document["differences"]] == [
        ("alarm", f"low_beam at {raised['time']} ({raised['cause']})", None),
        ("alarm", None, f"beam_lost at {raised['time']}"),
    ]
    key["alarms"]["rules"] = "other"
    Path("key.json").write_text(json.dumps(key))
    assert simulated("verify", "key.json", "--format", "json").document["differences"][0]["what"] == "alarm rules"
