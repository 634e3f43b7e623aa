"""The view Record: what is shown before it is written, by whom, and what stands there afterwards."""

import html
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from facility.time import NS_PER_S, parse_time
from kado.queries.availability import load_availability
from kado.queries.corrections import load_corrections
from kado.queries.incidents import load_incidents
from kado.rounding import percent
from page_clients import Browser, Page, open_page
from seeded_ring import DAY

pytestmark = pytest.mark.blocking("the record is read in the test itself")

NOW = parse_time("2025-05-14T09:00:00+09:00")


@pytest.fixture
async def page(staffed: Path) -> AsyncIterator[Page]:
    async with open_page(staffed, clock=lambda: NOW) as opened:
        yield opened


def correction(assertion: str, start: str = "02:00:00", end: str = "03:30:00", **more: str) -> dict[str, str]:
    times = {"start": f"{DAY} {start}", "end": f"{DAY} {end}"}
    return {"assertion": assertion, **times, "reason": "logbook, page 12", "evidence": "", "step": "preview", **more}


async def write(browser: Browser, **fields: Any) -> None:
    answer = await browser.post("/record/correct", {**fields, "step": "write"})
    assert answer.status_code == 303, answer.text


def month(page: Page) -> str:
    """Return the month's availability, as `kado availability` computes it."""
    found = load_availability(page.configuration, "2025-05", clock=lambda: NOW).availability
    return f"{percent(found.figures.availability_pct, 2)} %"


async def test_it_says_what_awaits_review(page: Page) -> None:
    shown = (await page.browser().get("/record?period=2025-05-13")).text
    assert "Outages without a recorded cause" in shown
    assert "2025-05-13 02:00:00 to 2025-05-13 03:30:00" in shown
    assert "Unknown user time" in shown
    assert "/record/correct" not in shown
    assert "Log in to write." in shown


async def test_before_it_is_written_the_month_is_shown_with_it_and_without(page: Page) -> None:
    browser = await page.logged_in("operator")
    answer = await browser.post("/record/correct", correction("up"))
    assert answer.status_code == 200
    before, after = month(page), "100.00 %"
    assert f"2025-05: {before} → {after}, failures 1 → 0" in answer.text
    assert 'data-definition="sls"' in answer.text
    assert load_corrections(page.configuration) == []
    other = await browser.post("/record/effects", {**correction("up"), "definition": "cebaf"})
    (row,) = other.json()["rows"]
    assert (row["definition"], row["changed"]) == ("cebaf", True)
    assert other.json()["effects"][0]["after"]["availability_pct"] == 100.0


async def test_what_is_written_bears_the_name_of_the_account_whatever_the_form_says(page: Page) -> None:
    browser = await page.logged_in("operator")
    await write(browser, **correction("up"), author="mori")
    (said,) = load_corrections(page.configuration)
    assert said.correction.author == "operator"
    assert said.correction.start_ns == parse_time(f"{DAY}T02:00:00+09:00")
    assert said.correction.end_ns - said.correction.start_ns == 5_400 * NS_PER_S


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"assertion": ""}, "Choose a statement"),
        ({"reason": "  "}, "Enter a reason"),
        ({"start": "yesterday"}, "yesterday is not a time"),
        ({"start": ""}, "Enter a time"),
        ({"end": f"{DAY} 01:00:00"}, "must end after its start"),
        ({"assertion": "excluded"}, "Choose where the cause lay"),
        ({"assertion": "reduced", "limit": "nan"}, "Enter the limit as a number"),
        ({"start": "2031-01-01 00:00", "end": "2031-01-02 00:00"}, "lies in the future"),
    ],
)
async def test_a_form_that_lacks_something_comes_back_with_what_was_entered(
    page: Page, changes: dict[str, str], why: str
) -> None:
    browser = await page.logged_in("operator")
    answer = await browser.post("/record/correct", {**correction("up", evidence="photograph 7"), **changes})
    assert answer.status_code == 400
    assert why in answer.text
    assert 'value="photograph 7"' in answer.text
    assert load_corrections(page.configuration) == []


async def test_an_exclusion_counts_when_a_manager_who_did_not_write_it_confirms_it(page: Page) -> None:
    operator = await page.logged_in("operator")
    await write(operator, **correction("excluded", category="grid"))
    assert "awaiting confirmation" in (await operator.get("/record?period=2025-05")).text
    manager = await page.logged_in("manager")
    asked = await manager.get("/record/confirm?id=1")
    assert "What will change" in asked.text
    assert "Withdraw" not in asked.text
    assert (await manager.post("/record/confirm", {"id": "1", "reason": "power company"})).status_code == 303
    (said,) = load_corrections(page.configuration)
    assert said.confirmation is not None
    assert (said.confirmation.author, said.awaiting) == ("manager", False)


async def test_nobody_confirms_his_own(page: Page) -> None:
    manager = await page.logged_in("manager")
    await write(manager, **correction("excluded", category="grid"))
    answer = await manager.post("/record/confirm", {"id": "1"})
    assert answer.status_code == 400
    assert "another person has to confirm it" in answer.text
    assert load_corrections(page.configuration)[0].awaiting


async def test_a_withdrawal_says_what_it_changes_and_both_stay(page: Page) -> None:
    engineer, before = await page.logged_in("engineer"), month(page)
    await write(engineer, **correction("up"))
    asked = await engineer.get("/record/withdraw?id=1")
    assert f"2025-05: 100.00 % → {before}, failures 0 → 1" in asked.text
    assert (await engineer.post("/record/withdraw", {"id": "1", "reason": "wrong day"})).status_code == 303
    shown = (await engineer.get("/record")).text
    assert "Withdrawn by engineer" in shown
    assert "wrong day" in shown
    again = await engineer.post("/record/withdraw", {"id": "1", "reason": "twice"})
    assert again.status_code == 400
    assert "was withdrawn already" in again.text


async def test_an_incident_is_recorded_replaced_and_withdrawn(page: Page) -> None:
    engineer = await page.logged_in("engineer")
    fields = {
        "start": f"{DAY} 02:00:00", "end": f"{DAY} 03:00:00", "system": "rf", "component": "klystron 2",
        "title": "arc in the window", "cause": "worn ceramic", "root_cause": "yes",
    }  # fmt: skip
    assert (await engineer.post("/record/incident", fields)).status_code == 303
    better = {**fields, "title": "arc", "replaces": "1", "reason": "shorter"}
    assert (await engineer.post("/record/incident", better)).status_code == 303
    first, second = load_incidents(page.configuration)
    assert first.withdrawal is not None
    assert (first.withdrawal.replaced_by, second.incident.author) == (2, "engineer")
    refused = await (await page.logged_in("operator")).post("/record/incident", better)
    assert refused.status_code == 403
    assert (await engineer.post("/record/withdraw-incident", {"id": "2", "reason": "no"})).status_code == 303
    assert len(load_incidents(page.configuration)) == 2


async def test_markup_and_formulas_in_texts_are_shown_as_text(page: Page) -> None:
    browser = await page.logged_in("operator")
    evil = '<script>alert(1)</script>=HYPERLINK("http://evil")\'"><img src=x onerror=alert(1)>'
    await write(browser, **correction("up", reason=evil, evidence=evil))
    for path in ("/record?period=2025-05", "/record/withdraw?id=1", "/shift?at=2025-05-12T17:00:00Z"):
        reader = await page.logged_in("engineer")
        shown = (await reader.get(path)).text
        assert "<script>alert" not in shown
        assert "<img" not in shown
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert load_corrections(page.configuration)[0].correction.reason == evil


async def test_a_confirmed_exclusion_shows_who_confirmed_it_and_no_form(page: Page) -> None:
    operator, manager = await page.logged_in("operator"), await page.logged_in("manager")
    await write(operator, **correction("excluded", category="grid"))
    assert (await manager.post("/record/confirm", {"id": "1", "reason": ""})).status_code == 303
    shown = (await manager.get("/record/confirm?id=1")).text
    assert "Confirmed by manager" in shown
    assert 'action="/record/confirm"' not in shown


async def test_success_is_shown_once_after_the_action_and_never_by_address(page: Page) -> None:
    browser = await page.logged_in("operator")
    assert "It was recorded." not in (await browser.get("/record?done=correction")).text
    await write(browser, **correction("up"))
    assert "It was recorded." in (await browser.get("/record")).text
    assert "It was recorded." not in (await browser.get("/record")).text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/v1/now?x=1", 400),
        ("/api/v1/openapi.json?x=1", 400),
        ("/record?period=2026-13", 400),
        ("/calendar/2026-13", 400),
        ("/history?x=" + "a" * 2_100, 414),
    ],
)
async def test_a_wrong_address_is_refused(page: Page, address: str, status: int) -> None:
    answer = await page.browser().get(address)
    assert answer.status_code == status
    assert "aaaaaaaaaa" not in answer.text


async def test_a_period_given_to_the_calendar_is_not_left_out(page: Page) -> None:
    answer = await page.browser().get("/calendar?period=2026-13")
    assert answer.headers["location"] == "/calendar/2026-13"


async def test_the_same_statement_of_an_overlapping_time_overlaps(page: Page) -> None:
    browser = await page.logged_in("operator")
    await write(browser, **correction("up"))
    again = await browser.post("/record/correct", {**correction("up", end="03:00:00"), "step": "write"})
    assert again.status_code == 400
    assert " overlaps #1 up" in again.text


async def test_what_was_entered_is_recorded_to_the_letter(page: Page) -> None:
    operator = await page.logged_in("operator")
    await write(operator, **correction("up", reason="真空\u3000漏れ\r\n\tcell 3", evidence="写真\u30007"))
    (said,) = load_corrections(page.configuration)
    assert (said.correction.reason, said.correction.evidence) == ("真空\u3000漏れ\n\tcell 3", "写真\u30007")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"reason": "字" * 4_001}, "the reason has 4,001 characters, more than the 4,000 that are recorded"),
        ({"evidence": "x" * 1_001}, "the evidence has 1,001 characters, more than the 1,000"),
        ({"reason": "bell \a"}, "the reason has a control character, U+0007, at position 6: remove it"),
    ],
)
@pytest.mark.parametrize("step", ["preview", "write"])
async def test_a_text_that_is_not_recorded_as_it_is_comes_back_uncut(
    page: Page, changes: dict[str, str], why: str, step: str
) -> None:
    operator = await page.logged_in("operator")
    answer = await operator.post("/record/correct", {**correction("up"), **changes, "step": step})
    assert answer.status_code == 400
    assert why in answer.text
    assert next(iter(changes.values())) in answer.text
    assert load_corrections(page.configuration) == []


async def test_the_reason_of_a_withdrawal_that_is_refused_comes_back(page: Page) -> None:
    engineer = await page.logged_in("engineer")
    await write(engineer, **correction("up"))
    times = {"start": f"{DAY} 02:00:00", "end": f"{DAY} 03:00:00"}
    await engineer.post("/record/incident", {**times, "system": "rf", "component": "klystron 2", "title": "arc"})
    for path in ("/record/withdraw", "/record/withdraw-incident"):
        answer = await engineer.post(path, {"id": "1", "reason": "字" * 4_001})
        assert answer.status_code == 400
        assert "the reason has 4,001 characters" in answer.text
        assert "字" * 4_001 in answer.text


async def test_a_long_text_is_folded_in_lists(page: Page) -> None:
    operator = await page.logged_in("operator")
    await write(operator, **correction("up", reason="x" * 1_200))
    await write(operator, **correction("up", start="05:00:00", end="05:10:00", reason="short"))
    shown = (await operator.get("/record")).text
    assert shown.count('<details class="long">') == 1
    assert "all 1,200 characters" in shown
    assert "x" * 1_200 in shown


def at(clock: str) -> str:
    return f"{DAY}T{clock}:00+09:00"


WHEN = f"{at('02:00')} ～ {at('03:30')}"
BROKEN = {
    "start": f"{DAY} 02:00:00", "end": f"{DAY} 03:00:00", "system": "rf", "component": "klystron 2",
    "title": "arc in the window",
}  # fmt: skip


async def test_a_refusal_is_in_japanese_and_in_local_time_for_a_japanese_reader(page: Page) -> None:
    manager = await page.logged_in("manager")
    await manager.get("/record?lang=ja")
    await write(manager, **correction("excluded", category="grid"))
    await write(manager, **correction("up"))

    async def refused(path: str, **fields: str) -> str:
        answer = await manager.post(path, {**fields, "step": "write"})
        assert answer.status_code == 400
        return html.unescape(answer.text)

    said = await refused("/record/correct", **correction("up", end="01:00:00"))
    assert f"訂正の終了は開始より後でなければなりません（{at('02:00')} ～ {at('01:00')}）" in said
    said = await refused("/record/correct", **correction("up", end="03:00:00"))
    assert f"は、manager が記録した訂正 #2「ビームあり」（{WHEN}）と時間が重なります" in said
    said = await refused("/record/correct", **correction("down"))
    assert f"「ビーム停止」（{WHEN}）は、manager が記録した訂正 #2「ビームあり」（{WHEN}）と矛盾します" in said
    said = await refused("/record/correct", **correction("up"))
    assert f"manager が記録した有効な訂正 #2「ビームあり」（{WHEN}）と同じ内容です" in said
    future = {"start": "2025-05-14 10:00:00", "end": "2025-05-14 11:00:00"}
    said = await refused("/record/correct", **{**correction("up"), **future})
    assert "2025-05-14T10:00:00+09:00 は未来の時刻です（現在 2025-05-14T09:00:00+09:00）" in said
    said = await refused("/record/correct", **{**correction("down"), "start": "2005-05-13 02:00:00"})
    assert f"2005-05-13T02:00:00+09:00 ～ {at('03:30')} は、1 件の訂正の上限である 10 年を超えています" in said
    said = await refused("/record/confirm", id="1", reason="")
    assert "訂正 #1 の記録者は manager です。manager ではなく、別の人が確認してください" in said
    assert "訂正 #99 はありません" in await refused("/record/withdraw", id="99", reason="no")

    said = await refused("/record/incident", **{**BROKEN, "end": f"{DAY} 01:00:00"})
    assert f"インシデントの終了は開始より後でなければなりません（{at('02:00')} ～ {at('01:00')}）" in said
    said = await refused("/record/incident", **{**BROKEN, "system": "RF"})
    assert "系統 'RF' は識別名になりません" in said
    said = await refused("/record/incident", **{**BROKEN, "title": ""})
    assert "インシデントには件名が必要です" in said
    said = await refused("/record/incident", **{**BROKEN, **future})
    assert "2025-05-14T10:00:00+09:00 は未来の時刻です" in said
    assert len(load_corrections(page.configuration)) == 2
    assert load_incidents(page.configuration) == []


async def test_a_program_is_answered_in_english_whatever_its_language(page: Page) -> None:
    answer = await page.browser().get("/api/v1/availability?period=2025-13", **{"Accept-Language": "ja"})
    assert answer.json()["error"]["message"] == "period '2025-13' does not exist: check its year, month and day"
    shown = await page.browser().get("/history?period=2025-13", **{"Accept-Language": "ja"})
    assert "期間 '2025-13' は存在しません。年、月、日を確かめてください" in html.unescape(shown.text)


async def test_the_history_names_the_cause_of_an_exclusion_in_words(staffed: Path) -> None:
    async with open_page(staffed) as page:
        operator, manager = await page.logged_in("operator"), await page.logged_in("manager")
        await write(operator, **correction("excluded", category="grid"))
        assert (await manager.post("/record/confirm", {"id": "1", "reason": ""})).status_code == 303
        address = f"/history/events?period={DAY}"
        assert "excluded: power grid" in (await operator.get(address)).text
        assert "除外: 商用電力" in (await operator.get(address, **{"Accept-Language": "ja"})).text
