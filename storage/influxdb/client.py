"""The HTTP API of InfluxDB 2, as far as kado uses it; the official client carries the bytes.

Writes take line protocol as it is. Reads are InfluxQL at ``/query``, whose text works on InfluxDB 1, 2 and 3.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, Final, Protocol, Self, TypeAlias, cast
from urllib.parse import urlencode

from facility.errors import AuthorizationError, DataError, KadoError, UnreachableError, UsageError
from facility.schema import TELEMETRY
from facility.sentence import Sentence
from facility.time import EARLIEST_NS, LATEST_NS, NS_PER_DAY, NS_PER_H, NS_PER_S, format_time
from storage.influxdb.exchange import Document, Exchange, ForeignReplyError, NoReplyError, Reply, documents

NO_CONTENT: Final = 204
"""The only answer to a write that means success."""
QUERY_TIMEOUT_S: Final = 60.0
"""How long a query may compute before the next bytes arrive."""
MINUTES_SUFFIX: Final = "_1m"
"""Behind the name of a bucket: the bucket with what each of its minutes comes to."""
OUTSIDE_RETENTION: Final = "retention policy"
"""Part of InfluxDB's message about points that are older than its retention."""
Series: TypeAlias = tuple[dict[str, Any], list[dict[str, Any]]]
"""A series of an answer: its tags, and its rows with columns by name."""
_LONGEST_IN_ADDRESS: Final = 2_000
_LONGEST_MESSAGE: Final = 1_000
"""Characters of the server's own words: a proxy answers with a whole page."""


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

    @property
    def group(self) -> str:
        """The class of the status, such as ``2xx``; ``none`` where no answer came."""
        return "none" if self.status is None else f"{self.status // 100}xx"


_LONGEST_SHARD_NS: Final = 7 * NS_PER_DAY
_CHECKED_EVERY_NS: Final = NS_PER_H
"""InfluxDB looks every half hour for what is too old."""
_WHILE_COUNTED_NS: Final = 60 * NS_PER_S


@dataclass(frozen=True, slots=True)
class BucketInfo:
    """A bucket of the server."""

    id: str
    retention_ns: int | None
    """Points older than this are refused; None: kept without limit."""
    shard_ns: int = _LONGEST_SHARD_NS
    """The bucket deletes stretches of this length, each when all of it is older than that."""
    server_ns: int | None = None
    """What the server's own clock said when it was asked, UTC ns, to the second; None if it did not say."""

    @property
    def kept_from_ns(self) -> int | None:
        """The instant before which everything is beyond the retention, by the server's own clock."""
        return None if self.retention_ns is None or self.server_ns is None else self.server_ns - self.retention_ns

    @property
    def gone_before_day(self) -> int | None:
        """The first day (since 1970, UTC) for which the bucket may still hold something; None: it never deletes."""
        kept_from_ns = self.kept_from_ns
        return None if kept_from_ns is None else (kept_from_ns - self.shard_ns - _CHECKED_EVERY_NS) // NS_PER_DAY

    @property
    def whole_from_day(self) -> int | None:
        """The first day (since 1970, UTC) for which the bucket holds everything, also a minute from now."""
        kept_from_ns = self.kept_from_ns
        return None if kept_from_ns is None else (kept_from_ns + _WHILE_COUNTED_NS) // NS_PER_DAY + 1

    @classmethod
    def of(cls, document: Document) -> Self:
        """Read it from the server's document about a bucket.

        Raises
        ------
        ForeignReplyError
            If InfluxDB does not say it so.
        """
        rules = [rule for rule in document.objects("retentionRules") if rule["type"] == "expire"]
        seconds = [rule["everySeconds"] for rule in rules]
        if strange := [s for s in seconds if not isinstance(s, int)]:
            raise document.foreign(f"a retention of {strange[0]!r}")
        retention = min((s for s in seconds if s > 0), default=None)
        # InfluxDB 1 and some clones do not say how long their shards are.
        shards = [
            found for rule in rules if isinstance(found := rule.get("shardGroupDurationSeconds"), int) and found > 0
        ]
        shard_ns = max(shards) * NS_PER_S if shards else _LONGEST_SHARD_NS
        return cls(str(document["id"]), None if retention is None else retention * NS_PER_S, shard_ns)


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
    query_timeout_s
        For each wait for the answer to a query; None: a minute, or `timeout_s` if that is longer.
    """

    def __init__(
        self,
        url: str,
        org: str,
        bucket: str,
        token: str,
        *,
        token_source: str = "store.token",
        timeout_s: float = 10.0,
        query_timeout_s: float | None = None,
    ) -> None:
        self.url = url
        self.org = org
        self.bucket = bucket
        self.token_source = token_source
        self._timeout_s = (timeout_s, timeout_s)
        self._query_timeout_s = (timeout_s, query_timeout_s or max(timeout_s, QUERY_TIMEOUT_S))
        self._exchange = Exchange(url, org, token)
        self._server_ns: int | None = None
        self._reads_its_own = False

    def write(self, lines: bytes) -> WriteAnswer:
        """Send line protocol with times in nanoseconds; whatever goes wrong is in the answer."""
        query = [("org", self.org), ("bucket", self.bucket), ("precision", "ns")]
        headers = {"Content-Type": "text/plain; charset=utf-8", "Accept": "application/json"}
        try:
            reply = self._exchange.request(
                "POST", "/api/v2/write", query=query, headers=headers, body=lines, timeout_s=self._timeout_s
            )
        except NoReplyError as error:
            return WriteAnswer(None, error.why)
        try:
            return _write_answer(reply)
        finally:
            reply.close()

    @contextmanager
    def query_csv(self, influxql: str) -> Generator[Body]:
        """Ask and yield the answer as CSV, as it arrives.

        InfluxDB leaves errors out of CSV, so that an answer may be cut short or empty because of one: the
        reader must look for the mark of its end, and call `query_json` for the reason if the mark is missing.

        Raises
        ------
        UnreachableError
            If the server does not answer, also half-way.
        AuthorizationError
            If it refuses the token.
        """
        reply = self._ask(influxql, "application/csv")
        try:
            yield reply
        finally:
            reply.close()

    def query_json(self, influxql: str, statements: int = 1) -> list[list[dict[str, Any]]]:
        """Ask and return, for each statement, its rows: tags and columns by name, times in nanoseconds.

        Parameters and errors are those of `query_series`.
        """
        return [
            [Document(self.url, {**tags, **row}) for tags, rows in series for row in rows]
            for series in self.query_series(influxql, statements)
        ]

    def query_series(self, influxql: str, statements: int = 1) -> list[list[Series]]:
        """Ask and return, for each statement, its series: tags, and rows of columns by name, times in nanoseconds.

        Parameters
        ----------
        influxql
            The statements.
        statements
            How many these are; so many answers there must be.

        Raises
        ------
        UnreachableError
            If the server does not answer, or not as InfluxDB does, or lacks the bucket.
        AuthorizationError
            If it refuses the token.
        """
        reply = self._ask(influxql, "application/json")
        try:
            text = reply.whole()
        finally:
            reply.close()
        answers: dict[int, list[Series]] = {}
        unfinished: set[int] = set()
        for document in documents(self.url, text):
            if "error" in document:
                raise self._query_error(str(document["error"]), influxql)
            for result in document.objects("results"):
                if "error" in result:
                    raise self._query_error(str(result["error"]), influxql)
                statement = result["statement_id"]
                if not isinstance(statement, int):
                    raise self.foreign(f"statement {statement!r}")
                series = answers.setdefault(statement, [])
                unfinished.discard(statement)
                # A series with this mark continues in the next document; without one, the server has a limit.
                tables = result.objects("series") if "series" in result else []
                if result.get("partial") or any(table.get("partial") for table in tables):
                    unfinished.add(statement)
                series += [self._one_series(table) for table in tables]
        if unfinished:
            raise self.cut_short()
        if sorted(answers) != list(range(statements)):
            raise self.foreign(f"answers to statements {sorted(answers)}, asked were {statements}")
        return [series for _, series in sorted(answers.items())]

    def _one_series(self, table: Document) -> Series:
        """Return the tags and rows of a table of an answer, having looked whether it is one."""
        columns: Any = table["columns"]
        tags: Any = table.get("tags") or {}
        values: Any = table.get("values") or []
        if not isinstance(columns, list) or not isinstance(tags, dict) or not isinstance(values, list):
            raise self.foreign("a table without columns and rows")
        names = [str(name) for name in cast("list[Any]", columns)]
        rows: list[dict[str, Any]] = []
        for row in cast("list[Any]", values):
            if not isinstance(row, list) or len(cast("list[Any]", row)) != len(names):
                raise self.foreign(f"a row that does not fit the columns {names}")
            named = dict(zip(names, cast("list[Any]", row), strict=True))
            one = Document(self.url, named)
            if "time" in one and not isinstance(one["time"], int):
                raise self.foreign(f"time {one['time']!r}")
            rows.append(one)
        return Document(self.url, cast("dict[str, Any]", tags)), rows

    def delete(self, tags: Mapping[str, str], first_ns: int, last_ns: int, *, measurement: str = TELEMETRY) -> None:
        """Delete the points with these tags stamped from the one to the other instant, both included."""
        predicate = [f'_measurement="{measurement}"', *(f'{name}="{value}"' for name, value in tags.items())]
        body = {
            "start": format_time(max(first_ns, EARLIEST_NS)),
            "stop": format_time(min(last_ns, LATEST_NS)),
            "predicate": " AND ".join(predicate),
        }
        self._request("/api/v2/delete", "POST", [("org", self.org), ("bucket", self.bucket)], body, NO_CONTENT)

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
        found = answer.objects("buckets")
        if not found:
            raise self._missing(f'bucket "{self.bucket}" not found')
        return replace(BucketInfo.of(found[0]), server_ns=self._server_ns)

    def ensure_reading(self) -> None:
        """Ensure that queries are answered from this bucket and from no other.

        InfluxQL names a bucket by a database and a retention policy, and the server decides which bucket these are:
        of ``kado`` and ``kado/autogen`` it takes the first, whichever is meant, and a mapping that somebody made
        (``influx v1 dbrp``) before both. Looked at once, before the first query; servers that know no mappings have
        no other bucket.

        Raises
        ------
        MissingBucketError
            If queries would be answered from another bucket, or from none.
        UnreachableError, AuthorizationError
            As for `bucket_info`.
        """
        if self._reads_its_own:
            return
        database, slash, policy = self.bucket.partition("/")
        if not database or (slash and not policy):
            raise MissingBucketError(
                Sentence(
                    "InfluxDB at {url} answers no queries to bucket {bucket!r}, because its name begins "
                    "or ends with '/': give store.bucket another name",
                    url=self.url,
                    bucket=self.bucket,
                )
            )
        meant = ""
        try:
            meant = self.bucket_info().id
            which = {"rp": policy} if policy else {"default": "true"}
            answer = self.call("GET", "/api/v2/dbrps", {"org": self.org, "db": database, **which})
        except (MissingBucketError, AuthorizationError, DataError):
            # The query itself says what is missing, or is allowed where looking at buckets is not.
            answer = Document(self.url, {})
        if "content" in answer:
            mappings = answer.objects("content")
            if not mappings or mappings[0]["bucketID"] != meant:
                raise self._read_elsewhere(database, policy, mappings[0] if mappings else None)
        self._reads_its_own = True

    def try_query(self) -> None:
        """Ask for a little, as every reader of the bucket does; raises what `query_series` raises."""
        self.query_json(f'SELECT * FROM "{TELEMETRY}" WHERE time > now() - 1m LIMIT 1')

    def _read_elsewhere(self, database: str, policy: str, mapping: Document | None) -> MissingBucketError:
        taken = f"database {database!r}" + (f" with retention policy {policy!r}" if policy else "")
        if mapping is None:
            why = f"answers no queries to bucket {self.bucket!r}: a mapping takes {taken} to a bucket that the token"
            why += " may not see"
        else:
            why = f"would answer queries to bucket {self.bucket!r} from another bucket (id {mapping['bucketID']}):"
            why += f" that is the one it takes for {taken}"
        if mapping is not None and mapping.get("virtual"):
            remedy = "use a token for this bucket alone (kado store init --write-token)"
        else:
            remedy = "delete the mapping (influx v1 dbrp list, influx v1 dbrp delete)"
        return MissingBucketError(
            Sentence(
                "InfluxDB at {url} {why}; {remedy}, or give store.bucket another name",
                url=self.url,
                why=why,
                remedy=remedy,
            )
        )

    def call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Document:
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
        text = self._request(path, method, list((query or {}).items()), body)
        found = documents(self.url, b"".join(text.splitlines()))
        return found[0] if found else Document(self.url, {})

    def problem(self, answer: WriteAnswer) -> KadoError:
        """Return what a failed write means, in words for people."""
        status = answer.status
        if status is None:
            return NoReplyError.of(self.url, answer.message)
        if status in (401, 403):
            return AuthorizationError(
                Sentence(
                    "InfluxDB at {url} refuses the token from {token_source} ({status}: {message}); it "
                    "must be valid and may read and write bucket {bucket!r} of organisation {org!r}",
                    url=self.url,
                    token_source=self.token_source,
                    status=status,
                    message=answer.message,
                    bucket=self.bucket,
                    org=self.org,
                )
            )
        if status == 404:
            return self._missing(answer.message)
        if status == 429 or status >= 500:
            return UnreachableError(
                Sentence(
                    "InfluxDB at {url} cannot take requests now ({status}: {message}); see its log",
                    url=self.url,
                    status=status,
                    message=answer.message,
                )
            )
        if status < 400:
            return self.foreign(f"status {status}: {answer.message}")
        return DataError(
            Sentence(
                "InfluxDB at {url} refuses a request to {bucket!r} ({status}: {message})",
                url=self.url,
                bucket=self.bucket,
                status=status,
                message=answer.message,
            )
        )

    def cut_short(self) -> UnreachableError:
        """Return what it means that an answer began and did not come to its end."""
        return UnreachableError(
            Sentence(
                "InfluxDB at {url} did not finish its answer: ask again, for a shorter time if it happens again",
                url=self.url,
            )
        )

    def foreign(self, why: str) -> ForeignReplyError:
        """Return what it means that an answer came that InfluxDB does not give."""
        return ForeignReplyError.of(self.url, why)

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def _ask(self, influxql: str, accept: str) -> Reply:
        self.ensure_reading()
        # InfluxQL knows a bucket "a/b" as retention policy b of database a; what was version 1 is called so.
        database, _, policy = self.bucket.partition("/")
        query = [("db", database), ("epoch", "ns"), ("chunked", "true"), *([("rp", policy)] if policy else [])]
        if len(influxql) <= _LONGEST_IN_ADDRESS:
            return self._open("/query", "GET", [*query, ("q", influxql)], {"Accept": accept})
        headers = {"Accept": accept, "Content-Type": "application/x-www-form-urlencoded"}
        return self._open("/query", "POST", query, headers, urlencode({"q": influxql}).encode())

    def _request(
        self, path: str, method: str, query: list[tuple[str, str]], body: Any, status: int | None = None
    ) -> bytes:
        """Return what answers a request; `status` is the only one that InfluxDB gives if it succeeds."""
        headers = {"Content-Type": "application/json"}
        reply = self._open(path, method, query, headers, None if body is None else json.dumps(body).encode())
        try:
            text = reply.whole()
        finally:
            reply.close()
        if status is not None and reply.status != status:
            raise self.foreign(f"status {reply.status} to {method} {path}")
        return text

    def _open(
        self, path: str, method: str, query: list[tuple[str, str]], headers: dict[str, str], body: bytes | None = None
    ) -> Reply:
        reply = self._exchange.request(
            method, path, query=query, headers=headers, body=body, timeout_s=self._query_timeout_s
        )
        if 200 <= reply.status <= 299:
            self._server_ns = _date_ns(reply.headers)
            return reply
        try:
            raise self.problem(_write_answer(reply))
        finally:
            reply.close()

    def _missing(self, message: str) -> MissingBucketError:
        if "organization" in message:
            return MissingBucketError(
                Sentence(
                    "InfluxDB at {url} has no organisation {org!r} that the token may see; create it "
                    "with: influx org create --name {org}, or correct store.org",
                    url=self.url,
                    org=self.org,
                )
            )
        return MissingBucketError(
            Sentence(
                "InfluxDB at {url} has no bucket {bucket!r} that the token may see; create it with: "
                "kado store init (or influx bucket create --org {org} --name {bucket}), or correct "
                "store.bucket",
                url=self.url,
                bucket=self.bucket,
                org=self.org,
            )
        )

    def _query_error(self, message: str, influxql: str) -> KadoError:
        if "database not found" in message or "retention policy not found" in message:
            return self._missing(message)
        if "insufficient permissions" in message or "unauthorized" in message:
            return self.problem(WriteAnswer(403, message))
        return UsageError(
            Sentence(
                "InfluxDB at {url} cannot answer {influxql!r}: {message}",
                url=self.url,
                influxql=influxql,
                message=message,
            )
        )


def _write_answer(reply: Reply) -> WriteAnswer:
    text = reply.beginning().decode(errors="replace")
    if reply.status == NO_CONTENT:
        return WriteAnswer(NO_CONTENT)
    try:
        text = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    words = " ".join(text.split()) or reply.reason
    return WriteAnswer(reply.status, words[:_LONGEST_MESSAGE], _retry_after_s(reply.headers))


def _date_ns(headers: Mapping[str, str]) -> int | None:
    try:
        return round(parsedate_to_datetime(headers["Date"]).timestamp()) * NS_PER_S
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or a date by the server's own clock."""
    text = headers.get("Retry-After")
    if text is None:
        return None
    try:
        seconds = float(text)
        return max(seconds, 0.0) if isfinite(seconds) else None
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
        return max((until - parsedate_to_datetime(headers["Date"])).total_seconds(), 0.0)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
