"""Reliability statistics as rows and sentences, in the language of now."""

from collections.abc import Sequence

from analytics.reliability import MIN_FAILURES, Group, Strength
from analytics.reliability.trend import Direction
from facility.profile import Profile
from kado.language import tr, trn
from kado.queries.reliability import ReliabilityReport
from kado.report.model import Cell
from kado.report.words import named, year_name
from kado.rounding import NONE, count, hours, percent


def evidence_words(strength: Strength) -> str:
    """Return how strongly the data speak for a change."""
    return {
        Strength.NONE: tr("no evidence of a change"),
        Strength.WEAK: tr("weak evidence of a change"),
        Strength.CLEAR: tr("evidence of a change"),
        Strength.STRONG: tr("strong evidence of a change"),
    }[strength]


def reliability_rows(found: ReliabilityReport) -> list[list[Cell]]:
    """Return measure, value and how to read it."""
    rows: list[list[Cell]] = [
        [
            tr("Failures"),
            count(len(found.failures)),
            tr("in {hours} h in which the machine could fail", hours=hours(found.exposure_h, 1)),
        ],
        [tr("MTBF"), *_mtbf(found)],
        [tr("Change"), *_change(found)],
        [tr("Trend"), *_trend(found)],
    ]
    if found.growth is not None:
        g = found.growth
        if g.beta_upper < 1:
            words = tr("the failure rate falls")
        else:
            words = tr("the failure rate rises") if g.beta_lower > 1 else tr("no clear growth")
        meaning = tr(
            "MTBF now, since operation started (Crow-AMSAA): beta {beta:.2f}, {lower:.2f} to {upper:.2f}: {words}",
            beta=g.beta, lower=g.beta_lower, upper=g.beta_upper, words=words,
        )  # fmt: skip
        if not g.fits:
            meaning += tr("; the model does not fit")
        rows.append([tr("Growth"), f"{hours(g.mtbf_now_h, 0)} h", meaning])
    r = found.repair
    if r.median_h is not None:
        meaning = tr("median; 90 % within {p90} h, longest {longest} h", p90=hours(r.p90_h), longest=hours(r.longest_h))
        if r.left_out:
            meaning += trn("; {n} failure is not over yet", "; {n} failures are not over yet", r.left_out)
        rows.append([tr("Repair time"), f"{hours(r.median_h)} h", meaning])
    return rows


def _mtbf(found: ReliabilityReport) -> tuple[str, str]:
    interval = found.interval
    if interval is None:
        return NONE, tr("no known user time")
    if interval.upper_h is None:
        return tr("at least {hours} h", hours=hours(interval.lower_h, 0)), tr("no failure; one-sided 95 % limit")
    return (
        f"{hours(interval.mtbf_h, 1)} h",
        tr(
            "95 % interval {lower} to {upper} h, failures as a Poisson process",
            lower=hours(interval.lower_h, 0), upper=hours(interval.upper_h, 0),
        ),
    )  # fmt: skip


def _change(found: ReliabilityReport) -> tuple[str, str]:
    c = found.comparison
    if c is None or found.compared_with is None:
        return NONE, tr("no period to compare with")
    return (
        evidence_words(c.strength),
        tr(
            "{n} failures in {hours} h in {period}; p = {p:.3f}",
            n=count(c.other_failures), hours=hours(c.other_exposure_h, 1), period=found.compared_with.id, p=c.p_value,
        ),
    )  # fmt: skip


def _trend(found: ReliabilityReport) -> tuple[str, str]:
    t = found.trend
    if t is None or t.p_value is None:
        return NONE, tr("no failure within the period")
    words = {
        Direction.NONE: tr("no evidence of a trend"),
        Direction.MORE_FREQUENT: tr("failures become more frequent"),
        Direction.LESS_FREQUENT: tr("failures become less frequent"),
    }[t.direction]
    return words, tr("within the period (Laplace test), p = {p:.3f}", p=t.p_value)


def group_rows(found: ReliabilityReport) -> list[list[Cell]]:
    """Return the groups of failures; what nobody recorded anything about is left out."""
    if not found.failures:
        return []
    names = grouping_words()
    return [
        [names[kind], group_word(kind, g, found.loaded.profile), g.failures, g.downtime_h, g.repair.median_h]
        for kind, groups in found.groups.items()
        if [g.name for g in groups] != [None]
        for g in in_reading_order(kind, groups)
    ]


def in_reading_order(kind: str, groups: Sequence[Group]) -> list[Group]:
    """Return groups as people look for them: times in their own order, all others by downtime."""
    if kind in ("hour", "weekday"):
        return sorted(groups, key=lambda g: (g.name is None, g.name or ""))
    if kind == "hours_since_start":
        return sorted(groups, key=lambda g: (g.name is None, int((g.name or "0").partition("-")[0])))
    return list(groups)


def grouping_words() -> dict[str, str]:
    """Return the name of each way in which failures are grouped."""
    return {
        "system": tr("System"),
        "cause": tr("Component"),
        "hour": tr("Hour of the day"),
        "weekday": tr("Weekday"),
        "hours_since_start": tr("Hours since start-up"),
        "mode": tr("Mode"),
    }


def group_word(kind: str, group: Group, profile: Profile) -> str:
    """Return the name of a group of failures."""
    if group.name is None:
        return tr("not recorded")
    if kind == "weekday":
        return (tr("Mon"), tr("Tue"), tr("Wed"), tr("Thu"), tr("Fri"), tr("Sat"), tr("Sun"))[int(group.name)]
    return named(profile, group.name) if kind == "system" else group.name


def chance_words(probability: float) -> str:
    """Write a probability in percent; a simulation of some thousand years is sure of nothing.

    Examples
    --------
    >>> chance_words(0.0), chance_words(0.456), chance_words(1.0)
    ('below 1 %', '46 %', 'above 99 %')
    """
    if probability < 0.01:
        return tr("below 1 %")
    return tr("above 99 %") if probability > 0.99 else f"{percent(100 * probability, 0)} %"


def outlook_sentences(found: ReliabilityReport) -> tuple[str, ...]:
    """Return what may still happen in the year; empty for a year that is over."""
    year = found.year
    if year is None:
        return ()
    if year.outlook is None:
        return (
            tr(
                "Failures so far: {n}, too few to forecast {year}: at least {needed} are needed.",
                n=count(year.failures), year=year_name(year.year), needed=MIN_FAILURES,
            ),
        )  # fmt: skip
    o = year.outlook
    said: list[str] = []
    if o.reach_target is not None:
        said.append(
            tr(
                "Probability that {year} reaches the target of {target:g} %: {chance}.",
                year=year_name(year.year), target=o.target_pct, chance=chance_words(o.reach_target),
            )
        )  # fmt: skip
    said.append(
        tr(
            "Expected availability of the year: {expected} %, 90 % band {lower} to {upper} %.",
            expected=percent(o.expected_pct), lower=percent(o.lower_pct), upper=percent(o.upper_pct),
        )
    )  # fmt: skip
    said.append(
        tr(
            "Downtime expected in the rest of the year: {median} h (median); more than {high} "
                "h in one year out of twenty.",
            median=hours(o.downtime_median_h, 1), high=hours(o.downtime_95_h, 1),
        )
    )  # fmt: skip
    basis = tr(
        "Method: {years} simulated years from {n} failures of this machine, seed {seed}.",
        years=count(o.simulated_years), n=count(o.failures), seed=o.seed,
    )  # fmt: skip
    if year.borrowed_from is not None:
        basis += " " + tr("Failures of {year} are included.", year=year_name(year.borrowed_from))
    return (*said, basis)
