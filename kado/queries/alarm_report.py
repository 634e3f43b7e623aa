"""The figures of the alarm system for a period, beside the targets of ISA-18.2."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from analytics.alarms.figures import AlarmFigures, assess
from facility.alarms import AlarmState
from facility.errors import PeriodError
from facility.period import Period
from facility.sentence import Sentence
from facility.time import format_second, format_time, to_s
from kado.config import Configuration
from kado.queries.alarm_replay import load_replay
from kado.queries.alarm_rules import load_alarm_rules
from kado.queries.alarms import AlarmHistory, load_history, open_alarm_journal
from kado.queries.identity import identity
from kado.queries.record import load_plan

TARGETS: Final[dict[str, float]] = {
    "per_day": 150.0,
    "per_hour": 6.0,
    "per_10min": 1.0,
    "max_per_10min": 10.0,
    "intervals_over_10_pct": 1.0,
    "hours_over_30_pct": 1.0,
    "flood_time_pct": 1.0,
    "top_ten_pct": 5.0,
    "chattering": 0.0,
    "standing": 5.0,
}
"""At most so much, as public summaries of ISA-18.2 give it."""

SHARES_PCT: Final = {"critical": 1.0, "high": 5.0, "medium": 15.0, "low": 80.0}


@dataclass(frozen=True, slots=True)
class AlarmReport:
    """Figures of one period."""

    configuration: Configuration
    period: Period
    figures: AlarmFigures
    history: AlarmHistory
    unknown_ns: Mapping[str, int] | None = None
    """For each rule how long it was shown as unknown, from a replay; None: not asked for."""

    @property
    def not_watched_s(self) -> float:
        """Time in which nobody watched, s."""
        return to_s(sum(b - a for a, b in self.history.holes))


def load_alarm_report(
    configuration: Configuration,
    period: str | Period,
    now_ns: int,
    *,
    unknown: bool = False,
    most: int | None = None,
) -> AlarmReport:
    """Return the figures of a period, cut at now; with `unknown` also how long each rule was unknown.

    Raises
    ------
    PeriodError
        If it is no period, it has not begun, or there are more rows of alarms in it than `most`.
    UnreachableError
        If the journal cannot be read.
    """
    if isinstance(period, str):
        period = configuration.profile.period(period, load_plan(configuration))
    end_ns = min(period.end_ns, now_ns)
    if end_ns <= period.start_ns:
        raise PeriodError(
            Sentence(
                "period {period} begins in the future, at {start}: it has no data yet",
                period=period.id,
                start=format_second(period.start_ns, configuration.profile.zone),
            )
        )
    history = load_history(configuration, period.start_ns, end_ns, None, most=most)
    within = {rule.id: rule.respond_within_s for rule in load_alarm_rules(configuration).rules}
    with open_alarm_journal(configuration) as journal:
        lasting = journal.lasting(period.start_ns)
    figures = assess((*lasting, *history.rows), period.start_ns, end_ns, within)
    unknown_ns = unknown_time(configuration, period.start_ns, end_ns) if unknown else None
    return AlarmReport(configuration, period, figures, history, unknown_ns)


def unknown_time(configuration: Configuration, start_ns: int, end_ns: int) -> dict[str, int]:
    """Return for each rule how long it would have been shown as unknown, ns, from a replay."""
    since = {rule.id: start_ns for rule in load_alarm_rules(configuration).rules}
    total = dict.fromkeys(since, 0)
    for row in load_replay(configuration, start_ns, end_ns).rows:
        if row.from_state is AlarmState.UNKNOWN:
            total[row.alarm] += row.time_ns - since.pop(row.alarm)
        if row.to_state is AlarmState.UNKNOWN:
            since[row.alarm] = row.time_ns
    for alarm, began in since.items():
        total[alarm] += end_ns - began
    return total


def alarm_report_document(report: AlarmReport) -> dict[str, Any]:
    """Return the figures, for programs."""
    figures, zone = report.figures, report.configuration.profile.zone
    return {
        **identity(report.configuration.profile, period=report.period),
        "until": format_time(figures.end_ns, zone),
        "figures": {
            "annunciated": figures.annunciated,
            "per_day": figures.per_day,
            "per_hour": figures.per_hour,
            "per_10min": figures.per_10min,
            "max_per_10min": figures.max_per_10min,
            "intervals_over_10_pct": figures.intervals_over_10_pct,
            "hours_over_30_pct": figures.hours_over_30_pct,
            "flood_time_pct": figures.flood_time_pct,
            "top_ten_pct": figures.top_ten_pct,
            "acknowledged": figures.acknowledged,
            "never_acknowledged": figures.never_acknowledged,
            "ack_median_s": figures.ack_median_s,
            "answered_in_time_pct": figures.answered_in_time_pct,
            "suppressed_while_unacked": figures.suppressed_while_unacked,
            "not_watched_s": report.not_watched_s,
        },
        "targets": TARGETS,
        "by_priority": {
            priority: {
                "annunciated": figures.by_priority.get(priority, 0),
                "share_pct": _share(figures, priority),
                "target_pct": target,
            }
            for priority, target in SHARES_PCT.items()
        },
        "floods": [
            {
                "start": format_time(f.start_ns, zone),
                "end": format_time(f.end_ns, zone),
                "alarms": f.alarms,
                "peak": f.peak,
            }
            for f in figures.floods
        ],
        "top_ten": [{"alarm": f.alarm, "count": f.count, "share_pct": f.share_pct} for f in figures.top_ten],
        "chattering": list(figures.chattering),
        "standing": [
            {"alarm": s.alarm, "start": format_time(s.start_ns, zone), "end": format_time(s.end_ns, zone)}
            for s in figures.standing
        ],
        "away": [
            {
                "alarm": a.alarm,
                "state": a.state.value,
                "start": format_time(a.start_ns, zone),
                "end": format_time(a.end_ns, zone),
                "by": a.by,
            }
            for a in figures.away
        ],
        "not_watched": [[format_time(a, zone), format_time(b, zone)] for a, b in report.history.holes],
        "unknown_s": None if report.unknown_ns is None else {a: to_s(ns) for a, ns in report.unknown_ns.items()},
    }


def _share(figures: AlarmFigures, priority: str) -> float | None:
    if not figures.annunciated:
        return None
    return 100.0 * figures.by_priority.get(priority, 0) / figures.annunciated
