"""Now: what an operator leaves open all day."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kado.page.rendering import render


async def now(request: Request) -> Response:
    """Show how the machine stands."""
    return render(request, "now.html", {"wall": request.query_params.get("wall") == "1"})


ROUTES: Final[tuple[BaseRoute, ...]] = (Route("/", now, name="now"),)
