"""A server that is killed while kado reads it: the time until it is back is unknown, and not downtime."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import pytest

import facility
from command_line import run
from conversation import Conversation
from facility.time import NS_PER_S, format_time, system_clock
from source_benches import EVERY_KIND, LIBRARY, Bench, as_toml
from waiting import wait_for

STALE_S = 4
"""Instead of 10 s, so that the test is over sooner; a busy machine does not stand still for so long."""


def setting_up(folder: Path, bench: Bench) -> str:
    """Write profile, configuration and calendar for now, and return the configuration's path."""
    shipped = (Path(facility.__file__).parent / "profiles" / "nanoterasu_sim.toml").read_text(encoding="utf-8")
    assert "stale_after_s = 10.0" in shipped
    profile = shipped.replace("stale_after_s = 10.0", f"stale_after_s = {STALE_S}.0")
    (folder / "ring.toml").write_text(profile, encoding="utf-8")
    table = as_toml(bench.table(bench.mapping("stored_current")))
    (folder / "kado.toml").write_text(f'facility = "ring.toml"\n{table}', encoding="utf-8")
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    rows = f"{start.isoformat()},{(start + timedelta(hours=3)).isoformat()},user,2026-01-01T00:00:00+09:00"
    (folder / "schedule.csv").write_text(f"start,end,category,published_at\n{rows}\n", encoding="utf-8")
    config = str(folder / "kado.toml")
    answer = run("schedule", "import", str(folder / "schedule.csv"), "--config", config)
    assert answer.exit_code == 0, answer.err
    return config


def say_for(bench: Bench, seconds: float) -> tuple[int, int]:
    """Let the server say the current four times a second; return the first and the last stamp."""
    first = now = system_clock()
    while now < first + int(seconds * NS_PER_S):
        bench.let_out(("stored_current", now, 400.0, "good"))
        time.sleep(0.25)
        now = system_clock()
    return first, now


@pytest.fixture(params=EVERY_KIND)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    kind: str = request.param
    if kind in LIBRARY and find_spec(LIBRARY[kind]) is None:
        pytest.skip(f"no {LIBRARY[kind]}: see the extras in pyproject.toml")
    bench = EVERY_KIND[kind]()
    yield bench
    bench.close()


def test_time_without_the_server_is_unknown_from_the_last_sample_until_the_next(tmp_path: Path, bench: Bench) -> None:
    config = setting_up(tmp_path, bench)
    bench.start_server()
    bench.reader.close()
    bench.reader = Conversation("reading_source.py", str(tmp_path / "ring.toml"))
    table = bench.table(bench.mapping("stored_current"))
    bench.reader.ask("start", table=table, data_dir=str(tmp_path / "data"))
    wait_for(lambda: bench.reader.ask("status")["connects"] == 1)
    begun, _ = say_for(bench, 4)
    killed = system_clock()
    bench.kill_server()
    wait_for(lambda: bench.reader.ask("status")["error"])
    time.sleep(STALE_S + 2)
    bench.start_server()
    wait_for(lambda: bench.reader.ask("status")["connects"] == 2)
    back, ended = say_for(bench, 3)
    # What was said last is there before the reader ends: one that asks now and then has asked again.
    time.sleep(0.5)
    bench.stop()
    # A source that is asked now and then may have missed the very first.
    begun += NS_PER_S
    period = f"{format_time(begun)}/{format_time(ended)}"
    document = run("explain", "--period", period, "--config", config, "--format", "json").document
    # Unknown for whatever reasons, one after the other.
    accounts = [account for account, _ in groupby(s["account"] for s in document["segments"])]
    assert accounts == ["delivered", "unknown", "delivered"], document["segments"]
    gaps = run("gaps", "--period", period, "--config", config, "--format", "json").document
    lost_s = (back - killed) / NS_PER_S
    # At its beginning a sample holds for no longer than its link; at its end the first sample is known at once.
    assert lost_s - STALE_S - 1 <= gaps["unknown_s"] <= lost_s + STALE_S
