"""The first page in plain sentences: what happened in the period."""

from analytics.availability import PROVISIONAL_BELOW_PCT, ReportedEvent
from analytics.conditions import Kind
from analytics.energy import POWER_UNIT
from analytics.reliability import Strength
from facility.schedule import PLANNED_CATEGORIES
from facility.time import NS_PER_H, NS_PER_S
from kado.language import tr, trn
from kado.queries.events import incidents_behind
from kado.queries.report import Beside, ReportInputs
from kado.report.cells import local_time, period_words, time_words
from kado.report.model import Headline
from kado.report.reliability_words import chance_words
from kado.report.words import account_word, named, year_name
from kado.rounding import NONE, count, hours, percent


def figure_name(inputs: ReportInputs) -> str:
    """Return what the figure is called: a neutron source has no light."""
    power = inputs.loaded.profile.delivery.unit == POWER_UNIT
    return tr("Availability") if power else tr("Light-source availability")


def headline(inputs: ReportInputs) -> Headline:
    """Return the figure that is read first; below 99 % coverage it is the bounds."""
    f = inputs.loaded.availability.figures
    name = figure_name(inputs)
    if f.availability_pct is None or f.coverage_pct is None:
        return Headline(name, NONE, _no_figure(inputs), "", _provisional(inputs))
    lower, upper = f.availability_lower_pct or 0.0, f.availability_upper_pct or 0.0
    target = inputs.loaded.profile.target_availability_pct or 100.0
    value = f"{percent(f.availability_pct, below=target)} %"
    if f.coverage_pct < PROVISIONAL_BELOW_PCT:
        value = tr("{lower} to {upper} %", lower=percent(lower), upper=percent(upper))
        bounds = tr("On known time alone {value} %", value=percent(f.availability_pct))
    elif lower == upper:
        bounds = tr("No unknown time could change it")
    else:
        # With as many digits as tell the bounds apart.
        digits = next((n for n in (1, 2) if percent(lower, n) != percent(upper, n)), 3)
        bounds = tr(
            "Between {lower} and {upper} %, whatever happened in unknown time",
            lower=percent(lower, digits), upper=percent(upper, digits),
        )  # fmt: skip
    coverage = tr("Coverage {share} % of user time", share=percent(f.coverage_pct))
    return Headline(name, value, bounds, coverage, _provisional(inputs))


def _no_figure(inputs: ReportInputs) -> str:
    if not inputs.loaded.availability.accounts.user_time:
        return tr("No user time was planned in this period.")
    return tr("There is no known user time in this period.")


def _provisional(inputs: ReportInputs) -> tuple[str, ...]:
    result = inputs.loaded.availability
    if not result.provisional:
        return ()
    reasons: list[str] = []
    coverage = result.figures.coverage_pct
    if coverage is not None and coverage < PROVISIONAL_BELOW_PCT:
        reasons.append(tr("Provisional: coverage is below {limit:g} %", limit=PROVISIONAL_BELOW_PCT))
    if result.counted_until_ns < result.period.end_ns:
        until = time_words(local_time(result.counted_until_ns, inputs.loaded.profile.zone))
        reasons.append(tr("Provisional: counted until {until}, the period is not over", until=until))
    if not reasons and coverage is not None:
        reasons.append(tr("Provisional: what follows the period may still change it"))
    return tuple(reasons)


def summary(inputs: ReportInputs) -> tuple[str, ...]:
    """Return what happened, in five lines."""
    if not inputs.loaded.availability.accounts.user_time:
        return tuple(line for line in (_no_figure(inputs), _plan(inputs), _year(inputs)) if line)
    lines = [_verdict(inputs), _time(inputs), _failures(inputs), _change(inputs), _year(inputs)]
    return tuple(line for line in lines if line)


def _verdict(inputs: ReportInputs) -> str:
    f, name = inputs.loaded.availability.figures, figure_name(inputs)
    target = inputs.loaded.profile.target_availability_pct
    if f.availability_pct is None or f.coverage_pct is None:
        return tr("There is no known user time in this period.")
    if f.coverage_pct < PROVISIONAL_BELOW_PCT:
        lower, upper = percent(f.availability_lower_pct), percent(f.availability_upper_pct)
        return tr(
            "{name} lies between {lower} and {upper} %: too much is unknown for one number.",
            name=name, lower=lower, upper=upper,
        )  # fmt: skip
    if target is None:
        return tr("{name} was {value} %.", name=name, value=percent(f.availability_pct))
    value = percent(f.availability_pct, below=target)
    if f.availability_pct >= target:
        return tr(
            "{name} was {value} %: the target of {target:g} % was reached.", name=name, value=value, target=target
        )
    return tr("{name} was {value} %: the target of {target:g} % was missed.", name=name, value=value, target=target)


def _time(inputs: ReportInputs) -> str:
    a = inputs.loaded.availability.accounts
    said = tr(
        "User time: {user} h. Beam was delivered for {delivered} h; {down} h were lost.",
        user=hours(a.user_time / NS_PER_H, 1),
        delivered=hours(a.delivered / NS_PER_H, 1),
        down=hours(a.no_beam / NS_PER_H, 1),
    )
    if not a.unknown:
        return said
    return said + " " + tr(
        "Unknown time: {length}. It counts neither as beam nor as downtime.", length=length_words(a.unknown)
    )  # fmt: skip


def _plan(inputs: ReportInputs) -> str:
    a = inputs.loaded.availability.accounts
    planned = {c.value: getattr(a, c.value) for c in PLANNED_CATEGORIES}
    parts = [
        tr("{what} {hours} h", what=account_word(name), hours=hours(ns / NS_PER_H, 0))
        for name, ns in planned.items()
        if ns
    ]
    return tr("Planned: {parts}.", parts=tr(", ").join(parts)) if parts else ""


def length_words(ns: int) -> str:
    """Write a length of time as people say it: ``3 h 02 min``."""
    minutes = (ns + 30 * NS_PER_S) // (60 * NS_PER_S)
    if minutes >= 60:
        return tr("{h} h {m:02} min", h=count(minutes // 60), m=minutes % 60)
    if ns >= 60 * NS_PER_S:
        return tr("{m} min", m=minutes)
    return tr("{s} s", s=max(1, round(ns / NS_PER_S)))


def _failures(inputs: ReportInputs) -> str:
    loaded = inputs.loaded
    n = loaded.availability.counts.failures
    longest = max(
        (r for r in loaded.availability.events if r.event.kind is Kind.NO_BEAM and not r.trip and not r.carried_over),
        key=lambda r: r.event.duration_ns,
        default=None,
    )
    if longest is None or not n:
        return tr("There was no failure.")
    begun = time_words(local_time(longest.event.start_ns, loaded.profile.zone))
    counted = trn("There was {n} failure", "There were {n} failures", n)
    lasted = length_words(longest.event.duration_ns)
    system = _system(longest, inputs)
    if system:
        return tr(
            "{counted}; the longest began on {begun} and lasted {lasted} ({system}).",
            counted=counted, begun=begun, lasted=lasted, system=system,
        )  # fmt: skip
    return tr(
        "{counted}; the longest began on {begun} and lasted {lasted}.", counted=counted, begun=begun, lasted=lasted
    )


def _system(reported: ReportedEvent, inputs: ReportInputs) -> str:
    incidents = incidents_behind(reported, inputs.loaded)
    cause = next((i for i in incidents if i.root_cause), incidents[0] if incidents else None)
    return "" if cause is None else f"{named(inputs.loaded.profile, cause.system)}: {cause.title}"


def _change(inputs: ReportInputs) -> str:
    comparison = inputs.reliability.comparison
    before = next((b for b in inputs.beside if b.role == "before"), None)
    if comparison is None or before is None or before.loaded is None:
        return ""
    now, then = (x.availability.figures.availability_pct for x in (inputs.loaded, before.loaded))
    words = {
        Strength.NONE: tr("there is no evidence that the failure rate changed"),
        Strength.WEAK: tr("there is weak evidence that the failure rate changed"),
        Strength.CLEAR: tr("there is evidence that the failure rate changed"),
        Strength.STRONG: tr("there is strong evidence that the failure rate changed"),
    }[comparison.strength]
    if now is None or then is None:
        return ""
    return tr(
        "Availability was {then} % in {before}; {words}.",
        then=percent(then), before=name_of(before, inputs), words=words,
    )  # fmt: skip


def name_of(beside: Beside, inputs: ReportInputs) -> str:
    """Return a period's name for a sentence or the head of a column."""
    zone = inputs.loaded.profile.zone
    if len(beside.period.id) == 7:
        words = period_words(
            beside.period.id, local_time(beside.period.start_ns, zone), local_time(beside.period.end_ns, zone)
        )
        return words.partition("（")[0]
    return beside.period.id.partition("/")[0][:10] if "/" in beside.period.id else year_name(beside.period.id)


def _year(inputs: ReportInputs) -> str:
    budget, year = inputs.loaded.budget, inputs.reliability.year
    if budget is None:
        return ""
    if budget.left_h < 0:
        said = tr(
            "The downtime budget of {year} is exceeded by {left} h.",
            year=year_name(budget.year),
            left=hours(-budget.left_h, 1),
        )
    else:
        said = tr(
            "{left} h are left of the downtime budget of {year} (target {target:g} %).",
            year=year_name(budget.year), left=hours(budget.left_h, 1), target=budget.target_pct,
        )  # fmt: skip
    if budget.unknown_h >= 1.0:
        said += " " + tr(
            "{hours} h of the year are unknown and are not subtracted from the budget.",
            hours=hours(budget.unknown_h, 0),
        )
    if year is not None and year.outlook is not None and year.outlook.reach_target is not None:
        chance = chance_words(year.outlook.reach_target)
        said += " " + tr("Probability of reaching the target: {chance}.", chance=chance)
    elif year is not None:
        said += " " + tr("Failures so far: {n}, too few to forecast the rest of the year.", n=count(year.failures))
    return said
