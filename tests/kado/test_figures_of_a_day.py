"""Figures of the seeded day that people ask for beside availability, and what they are loaded from."""

import re
from pathlib import Path
from typing import Any

from command_line import Kado
from seeded_ring import DAY, UNKNOWN_S, time_of_day


def availability(kado: Kado, period: str, *more: str) -> dict[str, Any]:
    return kado("availability", "-p", period, "--format", "json", *more).document


def test_the_downtime_budget_is_what_the_years_target_leaves(seeded: Kado) -> None:
    # User time from 12 May 10:00 to 15 May 10:00: 72 h, of which 1 % may be lost; 1.5 h were.
    figures = availability(seeded, DAY)["figures"]
    assert abs(figures["downtime_budget_h"] - (0.72 - 1.5)) < 1e-9
    # Unknown before the first sample, 22:00 on the 12th, and in the gap.
    assert figures["downtime_budget_unknown_h"] == 12 + UNKNOWN_S / 3_600
    assert re.search(r"Downtime budget +-0\.8 h  left in FY2025 for 99 %; 12\.3 h unknown", report(seeded))


def report(kado: Kado) -> str:
    return kado("availability", "-p", DAY).out


def test_the_budget_of_an_earlier_day_knows_nothing_of_later_downtime(seeded: Kado) -> None:
    before = f"{time_of_day('22:00', '2025-05-12')}/{time_of_day('01:00')}"
    assert abs(availability(seeded, before)["figures"]["downtime_budget_h"] - 0.72) < 1e-9


def test_without_a_target_there_is_no_budget(seeded: Kado) -> None:
    profile = Path("ring.toml")
    profile.write_text(profile.read_text().replace("target_availability_pct = 99.0\n", ""))
    assert availability(seeded, DAY)["figures"]["downtime_budget_h"] is None
    assert "Budget" not in report(seeded)


def test_a_day_has_its_figures_though_the_year_began_before_the_first_limits(seeded: Kado) -> None:
    profile = Path("ring.toml")
    profile.write_text(profile.read_text().replace("from = 2020-01-01", "from = 2025-05-13"))
    figures = availability(seeded, DAY)["figures"]
    assert (figures["downtime_budget_h"], figures["mttr_h"]) == (None, 1.5)
    refused = seeded("availability", "-p", "FY2025")
    assert (refused.exit_code, refused.out) == (2, "")
    assert "user time from 2025-05-12T10:00:00+09:00, but no limits" in refused.err


def test_low_beam_alone_makes_the_time_between_distortions_worth_telling(seeded: Kado) -> None:
    # One outage and one low beam in 24 h, of which 0.32 h are unknown.
    assert re.search(r"MTBD +11\.8 h  user time / all 2 distortions", report(seeded))


def test_each_tag_of_the_calendar_has_its_own_user_time_beside_the_machines(seeded: Kado) -> None:
    document = availability(seeded, DAY)
    morning = {"user_time": 43_200, "delivered": 43_200 - 5_400 - UNKNOWN_S, "no_beam": 5_400, "unknown": UNKNOWN_S}
    afternoon = {"user_time": 43_200, "delivered": 43_200, "no_beam": 0, "unknown": 0}
    assert document["tags"] == {"BL02U": morning, "BL08W": afternoon, "coalition": afternoon, "shared": morning}
    assert re.search(r"BL02U +12\.00 +10\.18 +1\.50 +0\.32 +87\.2", report(seeded))


def test_operating_time_is_all_that_the_machine_was_to_run(seeded: Kado) -> None:
    both = f"{time_of_day('00:00', '2025-05-12')}/{time_of_day('00:00')}"
    assert availability(seeded, both)["figures"]["operating_time_h"] == 24
    assert re.search(r"thereof operating +24\.00", report(seeded))


def test_a_run_is_a_period(seeded: Kado) -> None:
    assert availability(seeded, "run:2025-1")["accounts_s"]["user_time"] == 72 * 3_600


def test_a_flag_counts_under_its_name_and_is_known_from_before_the_period(seeded: Kado) -> None:
    # The shutters' last word before the day is two days old; from 15:00 to 15:05 they were closed.
    found = availability(seeded, DAY, "--definition", "aps")["accounts_s"]
    assert (found["no_beam"], found["unknown"]) == (5_400 + 300, UNKNOWN_S)


def test_the_mode_is_known_from_before_the_period(seeded: Kado) -> None:
    study = f"{time_of_day('22:00', '2025-05-12')}/{time_of_day('00:00')}"
    assert availability(seeded, study)["counts"]["mode_mismatches"] == 0


def test_no_line_is_wider_than_a_terminal(seeded: Kado) -> None:
    seeded("correct", "excluded", "--yes",
           "--category", "grid", "--from", time_of_day("02:00"), "--to", time_of_day("02:30"),
           "--author", "Sato", "--reason", "a dip of the grid")  # fmt: skip
    for words in (
        ["availability", "-p", DAY],
        ["events", "-p", DAY],
        ["gaps", "-p", DAY],
        ["incident", "pareto", "-p", DAY],
        ["correct", "list"],
    ):
        out = seeded(*words).out
        wide = [x for x in out.splitlines() if len(x.rstrip()) + len(re.findall("[\u3000-\u9fff]", x)) > 80]
        assert wide == [], words
        assert "SIMULATED" in out
