"""The periods that are running now besides day, month and fiscal year, and the figures that each running period has."""

from analytics.availability import Availability
from analytics.figures import downtime_budget_h
from facility.period import Period, parse_period
from facility.profile import Profile
from facility.schedule import Plan
from facility.time import NS_PER_H, to_datetime
from kado.queries.availability import Budget


def further_periods(profile: Profile, plan: Plan, now_ns: int) -> dict[str, Period]:
    """Return the quarter, the calendar year and the run of the schedule that an instant ends or lies in.

    Between two runs there is none; of several at once the one that began last is it.
    """
    day = to_datetime(now_ns - 1, profile.zone)
    found = {
        "quarter": parse_period(f"{day.year:04d}Q{(day.month + 2) // 3}", profile.zone),
        "year": parse_period(f"{day.year:04d}", profile.zone),
    }
    runs = [(start, end, name) for name, (start, end) in plan.runs.items() if start < now_ns <= end]
    if runs:
        start, end, name = max(runs)
        found["run"] = Period(f"run:{name}", start, end)
    return found


def budget_to_date(profile: Profile, plan: Plan, year: Availability | None) -> Budget | None:
    """Return the downtime that the fiscal year may still have, as ``kado availability`` says it.

    Parameters
    ----------
    year
        The fiscal year up to now; None: it has no figure yet.
    """
    target = profile.target_availability_pct
    if target is None or year is None:
        return None
    planned = plan.user_time.clip(year.period.start_ns, year.period.end_ns).total
    left_h = downtime_budget_h(target, planned, year.accounts.no_beam)
    return Budget(year.period.id, target, left_h, year.accounts.unknown / NS_PER_H)


def figure_values(found: Availability, budget: Budget | None) -> dict[str, float | None]:
    """Return each key of ``figures`` in the document of ``kado availability``; None where there is no such figure."""
    figures = found.figures
    return {
        "availability_pct": figures.availability_pct,
        "availability_lower_pct": figures.availability_lower_pct,
        "availability_upper_pct": figures.availability_upper_pct,
        "availability_without_excluded_pct": figures.availability_without_excluded_pct,
        "coverage_pct": figures.coverage_pct,
        "availability_compensated_pct": figures.availability_compensated_pct,
        "mtbf_h": figures.mtbf_h,
        "mttr_h": figures.mttr_h,
        "mttr_unclipped_h": figures.mttr_unclipped_h,
        "mtbd_h": figures.mtbd_h,
        "longest_run_h": figures.longest_run_h,
        "longest_run_max_h": figures.longest_run_max_h,
        "delivered_mwh": found.delivered_mwh,
        "downtime_budget_h": None if budget is None else budget.left_h,
        "downtime_budget_unknown_h": None if budget is None else budget.unknown_h,
        "operating_time_h": found.accounts.operating / NS_PER_H,
    }
