"""A document that a server publishes, as columns of updates."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np

from collector.sources.http.pointer import MISSING, follow
from collector.sources.updates import NO_STAMP, Columns
from facility.errors import TimeError
from facility.quality import QUALITY_WORDS, Quality
from facility.time import MAX_NS, MIN_NS, NS_PER_S, from_datetime, parse_time

TimeFormat = Literal["iso8601", "local", "s", "ms", "us", "ns"]
"""How a document writes a time; ``local``: ISO 8601 without offset, in the facility's zone."""

_UNIT_NS: Final = {"s": NS_PER_S, "ms": 1_000_000, "us": 1_000, "ns": 1}
KEY_MISSING: Final = "missing"
"""Reason of a sample whose key the document does not have."""
NULL: Final = "null"
"""Reason of a sample whose value is null."""
UNREADABLE: Final = "unreadable"
"""Reason of all samples of a document that is not JSON."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where one signal stands in the document."""

    value: tuple[str, ...]
    time: tuple[str, ...] | None
    """None: the document gives no time for it, and the time of the answer counts."""
    quality: tuple[str, ...] | None = None
    qualities: tuple[tuple[str, Quality], ...] = ()


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


def as_float(value: float) -> float:
    """Return a number of JSON; an integer that no float holds is infinite, like ``1e999``."""
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def read_time(value: Any, form: TimeFormat, zone: ZoneInfo) -> int:
    """Return a time of a document, UTC ns; `NO_STAMP` where it gives none that can be read."""
    if isinstance(value, bool):
        return NO_STAMP
    try:
        if form in _UNIT_NS:
            if isinstance(value, str):
                value = float(value) if "." in value else int(value)
            if isinstance(value, int):
                stamp = value * _UNIT_NS[form]
            elif isinstance(value, float):
                whole = int(value)
                stamp = whole * _UNIT_NS[form] + round((value - whole) * _UNIT_NS[form])
            else:
                return NO_STAMP
            return stamp if MIN_NS < stamp < MAX_NS else NO_STAMP
        if not isinstance(value, str):
            return NO_STAMP
        return parse_time(value) if form == "iso8601" else _local(value, zone)
    except (TimeError, ValueError, OverflowError):
        return NO_STAMP


def _local(text: str, zone: ZoneInfo) -> int:
    naive = datetime.fromisoformat(text.strip().replace("/", "-"))
    if naive.tzinfo is not None:
        return from_datetime(naive)
    first, second = naive.replace(tzinfo=zone), naive.replace(tzinfo=zone, fold=1)
    # In an hour that a clock shows twice it is not known which of the two is meant.
    return from_datetime(first) if first.utcoffset() == second.utcoffset() else NO_STAMP


def read_quality(value: Any, qualities: tuple[tuple[str, Quality], ...]) -> tuple[Quality, str | None]:
    """Return the quality that a word of the document means, and the word itself where it is not good.

    Without `qualities` kado's own words count; a word that means nothing makes a sample uncertain.
    """
    text = "" if value is MISSING or value is None else str(value)
    for word, quality in qualities:
        if text == word:
            return quality, None if quality == Quality.GOOD else text
    if not qualities and text in QUALITY_WORDS:
        return Quality.from_word(text), None
    return Quality.UNCERTAIN, f"quality {text}"[:60].strip()
