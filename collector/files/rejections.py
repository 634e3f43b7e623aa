"""Rows that cannot become samples, as they are counted and kept."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from collector.causes import Cause
from collector.files.arrow import as_text
from collector.files.decode import CAUSES, FINE, CauseCodes
from collector.files.rows import Rows
from collector.files.state import ImportState
from facility.source import Rejection

MAX_DEAD_LETTERS = 1000
"""Rejected rows of one cause kept one by one; more are only counted: they still stand in the file."""
MAX_PAYLOAD_BYTES = 4096

_COLUMN_OF_CAUSE = {
    Cause.MISSING_TIME: "time",
    Cause.NAIVE_TIME: "time",
    Cause.BAD_TIME: "time",
    Cause.TIME_OUT_OF_RANGE: "time",
    Cause.UNKNOWN_SIGNAL: "signal",
    Cause.UNKNOWN_QUALITY: "quality",
}


def reject_rows(
    rows: Rows, causes: CauseCodes, name: str, arrival_ns: int, state: ImportState
) -> tuple[Rejection, ...]:
    """Count the rows that have a cause in `state`, and return them as dead letters.

    Parameters
    ----------
    rows, causes
        As `Decoder.decode` took and gave them.
    name
        Of the file, for the address of each row.
    """
    rejections: list[Rejection] = []

    def add(cause: Cause, numbers: list[int], dead_letters: Iterator[tuple[bytes, str]]) -> None:
        known = state.rejected.get(cause)
        room = max(MAX_DEAD_LETTERS - (known.count if known else 0), 0)
        state.reject(cause, numbers)
        for number in numbers[:room]:
            payload, detail = next(dead_letters)
            rejections.append(Rejection(cause, f"{name}:{number}", payload[:MAX_PAYLOAD_BYTES], detail, arrival_ns))
        if len(numbers) > room:
            payload, detail = next(dead_letters)
            rejections.append(
                Rejection(
                    cause,
                    f"{name}:{numbers[room]}",
                    payload[:MAX_PAYLOAD_BYTES],
                    f"{detail}; the first of {len(numbers) - room} such rows up to {numbers[-1]}",
                    arrival_ns,
                    count=len(numbers) - room,
                )
            )

    if rows.bad:
        add(Cause.BAD_ROW, [bad.number for bad in rows.bad], ((bad.payload, bad.detail) for bad in rows.bad))
    codes: list[int] = np.unique(causes[causes != FINE]).tolist()
    for code in codes:
        cause = CAUSES[code]
        found: list[int] = np.flatnonzero(causes == code).tolist()
        letters = ((rows.payload(row), _detail(rows, row, cause)) for row in found)
        numbers: list[int] = rows.number[found].tolist()
        add(cause, numbers, letters)
    return tuple(rejections)


def _detail(rows: Rows, row: int, cause: Cause) -> str:
    name = _COLUMN_OF_CAUSE.get(cause, "value")
    columns: dict[str, Any] = {"time": rows.time, "signal": rows.signal, "value": rows.value, "quality": rows.quality}
    text = as_text(columns[name].slice(row, 1))[0].as_py()
    return f"{name} {'' if text is None else text!r}: {cause.words.en}"
