"""``kado source probe`` on a real server of every kind of source that listens: what it shows, and what it proposes."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from facility.time import NS_PER_S, system_clock
from source_benches import EVERY_KIND, LIBRARY, Bench, as_toml

ROOT = Path(__file__).parents[2]
BEHIND_S = 30
EACH_S = 0.2
STEP_MA = 0.25


@pytest.fixture(params=EVERY_KIND)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    kind: str = request.param
    if kind in LIBRARY and find_spec(LIBRARY[kind]) is None:
        pytest.skip(f"no {LIBRARY[kind]}: see the extras in pyproject.toml")
    bench = EVERY_KIND[kind]()
    bench.start_server()
    yield bench
    bench.close()


@contextmanager
def speaking(bench: Bench) -> Iterator[None]:
    """Let the server say a current that rises by steps, by a clock that is behind, and a mode that nobody knows."""
    ending = threading.Event()

    def speak() -> None:
        count = 0
        while not ending.wait(EACH_S):
            at = system_clock() - BEHIND_S * NS_PER_S
            mode = "study" if count % 2 else "tuning"
            bench.let_out(
                ("stored_current", at, 200.0 + STEP_MA * count, "good"),
                ("beam_lifetime", at, 7.0, "uncertain"),
                ("machine_mode", at, mode, "good"),
            )
            count += 1

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def probe(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    own = {k: v for k, v in os.environ.items() if not k.startswith(("KADO_", "EPICS_"))}
    return subprocess.run(
        [sys.executable, "-m", "kado", "source", "probe", *words],
        cwd=folder, env=own | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=90,
    )  # fmt: skip


def test_each_signal_is_shown_and_the_lines_that_follow_are_proposed(bench: Bench, tmp_path: Path) -> None:
    table = bench.table(
        bench.mapping("stored_current"),
        bench.mapping("beam_lifetime"),
        bench.mapping("machine_mode", words={"tuning": "party"}),
    )
    (tmp_path / "kado.toml").write_text(f'facility = "nanoterasu_sim"\n{as_toml(table)}', encoding="utf-8")
    with speaking(bench):
        done = probe(tmp_path, "--seconds", "4", "--format", "json")
    # A word that is not known is to be looked at.
    assert done.returncode == 1, done.stderr
    (one,) = json.loads(done.stdout)["sources"]
    signals: dict[str, dict[str, Any]] = {s["signal"]: s for s in one["signals"]}
    current = signals["stored_current"]
    assert (current["unit"], current["quality"]) == ("mA", "good")
    assert current["value"] > 200
    assert 2 <= current["rate_hz"] <= 6
    assert current["dead_band"] == STEP_MA
    assert current["period_s"] == pytest.approx(EACH_S, rel=0.5)
    assert current["clock_offset_s"] == pytest.approx(BEHIND_S, abs=2)
    assert current["age_s"] == pytest.approx(BEHIND_S, abs=4)
    lifetime = signals["beam_lifetime"]
    assert (lifetime["unit"], lifetime["quality"], lifetime["reason"]) == ("h", "uncertain", bench.reasons["uncertain"])
    assert lifetime["dead_band"] is None
    assert [(r["cause"], r["address"]) for r in one["rejected"]] == [("unknown_state", "machine_mode")]
    proposed = "\n".join(one["proposals"])
    assert 'profile, [[signal]] id = "stored_current": period_s = 0.2' in proposed
    assert (
        'kado.toml, [[source]] id = "ring", [[source.signal]] signal = "machine_mode": words = { "party" =' in proposed
    )
    assert "stored_current is 30" in proposed
    assert not (tmp_path / "data").exists()
