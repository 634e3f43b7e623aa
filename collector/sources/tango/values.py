"""Readings of a Tango attribute as columns of updates."""

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from collector.sources.updates import Columns
from facility.batch import Int32
from facility.quality import Quality
from facility.time import NS_PER_S

QUALITY: Final = {
    "VALID": Quality.GOOD,
    "CHANGING": Quality.GOOD,
    "WARNING": Quality.UNCERTAIN,
    "ALARM": Quality.UNCERTAIN,
    "INVALID": Quality.BAD,
}
"""By AttrQuality: beyond a limit a value was measured all the same; ATTR_INVALID has no value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an attribute said; taken out of pytango's object in the thread that got it."""

    time_ns: int
    value: Any
    quality: str
    """Without ``ATTR_``."""
    labels: tuple[str, ...]
    """Of an enumeration; empty for anything else."""

    @classmethod
    def of(cls, said: Any, labels: tuple[str, ...]) -> "Reading":
        """Take what is needed out of a DeviceAttribute."""
        stamp = said.time
        time_ns = stamp.tv_sec * NS_PER_S + stamp.tv_usec * 1000 + stamp.tv_nsec
        return cls(time_ns, said.value, str(said.quality).removeprefix("ATTR_"), labels)


def decode(codes: Int32, updates: list[Reading]) -> Columns:
    """Make columns of readings."""
    n = len(updates)
    number = np.full(n, np.nan)
    text: list[str | None] = [None] * n
    for row, update in enumerate(updates):
        number[row], text[row] = _value(update)
    quality = np.array([QUALITY.get(update.quality, Quality.BAD) for update in updates], np.uint8)
    reason = [None if update.quality == "VALID" else update.quality for update in updates]
    time_ns = np.array([update.time_ns for update in updates], np.int64)
    return Columns(codes, time_ns, number, text, quality, reason)


def _value(update: Reading) -> tuple[float, str | None]:
    value = update.value
    if value is None or update.quality == "INVALID":
        return np.nan, None
    if update.labels:
        index = int(value)
        return float(index), update.labels[index] if 0 <= index < len(update.labels) else str(index)
    if isinstance(value, np.generic):
        value = cast("Any", value).item()
    kind: Any = value.__class__
    if kind is bool:
        return float(value), "true" if value else "false"
    # A DevState is an integer too; its name is what it says.
    if kind in (int, float):
        return float(value), None
    if issubclass(kind, np.ndarray | tuple | list):
        return np.nan, f"an array of {np.size(value)}"
    return np.nan, str(value)
