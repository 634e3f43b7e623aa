"""Options in the query of an address: programs are told of a wrong one, people's pages pass over it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facility.time import parse_time
from page_clients import Page, open_page

pytestmark = pytest.mark.blocking("the record is read in the test itself")

AT = "2025-05-12T17:00:00Z"
DAY = "2025-05-13T00:00:00Z/2025-05-14T00:00:00Z"
SIGNALS = "/api/v1/buckets?signal=current"


@pytest.fixture
async def page(folder: Path) -> AsyncIterator[Page]:
    async with open_page(folder, clock=lambda: parse_time("2025-05-14T09:00:00+09:00")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "has"),
    [
        ("/api/v1/corrections?perod=1", "it has as_known_on"),
        ("/events?langage=ja", "it has last, page, view"),
        (f"/shift.json?at={AT}&when=1", "it has at"),
        (f"/shift.md?at={AT}&when=1", "it has at, lang"),
        (f"/history/events?period={DAY}&defintion=sls", "it has definition, period"),
        ("/reports/make?period=2025-05&form=pdf", "it has format, lang, period"),
    ],
)
async def test_an_unknown_option_is_refused_with_those_that_there_are(page: Page, path: str, has: str) -> None:
    answer = await page.browser().get(path)
    assert answer.status_code == 400
    assert "has no option" in answer.text
    assert has in answer.text


@pytest.mark.parametrize("path", ["/events?page=ja&page=en", f"/shift.json?at={AT}&at={AT}"])
async def test_an_option_that_is_given_twice_is_refused(page: Page, path: str) -> None:
    answer = await page.browser().get(path)
    assert answer.status_code == 400
    assert "is given twice" in answer.json()["error"]["message"]


async def test_a_view_without_texts_of_its_own_has_no_stream(page: Page) -> None:
    answer = await page.browser().get("/events?page=ja&view=record")
    assert answer.status_code == 400
    assert "only the view now" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/record", "/history", "/shift", "/shift/list", "/calendar/2025-05", "/reports"])
async def test_a_page_for_people_passes_over_an_option_that_it_does_not_know(page: Page, path: str) -> None:
    assert (await page.browser().get(f"{path}?from_portal=1")).status_code == 200


async def test_a_period_of_more_than_ten_years_is_refused_with_the_limit(page: Page) -> None:
    browser = page.browser()
    century = "1976-01-01T00:00:00Z/2076-01-01T00:00:00Z"
    answer = await browser.get(f"/api/v1/availability?period={century}")
    assert answer.status_code == 400
    assert f"The period {century} is longer than 3,653 days" in answer.json()["error"]["message"]
    for path in ("/record", "/history", "/history/events", "/reports/make"):
        answer = await browser.get(f"{path}?period={century}")
        assert answer.status_code == 400
        assert "3,653 days" in answer.text
    ten = "2015-05-15T00:00:00Z/2025-05-15T00:00:00Z"
    assert (await browser.get(f"/api/v1/schedule?period={ten}")).status_code == 200


async def test_signals_of_more_than_forty_years_are_refused_with_the_limit(page: Page) -> None:
    answer = await page.browser().get(f"{SIGNALS}&start=1976-01-01T00:00:00Z&end=2076-01-01T00:00:00Z")
    assert answer.status_code == 400
    assert "longer than 40 years" in answer.json()["error"]["message"]


async def test_a_search_that_is_too_long_is_refused_and_not_cut(page: Page) -> None:
    answer = await page.browser().get(f"/shift/list?q={'x' * 301}")
    assert answer.status_code == 400
    assert "the search has 301 characters, more than the 300" in answer.text
