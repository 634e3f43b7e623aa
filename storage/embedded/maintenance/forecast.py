"""When the disk will be full, and how large the archive will be, if samples keep coming as they do."""

from collections.abc import Callable, Mapping
from typing import Final

from storage.embedded.deleting import KeepDays
from storage.inventory import HORIZON_YEARS, Forecast, Growth

YEAR_DAYS: Final = 365
# Whole files go, and a file holds up to a month.
_FILE_DAYS: Final = 31


def forecast(held: Mapping[str, int], growth: Growth, keep_days: KeepDays, free: int) -> Forecast | None:
    """Look ahead; None if nothing is known of how large samples become.

    Parameters
    ----------
    held
        Bytes of each signal's sealed files now.
    keep_days
        The rules of retention: a signal that has one stops growing when it is full.
    free
        Bytes of the disk that are free.

    Examples
    --------
    >>> found = forecast({"a": 50}, Growth({"a": 100.0}, {"a": 10.0}, 7.0), lambda _: None, 1000)
    >>> found.bytes_in_a_year, found.full_in_days
    (3700.0, 101)
    """
    if not growth.bytes:
        return None
    signals = sorted({*held, *growth.bytes})
    now = {signal: held.get(signal, 0) for signal in signals}
    rates = {signal: growth.bytes.get(signal, 0.0) for signal in signals}
    limits: dict[str, float] = {}
    for signal in signals:
        days = keep_days(signal)
        if days is not None:
            limits[signal] = max(float(now[signal]), rates[signal] * (days + _FILE_DAYS))

    def size_after(days: float) -> float:
        return sum(min(now[s] + rates[s] * days, limits.get(s, float("inf"))) for s in signals)

    limit = sum(now.values()) + free
    return Forecast(size_after(YEAR_DAYS), _first_day_over(size_after, limit))


def _first_day_over(size_after: Callable[[float], float], limit: float) -> int | None:
    """Return the first whole day after which there is more than `limit`; the size never shrinks."""
    low, high = 0, HORIZON_YEARS * YEAR_DAYS
    if size_after(high) <= limit:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size_after(middle) <= limit else (low, middle)
    return high
