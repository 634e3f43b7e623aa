"""The page as a Starlette application."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from facility.errors import KadoError
from kado.page.assets import Assets
from kado.page.context import PageContext
from kado.page.preferences import PreferencesMiddleware
from kado.page.refusals import on_defect, on_http_error, on_kado_error
from kado.page.rendering import make_environment
from kado.page.routes.table import ROUTES
from kado.page.security_headers import SecurityHeadersMiddleware
from kado.version import __version__


def build_page(context: PageContext) -> Starlette:
    """Return the page; its lifespan opens and closes the reader of the context."""
    assets = Assets()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        del app
        async with context.reader:
            yield

    page = Starlette(
        routes=[*ROUTES, assets.route()],
        middleware=[Middleware(SecurityHeadersMiddleware), Middleware(PreferencesMiddleware)],
        exception_handlers={KadoError: on_kado_error, HTTPException: on_http_error, Exception: on_defect},
        lifespan=lifespan,
    )
    page.state.context = context
    page.state.version = f"{__version__}-{assets.hash}"
    page.state.templates = make_environment(assets)
    page.state.paths = frozenset(route.path for route in ROUTES if isinstance(route, Route))
    return page
