"""``kado availability`` and ``kado events``: what people read adds up, what programs read is exact."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from command_line import Kado

PERIOD = "2026-11-11T00:00:00+09:00/2026-11-14T00:00:00+09:00"
ACCOUNTS = {
    "calendar", "user", "reserve", "study", "tuning", "maintenance", "shutdown", "commissioning", "unscheduled",
    "user_time", "delivered", "no_beam", "unknown", "low_beam", "refill", "excluded",
}  # fmt: skip
FIGURES = {
    "availability_pct", "availability_lower_pct", "availability_upper_pct", "coverage_pct",
    "availability_compensated_pct", "mtbf_h", "mttr_h", "mttr_unclipped_h", "mtbd_h", "longest_run_h",
    "longest_run_max_h", "downtime_budget_h",
}  # fmt: skip
COUNTS = {
    "failures",
    "trips",
    "low_beam",
    "other_distortions",
    "other_distortions_by_id",
    "distortions",
    "glitches",
    "sensor_faults",
    "mode_mismatches",
}
EVENT = {"id", "kind", "start", "end", "duration_s", "user_time_s", "carried_over", "open"}


def test_json_has_every_key_that_scripts_rely_on(simulated: Kado) -> None:
    answer = simulated("availability", "--period", PERIOD, "--format", "json")
    assert (answer.exit_code, answer.err) == (0, "")
    document = answer.document
    assert document["facility"] == "nanoterasu_sim"
    assert document["simulated"] is True
    assert document["definition"] == "nanoterasu"
    assert document["period"] == {
        "id": PERIOD,
        "start": "2026-11-11T00:00:00+09:00",
        "end": "2026-11-14T00:00:00+09:00",
    }
    assert {"as_known_on", "provisional"} <= set(document)
    assert set(document["accounts_s"]) == ACCOUNTS
    assert set(document["figures"]) >= FIGURES
    assert set(document["counts"]) == COUNTS
    assert all(set(event) >= EVENT for event in document["events"])


def test_json_is_exact_and_agrees_with_the_answer_key(simulated: Kado) -> None:
    document = simulated("availability", "--period", PERIOD, "--format", "json").document
    accounts = document["accounts_s"]
    assert accounts["calendar"] == 3 * 86_400
    assert accounts["delivered"] + accounts["no_beam"] + accounts["unknown"] == accounts["user_time"]
    assert document["figures"]["availability_pct"] == 100 * accounts["delivered"] / accounts["user_time"]
    key = json.loads(Path("key.json").read_text())
    assert accounts["no_beam"] == key["accounts_s"]["no_beam"]
    (event,) = [e for e in document["events"] if e["kind"] == "no_beam"]
    assert event["start"] == "2026-11-12T13:24:11+09:00"
    assert (event["open"], event["carried_over"]) == (False, False)


def test_what_does_not_exist_is_null_and_said_in_words(simulated: Kado) -> None:
    quiet = "2026-11-11"
    figures = simulated("availability", "--period", quiet, "--format", "json").document["figures"]
    assert figures["mtbf_h"] is None
    assert figures["mttr_h"] is None
    assert simulated("availability", "--period", quiet).out.count("no failure") == 2


def test_the_report_names_facility_period_and_definition_and_says_simulated(simulated: Kado) -> None:
    out = simulated("availability", "--period", "2026-11-12", "--definition", "sls").out
    assert "SIMULATED" in out
    assert "NanoTerasu (simulated): availability 2026-11-12" in out
    assert "2026-11-12 00:00:00 +09:00 to 2026-11-13 00:00:00 +09:00" in out
    assert "sls: SLS operation statistics" in out
    assert "user time / (N + 1)" in out
    assert re.search(r"between 9\d\.\d and 9\d\.\d %", out)


def test_the_printed_hours_add_up(simulated: Kado) -> None:
    out = simulated("availability", "--period", PERIOD).out.partition("\nevent ")[0]
    rows = dict(re.findall(r"(= calendar|= user time|delivered|no beam|unknown|user|tuning|study) +([\d.,]+)", out))
    hours = {name: Decimal(value.replace(",", "")) for name, value in rows.items()}
    assert hours["= calendar"] == 72
    assert hours["delivered"] + hours["no beam"] + hours["unknown"] == hours["= user time"]


def test_no_line_is_wider_than_80_columns(simulated: Kado) -> None:
    for words in (
        ["availability", "-p", PERIOD],
        ["events", "-p", PERIOD],
        ["status"],
        ["ledger"],
        ["schedule", "show"],
    ):
        out = simulated(*words).out
        wide = [line for line in out.splitlines() if len(line.rstrip()) + len(re.findall("[\u3000-\u9fff]", line)) > 80]
        assert wide == [], words


def test_digits_are_as_many_as_asked_for(simulated: Kado) -> None:
    assert re.search(r"between \d\d\.\d{3} and", simulated("availability", "-p", PERIOD, "--digits", "3").out)


def test_events_are_listed_with_their_length(simulated: Kado) -> None:
    answer = simulated("events", "--period", PERIOD)
    assert re.search(r"no beam +2026-11-12 13:24:11  \d\d:\d\d:\d\d +0:\d\d:\d\d", answer.out)
    assert [e["kind"] for e in simulated("events", "-p", PERIOD, "--format", "json").document["events"]] == ["no_beam"]


def test_a_period_without_events_says_so(simulated: Kado) -> None:
    assert "no loss of beam and no distortion in user time" in simulated("events", "--period", "2026-11-11").out


def test_the_calendar_as_it_was_known_earlier_gives_the_figure_of_then(simulated: Kado) -> None:
    answer = simulated("availability", "-p", PERIOD, "--as-known-on", "2025-01-01T00:00:00Z")
    assert answer.exit_code == 2
    assert "nothing was planned in" in answer.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--period", "2026-13"], "period '2026-13' does not exist"),
        (["--period", "2026-11-31"], "does not exist"),
        (["--period", "no_such_run"], "or a run of the schedule (2026-1,"),
        (["--period", "2199"], "in the future"),
        (["--period", "2026-12-01T00:00:00/2026-12-02T00:00:00"], "has no offset from UTC"),
        (
            ["--period", "2026-06"],
            "has no samples of stored_current in 2026-06: the store holds 2026-11-11T00:00:00+09:00",
        ),
        (["--period", PERIOD, "--definition", "slss"], "no definition 'slss': use one of aps,"),
        (["--period", PERIOD, "--as-known-on", "2026-01-01"], "is not an ISO 8601 time"),
    ],
)
def test_what_cannot_be_counted_says_why(simulated: Kado, words: list[str], expected: str) -> None:
    answer = simulated("availability", *words)
    assert (answer.exit_code, answer.out) == (2, "")
    assert answer.err.startswith("kado: ")
    assert expected in answer.err
    assert "Traceback" not in answer.err


def test_a_period_without_a_schedule_says_how_to_import_one(simulated: Kado) -> None:
    Path("data/journal.db").unlink()
    answer = simulated("availability", "--period", PERIOD)
    assert answer.exit_code == 2
    assert "has no schedule for" in answer.err
    assert "import one with 'kado schedule import FILE'" in answer.err


def test_before_anything_was_collected_it_says_what_to_start(kado: Kado) -> None:
    kado("init")
    answer = kado("availability", "--period", "2026-11")
    assert answer.exit_code == 2
    assert "nothing was collected there yet" in answer.err
