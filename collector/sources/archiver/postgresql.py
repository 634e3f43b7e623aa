"""Archives in PostgreSQL: that of CS-Studio and Phoebus, or any by a query of one's own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from collector.sources.archiver.archive import Recorded
from collector.sources.epics_ca.alarms import QUALITY, SEVERITIES
from collector.sources.extra import load_library
from facility.errors import AuthorizationError, DataError, UnreachableError
from facility.quality import QUALITY_WORDS, Quality
from facility.sentence import Sentence
from facility.time import NS_PER_S, from_datetime

CS_STUDIO: Final = """\
SELECT s.smpl_time AS time, s.nanosecs AS nanoseconds,
       coalesce(s.float_val, s.num_val) AS value, s.str_val AS text, v.name AS quality, t.name AS reason
FROM sample s
JOIN channel c USING (channel_id)
LEFT JOIN severity v USING (severity_id)
LEFT JOIN status t USING (status_id)
WHERE c.name = %(channel)s AND s.smpl_time >= %(start)s::timestamp - interval '1 second' AND s.smpl_time < %(end)s
ORDER BY s.smpl_time, s.nanosecs"""
"""The tables of CS-Studio's and Phoebus' archive engine; the fraction of a second is a column of its own."""
_AT_ONCE: Final = 20_000
_NAMES: Final = ("time", "value", "nanoseconds", "text", "quality", "reason")


class PostgresArchive:
    """`collector.sources.archiver.archive.Archive` of a PostgreSQL database.

    Parameters
    ----------
    url
        ``postgresql://user@host:port/database``.
    query
        Takes ``%(channel)s``, ``%(start)s``, ``%(end)s``; gives the columns ``time`` and ``value``, and where there are
        such ``nanoseconds`` (instead of the fraction of ``time``), ``text``, ``quality``, ``reason``.
    zone
        Of times without one.
    """

    def __init__(
        self, source_id: str, url: str, password: str | None, query: str, zone: ZoneInfo, timeout_s: float
    ) -> None:
        self._psycopg = load_library("psycopg", "archiver", source_id, "archiver")
        self._source_id = source_id
        self._url = url
        self._password = password
        self._query = query
        self._zone = zone
        self._timeout_s = timeout_s
        self._connection: Any = None

    def check(self) -> str:
        """Ask for the version of the server."""
        with self._opened().cursor() as cursor:
            return f"PostgreSQL {cursor.execute('SHOW server_version').fetchone()[0]}"

    def read(self, channel: str, field: str, start_ns: int, end_ns: int) -> Iterator[Recorded]:
        """Yield what is recorded, in pieces that the server keeps ready."""
        asked = {"channel": channel, "start": self._time(start_ns), "end": self._time(end_ns, up=True)}
        try:
            with self._opened().transaction(), self._opened().cursor(name="kado") as cursor:
                cursor.itersize = _AT_ONCE
                cursor.execute(self._query, asked)
                names = [column.name for column in cursor.description]
                self._check(names)
                while rows := cursor.fetchmany(_AT_ONCE):
                    recorded = self._recorded(names, rows)
                    kept = np.flatnonzero((recorded.time_ns >= start_ns) & (recorded.time_ns < end_ns)).tolist()
                    if kept:
                        columns = recorded.columns(0).take(kept)
                        texts = None if columns.text is None else list(columns.text)
                        reasons = None if columns.reason is None else list(columns.reason)
                        yield Recorded(columns.time_ns, columns.number, texts, columns.quality, reasons)
        except self._psycopg.OperationalError as error:
            self.close()
            raise self._unreachable(error) from error
        except self._psycopg.Error as error:
            raise DataError(
                Sentence(
                    "source {source_id}: PostgreSQL refuses the query: {error}",
                    source_id=self._source_id,
                    error=_line(error),
                )
            ) from error

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _opened(self) -> Any:
        if self._connection is None or self._connection.closed:
            try:
                self._connection = self._psycopg.connect(
                    self._url,
                    password=self._password,
                    connect_timeout=max(2, round(self._timeout_s)),
                    autocommit=True,
                    options=f"-c statement_timeout={round(self._timeout_s * 1000)} -c default_transaction_read_only=on"
                    f" -c timezone={self._zone.key}",
                )
            except self._psycopg.OperationalError as error:
                raise self._unreachable(error) from error
        return self._connection

    def _unreachable(self, error: Any) -> UnreachableError:
        text = _line(error)
        refused = "authentication" in text or "password" in text
        kind = AuthorizationError if refused else UnreachableError
        return kind(f"source {self._source_id}: the archive in PostgreSQL cannot be read: {text}")

    def _check(self, names: list[str]) -> None:
        if missing := [name for name in ("time", "value") if name not in names]:
            raise DataError(
                Sentence(
                    "source {source_id}: the query gives no column {missing!r} but {names}: name its "
                    "columns {wanted} (the first two are needed)",
                    source_id=self._source_id,
                    missing=missing[0],
                    names=", ".join(names),
                    wanted=", ".join(_NAMES),
                )
            )

    def _time(self, time_ns: int, *, up: bool = False) -> datetime:
        """Return an instant, cut to microseconds, or rounded up; the session has the zone of times without one."""
        seconds, rest = divmod(time_ns, NS_PER_S)
        micro = -(-rest // 1000) if up else rest // 1000
        at = datetime.fromtimestamp(seconds + micro // 1_000_000, UTC).replace(microsecond=micro % 1_000_000)
        return at

    def _recorded(self, names: list[str], rows: list[tuple[Any, ...]]) -> Recorded:
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        n = len(rows)
        nothing: tuple[Any, ...] = (None,) * n
        texts: list[str | None] = list(columns.get("text", nothing))
        numbers: list[float] = []
        for row, value in enumerate(columns["value"]):
            if isinstance(value, str):
                texts[row] = value
            elif isinstance(value, bool):
                texts[row] = "true" if value else "false"
            numbers.append(
                float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else np.nan
            )
            if not np.isnan(numbers[-1]):
                texts[row] = None
        qualities = [_quality(word) for word in columns.get("quality", nothing)]
        reasons = [
            None if quality == Quality.GOOD else _reason(word, reason)
            for quality, word, reason in zip(
                qualities, columns.get("quality", nothing), columns.get("reason", nothing), strict=True
            )
        ]
        fractions = columns.get("nanoseconds", nothing)
        return Recorded(
            np.array([self._stamp(t, f) for t, f in zip(columns["time"], fractions, strict=True)], np.int64),
            np.array(numbers, np.float64),
            texts if any(text is not None for text in texts) else None,
            np.array(qualities, np.uint8) if any(qualities) else None,
            reasons if any(qualities) else None,
        )

    def _stamp(self, time: Any, nanoseconds: Any) -> int:
        if isinstance(time, int):
            return time
        if not isinstance(time, datetime):
            raise DataError(
                Sentence(
                    "source {source_id}: column time is {time!r}: it must be a timestamp, or whole nanoseconds",
                    source_id=self._source_id,
                    time=time,
                )
            )
        at = time if time.tzinfo is not None else time.replace(tzinfo=self._zone)
        stamp = from_datetime(at)
        return stamp if nanoseconds is None else stamp // NS_PER_S * NS_PER_S + int(nanoseconds)


def _quality(word: Any) -> Quality:
    """Return a quality by kado's word, or by an EPICS severity as archive engines write it."""
    text = "" if word is None else str(word).strip()
    if text.lower() in QUALITY_WORDS:
        return Quality.from_word(text.lower())
    if text.upper() in ("", "OK", "NONE", *SEVERITIES[:1]):
        return Quality.GOOD
    if text.upper() in SEVERITIES:
        return QUALITY[SEVERITIES.index(text.upper())]
    return Quality.BAD


def _reason(word: Any, reason: Any) -> str | None:
    return " ".join(str(part).strip() for part in (word, reason) if part is not None) or None


def _line(error: Any) -> str:
    return " ".join(str(error).split()) or type(error).__name__
