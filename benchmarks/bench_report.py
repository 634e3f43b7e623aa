"""Seconds of the report of a month and of a fiscal year, beside the time that typst alone takes.

    python benchmarks/bench_report.py

A simulated fiscal year at 1 Hz in the embedded store. Each report is a command in a process of its own, start and
imports included; aims: a month under 2 s, a year under 5 s, on a quiet machine.
"""

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
start = time.perf_counter()
render(report, Form.PDF)
print(time.perf_counter() - start)
"""


def kado(folder: str, *words: str) -> tuple[float, float]:
    """Run a command; return seconds by the clock and of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "kado", *words], cwd=folder, check=True, capture_output=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Make the year, then each report three times."""
    with tempfile.TemporaryDirectory() as folder:
        kado(folder, "init")
        kado(folder, "simulate", "--scenario", "fy2024", "--seed", "1")
        print(f"{'report':10} {'best s':>8} {'CPU s':>8} {'aim s':>8} {'typst s':>8}")
        for period, aim in REPORTS:
            runs = [kado(folder, "report", period, "--out", "r.pdf") for _ in range(3)]
            code = TYPST_ALONE.format(period=period)
            alone = subprocess.run(
                [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
            ).stdout
            wall, cpu = min(runs)
            print(f"{period:10} {wall:8.2f} {cpu:8.2f} {aim:8.1f} {float(alone):8.2f}", flush=True)


if __name__ == "__main__":
    main()
