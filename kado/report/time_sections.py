"""Sections that show the period over time: delivery signal, calendar, failures, unknown time."""

from typing import Final

import numpy as np

from analytics.conditions import Kind as Condition
from facility.incidents import Incident, Review
from facility.interval import Intervals
from facility.schedule import PLANNED_CATEGORIES
from facility.time import NS_PER_H
from kado.language import tr, trn
from kado.queries.events import incidents_behind, review_of
from kado.queries.report import Pictured, ReportInputs, awaiting_review
from kado.report.cells import local_time, make_table
from kado.report.drawing import Drawn, draw
from kado.report.model import Cell, Chart, Column, Kind, Section
from kado.report.words import account_word, named, review_word, rule_word, signal_word
from kado.rounding import count, hours

_LONGEST_LIST: Final = 40
"""Intervals of unknown time that are listed one by one."""


def draw_over_time(pictured: Pictured) -> None:
    """Have the charts drawn that the period itself decides, before the rest of the report is read."""
    _signal_drawn(pictured)
    _calendar_drawn(pictured)


def signal(inputs: ReportInputs) -> Section | None:
    """Draw the delivery signal of the period."""
    drawn = _signal_drawn(inputs.pictured)
    if drawn is None:
        return None
    label = signal_word(inputs.loaded.profile)
    described = tr(
        "{label} over time with its minimum and maximum; lost beam, low beam and unknown user time are shaded.",
        label=label,
    )
    return Section("signal", label, charts=(Chart("signal", label, described, drawn),))


def _signal_drawn(pictured: Pictured) -> Drawn | None:
    b, profile = pictured.buckets, pictured.loaded.profile
    zone = profile.zone
    if not len(b.start_ns):
        return None
    rows: list[dict[str, object]] = []
    for i in range(len(b.start_ns)):
        start = int(b.start_ns[i])
        if i and start - int(b.start_ns[i - 1]) > 1.5 * b.width_ns:
            gap = local_time(start - b.width_ns, zone).replace(tzinfo=None)
            rows.append({"time": gap, "low": None, "high": None, "mean": None})
        at = local_time(start, zone).replace(tzinfo=None)
        rows.append({"time": at, "low": float(b.min[i]), "high": float(b.max[i]), "mean": float(b.mean[i])})
    unit = profile.delivery.unit or ""
    label = signal_word(profile)
    return draw(
        "signal_chart",
        rows,
        _shaded(pictured),
        profile.target,
        {
            "signal": f"{label} ({unit})" if unit else label,
            "target": tr("Target {value:g} {unit}", value=profile.target, unit=unit) if profile.target else "",
        },
        {kind: account_word(kind) for kind in ("no_beam", "low_beam", "unknown")},
    )


def _shaded(pictured: Pictured) -> list[tuple[object, object, str]]:
    loaded = pictured.loaded
    zone = loaded.profile.zone
    shaded: list[tuple[object, object, str]] = []

    def shade(start_ns: int, end_ns: int, kind: str) -> None:
        # A short outage in a long period is drawn at least as wide as a bucket, or nobody sees it.
        end_ns = max(end_ns, start_ns + pictured.buckets.width_ns)
        start, end = (local_time(ns, zone).replace(tzinfo=None) for ns in (start_ns, end_ns))
        shaded.append((start, end, kind))

    for reported in loaded.availability.events:
        if reported.event.kind in (Condition.NO_BEAM, Condition.LOW_BEAM):
            kind = "no_beam" if reported.event.kind is Condition.NO_BEAM else "low_beam"
            for start, end in reported.event.user_time.clip(loaded.part.start_ns, loaded.part.end_ns):
                shade(start, end, kind)
    # Gaps may come by the million: those that would be drawn over each other are one.
    unknown = loaded.availability.unknown
    widened = Intervals.from_arrays(unknown.start, np.maximum(unknown.end, unknown.start + pictured.buckets.width_ns))
    for start, end in widened:
        shade(start, end, "unknown")
    return shaded


def calendar(inputs: ReportInputs) -> Section:
    """Draw the plan and what came of it, day by hour; of a long period month by day."""
    described = tr("Plan, and result of the user time, for each hour of the period.")
    drawn = _calendar_drawn(inputs.pictured)
    return Section("calendar", tr("Calendar"), charts=(Chart("calendar", tr("Calendar"), described, drawn),))


def _calendar_drawn(pictured: Pictured) -> Drawn:
    if pictured.is_long:
        cells = [
            {
                "day": f"{c.day:%Y-%m}",
                "start_h": c.day.day + c.start_h / 24.0,
                "end_h": c.day.day + c.end_h / 24.0,
                "kind": c.kind,
            }
            for c in pictured.cells
        ]
        labels, domain, step = {"day": tr("month"), "hour": tr("day of the month")}, (1.0, 32.0), 3
    else:
        cells = [
            {"day": c.day.isoformat()[5:], "start_h": c.start_h, "end_h": c.end_h, "kind": c.kind}
            for c in pictured.cells
        ]
        labels, domain, step = {"day": tr("day"), "hour": tr("hour of the day")}, (0.0, 24.0), 3
    kinds = ("delivered", "low_beam", "no_beam", "unknown", "planned")
    names = {kind: account_word(kind) for kind in (*kinds, *(c.value for c in PLANNED_CATEGORIES), "unscheduled")}
    return draw("calendar_chart", cells, names, labels, domain, step)


def failures(inputs: ReportInputs) -> Section:
    """List the failures, and those that wait for review."""
    loaded, zone = inputs.loaded, inputs.loaded.profile.zone
    waiting = set(awaiting_review(inputs))
    rows: list[list[Cell]] = []
    for reported in loaded.availability.events:
        event = reported.event
        if event.kind is not Condition.NO_BEAM:
            continue
        incidents = incidents_behind(reported, loaded)
        cause = next((i for i in incidents if i.root_cause), incidents[0] if incidents else None)
        notes = [
            *([tr("trip")] if reported.trip else []),
            *([tr("carried over")] if reported.carried_over else []),
            *([tr("not over")] if event.open else []),
            *(
                [review_word(Review(review_of(reported) or "acknowledge"))]
                if event.id(loaded.profile.id) in waiting
                else []
            ),
        ]
        rows.append(
            [
                local_time(event.start_ns, zone),
                event.duration_ns / NS_PER_H,
                reported.user_time_ns / NS_PER_H,
                None if cause is None else named(loaded.profile, cause.system),
                None if cause is None else _cause_words(cause),
                None if cause is None else cause.resolution or None,
                ", ".join(notes) or None,
            ]
        )
    # Columns in which nothing stands leave their room to the others.
    wide = ((4, 2.9), (5, 2.6), (6, 1.2))
    cause_width, action_width, note_width = (w if any(row[x] for row in rows) else 0.85 for x, w in wide)
    columns = [
        Column("start", tr("Start"), Kind.TIME),
        Column("length_h", tr("Length"), Kind.DURATION),
        Column("lost_h", tr("User time lost"), Kind.DURATION),
        Column("system", tr("System"), width=1.7),
        Column("cause", tr("Cause"), width=cause_width),
        Column("action", tr("Action"), width=action_width),
        Column("note", tr("Note"), width=note_width),
    ]
    said = ()
    if waiting:
        said = (trn("{n} failure awaits review.", "{n} failures await review.", len(waiting)),)
    return Section("failures", tr("List of failures"), said, tables=(make_table("failures", "", columns, rows),))


def _cause_words(incident: Incident) -> str:
    """Return title and cause as one text; what nobody wrote leaves no full stop."""
    return ": ".join(text for text in (incident.title.rstrip(".。 "), incident.cause_text) if text)


def unknown(inputs: ReportInputs) -> Section:
    """List unknown user time, interval by interval, and what it could hide."""
    zone = inputs.loaded.profile.zone
    columns = [
        Column("start", tr("Start"), Kind.TIME),
        Column("length_h", tr("Length"), Kind.DURATION),
        Column("cause", tr("Why it is unknown"), width=2.4),
        Column("hides_h", tr("Could hide downtime"), Kind.DURATION),
        Column("failures", tr("Could hide failures"), Kind.COUNT),
    ]
    listed = inputs.gaps.longest(_LONGEST_LIST)
    rows: list[list[Cell]] = [
        [
            local_time(g.segment.start_ns, zone),
            (g.segment.end_ns - g.segment.start_ns) / NS_PER_H,
            rule_word(g.segment.rule),
            None if g.downtime_ns is None else g.downtime_ns / NS_PER_H,
            g.failures,
        ]
        for g in listed
    ]
    note = ""
    if len(inputs.gaps) > len(listed):
        note = tr("The {shown} longest of {all} intervals.", shown=len(listed), all=count(len(inputs.gaps)))
    total = hours(inputs.loaded.availability.accounts.unknown / NS_PER_H)
    said = (
        (tr("Unknown user time: {hours} h in {n} intervals.", hours=total, n=count(len(inputs.gaps))),) if rows else ()
    )
    return Section("unknown", tr("Unknown time"), said, tables=(make_table("unknown", "", columns, rows, note=note),))
