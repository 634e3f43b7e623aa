"""Progress bars: from the first step of the work on, and none above a message."""

from io import StringIO

import pytest
from rich.console import Console

from command_line import Kado
from kado import progress
from kado.progress import progress_bar
from seeded_ring import DAY, time_of_day


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What a terminal is sent beside the data."""
    sent = StringIO()
    console = Console(file=sent, force_terminal=True, width=80, markup=False, highlight=False)
    monkeypatch.setattr(progress, "terminal", lambda *, stderr: console)
    return sent


def test_a_bar_appears_with_the_first_step(screen: StringIO) -> None:
    with progress_bar("counting", 10) as bar:
        assert screen.getvalue() == ""
        bar.advance_to(5, "half of it")
    assert "counting" in screen.getvalue()
    assert "half of it" in screen.getvalue()


FUTURE = "2099-01"
REFUSED = [
    ["availability", "-p", FUTURE], ["gaps", "-p", FUTURE], ["explain", "-p", FUTURE], ["events", "-p", FUTURE],
    ["definitions", "--compare", "sls", "aps", "-p", FUTURE], ["availability", "-p", "2020-05"],
    ["store", "backup", "data"], ["store", "restore", "nowhere"], ["store", "copy", "--to", "kado.toml"],
    ["store", "downsample"], ["store", "export", "current", "--out", "kado.toml"], ["store", "import", "nowhere.csv"],
    ["import", "nowhere.csv"], ["publish"], ["backfill", "-p", DAY], ["report", FUTURE],
    ["simulate", "--scenario", "nothing", "--from", time_of_day("01:00"), "--to", time_of_day("02:00")],
    ["alarms", "replay", "--from", time_of_day("02:00"), "--to", time_of_day("01:00")],
]  # fmt: skip


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_no_bar_stands_above_an_error(seeded: Kado, screen: StringIO, words: list[str]) -> None:
    answer = seeded(*words)
    assert answer.exit_code != 0
    assert answer.err.startswith(("kado: ", "Usage: "))
    assert "Usage: " not in answer.err
    assert screen.getvalue() == ""


LONG = [
    ["availability", "-p", DAY], ["availability", "-p", DAY, "--each", "day"], ["availability", "-p", DAY, "-d", "all"],
    ["events", "-p", DAY], ["gaps", "-p", DAY], ["explain", "-p", DAY], ["incident", "pareto", "-p", DAY],
    ["definitions", "--compare", "sls", "aps", "-p", DAY], ["reliability", "-p", DAY],
    ["report", DAY, "--format", "json"], ["correct", "awaiting", "-p", DAY],
]  # fmt: skip


@pytest.mark.parametrize("words", LONG, ids=" ".join)
def test_a_question_whose_work_begins_shows_its_bar(seeded: Kado, screen: StringIO, words: list[str]) -> None:
    assert seeded(*words).exit_code == 0
    assert screen.getvalue() != ""


def test_the_bars_of_beamlines_and_target_appear_too(simulated: Kado, screen: StringIO) -> None:
    for words in (["beamlines", "-p", "2026-11-12"], ["target"]):
        screen.truncate(0)
        assert simulated(*words).exit_code == 0
        assert screen.getvalue() != ""
