"""What the store holds, signal by signal."""

from typing import Any

from rich.console import RenderableType

from console.care.inventory import Inventory
from console.output import local, table, title
from console.rounding import NONE, count, size
from console.views.outlook import outlook_document, outlook_line
from facility.time import format_time
from storage.embedded.care.census import SignalCensus


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


def inventory_document(inventory: Inventory) -> dict[str, Any]:
    """Return the same for programs."""
    profile = inventory.profile
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "time": format_time(inventory.now_ns, profile.zone),
        "store": inventory.store.partition(",")[0],
        "running_pid": None if inventory.pid is None else int(inventory.pid),
        "signals": [_document(inventory, one) for one in inventory.signals],
        "waiting": inventory.waiting,
        "leftovers": inventory.outlook.space.leftovers,
        **outlook_document(profile, inventory.outlook, inventory.now_ns),
    }


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


def _document(inventory: Inventory, one: SignalCensus) -> dict[str, Any]:
    zone = inventory.profile.zone
    embedded = inventory.store == "embedded"
    known = {
        "rows": one.rows,
        "sealed": one.sealed,
        "files": one.files,
        "bytes": one.bytes,
        "bytes_a_sample": one.bytes / one.sealed if one.sealed else None,
        "minute_files": one.minute_files,
        "minute_bytes": one.minute_bytes,
    }
    return {
        "signal": one.signal,
        **(known if embedded else {"samples": one.rows}),
        "first": format_time(one.first_ns, zone),
        "last": format_time(one.last_ns, zone),
        "keep_days": inventory.keep_days[one.signal],
    }
