"""Reliability statistics: how much a count of failures can bear. Needs scipy, the extra ``report``."""

from analytics.reliability.breakdown import Failure, Group, RepairTimes, group_failures, repair_times
from analytics.reliability.exposure import exposure_of, positions_h
from analytics.reliability.growth import Growth, fit_growth
from analytics.reliability.outlook import MIN_FAILURES, Outlook, YearSoFar, forecast_year
from analytics.reliability.rate import MtbfInterval, RateComparison, Strength, compare_rates, mtbf_interval
from analytics.reliability.trend import Trend, laplace_test

__all__ = [
    "MIN_FAILURES",
    "Failure",
    "Group",
    "Growth",
    "MtbfInterval",
    "Outlook",
    "RateComparison",
    "RepairTimes",
    "Strength",
    "Trend",
    "YearSoFar",
    "compare_rates",
    "exposure_of",
    "fit_growth",
    "forecast_year",
    "group_failures",
    "laplace_test",
    "mtbf_interval",
    "positions_h",
    "repair_times",
]
