"""The page as a Starlette application."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from collector.ledger import SourceTotals
from facility.errors import KadoError
from kado.page.access.bodies import BodyLimitMiddleware
from kado.page.access.gate import GateMiddleware, on_refusal
from kado.page.access.setup import set_up_access
from kado.page.access.visitor import RefusedError
from kado.page.assets import Assets
from kado.page.board import Board
from kado.page.context import PageContext
from kado.page.now_document import Look
from kado.page.now_view import fragments_of
from kado.page.preferences import PreferencesMiddleware
from kado.page.refusals import on_defect, on_http_error, on_kado_error
from kado.page.rendering import make_environment
from kado.page.routes.table import ROUTES
from kado.page.security_headers import SecurityHeadersMiddleware
from kado.version import __version__


def build_page(context: PageContext) -> Starlette:
    """Return the page; its lifespan opens and closes the reader of the context."""
    assets = Assets()
    access = set_up_access(context.configuration, context.settings)

    templates = make_environment(assets)
    version = f"{__version__}-{assets.hash}"

    def look(totals: tuple[SourceTotals, ...], problems: tuple[str, ...]) -> Look:
        return Look(
            configuration=context.configuration,
            now_ns=context.clock(),
            status=context.status(),
            current=context.figures.current,
            newest=context.newest.snapshot(),
            alarms=context.alarms,
            totals=totals,
            problems=problems,
            figures_problem=context.figures.problem("figures"),
        )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        board = Board(look, context.newest.snapshot, context.waker, fragments_of(templates), version)
        app.state.board = board
        async with context.reader:
            looking = asyncio.create_task(board.run(), name="board")
            try:
                yield
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
        access.logging_in.close()

    page = Starlette(
        routes=[*ROUTES, assets.route()],
        middleware=[
            Middleware(SecurityHeadersMiddleware),
            Middleware(PreferencesMiddleware),
            Middleware(BodyLimitMiddleware),
            Middleware(GateMiddleware, context.settings, access.sessions, access.accounts),
        ],
        exception_handlers={
            KadoError: on_kado_error,
            RefusedError: on_refusal,
            HTTPException: on_http_error,
            Exception: on_defect,
        },
        lifespan=lifespan,
    )
    page.state.context = context
    page.state.access = access
    page.state.version = version
    page.state.templates = templates
    page.state.paths = frozenset(route.path for route in ROUTES if isinstance(route, Route))
    return page
