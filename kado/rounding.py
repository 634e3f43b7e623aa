"""Numbers as people read them: rounded so that they neither flatter nor contradict each other."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Final

from facility.time import NS_PER_H, NS_PER_S

NONE: Final = "–"
"""Stands where a figure does not exist."""


def percent(value: float | None, digits: int = 1, *, below: float = 100.0) -> str:
    """Write a percentage, rounded half up; what is below 100 never prints as 100, nor what is above 0 as 0.

    What is below the threshold `below` never prints as that either, so that a sentence beside it is true.

    Examples
    --------
    >>> percent(99.97), percent(100.0), percent(0.01), percent(97.25)
    ('99.9', '100.0', '0.1', '97.3')
    >>> percent(98.97, below=99.0), percent(99.0, below=99.0), percent(-0.01)
    ('98.9', '99.0', '0.0')
    """
    if value is None:
        return NONE
    # repr gives the shortest decimal that means this float, which is the number that people see as a tie.
    exact, step = Decimal(repr(value)), Decimal(1).scaleb(-digits)
    rounded = exact.quantize(step, ROUND_HALF_UP)
    if any(exact < limit <= rounded for limit in (Decimal(repr(below)), 100)):
        rounded = exact.quantize(step, ROUND_DOWN)
    if rounded == 0 and exact > 0:
        rounded = exact.quantize(step, ROUND_UP)
    return f"{rounded:z}"


def hours(value_h: float | None, digits: int = 2) -> str:
    """Write a number of hours, rounded half up, thousands apart."""
    if value_h is None:
        return NONE
    return f"{Decimal(repr(value_h)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):z,}"


def split_hours(parts_ns: Mapping[str, int], digits: int = 2, total: Decimal | None = None) -> dict[str, Decimal]:
    """Round parts of a whole to hours so that the rounded parts add up to the rounded whole.

    Each part is rounded down, and those that lost most get the steps that are left (largest remainder), so
    none is off by a step or more.

    Parameters
    ----------
    parts_ns
        Whole nanoseconds by name; they add up to the whole.
    total
        The whole as it is printed elsewhere, less than a step from the sum; None: the sum, rounded half up.

    Examples
    --------
    >>> {k: str(v) for k, v in split_hours({"a": 1200 * 10**9, "b": 1200 * 10**9, "c": 1200 * 10**9}, 1).items()}
    {'a': '0.4', 'b': '0.3', 'c': '0.3'}
    >>> {k: str(v) for k, v in split_hours({"up": 4551_035 * 3_600 * 10**6, "down": 8_965 * 3_600 * 10**6}).items()}
    {'up': '4551.03', 'down': '8.97'}
    """
    steps_per_h = 10**digits
    exact = {name: ns * steps_per_h for name, ns in parts_ns.items()}
    floor = {name: value // NS_PER_H for name, value in exact.items()}
    whole = (2 * sum(exact.values()) + NS_PER_H) // (2 * NS_PER_H) if total is None else int(total * steps_per_h)
    left = whole - sum(floor.values())
    # If two parts lost the same, the smaller is rounded up: downtime then reads as where it stands alone.
    most_lost = sorted(exact, key=lambda name: (-(exact[name] % NS_PER_H), exact[name]))
    for name in most_lost[:left]:
        floor[name] += 1
    return {name: Decimal(steps).scaleb(-digits) for name, steps in floor.items()}


def split_percent(parts: Mapping[str, int], digits: int = 1) -> dict[str, str]:
    """Write the shares of a whole in percent so that they add up to 100 as written.

    Rounded down, and those that lost most get the steps that are left. A part that is there never has the share 0.

    Examples
    --------
    >>> split_percent({"a": 1, "b": 1, "c": 1})
    {'a': '33.4', 'b': '33.3', 'c': '33.3'}
    >>> split_percent({"a": 9_999, "b": 1, "c": 0})
    {'a': '99.9', 'b': '0.1', 'c': '0.0'}
    """
    whole, steps = sum(parts.values()), 100 * 10**digits
    shares = {name: max(part * steps // whole, 1 if part else 0) for name, part in parts.items()}
    left = steps - sum(shares.values())
    if left < 0:
        shares[max(shares, key=lambda name: shares[name])] += left
    for name in sorted(parts, key=lambda name: -(parts[name] * steps % whole))[: max(0, left)]:
        shares[name] += 1
    return {name: str(Decimal(share).scaleb(-digits)) for name, share in shares.items()}


def duration(ns: int) -> str:
    """Write a length of time as ``h:mm:ss``, below a minute as seconds with one decimal.

    Examples
    --------
    >>> duration(5_400 * 10**9), duration(7_250_000_000)
    ('1:30:00', '7.3 s')
    """
    if ns < 60 * NS_PER_S:
        return f"{(Decimal(ns) / NS_PER_S).quantize(Decimal('0.1'), ROUND_HALF_UP):z} s"
    seconds = (ns + NS_PER_S // 2) // NS_PER_S
    return f"{seconds // 3600:,}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def count(number: int) -> str:
    """Write a count, thousands apart."""
    return f"{number:,}"


def size(number: float) -> str:
    """Write a number of bytes with three digits or so.

    Examples
    --------
    >>> size(0), size(999), size(36_100_000), size(1.5e12)
    ('0 B', '999 B', '36.1 MB', '1.50 TB')
    """
    units = ["B", "kB", "MB", "GB", "TB", "PB"]
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        del units[0]
    digits = 0 if units[0] == "B" or number >= 99.95 else 1 if number >= 9.995 else 2
    return f"{number:.{digits}f} {units[0]}"
