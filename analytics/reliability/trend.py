"""Trend of the failure rate inside a period: the Laplace test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from analytics.reliability.rate import Strength
from facility.errors import UsageError
from facility.sentence import Sentence

_EXACT_UP_TO: Final = 20
"""Number of failures up to which the distribution is summed exactly; above, the normal one differs by under 0.001."""


class Direction(StrEnum):
    """What the failures do within the period."""

    MORE_FREQUENT = "more_frequent"
    LESS_FREQUENT = "less_frequent"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Trend:
    """The Laplace test of one period."""

    failures: int
    statistic: float | None
    """U: below 0 the failures gather early in the period (improvement), above 0 late. None without a failure."""
    p_value: float | None
    """Two-sided; None without a failure."""
    strength: Strength
    direction: Direction
    """NONE where there is no evidence."""
    exact: bool
    """Whether the p-value comes from the exact distribution."""


def laplace_test(positions_h: Sequence[float], exposure_h: float) -> Trend:
    r"""Test whether failures become more or less frequent within a period.

    Under a constant rate the N positions are uniform on (0, T), so their mean is tested:

    .. math:: U = \frac{\bar t - T/2}{T / \sqrt{12 N}}

    Up to 20 failures the p-value is exact (the sum of uniform variables, Irwin and Hall); above it is the normal one.

    Parameters
    ----------
    positions_h
        Where each failure lies on the exposure clock, hours from its start; in ``[0, exposure_h]``.
    exposure_h
        T, hours.

    Raises
    ------
    UsageError
        If there is no exposure, or a position lies outside of it.

    Examples
    --------
    >>> t = laplace_test([5, 40, 43, 175, 389, 712, 747, 795, 1299, 1478], 1500)
    >>> round(t.statistic, 3), t.strength.value
    (-1.327, 'none')

    References
    ----------
    NIST/SEMATECH e-Handbook of Statistical Methods, 8.2.3.4 (method and data of the example); D. R. Cox and P. A. W.
    Lewis, The Statistical Analysis of Series of Events (1966), section 3.3.
    """
    check_positions(positions_h, exposure_h)
    n = len(positions_h)
    if n == 0:
        return Trend(0, None, None, Strength.NONE, Direction.NONE, exact=True)
    statistic = (sum(positions_h) / n - exposure_h / 2.0) / (exposure_h / math.sqrt(12.0 * n))
    exact = n <= _EXACT_UP_TO
    if exact:
        share = sum((Fraction(p) for p in positions_h), Fraction(0)) / Fraction(exposure_h)
        below = _sum_of_uniforms(n, share)
        p_value = float(min(Fraction(1), 2 * min(below, 1 - below)))
    else:
        p_value = math.erfc(abs(statistic) / math.sqrt(2.0))
    strength = Strength.of(p_value)
    direction = Direction.NONE
    if strength is not Strength.NONE:
        direction = Direction.MORE_FREQUENT if statistic > 0.0 else Direction.LESS_FREQUENT
    return Trend(n, statistic, p_value, strength, direction, exact)


def check_positions(positions_h: Sequence[float], exposure_h: float) -> None:
    """Refuse positions that do not lie in the exposure.

    Raises
    ------
    UsageError
        Naming the first one.
    """
    if not exposure_h > 0.0:
        raise UsageError(
            Sentence(
                "a trend needs known user time, and there are {exposure_h:g} h of it: choose another period",
                exposure_h=exposure_h,
            )
        )
    for position in positions_h:
        if not 0.0 <= position <= exposure_h:
            raise UsageError(
                Sentence(
                    "a failure at {position:g} h does not lie in an exposure of {exposure_h:g} h",
                    position=position,
                    exposure_h=exposure_h,
                )
            )


def _sum_of_uniforms(n: int, x: Fraction) -> Fraction:
    """Return the probability that n independent uniform variables on (0, 1) sum to at most `x`."""
    terms = ((-1) ** k * math.comb(n, k) * (x - k) ** n for k in range(math.floor(x) + 1))
    return sum(terms, Fraction(0)) / math.factorial(n)
