"""Rows that cannot become samples, as they are counted and kept."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from collector.causes import Cause
from collector.files.arrow import cell_text
from collector.files.decode import CAUSES, FINE, CauseCodes
from collector.files.rows import Rows
from collector.files.state import ImportState
from facility.source import Rejection

MAX_DEAD_LETTERS = 1000
"""Rejected rows of one cause kept one by one; more are only counted: they still stand in the file."""
MAX_PAYLOAD_BYTES = 4096
MAX_TEXT = 120
"""Characters of the first rejected text that a summary quotes."""

_SHOWN_TEXT = 60

_COLUMN_OF_CAUSE = {
    Cause.MISSING_TIME: "time",
    Cause.NAIVE_TIME: "time",
    Cause.BAD_TIME: "time",
    Cause.AMBIGUOUS_TIME: "time",
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
        text = ""
        for number in numbers[:room]:
            payload, detail = next(dead_letters)
            text = text or detail
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
        state.reject(cause, numbers, text[:MAX_TEXT])

    if rows.bad:
        letters = ((bad.payload, f"{bad.detail}: {shown(bad.payload.decode(errors='replace'))}") for bad in rows.bad)
        add(Cause.BAD_ROW, [bad.number for bad in rows.bad], letters)
    codes: list[int] = np.unique(causes[causes != FINE]).tolist()
    for code in codes:
        cause = CAUSES[code]
        found: list[int] = np.flatnonzero(causes == code).tolist()
        letters = ((rows.payload(row), rejection_text(rows, row, cause)) for row in found)
        numbers: list[int] = rows.number[found].tolist()
        add(cause, numbers, letters)
    return tuple(rejections)


def rejection_text(rows: Rows, row: int, cause: Cause) -> str:
    """Return why a row is rejected, with the text at fault."""
    name = _COLUMN_OF_CAUSE.get(cause, "value")
    time = rows.time if rows.coarse_time is None or cause is not Cause.TIME_OUT_OF_RANGE else rows.coarse_time
    columns: dict[str, Any] = {"time": time, "signal": rows.signal, "value": rows.value, "quality": rows.quality}
    text = cell_text(columns[name], row)
    return f"{name} {'' if text is None else shown(text)}: {cause.words.en}"


def shown(text: str) -> str:
    """Quote a text in a message, cut where it is long."""
    return repr(text if len(text) <= _SHOWN_TEXT else f"{text[:_SHOWN_TEXT]}...")
