"""Shift handover: filled in, signed, frozen, countersigned, found again; calendar and reports beside it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facility.handovers import Handover
from facility.time import parse_time
from kado.journal import open_people
from kado.queries.shift import digest_of, load_handovers
from page_clients import Page, open_page

pytestmark = pytest.mark.blocking("the record is read in the test itself")

AT = "2025-05-12T17:00:00Z"
"""In the night shift of 13 May, which has no beam from 02:00 to 03:30."""


@pytest.fixture
async def page(staffed: Path) -> AsyncIterator[Page]:
    async with open_page(staffed, clock=lambda: parse_time("2025-05-13T08:10:00+09:00")) as opened:
        yield opened


async def test_it_is_filled_in_by_kado(page: Page) -> None:
    document = (await page.browser().get(f"/shift.json?at={AT}")).json()
    assert document["shift"] == {
        "name": {"en": "night", "ja": "夜勤"},
        "start": "2025-05-13T00:00:00+09:00",
        "end": "2025-05-13T08:00:00+09:00",
    }
    assert (document["beam"]["user_time_s"], document["beam"]["no_beam_s"]) == (28_800, 5_400)
    assert [e["kind"] for e in document["events"]] == ["no_beam"]
    assert len(document["open_questions"]["outages"]) == 1
    shown = (await page.browser().get(f"/shift?at={AT}")).text
    assert "no beam, 05-13 02:00 to 03:30, 1:30:00 of user time" in shown
    assert "not handed over" in shown
    assert "The shift before (night) was not handed over." in (await page.browser().get("/shift")).text


async def test_what_is_signed_stays_as_it_was_and_the_next_one_countersigns(page: Page) -> None:
    operator = await page.logged_in("operator")
    assert (await operator.post("/shift/remark", {"at": AT, "text": "vacuum high\nin cell 3"})).status_code == 303
    answer = await operator.post("/shift/sign", {"at": AT, "remarks": "quiet <b>otherwise</b>"})
    assert answer.status_code == 303
    (signed,) = load_handovers(page.configuration)
    assert (signed.author, signed.digest) == ("operator", digest_of(signed.document))
    up = {"assertion": "up", "start": "2025-05-13 02:00:00", "end": "2025-05-13 03:30:00", "reason": "log"}
    assert (await operator.post("/record/correct", {**up, "step": "write"})).status_code == 303
    shown = (await operator.get(f"/shift?at={AT}")).text
    assert "no beam, 05-13 02:00 to 03:30" in shown
    assert "quiet &lt;b&gt;otherwise&lt;/b&gt;" in shown
    own = await operator.post("/shift/countersign", {"at": AT, "id": "1"})
    assert own.status_code == 400
    assert "another person must countersign it" in own.text
    engineer = await page.logged_in("engineer")
    assert "awaits the signature of this shift" in (await engineer.get("/shift")).text
    assert (await engineer.post("/shift/countersign", {"at": AT, "id": "1", "remark": "read"})).status_code == 303
    assert "countersigned" in (await engineer.get(f"/shift.md?at={AT}")).text
    again = await engineer.post("/shift/sign", {"at": AT, "remarks": ""})
    assert again.status_code == 400
    assert "was handed over already, by operator" in again.text
    assert len(load_handovers(page.configuration)) == 1


async def test_earlier_ones_are_listed_and_searched(page: Page) -> None:
    operator = await page.logged_in("operator")
    await operator.post("/shift/sign", {"at": AT, "remarks": "Vacuum of cell 3"})
    await operator.post("/shift/sign", {"at": "2025-05-12T13:00:00Z", "remarks": "calm"})
    assert (await operator.get("/shift/list")).text.count('scope="row"') == 2
    assert (await operator.get("/shift/list?q=vacuum+CELL")).text.count('scope="row"') == 1
    assert "No handover holds klystron." in (await operator.get("/shift/list?q=klystron")).text


async def test_a_shift_that_has_not_begun_is_not_there(page: Page) -> None:
    operator = await page.logged_in("operator")
    assert (await operator.get("/shift?at=2025-05-14T17:00:00Z")).status_code == 404
    answer = await operator.post("/shift/sign", {"at": "2025-05-14T17:00:00Z", "remarks": ""})
    assert (answer.status_code, load_handovers(page.configuration)) == (404, [])


async def test_as_markdown_it_takes_no_markup_of_people(page: Page) -> None:
    operator = await page.logged_in("operator")
    await operator.post("/shift/remark", {"at": AT, "text": "# heading\n[x](http://evil) <b>"})
    text = (await operator.get(f"/shift.md?at={AT}")).text
    assert "\\# heading \\[x\\](http://evil) \\<b\\>" in text
    assert "- No beam: 1:30:00" in text


UNPLANNED = "2025-05-10T17:00:00Z"
"""In a shift for which nothing is scheduled."""


async def test_why_a_shift_has_no_figure_is_said_in_the_language_of_the_reader(page: Page) -> None:
    operator = await page.logged_in("operator")
    shown = await operator.get(f"/shift.json?at={UNPLANNED}")
    assert shown.json()["no_figure"].startswith("facility ring has no schedule for 2025-05-11T00:00:00")
    english, japanese = "has no schedule for", "の運転計画がありません"
    for signed in (False, True):
        if signed:
            answer = await operator.post("/shift/sign", {"at": UNPLANNED, "remarks": ""})
            assert answer.status_code == 303
        for view in ("/shift", "/shift.md"):
            ja = (await operator.get(f"{view}?at={UNPLANNED}&lang=ja")).text
            assert (japanese in ja, english in ja) == (True, False)
            en = (await operator.get(f"{view}?at={UNPLANNED}&lang=en")).text
            assert (japanese in en, english in en) == (False, True)
    (handover,) = load_handovers(page.configuration)
    assert handover.digest == digest_of(handover.document)


async def test_a_handover_of_an_older_kado_is_shown_with_its_reason_as_it_was_signed(page: Page) -> None:
    document = (await page.browser().get(f"/shift.json?at={UNPLANNED}")).json()
    for name in ("no_figure_sentence", "handover", "previous"):
        del document[name]
    start, end = (parse_time(document["shift"][name]) for name in ("start", "end"))
    with open_people(page.configuration) as people:
        people.sign(Handover(0, start, end, "operator", "", 0, digest_of(document), document))
    page.app.state.context.reader.forget()
    ja = (await page.browser().get(f"/shift?at={UNPLANNED}&lang=ja")).text
    assert "集計値はありません。英語での記録: facility ring has no schedule for" in ja
    en = (await page.browser().get(f"/shift.md?at={UNPLANNED}&lang=en")).text
    assert "\nfacility ring has no schedule for" in en


async def test_a_countersigner_adds_no_markup_to_markdown(page: Page) -> None:
    operator, engineer = await page.logged_in("operator"), await page.logged_in("engineer")
    await operator.post("/shift/sign", {"at": AT, "remarks": ""})
    await engineer.post("/shift/countersign", {"at": AT, "id": "1", "remark": "[x](http://evil)\n# read"})
    assert ": \\[x\\](http://evil) \\# read\n" in (await engineer.get(f"/shift.md?at={AT}")).text


async def test_the_calendar_gives_each_day_what_was_planned_and_what_came_of_it(page: Page) -> None:
    shown = (await page.browser().get("/calendar/2025-05")).text
    assert 'aria-label="user time 24.00 h, lost 1.50 h, unknown' in shown
    assert "no user time: unscheduled" in shown
    year = (await page.browser().get("/calendar/FY2025")).text
    assert year.count('class="card small-month"') == 12
    assert (await page.browser().get("/calendar/2025-05-13")).status_code == 400
    assert (await page.browser().get("/calendar/nonsense")).status_code == 400


async def test_reports_are_made_and_only_a_manager_issues_them(page: Page) -> None:
    engineer = await page.logged_in("engineer")
    made = await engineer.get("/reports/make?period=2025-05-12&format=json")
    assert made.status_code == 200
    assert made.json()["period"]["id"] == "2025-05-12"
    assert 'attachment; filename="ring_2025-05-12_en.json"' in made.headers["content-disposition"]
    assert (await engineer.post("/reports/issue", {"period": "2025-05-12"})).status_code == 403
    manager = await page.logged_in("manager")
    assert (await manager.post("/reports/issue", {"period": "2025-05-12"})).status_code == 303
    shown = (await manager.get("/reports")).text
    assert "2025-05-12" in shown
    assert "<td>manager</td>" in shown
    again = await manager.post("/reports/issue", {"period": "2025-05-12"})
    assert again.status_code == 400
    assert "states the same figures" in again.text
    assert (await manager.get("/reports/draft/..%2fjournal")).status_code == 404


async def test_an_exclusion_of_another_time_is_no_question_of_the_shift(page: Page) -> None:
    operator = await page.logged_in("operator")
    excluded = {"assertion": "excluded", "category": "grid", "reason": "dip", "step": "write"}
    for start, end in (("2025-05-13 02:00:00", "2025-05-13 03:30:00"), ("2025-05-12 12:00:00", "2025-05-12 13:00:00")):
        assert (await operator.post("/record/correct", {**excluded, "start": start, "end": end})).status_code == 303
    document = (await operator.get(f"/shift.json?at={AT}")).json()
    assert [c["id"] for c in document["open_questions"]["exclusions"]] == [1]
    shown = (await operator.get(f"/shift?at={AT}")).text
    assert "exclusion #1 awaits confirmation" in shown
    assert "exclusion #2 awaits confirmation" not in shown
    # Where exclusions are confirmed, all of them are listed.
    record = (await operator.get("/record?period=2025-05-13")).text
    assert "Exclusions of other times that another person has to confirm" in record
    assert record.count("2025-05-12 12:00:00 to 2025-05-12 13:00:00") == 2


async def test_success_is_shown_once_after_the_action_and_never_by_address(page: Page) -> None:
    operator, engineer = await page.logged_in("operator"), await page.logged_in("engineer")
    steps = (
        (operator, "/shift/remark", {"text": "vacuum high"}, "The remark was recorded."),
        (operator, "/shift/sign", {"remarks": ""}, "The shift was handed over."),
        (engineer, "/shift/countersign", {"id": "1"}, "The handover was countersigned."),
    )
    for browser, path, fields, said in steps:
        what = path.rpartition("/")[2]
        assert said not in (await browser.get(f"/shift?at={AT}&done={what}")).text
        assert (await browser.post(path, {"at": AT, **fields})).status_code == 303
        assert said in (await browser.get(f"/shift?at={AT}")).text
        assert said not in (await browser.get(f"/shift?at={AT}")).text
