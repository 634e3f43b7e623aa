"""What a rule would have been at other limits, deadbands and delays: limits set by evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analytics.alarms.figures import CHATTER_COUNT, CHATTER_NS
from facility.alarms import AlarmRule, AlarmState, LimitCondition, RateCondition, Transition

_ACTIVE = (AlarmState.UNACKED, AlarmState.ACKED)


@dataclass(frozen=True, slots=True)
class Variant:
    """One setting of a rule."""

    limit: float | None
    """The limit that starts it; None: it is no limit, or one of the facility."""
    deadband: float | None
    """Between the limit that starts it and the one that ends it."""
    on_delay_s: float
    off_delay_s: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a variant would have been."""

    variant: Variant
    annunciations: int
    in_alarm_ns: int
    chattering: int
    """How often three annunciations lay within 60 s."""
    missed: int
    """Events of the accounting in which the alarm was never raised."""


def variants(
    rule: AlarmRule,
    limits: Sequence[float] = (),
    deadbands: Sequence[float] = (),
    on_delays_s: Sequence[float] = (),
    off_delays_s: Sequence[float] = (),
) -> Iterator[tuple[Variant, AlarmRule]]:
    """Yield the rule as it is, then every combination of what is given with what it has.

    Raises
    ------
    ValueError
        If limits or deadbands are given for a rule that has no limit of its own.
    """
    own = _variant(rule)
    if (limits or deadbands) and not isinstance(rule.when, LimitCondition | RateCondition):
        raise ValueError(f"alarm {rule.id!r} is not a single limit: only its delays can be varied")
    yield own, rule
    for limit in limits or (own.limit,):
        for deadband in deadbands or (own.deadband,):
            for on_delay in on_delays_s or (own.on_delay_s,):
                for off_delay in off_delays_s or (own.off_delay_s,):
                    variant = Variant(limit, deadband, on_delay, off_delay)
                    if variant != own:
                        yield variant, _changed(rule, own, variant)


def evaluate(variant: Variant, rows: Sequence[Transition], end_ns: int, events: Sequence[tuple[int, int]]) -> Tuned:
    """Return what the rows of one variant come to, up to `end_ns`.

    Parameters
    ----------
    events
        Intervals in which the alarm should have been raised.
    """
    raised = [t.time_ns for t in rows if t.annunciated]
    active: list[tuple[int, int]] = []
    since: int | None = None
    for row in rows:
        if row.to_state in _ACTIVE and since is None:
            since = row.time_ns
        elif row.to_state not in _ACTIVE and since is not None:
            active.append((since, row.time_ns))
            since = None
    if since is not None:
        active.append((since, end_ns))
    last = CHATTER_COUNT - 1
    chattering = sum(raised[i + last] < raised[i] + CHATTER_NS for i in range(len(raised) - last))
    missed = sum(not any(a < end and start < b for a, b in active) for start, end in events)
    return Tuned(variant, len(raised), sum(b - a for a, b in active), chattering, missed)


def _variant(rule: AlarmRule) -> Variant:
    limit = deadband = None
    if isinstance(rule.when, LimitCondition | RateCondition):
        start, end = _ends(rule.when)
        if isinstance(start, float):
            limit = start
            deadband = abs(end - start) if isinstance(end, float) else 0.0 if end is None else None
    return Variant(limit, deadband, rule.on_delay_s, rule.off_delay_s)


def _ends(when: LimitCondition | RateCondition) -> tuple[object, object]:
    return (when.above, when.ends_below) if when.above is not None else (when.below, when.ends_above)


def _changed(rule: AlarmRule, own: Variant, variant: Variant) -> AlarmRule:
    update: dict[str, object] = {"on_delay_s": variant.on_delay_s, "off_delay_s": variant.off_delay_s}
    same = (variant.limit, variant.deadband) == (own.limit, own.deadband)
    if not same and isinstance(rule.when, LimitCondition | RateCondition) and variant.limit is not None:
        deadband = variant.deadband or 0.0
        if rule.when.above is not None:
            limits = {"above": variant.limit, "ends_below": variant.limit - deadband}
        else:
            limits = {"below": variant.limit, "ends_above": variant.limit + deadband}
        update["when"] = rule.when.model_copy(update=limits)
    return rule.model_copy(update=update)
