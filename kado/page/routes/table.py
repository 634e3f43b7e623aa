"""All routes of the page, view by view; a new view is added here and nowhere else."""

from typing import Final

from starlette.routing import BaseRoute

from kado.page.routes import api, events_stream, explain, history, now

ROUTES: Final[tuple[BaseRoute, ...]] = (
    *now.ROUTES,
    *history.ROUTES,
    *explain.ROUTES,
    *api.ROUTES,
    *events_stream.ROUTES,
)
