"""Charts drawn in a process beside the report: the same, not lost when that process is, and it ends with the report."""

import multiprocessing
import sys

import pytest

from kado.report.drawing import draw, drawing_beside

ROWS = [("rf", 3.0), ("真空", 1.5)]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    """The chart as this process draws it, which then counts as one that has not imported Altair."""
    svg = draw("bars_chart", ROWS, "Downtime (h)")()
    monkeypatch.delitem(sys.modules, "altair")
    return svg


def test_a_process_beside_draws_the_same_bytes(here: str) -> None:
    with drawing_beside():
        assert multiprocessing.active_children()
        assert draw("bars_chart", ROWS, "Downtime (h)")() == here


def test_a_chart_is_drawn_here_when_the_process_beside_was_killed(here: str) -> None:
    with drawing_beside():
        for process in multiprocessing.active_children():
            process.kill()
        assert draw("bars_chart", ROWS, "Downtime (h)")() == here


def test_the_process_beside_has_ended_when_the_report_is_made(here: str) -> None:
    with drawing_beside():
        assert draw("bars_chart", ROWS, "Downtime (h)")() == here
    assert not multiprocessing.active_children()


def test_a_report_without_charts_leaves_no_process_behind(here: str) -> None:
    del here
    with drawing_beside():
        pass
    assert not multiprocessing.active_children()
