"""``kado store status``."""

from rich.console import RenderableType

from facility.profile import Profile
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import marked, tr, trn
from kado.output import facts, local, print_json, show, table, title
from kado.queries.outlook import date_after
from kado.queries.store_status import Inventory, inventory_document, load_inventory
from kado.rounding import count, size
from storage.inventory import HORIZON_YEARS, Outlook, SignalCensus


def store_status(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Show stored data and the disk space forecast.

    For each signal: samples, files and bytes, first and last stamp, and retention. Works while kado runs.
    Counts every row that is not sealed yet.

    \b
    Examples:
      kado store status
      kado store status --format json
    """
    inventory = load_inventory(load_configuration(config), system_clock())
    if output is Format.JSON:
        print_json(inventory_document(inventory))
    else:
        show(*inventory_report(inventory))


def inventory_report(inventory: Inventory) -> list[RenderableType]:
    """Return a row for each signal, then what lies on the disk, then the outlook."""
    profile, zone = inventory.profile, inventory.profile.zone
    signals, keep_days = inventory.holdings.signals, inventory.holdings.keep_days
    lines: list[RenderableType] = [
        title(profile, tr("store ({store})", store=inventory.title)),
        facts([("Service", service_line(inventory.pid))]),
    ]
    right = ["samples", marked("size")] if inventory.local else ["samples"]
    rows = table(order=["signal", *right, "first", "last", "kept"], right=[*right])
    for one in signals:
        times = [local(one.first_ns, zone), local(one.last_ns, zone)]
        rows.add_row(one.signal, *_numbers(one, local=inventory.local), *times, _kept(keep_days[one.signal]))
    if signals:
        if inventory.local and len(signals) > 1:
            rows.add_row(tr("all"), *_numbers(_sum(signals), local=True), "", "", "")
        lines += ["", rows]
    else:
        lines += ["", tr("no samples yet")]
    outlook = outlook_line(profile, inventory.outlook, inventory.now_ns)
    return [*lines, "", facts([*_space(inventory), ("Outlook", outlook)])]


def service_line(pid: str | None) -> str:
    """Return whether a kado runs on the data directory."""
    return tr("kado is not running") if pid is None else tr("kado is running, pid {pid}", pid=pid)


def _numbers(one: SignalCensus, *, local: bool) -> list[str]:
    if not local:
        return [count(one.rows)]
    return [count(one.rows + one.sealed), size(one.bytes + one.minute_bytes)]


def _sum(signals: tuple[SignalCensus, ...]) -> SignalCensus:
    return SignalCensus(
        signal="all",
        rows=sum(one.rows for one in signals),
        sealed=sum(one.sealed for one in signals),
        files=sum(one.files for one in signals),
        bytes=sum(one.bytes for one in signals),
        minute_files=sum(one.minute_files for one in signals),
        minute_bytes=sum(one.minute_bytes for one in signals),
        first_ns=min(one.first_ns for one in signals),
        last_ns=max(one.last_ns for one in signals),
    )


def _kept(days: int | None) -> str:
    return tr("without limit") if days is None else trn("{n} day", "{n} days", days)


def _space(inventory: Inventory) -> list[tuple[str, RenderableType]]:
    space = inventory.outlook.space
    log = tr("; log {size}", size=size(space.log)) if space.log else ""
    reusable = tr(", {size} of it free for new rows", size=size(space.reusable)) if space.reusable else ""
    signals = inventory.holdings.signals
    all_of_them = _sum(signals) if signals else None
    telemetry = f"telemetry.db {size(space.database)}{reusable}{log}"
    if inventory.local and all_of_them is not None:
        telemetry = trn("{n} row; ", "{n} rows; ", all_of_them.rows) + telemetry
    lines: list[tuple[str, RenderableType]] = [(marked("Rows"), telemetry)]
    if inventory.local:
        leftovers = tr("; {n} unused files, removed at the next sealing", n=space.leftovers) if space.leftovers else ""
        sealed = tr("{size} in {folder}", size=size(space.archive), folder=space.archive_root)
        if all_of_them is not None and all_of_them.sealed:
            held = trn("{n} sample", "{n} samples", all_of_them.sealed)
            files = trn("{n} file", "{n} files", all_of_them.files)
            a_sample = f"{all_of_them.bytes / all_of_them.sealed:.2f}"
            sealed += tr("; {samples} in {files}, {bytes} B/sample", samples=held, files=files, bytes=a_sample)
            sealed += tr("; minutes {size}", size=size(all_of_them.minute_bytes))
        lines.append((marked("Sealed"), sealed + leftovers))
    else:
        lines.append(
            (marked("Waiting"), trn("{n} sample to forward", "{n} samples to forward", inventory.holdings.waiting))
        )
    return [*lines, (marked("Journal"), size(space.journal))]


_YEAR_DAYS = 365


def outlook_line(profile: Profile, outlook: Outlook, now_ns: int) -> str:
    """Return what is kept, how fast it grows and how long the disk takes it."""
    space = outlook.space
    kept = tr("{size} used", size=size(space.database + space.log + space.journal + space.archive))
    growth, ahead = outlook.growth, outlook.forecast
    free = space.free if space.archive_free is None else space.archive_free
    if growth is None:
        return tr("{used}; {free} free", used=kept, free=size(space.free))
    if ahead is None or growth.bytes_a_day is None:
        if growth.bytes_a_day is not None:
            return tr("{used}, {growth} per day", used=kept, growth=size(growth.bytes_a_day))
        return tr(
            "{used}, {samples} samples per day; {free} free; forecast available after the first sealed day",
            used=kept,
            samples=count(round(growth.samples_a_day)),
            free=size(free),
        )
    return tr(
        "{used}, {growth} per day; {year} sealed in one year; {room}",
        used=kept,
        growth=size(growth.bytes_a_day),
        year=size(ahead.bytes_in_a_year),
        room=_room(profile, outlook, now_ns),
    )


def _room(profile: Profile, outlook: Outlook, now_ns: int) -> str:
    ahead = outlook.forecast
    free = size(outlook.space.archive_free or 0)
    if ahead is None or ahead.full_in_days is None:
        return tr("{free} free, enough for {years} years", free=free, years=HORIZON_YEARS)
    days = ahead.full_in_days
    if days > 2 * _YEAR_DAYS:
        return tr("{free} free, enough for {years} years", free=free, years=days // _YEAR_DAYS)
    return tr("{free} free, full about {date}", free=free, date=date_after(profile, now_ns, days))
