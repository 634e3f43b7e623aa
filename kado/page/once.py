"""Shows the result of an action once, on the next page: an address alone shows no success."""

from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

COOKIE: Final = "kado_done"
_KEPT_S: Final = 60


def redirect_done(view: str, address: str, what: str) -> Response:
    """Redirect to an address of a view, which then shows once that something was done."""
    response = RedirectResponse(address, 303)
    response.set_cookie(COOKIE, quote(what), _KEPT_S, path=view, httponly=True, samesite="strict")
    return response


def done_of(request: Request) -> str:
    """Return what was just done; empty without an action."""
    return unquote(request.cookies.get(COOKIE, ""))[:40]


def show_once(response: Response, request: Request, view: str) -> Response:
    """Let a view that shows what was done forget it."""
    if COOKIE in request.cookies:
        response.delete_cookie(COOKIE, path=view, httponly=True, samesite="strict")
    return response
