"""The HTTP API of InfluxDB 2, as far as kado uses it; the official client carries the bytes.

Writes take line protocol as it is. Reads are InfluxQL at ``/query``, whose text works on InfluxDB 1, 2 and 3.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol, Self

from facility.errors import AuthorizationError, DataError, KadoError, UnreachableError, UsageError
from facility.schema import TELEMETRY
from facility.time import NS_PER_S, format_time

NO_CONTENT: Final = 204
"""The only answer to a write that means success."""
MIN_INFLUX_NS: Final = -(2**63) + 2
MAX_INFLUX_NS: Final = 2**63 - 2
"""The first and last instant that InfluxDB can hold."""
QUERY_TIMEOUT_S: Final = 60.0
"""How long a query may compute before the next bytes arrive."""
MINUTES_SUFFIX: Final = "_1m"
"""Behind the name of a bucket: the bucket with what each of its minutes comes to."""
OUTSIDE_RETENTION: Final = "retention policy"
"""Part of what InfluxDB says of points that are older than the bucket keeps them."""
_LONGEST_IN_ADDRESS: Final = 2_000


class MissingBucketError(UnreachableError):
    """The server was reached, and has no such bucket or organisation for us."""

    retryable = False


@dataclass(frozen=True, slots=True)
class WriteAnswer:
    """What became of a write request."""

    status: int | None
    """HTTP status; None where no answer came (no connection, reset, timeout): the points may be there or not."""
    message: str = ""
    """The server's own words, or what went wrong with the connection."""
    retry_after_s: float | None = None
    """When the server asked to be left alone, for how long."""


@dataclass(frozen=True, slots=True)
class BucketInfo:
    """A bucket of the server."""

    id: str
    retention_ns: int | None
    """Points older than this are refused; None: kept for ever."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read it from what the server says of a bucket."""
        seconds = [rule["everySeconds"] for rule in document["retentionRules"] if rule["type"] == "expire"]
        retention = min((s for s in seconds if s > 0), default=None)
        return cls(document["id"], None if retention is None else retention * NS_PER_S)


class Body(Protocol):
    """An answer that is still arriving."""

    def read(self, amt: int | None = None) -> bytes:
        """Return up to `amt` bytes; empty at the end."""
        ...


class InfluxClient:
    """One bucket of one server.

    Cheap to make; to be used by one thread at a time. Connections are made on use and kept; nothing is tried twice.

    Parameters
    ----------
    url, org, bucket
        Where to; the bucket is named, not given by id.
    token
        The secret itself; never printed.
    token_source
        Where the token came from, for messages: a file, an environment variable.
    timeout_s
        For connecting, and for each wait for the server while writing.
    """

    def __init__(
        self, url: str, org: str, bucket: str, token: str, *, token_source: str = "store.token", timeout_s: float = 10.0
    ) -> None:
        self.url = url
        self.org = org
        self.bucket = bucket
        self.token_source = token_source
        self._timeout_ms = (timeout_s * 1000, timeout_s * 1000)
        self._query_timeout_ms = (timeout_s * 1000, max(timeout_s, QUERY_TIMEOUT_S) * 1000)
        self._token = token
        self._official: Any = None

    def write(self, lines: bytes) -> WriteAnswer:
        """Send line protocol with times in nanoseconds; whatever goes wrong is in the answer."""
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        query = [("org", self.org), ("bucket", self.bucket), ("precision", "ns")]
        headers = {"Content-Type": "text/plain; charset=utf-8", "Accept": "application/json"}
        try:
            _, status, _ = self._api.call_api(
                "/api/v2/write", "POST", None, query, headers, lines, _request_timeout=self._timeout_ms
            )
        except ApiException as error:
            return _failed_write(error)
        except HTTPError as error:
            return WriteAnswer(None, _reason(error))
        return WriteAnswer(status)

    @contextmanager
    def query_csv(self, influxql: str) -> Generator[Body]:
        """Ask and yield the answer as CSV, as it arrives.

        InfluxDB leaves errors out of CSV, so that an answer may be cut short or empty because of one; whoever
        reads it must look for a sign of its end, and call `query_json` for the reason where there is none.

        Raises
        ------
        UnreachableError
            If the server does not answer, also half-way.
        AuthorizationError
            If it refuses the token.
        """
        from urllib3.exceptions import HTTPError

        response = self._ask(influxql, "application/csv")
        try:
            yield response
        except HTTPError as error:
            raise self._unreachable(_reason(error)) from error
        finally:
            response.close()

    def query_json(self, influxql: str) -> list[list[dict[str, Any]]]:
        """Ask and return, for each statement, its rows: tags and columns by name, times in nanoseconds.

        Raises
        ------
        UnreachableError
            If the server does not answer, or lacks the bucket.
        AuthorizationError
            If it refuses the token.
        """
        from urllib3.exceptions import HTTPError

        response = self._ask(influxql, "application/json")
        try:
            text: bytes = response.read()
        except HTTPError as error:
            raise self._unreachable(_reason(error)) from error
        finally:
            response.close()
        statements: dict[int, list[dict[str, Any]]] = {}
        unfinished: set[int] = set()
        for document in self._documents(text):
            for result in document["results"]:
                if "error" in result:
                    raise self._query_error(str(result["error"]), influxql)
                statement: int = result["statement_id"]
                rows = statements.setdefault(statement, [])
                unfinished.discard(statement)
                # What is marked so goes on in the next document; where there is none, the server had a limit.
                if result.get("partial") or any(series.get("partial") for series in result.get("series", ())):
                    unfinished.add(statement)
                for series in result.get("series", ()):
                    tags: dict[str, Any] = series.get("tags", {})
                    rows += [tags | dict(zip(series["columns"], values, strict=True)) for values in series["values"]]
        if unfinished:
            raise self.cut_short()
        return [rows for _, rows in sorted(statements.items())]

    def delete(self, tags: Mapping[str, str], first_ns: int, last_ns: int, *, measurement: str = TELEMETRY) -> None:
        """Delete the points with these tags stamped from the one to the other instant, both included."""
        predicate = [f'_measurement="{measurement}"', *(f'{name}="{value}"' for name, value in tags.items())]
        self._request(
            "/api/v2/delete",
            "POST",
            [("org", self.org), ("bucket", self.bucket)],
            {
                "start": format_time(max(first_ns, MIN_INFLUX_NS)),
                "stop": format_time(min(last_ns, MAX_INFLUX_NS)),
                "predicate": " AND ".join(predicate),
            },
        )

    def bucket_info(self) -> BucketInfo:
        """Look the bucket up.

        Raises
        ------
        UnreachableError
            If the server does not answer.
        MissingBucketError
            If it lacks the bucket or the organisation.
        AuthorizationError
            If it refuses the token.
        """
        answer = self.call("GET", "/api/v2/buckets", {"org": self.org, "name": self.bucket})
        if not answer.get("buckets"):
            raise self._missing(f'bucket "{self.bucket}" not found')
        return BucketInfo.of(answer["buckets"][0])

    def call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Make a request to the server's own API and return the document that it answers with.

        Raises
        ------
        UnreachableError
            If the server does not answer, or not as InfluxDB does.
        MissingBucketError
            If it lacks what the request is about.
        AuthorizationError
            If it refuses the token.
        DataError
            If it refuses the request.
        """
        answer = self._request(path, method, list((query or {}).items()), body)
        documents = self._documents(b"".join(answer.splitlines()))
        return documents[0] if documents else {}

    def problem(self, answer: WriteAnswer) -> KadoError:
        """Return what a failed write means, in words for people."""
        status = answer.status
        if status is None:
            return self._unreachable(answer.message)
        if status in (401, 403):
            return AuthorizationError(
                f"InfluxDB at {self.url} refuses the token from {self.token_source} ({status}: {answer.message}); "
                f"it must be valid and may read and write bucket {self.bucket!r} of organisation {self.org!r}"
            )
        if status == 404:
            return self._missing(answer.message)
        if status == 429 or status >= 500:
            return UnreachableError(
                f"InfluxDB at {self.url} cannot take requests now ({status}: {answer.message}); see its log"
            )
        return DataError(f"InfluxDB at {self.url} refuses a request to {self.bucket!r} ({status}: {answer.message})")

    def cut_short(self) -> UnreachableError:
        """Return what it means that an answer began and did not come to its end."""
        return UnreachableError(
            f"InfluxDB at {self.url} did not finish its answer: ask again, for a shorter time if it happens again"
        )

    def close(self) -> None:
        """Close the connections."""
        if self._official is not None:
            self._official.close()
            self._official = None

    @property
    def _api(self) -> Any:
        if self._official is None:
            # Importing it takes a second, which only who talks to InfluxDB has to spend, and not on an event loop.
            from influxdb_client.client.influxdb_client import InfluxDBClient

            self._official = InfluxDBClient(url=self.url, token=self._token, org=self.org)
        return self._official.api_client

    def _ask(self, influxql: str, accept: str) -> Any:
        query = [("db", self.bucket), ("epoch", "ns"), ("chunked", "true")]
        if len(influxql) <= _LONGEST_IN_ADDRESS:
            query.append(("q", influxql))
            response = self._open("/query", "GET", query, {"Accept": accept}, None, self._query_timeout_ms)
        else:
            headers = {"Accept": accept, "Content-Type": "application/x-www-form-urlencoded"}
            form = [("q", influxql)]
            response = self._open("/query", "POST", query, headers, None, self._query_timeout_ms, form)
        # Else it counts as closed for whoever reads it as a file, once the last bytes were taken from the socket.
        response.auto_close = False
        return response

    def _request(self, path: str, method: str, query: list[tuple[str, str]], body: Any = None) -> bytes:
        from urllib3.exceptions import HTTPError

        headers = {"Content-Type": "application/json"}
        response = self._open(path, method, query, headers, body, self._query_timeout_ms)
        try:
            return response.read()
        except HTTPError as error:
            raise self._unreachable(_reason(error)) from error
        finally:
            response.close()

    def _open(
        self, path: str, method: str, query: Any, headers: Any, body: Any, timeout_ms: Any, form: Any = None
    ) -> Any:
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return self._api.call_api(
                path,
                method,
                None,
                query,
                headers,
                body,
                post_params=form,
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=timeout_ms,
            )
        except ApiException as error:
            raise self.problem(_failed_write(error)) from error
        except HTTPError as error:
            raise self._unreachable(_reason(error)) from error

    def _documents(self, text: bytes) -> list[dict[str, Any]]:
        try:
            return [json.loads(line) for line in text.splitlines()]  # one a chunk
        except ValueError as error:
            raise self._unreachable("what answers there does not speak as InfluxDB does") from error

    def _unreachable(self, why: str) -> UnreachableError:
        return UnreachableError(
            f"InfluxDB at {self.url} does not answer ({why}); check that it runs, and store.url in kado.toml"
        )

    def _missing(self, message: str) -> MissingBucketError:
        if "organization" in message:
            return MissingBucketError(
                f"InfluxDB at {self.url} has no organisation {self.org!r} that the token may see; "
                f"create it with: influx org create --name {self.org}, or correct store.org"
            )
        return MissingBucketError(
            f"InfluxDB at {self.url} has no bucket {self.bucket!r} that the token may see; "
            f"create it with: kado store init (or influx bucket create --org {self.org} --name {self.bucket}),"
            " or correct store.bucket"
        )

    def _query_error(self, message: str, influxql: str) -> KadoError:
        if "database not found" in message or "retention policy not found" in message:
            return self._missing(message)
        if "insufficient permissions" in message or "unauthorized" in message:
            return self.problem(WriteAnswer(403, message))
        return UsageError(f"InfluxDB at {self.url} cannot answer {influxql!r}: {message}")


def _failed_write(error: Any) -> WriteAnswer:
    headers: Mapping[str, str] = error.headers or {}
    if not error.status:
        # The official client's words for a connection that TLS refused.
        return WriteAnswer(None, " ".join(str(error.reason).split()))
    body = error.body or b""
    text: str = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    try:
        text = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        pass
    return WriteAnswer(int(error.status), text.strip() or str(error.reason), _retry_after_s(headers))


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or a date by the server's own clock."""
    text = headers.get("Retry-After")
    if text is None:
        return None
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
        return max((until - parsedate_to_datetime(headers["Date"])).total_seconds(), 0.0)
    except (ValueError, KeyError, TypeError):
        return None


def _reason(error: Exception) -> str:
    """Return a connection's error without the object addresses that urllib3 prints."""
    text = str(error)
    return text.split(">: ", 1)[-1] if ">: " in text else text or type(error).__name__
