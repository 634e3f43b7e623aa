"""Seconds of the report of a month and of a fiscal year, beside the time that typst alone takes.

    python benchmarks/bench_report.py

A simulated fiscal year at 1 Hz in the embedded store. Each report is a command in a process of its own, start and
imports included, with its modules compiled as those of an installed kado are. Aims: a month under 2 s, a year under
5 s, on a quiet machine. The later in its year, the longer a month takes: its year to date is counted to the second.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Final

REPORTS: Final = (("2024-06", 2.0), ("2025-02", 2.0), ("FY2024", 5.0))
TYPST_ALONE: Final = """
import time
from kado.config import load_configuration
from kado.queries.report import load_report
from kado.report.content import make_report
from kado.report.forms import Form, render
report = make_report(load_report(load_configuration(), "{period}"))
drawn = [chart.svg for section in report.sections for chart in section.charts]
start = time.perf_counter()
render(report, Form.PDF)
print(time.perf_counter() - start)
"""


def compiled(folder: str) -> dict[str, str]:
    """Return an environment in which Python keeps what it compiles, wherever its modules lie."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": os.path.join(folder, "compiled")}


def python(folder: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run Python."""
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=compiled(folder), check=True, capture_output=True, text=True)


def kado(folder: str, *words: str) -> tuple[float, float]:
    """Run a command; return seconds by the clock and of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    python(folder, "-m", "kado", *words)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Make the year, then each report three times."""
    with tempfile.TemporaryDirectory() as folder:
        kado(folder, "init")
        kado(folder, "simulate", "--scenario", "fy2024", "--seed", "1")
        kado(folder, "report", REPORTS[0][0], "--out", "r.pdf")  # compiles
        print(f"{'report':10} {'best s':>8} {'CPU s':>8} {'aim s':>8} {'typst s':>8}")
        for period, aim in REPORTS:
            runs = [kado(folder, "report", period, "--out", "r.pdf") for _ in range(3)]
            code = TYPST_ALONE.format(period=period)
            alone = python(folder, "-c", code).stdout
            wall, cpu = min(runs)
            print(f"{period:10} {wall:8.2f} {cpu:8.2f} {aim:8.1f} {float(alone):8.2f}", flush=True)


if __name__ == "__main__":
    main()
