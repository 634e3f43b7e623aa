"""``kado explain`` and ``kado gaps``."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import tzinfo
from decimal import Decimal
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from analytics.distortions import Standing
from analytics.explain import FurtherInstant, Held, Instant
from analytics.gaps import Gaps
from analytics.segments import Rule, Segment, Segments
from facility.distortion import Distortion
from facility.errors import UsageError
from facility.sentence import Sentence
from kado.cli.as_of import as_of
from kado.cli.command import (
    AsKnownOnOption,
    AsPublishedOnOption,
    ConfigOption,
    DefinitionOption,
    Format,
    FormatOption,
    PeriodOption,
)
from kado.cli.figure_notes import warning_lines
from kado.cli.rule_names import rule_name
from kado.config import load_configuration
from kado.language import term, tr, trn, words
from kado.language.assertions import correction_words
from kado.output import age, changed_offset, facts, local, offsets_of, print_json, show, span, stretch, table, title
from kado.progress import progress_bar
from kado.queries.availability import AvailabilityReport
from kado.queries.explanation import (
    LISTED,
    Explanation,
    InstantExplanation,
    explanation_document,
    gaps_document,
    instant_document,
    load_explanation,
    load_gaps,
    load_instant,
)
from kado.rounding import NONE, duration, percent, split_hours


def explain(
    period: Annotated[
        str | None,
        typer.Option("--period", "-p", help="Explain each interval of this period, as in 'kado availability'."),
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="Explain this instant, ISO 8601 with an offset.")] = None,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    whole: Annotated[bool, typer.Option("--all", help="List every interval, at most the 10,000 longest.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Explain the account of each second, or what was known at an instant.

    \b
    Examples:
      kado explain --period 2026-10
      kado explain --at 2026-10-03T09:10:00+09:00
    """
    configuration, when = load_configuration(config), as_of(as_known_on, as_published_on)
    if (period is None) == (at is None):
        raise UsageError(Sentence("say what to explain: --period P, or an instant with --at TIME"))
    if at is not None:
        then = load_instant(configuration, at, definition, when)
        if output is Format.JSON:
            print_json(instant_document(then))
        else:
            show(*instant(then))
        return
    with progress_bar(tr("explaining"), 1) as bar:
        found = load_explanation(configuration, str(period), definition, when, progress=bar.advance_through)
    if output is Format.JSON:
        print_json(explanation_document(found))
    else:
        show(*explanation(found, whole=whole))


def gaps(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    whole: Annotated[bool, typer.Option("--all", help="List every interval, at most the 10,000 longest.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List unknown user time with its cause and its possible effect.

    \b
    Example:
      kado gaps --period 2026-10
    """
    configuration, when = load_configuration(config), as_of(as_known_on, as_published_on)
    with progress_bar(tr("looking for gaps"), 1) as bar:
        report, found = load_gaps(configuration, period, definition, when, progress=bar.advance_through)
    if output is Format.JSON:
        print_json(gaps_document(report, found))
    else:
        show(*gap_table(report, found, whole=whole))


SHOWN: Final = 40
"""Rows of a list that is not asked for whole."""


_ORDINARY: Final = (Rule.PLAN, Rule.DELIVERED)
"""What fills most of a period, and is left out first."""


def explanation(found: Explanation, *, whole: bool) -> list[RenderableType]:
    """Return how each account is made up, then the intervals; `whole`: each of them."""
    zone = found.report.profile.zone
    lines: list[RenderableType] = [*_heading(found.report, tr("each second explained")), ""]
    lines += [_rules(found.segments), ""]
    segments = found.segments
    listed = segments.longest(LISTED) if whole else segments.take(~segments.of_rules(*_ORDINARY)).longest(SHOWN)
    if len(listed):
        offset = _offsets(listed, zone)
        rows = table(
            order=[tr("start ({offset})", offset=offset), "end", "length", "account", "rule"],
            right=["length"],
        )
        for s in listed:
            rows.add_row(
                local(s.start_ns, zone), _end(s, zone), duration(s.end_ns - s.start_ns), term(s.account), _short(s)
            )
        lines.append(rows)
    left = len(found.segments) - len(listed)
    if left and whole:
        lines.append(Text(_not_listed(left), style="dim"))
    elif left:
        more = trn(
            "{n} more interval, shown with --all: delivered, not user time, or shorter",
            "{n} more intervals, shown with --all: delivered, not user time, or shorter",
            left,
        )
        lines.append(Text(more, style="dim"))
    return lines


def _not_listed(left: int) -> str:
    return trn(
        "{n} shorter interval is not listed: ask for a shorter period",
        "{n} shorter intervals are not listed: ask for a shorter period",
        left,
    )


def gap_table(report: AvailabilityReport, gaps: Gaps, *, whole: bool) -> list[RenderableType]:
    """Return the unknown intervals of user time, adding up to the account."""
    zone, unknown = report.profile.zone, report.availability.accounts.unknown
    lines: list[RenderableType] = [*_heading(report, tr("unknown user time")), ""]
    if not gaps:
        return [*lines, tr("All user time is known.")]
    listed = gaps.longest(LISTED if whole else SHOWN)
    offset = _offsets(listed.segments, zone)
    start = tr("start ({offset})", offset=offset)
    rows = table(order=[start, "end", "unknown", "could hide", "N", "rule"], right=["unknown", "could hide", "N"])
    for gap in listed:
        s = gap.segment
        rows.add_row(
            local(s.start_ns, zone),
            _end(s, zone),
            duration(s.end_ns - s.start_ns),
            NONE if gap.downtime_ns is None else duration(gap.downtime_ns),
            NONE if gap.failures is None else f"{gap.failures:+d}",
            _short(s),
        )
    left = len(gaps) - len(listed)
    if left:
        rest = unknown - int(listed.segments.length_ns.sum())
        shorter = tr("{n} shorter", n=f"{left:,}") if whole else tr("{n} shorter, shown with --all", n=f"{left:,}")
        rows.add_row(shorter, "", duration(rest), "", "", "")
    rows.add_row(f"= {term('unknown')}", "", duration(unknown), "", "", "")
    f = report.availability.figures
    lower, upper = percent(f.availability_lower_pct, 3), percent(f.availability_upper_pct, 3)
    return [
        *lines,
        rows,
        "",
        _legend(g.segment.rule for g in listed),
        "",
        tr("Could hide: extra downtime and failures N if that interval alone had no beam."),
        tr("Availability is between {lower} and {upper} %, whatever the unknown time was.", lower=lower, upper=upper),
        *warning_lines(report),
    ]


def instant(found: InstantExplanation) -> list[RenderableType]:
    """Return what was known at an instant, what was decided, and why."""
    report, i = found.report, found.instant
    profile, zone = report.profile, report.profile.zone
    unit = profile.delivery.unit
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True, overflow="fold")
    rows.add_column(overflow="fold")
    s = i.segment
    rows.add_row(tr("Decision"), Text(term(s.account), style="bold"))
    rows.add_row(tr("reason"), tr(s.rule.value))
    rows.add_row(tr("interval"), stretch(s.start_ns, s.end_ns, zone))
    rows.add_row(tr("Definition"), f"{report.definition.id}: {words(report.definition.title)}")
    rows.add_row(profile.delivery_signal, _held(i.sample, i.ns, zone, unit))
    if profile.delivery.witness is not None:
        witness = profile.signal(profile.delivery.witness)
        rows.add_row(witness.id, _held(i.witness, i.ns, zone, witness.unit))
    for source, word in found.links.items():
        rows.add_row(tr("link {source}", source=source), _held(_in_terms(word), i.ns, zone, ""))
    if profile.mode_signal is not None:
        rows.add_row(profile.mode_signal, i.mode or tr("not known"))
    rows.add_row(tr("schedule"), _planned(i, zone))
    t = i.thresholds
    rows.add_row(
        tr("limits"),
        tr(
            "no beam below {minimum:g}, until {ends:g}; low beam below {tolerance:g}, until {low_ends:g} {unit}",
            minimum=t.minimum,
            ends=t.no_beam_ends,
            tolerance=t.tolerance,
            low_ends=t.low_beam_ends,
            unit=unit,
        ),
    )
    for further in i.further:
        rows.add_row(*_further(further, i.ns, report, zone))
    corrections = [f"{correction_words(c)}; {c.author}: {c.reason}" for c in i.corrections]
    rows.add_row(tr("corrections"), "\n".join(corrections) or tr("none"))
    return [title(profile, f"{local(i.ns, zone, offset=True)}"), rows]


def _heading(report: AvailabilityReport, what: str) -> list[RenderableType]:
    part, zone = report.part, report.profile.zone
    return [
        title(report.profile, what),
        facts(
            [
                ("Period", span(part.start_ns, part.end_ns, zone)),
                ("Definition", f"{report.definition.id}: {words(report.definition.title)}"),
                ("As known on", local(report.as_known_on_ns, zone, offset=True)),
            ]
        ),
    ]


def _offsets(segments: Segments, zone: tzinfo) -> str:
    """Return the zone's offset at both ends of all of them."""
    return offsets_of((ns for s in segments for ns in (s.start_ns, s.end_ns)), zone)


def _rules(segments: Segments) -> RenderableType:
    """Return a table of rules: how many intervals each put where, and their hours, adding up as printed."""
    totals = segments.totals()
    hours = split_hours({f"{account} {rule.name}": ns for (account, rule), (ns, _) in totals.items()})
    rows = table(order=["account", "h", "times", "rule"], right=["h", "times"])
    for (account, rule), (_, count) in sorted(totals.items(), key=lambda item: -item[1][0]):
        rows.add_row(term(account), f"{hours[f'{account} {rule.name}']:,}", f"{count:,}", _sentence(rule))
    rows.add_row(f"= {term('calendar')}", f"{sum(hours.values(), Decimal(0)):,}", f"{len(segments):,}", "")
    return rows


def _legend(rules: Iterable[Rule]) -> RenderableType:
    rows = Table.grid(padding=(0, 2))
    for rule in dict.fromkeys(rules):
        rows.add_row(rule_name(rule), tr(rule.value))
    return rows


def _sentence(rule: Rule) -> Text:
    return Text(f"{rule_name(rule)}: ", style="bold").append(tr(rule.value), style="not bold")


def _short(segment: Segment) -> str:
    return rule_name(segment.rule)


def _end(segment: Segment, zone: tzinfo) -> str:
    """Return the time of day of an end, and the date where it is another one."""
    start, end = local(segment.start_ns, zone), local(segment.end_ns, zone)
    clock = end[11:] if start[:10] == end[:10] else end[5:]
    return clock + changed_offset(segment.start_ns, segment.end_ns, zone)


def _in_terms(link: Held | None) -> Held | None:
    """Return the state of a link in the words of the field."""
    return None if link is None else replace(link, state=term(link.state or "unknown"))


def _held(held: Held | None, ns: int, zone: tzinfo, unit: str) -> str:
    if held is None:
        return tr("nothing recorded")
    value = held.state if held.state is not None else f"{held.value:zg} {unit}"
    return tr(
        "{value}, {quality}, {time} ({age} before)",
        value=value,
        quality=term(held.quality.name.lower()),
        time=local(held.time_ns, zone),
        age=age(held.time_ns, ns),
    )


def _further(further: FurtherInstant, ns: int, report: AvailabilityReport, zone: tzinfo) -> tuple[str, str]:
    """Return what a further signal showed, by which limits, and what came of it."""
    d, unit = further.distortion, report.profile.signal(further.distortion.signal).unit
    standing = tr(further.standing.value)
    if further.event is not None and further.standing not in (Standing.NO_BEAM, Standing.UNKNOWN):
        standing += tr(", from {time}", time=local(further.event.start_ns, zone))
    return words(d.name) if d.label else d.id, "\n".join(
        [f"{d.signal}: {_held(further.sample, ns, zone, unit)}", f"{_limits(d, unit)}: {standing}"]
    )


def _limits(d: Distortion, unit: str) -> str:
    """Return a distortion's limits in words."""
    if d.words:
        return tr("distorted in the states {states}", states=", ".join(d.words))
    low, high = d.within
    parts = [tr("above {limit:g}, until {end:g}", limit=d.above, end=high)] if d.above is not None else []
    parts += [tr("below {limit:g}, until {end:g}", limit=d.below, end=low)] if d.below is not None else []
    return tr("distorted {limits} {unit}", limits="; ".join(parts), unit=unit).rstrip()


def _planned(found: Instant, zone: tzinfo) -> str:
    if found.planned is None:
        return tr("nothing")
    block = found.planned.block
    names = [term(block.category.value), *block.tags, *([tr("run {run}", run=block.run)] if block.run else [])]
    late = tr("; cancelled with too little notice") if found.planned.cancelled else ""
    published = local(found.planned.published_at_ns, zone)
    return tr("{block}, published {time}", block=" ".join(names), time=published) + late
