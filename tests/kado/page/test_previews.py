"""What a change will do is computed apart from what people write, and for a limited time."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facility.errors import UnreachableError
from facility.time import parse_time
from kado.page.previews import Previews, PreviewTooLongError
from kado.page.reading import PageReader
from kado.queries.corrections import load_corrections
from kado.queries.period_pieces import Progress
from page_clients import Page, open_page
from seeded_ring import DAY

pytestmark = pytest.mark.blocking("the record is read in the test itself")

UP = {"assertion": "up", "start": f"{DAY} 02:00:00", "end": f"{DAY} 03:30:00", "reason": "log", "step": "preview"}


@pytest.fixture
async def page(staffed: Path) -> AsyncIterator[Page]:
    async with open_page(staffed, clock=lambda: parse_time("2025-05-14T09:00:00+09:00")) as opened:
        yield opened


def reader_of(page: Page) -> PageReader:
    return page.app.state.context.reader


async def without_time(page: Page) -> None:
    """Give previews no time at all."""
    reader = reader_of(page)
    await reader.previews.close()
    reader.previews = Previews(0.0)


async def test_previews_do_not_hold_back_who_writes(page: Page) -> None:
    begun, release = threading.Event(), threading.Event()

    def work(progress: Progress) -> int:
        progress(0, 1)
        begun.set()
        assert release.wait(120)
        return 1

    waiting = [asyncio.create_task(reader_of(page).previews.compute(work)) for _ in range(5)]
    assert await asyncio.to_thread(begun.wait, 120)
    assert await reader_of(page).write(lambda: "written") == "written"
    release.set()
    assert await asyncio.gather(*waiting) == [1] * 5


def for_ever(progress: Progress) -> None:
    while True:
        progress(0, 1)


async def test_a_preview_ends_when_its_time_is_up() -> None:
    previews = Previews(0.01)
    with pytest.raises(PreviewTooLongError, match=r"takes more than 0.01 s to compute. Record the correction in parts"):
        await previews.compute(for_ever)
    await previews.close()


async def test_a_preview_ends_with_the_page() -> None:
    previews, begun = Previews(), threading.Event()

    def work(progress: Progress) -> None:
        begun.set()
        for_ever(progress)

    computed = asyncio.create_task(previews.compute(work))
    assert await asyncio.to_thread(begun.wait, 120)
    await previews.close()
    with pytest.raises(UnreachableError):
        await computed


async def test_a_correction_whose_effect_takes_too_long_is_refused_with_the_limit(page: Page) -> None:
    operator = await page.logged_in("operator")
    await without_time(page)
    answer = await operator.post("/record/correct", UP)
    assert answer.status_code == 400
    assert "takes more than 0 s to compute. Record the correction in parts of a few months" in answer.text
    assert f'value="{DAY} 02:00:00"' in answer.text
    assert load_corrections(page.configuration) == []
    row = await operator.post("/record/effects", {**UP, "definition": "sls"})
    assert row.status_code == 400
    assert row.json()["error"]["message"].startswith("The effect takes more than 0 s")


async def test_what_takes_too_long_to_show_can_be_withdrawn(page: Page) -> None:
    engineer = await page.logged_in("engineer")
    assert (await engineer.post("/record/correct", {**UP, "step": "write"})).status_code == 303
    await without_time(page)
    asked = await engineer.get("/record/withdraw?id=1")
    assert asked.status_code == 200
    assert "Not shown: it takes more than 0 s to compute." in asked.text
    assert (await engineer.post("/record/withdraw", {"id": "1", "reason": "wrong day"})).status_code == 303
    assert load_corrections(page.configuration)[0].withdrawal is not None
