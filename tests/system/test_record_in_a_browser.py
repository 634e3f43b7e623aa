"""By clicking, in a real Chromium: an injected beam dump is explained, excluded, confirmed, and handed over."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from analytics.segments import Rule
from facility.accounts import Role
from kado.config import load_configuration
from kado.page.access.passwords import hash_password
from kado.service.accounts import add_account, remove_account
from page_service import PATIENCE_MS, RunningPage, chromium, simulated_page

expect.set_options(timeout=PATIENCE_MS)

PASSWORD = "correct horse"
SHOTS = Path(os.environ["KADO_SCREENSHOTS"]) if os.environ.get("KADO_SCREENSHOTS") else None
DAY = "2025-04-16"
"""A day in user time of the simulated year."""
VIEWS = ("/record", "/shift", "/shift/list", "/calendar", "/calendar/FY2026", "/reports", "/simulator", "/login")


def make_people(folder: Path) -> None:
    configuration, hashed = load_configuration(folder / "kado.toml"), hash_password(PASSWORD)
    for name, role in (
        ("sato", Role.OPERATOR),
        ("kato", Role.OPERATOR),
        ("abe", Role.ENGINEER),
        ("mori", Role.MANAGER),
    ):
        add_account(configuration, name, role, hashed, "root")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPage]:
    with simulated_page(tmp_path_factory.mktemp("record"), f"{DAY}T09:00:00+09:00", 300.0) as found:
        # The browser's own event loop runs in this thread, where nothing may block.
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(make_people, found.folder).result()
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def log_in(browser: Browser, service: RunningPage, name: str, *, language: str = "en") -> Page:
    context = browser.new_context(base_url=service.url, viewport={"width": 1440, "height": 900}, locale=language)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto("/login?next=/record")
    page.get_by_label("Name" if language == "en" else "名前").fill(name)
    page.get_by_label("Password" if language == "en" else "パスワード").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def shot(page: Page, name: str) -> None:
    if SHOTS is not None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def test_an_injected_dump_is_explained_excluded_confirmed_and_handed_over_by_clicking(
    browser: Browser, service: RunningPage
) -> None:
    def beam() -> float:
        value = service.get("now")["delivery"]["value"]
        return float("nan") if value is None else value

    service.wait(lambda: beam() >= 199)
    abe = log_in(browser, service, "abe")
    abe.get_by_role("link", name="Simulator").click()
    abe.get_by_label("Effect").select_option("beam_dump")
    abe.get_by_label("Duration").fill("30min")
    abe.get_by_label("Cause").fill("rf")
    abe.get_by_role("button", name="Inject").click()
    expect(abe.get_by_text("The fault was injected.")).to_be_visible()
    expect(abe.locator("section", has_text="What was done").locator("td", has_text="beam_dump")).to_have_count(1)
    shot(abe, "simulator-injected")
    service.wait(lambda: beam() < 1)
    service.wait(lambda: beam() >= 199)

    sato = log_in(browser, service, "sato")
    assert sato.get_by_role("link", name="Simulator").count() == 0
    sato.get_by_role("link", name="History").click()
    sato.get_by_role("textbox", name="Period").fill(DAY)
    sato.get_by_role("button", name="Show", exact=True).click()
    event = sato.locator(".events tr.link").filter(has_text="no beam").first
    expect(event).to_contain_text("no beam")
    event.get_by_role("link").click()
    panel = sato.locator("#explained")
    expect(panel).to_contain_text(Rule.BELOW.value)
    shot(sato, "dump-explained")
    panel.get_by_role("link", name="Correct this interval").click()
    sato.get_by_label("Statement").select_option("excluded")
    sato.get_by_label("Where the cause lay").select_option("grid")
    sato.locator("#correct").get_by_label("Reason").fill("grid dip <b>")
    shot(sato, "record-form")
    sato.get_by_role("button", name="Show what it will do").click()
    expect(sato.locator(".headline")).to_contain_text("failures")
    expect(sato.get_by_text("An exclusion counts when another person has confirmed it")).to_be_visible()
    expect(sato.locator("tr[data-definition]")).to_have_count(0)
    assert sato.locator("table.effects tbody tr").count() >= 8
    shot(sato, "record-preview")
    assert service.get("corrections")["corrections"] == []
    sato.get_by_role("button", name="Write it").click()
    expect(sato.get_by_text("It was recorded.")).to_be_visible()
    expect(sato.locator("#c1")).to_contain_text("grid dip <b>")
    assert sato.get_by_role("link", name=re.compile("^Confirm")).count() == 0

    mori = log_in(browser, service, "mori")
    mori.get_by_role("link", name=re.compile("^Confirm")).first.click()
    expect(mori.get_by_role("heading", name="What will change")).to_be_visible()
    mori.get_by_role("button", name="Confirm").click()
    expect(mori.get_by_text("It was confirmed, and counts from now on.")).to_be_visible()
    (correction,) = service.get("corrections")["corrections"]
    assert (correction["author"], correction["confirmed"]["author"]) == ("sato", "mori")
    shot(mori, "record-confirmed")

    sato.goto(f"/shift?at={DAY}T12:00:00%2B09:00")
    expect(sato.locator("main")).to_contain_text("#1 excluded")
    sato.get_by_label("Closing remark").fill("one grid dip, otherwise quiet")
    sato.get_by_role("button", name="Sign as sato").click()
    expect(sato.get_by_text("The shift was handed over.")).to_be_visible()
    assert sato.get_by_role("button", name=re.compile("Countersign")).count() == 0

    kato = log_in(browser, service, "kato")
    kato.goto("/shift/list")
    kato.locator("tbody a").first.click()
    kato.get_by_role("button", name="Countersign as kato").click()
    expect(kato.get_by_text("The handover was countersigned.")).to_be_visible()
    shot(kato, "shift-countersigned")
    (handed,) = service.get("handovers")["handovers"]
    assert (handed["handover"]["signed_by"], handed["handover"]["countersigned"]["by"]) == ("sato", "kato")
    if SHOTS is not None:
        kato.pdf(path=str(SHOTS / "shift.pdf"), prefer_css_page_size=True)


def test_a_double_click_writes_once(browser: Browser, service: RunningPage) -> None:
    sato = log_in(browser, service, "sato")
    sato.goto(f"/shift?at={DAY}T02:00:00%2B09:00")
    sato.get_by_label("What the next shift should know").fill("vacuum a little high")
    sato.get_by_role("button", name="Add the remark").dblclick()
    expect(sato.get_by_text("The remark was recorded.")).to_be_visible()
    sato.get_by_label("What the next shift should know").fill("vacuum back")
    sato.get_by_role("button", name="Add the remark").click()
    expect(sato.locator(".remarks li")).to_have_count(2)
    expect(sato.locator(".remarks li").last).to_contain_text("vacuum back")


def test_an_injected_fault_is_repaired_and_a_report_issued_each_said_once(
    browser: Browser, service: RunningPage
) -> None:
    abe = log_in(browser, service, "abe", language="ja")
    abe.goto("/simulator")
    abe.get_by_label("障害の内容").select_option("beam_dump")
    abe.get_by_role("button", name="注入する").click()
    injected, repaired = abe.get_by_text("障害を注入しました"), abe.get_by_text("障害を復旧しました")
    expect(injected).to_be_visible()
    shot(abe, "simulator-injected-ja")
    abe.get_by_role("button", name="beam_dump を復旧する").click()
    expect(repaired).to_be_visible()
    expect(injected).to_be_hidden()
    abe.reload()
    expect(repaired).to_be_hidden()

    mori = log_in(browser, service, "mori")
    mori.goto("/reports")
    issuing = mori.locator("form[action='/reports/issue']")
    issuing.get_by_label("Period").fill("1999-01")
    issuing.get_by_role("button", name="Issue").click()
    expect(mori.get_by_role("alert")).to_contain_text("1999-01")
    issuing.get_by_label("Period").fill(DAY)
    issuing.get_by_role("button", name="Issue").click()
    expect(mori.get_by_role("status").filter(has_text=f"The report of {DAY} was issued.")).to_be_visible()
    expect(mori.locator("section", has_text="Issued by").locator("tbody tr")).to_have_count(1)
    shot(mori, "reports-issued")
    mori.reload()
    expect(mori.get_by_text("was issued.")).to_be_hidden()


def test_a_handover_prints_on_one_a4(browser: Browser, service: RunningPage, tmp_path: Path) -> None:
    page = log_in(browser, service, "kato", language="ja")
    page.goto("/shift")
    path = tmp_path / "shift.pdf"
    page.pdf(path=str(path), prefer_css_page_size=True)
    content = path.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1
    assert re.search(rb"/MediaBox\s*\[\s*0 0 59[45]\.\d+ 84[12]\.\d+", content)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_each_view_is_accessible_and_fits_a_narrow_screen(
    browser: Browser, service: RunningPage, language: str, theme: str
) -> None:
    page = log_in(browser, service, "mori", language=language)
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    for view in VIEWS:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(view)
        expect(page.locator("html")).to_have_attribute("lang", language)
        found = Axe().run(page)
        serious = [v for v in found.response["violations"] if v["impact"] in ("serious", "critical")]
        assert [(v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in serious] == [], view
        shot(page, f"{view.strip('/').replace('/', '-')}-{language}-{theme}")
        if language == "ja":
            english = re.findall(r"\b(?:the|since|until|no beam|unknown|availability|shift)\b", page.inner_text("main"))
            assert english == [], view
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
        if theme == "light":
            shot(page, f"{view.strip('/').replace('/', '-')}-{language}-390")


def test_an_open_page_ends_with_the_account_of_its_reader(browser: Browser, service: RunningPage) -> None:
    def account(*, there: bool) -> None:
        configuration = load_configuration(service.folder / "kado.toml")
        if there:
            add_account(configuration, "tanaka", Role.OPERATOR, hash_password(PASSWORD), "root")
        else:
            remove_account(configuration, "tanaka", "root")

    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(account, there=True).result()
        page = log_in(browser, service, "tanaka")
        page.goto("/")
        expect(page.locator(".clock")).not_to_have_text(page.locator(".clock").inner_text())
        expect(page.locator("#ended")).to_be_hidden()
        elsewhere.submit(account, there=False).result()
    expect(page.locator("#ended")).to_be_visible()
    shot(page, "session-ended")
    # In a tab of its own: what stands half written in a form of this one stays.
    with page.expect_popup() as opened:
        page.locator("#ended").get_by_role("link", name="Log in").click()
    expect(opened.value.get_by_label("Password")).to_be_visible()


def test_what_was_entered_when_the_session_ended_is_sent_again_after_the_next_log_in(
    browser: Browser, service: RunningPage
) -> None:
    page = log_in(browser, service, "sato")
    page.goto(f"/shift?at={DAY}T06:00:00%2B09:00")
    page.get_by_label("What the next shift should know").fill("ion pump 7 replaced")
    page.context.clear_cookies()
    page.get_by_role("button", name="Add the remark").click()
    expect(page.get_by_text("What you entered is kept in this tab")).to_be_visible()
    with page.expect_popup() as opened:
        page.locator("main").get_by_role("link", name="Log in").click()
    login = opened.value
    login.get_by_label("Name").fill("sato")
    login.get_by_label("Password").fill(PASSWORD)
    login.keyboard.press("Enter")
    login.wait_for_url(lambda url: "/login" not in url)
    page.reload()
    expect(page.locator(".remarks")).to_contain_text("ion pump 7 replaced")
