"""Telemetry in a bucket of InfluxDB 2."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

import numpy as np

from facility.batch import Batch, Samples
from facility.errors import AuthorizationError
from facility.quality import TIME_REASONS, Quality
from facility.schema import FIELD_QUALITY, FIELD_REASON, FIELD_STATE, FIELD_VALUE, TELEMETRY
from facility.time import EARLIEST_NS, LATEST_NS, NS_PER_DAY, Clock, system_clock
from storage.bucketing import bucket_edges, bucketise, check_bucket_count
from storage.columns import Columns, concat
from storage.influxdb.client import (
    MINUTES_SUFFIX,
    NO_CONTENT,
    OUTSIDE_RETENTION,
    InfluxClient,
    MissingBucketError,
)
from storage.influxdb.existing_points import clear_stale, find_held
from storage.influxdb.line_protocol import encode
from storage.influxdb.minutes import MinutesBucket
from storage.influxdb.reading import condition, extent_of, literal, read_columns
from storage.influxdb.summing import LEAST_RANGE_NS, LEAST_WIDTH_NS, MinutesChangedError, Summing
from storage.influxdb.touching import touches
from storage.merging import conflicts, parts
from storage.store import Buckets, Counted, LastValue, SeriesCount, Written

LINES_A_REQUEST: Final = 20_000
_STRETCHES_A_REQUEST: Final = 200
_ATTEMPTS: Final = 2


class InfluxStore:
    """Samples of one facility in one bucket, behind the protocol `storage.store.TelemetryStore`.

    Nothing is tried twice here: the service writes through the outbox and its forwarder, which never give up.
    A sample that replaces one with more fields is deleted before it is written, so for a moment it is not there.

    Parameters
    ----------
    url, org, bucket
        Where to.
    token
        The secret itself; never printed.
    facility
        Whose samples.
    timeout_s
        For connecting, and for each wait for the server while writing.
    token_source
        Where the token came from, for messages.
    query_timeout_s
        For each wait for the answer to a query; None: a minute, or `timeout_s` if that is longer.
    clock
        Decides which days are over; a write to one of them marks it.
    """

    def __init__(
        self,
        url: str,
        org: str,
        bucket: str,
        token: str,
        facility: str,
        timeout_s: float = 10.0,
        *,
        token_source: str = "store.token",
        query_timeout_s: float | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._client, self._of_minutes = (
            InfluxClient(
                url,
                org,
                name,
                token,
                token_source=token_source,
                timeout_s=timeout_s,
                query_timeout_s=query_timeout_s,
            )
            for name in (bucket, bucket + MINUTES_SUFFIX)
        )
        self._facility = facility
        self._clock = clock

    @property
    def kind(self) -> Literal["influxdb"]:
        """Which backend it is."""
        return "influxdb"

    def write(self, batch: Batch) -> Written:
        """Write a batch; when this returns it is durable. Idempotent.

        Raises
        ------
        UnreachableError
            If the server does not take it now, or lacks the bucket.
        AuthorizationError
            If it refuses the token.
        DataError
            If it refuses the samples, for example because they are older than the bucket keeps them.
        """
        of_signal = list(parts(batch))
        held = find_held(self._client, batch)
        clear_stale(self._client, batch.facility, held)
        if of_signal:
            batch_once = batch.take(np.sort(np.concatenate([part.last for part in of_signal])))
            for first in range(0, len(batch_once), LINES_A_REQUEST):
                piece = batch_once.take(np.arange(first, min(first + LINES_A_REQUEST, len(batch_once))))
                answer = self._client.write(self._touches(piece) + encode(piece))
                if answer.status != NO_CONTENT:
                    raise self._client.problem(answer)
        repeated = sum(int(part.repeats.sum()) for part in of_signal)
        differing = sum(int(conflicts(batch, part).sum()) for part in of_signal)
        return Written(
            stored=len(batch),
            rewritten=repeated + sum(one.points for one in held),
            conflicts=differing + sum(one.conflicts for one in held),
        )

    def read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        """Return the samples stamped in ``[start_ns, end_ns)``; with `hold` from the last one before on."""
        pieces: list[Columns] = []
        if hold:
            before = f"{condition(self._facility, signal, last_ns=start_ns - 1)} ORDER BY time DESC LIMIT 1"
            pieces += read_columns(self._client, signal, before)
        pieces += self._columns(signal, start_ns, end_ns)
        return concat(pieces).samples(self._facility, signal)

    def read_chunks(self, signal: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        """Yield the samples stamped in ``[start_ns, end_ns)``, some 80,000 at a time."""
        for columns in self._columns(signal, start_ns, end_ns):
            yield columns.samples(self._facility, signal)

    def read_batches(self, signal: str, start_ns: int, end_ns: int) -> Iterator[Batch]:
        """Yield the same pieces with all that is kept, arrivals included."""
        for columns in self._columns(signal, start_ns, end_ns, arrivals=True):
            yield columns.batch(self._facility, signal)

    def last(self, signals: Sequence[str]) -> dict[str, LastValue]:
        """Return the newest sample of each signal that has one."""
        if not signals:
            return {}
        newest = self._newest(signals, "")
        doubted = [signal for signal, row in newest.items() if row["reason"] in TIME_REASONS]
        if doubted:
            # A comparison leaves out points that lack the field, so the uncertain ones are asked for apart.
            known = " OR ".join(f"\"{FIELD_QUALITY}\" = '{word}'" for word in (Quality.GOOD.word, Quality.BAD.word))
            others = " AND ".join(f"\"{FIELD_REASON}\" != '{reason}'" for reason in TIME_REASONS)
            for which in (f" AND ({known})", f" AND {others}"):
                for signal, row in self._newest(doubted, which).items():
                    if newest[signal]["reason"] in TIME_REASONS or newest[signal]["time"] < row["time"]:
                        newest[signal] = row
        return {
            signal: LastValue(
                time_ns=row["time"],
                value=float("nan") if row["value"] is None else float(row["value"]),
                state=row["state"],
                quality=Quality.from_word(row["quality"]),
            )
            for signal, row in newest.items()
            if row["reason"] not in TIME_REASONS
        }

    def _newest(self, signals: Sequence[str], which: str) -> dict[str, dict[str, Any]]:
        (rows,) = self._client.query_json(
            f'SELECT last("{FIELD_QUALITY}") AS quality, "{FIELD_VALUE}" AS value, "{FIELD_STATE}" AS state,'
            f' "{FIELD_REASON}" AS reason FROM "{TELEMETRY}" WHERE {self._any_of(signals)}{which} GROUP BY signal'
        )
        return {row["signal"]: row for row in rows}

    def buckets(self, signal: str, start_ns: int, end_ns: int, count: int) -> Buckets:
        """Cut ``[start_ns, end_ns)`` into `count` equal buckets (at most 2,000).

        InfluxQL's ``mean`` knows no weights and its ``integral`` draws lines between samples, so what each minute comes
        to is taken from the bucket of minutes where that is valid, and samples are read elsewhere; both
        with bounded memory.
        """
        check_bucket_count(signal, count)
        edges = bucket_edges(start_ns, end_ns, count)
        if end_ns - start_ns >= LEAST_RANGE_NS and (end_ns - start_ns) // count >= LEAST_WIDTH_NS:
            summing = Summing(
                MinutesBucket(self._client, self._of_minutes, self._facility), self.read_chunks, self._read_stretches
            )
            for _ in range(_ATTEMPTS):
                with suppress(MinutesChangedError):
                    return bucketise(signal, summing.pieces(signal, start_ns, end_ns, edges), start_ns, end_ns, count)
        return bucketise(signal, self.read_chunks(signal, start_ns, end_ns), start_ns, end_ns, count)

    def series(self) -> list[SeriesCount]:
        """Count what the bucket holds, signal by signal, in order of name."""
        return self._series(self._any_time())

    def _series(self, where: str) -> list[SeriesCount]:
        which = f'FROM "{TELEMETRY}" WHERE {where} GROUP BY signal'
        counted, first, last = self._client.query_json(
            "; ".join(f'SELECT {function}("{FIELD_QUALITY}") {which}' for function in ("count", "first", "last")),
            statements=3,
        )
        begins: dict[str, int] = {row["signal"]: row["time"] for row in first}
        ends: dict[str, int] = {row["signal"]: row["time"] for row in last}
        return [
            SeriesCount(row["signal"], row["count"], begins[row["signal"]], ends[row["signal"]])
            for row in sorted(counted, key=_signal)
        ]

    def counted(self) -> Counted:
        """Count what the bucket holds; only the server knows whether its files are whole."""
        info = None
        # A token that may not look at the bucket can still count what is in it.
        with suppress(AuthorizationError, MissingBucketError):
            info = self._client.bucket_info()
        if info is None or (day := info.whole_from_day) is None:
            return Counted(self.series(), [])
        return Counted(self._series(f"{self._any_time()} AND time >= {day * NS_PER_DAY}"), [], day)

    def extent(self, signal: str) -> tuple[int, int] | None:
        """Return the stamps of a signal's first and last sample; None if it has no samples."""
        return extent_of(self._client, self._facility, signal)

    def delete(self, signal: str, before_ns: int) -> int:
        """Delete what is stamped before an instant (retention); return how many samples that were."""
        (rows,) = self._client.query_json(
            f'SELECT count("{FIELD_QUALITY}") AS n FROM "{TELEMETRY}"'
            f" WHERE {condition(self._facility, signal, last_ns=before_ns - 1)}"
        )
        extent = self.extent(signal)
        if not rows or extent is None:
            return 0
        days = range(extent[0] // NS_PER_DAY, min(extent[1], before_ns - 1) // NS_PER_DAY + 1)
        self._touch(signal, days)
        self._client.delete({"facility": self._facility, "signal": signal}, EARLIEST_NS, before_ns - 1)
        with suppress(MissingBucketError):
            MinutesBucket(self._client, self._of_minutes, self._facility).forget(signal, days[0], days[-1])
        return int(rows[0]["n"])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._of_minutes.close()

    def _touches(self, batch: Batch) -> bytes:
        days: list[list[int]] = np.unique(np.column_stack([batch.signal, batch.time_ns // NS_PER_DAY]), axis=0).tolist()
        return touches(self._facility, [(batch.signals[code], day) for code, day in days], self._clock())

    def _columns(self, signal: str, start_ns: int, end_ns: int, *, arrivals: bool = False) -> Iterator[Columns]:
        if start_ns < end_ns:
            which = condition(self._facility, signal, start_ns, end_ns - 1)
            yield from read_columns(self._client, signal, which, arrivals=arrivals)

    def _read_stretches(self, signal: str, stretches: list[tuple[int, int]]) -> Samples:
        """Read the samples of several ranges that follow each other, many of them with one request."""
        pieces: list[Columns] = []
        for first in range(0, len(stretches), _STRETCHES_A_REQUEST):
            some = stretches[first : first + _STRETCHES_A_REQUEST]
            which = [condition(self._facility, signal, start_ns, end_ns - 1) for start_ns, end_ns in some]
            pieces += read_columns(self._client, signal, which)
        return concat(pieces).samples(self._facility, signal)

    def _touch(self, signal: str, days: range) -> None:
        """Mark the minutes of days as not valid, before samples of these days are deleted."""
        answer = self._client.write(touches(self._facility, [(signal, day) for day in days], self._clock()))
        if answer.status not in (NO_CONTENT, 400) and OUTSIDE_RETENTION not in answer.message:
            raise self._client.problem(answer)

    def _any_time(self) -> str:
        # Without limits of its own an aggregation may end at the server's now.
        return f"facility = {literal(self._facility)} AND time >= {EARLIEST_NS} AND time <= {LATEST_NS}"

    def _any_of(self, signals: Sequence[str]) -> str:
        names = " OR ".join(f"signal = {literal(signal)}" for signal in signals)
        return f"{self._any_time()} AND ({names})"


def _signal(row: dict[str, Any]) -> str:
    return str(row["signal"])
