"""Rationalisation: what is doubtful about a set of rules, though it is no error."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from facility.alarms.conditions import LimitCondition, RateCondition, StateCondition, leaves
from facility.alarms.facts import FACTS
from facility.alarms.rule import AlarmRule
from facility.alarms.rules import AlarmRules
from facility.alarms.states import Priority
from facility.nearest import nearest

_SHIFT_S: Final = 8 * 3600.0

RESPOND_WITHIN_S: Final[dict[Priority, tuple[float, float]]] = {
    Priority.CRITICAL: (0.0, 300.0),
    Priority.HIGH: (300.0, 1800.0),
    Priority.MEDIUM: (1800.0, _SHIFT_S),
    Priority.LOW: (_SHIFT_S, float("inf")),
}
"""For each priority more than, and at most, so many seconds to respond."""

SHARES_PCT: Final[dict[Priority, float]] = {
    Priority.CRITICAL: 1.0,
    Priority.HIGH: 5.0,
    Priority.MEDIUM: 15.0,
    Priority.LOW: 80.0,
}
"""What ISA-18.2 recommends as shares of the annunciations, percent."""

_FEW: Final = 20
"""Below this number of rules shares say nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One doubt."""

    alarm: str | None
    """None: about the set."""
    code: str
    """A word for programs: ``respond_within``, ``share``, ``silence``, ``no_cause``, ``word``, ``no_rules``."""
    text: str


def review(rules: AlarmRules) -> list[Finding]:
    """Return what is doubtful, rule by rule, then about the set."""
    if not rules.rules:
        return [Finding(None, "no_rules", "there is no rule: nothing is watched")]
    found: list[Finding] = []
    for rule in rules.rules:
        found += _of_rule(rule, rules)
    return found + _shares(rules)


def _of_rule(rule: AlarmRule, rules: AlarmRules) -> list[Finding]:
    found: list[Finding] = []
    more, at_most = RESPOND_WITHIN_S[rule.priority]
    # Only too much time contradicts a priority at the top, only too little one at the bottom.
    if rule.respond_within_s > at_most or rule.respond_within_s < more:
        fits = next(p.value for p, (_, most) in RESPOND_WITHIN_S.items() if rule.respond_within_s <= most)
        text = (
            f"respond_within_s = {rule.respond_within_s:g} does not fit priority {rule.priority.value!r}: "
            f"it fits {fits!r}"
        )
        found.append(Finding(rule.id, "respond_within", text))
    if rule.cause is None:
        found.append(Finding(rule.id, "no_cause", "no cause is written: the operator must guess"))
    for leaf in leaves(rule.when):
        spec = rules.table.series.get(leaf.series)
        hold = spec.hold_ns if spec is not None else None
        silent = isinstance(leaf, LimitCondition | RateCondition | StateCondition)
        if silent and hold is not None and hold < rule.on_delay_ns and leaf.series == rules.table.delivery_signal:
            text = (
                f"{leaf.series} holds {hold / 1e9:g} s and on_delay_s is {rule.on_delay_s:g}: where the signal goes "
                "silent after it went low, the accounts count an event and no alarm is raised; "
                "a 'stale' rule must say so"
            )
            found.append(Finding(rule.id, "silence", text))
        if isinstance(leaf, StateCondition) and leaf.fact is not None and (words := FACTS.get(leaf.fact)):
            found += [
                Finding(rule.id, "word", f"fact {leaf.fact!r} never says {w!r}; {nearest(w, words)}")
                for w in leaf.words
                if w not in words
            ]
    return found


def _shares(rules: AlarmRules) -> list[Finding]:
    count = len(rules)
    if count < _FEW:
        return []
    counts = Counter(rule.priority for rule in rules.rules)
    found: list[Finding] = []
    for priority, target in SHARES_PCT.items():
        share = 100.0 * counts[priority] / count
        far = share > 3 * target if priority is not Priority.LOW else share < target / 2
        if far:
            text = f"{share:.0f} % of the rules are {priority.value}, about {target:g} % are recommended"
            found.append(Finding(None, "share", text))
    return found
