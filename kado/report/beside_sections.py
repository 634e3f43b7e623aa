"""Sections on what stands beside the figures: remarks, alarms, other facilities."""

from typing import Final

from analytics.limits_age import FarAboveLimits, LimitWarning
from facility.schedule import Category
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S
from kado.language import tr, words
from kado.queries.alarm_report import TARGETS
from kado.queries.availability import AvailabilityReport
from kado.queries.report import ReportInputs
from kado.report.cells import day_words, local_time, make_table, time_words
from kado.report.model import Cell, Column, Kind, Section, Table
from kado.report.words import signal_word
from kado.rounding import NONE, count, hours, percent

_TOP: Final = 10
"""Alarms that are listed."""


def remarks(inputs: ReportInputs) -> Section | None:
    """Say what makes the figures less trustworthy than they look; None where there is nothing to say."""
    said = (*_late_sentences(inputs.loaded), *_doubts(inputs.loaded))
    return Section("remarks", tr("Remarks on the figures"), said) if said else None


def _doubts(loaded: AvailabilityReport) -> list[str]:
    """Say what the warnings of `kado availability` say, to readers who configure nothing."""
    label, said = signal_word(loaded.profile), [_limit_sentence(w, loaded) for w in loaded.limit_warnings]
    cadence = loaded.cadence
    if cadence is not None and cadence.is_too_slow:
        said.append(
            tr(
                "Samples ({signal}) come every {spacing:.1f} s and hold for {hold:g} s."
                " For that reason alone {share:.2g} % of the time is unknown.",
                signal=label, spacing=cadence.spacing_ns / NS_PER_S, hold=cadence.stale_after_ns / NS_PER_S,
                share=cadence.unknown_pct,
            )
        )  # fmt: skip
    if loaded.look_around_cut:
        said.append(
            tr(
                "An outage or unknown time around the period is very long: only a part of it was "
                "read. The bounds hold for that part."
            )
        )
    return said


def _limit_sentence(found: LimitWarning, loaded: AvailabilityReport) -> str:
    label = signal_word(loaded.profile)
    if isinstance(found, FarAboveLimits):
        return tr(
            "{signal} was far above the limits for {days:.1f} days: up to {highest:g} {unit}, nominal {nominal:g}"
            " {unit}. A beam well below what was delivered still counts as full.",
            signal=label, days=found.time_ns / NS_PER_DAY, highest=found.highest, nominal=found.nominal,
            unit=found.unit,
        )  # fmt: skip
    return tr(
        "The limits are those of {limits_from}. Since {since} {value:g} {unit} has been reached, and no newer limits"
        " are stated.",
        limits_from=day_words(found.limits_from), since=day_words(found.milestone.since),
        value=found.milestone.value, unit=found.unit,
    )  # fmt: skip


def _late_sentences(loaded: AvailabilityReport) -> list[str]:
    zone, said = loaded.profile.zone, list[str]()
    for late in loaded.without_back_dated:
        published, recorded = (
            NONE if ns is None else time_words(local_time(ns, zone))
            for ns in (late.version.published_at_ns, late.version.recorded_at_ns)
        )
        if late.availability is None:
            said.append(
                tr(
                    "The calendar published on {published} was recorded on {recorded}, after time that it changes."
                    " Without it nothing is scheduled.",
                    published=published, recorded=recorded,
                )
            )  # fmt: skip
            continue
        figures, counts = late.availability.figures, late.availability.counts
        said.append(
            tr(
                "The calendar published on {published} was recorded on {recorded}, after time that it changes."
                " Without it the availability is {pct} %, with {n} failures.",
                published=published, recorded=recorded,
                pct=percent(figures.availability_pct), n=count(counts.failures),
            )
        )  # fmt: skip
    return said


def alarms(inputs: ReportInputs) -> Section | None:
    """Show the alarms of the period beside the targets of ISA-18.2; None where no alarms are watched."""
    found = inputs.alarms
    if found is None:
        return None
    f = found.figures
    not_watched_h = found.not_watched_s / 3600
    said: list[str] = []
    if not_watched_h:
        said.append(tr("The alarms were not monitored for {hours} h.", hours=hours(not_watched_h)))
    if not f.annunciated:
        return Section("alarms", tr("Alarms"), (tr("No alarm was raised."), *said))
    columns = [
        Column("measure", tr("Figure"), width=2.2),
        Column("value", tr("Value"), Kind.NUMBER, 2),
        Column("target", tr("At most"), Kind.NUMBER, 0),
    ]
    measures: list[tuple[str, float | None, str | None]] = [
        (tr("Alarms raised"), f.annunciated, None),
        (tr("Alarms a day"), f.per_day, "per_day"),
        (tr("Most alarms in 10 minutes"), f.max_per_10min, "max_per_10min"),
        (tr("Time in alarm floods %"), f.flood_time_pct, "flood_time_pct"),
        (tr("Share of the ten most frequent alarms %"), f.top_ten_pct, "top_ten_pct"),
        (tr("Acknowledged in time %"), f.answered_in_time_pct, None),
        (tr("Chattering alarms"), len(f.chattering), "chattering"),
        (tr("Alarms that stood for long"), len(f.standing), "standing"),
    ]
    rows: list[list[Cell]] = [
        [name, value, None if target is None else TARGETS[target]] for name, value, target in measures
    ]
    printed = [
        [name, _number(value), NONE if target is None else f"{TARGETS[target]:g}"] for name, value, target in measures
    ]
    tables = [
        make_table(
            "alarms",
            "",
            columns,
            rows,
            printed=printed,
            note=tr("Targets as public summaries of ISA-18.2 give them."),
        ),
        _most_frequent(inputs),
    ]
    return Section("alarms", tr("Alarms"), tuple(said), tables=tuple(tables))


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:,}" if isinstance(value, int) else hours(value, 2)


def _most_frequent(inputs: ReportInputs) -> Table:
    found = inputs.alarms
    listed = () if found is None else found.figures.top_ten[:_TOP]
    titles = dict(inputs.loaded.alarms.titles)
    columns = [
        Column("alarm", tr("Alarm"), width=2.4),
        Column("raised", tr("Raised"), Kind.COUNT),
        Column("share_pct", tr("Share %"), Kind.PERCENT),
    ]
    rows: list[list[Cell]] = [
        [words(titles[a.alarm]) if a.alarm in titles else a.alarm, a.count, a.share_pct] for a in listed
    ]
    return make_table("frequent_alarms", tr("Most frequent alarms"), columns, rows)


def facilities(inputs: ReportInputs) -> Section | None:
    """Lay other facilities beside this one, each by its own delivery rule and definition; never averaged."""
    if not inputs.facilities:
        return None
    columns = [
        Column("facility", tr("Facility"), width=1.2),
        Column("rule", tr("No beam below; beam again from (definition)"), width=1.8),
        Column("user_time_h", tr("User time h"), Kind.HOURS),
        Column("availability_pct", tr("Availability %"), Kind.PERCENT),
        Column("lower_pct", tr("Lower bound %"), Kind.PERCENT),
        Column("upper_pct", tr("Upper bound %"), Kind.PERCENT),
        Column("coverage_pct", tr("Coverage %"), Kind.PERCENT),
        Column("failures", tr("Failures"), Kind.COUNT),
        Column("mtbf_h", tr("MTBF h"), Kind.HOURS),
    ]
    rows: list[list[Cell]] = [_facility_row(inputs.loaded)]
    without: list[str] = []
    for found in inputs.facilities:
        if found.loaded is None:
            without.append(tr("{config}: {reason}", config=found.path, reason=found.error))
        else:
            rows.append(_facility_row(found.loaded))
    said = [
        tr(
            "Each facility is counted by its own delivery rule and definition. The figures are neither averaged nor"
            " ranked."
        )
    ]
    if any(f.loaded is not None and f.loaded.profile.simulated for f in inputs.facilities):
        said.append(tr("Facilities marked as simulated are simulated data."))
    table = make_table("facilities", "", columns, rows, note="\n".join(without))
    return Section("facilities", tr("Facilities side by side"), tuple(said), tables=(table,))


def _facility_row(loaded: AvailabilityReport) -> list[Cell]:
    f, a = loaded.availability.figures, loaded.availability.accounts
    return [
        words(loaded.profile.name),
        _rule(loaded),
        a.user_time / NS_PER_H,
        f.availability_pct,
        f.availability_lower_pct,
        f.availability_upper_pct,
        f.coverage_pct,
        loaded.availability.counts.failures,
        f.mtbf_h,
    ]


def _rule(loaded: AvailabilityReport) -> str:
    """Return by what a facility counts delivery, with the limits at the end of the period."""
    profile = loaded.profile
    limits = profile.limits.at(Category.USER, loaded.part.end_ns - 1)
    if limits is None:
        return NONE
    return tr(
        "{signal}: {minimum:g} {unit}; {recovered:g} {unit} ({definition})",
        signal=signal_word(profile),
        minimum=limits.minimum,
        recovered=limits.recovered,
        unit=profile.delivery.unit or "",
        definition=loaded.definition.id,
    )
