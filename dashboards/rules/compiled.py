"""Alarm rules of a facility as rules of Prometheus, each marked with how exact it is.

Prometheus sees what it scrapes, at the instants at which it evaluates: what lies between two scrapes is not seen. It
knows true and false, not unknown; it has no latch, no acknowledgement, no shelf. kado's own alarm engine has all that;
these rules are for sites that let Prometheus be in charge.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from dashboards.rules.alertmanager import Inhibition
from dashboards.rules.rule import Alert, Group, Role
from facility.alarms.conditions import (
    AllCondition,
    AnyCondition,
    Condition,
    LimitCondition,
    LimitValue,
    NoDataCondition,
    NotCondition,
    RateCondition,
    Reading,
    StaleCondition,
    StateCondition,
)
from facility.alarms.rule import AlarmRule
from facility.profile import Profile

Mapping = Literal["exact", "grid", "approximate"]
"""``exact``: as kado. ``grid``: the same verdicts at the instants of scrape and evaluation. ``approximate``: other
verdicts are possible there too; the rule file says which."""

# Sums are made for each address that is scraped: after kado has moved, two of them are there for a while.
_FACTS: Final = {
    "ledger_difference": "kado_ledger_difference_samples{F}",
    "landing_fill_pct": "(100 * kado_landing_fill_ratio{F})",
    "disk_free_pct": "(100 * kado_disk_free_bytes{F} / kado_disk_size_bytes{F})",
    "dead_letters": "max by (facility) (sum by (facility, job, instance) (kado_dead_letters{F}))",
    "backup_age_h": "((time() - kado_backup_timestamp_seconds{F}) / 3600)",
    "notify_oldest_s": "max by (facility) (kado_notification_oldest_seconds{F})",
    "alarms_unknown": 'max by (facility) (sum by (facility, job, instance) (kado_alarms{F,state="unknown"}))',
}
_FACT_STATES: Final = {"forwarder_state": "kado_forwarder_state", "landing_state": "kado_landing_state"}
_KADO: Final = ("kado", "data")
"""Classes of alarms that engineers act on."""


@dataclass(slots=True)
class _Notes:
    """What is not the same in Prometheus, gathered while a rule is compiled."""

    mapping: Mapping = "grid"
    lines: list[str] = field(default_factory=list[str])

    def approximate(self, why: str) -> None:
        self.mapping = "approximate"
        self.lines.append(why)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of the rules."""

    alerts: tuple[Alert, ...]
    inhibitions: tuple[Inhibition, ...]
    left_out: tuple[tuple[str, str], ...]
    """Ids of rules that have no form in PromQL, each with the reason."""

    def groups(self) -> list[Group]:
        """Return the rules as a group of a rule file."""
        return [Group("kado-alarms", "5s", self.alerts)]

    def heading(self, facility: str) -> list[str]:
        """Return what stands at the top of the rule file."""
        lines = [
            f"Alarm rules of {facility}, compiled for Prometheus by kado.",
            "Not here: unknown (an alert resolves when its series goes), latch, acknowledgement, shelf, out of",
            "service, re-alarm, chattering, occurrences, late samples. After a restart of Prometheus a rule with a",
            "delay under ten minutes starts again.",
        ]
        lines += [f"Left out: {alarm}: {why}" for alarm, why in self.left_out]
        return lines


class _NoFormError(Exception):
    """The condition cannot be said in PromQL."""


def compile_rules(rules: Sequence[AlarmRule], profile: Profile) -> Compiled:
    """Compile the rules of a facility; what cannot be said is left out with its reason."""
    alerts: list[Alert] = []
    inhibitions: list[Inhibition] = []
    left_out: list[tuple[str, str]] = []
    for rule in rules:
        try:
            alerts.append(_alert(rule, profile))
        except _NoFormError as error:
            left_out.append((rule.id, str(error)))
        else:
            inhibitions += [Inhibition(source, rule.id) for source in rule.inhibited_by]
    there = {alert.name for alert in alerts}
    kept = tuple(i for i in inhibitions if i.source in there)
    return Compiled(tuple(alerts), kept, tuple(left_out))


def _alert(rule: AlarmRule, profile: Profile) -> Alert:
    notes = _Notes()
    expression = _Writer(rule, profile, notes).condition(rule.when)
    facility = f'facility="{profile.id}"'
    if rule.in_plan is not None:
        words = "|".join(category.value for category in rule.in_plan)
        expression = f'({expression}) and on (facility) kado_plan{{{facility},category=~"{words}"}} == 1'
    if rule.in_mode is not None:
        words = "|".join(rule.in_mode)
        mode = f'kado_signal_state{{{facility},signal="{profile.mode_signal}",word!~"{words}"}} == 1'
        # Armed as well while the mode is not known, as in kado.
        expression = f"({expression}) unless on (facility) {mode}"
    if rule.inhibited_by:
        notes.lines.append(
            f"inhibited by {', '.join(rule.inhibited_by)}: Alertmanager mutes it, from firing on and not from pending"
        )
    if rule.latch:
        notes.lines.append("latched in kado, not here")
    role: Role = "engineers" if rule.class_ in _KADO else "operators"
    return Alert(
        name=rule.id,
        expression=expression,
        lasts=_duration(rule.on_delay_s),
        keeps=_duration(rule.off_delay_s) if rule.off_delay_s else "",
        severity=rule.priority.value,
        role=role,
        summary=rule.title,
        meaning=rule.consequence,
        action=rule.action,
        labels={
            "priority": rule.priority.value,
            "class": rule.class_,
            "simulated": "true" if profile.simulated else "false",
            "via": "prometheus",
            "kado_mapping": notes.mapping,
        },
        comment=tuple(f"{rule.id}: {line}" for line in notes.lines),
    )


class _Writer:
    """Writes the condition of one rule."""

    def __init__(self, rule: AlarmRule, profile: Profile, notes: _Notes) -> None:
        self._rule = rule
        self._profile = profile
        self._notes = notes
        self._facility = f'facility="{profile.id}"'

    def condition(self, condition: Condition) -> str:
        """Return an expression that has a result while the condition is true."""
        if isinstance(condition, LimitCondition):
            return self._limited(self._value(condition), condition)
        if isinstance(condition, RateCondition):
            value, window = self._value(condition), _duration(condition.window_s)
            return self._limited(f"(({value} - {value} offset {window}) / {condition.window_s:g})", condition)
        if isinstance(condition, StateCondition):
            return self._state(condition)
        if isinstance(condition, StaleCondition):
            return self._age("kado_signal_good_timestamp_seconds", condition, condition.after_s)
        if isinstance(condition, NoDataCondition):
            return self._age("kado_signal_timestamp_seconds", condition, condition.after_s)
        return self._joined(condition)

    def _joined(self, condition: AllCondition | AnyCondition | NotCondition) -> str:
        self._notes.approximate("an unknown part counts as false, and a joined rule resolves when its series go")
        if isinstance(condition, NotCondition):
            return f"kado_build_info{{{self._facility}}} unless on (facility) ({self.condition(condition.of)})"
        word = "and" if isinstance(condition, AllCondition) else "or"
        return f" {word} on (facility) ".join(f"({self.condition(part)})" for part in condition.of)

    def _limited(self, value: str, condition: LimitCondition | RateCondition) -> str:
        begins = self._beyond(value, ">", condition.above) + self._beyond(value, "<", condition.below)
        expression = " or ".join(begins)
        if not condition.deadband:
            return expression
        if self._rule.off_delay_s:
            self._notes.approximate(
                "the deadband is left out: with keep_firing_for it would hold a clearing alert forever"
            )
            return expression
        ends = self._beyond(value, ">", condition.above if condition.ends_below is None else condition.ends_below)
        ends += self._beyond(value, "<", condition.below if condition.ends_above is None else condition.ends_above)
        on = "facility, signal" if condition.signal is not None else "facility"
        firing = f'ALERTS{{alertname="{self._rule.id}",{self._facility}}}'
        return f"{expression} or (({' or '.join(ends)}) and on ({on}) {firing})"

    def _beyond(self, value: str, sign: str, limit: LimitValue | None) -> list[str]:
        if limit is None:
            return []
        if isinstance(limit, float):
            return [f"{value} {sign} {limit:g}"]
        if limit == "target_availability_pct":
            promise = self._profile.target_availability_pct
            if promise is None:
                raise _NoFormError("the facility states no target_availability_pct")
            return [f"{value} {sign} {promise:g}"]
        # One limit, though it is scraped at two addresses: for a while after kado has moved to another.
        of = f'max by (facility) (kado_limit{{{self._facility},limit="{limit}"}})'
        return [f"{value} {sign} on (facility) group_left {of}"]

    def _value(self, reading: Reading) -> str:
        if reading.signal is not None:
            return f'kado_signal_value{{{self._facility},signal="{reading.signal}"}}'
        if reading.fact is not None:
            if reading.fact not in _FACTS:
                return f'kado_fact{{{self._facility},name="{reading.fact}"}}'
            return _FACTS[reading.fact].replace("{F", "{" + self._facility)
        return self._figure(reading)

    def _figure(self, reading: Reading) -> str:
        of = f'{self._facility},definition="{self._profile.definition}",period="{reading.period}"'
        value = f'kado_figure{{{of},name="{reading.figure}"}}'
        if reading.min_user_time_h is not None:
            least = f'kado_figure{{{of},name="user_time_s"}} >= {reading.min_user_time_h * 3600:g}'
            value = f"({value} and on (facility) {least})"
        if reading.min_coverage_pct is not None:
            least = f'kado_figure{{{of},name="coverage_pct"}} >= {reading.min_coverage_pct:g}'
            value = f"({value} and on (facility) {least})"
        return value

    def _state(self, condition: StateCondition) -> str:
        words = "|".join(condition.words)
        if condition.fact is not None:
            if condition.fact not in _FACT_STATES:
                return f'kado_fact_state{{{self._facility},name="{condition.fact}",word=~"{words}"}} == 1'
            return f'{_FACT_STATES[condition.fact]}{{{self._facility},state=~"{words}"}} == 1'
        signal = condition.signal or ""
        if not any(s.id == signal for s in self._profile.signals):
            source = signal.removesuffix("_link")
            return f'kado_source_link{{{self._facility},source="{source}",state=~"{words}"}} == 1'
        return f'kado_signal_state{{{self._facility},signal="{signal}",word=~"{words}"}} == 1'

    def _age(self, metric: str, reading: Reading, after_s: float) -> str:
        if not any(s.id == reading.signal for s in self._profile.signals):
            raise _NoFormError(f"{reading.series} is not a signal of the profile, so its age is not a metric")
        return f'time() - {metric}{{{self._facility},signal="{reading.signal}"}} >= {after_s:g}'


def _duration(seconds: float) -> str:
    """Return a duration as Prometheus takes it.

    Examples
    --------
    >>> _duration(90.0), _duration(0.5)
    ('90s', '500ms')
    """
    return f"{seconds:.0f}s" if seconds == int(seconds) else f"{seconds * 1000:.0f}ms"
