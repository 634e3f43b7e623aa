"""``kado alarms report``: the figures of the alarm system."""

from typing import Annotated, Final

import typer
from rich.console import RenderableType

from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import marked, term, tr
from kado.output import local, print_json, show, table, title
from kado.queries.alarm_report import SHARES_PCT, TARGETS, AlarmReport, alarm_report_document, load_alarm_report

_ROWS: Final = {
    "annunciated": marked("annunciations"),
    "per_day": marked("a day"),
    "per_hour": marked("an hour"),
    "per_10min": marked("in ten minutes"),
    "max_per_10min": marked("most in ten minutes"),
    "intervals_over_10_pct": marked("intervals of ten minutes with more than 10, %"),
    "hours_over_30_pct": marked("hours with more than 30, %"),
    "flood_time_pct": marked("time in flood, %"),
    "top_ten_pct": marked("share of the ten most frequent, %"),
    "acknowledged": marked("acknowledged before the next annunciation"),
    "never_acknowledged": marked("never acknowledged"),
    "ack_median_s": marked("median time to acknowledge, s"),
    "answered_in_time_pct": marked("acknowledged within the time to respond, %"),
    "suppressed_while_unacked": marked("suppressed while unacknowledged"),
    "not_watched_s": marked("time not watched, s"),
}


def report(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="As in 'kado availability'.")],
    unknown: Annotated[bool, typer.Option("--unknown", help="Also how long each rule was unknown; replays.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Report the performance of the alarm system in a period.

    Targets are those of ISA-18.2, as public summaries give them.

    \b
    Example:
      kado alarms report 2026-10
    """
    found = load_alarm_report(load_configuration(config), period, system_clock(), unknown=unknown)
    if output is Format.JSON:
        print_json(alarm_report_document(found))
    else:
        show(*_screen(found))


def _screen(report: AlarmReport) -> list[RenderableType]:
    document = alarm_report_document(report)
    profile = report.configuration.profile
    figures = table([tr("figure")], [tr("value"), tr("target")])
    for key, words in _ROWS.items():
        value = document["figures"][key]
        target = "" if key not in TARGETS else f"≤ {TARGETS[key]:g}"
        figures.add_row(tr(words), "–" if value is None else _number(value), target)
    shares = table([tr("priority")], [tr("annunciations"), tr("share, %"), tr("target, %")])
    for priority in SHARES_PCT:
        row = document["by_priority"][priority]
        share = "–" if row["share_pct"] is None else f"{row['share_pct']:.1f}"
        shares.add_row(term(priority), str(row["annunciated"]), share, f"{row['target_pct']:g}")
    parts: list[RenderableType] = [
        title(profile, tr("alarm system, {period}", period=report.period.id)),
        figures,
        "",
        shares,
    ]
    if report.figures.top_ten:
        top = table([tr("most frequent")], [tr("annunciations"), tr("share, %")])
        for frequent in report.figures.top_ten:
            top.add_row(frequent.alarm, str(frequent.count), f"{frequent.share_pct:.1f}")
        parts += ["", top]
    for flood in report.figures.floods:
        start, end = local(flood.start_ns, profile.zone), local(flood.end_ns, profile.zone)
        text = tr(
            "flood from {start} to {end}: {n} annunciations, at most {peak} in ten minutes",
            start=start,
            end=end,
            n=flood.alarms,
            peak=flood.peak,
        )
        parts.append(text)
    for alarm in report.figures.chattering:
        parts.append(tr("chattering: {alarm}", alarm=alarm))
    for standing in report.figures.standing:
        since = local(standing.start_ns, profile.zone)
        parts.append(tr("standing for more than a day: {alarm}, since {since}", alarm=standing.alarm, since=since))
    for a, b in report.history.holes:
        parts.append(tr("not watched from {a} to {b}", a=local(a, profile.zone), b=local(b, profile.zone)))
    if report.unknown_ns is not None:
        rows = table([tr("alarm")], [tr("unknown, h")])
        for alarm, ns in sorted(report.unknown_ns.items(), key=lambda item: -item[1]):
            rows.add_row(alarm, f"{ns / 3.6e12:.2f}")
        parts += ["", rows]
    return parts


def _number(value: float) -> str:
    """Write a count as it is and every other number with two decimals."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
