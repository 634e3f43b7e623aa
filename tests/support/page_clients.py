"""The page of a folder with data, asked as a browser asks, in this process."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from facility.accounts import Role
from facility.time import Clock, system_clock
from kado.config import Configuration, load_configuration
from kado.page.access.passwords import hash_password
from kado.page.application import build_page
from kado.page.context import PageContext
from kado.page.reading import PageReader
from kado.page.waker import Waker
from kado.page_settings import PageSettings
from kado.service.accounts import add_account

HOST: Final = "127.0.0.1:8420"
ORIGIN: Final = f"http://{HOST}"
PASSWORD: Final = "correct horse"
_HASH: Final = hash_password(PASSWORD)


def make_accounts(configuration: Configuration, *roles: Role) -> None:
    """Make an account for each role, named as the role, all with `PASSWORD`."""
    for role in roles or tuple(Role):
        add_account(configuration, role.value, role, _HASH, "root")


class NotRunning:
    """Stands where a view asks a running service for what these tests do not look at."""

    def __getattr__(self, name: str) -> Any:
        def asked(*args: Any, **options: Any) -> Any:
            raise AssertionError(f"asked for {name} of a service that does not run")

        return asked


class Browser:
    """One browser: keeps cookies, and sends Origin as browsers do."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def post(
        self, path: str, data: Mapping[str, Any] | None = None, *, origin: str | None = ORIGIN, **headers: str
    ) -> httpx.Response:
        sent = {**({} if origin is None else {"Origin": origin}), **headers}
        return await self.client.post(path, data=dict(data or {}), headers=sent)

    async def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/login", {"name": name, "password": password, "next": "/record"})


class Page:
    """The page, and browsers that look at it."""

    def __init__(self, app: Any, configuration: Configuration) -> None:
        self.app = app
        self.configuration = configuration
        self.browsers: list[httpx.AsyncClient] = []

    def browser(self, address: str = "127.0.0.1", base: str = ORIGIN) -> Browser:
        transport = httpx.ASGITransport(app=self.app, client=(address, 50_000), raise_app_exceptions=False)
        client = httpx.AsyncClient(
            transport=transport, base_url=base, headers={"Accept-Language": "en"}, follow_redirects=False
        )
        self.browsers.append(client)
        return Browser(client)

    async def logged_in(self, name: str, address: str = "127.0.0.1") -> Browser:
        browser = self.browser(address)
        answer = await browser.log_in(name)
        assert answer.status_code == 303, answer.text
        return browser


@asynccontextmanager
async def open_page(
    folder: Path, settings: PageSettings | None = None, clock: Clock = system_clock
) -> AsyncGenerator[Page]:
    """Open the page of the kado.toml in a folder; without a service beside it."""
    configuration = await asyncio.to_thread(load_configuration, folder / "kado.toml")
    absent: Any = NotRunning()
    context = PageContext(
        configuration=configuration,
        settings=settings or PageSettings(),
        clock=clock,
        status=absent,
        figures=absent,
        newest=absent,
        alarms=None,
        waker=Waker(),
        reader=PageReader(configuration),
    )
    app = await asyncio.to_thread(build_page, context)
    async with app.router.lifespan_context(app):
        page = Page(app, configuration)
        try:
            yield page
        finally:
            for client in page.browsers:
                await client.aclose()
