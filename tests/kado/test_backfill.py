"""``kado backfill``: the gaps of a period are filled from an archive, and figures that change by it are named."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archiver_appliance import Archived, ArchiverAppliance
from command_line import Kado
from facility.time import NS_PER_S, parse_time
from seeded_ring import DAY, UNKNOWN_S, time_of_day

WORDS = ("backfill", "--period", DAY, "--format", "json")


@pytest.fixture
def appliance() -> Iterator[ArchiverAppliance]:
    """An archive that saw what kado did not: in the gap the beam was away from 05:05 to 05:10."""
    start = parse_time(time_of_day("04:00"))
    lost = range(parse_time(time_of_day("05:05")), parse_time(time_of_day("05:10")), 10 * NS_PER_S)
    stamps = range(start, parse_time(time_of_day("06:00")), 10 * NS_PER_S)
    samples: list[tuple[int, Any, int, int]] = [(t, 0.0 if t in lost else 200.0, 0, 0) for t in stamps]
    with ArchiverAppliance() as server:
        server.pvs["RING:CURRENT"] = Archived(samples)
        yield server


@pytest.fixture
def archived(seeded: Kado, appliance: ArchiverAppliance, tmp_path: Path) -> Kado:
    """The seeded ring, with the archive in its configuration."""
    table = f"""
[[source]]
id = "archive"
kind = "archiver"
archive = "appliance_pb"
url = "{appliance.retrieval}"
signal = [{{ channel = "RING:CURRENT", signal = "current" }}]
"""
    configuration = next(tmp_path.rglob("kado.toml"))
    configuration.write_text(configuration.read_text(encoding="utf-8") + table, encoding="utf-8")
    return seeded


def failures(kado: Kado) -> list[str]:
    document = kado("events", "--period", DAY, "--format", "json").document
    return [event["start"] for event in document["events"]]


def test_just_what_kado_gaps_lists_is_asked_for_and_the_figures_know_what_the_archive_saw(
    archived: Kado, appliance: ArchiverAppliance
) -> None:
    (gap,) = archived("gaps", "--period", DAY, "--format", "json").document["gaps"]
    assert not any(time_of_day("05:05")[:16] in start for start in failures(archived))
    answer = archived(*WORDS)
    assert answer.exit_code == 0, answer.err
    done = answer.document
    (asked,) = done["ranges"]
    assert asked["end"] == gap["end"]
    # From the last sample on: what it stood for was not seen either.
    assert parse_time(gap["start"]) - parse_time(asked["start"]) == 50 * NS_PER_S
    assert [(q["from"], q["to"]) for q in appliance.questions] == [
        ("2025-05-12T19:59:50Z", "2025-05-12T20:20:00Z"),
    ]
    assert done["unknown_s"] == {"before": UNKNOWN_S, "after": 0}
    assert done["availability_pct"]["after"] < done["availability_pct"]["before"]
    assert archived("gaps", "--period", DAY, "--format", "json").document["gaps"] == []
    assert any(time_of_day("05:05")[:16] in start for start in failures(archived))


def test_it_says_which_figures_are_open_again(archived: Kado) -> None:
    assert archived(*WORDS).document["reopened"] == ["run:2025-1", "FY2025", "2025", "2025Q2", "2025-05", DAY]


def test_a_second_time_there_is_nothing_to_fill(archived: Kado, appliance: ArchiverAppliance) -> None:
    archived(*WORDS)
    asked = len(appliance.questions)
    again = archived("backfill", "--period", DAY)
    assert "Nothing to fill" in again.out
    assert len(appliance.questions) == asked
    assert archived("ledger", "--verify").exit_code == 0


def test_a_dry_run_asks_and_changes_nothing(archived: Kado, appliance: ArchiverAppliance) -> None:
    answer = archived("backfill", "--period", DAY, "--dry-run")
    assert "Nothing was requested" in answer.out
    assert "05:20:00" in answer.out
    assert appliance.questions == []
    assert len(archived("gaps", "--period", DAY, "--format", "json").document["gaps"]) == 1


def test_people_read_what_came_and_what_it_changes(archived: Kado) -> None:
    out = archived("backfill", "--period", DAY).out
    assert re.search(r"current +121", out)
    assert "Unknown user time" in out
    assert "Figures that this opens again: run:2025-1, FY2025, 2025, 2025Q2, 2025-05, 2025-05-13" in out.replace(
        "\n", " "
    )


def test_it_speaks_japanese(archived: Kado) -> None:
    filled = archived("backfill", "--period", DAY, KADO_LANG="ja").out
    assert "不明な利用時間" in filled
    assert "再計算の対象となる期間: run:2025-1" in filled
    assert "補完するものはありません" in archived("backfill", "--period", DAY, KADO_LANG="ja").out


def test_the_whole_period_is_asked_for_where_that_is_wanted(archived: Kado, appliance: ArchiverAppliance) -> None:
    done = archived(*WORDS, "--whole").document
    assert len(appliance.questions) == 4
    assert done["signals"][0]["samples"] == 720


def test_what_the_archive_does_not_have_and_wrong_words_are_said(archived: Kado, appliance: ArchiverAppliance) -> None:
    appliance.pvs.clear()
    answer = archived("backfill", "--period", DAY)
    assert answer.exit_code == 1
    assert "no PV 'RING:CURRENT'" in answer.err
    answer = archived("backfill", "--period", DAY, "--signal", "mode")
    assert (answer.exit_code, "maps no signal 'mode'" in answer.err) == (2, True)
    answer = archived("backfill", "--period", DAY, "--source", "other")
    assert (answer.exit_code, "no archive is called 'other'" in answer.err) == (2, True)
    appliance.stop()
    answer = archived("backfill", "--period", DAY)
    assert answer.exit_code == 3


def test_without_an_archive_it_says_how_to_name_one(seeded: Kado) -> None:
    answer = seeded("backfill", "--period", DAY)
    assert (answer.exit_code, "no archive is configured" in answer.err) == (2, True)
