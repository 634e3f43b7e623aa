"""Failure rate: the exact interval of an MTBF, and whether two periods differ."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from scipy import special

from facility.errors import UsageError
from facility.sentence import Sentence


class Strength(StrEnum):
    """How strong the evidence of a p-value against "no change" is."""

    NONE = "none"
    """p >= 0.10"""
    WEAK = "weak"
    """0.05 <= p < 0.10"""
    CLEAR = "clear"
    """0.01 <= p < 0.05"""
    STRONG = "strong"
    """p < 0.01"""

    @classmethod
    def of(cls, p_value: float) -> "Strength":
        """Return the word for a p-value."""
        if p_value >= 0.10:
            return cls.NONE
        if p_value >= 0.05:
            return cls.WEAK
        return cls.CLEAR if p_value >= 0.01 else cls.STRONG


def chi_square_quantile(share: float, degrees: int) -> float:
    """Return the value below which a share of the chi-square distribution lies.

    Examples
    --------
    >>> round(chi_square_quantile(0.95, 2), 3)
    5.991
    """
    # scipy.special is loaded in a tenth of the second that scipy.stats takes.
    return 2.0 * float(special.gammaincinv(degrees / 2.0, share))


@dataclass(frozen=True, slots=True)
class MtbfInterval:
    """The exact confidence interval of the mean time between failures."""

    exposure_h: float
    """Time in which the machine could fail: the numerator of the definition's MTBF, hours."""
    failures: int
    confidence: float
    mtbf_h: float | None
    """exposure / failures; None without a failure."""
    lower_h: float
    upper_h: float | None
    """None without a failure: then `lower_h` is a one-sided limit, "at least"."""


def mtbf_interval(exposure_h: float, failures: int, confidence: float = 0.95) -> MtbfInterval:
    r"""Return the exact interval of the MTBF, failures taken as a Poisson process over the exposure.

    The observation ends at a stated time, not at a failure, so the limits are

    .. math:: \frac{2T}{\chi^2_{1-\alpha/2,\,2N+2}} \le \mathrm{MTBF} \le \frac{2T}{\chi^2_{\alpha/2,\,2N}}

    and for N = 0 the one-sided :math:`2T / \chi^2_{1-\alpha,\,2} = T / -\ln\alpha`.

    Parameters
    ----------
    exposure_h
        T, hours; positive.
    failures
        N, zero or more.
    confidence
        1 - alpha, between 0 and 1.

    Raises
    ------
    UsageError
        If there is no exposure, or a number is out of its range.

    Examples
    --------
    >>> none = mtbf_interval(550.0, 0)
    >>> round(none.lower_h, 1), none.upper_h
    (183.6, None)

    References
    ----------
    F. Garwood, Biometrika 28, 437 (1936); NIST/SEMATECH e-Handbook of Statistical Methods, 8.4.5.1.
    """
    if not exposure_h > 0.0:
        raise UsageError(
            Sentence(
                "an MTBF needs known user time, and there are {exposure_h:g} h of it: choose another period",
                exposure_h=exposure_h,
            )
        )
    if failures < 0 or not 0.0 < confidence < 1.0:
        raise UsageError(
            Sentence(
                "failures is {failures} and confidence {confidence:g}: give a count from 0 up, and a "
                "share between 0 and 1",
                failures=failures,
                confidence=confidence,
            )
        )
    alpha = 1.0 - confidence
    if failures == 0:
        at_least = float(2.0 * exposure_h / chi_square_quantile(confidence, 2))
        return MtbfInterval(exposure_h, 0, confidence, None, at_least, None)
    lower = 2.0 * exposure_h / chi_square_quantile(1.0 - alpha / 2.0, 2 * failures + 2)
    upper = 2.0 * exposure_h / chi_square_quantile(alpha / 2.0, 2 * failures)
    return MtbfInterval(exposure_h, failures, confidence, exposure_h / failures, float(lower), float(upper))


@dataclass(frozen=True, slots=True)
class RateComparison:
    """The failure rate of a period beside that of another."""

    failures: int
    exposure_h: float
    other_failures: int
    other_exposure_h: float
    ratio: float | None
    """Rate / other rate; None where the other period has no failure."""
    p_value: float
    """Probability of a split at least as uneven, if both rates were equal; 1 without any failure."""
    strength: Strength


def compare_rates(failures: int, exposure_h: float, other_failures: int, other_exposure_h: float) -> RateComparison:
    r"""Test whether two failure rates differ, exactly, given the sum of both counts.

    Given N + M failures and equal rates, N is binomial with probability :math:`T / (T + U)`. Two-sided: the sum of all
    outcomes that are no more probable than the one seen.

    Raises
    ------
    UsageError
        If one of the periods has no exposure.

    Examples
    --------
    The worked example of R's ``poisson.test``:

    >>> c = compare_rates(11, 800.0, 21, 3011.0)
    >>> round(c.p_value, 5), round(c.ratio, 3)
    (0.07967, 1.971)

    References
    ----------
    J. Przyborowski and H. Wilenski, Biometrika 31, 313 (1940); R Core Team, ``stats::poisson.test``.
    """
    for hours in (exposure_h, other_exposure_h):
        if not hours > 0.0:
            raise UsageError(
                Sentence(
                    "rates can be compared only over known user time, and one period has {hours:g} h of it", hours=hours
                )
            )
    total = failures + other_failures
    p_value = 1.0
    if total:
        p_value = _two_sided(failures, total, exposure_h / (exposure_h + other_exposure_h))
    ratio = (failures / exposure_h) / (other_failures / other_exposure_h) if other_failures else None
    return RateComparison(failures, exposure_h, other_failures, other_exposure_h, ratio, p_value, Strength.of(p_value))


_SAME: Final = 1.0 + 1e-7
"""Outcomes whose probabilities differ by less than rounding are equally probable, as in R and scipy."""


def _two_sided(seen: int, total: int, share: float) -> float:
    """Return the probability of all outcomes of a binomial that are no more probable than the one seen."""
    k = np.arange(total + 1)
    logs = special.gammaln(total + 1) - special.gammaln(k + 1) - special.gammaln(total - k + 1)
    logs += special.xlogy(k, share) + special.xlog1py(total - k, -share)
    probability = np.exp(logs)
    return min(1.0, float(probability[probability <= probability[seen] * _SAME].sum()))
