"""Sections on what stands behind the figures: systems, corrections, beamlines, milestones, provenance."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from facility.time import NS_PER_H, to_datetime
from kado.language import tr, trn
from kado.queries.corrections import RecordedCorrection
from kado.queries.report import ReportInputs
from kado.report.cells import local_time, make_table
from kado.report.charts import bars_chart
from kado.report.model import Cell, Chart, Column, Kind, Section
from kado.report.words import assertion_word, signal_word
from kado.rounding import NONE, count, split_hours


def systems(inputs: ReportInputs) -> Section | None:
    """Share downtime among systems; each second once."""
    if not inputs.systems:
        return None
    rounded = split_hours(inputs.systems)
    total = sum(rounded.values(), Decimal(0))
    whole = sum(inputs.systems.values())
    columns = [
        Column("system", tr("System"), width=2),
        Column("downtime_h", tr("Downtime h"), Kind.HOURS, 2),
        Column("share_pct", tr("Share %"), Kind.PERCENT),
    ]
    rows: list[list[Cell]] = [
        [_system_word(name), rounded[name], 100 * ns / whole if whole else None] for name, ns in inputs.systems.items()
    ]
    rows.append([tr("Sum"), total, 100.0 if whole else None])
    drawn = [(_system_word(name), ns / NS_PER_H) for name, ns in inputs.systems.items()]
    chart = Chart(
        "systems",
        tr("Downtime by system"),
        tr("Downtime of each system, largest first."),
        bars_chart(drawn, tr("Downtime (h)")),
    )
    return Section(
        "systems",
        tr("Downtime by system"),
        charts=(chart,),
        tables=(make_table("systems", "", columns, rows, total=True),),
    )


def _system_word(name: str) -> str:
    return tr("recovery (no incident recorded)") if name == "recovery" else name


def corrections(inputs: ReportInputs) -> Section:
    """List the corrections in force."""
    zone = inputs.loaded.profile.zone
    columns = [
        Column("id", tr("No."), Kind.COUNT),
        Column("start", tr("Start"), Kind.TIME, width=1.4),
        Column("end", tr("End"), Kind.TIME, width=1.4),
        Column("assertion", tr("States"), width=1.2),
        Column("reason", tr("Reason"), width=2.4),
        Column("author", tr("Author"), width=1.0),
        Column("recorded", tr("Recorded"), Kind.TIME, width=1.4),
    ]
    rows: list[list[Cell]] = [
        [
            s.correction.id,
            local_time(s.correction.start_ns, zone),
            local_time(s.correction.end_ns, zone),
            _stated(s),
            s.correction.reason,
            s.correction.author,
            local_time(s.correction.recorded_at_ns, zone),
        ]
        for s in inputs.corrections
    ]
    return Section("corrections", tr("Corrections in force"), tables=(make_table("corrections", "", columns, rows),))


def _stated(said: RecordedCorrection) -> str:
    word = assertion_word(said.correction.assertion)
    return tr("{assertion} (awaiting confirmation, not counted)", assertion=word) if said.awaiting else word


def beamlines(inputs: ReportInputs) -> Section | None:
    """Show each beamline's hours beside the machine's; never averaged into each other."""
    found = inputs.beamlines
    if found is None:
        return None
    columns = [
        Column("beamline", tr("Beamline"), width=2),
        Column("user_h", tr("User time h"), Kind.HOURS, 2),
        Column("delivered_h", tr("Delivered h"), Kind.HOURS, 2),
        Column("open_h", tr("Shutter open h"), Kind.HOURS, 2),
        Column("unknown_h", tr("Shutter unknown h"), Kind.HOURS, 2),
    ]
    rows: list[list[Cell]] = [
        [
            b.beamline.id,
            b.machine.user_time / NS_PER_H,
            b.machine.delivered / NS_PER_H,
            None if b.shutter is None else b.shutter.open / NS_PER_H,
            None if b.shutter is None else b.shutter.unknown / NS_PER_H,
        ]
        for b in found.beamlines
    ]
    said = _ports(inputs)
    return Section("beamlines", tr("Ports and beamlines"), said, tables=(make_table("beamlines", "", columns, rows),))


def _ports(inputs: ReportInputs) -> tuple[str, ...]:
    ports = inputs.loaded.profile.ports
    total = sum(p.count for p in ports)
    if not total:
        return ()
    running = sum(p.count for p in ports if p.status == "operating")
    return (tr("Ports in operation: {running} of {total}.", running=running, total=total),)


def milestones(inputs: ReportInputs) -> Section | None:
    """Show the steps of the delivery signal, and the time to its target beside that of peers; in a year's report."""
    profile, found = inputs.loaded.profile, inputs.target
    if not inputs.is_year or not profile.milestones:
        return None
    unit = profile.delivery.unit or ""
    columns = [
        Column("since", tr("Since"), width=1),
        Column("value", f"{signal_word(profile)} {unit}", Kind.NUMBER, 0),
        Column("kind", tr("Kind"), width=2),
    ]
    kinds = {"user": tr("user operation"), "demonstrated": tr("stable operation demonstrated")}
    rows: list[list[Cell]] = [[m.since.isoformat(), m.value, kinds[m.kind]] for m in profile.milestones]
    said: tuple[str, ...] = ()
    if found is not None and found.length_ns is not None and found.first is not None:
        days = found.length_ns // (24 * NS_PER_H)
        said = (
            tr(
                "The target of {target:g} {unit} was first held for a whole block {days} days after operation started.",
                target=found.target, unit=unit, days=count(days),
            ),
        )  # fmt: skip
    return Section("milestones", tr("Milestones"), said, tables=(make_table("milestones", "", columns, rows),))


def provenance(inputs: ReportInputs) -> Section:
    """Show from what the report was made, and how to make it again."""
    p, zone = inputs.provenance, inputs.loaded.profile.zone
    published = (
        NONE
        if p.schedule_published_at_ns is None
        else f"{to_datetime(p.schedule_published_at_ns, zone):%Y-%m-%d %H:%M}"
    )
    columns = [Column("what", tr("What"), width=1.2), Column("value", tr("Value"), width=2.8)]
    rows: list[list[Cell]] = [
        [tr("kado version"), p.kado_version],
        [tr("Profile digest"), p.profile_digest],
        [tr("Definition digest"), p.definition_digest],
        [tr("Schedule digest, newest version"), f"{p.schedule_digest}, {published}"],
        [tr("Corrections and incidents digest"), p.journal_digest],
        [tr("Data digest"), p.data_digest],
        [tr("Command that makes it again"), p.command],
    ]
    ledger = [
        Column("source", tr("Source"), width=2),
        *(
            Column(name, head, Kind.COUNT)
            for name, head in (
                ("received", tr("Received")),
                ("stored", tr("Stored")),
                ("waiting", tr("Waiting")),
                ("rejected", tr("Rejected")),
                ("dropped", tr("Dropped")),
                ("lost", tr("Lost")),
            )
        ),
    ]
    ledger_rows: list[list[Cell]] = [
        [t.source, t.received, t.stored, t.waiting, t.rejected, t.dropped, t.lost] for t in p.ledger
    ]
    tables = [make_table("provenance", "", columns, rows)]
    if ledger_rows:
        tables.append(make_table("ledger", tr("Ledger of samples"), ledger, ledger_rows))
    return Section("provenance", tr("Provenance"), tables=tuple(tables))


@dataclass(frozen=True, slots=True)
class Change:
    """One figure in which a report differs from the last edition."""

    path: str
    """Such as ``availability.figures.availability_pct``."""
    before: object
    after: object


def changes_section(changes: Sequence[Change]) -> Section:
    """List in what the figures differ from the last edition; the figures of the period first, single events last."""
    columns = [
        Column("figure", tr("Figure"), width=2.4),
        Column("before", tr("Last edition"), width=1.2),
        Column("after", tr("This edition"), width=1.2),
    ]
    shown = [c for c in changes if "[" not in c.path][:_LONGEST_LIST]
    rows: list[list[Cell]] = [[c.path, _value(c.before), _value(c.after)] for c in shown]
    rest = len(changes) - len(shown)
    note = trn("{n} further value differs; JSON lists all.", "{n} further values differ; JSON lists all.", rest)
    return Section(
        "changes",
        tr("Changes since the last edition"),
        tables=(make_table("changes", "", columns, rows, note=note if rest else ""),),
    )


def _value(value: object) -> str:
    if value is None:
        return NONE
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_LONGEST_LIST: Final = 40
