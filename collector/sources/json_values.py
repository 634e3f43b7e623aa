"""Values in JSON documents: where each signal stands, and how numbers, times and qualities are read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np

from collector.sources.json_pointer import MISSING
from collector.sources.updates import NO_STAMP
from facility.errors import TimeError
from facility.quality import QUALITY_WORDS, Quality
from facility.time import MAX_NS, MIN_NS, NS_PER_S, from_datetime, parse_time

TimeFormat = Literal["iso8601", "local", "s", "ms", "us", "ns"]
"""How a document writes a time; ``local``: ISO 8601 without offset, in the facility's zone."""

_UNIT_NS: Final = {"s": NS_PER_S, "ms": 1_000_000, "us": 1_000, "ns": 1}
NULL: Final = "null"
"""Reason of a sample whose value is null."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where one signal stands in the document."""

    value: tuple[str, ...]
    time: tuple[str, ...] | None
    """None: the document gives no time for it, and the time of the answer counts."""
    quality: tuple[str, ...] | None = None
    qualities: tuple[tuple[str, Quality], ...] = ()


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
