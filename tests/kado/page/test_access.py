"""Who may read and write on the page: each refusal is answered clearly, logged, and leaves the record as it was."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from facility.accounts import Role
from kado.page.access.attempts import Attempts
from kado.page.access.bodies import BodyLimitMiddleware
from kado.page.access.gate import answer_refusal
from kado.page.access.sessions import COOKIE
from kado.page.access.visitor import RefusedError
from kado.page_settings import PageSettings, ProxySettings
from kado.queries.corrections import load_corrections
from kado.service.accounts import change_role, remove_account
from page_clients import Browser, Page, open_page
from seeded_ring import DAY

pytestmark = pytest.mark.blocking("accounts are made and the record is read in the test itself")

UP = {
    "assertion": "up",
    "start": f"{DAY}T05:00:00",
    "end": f"{DAY}T05:20:00",
    "reason": "logbook",
    "evidence": "",
    "step": "write",
}


@pytest.fixture
async def page(staffed: Path) -> AsyncIterator[Page]:
    async with open_page(staffed) as opened:
        yield opened


def recorded(page: Page) -> int:
    return len(load_corrections(page.configuration))


@pytest.fixture
def refusals(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, "kado.page.access"):
        yield caplog


class TestWithoutAccounts:
    async def test_somebody_on_this_machine_reads_and_cannot_write(self, folder: Path) -> None:
        async with open_page(folder) as page:
            browser = page.browser()
            assert (await browser.get("/record")).status_code == 200
            answer = await browser.post("/record/correct", UP)
            assert answer.status_code == 401
            assert "kado user add NAME --role operator" in answer.text
            assert recorded(page) == 0

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
    async def test_what_comes_through_a_proxy_that_is_not_named_is_not_of_this_machine(
        self, folder: Path, header: str
    ) -> None:
        async with open_page(folder) as page:
            answer = await page.browser().get("/api/v1/corrections", **{header: "10.0.0.7"})
            assert answer.status_code == 401

    async def test_a_foreign_name_that_points_here_is_refused(
        self, folder: Path, refusals: pytest.LogCaptureFixture
    ) -> None:
        async with open_page(folder) as page:
            answer = await page.browser().get("/record", Host="evil.example.org")
            assert answer.status_code == 421
            assert "is not in page.hosts" in refusals.text


class TestWriting:
    async def test_an_operator_writes(self, page: Page) -> None:
        browser = await page.logged_in("operator")
        assert (await browser.post("/record/correct", UP)).status_code == 303
        assert recorded(page) == 1

    async def test_without_an_account_nothing_is_written(self, page: Page, refusals: pytest.LogCaptureFixture) -> None:
        answer = await page.browser().post("/record/correct", UP)
        assert (answer.status_code, recorded(page)) == (401, 0)
        assert "Log in to do this." in answer.text
        assert "refused 401: POST /record/correct by ? from 127.0.0.1: not logged in" in refusals.text

    async def test_a_viewer_cannot_correct(self, page: Page, refusals: pytest.LogCaptureFixture) -> None:
        browser = await page.logged_in("viewer")
        answer = await browser.post("/record/correct", UP)
        assert (answer.status_code, recorded(page)) == (403, 0)
        assert "viewer is viewer; this needs operator." in answer.text
        assert "by viewer from 127.0.0.1: role viewer, needs operator" in refusals.text

    @pytest.mark.parametrize(
        ("role", "path"),
        [
            ("operator", "/record/withdraw"),
            ("operator", "/record/withdraw-incident"),
            ("engineer", "/record/confirm"),
            ("operator", "/simulator/inject"),
            ("operator", "/simulator/repair"),
            ("viewer", "/record/incident"),
            ("viewer", "/shift/sign"),
            ("viewer", "/shift/remark"),
            ("viewer", "/shift/countersign"),
            ("engineer", "/reports/issue"),
        ],
    )
    async def test_each_action_asks_for_its_role(self, page: Page, role: str, path: str) -> None:
        browser = await page.logged_in(role)
        answer = await browser.post(path, {"id": "1", "reason": "no", "text": "no"})
        assert answer.status_code == 403
        assert "this needs" in answer.text

    async def test_what_is_broken_in_a_simulator_is_shown_to_engineers_alone(self, page: Page) -> None:
        trainee, engineer = await page.logged_in("operator"), await page.logged_in("engineer")
        assert (await trainee.get("/simulator")).status_code == 403
        assert "/simulator" not in (await trainee.get("/record")).text
        shown = await engineer.get("/simulator")
        assert shown.status_code == 200
        assert "No simulator runs on the data of this kado" in shown.text
        answer = await engineer.post("/simulator/inject", {"effect": "beam_dump", "length": "10min"})
        assert answer.status_code == 400
        assert "no simulator runs on" in answer.text

    async def test_a_length_that_is_none_is_refused_with_the_words_of_the_command(self, page: Page) -> None:
        engineer = await page.logged_in("engineer")
        answer = await engineer.post("/simulator/inject", {"effect": "beam_dump", "length": "soon"})
        assert answer.status_code == 400
        assert "is not a length of time: write 90s, 20min, 2h or 1d" in answer.text

    @pytest.mark.parametrize(
        ("origin", "site"),
        [
            ("https://evil.example.org", None),
            ("http://127.0.0.1:8421", None),
            ("null", None),
            (None, None),
            ("http://127.0.0.1:8420", "cross-site"),
            ("http://127.0.0.1:8420", "same-site"),
        ],
    )
    async def test_across_origins_nothing_is_written(
        self, page: Page, refusals: pytest.LogCaptureFixture, origin: str | None, site: str | None
    ) -> None:
        browser = await page.logged_in("operator")
        headers = {} if site is None else {"Sec-Fetch-Site": site}
        answer = await browser.post("/record/correct", UP, origin=origin, **headers)
        assert (answer.status_code, recorded(page)) == (403, 0)
        assert "not sent from a page of kado" in answer.text
        assert "by operator from 127.0.0.1: origin" in refusals.text

    async def test_a_session_cookie_is_kept_from_scripts_and_other_sites(self, page: Page) -> None:
        cookie = (await page.browser().log_in("operator")).headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        assert "httponly" in cookie.lower()
        assert "samesite=strict" in cookie.lower()


class TestStaleSessions:
    async def refused(self, page: Page, browser: Browser) -> str:
        answer = await browser.post("/record/correct", UP)
        assert (answer.status_code, recorded(page)) == (401, 0)
        return answer.text

    async def test_one_that_expired_writes_nothing(self, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
        cookie = (await page.logged_in("operator")).client.cookies[COOKIE]
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 12 * 3600 + 1)
        browser = page.browser()
        browser.client.cookies.set(COOKIE, cookie)
        assert "Your session has ended: log in again." in await self.refused(page, browser)

    async def test_one_ends_with_its_account(self, page: Page) -> None:
        browser = await page.logged_in("operator")
        remove_account(page.configuration, "operator", "root")
        assert "session has ended" in await self.refused(page, browser)

    async def test_one_ends_with_a_change_of_role(self, page: Page) -> None:
        browser = await page.logged_in("manager")
        change_role(page.configuration, "manager", Role.VIEWER, "root")
        assert "session has ended" in await self.refused(page, browser)

    async def test_one_that_was_copied_ends_with_the_log_out(self, page: Page) -> None:
        browser = await page.logged_in("operator")
        copied = browser.client.cookies[COOKIE]
        assert (await browser.post("/logout")).status_code == 303
        thief = page.browser()
        thief.client.cookies.set(COOKIE, copied)
        assert "session has ended" in await self.refused(page, thief)

    @pytest.mark.parametrize("cookie", ["x", "WyJtYW5hZ2VyIiwxLDEuMCwieCJd.abc", "." * 500])
    async def test_one_that_kado_did_not_make_is_none(self, page: Page, cookie: str) -> None:
        browser = page.browser()
        browser.client.cookies.set(COOKIE, cookie)
        assert "session has ended" in await self.refused(page, browser)

    async def test_reading_goes_on_and_the_cookie_is_taken_back(self, page: Page) -> None:
        browser = page.browser()
        browser.client.cookies.set(COOKIE, "x")
        answer = await browser.get("/record")
        assert answer.status_code == 200
        assert "Max-Age=0" in answer.headers["set-cookie"]

    async def test_sessions_outlive_a_restart_and_the_secret_is_the_owners_alone(self, staffed: Path) -> None:
        async with open_page(staffed) as page:
            cookie = (await page.logged_in("operator")).client.cookies[COOKIE]
        assert (staffed / "data" / "page.secret").stat().st_mode & 0o777 == 0o600
        async with open_page(staffed) as page:
            browser = page.browser()
            browser.client.cookies.set(COOKIE, cookie)
            assert (await browser.post("/record/correct", UP)).status_code == 303


class TestGuessing:
    async def test_ten_thousand_guesses_are_hashed_a_few_times_and_the_account_holds(
        self, page: Page, refusals: pytest.LogCaptureFixture
    ) -> None:
        access = page.app.state.access
        hashed = access.logging_in.hashed
        guesser = page.browser("10.0.0.7")
        statuses: dict[int, int] = {}
        for n in range(10_000):
            status = (await guesser.post("/login", {"name": "manager", "password": f"guess {n}"})).status_code
            statuses[status] = statuses.get(status, 0) + 1
        assert statuses == {401: 5, 429: 9_995}
        assert access.logging_in.hashed - hashed == 5
        assert "too many failures by account and address" in refusals.text
        assert (await page.browser("10.0.0.8").log_in("manager")).status_code == 303

    def test_guesses_from_many_addresses_are_limited_by_the_account(self) -> None:
        attempts = Attempts()
        looked_at = 0
        for n in range(10_000):
            if attempts.limit("manager", f"10.{n // 250}.{n % 250}.7", n * 0.01) is None:
                looked_at += 1
                attempts.failed("manager", f"10.{n // 250}.{n % 250}.7", n * 0.01)
        assert looked_at == 50

    def test_names_that_are_tried_from_one_address_are_limited_by_the_address(self) -> None:
        attempts = Attempts()
        looked_at = 0
        for n in range(10_000):
            if attempts.limit(f"name{n}", "10.0.0.7", n * 0.01) is None:
                looked_at += 1
                attempts.failed(f"name{n}", "10.0.0.7", n * 0.01)
        assert looked_at == 20

    def test_who_waits_may_try_again_and_old_failures_are_forgotten(self) -> None:
        attempts = Attempts()
        for n in range(5):
            attempts.failed("manager", "10.0.0.7", float(n))
        limit = attempts.limit("Manager", "10.0.0.7", 10.0)
        assert limit is not None
        assert limit.wait_s == 900 - 10.0
        assert attempts.limit("manager", "10.0.0.7", 901.0) is None
        for n in range(50_000):
            attempts.failed(f"name{n}", f"address{n}", 2_000.0)
        assert len(attempts) <= 20_000

    async def test_a_wrong_name_and_a_wrong_password_have_one_answer(self, page: Page) -> None:
        answers = [await page.browser().log_in(name, "guess") for name in ("manager", "nobody")]
        assert [a.status_code for a in answers] == [401, 401]
        assert all("Name or password is wrong." in a.text for a in answers)


class TestBodiesAndPaths:
    async def test_a_body_of_a_gigabyte_is_refused_before_it_is_read(self, page: Page) -> None:
        browser = await page.logged_in("operator")
        answer = await browser.client.post(
            "/record/correct", content=b"x", headers={"Content-Length": str(1 << 30), "Origin": "http://127.0.0.1:8420"}
        )
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert "at most 262,144 bytes" in answer.text
        assert recorded(page) == 0

    async def test_a_body_without_a_stated_length_is_cut_off(self, page: Page) -> None:
        browser = await page.logged_in("operator")
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 1 << 30:
                sent += 65_536
                yield b"a" * 65_536

        answer = await browser.client.post(
            "/record/correct",
            content=endless(),
            headers={"Origin": "http://127.0.0.1:8420", "Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 413
        assert sent < 1_000_000
        assert recorded(page) == 0

    async def test_a_body_that_comes_too_slowly_is_given_up(
        self, refusals: pytest.LogCaptureFixture, page: Page
    ) -> None:
        sent: list[Any] = []

        async def never() -> Any:
            await asyncio.sleep(60)

        async def send(message: Any) -> None:
            sent.append(message)

        async def read_all(scope: Any, receive: Any, send: Any) -> None:
            try:
                await receive()
            except RefusedError as error:
                await answer_refusal(Request(scope), error)(scope, receive, send)

        scope = {
            "type": "http", "method": "POST", "path": "/record/correct", "query_string": b"", "app": page.app,
            "headers": [(b"content-length", b"10")], "client": ("10.0.0.7", 1), "server": ("127.0.0.1", 8420),
            "scheme": "http", "http_version": "1.1", "root_path": "", "state": {},
        }  # fmt: skip
        await BodyLimitMiddleware(read_all, body_s=0.1)(scope, never, send)
        assert sent[0]["status"] == 408
        assert "body not complete after 0.1 s" in refusals.text
        assert recorded(page) == 0

    @pytest.mark.parametrize(
        "path",
        [
            "/static/../../../../etc/passwd",
            "/static/x/..%2f..%2fapplication.py",
            "/static/x/%2e%2e/%2e%2e/application.py",
            "/reports/file/..%2fjournal.db",
            "/reports/file/%2e%2e%2fpage.secret",
            "/shift/..%2f..%2fkado.toml",
        ],
    )
    async def test_no_path_leads_out_of_what_is_served(self, page: Page, path: str) -> None:
        answer = await page.browser().get(path)
        assert answer.status_code in (200, 400, 404)
        for content in ("root:", "SQLite format", "data_dir", "def build_page"):
            assert content not in answer.text

    async def test_the_way_back_after_a_log_in_stays_on_this_page(self, page: Page) -> None:
        answer = await page.browser().post(
            "/login", {"name": "viewer", "password": "correct horse", "next": "//evil.example.org/x"}
        )
        assert answer.headers["location"] == "/"


PROXY = ProxySettings(addresses=("10.0.0.1",), user_header="X-Remote-User")


class TestProxy:
    async def test_it_names_the_user_and_the_account_has_the_role(self, staffed: Path) -> None:
        async with open_page(staffed, PageSettings(proxy=PROXY)) as page:
            browser = page.browser("10.0.0.1")
            answer = await browser.post("/record/correct", UP, **{"X-Remote-User": "operator"})
            assert answer.status_code == 303
            assert load_corrections(page.configuration)[0].correction.author == "operator"

    async def test_the_header_from_another_address_is_refused(
        self, staffed: Path, refusals: pytest.LogCaptureFixture
    ) -> None:
        async with open_page(staffed, PageSettings(proxy=PROXY)) as page:
            for address in ("10.0.0.2", "127.0.0.1"):
                answer = await page.browser(address).post("/record/correct", UP, **{"X-Remote-User": "operator"})
                assert answer.status_code == 403
                assert "Only the proxy may state the name of the user." in answer.text
            assert recorded(page) == 0
            assert "header X-Remote-User from 10.0.0.2" in refusals.text

    async def test_a_user_without_an_account_has_the_default_role_or_none(self, staffed: Path) -> None:
        async with open_page(staffed, PageSettings(proxy=PROXY)) as page:
            answer = await page.browser("10.0.0.1").get("/record", **{"X-Remote-User": "stranger"})
            assert answer.status_code == 403
        viewers = PageSettings(proxy=PROXY.model_copy(update={"default_role": "viewer"}))
        async with open_page(staffed, viewers) as page:
            browser = page.browser("10.0.0.1")
            assert (await browser.get("/record", **{"X-Remote-User": "stranger"})).status_code == 200
            refused = await browser.post("/record/correct", UP, **{"X-Remote-User": "stranger"})
            assert (refused.status_code, recorded(page)) == (403, 0)

    async def test_a_long_name_is_recorded_whole_and_one_that_is_no_name_is_refused(self, staffed: Path) -> None:
        operators = PageSettings(proxy=PROXY.model_copy(update={"default_role": "operator"}))
        async with open_page(staffed, operators) as page:
            browser, name = page.browser("10.0.0.1"), "name." * 20 + "@example.org"
            assert (await browser.post("/record/correct", UP, **{"X-Remote-User": name})).status_code == 303
            assert load_corrections(page.configuration)[0].correction.author == name
            answer = await browser.get("/record", **{"X-Remote-User": "n" * 301})
            assert answer.status_code == 400
            assert "the name that the proxy gives has 301 characters, more than the 300" in answer.text

    async def test_the_address_that_it_names_counts_for_guesses(self, staffed: Path) -> None:
        proxy = ProxySettings(addresses=("10.0.0.1",))
        async with open_page(staffed, PageSettings(proxy=proxy)) as page:
            browser = page.browser("10.0.0.1")
            forged = {"X-Forwarded-For": "1.2.3.4, 192.168.0.9"}
            for _ in range(5):
                await browser.post("/login", {"name": "operator", "password": "guess"}, **forged)
            refused = await browser.post("/login", {"name": "operator", "password": "correct horse"}, **forged)
            assert refused.status_code == 429
            other = {"X-Forwarded-For": "192.168.0.9, 192.168.0.10"}
            fine = await browser.post("/login", {"name": "operator", "password": "correct horse"}, **other)
            assert fine.status_code == 303


class TestBeyondThisMachine:
    async def test_reading_needs_a_log_in_unless_the_page_is_public(self, staffed: Path) -> None:
        settings = PageSettings(listen="0.0.0.0:8420", hosts=("kado.example.org",), plain_http=True)
        async with open_page(staffed, settings) as page:
            browser = page.browser("10.0.0.9", "http://kado.example.org")
            answer = await browser.get("/record?x=1")
            assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Frecord%3Fx%3D1")
            assert (await browser.get("/api/v1/corrections")).status_code == 401
            assert (await browser.get("/login")).status_code == 200
        async with open_page(staffed, settings.model_copy(update={"public": True})) as page:
            browser = page.browser("10.0.0.9", "http://kado.example.org")
            assert (await browser.get("/record")).status_code == 200
            answer = await browser.post("/record/correct", UP, origin="http://kado.example.org")
            assert (answer.status_code, recorded(page)) == (401, 0)
