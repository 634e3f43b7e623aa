"""What `kado store copy` read, wrote and counted."""

from dataclasses import asdict
from typing import Any

from rich.console import RenderableType

from console.copying import CopyResult
from console.output import local, table, title
from console.rounding import count
from facility.profile import Profile
from facility.time import format_time


def copy_table(profile: Profile, result: CopyResult) -> list[RenderableType]:
    """Return a line for each signal, and what of them was counted on both sides when all was done."""
    lines: list[RenderableType] = [title(profile, f"copied from {result.source} to {result.target}")]
    if result.kept_from_ns is not None:
        since = local(result.kept_from_ns, profile.zone, offset=True)
        lines.append(f"only what is stamped from {since} on, since the bucket keeps nothing that is older")
    numbers = ["read", "written", "replaced", "there already", "in source", "in target"]
    rows = table(["signal"], numbers)
    for s in result.signals:
        rows.add_row(s.signal, *map(count, (s.read, s.written, s.replaced, s.there, s.in_source, s.in_target)))
    lines.append(rows)
    if not result.signals:
        lines.append("nothing to copy")
    grown = [s for s in result.signals if result.kept_from_ns is None and s.in_source > s.read]
    if grown:
        names = ", ".join(f"{count(s.in_source - s.read)} of {s.signal}" for s in grown)
        lines.append(f"came while copying: {names}; the same command copies them")
    return lines


def copy_document(profile: Profile, result: CopyResult) -> dict[str, Any]:
    """Return the same for programs."""
    since = result.kept_from_ns
    return {
        "facility": profile.id,
        "simulated": profile.simulated,
        "from": result.source,
        "to": result.target,
        "kept_from": None if since is None else format_time(since, profile.zone),
        "signals": [asdict(s) for s in result.signals],
        "problems": result.problems(),
    }
