"""One document over HTTP or HTTPS: with a token, an ETag, a limit on its size, and no surprises."""

import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self

from facility.errors import AuthorizationError, UnreachableError
from facility.sentence import Sentence

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
    if_larger: str = "raise max_bytes, or name a smaller document"
    """What to do where the document is larger."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the server answered."""

    body: bytes | None
    """None: the document is the one that is known already (304)."""
    etag: str | None


class _Deadline:
    """Ends a connection that has not answered in time, however the server goes about it: a byte now and then, too."""

    def __init__(self, timeout_s: float) -> None:
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(timeout_s, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._timer.cancel()

    def handlers(self, tls: ssl.SSLContext | None) -> list[urllib.request.BaseHandler]:
        """Return handlers that make connections which end in time."""
        deadline = self

        class PlainConnection(http.client.HTTPConnection):
            def connect(self) -> None:
                super().connect()
                deadline.watch(self.sock)

        class EncryptedConnection(http.client.HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                deadline.watch(self.sock)

        class Plain(urllib.request.HTTPHandler):
            def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(PlainConnection, req)

        class Encrypted(urllib.request.HTTPSHandler):
            def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
                return self.do_open(EncryptedConnection, req, context=tls)

        return [Plain(), Encrypted()]

    def watch(self, connected: socket.socket) -> None:
        """Take the socket that is to end in time; urllib itself lets go of it once the head has come."""
        self._socket = connected

    def _end(self) -> None:
        self.passed = True
        if self._socket is not None:
            # A read that waits returns at once.
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


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
    where = f"source {endpoint.source_id}: {endpoint.url}"
    with _Deadline(endpoint.timeout_s) as deadline:
        try:
            return _fetch(endpoint, request, deadline.handlers(endpoint.tls), where, etag)
        except UnreachableError as error:
            if not deadline.passed:
                raise
            raise UnreachableError(
                Sentence(
                    "{where} takes longer than timeout_s = {timeout_s:g} to answer: raise that, or look at the server",
                    where=where,
                    timeout_s=endpoint.timeout_s,
                )
            ) from error


def _fetch(
    endpoint: Endpoint, request: urllib.request.Request, handlers: Sequence[Any], where: str, etag: str | None
) -> Fetched:
    try:
        opener = urllib.request.build_opener(_NoRedirect(), *handlers)
        with opener.open(request, timeout=endpoint.timeout_s) as answer:
            body: bytes = answer.read(endpoint.max_bytes + 1)
            if len(body) > endpoint.max_bytes:
                raise UnreachableError(
                    Sentence(
                        "{where} is larger than the {max_bytes:,} bytes that are read: {if_larger}",
                        where=where,
                        max_bytes=endpoint.max_bytes,
                        if_larger=endpoint.if_larger,
                    )
                )
            if answer.length:
                # Half of a document may read like a whole one.
                raise UnreachableError(
                    Sentence(
                        "{where} ended {length:,} bytes early; it is tried again", where=where, length=answer.length
                    )
                )
            return Fetched(body, answer.headers.get("ETag"))
    except urllib.error.HTTPError as error:
        # It holds the connection.
        error.close()
        return _answered(where, error.code, error.headers, etag)
    except urllib.error.URLError as error:
        reason = error.reason if isinstance(error.reason, str) else str(error.reason)
        raise UnreachableError(Sentence("{where} cannot be reached: {reason}", where=where, reason=reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(
            Sentence("{where} cannot be read: {error}", where=where, error=error or type(error).__name__)
        ) from error


def _answered(where: str, code: int, headers: Any, etag: str | None) -> Fetched:
    if code == 304:
        return Fetched(None, etag)
    if code in (401, 403):
        raise AuthorizationError(
            Sentence(
                "{where} answers {code}: the token is missing, wrong or may not read this document",
                where=where,
                code=code,
            )
        )
    if 300 <= code < 400:
        target = headers.get("Location", "another address")
        raise UnreachableError(
            Sentence(
                "{where} answers {code} and points to {target}: if that is right, make it the url",
                where=where,
                code=code,
                target=target,
            )
        )
    kind = NoDocumentError if code == 404 else UnreachableError
    raise kind(f"{where} answers {code} ({http.client.responses.get(code, 'unknown')}); it is tried again")
