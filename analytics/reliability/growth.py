"""Reliability growth of a machine that is being commissioned: the Crow-AMSAA model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.reliability.rate import chi_square_quantile
from analytics.reliability.trend import check_positions

MIN_FAILURES: Final = 3
"""Below this the shape of growth cannot be estimated."""

# Critical values of the Cramér-von Mises statistic at 10 %, by number of failures: MIL-HDBK-189C, table XI.
_CRITICAL_10: Final = (
    (3, 0.154), (4, 0.155), (5, 0.160), (6, 0.162), (7, 0.165), (8, 0.165), (9, 0.167), (10, 0.167), (11, 0.169),
    (12, 0.169), (13, 0.169), (14, 0.169), (15, 0.169), (16, 0.171), (17, 0.171), (18, 0.171), (19, 0.171),
    (20, 0.172), (30, 0.172), (60, 0.173), (100, 0.173),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Growth:
    r"""A power law of the expected number of failures, :math:`\lambda t^\beta`, over the exposure clock."""

    failures: int
    exposure_h: float
    beta: float
    """Shape, bias removed; below 1 the failure rate falls (growth), 1 is constant, above 1 it rises."""
    beta_lower: float
    beta_upper: float
    """Exact 95 % interval."""
    scale: float
    r"""lambda, failures / hour\ :sup:`beta`."""
    mtbf_now_h: float
    """At the end of the exposure: 1 / (lambda beta T^(beta - 1))."""
    fit_statistic: float
    """Cramér-von Mises."""
    fit_limit: float
    """Its 10 % critical value."""

    @property
    def fits(self) -> bool:
        """Whether the data do not contradict the model (10 %)."""
        return self.fit_statistic < self.fit_limit


def fit_growth(positions_h: Sequence[float], exposure_h: float, confidence: float = 0.95) -> Growth | None:
    r"""Fit the Crow-AMSAA model to failures observed until a stated time; None with fewer than three failures.

    .. math:: \hat\beta = \frac{N}{\sum \ln(T/t_i)},\quad \bar\beta = \frac{N-1}{N}\hat\beta,\quad
       \lambda = \frac{N}{T^{\bar\beta}}

    :math:`2N\beta/\hat\beta` is chi-square with 2N degrees of freedom, which gives the interval of beta.

    Parameters
    ----------
    positions_h
        Where each failure lies on the exposure clock, hours from its start. A failure at 0 has no logarithm and is
        taken at the first millisecond.
    exposure_h
        T, hours.

    Raises
    ------
    UsageError
        If there is no exposure, or a position lies outside of it.

    Examples
    --------
    Data of NIST/SEMATECH e-Handbook 8.2.3.4; :math:`2\sum\ln(T/t_i) = 37.23`:

    >>> g = fit_growth([5, 40, 43, 175, 389, 712, 747, 795, 1299, 1478], 1500)
    >>> round(g.beta, 4), round(g.mtbf_now_h)
    (0.4835, 310)

    References
    ----------
    MIL-HDBK-189C (2011), section 6.2; L. H. Crow, "Reliability analysis for complex, repairable systems" (1974).
    """
    check_positions(positions_h, exposure_h)
    n = len(positions_h)
    if n < MIN_FAILURES:
        return None
    share = np.sort(np.maximum(np.asarray(positions_h, dtype=np.float64), 1e-3 / 3600.0)) / exposure_h
    logs = float(-np.log(share).sum())
    if logs == 0.0:
        return None
    raw = n / logs
    beta = (n - 1) / n * raw
    alpha = 1.0 - confidence
    lower, upper = (float(raw * chi_square_quantile(q, 2 * n) / (2 * n)) for q in (alpha / 2.0, 1.0 - alpha / 2.0))
    ranks = (2 * np.arange(1, n + 1) - 1) / (2 * n)
    statistic = float(1 / (12 * n) + ((share**beta - ranks) ** 2).sum())
    limit = next((v for count, v in reversed(_CRITICAL_10) if count <= n))
    scale = n / exposure_h**beta
    return Growth(n, exposure_h, beta, lower, upper, scale, exposure_h / (n * beta), statistic, limit)
