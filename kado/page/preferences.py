"""Which language and colours a viewer has: chosen on the page and remembered, else as the browser asks."""

from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kado.language import LANGUAGES, in_language
from kado.language.choice import Language, known_language

LANGUAGE_COOKIE: Final = "kado_language"
THEME_COOKIE: Final = "kado_theme"
THEMES: Final = ("auto", "light", "dark")
_YEAR_S: Final = 366 * 86_400


def asked_language(header: str) -> Language:
    """Return the language that a browser prefers of those that there are; English if it names neither.

    Examples
    --------
    >>> asked_language("fr;q=0.9, ja-JP;q=0.8, en;q=0.5"), asked_language("de")
    ('ja', 'en')
    """
    best: Language = "en"
    best_quality = 0.0
    for part in header.split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        for language in LANGUAGES:
            if name.lower().partition("-")[0] == language and quality > best_quality:
                best, best_quality = language, quality
    return best


def theme_of(connection: HTTPConnection) -> str:
    """Return the colours that a viewer chose: ``auto`` (as the screen is set), ``light`` or ``dark``."""
    chosen = connection.query_params.get("theme") or connection.cookies.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


class PreferencesMiddleware:
    """Answers each request in its viewer's language; ``?lang=ja`` and ``?theme=dark`` are remembered in cookies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        remembered = {
            name: query[key]
            for key, name, allowed in (("lang", LANGUAGE_COOKIE, LANGUAGES), ("theme", THEME_COOKIE, THEMES))
            if query.get(key) in allowed
        }
        chosen = remembered.get(LANGUAGE_COOKIE) or connection.cookies.get(LANGUAGE_COOKIE)
        language = known_language(chosen)
        if language is None:
            language = asked_language(connection.headers.get("accept-language", ""))

        async def remember(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("Vary", "Accept-Language, Cookie")
                for name, value in remembered.items():
                    headers.append("Set-Cookie", f"{name}={value}; Path=/; Max-Age={_YEAR_S}; SameSite=Strict")
            await send(message)

        with in_language(language):
            await self._app(scope, receive, remember)
