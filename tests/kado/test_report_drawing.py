"""Charts drawn in a process beside the report: the same, not lost when that process is, and it ends with the report."""

import os
import signal
import subprocess
import sys

import pytest

from kado.report.drawing import draw, drawing_beside
from kado.report.drawing_process import DrawingProcess

ROWS = [("rf", 3.0), ("真空", 1.5)]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    """The chart as this process draws it, which then counts as one that has not imported Altair."""
    svg = draw("bars_chart", ROWS, "Downtime (h)")()
    monkeypatch.delitem(sys.modules, "altair")
    return svg


def is_there(process: DrawingProcess | None) -> bool:
    """Whether the process beside has not ended."""
    assert process is not None
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_beside_draws_the_same_bytes(here: str) -> None:
    with drawing_beside() as process:
        assert is_there(process)
        assert draw("bars_chart", ROWS, "Downtime (h)")() == here


def test_a_chart_that_is_asked_for_twice_is_drawn_once(here: str) -> None:
    with drawing_beside() as process:
        assert process is not None
        first = process.submit("bars_chart", (ROWS, "Downtime (h)"))
        again = process.submit("bars_chart", ([*ROWS], "Downtime (h)"))
        other = process.submit("bars_chart", (ROWS, "Downtime (min)"))
        assert again is first
        assert other is not first
        assert first.result() == here


def test_a_chart_is_drawn_here_when_the_process_beside_was_killed(here: str) -> None:
    with drawing_beside() as process:
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        assert draw("bars_chart", ROWS, "Downtime (h)")() == here


def test_what_a_chart_raises_is_raised_where_it_is_wanted(here: str) -> None:
    del here
    with drawing_beside():
        drawn = draw("bars_chart", [("rf",)], "Downtime (h)")
        with pytest.raises(ValueError, match="unpack"):
            drawn()


def test_the_process_beside_has_ended_when_the_report_is_made(here: str) -> None:
    with drawing_beside() as process:
        assert draw("bars_chart", ROWS, "Downtime (h)")() == here
    assert not is_there(process)


def test_a_report_without_charts_leaves_no_process_behind(here: str) -> None:
    del here
    with drawing_beside() as process:
        pass
    assert not is_there(process)


def test_charts_are_drawn_without_pandas() -> None:
    code = (
        "import sys; from kado.report.drawing import draw; "
        "draw('bars_chart', [('rf', 1.0)], 'h')(); print('pandas' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
