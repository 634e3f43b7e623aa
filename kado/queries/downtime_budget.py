"""The downtime budget of a fiscal year: how much downtime it may still have before its target is missed."""

from dataclasses import replace

from analytics.figures import downtime_budget_h
from facility.errors import ProfileError
from facility.period import Period, fiscal_year_of
from facility.profile import Profile
from facility.schedule import Plan
from facility.time import NS_PER_H, Clock, system_clock
from kado.config import Configuration
from kado.queries.availability import AvailabilityReport, Budget, load_availability
from kado.queries.record import AsOf


def with_budget(
    configuration: Configuration, report: AvailabilityReport, *, clock: Clock = system_clock
) -> AvailabilityReport:
    """Add how much downtime the fiscal year may still have, at the end of the counted part of the period.

    Reads the year up to there; nothing is added where the facility states no target, nor where the year has user time
    before the profile's first limits; what was lost there is not known.
    """
    profile, part = report.profile, report.part
    if profile.target_availability_pct is None:
        return report
    year = fiscal_year_of(part.end_ns - 1, profile.zone, profile.fiscal_year_starts_in)
    to_date = report
    if part.start_ns != year.start_ns:
        so_far, known_on = Period(year.id, year.start_ns, part.end_ns), report.as_of or AsOf(report.as_known_on_ns)
        try:
            to_date = load_availability(configuration, so_far, report.definition.id, known_on, clock=clock)
        except ProfileError:
            return report
    return replace(report, budget=budget_of(profile, year, report.plan, to_date))


def budget_of(profile: Profile, year: Period, plan: Plan, to_date: AvailabilityReport | None) -> Budget | None:
    """Return the downtime budget of a year; None without a target, or without a figure of the year to date."""
    target = profile.target_availability_pct
    if target is None or to_date is None:
        return None
    accounts = to_date.availability.accounts
    planned = plan.user_time.clip(year.start_ns, year.end_ns).total
    left_h = downtime_budget_h(target, planned, accounts.no_beam)
    return Budget(year.id, target, left_h, accounts.unknown / NS_PER_H)
