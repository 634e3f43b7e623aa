"""Two definitions on the same evidence, each difference traced to the rule and the events that it moves."""

from collections.abc import Callable
from dataclasses import dataclass

from analytics.availability import Availability
from facility.definition import Definition

NOT_RULES = frozenset({"id", "title", "references"})
"""Fields of a definition that do not count anything."""


@dataclass(frozen=True, slots=True)
class RuleStep:
    """One rule changed from the first definition's choice to the second's, those before it changed already."""

    rule: str
    """The definition's field."""
    before: object
    after: object
    user_time_ns: int
    """By how much the rule moves each account of the period."""
    delivered_ns: int
    no_beam_ns: int
    unknown_ns: int
    refill_ns: int
    failures: int
    """By how much it moves the number of failures."""
    gone: tuple[str, ...]
    """Events that are no longer there, or no longer the same: facility, kind and start, with their user time."""
    come: tuple[str, ...]
    """Events that are there instead."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same period by two definitions; the steps add up exactly to the difference."""

    first: Availability
    second: Availability
    steps: tuple[RuleStep, ...]


def rules_of(definition: Definition) -> dict[str, object]:
    """Return the definition's rules by name."""
    return {name: getattr(definition, name) for name in Definition.model_fields if name not in NOT_RULES}


def way(first: Definition, second: Definition) -> tuple[Definition, ...]:
    """Return the definitions on the way from one to the other, one rule changed at a time, both ends included.

    The last but one has all the rules of `second`, and may be it but for its name.
    """
    stations, current, target = [first], first, rules_of(second)
    for rule, value in rules_of(first).items():
        if value != target[rule]:
            current = current.model_copy(update={rule: target[rule]})
            stations.append(current)
    return (*stations, second)


def compare(first: Definition, second: Definition, assess: Callable[[Definition], Availability]) -> Comparison:
    """Walk from one definition to the other, one rule at a time, in the order of the definition's fields.

    Parameters
    ----------
    first, second
        What to compare.
    assess
        Computes the availability of the period by a definition, from one and the same evidence.

    Notes
    -----
    Rules act together (a trip is a trip after merging), so how the difference is shared among them depends on the
    order; that it adds up does not.
    """
    steps: list[RuleStep] = []
    current = first
    before = start = assess(first)
    target = rules_of(second)
    for rule, value in rules_of(first).items():
        if value == target[rule]:
            continue
        current = current.model_copy(update={rule: target[rule]})
        after = assess(current)
        steps.append(_step(rule, value, target[rule], before, after))
        before = after
    return Comparison(start, assess(second), tuple(steps))


def _step(rule: str, value: object, other: object, before: Availability, after: Availability) -> RuleStep:
    a, b = before.accounts, after.accounts
    gone, come = _listed(before), _listed(after)
    return RuleStep(
        rule,
        value,
        other,
        user_time_ns=b.user_time - a.user_time,
        delivered_ns=b.delivered - a.delivered,
        no_beam_ns=b.no_beam - a.no_beam,
        unknown_ns=b.unknown - a.unknown,
        refill_ns=b.refill - a.refill,
        failures=after.counts.failures - before.counts.failures,
        gone=tuple(e for e in gone if e not in come),
        come=tuple(e for e in come if e not in gone),
    )


def _listed(availability: Availability) -> list[str]:
    return [
        f"{r.event.id(availability.facility)}{' (trip)' if r.trip else ''} {r.user_time_ns / 1e9:.3f} s"
        for r in availability.events
    ]
