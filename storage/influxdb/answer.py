"""Answers of InfluxDB, which arrive as CSV, as Arrow record batches: piece by piece, with bounded memory."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from facility.errors import DataError
from facility.schema import FIELD_ARRIVAL, FIELD_QUALITY, FIELD_REASON, FIELD_STATE, FIELD_VALUE, TELEMETRY
from facility.sentence import Sentence
from storage.arrow import csv, pa
from storage.influxdb.client import Body, InfluxClient

BLOCK_BYTES: Final = 4 << 20
"""The answer is parsed in pieces of this size: some 80,000 samples."""

# A statement of its own behind the query. InfluxDB leaves errors out of CSV, but after an error it runs no
# further statement, and this one always has rows: our bucket is a database. So its rows prove that the query
# ended well. They have three columns, always fewer than a query's.
_END_STATEMENT: Final = "SHOW DATABASES"
_END_HEADER: Final = "name,tags,name"
_FIRST_COLUMNS: Final = b"name,tags,time,"
_END_ROW: Final = "databases,"

_COLUMN_TYPES: Final = {
    FIELD_VALUE: pa.float64(),
    FIELD_STATE: pa.string(),
    FIELD_QUALITY: pa.string(),
    FIELD_REASON: pa.string(),
    FIELD_ARRIVAL: pa.int64(),
}


def record_batches(
    client: InfluxClient,
    fields: tuple[str, ...],
    condition: str | Sequence[str],
    measurement: str = TELEMETRY,
    types: Mapping[str, Any] = _COLUMN_TYPES,
) -> Iterator[Any]:
    """Yield the points of a measurement that a condition selects, as Arrow record batches.

    Parameters
    ----------
    fields
        The columns beside ``time``; null where a point lacks the field.
    condition
        InfluxQL after WHERE; of several, the answers follow each other in their order.
    types
        Arrow types of the columns.

    Raises
    ------
    UnreachableError
        If the answer does not come, or not to its end, or the bucket is missing.
    AuthorizationError
        If the token is refused.
    DataError
        If a column holds values of another type.
    """
    columns = ",".join(f'"{field}"' for field in fields)
    conditions = [condition] if isinstance(condition, str) else condition
    selects = [f'SELECT {columns} FROM "{measurement}" WHERE {one}' for one in conditions]
    with client.query_csv("; ".join([*selects, _END_STATEMENT])) as body:
        head = body.read(1 << 16)
        if head.startswith(_END_HEADER.encode()):
            return
        if not head:
            raise _cut_short(client, measurement)
        if not head.startswith(_FIRST_COLUMNS):
            raise client.foreign(f"{head[:60]!r} is not its CSV")
        end = _End()
        try:
            yield from csv.open_csv(
                _Stream(head, body) if len(conditions) == 1 else _OneTable(head, body),
                csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
                csv.ParseOptions(invalid_row_handler=end),
                csv.ConvertOptions(
                    include_columns=["time", *fields],
                    column_types={"time": pa.int64(), **types},
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
        except (pa.ArrowInvalid, KeyError) as error:
            if "conversion error" not in str(error):
                raise client.foreign(str(error)[:200]) from error
            raise DataError(
                Sentence(
                    "bucket {bucket!r} at {url} holds what kado did not write ({error}): give it a bucket",
                    bucket=client.bucket,
                    url=client.url,
                    error=error,
                )
            ) from error
        if not end.seen:
            raise _cut_short(client, measurement)


class _End:
    """Takes the rows which do not fit the query's columns: those of the end statement."""

    def __init__(self) -> None:
        self.seen = False

    def __call__(self, row: Any) -> str:
        text = str(row.text)
        if text.startswith(_END_ROW):
            self.seen = True
        return "skip" if text.startswith((_END_ROW, _END_HEADER)) else "error"


class _Stream(io.RawIOBase):
    """What was read already, then the rest."""

    def __init__(self, head: bytes, body: Body) -> None:
        self._head = head
        self._body = body

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._body.read(size)


class _OneTable(_Stream):
    """The answers of several statements with the same columns: their headings are left out but for the first one."""

    def __init__(self, head: bytes, body: Body) -> None:
        super().__init__(head, body)
        self._heading: bytes | None = None
        self._begun = b""

    def read(self, size: int = -1, /) -> bytes:
        # What is returned must not be longer than asked for.
        while data := super().read(size if size < 0 else max(1, size - len(self._begun))):
            lines, newline, self._begun = (self._begun + data).rpartition(b"\n")
            if not newline:
                continue
            lines += newline
            if self._heading is None:
                self._heading, _, rest = lines.partition(b"\n")
                return self._heading + newline + self._without_headings(rest)
            if lines := self._without_headings(lines):
                return lines
        rest, self._begun = self._begun, b""
        return rest

    def _without_headings(self, lines: bytes) -> bytes:
        heading = (self._heading or b"") + b"\n"
        # A heading has a newline before it, which is outside of `lines` if it comes first.
        lines = lines.removeprefix(heading)
        return lines.replace(b"\n" + heading, b"\n")


def _cut_short(client: InfluxClient, measurement: str) -> Exception:
    # In JSON, InfluxDB states what is wrong, and this raises it.
    client.query_json(f'SELECT * FROM "{measurement}" LIMIT 1')
    return client.cut_short()
