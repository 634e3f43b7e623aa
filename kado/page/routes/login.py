"""Login and log-out."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kado.page.access.gate import answer_refusal
from kado.page.access.sessions import COOKIE
from kado.page.access.setup import access_of
from kado.page.access.visitor import RefusedError, visitor_of
from kado.page.forms import text_of
from kado.page.rendering import render


def local_path(text: str) -> str:
    r"""Return an address of this page to go to afterwards; the start page for anything else.

    Examples
    --------
    >>> [local_path(text) for text in ("/record?id=3", "//evil.example.org", "https://evil.example.org", "/\\evil")]
    ['/record?id=3', '/', '/', '/']
    """
    fits = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if fits else "/"


async def show_login(request: Request) -> Response:
    """Show the form."""
    back = local_path(request.query_params.get("next", "/"))
    return render(request, "login.html", {"next": back, "problem": "", "name": ""})


async def log_in(request: Request) -> Response:
    """Check name and password, and begin a session."""
    access = access_of(request)
    form = await request.form()
    name, back = text_of(form, "name").strip(), local_path(text_of(form, "next") or "/")
    try:
        cookie = await access.logging_in.log_in(name, text_of(form, "password"), visitor_of(request).address)
    except RefusedError as error:
        answer = answer_refusal(request, error)
        values = {"next": back, "problem": error.message, "name": name[:64]}
        shown = render(request, "login.html", values, status=error.status)
        if "retry-after" in answer.headers:
            shown.headers["Retry-After"] = answer.headers["retry-after"]
        return shown
    answer = RedirectResponse(back, 303)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=int(access.sessions.length_s),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return answer


async def log_out(request: Request) -> Response:
    """End the session."""
    access = access_of(request)
    session = getattr(request.state, "session", None)
    if session is not None:
        await access.logging_in.log_out(session)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def is_secure(request: Request) -> bool:
    """Whether the visitor's browser speaks https, to kado or to the proxy in front."""
    access = access_of(request)
    proxy, peer = access.settings.proxy, "" if request.client is None else request.client.host
    if proxy is not None and proxy.is_proxy(peer):
        return request.headers.get("x-forwarded-proto", "") == "https"
    return request.url.scheme == "https"


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/login", show_login, name="login"),
    Route("/login", log_in, methods=["POST"], name="log_in"),
    Route("/logout", log_out, methods=["POST"], name="log_out"),
)
