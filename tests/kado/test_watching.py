"""What is shown of a running service follows corrections of other processes and samples that came late."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from collector.changes import Changes
from command_line import Kado
from facility.batch import Batch
from facility.time import NS_PER_H, NS_PER_S, parse_time
from kado.config import load_configuration
from kado.language import in_language
from kado.live import watching
from kado.live.screen import line, screen
from kado.live.watching import TODAY_AGAIN_NS, StoreThread, WatchedBeside, WatchedInside, Watcher
from kado.service.live_figures import LiveFigures
from storage.embedded.store import EmbeddedStore
from waiting import LONGEST_S

ROOT = Path(__file__).parents[2]
DUMP = parse_time("2026-11-12T13:24:11+09:00")
NOW = DUMP + 6 * NS_PER_H


class Watched:
    """A watcher at work beside the data of a service."""

    def __init__(self, watcher: Watcher, changes: Changes) -> None:
        self.watcher = watcher
        self.changes = changes

    async def figures(self, after: LiveFigures | None = None) -> LiveFigures:
        """Return the next figures that are not those of `after`, with the whole year in them."""
        async with asyncio.timeout(LONGEST_S):
            while True:
                view: Any = self.watcher._figures
                if view is not None and view.year is not None and (after is None or main(view) != main(after)):
                    return view
                await asyncio.sleep(0.01)


@pytest.fixture
async def watched(simulated: Kado, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Watched]:
    monkeypatch.setattr(watching, "FIGURES_EVERY_S", 0.02)
    configuration = await asyncio.to_thread(load_configuration, Path("kado.toml"))
    changes = Changes()
    service: Any = SimpleNamespace(changes=changes, status=lambda: SimpleNamespace(sources={}))
    watcher = await asyncio.to_thread(Watcher, configuration, WatchedInside(configuration, service), lambda: NOW)
    async with StoreThread(configuration, "figures") as thread:
        running = asyncio.create_task(watcher.run(thread), name="figures")
        yield Watched(watcher, changes)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def main(figures: LiveFigures) -> tuple[object, ...]:
    """Return what is computed at every look; quarter, calendar year and run follow later."""
    return figures.day, figures.month, figures.year


def no_beam(figures: LiveFigures) -> list[int]:
    return [part.accounts.no_beam for part in (figures.day, figures.month, figures.year) if part is not None]


async def test_a_correction_by_another_process_is_seen_and_so_is_its_withdrawal(
    watched: Watched, simulated: Kado
) -> None:
    before = await watched.figures()
    assert len(set(no_beam(before))) == 1
    assert no_beam(before)[0] > 0
    words = "--from 2026-11-12T13:00:00+09:00 --to 2026-11-12T18:00:00+09:00 --reason test --author Sato"
    said = await asyncio.to_thread(simulated, "correct", "up", "--yes", *words.split())
    assert said.exit_code == 0, said.err
    corrected = await watched.figures(after=before)
    assert no_beam(corrected) == [0, 0, 0]
    said = await asyncio.to_thread(simulated, "correct", "withdraw", "1", "--reason", "no", "--author", "Abe")
    assert said.exit_code == 0, said.err
    assert main(await watched.figures(after=corrected)) == main(before)


async def test_a_sample_that_came_late_is_seen(watched: Watched) -> None:
    before = await watched.figures()
    hour = np.arange(DUMP - 30 * NS_PER_H, DUMP - 29 * NS_PER_H, NS_PER_S, dtype=np.int64)
    codes = np.zeros(len(hour), np.int64)
    late = Batch.build("nanoterasu_sim", ("stored_current",), codes, hour, value=np.zeros(len(hour)))
    await asyncio.to_thread(write, late)
    watched.changes.note("stored_current", int(hour[0]), int(hour[-1]))
    after = await watched.figures(after=before)
    assert after.day == before.day
    assert after.month is not None
    assert before.month is not None
    assert after.month.counts.sensor_faults == before.month.counts.sensor_faults + 1
    assert after.month.accounts.unknown - before.month.accounts.unknown == NS_PER_H


def write(batch: Batch) -> None:
    """Write as a service that holds the directory does."""
    store = EmbeddedStore(Path("data"), batch.facility, read_only=False)
    store.write(batch)
    store.close()


async def test_beside_another_process_a_late_sample_is_seen_without_being_told(simulated: Kado) -> None:
    configuration = await asyncio.to_thread(load_configuration, Path("kado.toml"))
    now_ns = NOW
    watcher = await asyncio.to_thread(Watcher, configuration, WatchedBeside(configuration), lambda: now_ns)
    async with StoreThread(configuration, "figures") as thread:
        before = await thread.ask(watcher._compute)
        hour = np.arange(DUMP - 3 * NS_PER_H, DUMP - 2 * NS_PER_H, NS_PER_S, dtype=np.int64)
        zeros = np.zeros(len(hour))
        for signal in ("stored_current", "stored_current_2"):
            await asyncio.to_thread(write, Batch.of_numbers("nanoterasu_sim", signal, hour, zeros))
        # An hour without beam of this morning came late; it is looked for once a minute.
        now_ns += TODAY_AGAIN_NS
        after = await thread.ask(watcher._compute)
    assert before.day is not None
    assert after.day is not None
    assert after.day.counts.failures == before.day.counts.failures + 1


@pytest.mark.blocking("the catalogue of a language is a file")
async def test_the_screen_says_beam_event_correction_and_store(simulated: Kado) -> None:
    words = "--from 2026-11-12T01:00:00+09:00 --to 2026-11-12T01:10:00+09:00 --reason test --author Sato --yes"
    assert (await asyncio.to_thread(simulated, "correct", "down", *words.split())).exit_code == 0
    configuration = await asyncio.to_thread(load_configuration, Path("kado.toml"))
    now_ns = DUMP + 120 * NS_PER_S
    watcher = await asyncio.to_thread(Watcher, configuration, WatchedBeside(configuration), lambda: now_ns)
    async with StoreThread(configuration, "figures") as thread:
        watcher._figures = await thread.ask(watcher._compute)
        view = await watcher.view(thread)
    console = Console(width=80, file=StringIO(), color_system=None)
    console.print(screen(view))
    text = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "no beam since 11-12 13:24:11 (2 min)" in " ".join(text.split()), text
    assert "0:02:00 of user time so far" in text
    assert "kado is not running" in text
    assert "#1 no beam  2026-11-12 01:00:00 to 2026-11-12 01:10:00 +09:00" in text
    assert [name for name in ("today", "this month", "this year", "stored +") if name not in text] == []
    for language in ("en", "ja"):
        with in_language(language):
            assert cell_len(line(view)) <= 80
    assert line(view).startswith("SIMULATED 13:26:11 ")


def test_the_command_runs_beside_the_data_and_ends_by_itself(simulated: Kado) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KADO_")} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "kado", "watch", "--seconds", "3", "--lang", "en"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("SIMULATED ")
