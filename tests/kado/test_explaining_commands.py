"""Why: ``kado explain``, ``kado gaps``, ``kado definitions --compare``; every second and difference has a rule."""

import re
from itertools import combinations, pairwise
from typing import Any

import pytest

from analytics.segments import Rule
from command_line import Kado
from facility.definition import Definition, shipped_definitions
from facility.time import format_time, system_clock
from kado.cli import explain
from kado.cli.rule_names import rule_name
from kado.language import in_language
from kado.queries.definitions import RULES
from seeded_ring import DAY, UNKNOWN_S, time_of_day


def explain_at(kado: Kado, clock: str, *more: str) -> dict[str, Any]:
    return kado("explain", "--at", time_of_day(clock), "--format", "json", *more).document


def say(kado: Kado, assertion: str, start: str, end: str) -> None:
    times = ["--from", time_of_day(start), "--to", time_of_day(end)]
    answer = kado("correct", assertion, "--yes", *times, "--author", "Sato", "--reason", "logbook")
    assert answer.exit_code == 0, answer.err


class TestExplainAPeriod:
    @pytest.mark.parametrize("definition", ["nanoterasu", "sls", "aps", "cebaf", "spring8"])
    def test_its_intervals_follow_each_other_and_add_up_to_the_accounts(self, seeded: Kado, definition: str) -> None:
        period = f"{time_of_day('00:00', '2025-05-12')}/{time_of_day('00:00', '2025-05-14')}"
        words = ["-p", period, "-d", definition, "--format", "json"]
        segments = seeded("explain", *words).document["segments"]
        accounts = seeded("availability", *words).document["accounts_s"]
        assert all(a["end"] == b["start"] for a, b in pairwise(segments))
        assert (segments[0]["start"], segments[-1]["end"]) == (
            "2025-05-12T00:00:00+09:00",
            "2025-05-14T00:00:00+09:00",
        )
        for account in ("delivered", "no_beam", "unknown", "study"):
            found = sum(s["duration_s"] for s in segments if s["account"] == account)
            assert found == accounts[account], account

    def test_a_manager_reads_accounts_rules_and_intervals(self, seeded: Kado) -> None:
        out = seeded("explain", "-p", DAY).out
        assert "SIMULATED" in out
        assert re.search(r"no beam +1\.50 +1 +below: below minimum, or not yet back", out)
        assert re.search(r"unknown +0\.32 +1 +stale: the last good sample is older", out)
        assert re.search(r"= calendar +24\.00", out)
        assert re.search(r"2025-05-13 05:00:40  05:20:00 +0:19:20  unknown +stale", out)
        assert re.search(r"2025-05-13 08:00:00  08:30:00 +0:30:00  delivered +low beam", out)

    def test_what_is_ordinary_is_folded_until_all_is_asked_for(self, seeded: Kado) -> None:
        folded, whole = (seeded("explain", "-p", DAY, *more).out for more in ((), ("--all",)))
        assert "4 more intervals, shown with --all" in folded
        assert "more intervals" not in whole
        assert whole.count("  delivered  delivered") == 4

    def test_of_very_many_the_longest_are_listed_and_the_others_counted(
        self, seeded: Kado, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(explain, "LISTED", 2)
        say(seeded, "unknown", "10:00", "10:30")
        say(seeded, "unknown", "11:00", "11:01")
        explained = seeded("explain", "-p", DAY, "--all").out
        assert explained.count("2025-05-13 ") == 1 + 2  # One of them in the heading.
        assert re.search(r"\d+ shorter intervals are not listed: ask for a shorter period", explained)
        gaps = seeded("gaps", "-p", DAY, "--all").out
        assert re.search(r"1 shorter +0:01:00", gaps)
        assert re.search(r"= unknown +0:50:20", gaps)

    def test_a_correction_is_the_reason_that_it_gives(self, seeded: Kado) -> None:
        say(seeded, "up", "05:00", "05:20")
        say(seeded, "unknown", "10:00", "10:10")
        segments = seeded("explain", "-p", DAY, "--format", "json").document["segments"]
        rules = {s["rule"]: s["duration_s"] for s in segments}
        assert (rules["stated_up"], rules["stated_unknown"]) == (1_200, 600)
        assert "stale" not in rules


class TestExplainAnInstant:
    def test_it_says_what_was_known_and_what_was_decided(self, seeded: Kado) -> None:
        say(seeded, "one-event", "02:00", "03:00")
        found = explain_at(seeded, "02:30")
        assert (found["decided"]["account"], found["decided"]["rule"]) == ("no_beam", "below")
        assert (found["decided"]["start"], found["decided"]["end"]) == (time_of_day("02:00"), time_of_day("03:30"))
        assert found["sample"] == {"time": time_of_day("02:30"), "value": 0.0, "state": None, "quality": "good"}
        assert (found["mode"], found["witness"], found["links"]) == ("user", None, {"plc": None})
        assert (found["plan"]["category"], found["plan"]["published_at"]) == ("user", "2025-03-01T00:00:00+09:00")
        assert found["limits"] == {
            "no_beam_below": 10,
            "no_beam_until": 195,
            "low_beam_below": 190,
            "low_beam_until": 195,
        }
        assert found["corrections"] == [{"id": 1, "assertion": "one-event", "author": "Sato", "reason": "logbook"}]

    def test_people_read_the_same(self, seeded: Kado) -> None:
        out = seeded("explain", "--at", time_of_day("05:10")).out
        assert "SIMULATED" in out
        for words in (
            r"Decision +unknown",
            r"reason +the last good sample is older than stale_after_s of the signal",
            r"interval +2025-05-13 05:00:40 to 2025-05-13 05:20:00 \+09:00",
            r"current +200 mA, good, 2025-05-13 04:59:50 \(10 min before\)",
            r"link plc +nothing recorded",
            r"schedule +user shared BL02U run 2025-1, published 2025-03-01 00:00:00",
            r"limits +no beam below 10, until 195; low beam below 190, until 195 mA",
            r"corrections +none",
        ):
            assert re.search(words, out), words

    def test_outside_user_time_the_plan_is_the_reason(self, seeded: Kado) -> None:
        at = time_of_day("23:00", "2025-05-12")
        assert explain_at(seeded, "05:10")["plan"]["category"] == "user"
        found = seeded("explain", "--at", time_of_day("09:00", "2025-05-12"), "--format", "json").document
        assert (found["decided"]["account"], found["decided"]["rule"]) == ("study", "plan")
        assert seeded("explain", "--at", at).exit_code == 0

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ([], "say what to explain: --period P, or an instant with --at TIME"),
            (["--at", time_of_day("02:00"), "-p", DAY], "say what to explain"),
            (["--at", "2025-05-13 02:00"], "has no offset from UTC"),
            (["--at", format_time(system_clock() + 10**13)], "lies in the future"),
            (["--at", time_of_day("02:00", "2025-06-01")], "has no schedule"),
        ],
    )
    def test_what_cannot_be_explained_says_why(self, seeded: Kado, words: list[str], expected: str) -> None:
        answer = seeded("explain", *words)
        assert (answer.exit_code, answer.out) == (2, "")
        assert expected in answer.err


class TestGaps:
    def test_each_has_its_cause_and_what_it_could_hide(self, seeded: Kado) -> None:
        out = seeded("gaps", "-p", DAY).out
        assert re.search(r"2025-05-13 05:00:40  05:20:00 +0:19:20 +0:19:20 +\+1 +stale", out)
        assert re.search(r"= unknown +0:19:20", out)
        assert "stale  the last good sample is older than stale_after_s of the signal" in out
        assert re.search(r"Availability is between 92\.4\d\d and 93\.7\d\d %", out)

    def test_they_add_up_to_the_account(self, seeded: Kado) -> None:
        say(seeded, "unknown", "10:00", "10:10")
        for definition in shipped_definitions():
            document = seeded("gaps", "-p", DAY, "-d", definition, "--format", "json").document
            assert document["unknown_s"] == sum(g["duration_s"] for g in document["gaps"]) == UNKNOWN_S + 600

    def test_one_close_to_an_outage_could_hide_more_than_itself(self, seeded: Kado) -> None:
        say(seeded, "unknown", "04:00", "04:10")
        first, _ = seeded("gaps", "-p", DAY, "-d", "sls", "--format", "json").document["gaps"]
        # Half an hour of beam lies between it and the outage before, which the merge gap of an hour takes in.
        assert (first["could_hide_downtime_s"], first["could_hide_failures"]) == (600 + 1_800, 0)

    def test_where_all_is_known_it_says_so(self, seeded: Kado) -> None:
        say(seeded, "up", "05:00", "05:20")
        assert "All user time is known." in seeded("gaps", "-p", DAY).out


ACCOUNTS = ("user_time", "delivered", "no_beam", "unknown", "refill")


class TestComparison:
    @pytest.mark.parametrize(("first", "second"), list(combinations(shipped_definitions(), 2)))
    def test_what_the_rules_move_adds_up_exactly(self, seeded: Kado, first: str, second: str) -> None:
        words = ["definitions", "--compare", first, second, "-p", DAY, "--format", "json"]
        document = seeded(*words).document
        for key in (*(f"{account}_ns" for account in ACCOUNTS), "failures"):
            assert sum(rule[key] for rule in document["rules"]) == document["difference"][key], key

    def test_each_side_is_what_that_definition_says_alone(self, seeded: Kado) -> None:
        words = ["definitions", "--compare", "sls", "aps", "-p", DAY, "--format", "json"]
        for side in seeded(*words).document["definitions"]:
            alone = seeded("availability", "-p", DAY, "-d", side["definition"], "--format", "json").document
            assert side["accounts_s"] == {name: alone["accounts_s"][name] for name in side["accounts_s"]}
            assert side["figures"] == {name: alone["figures"][name] for name in side["figures"]}

    def test_a_difference_is_traced_to_its_rule_and_the_events_that_it_moves(self, seeded: Kado) -> None:
        out = seeded("definitions", "--compare", "nanoterasu", "aps", "-p", DAY).out
        assert "SIMULATED" in out
        assert re.search(r"needs +-300 +\+300 +\+1", out)
        assert re.search(r"= total +-300 +\+300 +\+1", out)
        assert "only the delivery signal → no beam without flag permit" in out
        assert "only by the second: ring-no_beam-20250513T060000Z 300.000 s" in out

    def test_two_alike_have_nothing_to_trace(self, seeded: Kado) -> None:
        assert (
            "Both definitions have the same rules." in seeded("definitions", "--compare", "sls", "sls", "-p", DAY).out
        )

    @pytest.mark.parametrize(
        "words", [["--compare", "sls", "aps"], ["-p", DAY], ["sls", "--compare", "sls", "aps", "-p", DAY]]
    )
    def test_half_a_question_is_an_error(self, seeded: Kado, words: list[str]) -> None:
        answer = seeded("definitions", *words)
        assert (answer.exit_code, answer.out) == (2, "")
        assert "--compare needs two definitions and a period" in answer.err

    def test_every_rule_of_a_definition_has_its_words(self) -> None:
        assert set(RULES) == set(Definition.model_fields) - {"id", "title", "references"}


def test_rules_are_named_in_the_language_of_the_reader(seeded: Kado) -> None:
    gaps = seeded("gaps", "--period", DAY, "--lang", "ja").out
    assert "鮮度切れ" in gaps
    assert "stale" not in gaps
    assert "下限未満" in seeded("explain", "--period", DAY, "--lang", "ja").out
    with in_language("ja"):
        assert len({rule_name(rule) for rule in Rule}) == len(Rule)
