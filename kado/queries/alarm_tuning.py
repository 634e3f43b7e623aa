"""A rule on its history at other limits, deadbands and delays, beside the losses of beam of the accounting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analytics.alarms.history import replay
from analytics.alarms.limits import limit_pieces, reduced_of
from analytics.alarms.tuning import Tuned, evaluate, variants
from analytics.conditions import Kind
from facility.alarms import AlarmRule, AlarmRules
from facility.errors import AlarmRuleError, KadoError, PeriodError, UsageError
from facility.period import Period
from facility.schedule import resolve
from facility.sentence import Sentence
from facility.time import format_second, to_s
from kado.config import Configuration
from kado.queries.alarm_replay import check_length, history_of
from kado.queries.alarm_rules import load_alarm_rules, series_table
from kado.queries.availability import load_availability
from kado.queries.identity import identity
from kado.queries.record import load_record
from kado.stores import open_store


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a rule would have been in a period, setting by setting; the first is the rule as it is."""

    configuration: Configuration
    period: Period
    rule: AlarmRule
    events: int
    """Losses of beam of the accounting in the period."""
    settings: tuple[Tuned, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """Values to try; none: that of the rule."""

    limits: Sequence[float] = ()
    deadbands: Sequence[float] = ()
    on_delays_s: Sequence[float] = ()
    off_delays_s: Sequence[float] = ()


def load_tuning(configuration: Configuration, alarm: str, period_text: str, choices: Choices, now_ns: int) -> Tuning:
    """Replay a rule with every combination of the choices.

    Raises
    ------
    AlarmRuleError
        If there is no such alarm, or a combination contradicts itself.
    UsageError
        If limits are to be varied of a rule without one.
    PeriodError
        If it is no period, or it has not begun.
    """
    table = series_table(configuration)
    rules = load_alarm_rules(configuration, table)
    if alarm not in rules.by_id:
        raise AlarmRuleError(
            Sentence("no alarm {alarm!r}: there are {known}", alarm=alarm, known=", ".join(rules.by_id))
        )
    record = load_record(configuration)
    plan = resolve(record.versions)
    period = configuration.profile.period(period_text, plan)
    start_ns, end_ns = period.start_ns, min(period.end_ns, now_ns)
    if end_ns <= start_ns:
        raise PeriodError(
            Sentence(
                "period {period} begins in the future, at {start}: it has no data yet",
                period=period_text,
                start=format_second(start_ns, configuration.profile.zone),
            )
        )
    check_length(configuration, start_ns, end_ns)
    limits = limit_pieces(configuration.profile, plan, start_ns, end_ns, reduced_of(record.corrections))
    events = _losses(configuration, period_text)
    found: list[Tuned] = []
    try:
        settings = list(
            variants(rules.by_id[alarm], choices.limits, choices.deadbands, choices.on_delays_s, choices.off_delays_s)
        )
    except ValueError as error:
        raise UsageError(Sentence("{error}", error=error)) from error
    sources = _with_sources(rules, alarm)
    with open_store(configuration) as store:
        for variant, rule in settings:
            changed = AlarmRules.of([rule if r.id == alarm else r for r in sources], table)
            rows = replay(changed, history_of(store), plan, limits, (), start_ns, end_ns)
            found.append(evaluate(variant, [t for t in rows if t.alarm == alarm], end_ns, events))
    return Tuning(configuration, period, rules.by_id[alarm], len(events), tuple(found))


def tuning_document(tuning: Tuning) -> dict[str, Any]:
    """Return the settings, for programs."""
    return {
        **identity(tuning.configuration.profile, period=tuning.period),
        "alarm": tuning.rule.id,
        "events": tuning.events,
        "settings": [
            {
                "limit": t.variant.limit,
                "deadband": t.variant.deadband,
                "on_delay_s": t.variant.on_delay_s,
                "off_delay_s": t.variant.off_delay_s,
                "annunciations": t.annunciations,
                "in_alarm_s": to_s(t.in_alarm_ns),
                "chattering": t.chattering,
                "missed_events": t.missed,
            }
            for t in tuning.settings
        ],
    }


def _losses(configuration: Configuration, period_text: str) -> list[tuple[int, int]]:
    """Return the losses of beam of the accounting; none where nothing is scheduled."""
    try:
        loaded = load_availability(configuration, period_text)
    except KadoError:
        return []
    return [(r.event.start_ns, r.event.end_ns) for r in loaded.availability.events if r.event.kind is Kind.NO_BEAM]


def _with_sources(rules: AlarmRules, alarm: str) -> list[AlarmRule]:
    """Return a rule with all that inhibit it, in the order of the file."""
    needed, waiting = {alarm}, [alarm]
    while waiting:
        for source in rules.by_id[waiting.pop()].inhibited_by:
            if source not in needed:
                needed.add(source)
                waiting.append(source)
    return [rule for rule in rules.rules if rule.id in needed]
