"""Sections on figures: side by side, by month, accounts, reliability and outlook."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from facility.schedule import OPERATING_CATEGORIES, PLANNED_CATEGORIES
from facility.time import NS_PER_H
from kado.language import tr
from kado.queries.availability import AvailabilityReport
from kado.queries.availability_document import tag_times
from kado.queries.report import ReportInputs
from kado.report.cells import make_table
from kado.report.drawing import draw
from kado.report.model import Cell, Chart, Column, Kind, Section
from kado.report.reliability_words import group_rows, outlook_sentences, reliability_rows
from kado.report.sentences import name_of
from kado.report.words import account_word, named
from kado.rounding import NONE, count, hours, percent, split_hours


def figures(inputs: ReportInputs) -> Section:
    """Lay the period beside the one before, the same one last year, the fiscal year to date, and the target."""
    known = [b for b in inputs.beside if b.loaded is not None]
    missing = [name_of(b, inputs) for b in inputs.beside if b.loaded is None]
    shown = [inputs.loaded, *(b.loaded for b in known)]
    roles = {"before": tr("period before"), "last_year": tr("year before"), "year_to_date": tr("year to date")}
    heads = [tr("This period")]
    heads += [f"{name_of(b, inputs)}\n{roles[b.role]}" for b in known]
    columns = [
        Column("measure", tr("Figure"), width=1.6),
        Column("unit", tr("Unit"), width=0.4),
        *(Column(f"p{i}", head, Kind.NUMBER, 2) for i, head in enumerate(heads)),
        Column("target", tr("Target"), Kind.NUMBER, 2),
    ]
    target = inputs.loaded.profile.target_availability_pct
    rows: list[list[Cell]] = []
    printed: list[list[str]] = []

    def add(name: str, unit: str, values: list[float | int | None], *, digits: int, aim: float | None = None) -> None:
        def text(value: float | None) -> str:
            if value is None:
                return NONE
            if unit == "%":
                return percent(value, digits)
            return count(int(value)) if digits == 0 else hours(value, digits)

        rows.append([name, unit, *values, aim])
        printed.append([name, unit, *(text(v) for v in values), NONE if aim is None else text(aim)])

    def of(value: Callable[[AvailabilityReport], float | None]) -> list[float | int | None]:
        return [None if loaded is None else value(loaded) for loaded in shown]

    add(tr("Availability"), "%", of(lambda r: r.availability.figures.availability_pct), digits=1, aim=target)
    add(tr("Lower bound"), "%", of(lambda r: r.availability.figures.availability_lower_pct), digits=1)
    add(tr("Upper bound"), "%", of(lambda r: r.availability.figures.availability_upper_pct), digits=1)
    add(tr("Coverage"), "%", of(lambda r: r.availability.figures.coverage_pct), digits=1)
    add(tr("Operating time"), "h", of(lambda r: r.availability.accounts.operating / NS_PER_H), digits=1)
    add(tr("User time"), "h", of(lambda r: r.availability.accounts.user_time / NS_PER_H), digits=1)
    add(tr("Downtime"), "h", of(lambda r: r.availability.accounts.no_beam / NS_PER_H), digits=2)
    add(tr("Failures"), "", of(lambda r: r.availability.counts.failures), digits=0)
    add(tr("MTBF"), "h", of(lambda r: r.availability.figures.mtbf_h), digits=1)
    add(tr("MTTR"), "h", of(lambda r: r.availability.figures.mttr_h), digits=2)
    add(tr("Longest run"), "h", of(lambda r: r.availability.figures.longest_run_h), digits=1)
    if inputs.loaded.availability.delivered_mwh is not None:
        add(tr("Energy delivered"), "MWh", of(lambda r: r.availability.delivered_mwh), digits=1)
    budget = inputs.loaded.budget
    if budget is not None:
        left: list[float | int | None] = [budget.left_h, *([None] * len(known))]
        add(tr("Downtime budget left"), "h", left, digits=1)
    note = _mtbf_note(inputs)
    if missing:
        note += " " + tr("No figure exists for {periods}.", periods=tr(", ").join(missing))
    return Section(
        "figures",
        tr("Figures"),
        tables=(make_table("figures", "", columns, rows, printed=printed, note=note),),
    )


def _mtbf_note(inputs: ReportInputs) -> str:
    interval = inputs.reliability.interval
    if interval is None:
        return ""
    if interval.upper_h is None:
        return tr(
            "Without a failure the MTBF is at least {hours} h (95 %, one-sided).", hours=hours(interval.lower_h, 0)
        )
    return tr(
        "95 % interval of the MTBF: {lower} to {upper} h.",
        lower=hours(interval.lower_h, 0), upper=hours(interval.upper_h, 0),
    )  # fmt: skip


def months(inputs: ReportInputs) -> Section | None:
    """Show each month of a long period."""
    if not inputs.months:
        return None
    columns = [
        Column("month", tr("Month")),
        Column("availability_pct", tr("Availability %"), Kind.PERCENT),
        Column("lower_pct", tr("Lower bound %"), Kind.PERCENT),
        Column("upper_pct", tr("Upper bound %"), Kind.PERCENT),
        Column("coverage_pct", tr("Coverage %"), Kind.PERCENT),
        Column("user_time_h", tr("User time h"), Kind.HOURS),
        Column("no_beam_h", tr("Downtime h"), Kind.HOURS, 2),
        Column("failures", tr("Failures"), Kind.COUNT),
    ]
    rows: list[list[Cell]] = []
    drawn: list[dict[str, str | float | None]] = []
    user = split_hours(
        {b.period.id: 0 if b.loaded is None else b.loaded.availability.accounts.user_time for b in inputs.months}, 1
    )
    down = split_hours(
        {b.period.id: 0 if b.loaded is None else b.loaded.availability.accounts.no_beam for b in inputs.months}, 2
    )
    for beside in inputs.months:
        if beside.loaded is None:
            rows.append([beside.period.id, None, None, None, None, None, None, None])
            continue
        f, counts = beside.loaded.availability.figures, beside.loaded.availability.counts
        values = [f.availability_pct, f.availability_lower_pct, f.availability_upper_pct]
        id_ = beside.period.id
        rows.append([id_, *values, f.coverage_pct, user[id_], down[id_], counts.failures])
        drawn.append({"month": id_, "value": values[0], "lower": values[1], "upper": values[2]})
    f, counts = inputs.loaded.availability.figures, inputs.loaded.availability.counts
    totals = (f.availability_pct, f.availability_lower_pct, f.availability_upper_pct, f.coverage_pct)
    rows.append(
        [tr("Whole period"), *totals, sum(user.values(), Decimal(0)), sum(down.values(), Decimal(0)), counts.failures]
    )
    target = inputs.loaded.profile.target_availability_pct
    chart = draw("months_chart", drawn, target, {"availability": tr("Availability (%)")})
    described = tr("Availability of each month with its bounds, and the target.")
    return Section(
        "months",
        tr("Months"),
        tables=(make_table("months", "", columns, rows, total=True),),
        charts=(Chart("months", tr("Availability by month"), described, chart),),
    )


def accounts(inputs: ReportInputs) -> Section:
    """Show the accounts, which add up as printed; user time by use where the calendar has tags."""
    a = inputs.loaded.availability.accounts
    columns = [Column("account", tr("Account"), width=2), Column("hours", tr("Hours"), Kind.HOURS, 2)]
    outside = {c.value: getattr(a, c.value) for c in PLANNED_CATEGORIES} | {"unscheduled": a.unscheduled}
    planned = split_hours(outside)
    calendar_h = sum(planned.values(), Decimal(0))
    plan_rows: list[list[Cell]] = [[account_word(name), value] for name, value in planned.items() if value]
    plan_rows.append([account_word("calendar"), calendar_h])
    user_total = planned["user"] + planned["reserve"]
    parts = {"delivered": a.delivered, "no_beam": a.no_beam, "unknown": a.unknown}
    if not inputs.loaded.definition.refill_is_delivered:
        parts["refill"] = a.refill
    user_rows: list[list[Cell]] = [
        [account_word(name), value] for name, value in split_hours(parts, total=user_total).items()
    ]
    user_rows.append([account_word("user_time"), user_total])
    operating = sum((planned[c.value] for c in OPERATING_CATEGORIES), Decimal(0))
    tables = [
        make_table(
            "plan",
            tr("Planned time"),
            columns,
            plan_rows,
            total=True,
            note=tr("Operating time (user, reserve, study, tuning, commissioning): {hours} h.", hours=f"{operating:,}"),
        ),
        make_table("user_time", tr("User time"), columns, user_rows, total=True),
    ]
    times = tag_times(inputs.loaded)
    if times:
        use = [
            Column("use", tr("Use"), width=2),
            *(
                Column(f"{name}_h", f"{account_word(name)} h", Kind.HOURS, 2)
                for name in ("user_time", "delivered", "no_beam", "unknown")
            ),
        ]
        rows: list[list[Cell]] = []
        for tag, t in times.items():
            total = split_hours({"t": t.user_time})["t"]
            rest = t.user_time - t.delivered - t.no_beam - t.unknown
            split = split_hours(
                {"delivered": t.delivered, "no_beam": t.no_beam, "unknown": t.unknown, "rest": rest}, total=total
            )
            name = named(inputs.loaded.profile, tag)
            rows.append([name, total, split["delivered"], split["no_beam"], split["unknown"]])
        tables.append(make_table("use", tr("User time by use"), use, rows))
    return Section("accounts", tr("Accounts"), tables=tuple(tables))


def reliability(inputs: ReportInputs) -> Section:
    """Show how much the count of failures can bear."""
    columns = [
        Column("measure", tr("Measure"), width=1.1),
        Column("value", tr("Value"), width=1.1),
        Column("meaning", tr("How to read it"), width=2.6),
    ]
    rows = reliability_rows(inputs.reliability)
    groups = [
        Column("by", tr("By"), width=1.2),
        Column("group", tr("Group"), width=1.6),
        Column("failures", tr("Failures"), Kind.COUNT),
        Column("downtime_h", tr("Downtime h"), Kind.HOURS, 2),
        Column("median_h", tr("Median repair h"), Kind.HOURS, 2),
    ]
    listed = group_rows(inputs.reliability)
    tables = [make_table("reliability", "", columns, rows)]
    if listed:
        table = make_table("groups", tr("Failures by what they have in common"), groups, listed)
        # A name that repeats stands once where people read, and in each row where they sort.
        named = [row[0] for row in table.printed]
        printed = tuple(
            ("" if i and named[i - 1] == row[0] else row[0], *row[1:]) for i, row in enumerate(table.printed)
        )
        tables.append(replace(table, printed=printed))
    return Section("reliability", tr("Reliability"), tables=tuple(tables))


def outlook(inputs: ReportInputs) -> Section | None:
    """Show what may still happen in the fiscal year."""
    said = outlook_sentences(inputs.reliability)
    return Section("outlook", tr("Outlook for the fiscal year"), said) if said else None
