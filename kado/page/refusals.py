"""What a viewer or a program is answered when something cannot be done."""

import logging
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from facility.errors import AuthorizationError, KadoError, UnreachableError, UsageError
from kado.language import tr
from kado.language.sentences import error_text
from kado.page.access.visitor import visitor_of
from kado.page.rendering import render

_LOG: Final = logging.getLogger(__name__)

_FOR_PROGRAMS: Final = frozenset({"/events", "/record/effects", "/shift.json"})
"""Addresses outside the API that programs read."""


def status_of(error: KadoError) -> int:
    """Return the status that an error is answered with: 400 for a wrong question, 503 for what is away, else 500."""
    if isinstance(error, UsageError):
        return 400
    if isinstance(error, (UnreachableError, AuthorizationError)):
        return 503
    return 500


def wants_json(request: Request) -> bool:
    """Whether a request is a program's."""
    return request.url.path.startswith("/api/") or request.url.path in _FOR_PROGRAMS


def refused(request: Request, status: int, message: str) -> Response:
    """Return a refusal with its reason: JSON for programs, a page for people."""
    if wants_json(request):
        return JSONResponse({"error": {"status": status, "message": message}}, status)
    # What a form held is not read here, and the browser sends it again with a reload.
    visitor = visitor_of(request)
    again = request.method == "POST" and status == 401 and visitor.can_log_in and visitor.name is None
    values = {"status": status, "message": message, "can_send_again": again}
    return render(request, "refusal.html", values, status=status)


async def on_kado_error(request: Request, error: Exception) -> Response:
    """Answer an error that kado raised on purpose with its message."""
    assert isinstance(error, KadoError)
    return refused(request, status_of(error), str(error) if wants_json(request) else error_text(error))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what Starlette refuses: unknown addresses, wrong methods."""
    assert isinstance(error, HTTPException)
    message = error.detail
    if error.status_code == 404 and error.detail == "Not Found":
        message = tr("There is no page at {path}.", path=request.url.path)
    return refused(request, error.status_code, message)


async def on_defect(request: Request, error: Exception) -> Response:
    """Answer a defect without its details, which go to the log."""
    _LOG.error("the page could not answer %s %s", request.method, request.url.path, exc_info=error)
    return refused(request, 500, tr("kado could not answer this request; its log says why."))
