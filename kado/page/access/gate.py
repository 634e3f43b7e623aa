"""The gate before every view: whose request it is, whether it was meant for this page, and what it may do."""

import logging
import time
from datetime import UTC
from typing import Final
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facility.accounts import Account, Permission, Role
from facility.errors import PeriodError, UsageError
from facility.period import parse_period
from facility.sentence import Sentence
from facility.time import NS_PER_DAY
from facility.written_text import check_line
from kado.language import tr
from kado.language.sentences import error_text
from kado.page.access.account_book import AccountBook
from kado.page.access.origin import host_of, is_own_host, is_own_origin
from kado.page.access.sessions import COOKIE, Sessions
from kado.page.access.visitor import RefusedError, Visitor, require
from kado.page.refusals import refused, wants_json
from kado.page_settings import PageSettings, is_loopback

_LOG: Final = logging.getLogger("kado.page.access")

SAFE: Final = ("GET", "HEAD")
OPEN: Final = ("/static/", "/login")
"""What is served to everybody: the look of the page, and the way in."""
LONGEST_QUERY: Final = 2_048
LONGEST_PERIOD_DAYS: Final = 3_653
"""Ten years of samples are counted in a minute or so; meanwhile everybody else's periods wait."""
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class GateMiddleware:
    """Lets a request through with ``request.state.visitor`` and ``viewer``, or refuses it; each refusal is logged."""

    def __init__(self, app: ASGIApp, settings: PageSettings, sessions: Sessions, accounts: AccountBook) -> None:
        self._app = app
        self._settings = settings
        self._sessions = sessions
        self._accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        stale = False
        try:
            self._check_length(request)
            self._check_periods(request)
            self._check_host(request)
            visitor, stale = await self._visitor(request)
            request.state.visitor, request.state.viewer = visitor, visitor.name
            self._check_permission(request, visitor, stale=stale)
        except RefusedError as error:
            await answer_refusal(request, error)(scope, receive, send)
            return
        if not stale:
            await self._app(scope, receive, send)
            return

        async def without_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if f"{COOKIE}=" not in ", ".join(headers.getlist("Set-Cookie")):
                    headers.append("Set-Cookie", f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
            await send(message)

        await self._app(scope, receive, without_cookie)

    def _check_length(self, request: Request) -> None:
        length = len(request.scope["query_string"])
        if length > LONGEST_QUERY:
            # The refusal shows the address in its links.
            request.scope["query_string"] = b""
            raise RefusedError(
                414,
                tr("The options of this address are too long: at most {n} characters are accepted.", n=LONGEST_QUERY),
                f"query of {length} characters, at most {LONGEST_QUERY} are taken",
            )

    def _check_periods(self, request: Request) -> None:
        for text in request.query_params.getlist("period"):
            try:
                length_ns = parse_period(text, UTC).length_ns if "/" in text else 0
            except PeriodError:
                # The view says what is wrong with it.
                continue
            if length_ns > LONGEST_PERIOD_DAYS * NS_PER_DAY:
                raise RefusedError(
                    400,
                    tr(
                        "The period {period} is longer than {days} days, the most that the page computes: ask for it in"
                        " parts, or use the command, which has no limit.",
                        period=text[:80],
                        days=f"{LONGEST_PERIOD_DAYS:,}",
                    ),
                    f"period {text[:80]!r} of more than {LONGEST_PERIOD_DAYS} days",
                )

    def _check_host(self, request: Request) -> None:
        header = request.headers.get("host", "")
        if not is_own_host(header, self._settings.hosts):
            raise RefusedError(
                421,
                tr("{host} is not a name of this page.", host=header[:100]),
                f"host {header[:100]!r} is not in page.hosts",
            )

    async def _visitor(self, request: Request) -> tuple[Visitor, bool]:
        """Return who asks, and whether a session was shown that no longer holds."""
        accounts = await self._accounts.accounts()
        proxy, peer = self._settings.proxy, "" if request.client is None else request.client.host
        through = proxy is not None and proxy.is_proxy(peer)
        address = _client_of(request, peer) if through else peer
        if proxy is not None and proxy.user_header is not None:
            named = request.headers.get(proxy.user_header, "").strip()
            if named and not through:
                raise RefusedError(
                    403,
                    tr("Only the proxy may state the name of the user."),
                    f"header {proxy.user_header} from {peer}, which is not in page.proxy.addresses",
                )
            if named:
                return self._named(named, accounts, address, proxy.default_role), False
        can_log_in = bool(accounts)
        stale = False
        if cookie := request.cookies.get(COOKIE):
            session = self._sessions.read(cookie)
            account = None if session is None else accounts.get(session.name)
            problem = "forged" if session is None else self._sessions.problem(session, account, time.time())
            if problem is None and account is not None:
                request.state.session = session
                return Visitor(account.name, account.role, address, can_log_in=True), False
            stale = True
            if request.method not in SAFE and not request.url.path.startswith(OPEN):
                raise RefusedError(
                    401,
                    tr("Your session has ended: log in again. Nothing was written."),
                    f"session of {session.name if session else '?'}: {problem}",
                )
        reads = self._settings.public or self._is_local(request, peer, through=through)
        return Visitor(None, Role.VIEWER if reads else None, address, can_log_in=can_log_in), stale

    def _named(self, name: str, accounts: dict[str, Account], address: str, default: str | None) -> Visitor:
        try:
            check_line(Sentence("the name that the proxy gives"), name)
        except UsageError as error:
            raise RefusedError(400, error_text(error), f"proxy gives a name of {len(name)} characters") from error
        account = accounts.get(name)
        role = account.role if account is not None else None if default is None else Role(default)
        if role is None:
            raise RefusedError(
                403,
                tr("{name} has no account here: ask for one (kado user add).", name=name[:64]),
                f"proxy names {name[:64]!r}, who has no account; no page.proxy.default_role",
            )
        return Visitor(name, role, address, by_proxy=True)

    def _is_local(self, request: Request, peer: str, *, through: bool) -> bool:
        """Whether somebody on this machine asks for a page that only this machine reaches, and nobody through it."""
        if not self._settings.is_local or through or any(name in request.headers for name in _FORWARDED):
            return False
        return is_loopback(peer) and is_loopback(host_of(request.headers.get("host", "")))

    def _check_permission(self, request: Request, visitor: Visitor, *, stale: bool) -> None:
        path = request.url.path
        if request.method in SAFE:
            if path.startswith(OPEN) or visitor.role is not None:
                return
            ended = tr("Your session has ended: log in again.") if stale else tr("Log in to read this page.")
            raise RefusedError(401, ended, "session has ended" if stale else "not logged in")
        if not is_own_origin(
            request.headers.get("origin"), request.headers.get("sec-fetch-site"), request.headers.get("host", "")
        ):
            origin = request.headers.get("origin")
            raise RefusedError(
                403,
                tr("This was not sent from a page of kado. Nothing was written."),
                f"origin {origin!r}, site {request.headers.get('sec-fetch-site')!r}",
            )
        if path != "/login":
            # Which role a view needs is asked by the view; nobody unknown gets that far.
            require(request, Permission.READ)
            if visitor.name is None:
                raise RefusedError(401, _how_to_write(visitor), "not logged in")


def answer_refusal(request: Request, error: RefusedError) -> Response:
    """Log a refusal with who and what, and return its answer."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    peer = "" if request.client is None else request.client.host
    who = "?" if visitor is None or visitor.name is None else visitor.name
    address = peer if visitor is None else visitor.address
    _LOG.warning(
        "refused %d: %s %s by %s from %s: %s",
        error.status, request.method, _printable(request.url.path), _printable(who), address, _printable(error.cause),
    )  # fmt: skip
    if error.status == 401 and request.method in SAFE and not wants_json(request):
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse("/login?" + urlencode({"next": back}), 303)
    answer = refused(request, error.status, error.message)
    if error.retry_after_s is not None:
        answer.headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    if error.status in (408, 413):
        answer.headers["Connection"] = "close"
    return answer


async def on_refusal(request: Request, error: Exception) -> Response:
    """Answer a refusal that a view raises."""
    assert isinstance(error, RefusedError)
    return answer_refusal(request, error)


def _how_to_write(visitor: Visitor) -> str:
    if visitor.can_log_in:
        return tr("Log in to do this.")
    return tr("Nobody can write here yet: make an account with 'kado user add NAME --role operator'.")


def _client_of(request: Request, peer: str) -> str:
    """Return the address that the proxy saw: the last one it added."""
    forwarded = request.headers.get("x-forwarded-for", "")
    return forwarded.rpartition(",")[2].strip()[:45] or peer


def _printable(text: str) -> str:
    """Return a text of a stranger's for one line of the log."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[:200])
