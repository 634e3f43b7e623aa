"""The year's outlook: what may still happen, from the facility's own failures and repairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.errors import UsageError
from facility.sentence import Sentence

MIN_FAILURES: Final = 10
"""With fewer failures nothing can be said about the rest of the year."""
SIMULATED_YEARS: Final = 10_000
_SHORTEST_H: Final = 1.0 / 3600.0
"""A downtime that user time hardly saw has no logarithm: one second."""
_AT_ONCE: Final = 1_000
"""Years drawn in one go; bounds the memory."""

Hours = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class YearSoFar:
    """What is known of a year, hours of user time."""

    delivered_h: float
    no_beam_h: float
    planned_h: float
    """User time that is still to come by the calendar."""
    exposure_h: float
    """Known user time in which the failures were seen; it may reach back before the year."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The distribution of a year's availability when it is over."""

    failures: int
    """From how many failures it is made."""
    simulated_years: int
    seed: int
    expected_pct: float
    lower_pct: float
    upper_pct: float
    """The central 90 % band."""
    target_pct: float | None
    reach_target: float | None
    """Probability, 0 to 1, that the year ends at the target or above; None without a target."""
    downtime_median_h: float
    """Downtime that is still to come: as often more as less."""
    downtime_95_h: float
    """Downtime that is still to come, exceeded in one year of twenty."""


def forecast_year(
    year: YearSoFar,
    downtimes_h: Sequence[float],
    *,
    target_pct: float | None = None,
    seed: int = 1,
    simulated_years: int = SIMULATED_YEARS,
) -> Outlook | None:
    """Resample a facility's own failures over the user time that is still planned; None below ten failures.

    For each simulated rest of a year, a failure rate is drawn from what N failures in the exposure leave open (gamma
    with shape N + 1/2, Jeffreys). Downtimes are resampled as logarithms: the observed residuals, smoothed, around a
    location and a width that are drawn from what N of them leave open (as for a normal sample, since repair times are
    nearly lognormal). Then uptime and downtime alternate until the planned time is used up. The same seed gives the
    same result.

    Parameters
    ----------
    year
        The year so far.
    downtimes_h
        User time that each failure cost, hours; those of the year, and of earlier time where `year.exposure_h`
        includes it.
    target_pct
        The facility's target availability.

    Raises
    ------
    UsageError
        If a number of the year is negative, or there is no exposure.

    References
    ----------
    B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapter 16 (smoothed); A. Gelman et al.,
    Bayesian Data Analysis, 3rd ed. (2013), sections 2.8 and 3.2.
    """
    hours = (year.delivered_h, year.no_beam_h, year.planned_h)
    if min(hours) < 0.0 or not year.exposure_h > 0.0:
        raise UsageError(Sentence("the year so far has a negative part or no exposure: {year}", year=year))
    n = len(downtimes_h)
    if n < MIN_FAILURES:
        return None
    rng = np.random.Generator(np.random.PCG64(seed))
    to_come = _downtime_to_come(np.asarray(downtimes_h, dtype=np.float64), year, rng, simulated_years)
    whole = year.delivered_h + year.no_beam_h + year.planned_h
    # The quotient first: without any downtime it is exactly 1, and no year exceeds 100 %.
    availability = 100.0 * ((year.delivered_h + year.planned_h - to_come) / whole)
    lower, upper = (float(q) for q in np.quantile(availability, [0.05, 0.95]))
    median, high = (float(q) for q in np.quantile(to_come, [0.5, 0.95]))
    reach = None if target_pct is None else float((availability >= target_pct).mean())
    expected = float(availability.mean())
    return Outlook(n, simulated_years, seed, expected, lower, upper, target_pct, reach, median, high)


def _downtime_to_come(downtimes_h: Hours, year: YearSoFar, rng: np.random.Generator, simulated_years: int) -> Hours:
    """Return the downtime, hours, in the planned time of each simulated year."""
    parts = [
        _some_years(downtimes_h, year, rng, min(_AT_ONCE, simulated_years - done))
        for done in range(0, simulated_years, _AT_ONCE)
    ]
    return np.concatenate(parts)


def _some_years(downtimes_h: Hours, year: YearSoFar, rng: np.random.Generator, years: int) -> Hours:
    n = len(downtimes_h)
    rates = rng.gamma(n + 0.5, 1.0 / year.exposure_h, years)
    mean = float(rates.max()) * year.planned_h
    # More failures than fit into the time, but for one year in many millions.
    count = int(mean + 8.0 * np.sqrt(mean) + 16.0)
    uptimes = rng.exponential(1.0, (years, count)) / rates[:, np.newaxis]
    repairs = np.exp(_log_downtimes(np.log(np.maximum(downtimes_h, _SHORTEST_H)), rng, (years, count)))
    failed_at = np.cumsum(uptimes, axis=1) + np.cumsum(repairs, axis=1) - repairs
    lost: Hours = np.clip(year.planned_h - failed_at, 0.0, repairs).sum(axis=1)
    return lost


def _log_downtimes(logs: Hours, rng: np.random.Generator, shape: tuple[int, int]) -> Hours:
    """Resample the logarithms of downtimes, shape (years, count); each year with a location and width of its own."""
    n = len(logs)
    width = float(logs.std(ddof=1))
    if width == 0.0:
        return np.full(shape, logs[0])
    residuals = (logs - logs.mean()) / width
    # Smoothed as by Silverman's rule, and shrunk so that the variance stays what it was.
    smooth = 1.06 * n**-0.2
    drawn = residuals[rng.integers(0, n, shape)] + smooth * rng.standard_normal(shape)
    drawn /= np.sqrt((n - 1) / n + smooth**2)
    widths = width * np.sqrt((n - 1) / rng.chisquare(n - 1, (shape[0], 1)))
    locations = logs.mean() + widths / np.sqrt(n) * rng.standard_normal((shape[0], 1))
    made: Hours = locations + widths * drawn
    return made
