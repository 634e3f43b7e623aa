"""Figures of several periods and definitions side by side, and as CSV."""

import csv
import io

from command_line import Kado
from seeded_ring import DAY


def test_each_day_of_a_period_has_a_line_and_is_what_the_day_alone_is(seeded: Kado) -> None:
    period = "2025-05-12T10:00:00+09:00/2025-05-14T00:00:00+09:00"
    rows = seeded("availability", "-p", period, "--each", "day", "--format", "json").document
    assert [r["period"]["id"] for r in rows] == ["2025-05-12", DAY]
    alone = seeded("availability", "-p", DAY, "--format", "json").document
    assert rows[1]["availability_pct"] == alone["figures"]["availability_pct"]
    assert rows[1]["no_beam_s"] == alone["accounts_s"]["no_beam"]


def test_all_definitions_are_beside_each_other_as_csv(seeded: Kado) -> None:
    answer = seeded("availability", "-p", DAY, "-d", "all", "--format", "csv")
    assert answer.exit_code == 0, answer.err
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert {"nanoterasu", "sls", "cebaf"} <= {r["definition"] for r in rows}
    assert all(float(r["no_beam_s"]) >= 5_400 for r in rows)
    assert {r["simulated"] for r in rows} == {"True"}
    assert {(r["period"], r["end"]) for r in rows} == {(DAY, "2025-05-14T00:00:00+09:00")}


def test_a_part_without_a_figure_says_why_and_the_others_are_there(seeded: Kado) -> None:
    rows = seeded("availability", "-p", "2025-05", "--each", "day", "--format", "json").document
    assert len(rows) == 31
    assert rows[0]["availability_pct"] is None
    assert "no schedule" in rows[0]["error"]
    out = seeded("availability", "-p", "2025-05", "--each", "month").out
    assert "SIMULATED" in out
