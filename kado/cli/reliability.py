"""``kado reliability``."""

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from analytics.reliability import MIN_FAILURES, Group, Strength
from analytics.reliability.trend import Direction
from kado.cli.command import AsKnownOnOption, ConfigOption, DefinitionOption, Format, FormatOption, PeriodOption
from kado.config import load_configuration
from kado.output import local, print_json, show, table, title
from kado.queries.reliability import ReliabilityReport, YearOutlook, load_reliability, reliability_document
from kado.rounding import NONE, count, hours, percent


def reliability(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    compare: Annotated[
        str | None,
        typer.Option("--compare", help="Period to compare the failure rate with; default: the previous one."),
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Report MTBF with its interval, trend, repair times, and the outlook for the year.

    \b
    Examples:
      kado reliability --period FY2026
      kado reliability --period 2026-10 --compare 2025-10 --format json
    """
    found = load_reliability(load_configuration(config), period, definition, as_known_on, compare_with=compare)
    if output is Format.JSON:
        print_json(reliability_document(found))
    else:
        show(*reliability_tables(found))


EVIDENCE = {
    Strength.NONE: "no evidence of a change",
    Strength.WEAK: "weak evidence of a change",
    Strength.CLEAR: "evidence of a change",
    Strength.STRONG: "strong evidence of a change",
}


def reliability_tables(found: ReliabilityReport) -> list[RenderableType]:
    """Return the statistics of a period as tables."""
    loaded = found.loaded
    zone, period = loaded.profile.zone, loaded.availability.period
    rows = table(["", "value", "meaning"])
    rows.show_header = False
    rows.add_row("Failures", count(len(found.failures)), f"in {hours(found.exposure_h, 1)} h of exposure")
    rows.add_row("MTBF", *_mtbf(found))
    rows.add_row("Change", *_comparison(found))
    rows.add_row("Trend", *_trend(found))
    if found.growth is not None:
        g = found.growth
        words = "falls" if g.beta_upper < 1 else "rises" if g.beta_lower > 1 else "shows no clear growth"
        fit = "" if g.fits else "; the model does not fit"
        rows.add_row(
            "Growth",
            f"{hours(g.mtbf_now_h, 1)} h",
            f"MTBF now, since operation started; beta {g.beta:.2f} ({g.beta_lower:.2f} to {g.beta_upper:.2f}): "
            f"the failure rate {words}{fit}",
        )
    r = found.repair
    left_out = f"; {count(r.left_out)} not over yet" if r.left_out else ""
    rows.add_row(
        "Repair",
        NONE if r.median_h is None else f"{hours(r.median_h)} h",
        f"median; 90 % within {hours(r.p90_h)} h, longest {hours(r.longest_h)} h{left_out}",
    )
    return [
        title(loaded.profile, f"reliability {period.id}"),
        f"Period      {local(period.start_ns, zone, offset=True)} to {local(period.end_ns, zone, offset=True)}",
        f"Definition  {loaded.definition.id}: {loaded.definition.title.en}",
        "",
        rows,
        *_groups(found),
        *_outlook(found.year),
    ]


def _mtbf(found: ReliabilityReport) -> tuple[str, str]:
    interval = found.interval
    if interval is None:
        return NONE, "no known user time"
    if interval.upper_h is None:
        return f"at least {hours(interval.lower_h, 0)} h", "no failure; one-sided 95 % limit"
    between = f"95 % interval {hours(interval.lower_h, 0)} to {hours(interval.upper_h, 0)} h"
    return f"{hours(interval.mtbf_h, 1)} h", f"exposure / failures; {between}"


def _comparison(found: ReliabilityReport) -> tuple[str, str]:
    c = found.comparison
    if c is None or found.compared_with is None:
        return NONE, "no period to compare with"
    ratio = "" if c.ratio is None else f"; rate {c.ratio:.2f} times as high"
    other = f"{count(c.other_failures)} in {hours(c.other_exposure_h, 1)} h in {found.compared_with.id}"
    return EVIDENCE[c.strength], f"{other}{ratio}, p = {c.p_value:.3f}"


def _trend(found: ReliabilityReport) -> tuple[str, str]:
    t = found.trend
    if t is None or t.p_value is None:
        return NONE, "no failure within the period"
    words = {
        Direction.NONE: "no evidence of a trend",
        Direction.MORE_FREQUENT: "failures become more frequent",
        Direction.LESS_FREQUENT: "failures become less frequent",
    }[t.direction]
    return words, f"Laplace test, p = {t.p_value:.3f}"


def _groups(found: ReliabilityReport) -> list[RenderableType]:
    if not found.failures:
        return []
    heads = ["failures", "downtime h", "median repair h"]
    rows = table(order=["by", "", *heads], right=heads)
    for name, groups in found.groups.items():
        if [g.name for g in groups] == [None]:
            continue
        for i, group in enumerate(groups):
            rows.add_row(name.replace("_", " ") if i == 0 else "", *_group(name, group))
    return ["", rows]


def _group(kind: str, group: Group) -> tuple[str, str, str, str]:
    name = "not recorded" if group.name is None else group.name
    if kind == "weekday" and group.name is not None:
        name = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[int(group.name)]
    return name, count(group.failures), hours(group.downtime_h), hours(group.repair.median_h)


def _outlook(year: YearOutlook | None) -> list[RenderableType]:
    if year is None:
        return []
    lines: list[RenderableType] = ["", Text(f"Outlook for {year.year}", style="bold")]
    if year.outlook is None:
        return [*lines, f"{count(year.failures)} failures are too few to say; {MIN_FAILURES} are needed"]
    o = year.outlook
    borrowed = "" if year.borrowed_from is None else f", {year.borrowed_from} included"
    if o.reach_target is not None:
        reach = percent(100 * o.reach_target, 0)
        lines.append(f"Probability to reach {o.target_pct:g} %: {reach} %")
    band = f"{percent(o.lower_pct)} to {percent(o.upper_pct)} %"
    lines.append(f"Expected availability {percent(o.expected_pct)} %, 90 % band {band}")
    lines.append(
        f"Downtime still to come: median {hours(o.downtime_median_h, 1)} h, "
        f"in one year of twenty over {hours(o.downtime_95_h, 1)} h"
    )
    lines.append(
        f"From {count(o.failures)} failures{borrowed}, {count(o.simulated_years)} simulated years, seed {o.seed}"
    )
    return lines
