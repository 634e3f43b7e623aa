"""Sections on what stands behind the figures: systems, corrections, beamlines, milestones, provenance."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from facility.corrections import Correction
from facility.incidents import RECOVERY
from facility.time import NS_PER_H, local_midnight, to_datetime
from kado.language import tr, trn, words
from kado.language.assertions import assertion_word
from kado.queries.effect_words import effect_words
from kado.queries.report import ReportInputs
from kado.report.cells import local_time, make_table, printed_cell
from kado.report.drawing import draw
from kado.report.model import Cell, Chart, Column, Kind, Section, Table
from kado.report.words import named, signal_word
from kado.rounding import NONE, percent, split_hours, split_percent


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
        [_system_word(inputs, name), rounded[name], 100 * ns / whole if whole else None]
        for name, ns in inputs.systems.items()
    ]
    rows.append([tr("Sum"), total, 100.0 if whole else None])
    shares = split_percent(inputs.systems) if whole else {}
    printed = [
        [printed_cell(row[0], columns[0]), printed_cell(row[1], columns[1]), share]
        for row, share in zip(
            rows, [*(shares.get(name, NONE) for name in inputs.systems), percent(100.0) if whole else NONE], strict=True
        )
    ]
    drawn = [(_system_word(inputs, name), ns / NS_PER_H) for name, ns in inputs.systems.items()]
    chart = Chart(
        "systems",
        tr("Downtime by system"),
        tr("Downtime of each system, largest first."),
        draw("bars_chart", drawn, tr("Downtime (h)")),
    )
    return Section(
        "systems",
        tr("Downtime by system"),
        charts=(chart,),
        tables=(make_table("systems", "", columns, rows, printed=printed, total=True),),
    )


def _system_word(inputs: ReportInputs, name: str) -> str:
    return tr("recovery (no incident recorded)") if name == RECOVERY else named(inputs.loaded.profile, name)


def corrections(inputs: ReportInputs) -> Section:
    """List the corrections in force with what each changes, and those that wait for a second person."""
    loaded, zone = inputs.loaded, inputs.loaded.profile.zone
    columns = [
        Column("id", tr("No."), Kind.COUNT),
        Column("start", tr("Start"), Kind.TIME),
        Column("end", tr("End"), Kind.TIME),
        Column("assertion", tr("States"), width=0.9),
        Column("changes", tr("What it changes"), width=1.5),
        Column("reason", tr("Reason"), width=1.8),
        Column("author", tr("Author"), width=0.8),
        Column("recorded", tr("Recorded"), Kind.TIME),
    ]

    def row(c: Correction, changes: str) -> list[Cell]:
        start, end, recorded = (local_time(ns, zone) for ns in (c.start_ns, c.end_ns, c.recorded_at_ns))
        return [c.id, start, end, assertion_word(c.assertion), changes, c.reason, c.author, recorded]

    rows = [row(a.correction, effect_words(a.effect)) for a in loaded.corrections]
    tables = [make_table("corrections", "", columns, rows)]
    if loaded.awaiting:
        waiting = [row(c, tr("nothing yet")) for c in loaded.awaiting]
        tables.append(make_table("awaiting", tr("Awaiting confirmation, not counted"), columns, waiting))
    return Section("corrections", tr("Corrections in force"), tables=tuple(tables))


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
            b.beamline.id if b.beamline.label is None else words(b.beamline.label),
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
    loaded, profile = inputs.loaded, inputs.loaded.profile
    if not inputs.is_year:
        return None
    unit = profile.delivery.unit or ""
    columns = [
        Column("since", tr("Since"), width=1),
        Column("value", f"{signal_word(profile)} {unit}", Kind.NUMBER, 0),
        Column("kind", tr("Kind"), width=2),
    ]
    kinds = {"user": tr("user operation"), "demonstrated": tr("stable operation demonstrated")}
    rows: list[list[Cell]] = [
        [m.since.isoformat(), m.value, kinds[m.kind]]
        for m in profile.milestones
        if local_midnight(m.since, profile.zone) < loaded.part.end_ns
    ]
    tables = [make_table("milestones", "", columns, rows)] if rows else []
    if profile.peers:
        tables.append(_peers(inputs, unit))
    said = _time_to_target(inputs, unit)
    return Section("milestones", tr("Milestones and target"), said, tables=tuple(tables)) if tables or said else None


def _time_to_target(inputs: ReportInputs, unit: str) -> tuple[str, ...]:
    found = inputs.target
    if found is None:
        return ()
    if found.length_ns is None:
        return (
            tr("The target of {target:g} {unit} was not held for a whole block yet.", target=found.target, unit=unit),
        )
    return (
        trn(
            "The target of {target:g} {unit} was first held for a whole block {n} day after operation started.",
            "The target of {target:g} {unit} was first held for a whole block {n} days after operation started.",
            found.length_ns // (24 * NS_PER_H), target=found.target, unit=unit,
        ),
    )  # fmt: skip


def _peers(inputs: ReportInputs, unit: str) -> Table:
    profile, found = inputs.loaded.profile, inputs.target
    columns = [
        Column("facility", tr("Facility"), width=1.6),
        Column("target", tr("Target {unit}", unit=unit), Kind.NUMBER, 0),
        Column("time", tr("From start of operation to target"), width=2),
    ]
    rows: list[list[Cell]] = []
    if found is not None:
        own = tr("not reached")
        if found.length_ns is not None:
            days = found.length_ns // (24 * NS_PER_H)
            own = trn("{n} day (from this record)", "{n} days (from this record)", days)
        rows.append([words(profile.name), found.target, own])
    for peer in profile.peers:
        time = tr("not reached") if peer.time_to_target is None else words(peer.time_to_target)
        rows.append([words(peer.name), peer.target, time])
    sources = [profile.references[cite] for cite in dict.fromkeys(p.cite for p in profile.peers)]
    cited = "; ".join(source if isinstance(source, str) else words(source) for source in sources)
    note = tr("Source of the other facilities: {source}.", source=cited)
    return make_table("peers", tr("Beside other facilities"), columns, rows, note=note)


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
    return f"{value:z.6g}" if isinstance(value, float) else str(value)


_LONGEST_LIST: Final = 40
