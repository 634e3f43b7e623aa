"""The reference's limits, tick by tick: by mode and date, with grace, frozen in runs, relative to nominal.

Like all of the reference it knows nothing of `analytics`.
"""

from dataclasses import replace

from facility.definition import Definition
from facility.limits import Limits
from facility.profile import Profile
from facility.schedule import Category, Plan
from facility.time import NS_PER_S, parse_time, to_ns

TICK = NS_PER_S // 2


def limits_in_force(
    profile: Profile, rules: Definition, plan: Plan, category: list[Category], first_ns: int
) -> list[Limits]:
    """The mode is the plan's, `user` where it has no limits of its own; grace keeps the limits before a step."""
    by_mode: dict[Category, list[tuple[int, Limits]]] = {}
    for step in profile.limit_steps:
        rows = by_mode.setdefault(step.mode, [])
        rows.append((parse_time(str(step.since)) + (to_ns(step.grace_h * 3600) if rows else 0), step.limits))

    def at(mode: Category, ns: int) -> Limits:
        rows = by_mode.get(mode, by_mode[Category.USER])
        return [limits for since, limits in rows if since <= ns][-1]

    changes = {-(-(since - first_ns) // TICK) for rows in by_mode.values() for since, _ in rows}
    result: list[Limits] = []
    for k, mode in enumerate(category):
        anew = k == 0 or mode is not category[k - 1] or k in changes
        result.append(at(mode, first_ns + k * TICK) if anew else result[-1])
    for start, end in plan.runs.values() if rules.limits_frozen_in_runs else ():
        for k in range(max((start - first_ns) // TICK, 0), min((end - first_ns) // TICK, len(category))):
            result[k] = at(category[k], start)
    return result


def with_own_minimum(limits: list[Limits], rules: Definition) -> list[Limits]:
    """No-beam below a part of nominal, if the definition says so; what ends it or begins low-beam is not below that."""
    if rules.no_beam_below_fraction is None:
        return limits
    found: dict[Limits, Limits] = {}
    for x in limits:
        minimum = rules.no_beam_below_fraction * x.nominal
        higher = {"recovered": max(x.recovered, minimum), "tolerance": max(x.tolerance, minimum)}
        found.setdefault(x, replace(x, minimum=minimum, **higher))
    return [found[x] for x in limits]
