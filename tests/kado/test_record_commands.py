"""``kado correct`` and ``kado incident``: what people say, on record and in the figures."""

import re
from pathlib import Path
from typing import Any

import pytest

from command_line import Answer, Kado
from facility.corrections import Assertion
from facility.time import NS_PER_S, format_second, format_time, parse_time, system_clock
from kado.config import load_configuration
from kado.language.assertions import assertion_word
from kado.queries.record import load_schedule_versions
from seeded_ring import DAY, UNKNOWN_S, time_of_day

SIGNED = ("--author", "Sato", "--reason", "logbook, page 12")


def correct(kado: Kado, assertion: str, start: str, end: str, *more: str) -> Answer:
    times = [t if "T" in t else time_of_day(t) for t in (start, end)]
    return kado("correct", assertion, "--yes", "--from", times[0], "--to", times[1], *SIGNED, *more)


def confirm(kado: Kado, number: int = 1, author: str = "Mori") -> Answer:
    return kado("correct", "confirm", str(number), "--author", author)


def accounts(kado: Kado, *more: str) -> dict[str, float]:
    return availability(kado, *more)["accounts_s"]


def availability(kado: Kado, *more: str) -> dict[str, Any]:
    return kado("availability", "-p", DAY, "--format", "json", *more).document


def test_the_day_as_it_was_recorded(seeded: Kado) -> None:
    found = accounts(seeded)
    assert (found["user_time"], found["no_beam"], found["unknown"]) == (86_400, 5_400, UNKNOWN_S)
    assert found["low_beam"] == 1_800


@pytest.mark.parametrize(
    ("assertion", "start", "end", "more", "expected"),
    [
        ("up", "05:00", "05:20", (), {"unknown": 0, "no_beam": 5_400}),
        ("down", "05:00", "05:20", (), {"unknown": 0, "no_beam": 5_400 + 1_200}),
        ("unknown", "02:00", "02:10", (), {"unknown": UNKNOWN_S + 600, "no_beam": 4_800}),
        # The last sample before it holds for 40 s into it, and then nothing is known.
        ("sensor-fault", "02:00", "03:30", (), {"unknown": UNKNOWN_S + 5_400 - 40, "no_beam": 0}),
        ("sensor-sound", "02:00", "03:30", (), {"no_beam": 5_400}),
        ("excluded", "02:00", "02:30", ("--category", "grid"), {"no_beam": 5_400, "excluded": 1_800}),
        ("reduced", "07:00", "09:00", ("--limit", "145"), {"low_beam": 0, "no_beam": 5_400}),
        ("one-event", "02:00", "03:30", (), {"no_beam": 5_400}),
        ("separate", "02:00", "03:30", (), {"no_beam": 5_400}),
    ],
)
def test_each_assertion_moves_what_it_speaks_of(
    seeded: Kado, assertion: str, start: str, end: str, more: tuple[str, ...], expected: dict[str, float]
) -> None:
    answer = correct(seeded, assertion, start, end, *more)
    assert (answer.exit_code, answer.err) == (0, "")
    assert f"#1  {assertion_word(Assertion(assertion))}" in answer.out
    if assertion == "excluded":
        assert accounts(seeded)["excluded"] == 0
        confirm(seeded)
    found = accounts(seeded)
    assert {name: found[name] for name in expected} == expected


def test_excluded_time_stays_down_and_the_figure_is_given_without_it_too(seeded: Kado) -> None:
    correct(seeded, "excluded", "02:00", "02:30", "--category", "earthquake")
    confirm(seeded)
    figures = availability(seeded)["figures"]
    known = 86_400 - UNKNOWN_S
    assert figures["availability_pct"] == 100 * (known - 5_400) / known
    assert figures["availability_without_excluded_pct"] == 100 * (known - 5_400) / (known - 1_800)
    assert re.search(r"Without exclusions +95\.7 %", seeded("availability", "-p", DAY).out)


def test_an_exclusion_stands_beside_the_figure_until_another_person_confirms_it(seeded: Kado) -> None:
    assert (
        "awaiting confirmation by another person"
        in correct(seeded, "excluded", "02:00", "02:30", "--category", "grid").out
    )
    before = availability(seeded)
    assert before["accounts_s"]["excluded"] == 0
    assert [c["id"] for c in before["awaiting_confirmation"]] == [1]
    shown = seeded("availability", "-p", DAY).out
    assert re.search(r"Not confirmed +1 +1 exclusion awaits confirmation", shown)
    correct(seeded, "excluded", "04:00", "04:10", "--category", "grid")
    shown_with_two = seeded("availability", "-p", DAY).out
    assert re.search(r"Not confirmed +2 +2 exclusions await confirmation", shown_with_two)
    # What awaits confirmation stands beside the number of failures, not in its place.
    for text in (shown, shown_with_two):
        assert re.search(r"Failures N +(\d+)", text)[1] == str(before["counts"]["failures"])  # type: ignore[index]
    seeded("correct", "withdraw", "2", "--author", "Sato", "--reason", "wrong time")
    assert "Awaiting confirmation, not counted" in shown
    refused = confirm(seeded, author="sato")
    assert (refused.exit_code, accounts(seeded)["excluded"]) == (2, 0)
    assert "another person has to confirm it" in refused.err
    assert "confirmed by Mori" in confirm(seeded).out
    after = availability(seeded)
    assert (after["accounts_s"]["excluded"], after["awaiting_confirmation"]) == (1_800, [])
    assert after["corrections"][0]["confirmed"]["author"] == "Mori"


def test_a_correction_stays_on_record_when_it_is_withdrawn(seeded: Kado) -> None:
    correct(seeded, "up", "02:00", "03:30", "--evidence", "photograph 7")
    before = availability(seeded)
    answer = seeded("correct", "withdraw", "1", "--author", "Kato", "--reason", "wrong day")
    assert answer.exit_code == 0
    assert "withdrawn by Kato" in answer.out
    listed = seeded("correct", "list").out
    assert "SIMULATED" in listed
    assert "#1  beam was up  2025-05-13 02:00:00 to 2025-05-13 03:30:00 +09:00" in listed
    assert "evidence: photograph 7" in listed
    (document,) = seeded("correct", "list", "--format", "json").document["corrections"]
    assert (document["author"], document["reason"], document["evidence"]) == (
        "Sato", "logbook, page 12", "photograph 7",
    )  # fmt: skip
    assert document["withdrawn"]["author"] == "Kato"
    assert before["accounts_s"]["no_beam"] == 0
    assert accounts(seeded)["no_beam"] == 5_400


def test_the_figure_of_any_past_day_can_be_had(seeded: Kado) -> None:
    correct(seeded, "up", "02:00", "03:30")
    recorded_at = seeded("correct", "list", "--format", "json").document["corrections"][0]["recorded_at"]
    before = format_time(parse_time(recorded_at) - 1)
    assert accounts(seeded, "--as-known-on", before)["no_beam"] == 5_400
    assert accounts(seeded, "--as-known-on", recorded_at)["no_beam"] == 0
    assert seeded("correct", "list", "--as-known-on", before).out.endswith("none\n")


@pytest.mark.parametrize(
    "words", [("availability", "-p"), ("events", "-p"), ("gaps", "-p"), ("explain", "-p"), ("reliability", "-p")]
)
def test_before_the_calendar_was_recorded_it_is_said_when_that_was(seeded: Kado, words: tuple[str, ...]) -> None:
    configuration = load_configuration(Path("kado.toml"))
    (version,) = load_schedule_versions(configuration)
    zone = configuration.profile.zone
    recorded, published = (format_second(ns, zone) for ns in (version.known_from_ns, version.published_at_ns))
    answer = seeded(*words, DAY, "--as-known-on", "2025-06-01T00:00:00Z")
    assert answer.exit_code == 2
    said = " ".join(answer.err.split())
    assert f"nothing was planned in {DAY} as known on 2025-06-01T09:00:00+09:00" in said
    assert f"was recorded {recorded}, and states that it was published {published}" in said
    assert "import one with" not in said
    answer = seeded(*words, DAY, "--as-published-on", "2020-01-01T00:00:00Z")
    assert answer.exit_code == 2
    assert f"the first calendar version that plans it was published {published}" in " ".join(answer.err.split())


def test_the_plan_by_a_date_before_all_of_it_says_that_it_came_later(seeded: Kado) -> None:
    answer = seeded("schedule", "show", "--as-known-on", "2025-06-01T00:00:00Z")
    assert "1 version of the calendar came later" in answer.out
    assert "import a schedule" not in answer.out


def test_a_figure_as_known_on_a_day_before_the_calendar_was_recorded_is_to_be_had_by_its_publication(
    seeded: Kado,
) -> None:
    # Imported later, it is there by the publication that it states.
    assert accounts(seeded, "--as-published-on", "2025-06-01T00:00:00Z")["no_beam"] == 5_400
    both = seeded(
        "availability", "-p", DAY, "--as-known-on", "2025-06-01T00:00:00Z", "--as-published-on", "2025-06-01T00:00:00Z"
    )
    assert "exclude each other" in both.err


def tomorrow() -> tuple[str, str]:
    now = system_clock() // NS_PER_S
    return format_time((now + 86_400) * NS_PER_S), format_time((now + 90_000) * NS_PER_S)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["up", "03:30", "02:00"], "a correction must end after its start"),
        (["up", "02:00", "02:00"], "a correction must end after its start"),
        (["up", *tomorrow()], "lies in the future"),
        (["up", "2025-05-13T02:00:00", "03:00"], "has no offset from UTC"),
        (["reduced", "02:00", "03:00", "--limit", "0"], "it must be above 0"),
        (["reduced", "02:00", "03:00", "--limit", "nan"], "it must be above 0"),
        (["up", "02:00", "03:00", "--reason", " "], "needs an author and a reason"),
    ],
)
def test_what_cannot_be_said_is_refused_and_not_written(seeded: Kado, words: list[str], expected: str) -> None:
    answer = correct(seeded, *words)
    assert (answer.exit_code, answer.out) == (2, "")
    assert answer.err.startswith("kado: ")
    assert expected in answer.err
    assert seeded("correct", "list", "--format", "json").document["corrections"] == []


def test_two_that_contradict_each_other_are_both_named(seeded: Kado) -> None:
    correct(seeded, "up", "02:00", "03:00")
    answer = correct(seeded, "down", "02:30", "03:30")
    assert answer.exit_code == 2
    assert "down 2025-05-13T02:30:00+09:00 to 2025-05-13T03:30:00+09:00 contradicts #1 up 2025-05-13T02" in answer.err
    assert "by Sato: withdraw that one first" in answer.err
    assert len(seeded("correct", "list", "--format", "json").document["corrections"]) == 1


def test_a_withdrawal_of_what_is_not_there_says_so(seeded: Kado) -> None:
    answer = seeded("correct", "withdraw", "7", *SIGNED)
    assert answer.exit_code == 2
    assert "there is no correction #7: the journal holds 0, see 'kado correct list'" in answer.err


def test_a_category_or_limit_that_is_missing_is_asked_for(seeded: Kado) -> None:
    assert "--category" in correct(seeded, "excluded", "02:00", "03:00").err
    assert "--limit" in correct(seeded, "reduced", "02:00", "03:00").err


def test_a_period_without_a_sample_is_unknown_and_a_correction_makes_it_known(seeded: Kado) -> None:
    empty = "2025-05-14T12:00:00+09:00/2025-05-14T13:00:00+09:00"
    document = seeded("availability", "-p", empty, "--format", "json").document
    assert document["accounts_s"]["unknown"] == 3_600
    assert (document["figures"]["availability_pct"], document["figures"]["coverage_pct"]) == (None, 0.0)
    assert "Coverage" in seeded("availability", "-p", empty).out
    correct(seeded, "down", "2025-05-14T12:00:00+09:00", "2025-05-14T12:30:00+09:00")
    found = seeded("availability", "-p", empty, "--format", "json").document["accounts_s"]
    assert (found["no_beam"], found["unknown"]) == (1_800, 1_800)


def incident(kado: Kado, system: str, start: str, end: str, *more: str) -> Answer:
    words = ["--system", system, "--component", f"{system} 1", "--title", "fault", "--author", "Sato"]
    return kado("incident", "add", "--from", time_of_day(start), "--to", time_of_day(end), *words, *more)


class TestIncidents:
    def test_one_is_shown_as_it_was_recorded(self, seeded: Kado) -> None:
        answer = incident(seeded, "rf", "02:00", "03:00", "--cause", "arc", "--resolution", "replaced", "--root-cause")
        assert answer.exit_code == 0
        for words in ("SIMULATED", "#1  rf, rf 1: fault  root cause", "cause: arc", "resolution: replaced"):
            assert words in answer.out
        (document,) = seeded("incident", "list", "--format", "json").document["incidents"]
        assert (document["system"], document["cause"], document["root_cause"]) == ("rf", "arc", True)
        assert seeded("incident", "list").out == answer.out

    def test_downtime_is_shared_and_adds_up(self, seeded: Kado) -> None:
        incident(seeded, "rf", "02:00", "02:30")
        incident(seeded, "vacuum", "02:20", "03:00", "--root-cause")

        def shares(*more: str) -> dict[str, float]:
            document = seeded("incident", "pareto", "-p", DAY, "--format", "json", *more).document
            assert document["no_beam_s"] == 5_400
            assert sum(s["downtime_s"] for s in document["systems"]) == 5_400
            return {s["system"]: s["downtime_s"] for s in document["systems"]}

        # The root cause bears all of the event, recovery included.
        assert shares() == {"vacuum": 5_400}
        assert shares("--sharing", "equal-share") == {"vacuum": 2_100, "recovery": 1_800, "rf": 1_500}
        out = seeded("incident", "pareto", "-p", DAY, "--sharing", "equal-share").out
        assert re.search(r"vacuum +0\.58 +38\.9 +38\.9", out)
        assert re.search(r"= no beam +1\.50", out)

    def test_one_that_turns_out_otherwise_is_replaced_and_both_are_shown(self, seeded: Kado) -> None:
        incident(seeded, "rf", "02:00", "03:30")
        answer = incident(seeded, "vacuum", "02:00", "03:30", "--replaces", "1", "--reason", "it was a leak")
        assert answer.exit_code == 0, answer.err
        listed = seeded("incident", "list").out
        assert re.search(r"replaced by #2, by Sato, .*: it was a leak", listed)
        document = seeded("incident", "pareto", "-p", DAY, "--format", "json").document
        assert document["systems"] == [{"system": "vacuum", "downtime_s": 5_400}]

    def test_one_that_is_withdrawn_bears_no_downtime(self, seeded: Kado) -> None:
        incident(seeded, "rf", "02:00", "03:30")
        words = ["--reason", "another ring's", "--author", "Abe", "--format", "json"]
        document = seeded("incident", "withdraw", "1", *words).document
        assert (document["withdrawn"]["author"], document["withdrawn"]["replaced_by"]) == ("Abe", None)
        assert "withdrawn by Abe" in seeded("incident", "list").out
        document = seeded("incident", "pareto", "-p", DAY, "--format", "json").document
        assert document["systems"] == [{"system": "recovery", "downtime_s": 5_400}]

    def test_a_reason_without_anything_to_replace_is_refused(self, seeded: Kado) -> None:
        answer = incident(seeded, "rf", "02:00", "03:30", "--reason", "it was a leak")
        assert (answer.exit_code, answer.out) == (2, "")
        assert "--reason belongs to --replaces" in answer.err

    def test_an_outage_says_what_review_it_asks_for_and_which_systems_it_had(self, seeded: Kado) -> None:
        incident(seeded, "rf", "02:00", "02:30")
        assert re.search(r"no beam +2025-05-13 02:00:00 .* root cause +rf", seeded("events", "-p", DAY).out)
        no_beam, low_beam = seeded("events", "-p", DAY, "--format", "json").document["events"]
        assert (no_beam["review"], no_beam["incidents"]) == ("root cause", [1])
        assert (low_beam["review"], low_beam["incidents"]) == (None, [])

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["RF", "02:00", "03:00"], "system 'RF' is not a slug"),
            (["recovery", "02:00", "03:00"], "'recovery' stands for time that no incident covers"),
            (["rf", "03:00", "02:00"], "an incident must end after its start"),
            (["rf", "02:00", "03:00", "--title", ""], "an incident needs a title"),
        ],
    )
    def test_one_that_says_nothing_is_refused(self, seeded: Kado, words: list[str], expected: str) -> None:
        answer = incident(seeded, *words)
        assert (answer.exit_code, answer.out) == (2, "")
        assert expected in answer.err
        assert seeded("incident", "list").out.endswith("none\n")


def test_nothing_is_made_where_there_is_nothing_to_list(kado: Kado) -> None:
    kado("init", "--facility", "nanoterasu")
    assert kado("correct", "list").out.endswith("none\n")
    assert kado("incident", "list").out.endswith("none\n")
    assert not Path("data").exists()


def test_the_times_are_those_of_the_facility(seeded: Kado) -> None:
    start = "2025-05-12T17:00:00Z"
    assert parse_time(start) == parse_time(time_of_day("02:00"))
    assert "2025-05-13 02:00:00" in correct(seeded, "up", start, "03:30").out


class TestJapanese:
    @pytest.mark.parametrize("chosen", [{"KADO_LANG": "ja"}, {"KADO_LANG": "", "LANG": "ja_JP.UTF-8", "LC_ALL": ""}])
    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (
                ("correct", "up", *SIGNED, "--from", time_of_day("03:00"), "--to", time_of_day("02:00")),
                f"訂正の終了は開始より後でなければなりません（{DAY}T03:00:00+09:00 ～ {DAY}T02:00:00+09:00）",
            ),
            (("correct", "withdraw", "7", *SIGNED), "訂正 #7 はありません。運転記録簿にある訂正は 0 件です"),
            (("availability", "-p", "2025-13", "--format", "json"), "期間 '2025-13' は存在しません"),
            (("availability", "-p", "2199"), "期間 2199 の開始 2199-01-01T00:00:00+09:00 は未来の時刻です"),
            (("store", "seal", "--before", "2200-01-01T00:00:00Z"), "は未来の時刻です（現在 20"),
        ],
    )
    def test_a_refusal_is_in_the_language_of_the_reader(
        self, seeded: Kado, chosen: dict[str, str], words: tuple[str, ...], says: str
    ) -> None:
        answer = seeded(*words, **chosen)
        assert (answer.exit_code, answer.out) == (2, "")
        assert says in answer.err

    def test_the_option_is_as_good_as_the_environment(self, seeded: Kado) -> None:
        answer = seeded("correct", "confirm", "7", "--author", "Mori", "--lang", "ja")
        assert "訂正 #7 はありません" in answer.err
