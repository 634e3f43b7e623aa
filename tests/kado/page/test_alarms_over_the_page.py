"""The history of the alarms over the API: how much of it is given at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facility.alarms import AlarmState, Cause, Priority, Transition
from facility.time import NS_PER_S, parse_time
from kado.journal import open_alarm_journal
from kado.page.api import answers
from page_clients import Page, open_page
from storage.journal.alarms import transition_row

pytestmark = pytest.mark.blocking("the record is written in the test itself")

NOW = "2025-05-14T09:00:00+09:00"
HISTORY = "/api/v1/alarms/history"


@pytest.fixture
async def page(folder: Path) -> AsyncIterator[Page]:
    async with open_page(folder, clock=lambda: parse_time(NOW)) as opened:
        yield opened


async def test_more_than_ten_years_of_the_history_are_refused_with_the_limit(page: Page) -> None:
    browser = page.browser()
    for given in ("from=1976-01-01T00:00:00Z", "from=1976-01-01T00:00:00Z&to=2025-01-01T00:00:00Z"):
        answer = await browser.get(f"{HISTORY}?{given}")
        assert answer.status_code == 400
        assert "is longer than 3,653 days" in answer.json()["error"]["message"]
    for given in ("", "from=2016-01-01T00:00:00Z"):
        assert (await browser.get(f"{HISTORY}?{given}")).status_code == 200


async def test_more_rows_than_are_given_at_once_are_refused_with_their_number(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_ns = parse_time("2025-05-13T00:00:00Z")
    with open_alarm_journal(page.configuration) as journal:
        journal.add_rules("rules", "")
        journal.add_rows([("transition", _raised(n, first_ns + (n - 1) * NS_PER_S)) for n in range(1, 4)])
    monkeypatch.setattr(answers, "MOST_ALARM_ROWS", 2)
    monkeypatch.setattr(answers, "MOST_ROWS_COUNTED", 2)
    for path in (HISTORY, "/api/v1/alarms/report?period=2025-05"):
        answer = await page.browser().get(path)
        assert answer.status_code == 400
        assert "there are 3 rows of alarms in that time, more than the 2" in answer.json()["error"]["message"]
    shorter = await page.browser().get(f"{HISTORY}?from=2025-05-13T00:00:01Z")
    assert [t["occurrence"] for t in shorter.json()["transitions"]] == [2, 3]


def _raised(n: int, time_ns: int) -> str:
    states = AlarmState.NORMAL, AlarmState.UNACKED
    row = Transition(time_ns, "beam_lost", *states, Cause.RAISED, n, n, Priority.CRITICAL, "beam", True)
    return transition_row(row, "rules")
