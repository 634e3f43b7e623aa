"""``kado store status``."""

from rich.console import RenderableType

from facility.profile import Profile
from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.output import local, print_json, show, table, title
from kado.queries.outlook import Outlook, date_after
from kado.queries.store_status import Inventory, inventory_document, load_inventory
from kado.rounding import NONE, count, size
from storage.embedded.care.census import SignalCensus
from storage.embedded.care.forecast import HORIZON_YEARS


def store_status(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Show what is kept, and how long the disk will last.

    Of each signal samples, files and bytes, first and last stamp, and for how long it is kept. Works beside a
    running kado. Counts every row that is not sealed yet.

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
    embedded = inventory.store == "embedded"
    service = "no kado is running" if inventory.pid is None else f"kado is running, pid {inventory.pid}"
    lines: list[RenderableType] = [title(profile, f"store ({inventory.store})"), f"Service  {service}"]
    right = ["rows", "sealed", "files", "size", "B/sample", "minutes"] if embedded else ["samples"]
    rows = table(order=["signal", *right, "first", "last", "kept"], right=[*right])
    for one in inventory.signals:
        times = [local(one.first_ns, zone), local(one.last_ns, zone)]
        rows.add_row(one.signal, *_numbers(one, embedded=embedded), *times, _kept(inventory.keep_days[one.signal]))
    if inventory.signals:
        if embedded and len(inventory.signals) > 1:
            rows.add_row("all", *_numbers(_sum(inventory.signals), embedded=True), "", "", "")
        lines += ["", rows]
    else:
        lines += ["", "no samples yet"]
    return [*lines, "", *_space(inventory), f"Outlook  {outlook_line(profile, inventory.outlook, inventory.now_ns)}"]


def _numbers(one: SignalCensus, *, embedded: bool) -> list[str]:
    if not embedded:
        return [count(one.rows)]
    a_sample = f"{one.bytes / one.sealed:.2f}" if one.sealed else NONE
    return [count(one.rows), count(one.sealed), count(one.files), size(one.bytes), a_sample, size(one.minute_bytes)]


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
    return "for ever" if days is None else f"{count(days)} days"


def _space(inventory: Inventory) -> list[str]:
    space = inventory.outlook.space
    log = f" and {size(space.log)} of log" if space.log else ""
    reusable = f", of which {size(space.reusable)} are free for new rows" if space.reusable else ""
    lines = [f"Rows     telemetry.db {size(space.database)}{reusable}{log}"]
    if inventory.store == "embedded":
        leftovers = f"; {space.leftovers} files left over, removed at the next sealing" if space.leftovers else ""
        lines.append(f"Sealed   {size(space.archive)} in {space.archive_root}{leftovers}")
    else:
        lines.append(f"Waiting  {count(inventory.waiting)} samples to be forwarded")
    return [*lines, f"Journal  {size(space.journal)}"]


_YEAR_DAYS = 365


def outlook_line(profile: Profile, outlook: Outlook, now_ns: int) -> str:
    """Return what is kept, how fast it grows and how long the disk takes it."""
    space = outlook.space
    kept = f"{size(space.database + space.log + space.journal + space.archive)} kept"
    growth, ahead = outlook.growth, outlook.forecast
    free = space.free if space.archive_free is None else space.archive_free
    if growth is None:
        return f"{kept}; {size(space.free)} free"
    if ahead is None or growth.bytes_a_day is None:
        samples = f"{count(round(growth.samples_a_day))} samples a day"
        if growth.bytes_a_day is not None:
            return f"{kept}, {size(growth.bytes_a_day)} more a day"
        return f"{kept}, {samples}; {size(free)} free; a forecast follows once a first day is sealed"
    more = f"{size(growth.bytes_a_day)} more a day"
    return f"{kept}, {more}; {size(ahead.bytes_in_a_year)} sealed in a year; {_room(profile, outlook, now_ns)}"


def _room(profile: Profile, outlook: Outlook, now_ns: int) -> str:
    ahead = outlook.forecast
    free = size(outlook.space.archive_free or 0)
    if ahead is None or ahead.full_in_days is None:
        return f"{free} free, enough for {HORIZON_YEARS} years"
    days = ahead.full_in_days
    if days > 2 * _YEAR_DAYS:
        return f"{free} free, enough for {days // _YEAR_DAYS} years"
    return f"{free} free, full about {date_after(profile, now_ns, days)}"
