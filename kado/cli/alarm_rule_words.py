"""What an alarm rule says, in words: first for operators, then for people who write rules."""

from collections.abc import Iterator, Mapping

from facility.alarms import (
    AlarmRule,
    AllCondition,
    AnyCondition,
    Condition,
    Leaf,
    LimitCondition,
    NotCondition,
    RateCondition,
    SeriesSpec,
    StateCondition,
)
from kado.language import marked, term, tr, words

_INDENT = "  "


def rule_facts(rule: AlarmRule, series: Mapping[str, SeriesSpec]) -> list[tuple[str, str]]:
    """Return what a rule says, as pairs of a label and words; labels are texts of the catalogue."""
    return [(label, text) for label, text in (*_for_operators(rule, series), *_for_writers(rule)) if text]


def condition_lines(condition: Condition, series: Mapping[str, SeriesSpec]) -> list[str]:
    """Return a condition in words, a line for each part, parts of parts indented."""
    if isinstance(condition, AllCondition | AnyCondition):
        head = tr("all of:") if isinstance(condition, AllCondition) else tr("at least one of:")
        return [head, *(_INDENT + line for part in condition.of for line in condition_lines(part, series))]
    if isinstance(condition, NotCondition):
        return [tr("not:"), *(_INDENT + line for line in condition_lines(condition.of, series))]
    return [_leaf(condition, series)]


def length_text(seconds: float) -> str:
    """Write a length of time in the largest unit that divides it.

    Examples
    --------
    >>> length_text(900.0), length_text(3600.0), length_text(2.5), length_text(0.0)
    ('15 min', '1 h', '2.5 s', '0 s')
    """
    for text, unit_s in ((marked("{n} h"), 3600), (marked("{n} min"), 60)):
        if seconds >= unit_s and seconds % unit_s == 0:
            return tr(text, n=f"{seconds / unit_s:,.10g}")
    return tr("{n} s", n=f"{seconds:,.10g}")


def _for_operators(rule: AlarmRule, series: Mapping[str, SeriesSpec]) -> Iterator[tuple[str, str]]:
    yield marked("title"), words(rule.title)
    yield marked("priority"), term(rule.priority.value)
    yield marked("class"), rule.class_
    yield marked("cause"), "" if rule.cause is None else words(rule.cause)
    yield marked("consequence"), words(rule.consequence)
    yield marked("what to do"), words(rule.action)
    yield marked("time to respond"), length_text(rule.respond_within_s)
    yield marked("where to look"), rule.display or ""
    yield marked("condition"), "\n".join(condition_lines(rule.when, series))
    yield marked("on-delay"), length_text(rule.on_delay_s)
    yield marked("off-delay"), length_text(rule.off_delay_s)


def _for_writers(rule: AlarmRule) -> Iterator[tuple[str, str]]:
    over = tr("stays on the list until it is acknowledged") if rule.latch else tr("leaves the list")
    yield marked("once it is over"), over
    if rule.realarm_after_s is not None:
        yield marked("reminder"), tr("{length} after it was acknowledged", length=length_text(rule.realarm_after_s))
    if rule.in_plan is not None:
        yield marked("armed in plan"), ", ".join(term(category.value) for category in rule.in_plan)
    if rule.in_mode is not None:
        yield marked("armed in mode"), ", ".join(rule.in_mode)
    yield marked("inhibited by"), ", ".join(rule.inhibited_by)
    within = length_text(rule.chatter_within_s)
    yield (
        marked("chattering"),
        tr("{n} raises within {length}", n=rule.chatter_count, length=within) if rule.chatter_count else tr("off"),
    )
    yield marked("longest shelf"), length_text(rule.shelve_max_h * 3600)
    if rule.notify is not None:
        yield marked("notifies"), ", ".join(rule.notify) or tr("nobody")
    yield marked("owner"), rule.owner or ""
    yield marked("reviewed"), "" if rule.reviewed is None else rule.reviewed.isoformat()


def _leaf(leaf: Leaf, series: Mapping[str, SeriesSpec]) -> str:
    name = leaf.signal or leaf.fact or f"{leaf.figure} ({leaf.period})"
    if isinstance(leaf, LimitCondition):
        text = _limits(leaf, name, _unit(leaf, series))
    elif isinstance(leaf, RateCondition):
        unit = _unit(leaf, series)
        name = tr("change of {signal} over {length}", signal=name, length=length_text(leaf.window_s))
        text = _limits(leaf, name, f"{unit}/s" if unit else "/s")
    elif isinstance(leaf, StateCondition):
        text = tr("{signal} is {words}", signal=name, words=tr(" or ").join(leaf.words))
    elif leaf.kind == "stale":
        text = tr("no good sample of {signal} for {length}", signal=name, length=length_text(leaf.after_s))
    else:
        text = tr("no sample of {signal} for {length}", signal=name, length=length_text(leaf.after_s))
    if leaf.min_user_time_h is not None:
        text += tr(", with at least {hours:g} h of user time", hours=leaf.min_user_time_h)
    if leaf.min_coverage_pct is not None:
        text += tr(", with a coverage of at least {share:g} %", share=leaf.min_coverage_pct)
    return text


def _limits(leaf: LimitCondition | RateCondition, name: str, unit: str) -> str:
    def shown(limit: float | str) -> str:
        return limit if isinstance(limit, str) else f"{limit:.10g} {unit}".rstrip()

    parts: list[str] = []
    if leaf.above is not None:
        parts.append(tr("above {limit}", limit=shown(leaf.above)))
        if leaf.ends_below not in (None, leaf.above):
            parts[-1] += tr(" (ends at {limit} or below)", limit=shown(leaf.ends_below))
    if leaf.below is not None:
        parts.append(tr("below {limit}", limit=shown(leaf.below)))
        if leaf.ends_above not in (None, leaf.below):
            parts[-1] += tr(" (ends at {limit} or above)", limit=shown(leaf.ends_above))
    return f"{name} {tr(' or ').join(parts)}"


def _unit(leaf: Leaf, series: Mapping[str, SeriesSpec]) -> str:
    spec = series.get(leaf.series)
    return (SeriesSpec.of_fact(leaf.series) if spec is None else spec).unit
