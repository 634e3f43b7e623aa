"""One request to InfluxDB and its reply, whatever answers there: bounded in size and in time.

What listens at an address need not be InfluxDB: a proxy answers with a page of its own, a load balancer with nothing,
a wrong port with another protocol. Nothing of that may cost memory or stop the service.
"""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any, Final, Self, cast
from urllib.parse import urlencode

from facility.errors import UnreachableError
from facility.extras import needs_extra
from facility.sentence import Sentence

MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
"""Of a reply that is read as a whole."""
MAX_ERROR_BYTES: Final = 64 * 1024
"""Of a reply that says what is wrong; the rest is not read."""
SLOWEST_BYTES_PER_S: Final = 1_000.0
PATIENCE_S: Final = 60.0
"""From then on a reply must have come at `SLOWEST_BYTES_PER_S` on average; waiting for the reader does not count."""

_PIECE: Final = 1 << 16
# Two threads that import the official client at once get modules that are half made: it imports itself in a circle.
_IMPORTING: Final = threading.Lock()


class NoReplyError(UnreachableError):
    """No reply came, or not to its end."""

    why: str = ""

    @classmethod
    def of(cls, url: str, why: str) -> Self:
        """Name the server and what went wrong."""
        error = cls(
            Sentence(
                "InfluxDB at {url} does not answer ({why}); check that it runs, and store.url in kado.toml",
                url=url,
                why=why,
            )
        )
        error.why = why
        return error


class ForeignReplyError(UnreachableError):
    """A reply came that InfluxDB does not give."""

    @classmethod
    def of(cls, url: str, why: str) -> Self:
        """Name the server and what is strange."""
        return cls(
            Sentence(
                "the server at {url} does not answer as InfluxDB does ({why}); it is asked again: check store.url, and "
                "the proxy before InfluxDB if there is one",
                url=url,
                why=why,
            )
        )


class Reply:
    """A reply that may still be arriving; to be closed."""

    def __init__(self, url: str, response: Any) -> None:
        self._url = url
        self.status = int(response.status)
        self.reason = str(response.reason or "")
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._left = b""
        self._waited_s = 0.0
        self._bytes = 0
        self._ended = False

    def read(self, amt: int | None = None) -> bytes:
        """Return up to `amt` bytes, less only at the end; without `amt` all that is left.

        Raises
        ------
        NoReplyError
            If the reply is cut short or comes too slowly.
        """
        pieces = [self._left]
        size = len(self._left)
        if amt is not None and amt < 0:
            amt = None
        while not self._ended and (amt is None or size < amt):
            piece = self._next()
            pieces.append(piece)
            size += len(piece)
        data = b"".join(pieces)
        if amt is None or len(data) <= amt:
            self._left = b""
            return data
        self._left = data[amt:]
        return data[:amt]

    def whole(self, limit: int = MAX_DOCUMENT_BYTES) -> bytes:
        """Return all of it.

        Raises
        ------
        ForeignReplyError
            If there is more than `limit`.
        NoReplyError
            As `read` does.
        """
        pieces: list[bytes] = []
        size = 0
        while piece := self._next():
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise ForeignReplyError.of(self._url, f"more than {limit} bytes")
        return b"".join(pieces)

    def beginning(self, limit: int = MAX_ERROR_BYTES) -> bytes:
        """Return its first bytes; what goes wrong behind them is of no interest."""
        try:
            return self.read(limit)
        except NoReplyError:
            return self._left

    def close(self) -> None:
        """Keep the connection for the next request if all was read, else give it up."""
        if self._ended:
            self._response.release_conn()
        else:
            self._response.close()

    def _next(self) -> bytes:
        began = time.monotonic()
        try:
            piece = bytes(self._response.read1(_PIECE))
        except Exception as error:
            raise NoReplyError.of(self._url, _reason(error)) from error
        self._waited_s += time.monotonic() - began
        self._bytes += len(piece)
        self._ended = not piece
        if self._waited_s > PATIENCE_S and self._bytes < SLOWEST_BYTES_PER_S * self._waited_s:
            raise NoReplyError.of(self._url, f"{self._bytes} bytes came in {self._waited_s:.0f} s")
        return piece


class Exchange:
    """Requests to one server; for one thread at a time. Connections are made on use and kept.

    Parameters
    ----------
    url
        The server.
    org
        The organisation that requests are for.
    token
        The secret itself.
    """

    def __init__(self, url: str, org: str, token: str) -> None:
        self._url = url
        self._org = org
        self._token = token
        self._official: Any = None

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout_s: tuple[float, float],
    ) -> Reply:
        """Make one request; no redirection is followed.

        A GET is made again, once, where its connection ended before a reply began: a server may close a connection
        that was kept in the moment in which it is used. Nothing else is tried twice.

        Parameters
        ----------
        timeout_s
            For connecting, and for each wait for the server.

        Raises
        ------
        NoReplyError
            If there is no reply, or something that is not HTTP.
        """
        api = self._api
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError, ProtocolError

        def once() -> Any:
            return api.rest_client.pool_manager.urlopen(
                method,
                self._url.rstrip("/") + path + _encoded(query),
                body=body,
                headers={**api.default_headers, **headers},
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=Timeout(connect=timeout_s[0], read=timeout_s[1]),
            )

        try:
            try:
                return Reply(self._url, once())
            except ProtocolError as error:
                if method != "GET" or not isinstance(error.args[-1], ConnectionError):
                    raise
                return Reply(self._url, once())
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise NoReplyError.of(self._url, _reason(error)) from error

    def close(self) -> None:
        """Close the connections."""
        if self._official is not None:
            self._official.close()
            self._official = None

    @property
    def _api(self) -> Any:
        if self._official is None:
            # Importing it takes a second, which only who talks to InfluxDB has to spend, and not on an event loop.
            with _IMPORTING, needs_extra("a store in InfluxDB"):
                from influxdb_client.client.influxdb_client import InfluxDBClient

            self._official = InfluxDBClient(url=self._url, token=self._token, org=self._org)
        return self._official.api_client


def documents(url: str, text: bytes) -> list["Document"]:
    """Read the JSON objects of a reply, one a line.

    Raises
    ------
    ForeignReplyError
        If these are not JSON objects, or are nested too deep.
    """
    found: list[Any] = []
    try:
        for line in text.splitlines():
            found.append(json.loads(line, object_hook=lambda pairs: Document(url, pairs), parse_int=_whole))
    except (ValueError, RecursionError) as error:
        raise ForeignReplyError.of(url, f"{text[:60]!r} is not JSON") from error
    for one in found:
        if not isinstance(one, Document):
            raise ForeignReplyError.of(url, f"{text[:60]!r} is not a JSON object")
    return found


def _whole(digits: str) -> int | float:
    # InfluxDB writes -0.0 as -0, and an integer has no such zero.
    return -0.0 if digits == "-0" else int(digits)


class Document(dict[str, Any]):
    """A JSON object of a reply; a key that it lacks is a reply that InfluxDB does not give."""

    def __init__(self, url: str, pairs: Mapping[str, Any]) -> None:
        super().__init__(pairs)
        self._url = url

    def __missing__(self, key: str) -> Any:
        """Raise `ForeignReplyError`."""
        raise ForeignReplyError.of(self._url, f"its answer has no {key!r}")

    def foreign(self, why: str) -> ForeignReplyError:
        """Return what it means that InfluxDB does not say so."""
        return ForeignReplyError.of(self._url, why)

    def objects(self, key: str) -> "list[Document]":
        """Return a list of objects in this one; null counts as an empty list.

        Raises
        ------
        ForeignReplyError
            If the key is missing, or its value is something else.
        """
        found: Any = self[key] or []
        if not isinstance(found, list) or not all(isinstance(one, Document) for one in cast("list[Any]", found)):
            raise ForeignReplyError.of(self._url, f"{key!r} in its answer is not a list of objects")
        return cast("list[Document]", found)


def _encoded(query: Sequence[tuple[str, str]]) -> str:
    return f"?{urlencode(query)}" if query else ""


def _reason(error: Exception) -> str:
    """Return a connection's error without the object addresses that urllib3 prints."""
    text = " ".join(str(error).split())
    return (text.split(">: ", 1)[-1] if ">: " in text else text or type(error).__name__)[:300]
