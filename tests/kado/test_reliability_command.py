"""``kado reliability``: the statistics of a period, from the same failures as its availability."""

import math

from command_line import Kado

DAY = "2026-11-12"
PERIOD = "2026-11-11T00:00:00+09:00/2026-11-14T00:00:00+09:00"


def test_failures_and_exposure_are_those_of_the_availability(simulated: Kado) -> None:
    found = simulated("reliability", "--period", PERIOD, "--format", "json").document
    counted = simulated("availability", "--period", PERIOD, "--format", "json").document
    accounts = counted["accounts_s"]
    assert found["failures"] == counted["counts"]["failures"] == 1
    assert found["exposure_h"] == (accounts["user_time"] - accounts["unknown"]) / 3600
    assert found["mtbf"]["mtbf_h"] == found["exposure_h"]
    assert found["definition"] == counted["definition"]
    assert found["period"] == counted["period"]
    (failure,) = (e for e in counted["events"] if e["kind"] == "no_beam")
    assert math.isclose(found["repair"]["median_h"], failure["duration_s"] / 3600)


def test_downtime_of_the_groups_adds_up_to_the_downtime(simulated: Kado) -> None:
    found = simulated("reliability", "--period", PERIOD, "--format", "json").document
    no_beam_h = (
        simulated("availability", "--period", PERIOD, "--format", "json").document["accounts_s"]["no_beam"] / 3600
    )
    for groups in found["groups"].values():
        assert math.isclose(sum(g["downtime_h"] for g in groups), no_beam_h)


def test_a_day_without_a_failure_has_a_one_sided_limit(simulated: Kado) -> None:
    days = ["2026-11-11", "2026-11-12", "2026-11-13"]
    found = [simulated("reliability", "--period", day, "--format", "json").document for day in days]
    quiet = [f for f in found if f["failures"] == 0]
    assert len(quiet) == 2
    for f in quiet:
        assert f["mtbf"]["mtbf_h"] is None
        assert f["mtbf"]["one_sided"]
        assert math.isclose(f["mtbf"]["lower_h"], f["exposure_h"] / -math.log(0.05))
    day = days[found.index(quiet[0])]
    assert "at least" in simulated("reliability", "--period", day).out


def test_a_system_that_was_named_appears_among_the_groups(simulated: Kado) -> None:
    events = simulated("events", "--period", PERIOD, "--format", "json").document["events"]
    (event,) = (e for e in events if e["kind"] == "no_beam")
    answer = simulated(
        *("incident", "add", "--from", event["start"], "--to", event["end"], "--system", "rf"),
        *("--component", "klystron", "--title", "Trip of station 3", "--author", "Mori"),
    )
    assert answer.exit_code == 0, answer.err
    groups = simulated("reliability", "--period", PERIOD, "--format", "json").document["groups"]
    assert [(g["name"], g["failures"]) for g in groups["system"]] == [("rf", 1)]
    assert [(g["name"], g["failures"]) for g in groups["cause"]] == [("klystron", 1)]


def test_too_few_failures_give_no_outlook_and_say_so(simulated: Kado) -> None:
    found = simulated("reliability", "--period", DAY, "--format", "json").document
    assert found["outlook"]["so_far"]["planned_h"] > 0  # the day after it
    assert found["outlook"]["forecast"] is None
    assert "too few" in simulated("reliability", "--period", DAY).out


def test_the_comparison_may_be_chosen(simulated: Kado) -> None:
    found = simulated("reliability", "--period", DAY, "--compare", "2026-11-11", "--format", "json").document
    assert found["comparison"]["period"]["id"] == "2026-11-11"
    assert 0.0 < found["comparison"]["p_value"] <= 1.0
    answer = simulated("reliability", "--period", DAY, "--compare", "2031-01")
    assert answer.exit_code == 2
    assert "future" in answer.err
