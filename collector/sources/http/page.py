"""A document that a server publishes, as columns of updates."""

import json
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from collector.sources.json_pointer import MISSING, follow
from collector.sources.json_values import NULL, Field, TimeFormat, as_float, read_quality, read_time
from collector.sources.updates import NO_STAMP, Columns
from facility.quality import Quality

KEY_MISSING: Final = "missing"
"""Reason of a sample whose key the document does not have."""
UNREADABLE: Final = "unreadable"
"""Reason of all samples of a document that is not JSON."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a document said."""

    columns: Columns
    strange: tuple[tuple[int, str], ...]
    """Codes of values that are neither number nor text, with what they are."""
    newest_ns: int | None
    """The latest time that the document gives; None: it gives none."""


def read_page(document: Any, fields: tuple[Field, ...], form: TimeFormat, zone: ZoneInfo, arrival_ns: int) -> Page:
    """Return one update for each field of a document, in their order; those of a strange type are left out.

    What the document does not have is bad without a value: unknown, never zero.
    """
    n = len(fields)
    number = np.full(n, np.nan)
    text: list[str | None] = [None] * n
    time_ns = np.zeros(n, np.int64)
    quality = np.zeros(n, np.uint8)
    reason: list[str | None] = [None] * n
    strange: dict[int, str] = {}
    newest: int | None = None
    for code, field in enumerate(fields):
        value = MISSING if document is MISSING else follow(document, field.value)
        stamp = arrival_ns if field.time is None else read_time(follow(document, field.time), form, zone)
        time_ns[code] = stamp
        if field.time is not None and stamp != NO_STAMP:
            newest = stamp if newest is None else max(newest, stamp)
        if value is MISSING or value is None:
            quality[code] = Quality.BAD
            reason[code] = UNREADABLE if document is MISSING else NULL if value is None else KEY_MISSING
            # The time at which it was missing is known, whatever the other times in the document are.
            time_ns[code] = arrival_ns
            continue
        if isinstance(value, bool):
            text[code] = "true" if value else "false"
        elif isinstance(value, int | float):
            number[code] = as_float(value)
        elif isinstance(value, str):
            text[code] = value
        else:
            strange[code] = json.dumps(value)[:200]
            continue
        if field.quality is not None:
            quality[code], reason[code] = read_quality(follow(document, field.quality), field.qualities)
    codes = np.arange(n, dtype=np.int32)
    columns = Columns(codes, time_ns, number, text, quality, reason)
    if strange:
        kept = [code for code in range(n) if code not in strange]
        columns = columns.take(kept)
    return Page(columns, tuple(strange.items()), newest)
