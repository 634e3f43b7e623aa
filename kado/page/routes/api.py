"""``/api/v1/``: the documents that the pages show, for programs."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kado.page.api.endpoint import PREFIX, Endpoint, read_options
from kado.page.api.openapi import openapi_document
from kado.page.api.table import ENDPOINTS
from kado.page.board import board_of
from kado.page.context import context_of

_encode: Final = msgspec.json.Encoder().encode


def json_response(document: Any) -> Response:
    """Return a document as JSON, with full precision."""
    return Response(_encode(document), media_type="application/json")


async def now(request: Request) -> Response:
    """Return how the machine stands right now."""
    read_options(request, ())
    board = board_of(request)
    return json_response(await board.document())


async def openapi(request: Request) -> Response:
    """Return the description of the API."""
    read_options(request, ())
    return json_response(openapi_document(context_of(request).profile.id))


def _handler(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return json_response(await endpoint.respond(request, context_of(request)))

    return answer


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route(f"{PREFIX}/now", now, name="api now"),
    Route(f"{PREFIX}/openapi.json", openapi, name="openapi"),
    *(Route(PREFIX + e.path, _handler(e), name=f"api {e.path}") for e in ENDPOINTS),
)
