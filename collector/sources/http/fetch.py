"""One document over HTTP or HTTPS: with a token, an ETag, a limit on its size, and no surprises."""

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from facility.errors import AuthorizationError, UnreachableError

USER_AGENT: Final = "kado"


class NoDocumentError(UnreachableError):
    """The server answers, and has no such document (404)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a document is, and how it is asked for."""

    source_id: str
    url: str
    headers: Mapping[str, str]
    """With the token, where there is one."""
    tls: ssl.SSLContext | None
    timeout_s: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the server answered."""

    body: bytes | None
    """None: the document is the one that is known already (304)."""
    etag: str | None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer of its own: a token must not follow it to another server."""

    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        return None


def fetch(endpoint: Endpoint, etag: str | None = None) -> Fetched:
    """Get a document; blocks.

    Parameters
    ----------
    etag
        Of the document that is known already.

    Raises
    ------
    UnreachableError
        If the server does not answer with the document.
    AuthorizationError
        If it refuses the token.
    """
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json, */*;q=0.1", **endpoint.headers}
    if etag is not None:
        headers["If-None-Match"] = etag
    request = urllib.request.Request(endpoint.url, headers=headers)
    handlers: list[Any] = [_NoRedirect()]
    if endpoint.tls is not None:
        handlers.append(urllib.request.HTTPSHandler(context=endpoint.tls))
    where = f"source {endpoint.source_id}: {endpoint.url}"
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=endpoint.timeout_s) as answer:
            body: bytes = answer.read(endpoint.max_bytes + 1)
            if len(body) > endpoint.max_bytes:
                raise UnreachableError(
                    f"{where} is larger than max_bytes = {endpoint.max_bytes}: raise that, or name a smaller document"
                )
            return Fetched(body, answer.headers.get("ETag"))
    except urllib.error.HTTPError as error:
        # It holds the connection.
        error.close()
        return _answered(where, error.code, error.headers, etag)
    except urllib.error.URLError as error:
        reason = error.reason if isinstance(error.reason, str) else str(error.reason)
        raise UnreachableError(f"{where} cannot be reached: {reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"{where} cannot be read: {error or type(error).__name__}") from error


def _answered(where: str, code: int, headers: Any, etag: str | None) -> Fetched:
    if code == 304:
        return Fetched(None, etag)
    if code in (401, 403):
        raise AuthorizationError(f"{where} answers {code}: the token is missing, wrong or may not read this document")
    if 300 <= code < 400:
        target = headers.get("Location", "another address")
        raise UnreachableError(f"{where} answers {code} and points to {target}: if that is right, make it the url")
    kind = NoDocumentError if code == 404 else UnreachableError
    raise kind(f"{where} answers {code} ({http.client.responses.get(code, 'unknown')}); it is tried again")
