"""Why each second is in its account: a period, an instant, and the unknown time."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from analytics.distortions import Standing
from analytics.explain import FurtherInstant, Held, Instant, Rule, Segment
from analytics.gaps import Gap
from console.explaining import Explanation, InstantExplanation
from console.figures import AvailabilityReport
from console.output import age, local, offsets_of, table, title
from console.rounding import duration, percent, split_hours
from facility.distortion import Distortion
from facility.time import format_time, to_s

SHOWN: Final = 40
"""Rows of a list that is not asked for whole."""
_ORDINARY: Final = (Rule.PLAN, Rule.DELIVERED)
"""What fills most of a period, and is left out first."""


def explanation(found: Explanation, *, whole: bool) -> list[RenderableType]:
    """Return how each account is made up, then the intervals; `whole`: each of them."""
    zone = found.report.profile.zone
    lines: list[RenderableType] = [*_heading(found.report, "each second explained 内訳"), ""]
    lines += [_rules(found.segments), ""]
    told = [s for s in found.segments if whole or s.rule not in _ORDINARY]
    if not whole and len(told) > SHOWN:
        longest = sorted(told, key=lambda s: s.start_ns - s.end_ns)[:SHOWN]
        told = [s for s in told if s in longest]
    if told:
        rows = table(
            order=[f"start ({offsets_of((s.start_ns for s in told), zone)})", "end", "length", "account", "rule"],
            right=["length"],
        )
        for s in told:
            rows.add_row(
                local(s.start_ns, zone), _end(s, zone), duration(s.end_ns - s.start_ns), _name(s.account), _short(s)
            )
        lines.append(rows)
    left = len(found.segments) - len(told)
    if left:
        lines.append(Text(f"{left} more intervals, with --all: delivered or not user time, or shorter", style="dim"))
    return lines


def explanation_document(found: Explanation) -> dict[str, Any]:
    """Return every interval for programs."""
    return {
        **_identity(found.report),
        "segments": [_segment_document(s, found.report.profile.zone) for s in found.segments],
    }


def gap_table(report: AvailabilityReport, gaps: Sequence[Gap]) -> list[RenderableType]:
    """Return the unknown intervals of user time, adding up to the account."""
    zone, unknown = report.profile.zone, report.availability.accounts.unknown
    lines: list[RenderableType] = [*_heading(report, "unknown user time 不明"), ""]
    if not gaps:
        return [*lines, "None: all user time is known."]
    offset = offsets_of((gap.segment.start_ns for gap in gaps), zone)
    heads = [f"start ({offset})", "end", "unknown", "could hide", "N", "rule"]
    rows = table(order=heads, right=["unknown", "could hide", "N"])
    for gap in gaps:
        s = gap.segment
        rows.add_row(
            local(s.start_ns, zone),
            _end(s, zone),
            duration(s.end_ns - s.start_ns),
            duration(gap.downtime_ns),
            f"{gap.failures:+d}",
            _short(s),
        )
    rows.add_row("= unknown", "", duration(unknown), "", "", "")
    f = report.availability.figures
    lower, upper = percent(f.availability_lower_pct, 3), percent(f.availability_upper_pct, 3)
    return [
        *lines,
        rows,
        "",
        _legend(g.segment.rule for g in gaps),
        "",
        "Could hide: how much more downtime, and how many more failures N, there would",
        "be if the beam had been away in that interval alone. Whatever the unknown time",
        f"was, availability lies between {lower} and {upper} %.",
    ]


def gaps_document(report: AvailabilityReport, gaps: Sequence[Gap]) -> dict[str, Any]:
    """Return the same for programs, in seconds."""
    zone = report.profile.zone
    return {
        **_identity(report),
        "unknown_s": to_s(report.availability.accounts.unknown),
        "gaps": [
            {
                **_segment_document(gap.segment, zone),
                "could_hide_downtime_s": to_s(gap.downtime_ns),
                "could_hide_failures": gap.failures,
            }
            for gap in gaps
        ],
    }


def instant(found: InstantExplanation) -> list[RenderableType]:
    """Return what was known at an instant, what was decided, and why."""
    report, i = found.report, found.instant
    profile, zone = report.profile, report.profile.zone
    unit = profile.delivery.unit
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    s = i.segment
    rows.add_row("Decided 判定", Text(_name(s.account), style="bold"))
    rows.add_row("because", s.rule.value)
    rows.add_row("from", f"{local(s.start_ns, zone)} to {local(s.end_ns, zone, offset=True)}")
    rows.add_row("by", f"{report.definition.id}: {report.definition.title.en}")
    rows.add_row(profile.delivery_signal, _held(i.sample, i.ns, zone, unit))
    if profile.delivery.witness is not None:
        witness = profile.signal(profile.delivery.witness)
        rows.add_row(witness.id, _held(i.witness, i.ns, zone, witness.unit))
    for source, word in found.links.items():
        rows.add_row(f"link {source}", _held(word, i.ns, zone, ""))
    if profile.mode_signal is not None:
        rows.add_row(profile.mode_signal, i.mode or "not known")
    rows.add_row("plan 計画", _planned(i, zone))
    t = i.thresholds
    rows.add_row(
        "limits",
        f"no beam below {t.minimum:g}, until {t.no_beam_ends:g}; low beam below {t.tolerance:g}, "
        f"until {t.low_beam_ends:g} {unit}",
    )
    for further in i.further:
        rows.add_row(*_further(further, i.ns, report, zone))
    said = [f"#{c.id} {c.assertion.value}, {c.author}: {c.reason}" for c in i.corrections]
    rows.add_row("corrections", "\n".join(said) or "none")
    return [title(profile, f"{local(i.ns, zone, offset=True)}"), rows]


def instant_document(found: InstantExplanation) -> dict[str, Any]:
    """Return the same for programs."""
    report, i = found.report, found.instant
    zone = report.profile.zone
    t = i.thresholds
    return {
        "facility": report.profile.id,
        "simulated": report.profile.simulated,
        "definition": report.definition.id,
        "as_known_on": format_time(report.as_known_on_ns, zone),
        "at": format_time(i.ns, zone),
        "decided": _segment_document(i.segment, zone),
        "sample": _held_document(i.sample, zone),
        "witness": _held_document(i.witness, zone),
        "links": {source: _held_document(word, zone) for source, word in found.links.items()},
        "further_signals": [_further_document(f, zone) for f in i.further],
        "mode": i.mode,
        "plan": None
        if i.planned is None
        else {
            "category": i.planned.block.category.value,
            "start": format_time(i.planned.block.start_ns, zone),
            "end": format_time(i.planned.block.end_ns, zone),
            "published_at": format_time(i.planned.published_at_ns, zone),
            "cancelled": i.planned.cancelled,
        },
        "limits": {
            "no_beam_below": t.minimum,
            "no_beam_until": t.no_beam_ends,
            "low_beam_below": t.tolerance,
            "low_beam_until": t.low_beam_ends,
        },
        "corrections": [
            {"id": c.id, "assertion": c.assertion.value, "author": c.author, "reason": c.reason} for c in i.corrections
        ],
    }


def _heading(report: AvailabilityReport, what: str) -> list[RenderableType]:
    part, zone = report.part, report.profile.zone
    return [
        title(report.profile, what),
        f"Period      {local(part.start_ns, zone, offset=True)} to {local(part.end_ns, zone, offset=True)}",
        f"Definition  {report.definition.id}: {report.definition.title.en}",
        f"Known on    {local(report.as_known_on_ns, zone, offset=True)}",
    ]


def _identity(report: AvailabilityReport) -> dict[str, Any]:
    part, zone = report.part, report.profile.zone
    return {
        "facility": report.profile.id,
        "simulated": report.profile.simulated,
        "definition": report.definition.id,
        "period": {
            "id": part.id,
            "start": format_time(part.start_ns, zone),
            "end": format_time(part.end_ns, zone),
        },
        "as_known_on": format_time(report.as_known_on_ns, zone),
    }


def _rules(segments: Sequence[Segment]) -> RenderableType:
    """Return a table of rules: how many intervals each put where, and their hours, adding up as printed."""
    times: dict[tuple[str, Rule], list[int]] = {}
    for s in segments:
        times.setdefault((s.account, s.rule), []).append(s.end_ns - s.start_ns)
    hours = split_hours({f"{account} {rule.name}": sum(lengths) for (account, rule), lengths in times.items()})
    rows = table(order=["account", "h", "times", "rule"], right=["h", "times"])
    for (account, rule), lengths in sorted(times.items(), key=lambda item: -sum(item[1])):
        rows.add_row(_name(account), f"{hours[f'{account} {rule.name}']:,}", f"{len(lengths):,}", _sentence(rule))
    rows.add_row("= calendar", f"{sum(hours.values(), Decimal(0)):,}", f"{len(segments):,}", "")
    return rows


def _legend(rules: Iterable[Rule]) -> RenderableType:
    rows = Table.grid(padding=(0, 2))
    for rule in dict.fromkeys(rules):
        rows.add_row(_code(rule), rule.value)
    return rows


def _sentence(rule: Rule) -> Text:
    return Text(f"{_code(rule)}: ", style="bold").append(rule.value, style="not bold")


def _short(segment: Segment) -> str:
    return _code(segment.rule)


def _code(rule: Rule) -> str:
    """Return the rule's name, which stands for its sentence."""
    return rule.name.lower().replace("_", " ")


def _name(account: str) -> str:
    return account.replace("_", " ")


def _end(segment: Segment, zone: tzinfo) -> str:
    """Return the time of day of an end, and the date where it is another one."""
    start, end = local(segment.start_ns, zone), local(segment.end_ns, zone)
    return end[11:] if start[:10] == end[:10] else end[5:]


def _held(held: Held | None, ns: int, zone: tzinfo, unit: str) -> str:
    if held is None:
        return "nothing recorded"
    value = held.state if held.state is not None else f"{held.value:g} {unit}"
    return f"{value}, {held.quality.name.lower()}, {local(held.time_ns, zone)} ({age(held.time_ns, ns)} before)"


def _further(further: FurtherInstant, ns: int, report: AvailabilityReport, zone: tzinfo) -> tuple[str, str]:
    """Return what a further signal showed, by which limits, and what came of it."""
    d, unit = further.distortion, report.profile.signal(further.distortion.signal).unit
    standing = further.standing.value
    if further.event is not None and further.standing not in (Standing.NO_BEAM, Standing.UNKNOWN):
        standing += f", from {local(further.event.start_ns, zone)}"
    return f"{d.name.en} {d.name.ja}" if d.label else d.id, "\n".join(
        [f"{d.signal}: {_held(further.sample, ns, zone, unit)}", f"{_limits(d, unit)}: {standing}"]
    )


def _limits(d: Distortion, unit: str) -> str:
    """Return a distortion's limits in words."""
    if d.words:
        return f"distorted while {' or '.join(d.words)}"
    low, high = d.within
    parts = [f"above {d.above:g}, until {high:g}"] if d.above is not None else []
    parts += [f"below {d.below:g}, until {low:g}"] if d.below is not None else []
    return f"distorted {'; '.join(parts)} {unit}".rstrip()


def _further_document(further: FurtherInstant, zone: tzinfo) -> dict[str, Any]:
    d, event = further.distortion, further.event
    return {
        "id": d.id,
        "signal": d.signal,
        "sample": _held_document(further.sample, zone),
        "standing": further.standing.name.lower(),
        "meaning": further.standing.value,
        "since": None if event is None else format_time(event.start_ns, zone),
        "until": None if event is None or event.open else format_time(event.end_ns, zone),
    }


def _held_document(held: Held | None, zone: tzinfo) -> dict[str, Any] | None:
    if held is None:
        return None
    return {
        "time": format_time(held.time_ns, zone),
        "value": None if held.state is not None or held.value != held.value else held.value,
        "state": held.state,
        "quality": held.quality.name.lower(),
    }


def _planned(found: Instant, zone: tzinfo) -> str:
    if found.planned is None:
        return "nothing"
    block = found.planned.block
    words = [block.category.value, *block.tags, *([f"run {block.run}"] if block.run else [])]
    late = "; cancelled with too little notice" if found.planned.cancelled else ""
    return f"{' '.join(words)}, published {local(found.planned.published_at_ns, zone)}{late}"


def _segment_document(segment: Segment, zone: tzinfo) -> dict[str, Any]:
    return {
        "start": format_time(segment.start_ns, zone),
        "end": format_time(segment.end_ns, zone),
        "duration_s": to_s(segment.end_ns - segment.start_ns),
        "account": segment.account,
        "rule": segment.rule.name.lower(),
        "meaning": segment.rule.value,
    }
