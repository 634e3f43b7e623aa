"""Points of measurement ``telemetry`` back into samples."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD, Samples
from facility.errors import DataError
from facility.quality import QUALITY_WORDS
from facility.schema import FIELD_ARRIVAL, FIELD_QUALITY, FIELD_REASON, FIELD_STATE, FIELD_VALUE, TELEMETRY
from facility.sentence import Sentence
from facility.time import EARLIEST_NS, LATEST_NS, format_time
from storage.arrow import pa, pc
from storage.columns import NO_ARRIVAL, Columns
from storage.influxdb.answer import record_batches
from storage.influxdb.client import InfluxClient

_FIELDS: Final = (FIELD_VALUE, FIELD_STATE, FIELD_QUALITY, FIELD_REASON)


def condition(facility: str, signal: str, first_ns: int = EARLIEST_NS, last_ns: int = LATEST_NS) -> str:
    """Return the InfluxQL condition for a signal's samples from the one to the other instant, both included."""
    times = f"time >= {max(first_ns, EARLIEST_NS)} AND time <= {min(last_ns, LATEST_NS)}"
    return f"facility = {literal(facility)} AND signal = {literal(signal)} AND {times}"


def literal(text: str) -> str:
    """Return `text` as InfluxQL writes a string."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def extent_of(client: InfluxClient, facility: str, signal: str) -> tuple[int, int] | None:
    """Return the stamps of a signal's first and last sample; None if it has no samples."""
    which = f'FROM "{TELEMETRY}" WHERE {condition(facility, signal)}'
    answers = client.query_json(
        "; ".join(f'SELECT {function}("{FIELD_QUALITY}") {which}' for function in ("first", "last")), statements=2
    )
    times = [int(row["time"]) for rows in answers for row in rows]
    return (times[0], times[-1]) if times else None


def read_columns(
    client: InfluxClient, signal: str, which: str | Sequence[str], *, arrivals: bool = False
) -> Iterator[Columns]:
    """Yield what InfluxQL conditions select of one signal, piece by piece, in order of time.

    Raises
    ------
    DataError
        If a point has no quality, or one that does not exist: kado did not write it; or they are not in order.
    UnreachableError
        If the answer does not come, or not to its end, or the bucket is missing.
    AuthorizationError
        If the token is refused.
    """
    newest_ns: int | None = None
    fields = (*_FIELDS, FIELD_ARRIVAL) if arrivals else _FIELDS
    for table in record_batches(client, fields, which):
        if table.num_rows:
            columns = to_columns(signal, table, arrivals=arrivals)
            if newest_ns is not None and int(columns.time_ns[0]) <= newest_ns:
                raise DataError(
                    Sentence(
                        "InfluxDB at {url} gave samples of {signal} that are not in order of time",
                        url=client.url,
                        signal=signal,
                    )
                )
            newest_ns = int(columns.time_ns[-1])
            yield columns


def read_samples(client: InfluxClient, facility: str, signal: str, which: str | Sequence[str]) -> Iterator[Samples]:
    """Yield the same as samples; errors as `read_columns`."""
    for columns in read_columns(client, signal, which):
        yield columns.samples(facility, signal)


def to_columns(signal: str, table: Any, *, arrivals: bool = False) -> Columns:
    """Return the rows of an Arrow record batch, in order of time; with `arrivals` it has a column of them."""
    times: NDArray[np.int64] = table.column("time").to_numpy()
    quality: Any = pc.index_in(table.column(FIELD_QUALITY), pa.array(QUALITY_WORDS))
    if quality.null_count:
        row = int(np.flatnonzero(quality.is_null().to_numpy(zero_copy_only=False))[0])
        raise DataError(
            Sentence(
                "{signal} at {times} has the quality {column!r}: kado did not write it; delete that "
                "point, or give kado a bucket of its own",
                signal=signal,
                times=format_time(int(times[row])),
                column=table.column(FIELD_QUALITY)[row].as_py(),
            )
        )
    words: dict[str, int] = {}
    state, reason = (_codes(table.column(field), words) for field in (FIELD_STATE, FIELD_REASON))
    return Columns(
        times,
        table.column(FIELD_VALUE).to_numpy(zero_copy_only=False),
        quality.to_numpy().astype(np.uint8),
        state,
        reason,
        table.column(FIELD_ARRIVAL).fill_null(NO_ARRIVAL).to_numpy() if arrivals else None,
        tuple(words),
    )


def _codes(column: Any, words: dict[str, int]) -> NDArray[np.int32] | None:
    """Return the column as codes of `words`, which grows by what is new; None if it is all null."""
    if column.null_count == len(column):
        return None
    encoded = column.dictionary_encode()
    codes = [words.setdefault(word, len(words)) for word in encoded.dictionary.to_pylist()]
    # The last entry is what a null, -1, picks.
    return np.array([*codes, NO_WORD], np.int32)[encoded.indices.fill_null(-1).to_numpy()]
