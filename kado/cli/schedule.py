"""``kado schedule``: the operation calendar."""

import getpass
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table

from facility.errors import ScheduleError
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Category, Plan, ScheduleVersion, check_changes_something, resolve
from facility.schedule_csv import MAX_BYTES, decode_schedule, read_schedule
from facility.schedule_ics import read_calendar
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, NS_PER_H, parse_time
from kado.cli.as_of import as_of
from kado.cli.command import AsKnownOnOption, AsPublishedOnOption, ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import term, tr, trn
from kado.output import changed_offset, local, note, offsets_of, print_json, show, span, stretch, table, title
from kado.queries.record import load_plan, load_schedule_versions
from kado.queries.schedule import Change, blocks_within, calendar_document, changes_between, changes_document
from kado.queries.schedule_import import ImportedSchedule, imported_schedule, imported_schedule_document
from kado.rounding import hours
from kado.service.importing import add_versions

_SHOWN = 3
"""Holes listed."""
_SHOWN_CHANGES = 10


def import_schedule(
    file: Annotated[
        Path,
        typer.Argument(help="CSV: start,end,category,published_at[,tags,run,note]; or a calendar file ending in .ics."),
    ],
    published_at: Annotated[
        str | None, typer.Option("--published-at", help="Publication time of a calendar file, which does not state it.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Read a calendar file from this time; default: from its publication.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Read a calendar file up to this time; default: for two years.")
    ] = None,
    config: ConfigOption = None,
    author: Annotated[str | None, typer.Option(help="Author; default: the name of your account.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Import a schedule from CSV or iCalendar; earlier versions are kept.

    Rows with the same published_at are one version; a calendar file is one version. It replaces what earlier
    versions planned between its first start and its last end, and changes nothing before it was published. A
    row 'unscheduled', or a cancelled event, withdraws what was planned. In a calendar file, CATEGORIES holds
    category and tags, SUMMARY the note, X-KADO-RUN the run; [schedule] in kado.toml maps other words. Prints
    the content of the file and the changes.

    \b
    Examples:
      kado schedule import fy2026.csv --author "Beam operation group"
      kado schedule import run.ics --published-at 2026-08-01T09:00:00+09:00
    """
    configuration = load_configuration(config)
    calendar_options = {"--published-at": published_at, "--from": start, "--to": end}
    is_calendar = file.suffix.lower() in (".ics", ".ical")
    if is_calendar and published_at is None:
        raise ScheduleError(
            Sentence(
                "{file} is a calendar, which does not say when it was published: add --published-at TIME", file=file
            )
        )
    if not is_calendar and any(calendar_options.values()):
        given = ", ".join(name for name, value in calendar_options.items() if value)
        raise ScheduleError(
            Sentence(
                "{given} are for calendars that end in .ics: {file} says published_at in each row",
                given=given,
                file=file,
            )
        )
    data = _read(file)
    warnings: tuple[str, ...] = ()
    if published_at is not None:
        published_ns = parse_time(published_at)
        from_ns = published_ns if start is None else parse_time(start)
        to_ns = from_ns + 2 * 366 * NS_PER_DAY if end is None else parse_time(end)
        zone = configuration.profile.zone
        reading = read_calendar(data, file.name, zone, published_ns, from_ns, to_ns, words=configuration.calendar_words)
        versions, warnings = (reading.version,), reading.warnings
    else:
        versions = read_schedule(decode_schedule(data, file.name), file.name)
    check_changes_something(versions)
    before = load_schedule_versions(configuration)
    add_versions(configuration, versions, file.name, author or _account())
    after = load_schedule_versions(configuration)
    imported = imported_schedule(file.name, versions, before, after, configuration.profile.zone, warnings)
    if output is Format.JSON:
        print_json(imported_schedule_document(configuration.profile, imported))
        return
    for warning in imported.warnings:
        note(tr("warning: {warning}", warning=warning))
    show(*import_summary(configuration.profile, imported))


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # Such as in a container, whose user has no name.
        raise ScheduleError(
            Sentence("your account has no name: say who states this calendar with --author NAME")
        ) from error


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)  # One byte more shows the reader that the file is too large.
    except OSError as error:
        raise ScheduleError(Sentence("{file} cannot be read: {reason}", file=file, reason=error.strerror)) from error


def import_summary(profile: Profile, imported: ImportedSchedule) -> list[RenderableType]:
    """Return what the file holds and what changed in the calendar, as tables."""
    zone = profile.zone
    version = trn("{n} new version", "{n} new versions", imported.new)
    lines: list[RenderableType] = [
        title(profile, tr("import of {file}", file=imported.file)),
        tr("{version}, {known} known already", version=version, known=imported.known),
        span(imported.start_ns, imported.end_ns, zone),
    ]
    rows = table(order=["planned in the file", "h", "note"], right=["h"])
    for category, length in imported.hours.items():
        holes = _holes(imported.holes, zone) if category is Category.UNSCHEDULED else ""
        rows.add_row(term(category.value), hours(length), holes)
    lines.append(rows)
    if not imported.changes:
        return [*lines, tr("no change in the calendar")]
    lines.append(_change_rows(profile, imported.changes[:_SHOWN_CHANGES]))
    if len(imported.changes) > _SHOWN_CHANGES:
        more = trn(
            "and {n} more change: kado schedule diff", "and {n} more changes: kado schedule diff",
            len(imported.changes) - _SHOWN_CHANGES,
        )  # fmt: skip
        lines.append(more)
    return lines


def _holes(holes: Sequence[tuple[int, int]], zone: tzinfo) -> str:
    listed = [stretch(start, end, zone) for start, end in holes[:_SHOWN]]
    if len(holes) > _SHOWN:
        listed.append(trn("and {n} more", "and {n} more", len(holes) - _SHOWN))
    return f"{trn('{n} hole', '{n} holes', len(holes))}: {', '.join(listed)}"


def show_schedule(
    period: Annotated[str | None, typer.Option("--period", "-p", help="Only blocks in this period.")] = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Show the calendar in force, from all versions.

    \b
    Examples:
      kado schedule show --period 2026-10
      kado schedule show --as-known-on 2026-09-01T00:00:00+09:00
    """
    configuration = load_configuration(config)
    profile = configuration.profile
    when = as_of(as_known_on, as_published_on)
    plan = load_plan(configuration, when)
    wanted = None if period is None else profile.period(period, plan)
    later = 0
    if when is not None and not plan.planned:
        later = len(load_schedule_versions(configuration))
    if output is Format.JSON:
        print_json(calendar_document(profile, plan, wanted))
    else:
        show(*calendar(profile, plan, wanted, later=later))


def diff_schedule(
    since: Annotated[
        str | None,
        typer.Option(
            "--since", help="The calendar as published by then; without it, as before the newest publication."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="... against as published by then; without it, now.")
    ] = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Show what changed in the calendar, and when.

    \b
    Examples:
      kado schedule diff
      kado schedule diff --since 2026-04-01T00:00:00+09:00
    """
    configuration = load_configuration(config)
    profile = configuration.profile
    versions = load_schedule_versions(configuration)
    published = sorted({v.published_at_ns for v in versions})
    if since is None and len(published) < 2:
        raise ScheduleError(
            Sentence(
                "the journal holds {what} of the calendar, so there is nothing to compare: see 'kado "
                "schedule show', or give --since",
                what=Sentence("one publication") if published else Sentence("no publication"),
            )
        )
    since_ns = published[-2] if since is None else parse_time(since)
    until_ns = None if until is None else parse_time(until)
    if output is Format.JSON:
        print_json(changes_document(profile, versions, since_ns, until_ns))
    else:
        show(*changes(profile, versions, since_ns, until_ns))


def calendar(profile: Profile, plan: Plan, period: Period | None, *, later: int = 0) -> list[RenderableType]:
    """Return the blocks that touch `period` as a table; `later` versions were left out because of a date."""
    zone = profile.zone
    lines: list[RenderableType] = [title(profile, tr("operation calendar"))]
    lines += [tr("warning: {warning}", warning=warning) for warning in plan.warnings]
    planned = blocks_within(plan, period)
    if not planned:
        if later:
            return [
                *lines,
                trn(
                    "nothing was planned by that date: {n} version of the calendar came later",
                    "nothing was planned by that date: {n} versions of the calendar came later",
                    later,
                ),
            ]
        if period:
            return [*lines, tr("nothing is planned in {period}", period=period.id)]
        return [*lines, tr("nothing is planned; import a schedule with: kado schedule import FILE")]
    offset = offsets_of((ns for p in planned for ns in (p.block.start_ns, p.block.end_ns)), zone)
    start = tr("start ({offset})", offset=offset)
    rows = table(order=[start, "end", "h", "category", "run", "published", "note"], right=["h"])
    for p in planned:
        b = p.block
        words = " ".join(filter(None, [*b.tags, b.note]))
        published = local(p.published_at_ns, zone)[:10]
        start, end = local(b.start_ns, zone)[:16], local(b.end_ns, zone)[5:16]
        end += changed_offset(b.start_ns, b.end_ns, zone)
        rows.add_row(start, end, _hours(b.start_ns, b.end_ns), term(b.category.value), b.run or "", published, words)
    return [*lines, rows]


def changes(
    profile: Profile, versions: Sequence[ScheduleVersion], since_ns: int, until_ns: int | None
) -> list[RenderableType]:
    """Return what the versions published in ``(since_ns, until_ns]`` changed, as a table."""
    zone = profile.zone
    found = changes_between(
        resolve(versions, as_published_on_ns=since_ns), resolve(versions, as_published_on_ns=until_ns)
    )
    since = local(since_ns, zone, offset=True)
    until = tr("now") if until_ns is None else local(until_ns, zone, offset=True)
    heading = title(profile, tr("calendar changes between {since} and {until}", since=since, until=until))
    if not found:
        return [heading, tr("no change")]
    return [heading, _change_rows(profile, found)]


def _change_rows(profile: Profile, found: Sequence[Change]) -> Table:
    zone = profile.zone
    offset = offsets_of((ns for c in found for ns in (c.start_ns, c.end_ns)), zone)
    rows = table(order=[tr("start ({offset})", offset=offset), "end", "h", "before", "after"], right=["h"])
    for c in found:
        start, end = local(c.start_ns, zone)[:16], local(c.end_ns, zone)[:16]
        end += changed_offset(c.start_ns, c.end_ns, zone)
        rows.add_row(start, end, _hours(c.start_ns, c.end_ns), c.before, c.after)
    return rows


def _hours(start_ns: int, end_ns: int) -> str:
    return hours((end_ns - start_ns) / NS_PER_H)
